//! Writes blocks as text: each line with its location, headings noted, tables as rows that can be
//! understood alone.

use super::flow::{Block, Flow, Role, TableRow};
use super::table::{self, Row};
use crate::document::{Document, Format};
use crate::location::LocationUnit;
use crate::outline::{self, Heading};
use crate::span::Span;
use crate::text_builder::{Gap, TextBuilder};

/// A heading longer than this is text that someone made look like one.
const MAX_HEADING_BYTES: usize = 300;
/// A longer text of a cell that reaches over several rows stands in the first of them alone.
const MAX_CONTINUED_BYTES: usize = 400;

/// Text with locations and headings.
#[derive(Debug)]
pub(super) struct DocumentWriter {
    pub(super) lines: TextBuilder,
    headings: Vec<Heading>,
    /// The location of the last thing written.
    pub(super) location: u32,
    /// True if each paragraph and each row of a table is a location of its own.
    counts_paragraphs: bool,
}

impl DocumentWriter {
    /// Text whose locations are paragraphs.
    pub(super) fn of_paragraphs() -> Self {
        DocumentWriter { lines: TextBuilder::new(), headings: Vec::new(), location: 0, counts_paragraphs: true }
    }

    /// Text that stands at `location`, which the caller moves on.
    pub(super) fn of_slides() -> Self {
        DocumentWriter { counts_paragraphs: false, ..DocumentWriter::of_paragraphs() }
    }

    /// Writes blocks one after the other.
    pub(super) fn write(&mut self, blocks: &[Block]) {
        let mut after_item = false;
        for block in blocks {
            match block {
                Block::Paragraph(role, text) => {
                    let is_item = matches!(role, Role::Item(_));
                    self.paragraph(role, text, if is_item && after_item { Gap::Line } else { Gap::Blank });
                    after_item = is_item;
                }
                Block::Table(rows) => {
                    self.table(rows);
                    after_item = false;
                }
            }
        }
    }

    /// Writes a paragraph after this gap.
    pub(super) fn paragraph(&mut self, role: &Role, text: &str, gap: Gap) {
        if *role != Role::Note {
            self.next_location();
        }
        let location = self.location.max(1);
        self.lines.part(gap);
        match role {
            Role::Item(None) if !text.starts_with(['•', '-', '–', '*']) => self.lines.mark("- "),
            Role::Item(Some(number)) => self.lines.mark(&format!("{number} ")),
            Role::Body | Role::Heading(_) | Role::Note | Role::Item(None) => {}
        }
        self.lines.open(location);
        let start = self.lines.text().len();
        for character in text.chars() {
            match character {
                '\n' => self.lines.new_line(location),
                _ => self.lines.push(character),
            }
        }
        let end = self.lines.text().len();
        if let Role::Heading(level) = role
            && text.len() <= MAX_HEADING_BYTES
        {
            let title = text.replace('\n', " ");
            self.headings.push(Heading { span: Span { start, end }, level: *level, title });
        }
    }

    fn next_location(&mut self) {
        if self.counts_paragraphs {
            self.location = self.location.saturating_add(1);
        }
    }

    fn table(&mut self, rows: &[TableRow]) {
        // A table of one column only frames what is in it.
        let columns = rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
        if columns <= 1 {
            rows.iter().flat_map(|row| &row.cells).for_each(|cell| self.write(&cell.content));
            return;
        }
        let named_by = rows.iter().take_while(|row| row.is_header).count();
        for (index, (_, line)) in table::lines(&flat_rows(rows), named_by).into_iter().enumerate() {
            self.next_location();
            self.lines.part(if index == 0 { Gap::Blank } else { Gap::Line });
            self.lines.open(self.location.max(1));
            line.chars().for_each(|character| self.lines.push(character));
        }
    }
}

/// A word processor's document of what a flow holds.
pub(super) fn document(flow: Flow, metadata: Vec<(String, String)>) -> Document {
    let mut writer = DocumentWriter::of_paragraphs();
    writer.write(&flow.into_blocks());
    let (text, locations) = writer.lines.finish();
    let sections = outline::sections(&text, 0, None, &writer.headings);
    let (format, unit, locations) = (Format::Word, LocationUnit::Paragraph, Some(locations));
    Document { format, text, sections, unit, locations, metadata, warning: None }
}

/// The rows with the text of their cells; a cell that continues the one above it has its text.
fn flat_rows(rows: &[TableRow]) -> Vec<Row> {
    let mut flat: Vec<Row> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let mut cells = Vec::new();
        for cell in &row.cells {
            let mut text = in_one_line(&cell.content);
            if text.is_empty() && cell.continues_above {
                let above = flat
                    .last()
                    .and_then(|above: &Row| above.cell(cell.column))
                    .filter(|above| above.len() <= MAX_CONTINUED_BYTES);
                text = above.unwrap_or_default().to_owned();
            }
            if !text.is_empty() {
                cells.push((cell.column, text));
            }
        }
        flat.push(Row { location: index as u32 + 1, cells, is_parted: false });
    }
    flat.retain(|row| !row.cells.is_empty());
    flat
}

fn in_one_line(blocks: &[Block]) -> String {
    let mut line = String::new();
    for block in blocks {
        let text = match block {
            Block::Paragraph(_, text) => text.replace('\n', " "),
            Block::Table(rows) => {
                let cells = |row: &TableRow| -> Vec<String> {
                    let texts = row.cells.iter().map(|cell| in_one_line(&cell.content));
                    texts.filter(|text| !text.is_empty()).collect()
                };
                let rows: Vec<_> = rows.iter().map(|row| cells(row).join(", ")).filter(|row| !row.is_empty()).collect();
                rows.join("; ")
            }
        };
        if !line.is_empty() && !text.is_empty() {
            line.push(' ');
        }
        line.push_str(&text);
    }
    line
}
