//! Headings of a PDF: its bookmarks where they are found in the text, else lines in clearly larger letters.

use std::collections::HashMap;

use super::Placed;
use super::blocks::Block;
use super::file::Bookmark;
use crate::corpus::formats::outline::{Heading, on_one_line};
use crate::text::Span;

/// In larger letters than most of the text, by this factor.
const LARGER: f32 = 1.15;
/// Enough for a short line.
const SLIGHTLY_LARGER: f32 = 1.07;
const MAX_HEADING_CHARACTERS: usize = 200;
const MAX_HEADING_LINES: usize = 3;
/// Lines of a page that a bookmark is looked for in.
const MAX_LINES_TRIED: usize = 500;
const MAX_LEVELS: usize = 4;
/// Text of which more than this share is headings has none.
const MAX_SHARE: usize = 4;

/// In the order of the text.
pub(super) fn find(text: &str, blocks: &[Placed], bookmarks: &[Bookmark]) -> Vec<Heading> {
    let marked = by_bookmarks(text, blocks, bookmarks);
    // Bookmarks that are not in the text, as of pages by number, are no help.
    if marked.len() > 1 && 2 * marked.len() >= bookmarks.len() { marked } else { by_size(text, blocks) }
}

fn by_bookmarks(text: &str, blocks: &[Placed], bookmarks: &[Bookmark]) -> Vec<Heading> {
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
        let heading = lines.filter(|line| !title.is_empty() && is_title(line.of(text), &title)).map(|line| {
            // A long title goes on in the next line.
            let rest = &text[line.start..];
            let end = (1..=MAX_HEADING_LINES).find_map(|count| {
                let end = rest.match_indices('\n').nth(count - 1).map_or(rest.len(), |(at, _)| at);
                (letters(&rest[..end]).len() >= title.len()).then_some(line.start + end)
            });
            Span { start: line.start, end: end.unwrap_or(line.end) }
        });
        if let Some(span) = heading.into_iter().next() {
            found.push(Heading { span, level: bookmark.level, title: bookmark.title.clone() });
        }
    }
    found
}

/// Whether a line is this title, its number left out or not, or the beginning of it.
fn is_title(line: &str, title: &str) -> bool {
    if line.len() > 4 * title.len() + 80 {
        return false;
    }
    let line = letters(line);
    let unnumbered = |text: &str| text.trim_start_matches(|it: char| it.is_numeric()).to_owned();
    let (short_line, short_title) = (unnumbered(&line), unnumbered(title));
    line == title
        || (!short_line.is_empty() && short_line == short_title)
        || (line.len() >= 12
            && (title.starts_with(&line) || short_title.starts_with(&short_line))
            && short_line.len() >= 8)
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

fn by_size(text: &str, placed: &[Placed]) -> Vec<Heading> {
    let step = |block: &Block| (block.size * 2.0).round() as u32;
    let mut bytes: HashMap<u32, usize> = HashMap::new();
    let mut bold = 0;
    for Placed { span, block, .. } in placed {
        *bytes.entry(step(block)).or_default() += span.end - span.start;
        bold += if block.bold { span.end - span.start } else { 0 };
    }
    let Some((&most, _)) = bytes.iter().max_by_key(|&(&size, &bytes)| (bytes, size)) else { return Vec::new() };
    let bold_tells = 4 * bold < text.len();
    let is_heading = |placed: &&Placed| {
        let (block, title) = (&placed.block, placed.span.of(text));
        let ratio = step(block) as f32 / most as f32;
        let short = block.lines <= 2
            && title.chars().count() <= 120
            && !title.starts_with(char::is_lowercase)
            && !title.ends_with(['.', ':', '-']);
        let stands_out =
            ratio >= LARGER || (short && (ratio >= SLIGHTLY_LARGER || (block.bold && bold_tells && ratio > 0.95)));
        stands_out
            && !block.is_table
            && !block.aside
            && block.lines <= MAX_HEADING_LINES
            && title.chars().count() <= MAX_HEADING_CHARACTERS
            && title.chars().filter(|it| it.is_alphabetic()).count() >= 2
            && !title.ends_with([',', ';'])
    };
    let chosen: Vec<&Placed> = placed.iter().filter(is_heading).collect();
    let share: usize = chosen.iter().map(|placed| placed.span.end - placed.span.start).sum();
    if share * MAX_SHARE > text.len() {
        return Vec::new();
    }
    let mut sizes: Vec<u32> = chosen.iter().map(|placed| step(&placed.block)).collect();
    sizes.sort_unstable_by(|one, other| other.cmp(one));
    sizes.dedup();
    let level = |block: &Block| sizes.partition_point(|&size| size > step(block)).min(MAX_LEVELS - 1) as u8 + 1;
    chosen
        .iter()
        .map(|Placed { span, block, .. }| {
            let title = on_one_line(span.of(text));
            // Among headings in letters of one size, those with longer numbers lie deeper: "2.1" below "2".
            let depth = title.split(' ').next().map_or(0, |number| number.trim_end_matches('.').matches('.').count());
            let numbered = title.starts_with(|it: char| it.is_ascii_digit());
            Heading { span: *span, level: level(block) * 8 + if numbered { depth.min(7) as u8 } else { 0 }, title }
        })
        .collect()
}
