//! Divides a text into sections by its headings, in the same way for every format.

use crate::document::Section;
use crate::span::Span;

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
    let outermost: Vec<String> = outermost.map(str::to_owned).into_iter().collect();
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
        path.push(heading);
        let end = found.get(index + 1).map_or(text.len(), |next| next.span.start);
        let titles = path.iter().map(|heading| heading.title.clone());
        let headings = outermost.iter().cloned().chain(titles).collect();
        sections.push(Section { span: Span { start, end }, body_start: heading.span.end, headings });
        start = end;
    }
    sections
}

/// On one line, with single spaces.
pub(crate) fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
