//! Documents are cut into chunks with exact spans.

use crate::text::Span;

/// A piece of a document, small enough for every catalog embedder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Where it lies in the document's text: `span.of(&document.text) == text`.
    pub span: Span,
    /// The first line of the file that it is on, from 1.
    pub first_line: u32,
    /// The last line of the file that it is on.
    pub last_line: u32,
    /// The headings over it, outermost first.
    pub headings: Vec<String>,
    /// Its text.
    pub text: String,
}
