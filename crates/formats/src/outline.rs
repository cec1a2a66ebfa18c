//! Divides a text into sections by its headings, in the same way for every format.

use crate::document::Section;
use crate::span::Span;

/// Each section repeats the headings above it: of a longer one, only its text is whole.
const MAX_TITLE_BYTES: usize = 300;
/// A heading under so many others takes the place of the innermost one.
const MAX_DEPTH: usize = 12;

/// A heading in a text.
#[derive(Debug)]
pub(crate) struct Heading {
    /// From the start of its line to where its body begins.
    pub(crate) span: Span,
    /// 1 for the outermost.
    pub(crate) level: u8,
    /// What it says, on one line, without markup. Never empty.
    pub(crate) title: String,
}

/// Sections of `text` from `from` on, without gap or overlap, `outermost` over all of them. White
/// space before the first heading goes with it; other text there is a section under `outermost`
/// alone.
pub(crate) fn sections(text: &str, from: usize, outermost: Option<&str>, found: &[Heading]) -> Vec<Section> {
    let outermost: Vec<String> = outermost.map(shortened).into_iter().collect();
    let mut sections = Vec::new();
    let mut start = from;
    let preamble = Span { start, end: found.first().map_or(text.len(), |heading| heading.span.start) };
    if !preamble.of(text).trim().is_empty() || (found.is_empty() && preamble.start < preamble.end) {
        sections.push(Section { span: preamble, body_start: start, headings: outermost.clone() });
        start = preamble.end;
    }
    let mut path: Vec<&Heading> = Vec::new();
    for (index, heading) in found.iter().enumerate() {
        path.retain(|above| above.level < heading.level);
        path.truncate(MAX_DEPTH - 1);
        path.push(heading);
        let end = found.get(index + 1).map_or(text.len(), |next| next.span.start);
        let titles = path.iter().map(|heading| shortened(&heading.title));
        let headings = outermost.iter().cloned().chain(titles).collect();
        sections.push(Section { span: Span { start, end }, body_start: heading.span.end, headings });
        start = end;
    }
    sections
}

/// The title, or its beginning with `…` if it is too long to be repeated.
pub(crate) fn shortened(title: &str) -> String {
    if title.len() <= MAX_TITLE_BYTES {
        return title.to_owned();
    }
    format!("{}…", title[..title.floor_char_boundary(MAX_TITLE_BYTES - '…'.len_utf8())].trim_end())
}

/// On one line, with single spaces.
pub(crate) fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_do_not_grow_with_the_product_of_their_number_and_length() {
        let title = "long ".repeat(10_000);
        let mut text = String::new();
        let mut found = Vec::new();
        for number in 0..10_000 {
            let start = text.len();
            text.push_str(if number < 100 { &title } else { "short" });
            let level = number.min(200) as u8;
            found.push(Heading { span: Span { start, end: text.len() }, level, title: text[start..].to_owned() });
        }
        let found = sections(&text, 0, Some(&title), &found);
        let bytes: usize = found.iter().flat_map(|section| &section.headings).map(String::len).sum();
        assert!(bytes < 10 * text.len(), "{bytes} bytes of headings over {} bytes", text.len());
        assert_eq!(found[0].headings[0], shortened(&found[0].headings[0]));
        assert!(found[0].headings[0].ends_with("long lo…"));
        assert_eq!(found.last().unwrap().headings.last().unwrap(), "short");
    }
}
