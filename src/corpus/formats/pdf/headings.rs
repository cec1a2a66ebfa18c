//! Headings of a PDF: its bookmarks where they are found in the text, else lines that look like headings.

use super::Placed;
use super::file::Bookmark;
use super::layout;
use crate::corpus::formats::outline::Heading;
use crate::text::Span;

const MAX_HEADING_LINES: usize = 3;
/// Lines of a page that a bookmark is looked for in.
const MAX_LINES_TRIED: usize = 500;

/// In the order of the text.
pub(super) fn find(text: &str, blocks: &[Placed], bookmarks: &[Bookmark]) -> Vec<Heading> {
    let marked = by_bookmarks(text, blocks, bookmarks);
    // Bookmarks that are not in the text, as of pages by number, are no help.
    if marked.len() > 1 && 2 * marked.len() >= bookmarks.len() { marked } else { layout::headings(text, blocks) }
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
