//! Headings of a PDF: its bookmarks where they are found in the text, else lines that look like
//! headings.

use super::blocks::PlacedBlock;
use super::file::Bookmark;
use super::visual_headings;
use crate::document::Section;
use crate::outline::{self, Heading};
use crate::span::Span;

const MAX_HEADING_LINES: usize = 3;
/// Pages that one heading may stand over alone, and how many times more than others do.
const MAX_PAGES_ALONE: usize = 20;
const MAX_TIMES_USUAL: usize = 3;
/// Lines of a page that a bookmark is looked for in.
const MAX_LINES_TRIED: usize = 500;

/// The sections of a text.
pub(super) fn sections(text: &str, blocks: &[PlacedBlock], bookmarks: &[Bookmark]) -> Vec<Section> {
    let marked = by_bookmarks(text, blocks, bookmarks);
    // Bookmarks that are not in the text, as of pages by number, are no help.
    if marked.len() > 1 && 2 * marked.len() >= bookmarks.len() {
        return outline::sections(text, 0, None, &marked);
    }
    let mut sections = outline::sections(text, 0, None, &visual_headings::headings(text, blocks));
    leave_out_doubtful(&mut sections, blocks);
    sections
}

/// Takes away a heading that no other follows for far more pages than follow others: what looks
/// like one is alone in that, and what comes after so many pages has little to do with it. The
/// title of the whole stands on the first page, and stays.
fn leave_out_doubtful(sections: &mut [Section], blocks: &[PlacedBlock]) {
    let page = |offset: usize| {
        let after = blocks.partition_point(|placed| placed.span.start < offset);
        after.checked_sub(1).map_or(0, |last| blocks[last].page)
    };
    let pages = |section: &Section| page(section.span.end) - page(section.span.start + 1);
    let lengths: Vec<usize> = sections.iter().map(pages).collect();
    let mut in_order = lengths.clone();
    in_order.sort_unstable();
    // Where chapters are long, several are.
    let usual = in_order.get((lengths.len() * 9 / 10).min(lengths.len().saturating_sub(2))).copied().unwrap_or(0);
    for (section, length) in sections.iter_mut().zip(lengths) {
        if length > MAX_PAGES_ALONE && length > MAX_TIMES_USUAL * usual && page(section.span.start + 1) > 0 {
            section.headings.pop();
        }
    }
}

/// Bookmarks that are found in the text, in its order.
fn by_bookmarks(text: &str, blocks: &[PlacedBlock], bookmarks: &[Bookmark]) -> Vec<Heading> {
    let mut found: Vec<Heading> = Vec::new();
    for bookmark in bookmarks {
        let title = letters(&bookmark.title);
        let after = found.last().map_or(0, |heading| heading.span.end);
        let from = blocks.partition_point(|block| block.page < bookmark.page);
        let on_page = blocks[from..].iter().take_while(|block| block.page == bookmark.page);
        let lines = on_page
            .flat_map(|block| lines_of(text, block.span))
            .filter(|line| line.start >= after)
            .take(MAX_LINES_TRIED);
        let mut spans = lines.filter_map(|line| title_at(text, line, &title));
        if let Some(span) = spans.next() {
            found.push(Heading { span, level: bookmark.level, title: bookmark.title.clone() });
        }
    }
    found
}

/// Where a title stands that begins with this line, its number left out or not; a long one goes on
/// in the next lines.
fn title_at(text: &str, line: Span, title: &str) -> Option<Span> {
    if title.is_empty() || line.end - line.start > 4 * title.len() + 80 {
        return None;
    }
    let unnumbered = |text: &str| text.trim_start_matches(|it: char| it.is_numeric()).to_owned();
    let short_title = unnumbered(title);
    let rest = &text[line.start..];
    let ends = rest.match_indices('\n').map(|(at, _)| at).chain([rest.len()]).take(MAX_HEADING_LINES);
    for end in ends {
        let lines = letters(&rest[..end]);
        let short_lines = unnumbered(&lines);
        if lines == title || (!short_lines.is_empty() && short_lines == short_title) {
            return Some(Span { start: line.start, end: line.start + end });
        }
        if !title.starts_with(&lines) && !short_title.starts_with(&short_lines) {
            return None;
        }
    }
    // The beginning of a title that is cut off where it stands.
    let (lines, short_lines) = (letters(line.of(text)), unnumbered(&letters(line.of(text))));
    (lines.len() >= 12 && short_lines.len() >= 8).then_some(line)
}

fn letters(text: &str) -> String {
    text.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn lines_of(text: &str, span: Span) -> impl Iterator<Item = Span> {
    let mut start = span.start;
    span.of(text).split('\n').map(move |line| {
        let span = Span { start, end: start + line.len() };
        start = span.end + 1;
        span
    })
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::pdf::{Content, content};

    /// With fewer bookmarks in its text a file says nothing of its headings.
    const MIN_BOOKMARKS: usize = 3;

    /// Headings told by layout alone, measured on the bookmarks of real files: prints precision and
    /// recall for each file below `KINGLET_DOCUMENTS`, and their means.
    #[test]
    #[ignore = "measures the files below KINGLET_DOCUMENTS: make bench-documents"]
    fn headings_of_files_with_bookmarks() {
        let folder = std::env::var("KINGLET_DOCUMENTS").expect("KINGLET_DOCUMENTS is a folder");
        let (mut folders, mut files) = (vec![PathBuf::from(folder)], Vec::new());
        while let Some(folder) = folders.pop() {
            let (below, here): (Vec<_>, Vec<_>) =
                std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).partition(|path| path.is_dir());
            folders.extend(below);
            files.extend(here.into_iter().filter(|path| path.extension().is_some_and(|it| it == "pdf")));
        }
        files.sort();
        let measured: Vec<(f64, f64)> = files.iter().filter_map(|path| measured(path)).collect();
        let mean = |of: fn(&(f64, f64)) -> f64| measured.iter().map(of).sum::<f64>() / measured.len().max(1) as f64;
        let (precision, recall) = (mean(|it| it.0), mean(|it| it.1));
        println!(
            "headings by layout, {} files with bookmarks: precision {precision:.3}, recall {recall:.3}",
            measured.len()
        );
    }

    fn measured(path: &Path) -> Option<(f64, f64)> {
        let bytes = std::fs::read(path).ok()?;
        let Content { text, blocks, bookmarks, .. } = content(&bytes, &|| {}).ok()?;
        let (marked, found) = (by_bookmarks(&text, &blocks, &bookmarks), visual_headings::headings(&text, &blocks));
        if marked.len() < MIN_BOOKMARKS {
            return None;
        }
        let precision = share(&found, &marked);
        let recall = share(&marked, &found);
        println!("precision {precision:.3}, recall {recall:.3}, {} bookmarks: {}", marked.len(), path.display());
        Some((precision, recall))
    }

    /// The share of headings that stand where one of the others does.
    fn share(headings: &[Heading], others: &[Heading]) -> f64 {
        let overlaps =
            |one: &Heading, other: &Heading| one.span.start < other.span.end && other.span.start < one.span.end;
        let there = headings.iter().filter(|one| others.iter().any(|other| overlaps(one, other))).count();
        there as f64 / headings.len().max(1) as f64
    }
}
