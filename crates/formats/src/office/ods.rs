//! ODS: the values of all sheets, as they are shown.

use super::sheets::{self, Budget, Sheet};
use super::xml::{Element, Event, Xml};
use crate::clean::clean_lines;
use crate::document::Document;

/// A cell that is repeated fills at most this many columns.
const MAX_REPEATED: u32 = 64;
/// More cells that cover others are left as they are, and none covers more rows.
const MAX_SPANNED: usize = 10_000;
const MAX_ROWS_SPANNED: u32 = 200;

/// Reads the text of `content.xml`.
pub(super) fn read(content: &str, metadata: Vec<(String, String)>) -> Document {
    let mut reader = Reader {
        budget: Budget::new(),
        sheets: Vec::new(),
        row: 0,
        next_row: 0,
        column: 0,
        cell: None,
        spanned: Vec::new(),
    };
    let mut xml = Xml::new(content);
    while let Some(event) = xml.next() {
        match event {
            Event::Open(element) => match element.name() {
                // Remarks, drawings and what changes were made are not in the cells.
                "annotation" | "shapes" | "frame" | "tracked-changes" | "forms" | "styles" | "automatic-styles" => {
                    xml.skip();
                }
                _ => reader.begin(&element),
            },
            Event::Close(name) => reader.end(&name),
            Event::Text(text) => {
                if let Some(cell) = reader.cell.as_mut().filter(|cell| cell.in_paragraph) {
                    cell.text.push_str(&text);
                }
            }
        }
    }
    let warning = reader.budget.warning(&reader.sheets);
    sheets::document(reader.sheets, metadata, warning)
}

#[derive(Debug, Default)]
struct Cell {
    columns: u32,
    rows_spanned: u32,
    /// What is better than the text that is shown: a date in ISO 8601, a number without thousands
    /// separators.
    value: Option<String>,
    text: String,
    in_paragraph: bool,
}

struct Reader {
    budget: Budget,
    sheets: Vec<Sheet>,
    row: u32,
    next_row: u32,
    column: u32,
    cell: Option<Cell>,
    /// First row, last row and column of the cells of the sheet that cover more than one row.
    spanned: Vec<(u32, u32, u32)>,
}

impl Reader {
    fn begin(&mut self, element: &Element) {
        let number = |name| element.attribute(name).and_then(|it| it.parse::<u32>().ok()).unwrap_or(1).max(1);
        match element.name() {
            "table" => {
                let name = clean_lines(&element.attribute("name").unwrap_or_default());
                self.sheets.push(Sheet { name, rows: Vec::new() });
                (self.row, self.next_row) = (0, 0);
            }
            "table-row" => {
                self.row = self.next_row;
                self.next_row = self.next_row.saturating_add(number("number-rows-repeated"));
                self.column = 0;
            }
            "table-cell" | "covered-table-cell" => {
                let value = match element.attribute("value-type").as_deref() {
                    Some("date") => element
                        .attribute("date-value")
                        .map(|date| date.trim_end_matches("T00:00:00").trim_end_matches(":00").replace('T', " ")),
                    Some("float") => {
                        element.attribute("value").and_then(|value| value.parse().ok()).map(sheets::number)
                    }
                    _ => None,
                };
                self.cell = Some(Cell {
                    columns: number("number-columns-repeated"),
                    rows_spanned: number("number-rows-spanned"),
                    value,
                    ..Cell::default()
                });
            }
            name => {
                let Some(cell) = &mut self.cell else { return };
                match name {
                    "p" => {
                        cell.in_paragraph = true;
                        cell.text.push(' ');
                    }
                    "s" | "tab" | "line-break" => cell.text.push(' '),
                    _ => {}
                }
            }
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "table" => {
                let Some(sheet) = self.sheets.last_mut() else { return };
                for (first, last, column) in self.spanned.drain(..) {
                    sheet.fill_down(first, last, column, &mut self.budget);
                }
            }
            "p" => {
                if let Some(cell) = &mut self.cell {
                    cell.in_paragraph = false;
                }
            }
            "table-cell" | "covered-table-cell" => {
                let Some(cell) = self.cell.take() else { return };
                let text = cell.value.unwrap_or_else(|| clean_lines(&cell.text).replace('\n', " "));
                if !text.is_empty() {
                    if cell.rows_spanned > 1 && self.spanned.len() < MAX_SPANNED {
                        let last = self.row.saturating_add(cell.rows_spanned.min(MAX_ROWS_SPANNED) - 1);
                        self.spanned.push((self.row, last, self.column));
                    }
                    self.add(&text, cell.columns.min(MAX_REPEATED));
                }
                self.column = self.column.saturating_add(cell.columns);
            }
            _ => {}
        }
    }

    fn add(&mut self, text: &str, columns: u32) {
        let Some(sheet) = self.sheets.last_mut() else { return };
        for column in 0..columns {
            if self.budget.takes(text) {
                sheet.add(self.row, self.column.saturating_add(column), text.to_owned());
            }
        }
    }
}
