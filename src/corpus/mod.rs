//! A folder becomes documents: finding the files, telling what they are, reading their text.

pub mod beir;
pub mod formats;
pub mod questions;
pub mod walk;

use crate::text::Span;

/// What a file was read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Markdown (CommonMark with tables).
    Markdown,
    /// HTML.
    Html,
    /// Source code or configuration, read as text.
    Code,
    /// Plain text.
    Text,
}

/// A part of a document under one heading path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Where it lies in [`Document::text`], its own heading included.
    pub span: Span,
    /// Where its own heading ends and its body begins, in the same text; the start of `span` if no heading is there.
    pub body_start: usize,
    /// The headings over it, outermost first, its own last; empty before the first heading.
    pub headings: Vec<String>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it was read as.
    pub format: Format,
    /// Its text, decoded to UTF-8, without a byte order mark. For HTML, what a reader sees; for all others, the file.
    pub text: String,
    /// Sections in order; together they cover `text` without gap or overlap. Empty only when `text` is.
    pub sections: Vec<Section>,
    /// The line of the file, from 1, that each line of `text` comes from; `None` when they are the same lines.
    pub source_lines: Option<Vec<u32>>,
    /// What the document says of itself beside its text, as keys and values: front matter. A key may stand several times.
    pub metadata: Vec<(String, String)>,
}

impl Document {
    /// The line of the file, from 1, that the byte at `offset` of `text` stands on, given the offsets of line starts.
    pub(crate) fn source_line(&self, line_starts: &[usize], offset: usize) -> u32 {
        let line = line_starts.partition_point(|&start| start <= offset);
        match &self.source_lines {
            Some(lines) => lines[line - 1],
            None => line as u32,
        }
    }
    /// The line of the file that each line of the text in `span` comes from; `None` when they are the same lines.
    pub(crate) fn source_lines_of(&self, line_starts: &[usize], span: Span) -> Option<Vec<u32>> {
        let line = |offset| line_starts.partition_point(|&start| start <= offset);
        let lines = self.source_lines.as_ref()?;
        Some(lines[line(span.start) - 1..line(span.end - 1)].to_vec())
    }
}
