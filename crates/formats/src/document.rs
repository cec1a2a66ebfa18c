//! What a file is read as: its text, with sections and a location for every line.

use serde::{Deserialize, Serialize};

use crate::location::LocationUnit;
use crate::span::Span;

/// What a file was read as: a family of formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// Markdown (CommonMark with tables).
    Markdown,
    /// HTML.
    Html,
    /// Source code or configuration, read as text.
    Code,
    /// Plain text, reStructuredText, org.
    Text,
    /// PDF.
    Pdf,
    /// Word processing: DOCX, DOC, ODT, RTF.
    Word,
    /// Presentations: PPTX, PPT, ODP.
    Slides,
    /// Tables: XLSX, XLSB, XLS, ODS, CSV, TSV.
    Table,
    /// Mail: EML, MBOX, MSG.
    Mail,
    /// Books: EPUB.
    Book,
    /// Notebooks: IPYNB.
    Notebook,
    /// Data: JSON, JSONL, YAML, XML.
    Data,
}

impl Format {
    /// All of them, with the names that people write.
    pub const NAMED: &[(&str, Format)] = &[
        ("markdown", Format::Markdown),
        ("html", Format::Html),
        ("code", Format::Code),
        ("text", Format::Text),
        ("pdf", Format::Pdf),
        ("word", Format::Word),
        ("slides", Format::Slides),
        ("table", Format::Table),
        ("mail", Format::Mail),
        ("book", Format::Book),
        ("notebook", Format::Notebook),
        ("data", Format::Data),
    ];
}

/// A part of a document under one heading path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Where it lies in [`Document::text`], its own heading included.
    pub span: Span,
    /// Where its own heading ends and its body begins, in the same text; the start of `span` if no heading is there.
    pub body_start: usize,
    /// The headings over it, outermost first, its own last; empty before the first heading.
    pub headings: Vec<String>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// What it was read as.
    pub format: Format,
    /// Its text, decoded to UTF-8, without a byte order mark. For text, code and Markdown, the file; for all others, what a
    /// reader sees.
    pub text: String,
    /// Sections in order; together they cover `text` without gap or overlap. Empty only when `text` is.
    pub sections: Vec<Section>,
    /// What places in it are counted in.
    pub unit: LocationUnit,
    /// The place, from 1 and never falling (in a workbook, within a sheet), that each line of `text` comes from; `None` when its lines are those of the file.
    pub places: Option<Vec<u32>>,
    /// What the document says of itself beside its text, as keys and values: front matter. A key may stand several times.
    pub metadata: Vec<(String, String)>,
    /// What may be wrong with how the file was read, in a few words; `None` for most files.
    pub warning: Option<String>,
}

/// The warning about a file that was truncated because it met a limit begins with this.
pub(crate) const TRUNCATED: &str = "not read whole";

/// True if a warning says that a part of the file was left out because the file met a limit.
pub fn is_truncated(warning: &str) -> bool {
    warning.starts_with(TRUNCATED)
}

/// Joins two warnings; the one about truncation comes first.
pub(crate) fn join_warnings(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) if is_truncated(&other) && !is_truncated(&one) => Some(format!("{other}; {one}")),
        (Some(one), Some(other)) => Some(format!("{one}; {other}")),
        (one, other) => one.or(other),
    }
}

impl Document {
    /// A document of one section without a heading, whose locations are its own lines.
    pub(crate) fn without_headings(format: Format, text: String) -> Self {
        let sections = vec![Section { span: Span { start: 0, end: text.len() }, body_start: 0, headings: Vec::new() }];
        Document { format, text, sections, unit: LocationUnit::Line, places: None, metadata: Vec::new(), warning: None }
    }

    /// The place, from 1, that the byte at `offset` of `text` stands at, given the offsets of line starts.
    pub fn place(&self, line_starts: &[usize], offset: usize) -> u32 {
        let line = line_starts.partition_point(|&start| start <= offset);
        match &self.places {
            Some(places) => places[line - 1],
            None => line as u32,
        }
    }

    /// The place that each line of the text in `span` comes from; `None` when they are the lines of the file.
    pub fn places_of(&self, line_starts: &[usize], span: Span) -> Option<Vec<u32>> {
        let line = |offset| line_starts.partition_point(|&start| start <= offset);
        let places = self.places.as_ref()?;
        Some(places[line(span.start) - 1..line(span.end - 1)].to_vec())
    }
}
