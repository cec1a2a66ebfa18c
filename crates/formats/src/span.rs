//! Spans of bytes in a text, and the starts of its lines.

use serde::{Deserialize, Serialize};

/// A range of bytes in a text, on character boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The part of `text` in this span.
    pub fn of<'t>(&self, text: &'t str) -> &'t str {
        &text[self.start..self.end]
    }

    /// The same span without the white space at its ends in `text`.
    #[must_use]
    pub fn trimmed(&self, text: &str) -> Span {
        let part = self.of(text);
        let start = self.start + (part.len() - part.trim_start().len());
        Span { start, end: (start + part.trim().len()) }
    }
}

/// The byte offset of the start of every line; the first is 0.
pub fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}
