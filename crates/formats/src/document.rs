//! What a file is read as: its text, with sections and a location for every line.

use serde::{Deserialize, Serialize};

use crate::location::LocationUnit;
use crate::span::Span;

/// The family of formats that a file belongs to.
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
    /// All families, each with the name that people write.
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

/// A part of a document under one path of headings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Where the section lies in [`Document::text`]; it includes the section's own heading.
    pub span: Span,
    /// The byte of that text at which the own heading ends and the body begins. Equals the start of
    /// `span` if the section has no heading of its own.
    pub body_start: usize,
    /// The headings above the section, outermost first, its own last; empty before the first
    /// heading.
    pub headings: Vec<String>,
}

/// The text of a file, with its structure and its locations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The family of formats that the file was read as.
    pub format: Format,
    /// The text in UTF-8, without a byte order mark. For plain text, code and Markdown it is the
    /// whole file; for other formats it is what a person reads in it.
    pub text: String,
    /// The sections in order; together they cover `text` without a gap or an overlap. Empty only if
    /// `text` is.
    pub sections: Vec<Section>,
    /// What the locations count: lines, pages, rows.
    pub unit: LocationUnit,
    /// For each line of `text` the location in the file that it comes from, counted from 1.
    /// Locations never decrease (in a workbook, within a sheet). `None` if the lines of `text` are
    /// those of the file.
    pub locations: Option<Vec<u32>>,
    /// What the document says about itself, as keys and values: title, author, date, front matter.
    /// A key may occur several times.
    pub metadata: Vec<(String, String)>,
    /// What may be wrong with the text, in a few words, such as a guessed encoding; `None` for most
    /// files.
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
        Document {
            format,
            text,
            sections,
            unit: LocationUnit::Line,
            locations: None,
            metadata: Vec::new(),
            warning: None,
        }
    }

    /// The location, from 1, of the byte at `offset` of `text`, whose lines start at `line_starts`.
    pub fn location(&self, line_starts: &[usize], offset: usize) -> u32 {
        let line = line_starts.partition_point(|&start| start <= offset);
        match &self.locations {
            Some(locations) => locations[line - 1],
            None => line as u32,
        }
    }

    /// The location that each line of `text` in `span` comes from; `None` if they are the lines of
    /// the file.
    pub fn locations_of(&self, line_starts: &[usize], span: Span) -> Option<Vec<u32>> {
        let line = |offset| line_starts.partition_point(|&start| start <= offset);
        let locations = self.locations.as_ref()?;
        Some(locations[line(span.start) - 1..line(span.end - 1)].to_vec())
    }
}
