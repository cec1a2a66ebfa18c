//! Blocks become text: every line with its place, headings marked, tables as rows that can be understood alone.

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

/// Text with places and headings.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) lines: TextBuilder,
    headings: Vec<Heading>,
    /// The place of the last thing written.
    pub(super) place: u32,
    /// Whether each paragraph and row of a table is a place of its own.
    counts_paragraphs: bool,
}

impl Page {
    /// Text whose places are paragraphs.
    pub(super) fn of_paragraphs() -> Self {
        Page { lines: TextBuilder::new(), headings: Vec::new(), place: 0, counts_paragraphs: true }
    }

    /// Text that stands at `place`, which the caller moves on.
    pub(super) fn of_slides() -> Self {
        Page { counts_paragraphs: false, ..Page::of_paragraphs() }
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
            self.next_place();
        }
        let place = self.place.max(1);
        self.lines.part(gap);
        match role {
            Role::Item(None) if !text.starts_with(['•', '-', '–', '*']) => self.lines.mark("- "),
            Role::Item(Some(number)) => self.lines.mark(&format!("{number} ")),
            Role::Body | Role::Heading(_) | Role::Note | Role::Item(None) => {}
        }
        self.lines.open(place);
        let start = self.lines.text().len();
        for character in text.chars() {
            match character {
                '\n' => self.lines.new_line(place),
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

    fn next_place(&mut self) {
        if self.counts_paragraphs {
            self.place = self.place.saturating_add(1);
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
            self.next_place();
            self.lines.part(if index == 0 { Gap::Blank } else { Gap::Line });
            self.lines.open(self.place.max(1));
            line.chars().for_each(|character| self.lines.push(character));
        }
    }
}

/// A word processor's document of what a flow holds.
pub(super) fn document(flow: Flow, metadata: Vec<(String, String)>) -> Document {
    let mut page = Page::of_paragraphs();
    flow.write(&mut page);
    let (text, places) = page.lines.finish();
    let sections = outline::sections(&text, 0, None, &page.headings);
    let (format, unit, places) = (Format::Word, LocationUnit::Paragraph, Some(places));
    Document { format, text, sections, unit, places, metadata, warning: None }
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
        flat.push(Row { place: index as u32 + 1, cells, is_parted: false });
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

/// Single spaces, no control characters or soft hyphens, lines trimmed, none empty.
pub(super) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for line in text.split(['\n', '\r', '\x0b', '\x0c', '\u{2028}', '\u{2029}', '\u{85}']) {
        let mut between_words = false;
        let mut in_line = false;
        for character in line.chars() {
            match character {
                _ if character.is_whitespace() => between_words = true,
                '\u{ad}' | '\u{feff}' | '\u{200b}' | '\u{fffc}' | '\u{e000}'..='\u{f8ff}' => {}
                _ if character.is_control() => {}
                _ => {
                    if in_line && between_words {
                        clean.push(' ');
                    } else if !in_line && !clean.is_empty() {
                        clean.push('\n');
                    }
                    (in_line, between_words) = (true, false);
                    clean.push(character);
                }
            }
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_clean() {
        assert_eq!(clean(" a \u{a0}\t b\u{ad}c\u{7}\n\n \u{f0b7} d\r\ne\u{feff}"), "a bc\nd\ne");
    }
}
