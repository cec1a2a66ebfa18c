//! Writes sheets as text: one line a row, a blank line between tables, one section a sheet under
//! its name.

use super::table::{self, Names, Row};
use crate::clean::clean_lines;
use crate::document::{Document, Format, Section};
use crate::limits::{CELL_BYTES, CELLS, CELLS_BYTES, with_separators};
use crate::location::LocationUnit;
use crate::span::Span;
use crate::text_builder::{Gap, TextBuilder};

/// A sheet: its rows by location, those without text left out.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    pub(super) name: String,
    pub(super) rows: Vec<Row>,
}

/// How much a workbook may still hold.
#[derive(Debug)]
pub(super) struct Budget {
    cells: usize,
    bytes: usize,
    is_spent: bool,
}

impl Budget {
    pub(super) fn new() -> Self {
        Budget { cells: CELLS.most, bytes: CELLS_BYTES.most, is_spent: false }
    }

    /// How far the cells of sheets go that were read in this order, if they do not go to the end.
    pub(super) fn warning(&self, sheets: &[Sheet]) -> Option<String> {
        let last = sheets.iter().rfind(|sheet| !sheet.rows.is_empty()).filter(|_| self.is_spent)?;
        let row = last.rows.iter().map(|row| row.location).max()?;
        Some(format!("read to row {} of the sheet {}", with_separators(row as usize), last.name))
    }

    /// True if a cell with this text still fits.
    pub(super) fn takes(&mut self, text: &str) -> bool {
        match (self.cells, self.bytes) {
            (0, _) => CELLS.met(),
            (_, bytes) if bytes < text.len() => CELLS_BYTES.met(),
            _ => {}
        }
        self.is_spent |= self.cells == 0 || self.bytes < text.len();
        if !self.is_spent {
            self.cells -= 1;
            self.bytes -= text.len();
        }
        !self.is_spent
    }
}

impl Sheet {
    /// Adds the text of a cell, rows and columns from 0; cells come in any order but those in order
    /// are fastest.
    pub(super) fn add(&mut self, row: u32, column: u32, text: String) {
        let location = row.saturating_add(1);
        match self.rows.last_mut() {
            Some(last) if last.location == location && last.cells.last().is_none_or(|(before, _)| *before < column) => {
                last.cells.push((column, text));
            }
            last => {
                let is_parted = last.is_none_or(|last| last.location.saturating_add(1) < location);
                self.rows.push(Row { location, cells: vec![(column, text)], is_parted });
            }
        }
    }

    /// Rows in order, each once, the cells of each in order.
    pub(super) fn put_in_order(&mut self) {
        if !self.rows.is_sorted_by(|one, next| one.location < next.location) {
            self.rows.sort_by_key(|row| row.location);
            let mut joined: Vec<Row> = Vec::with_capacity(self.rows.len());
            for row in std::mem::take(&mut self.rows) {
                match joined.last_mut() {
                    Some(last) if last.location == row.location => last.cells.extend(row.cells),
                    _ => joined.push(row),
                }
            }
            for row in &mut joined {
                row.cells.sort_by_key(|(column, _)| *column);
                row.cells.dedup_by_key(|(column, _)| *column);
            }
            for index in 1..joined.len() {
                joined[index].is_parted = joined[index].location - joined[index - 1].location > 1;
            }
            self.rows = joined;
        }
    }

    /// Gives the rows below the first one of a merged cell its text, so that they can be understood
    /// alone.
    pub(super) fn fill_down(&mut self, first_row: u32, last_row: u32, column: u32, budget: &mut Budget) {
        let first = first_row.saturating_add(1);
        let Ok(at) = self.rows.binary_search_by_key(&first, |row| row.location) else { return };
        let Some(text) = self.rows[at].cell(column).map(str::to_owned) else { return };
        for row in self.rows[at + 1..].iter_mut().take_while(|row| row.location <= last_row.saturating_add(1)) {
            if let Err(index) = row.cells.binary_search_by_key(&column, |(column, _)| *column)
                && budget.takes(&text)
            {
                row.cells.insert(index, (column, text.clone()));
            }
        }
    }
}

/// Writes sheets one after the other. One without a name gets the name under which programs open
/// it.
pub(super) fn document(sheets: Vec<Sheet>, metadata: Vec<(String, String)>, warning: Option<String>) -> Document {
    let mut lines = TextBuilder::new();
    let mut starts: Vec<(usize, String)> = Vec::new();
    let mut locations: Vec<u32> = Vec::new();
    for (number, mut sheet) in (1..).zip(sheets) {
        sheet.put_in_order();
        let start = lines.text().len();
        let mut names = Names::default();
        for rows in sheet.rows.chunk_by(|_, next| !next.is_parted) {
            let mut gap = Gap::Blank;
            for (location, line) in table::lines_below(rows, 0, &mut names) {
                lines.part(gap);
                lines.open(location);
                line.chars().for_each(|character| lines.push(character));
                locations.resize(lines.number(), location);
                gap = Gap::Line;
            }
        }
        if lines.text().len() > start {
            let is_named = !sheet.name.trim().is_empty();
            starts.push((start, if is_named { sheet.name } else { format!("Sheet{number}") }));
        }
    }
    let (text, _) = lines.finish();
    locations.resize(text.split('\n').count(), locations.last().copied().unwrap_or(1));
    let mut sections = Vec::new();
    for (index, (start, name)) in starts.iter().enumerate() {
        let end = starts.get(index + 1).map_or(text.len(), |next| next.0);
        sections.push(Section { span: Span { start: *start, end }, body_start: *start, headings: vec![name.clone()] });
    }
    Document {
        format: Format::Table,
        text,
        sections,
        unit: LocationUnit::Row,
        locations: Some(locations),
        metadata,
        warning,
    }
}

/// The text of a cell, no longer than a cell can hold.
pub(super) fn one_line(text: &str) -> String {
    if text.len() > CELL_BYTES.most {
        CELL_BYTES.met();
    }
    clean_lines(&text[..text.floor_char_boundary(CELL_BYTES.most)]).replace('\n', " ")
}

/// A number as people see it: no more digits than a spreadsheet keeps.
pub(super) fn number(value: f64) -> String {
    let rounded: f64 = format!("{value:.14e}").parse().unwrap_or(value);
    match rounded.abs() {
        size if size != 0.0 && !(1e-7..1e16).contains(&size) => format!("{rounded:e}"),
        _ => (rounded + 0.0).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(name: &str, cells: &[(u32, u32, &str)]) -> Sheet {
        let mut sheet = Sheet { name: name.to_owned(), rows: Vec::new() };
        cells.iter().for_each(|(row, column, text)| sheet.add(*row, *column, (*text).to_owned()));
        sheet
    }

    #[test]
    fn sheets_are_sections_and_blank_rows_part_tables() {
        let one = sheet(
            "One",
            &[(0, 0, "Sales"), (2, 0, "Year"), (2, 1, "Sum"), (3, 0, "2020"), (3, 1, "7"), (6, 0, "8"), (6, 1, "9")],
        );
        let document = document(vec![one, Sheet::default(), sheet("Two", &[(0, 1, "x")])], Vec::new(), None);
        assert_eq!(document.text, "Sales\n\nYear | Sum\nYear: 2020 | Sum: 7\n\nYear: 8 | Sum: 9\n\nx");
        assert_eq!(document.locations.unwrap(), [1, 3, 3, 4, 7, 7, 1, 1]);
        let sections: Vec<_> =
            document.sections.iter().map(|it| (it.span.of(&document.text).trim(), it.headings[0].as_str())).collect();
        assert_eq!(sections[1], ("x", "Two"));
        assert_eq!(sections[0].1, "One");
    }

    #[test]
    fn cells_out_of_order_and_merged_ones_are_put_right() {
        let mut it = sheet("S", &[(1, 0, "b"), (0, 1, "y"), (0, 0, "x"), (1, 1, "c")]);
        it.put_in_order();
        it.add(3, 1, "d".to_owned());
        it.fill_down(1, 3, 0, &mut Budget::new());
        let rows: Vec<_> = it.rows.iter().map(|row| format!("{} {:?}", row.location, row.cells)).collect();
        assert_eq!(rows, ["1 [(0, \"x\"), (1, \"y\")]", "2 [(0, \"b\"), (1, \"c\")]", "4 [(0, \"b\"), (1, \"d\")]"]);
    }

    #[test]
    fn a_workbook_with_too_many_cells_says_how_far_it_was_read() {
        let mut budget = Budget { cells: 3, bytes: 100, is_spent: false };
        let one = sheet("One", &[(0, 0, "a"), (1, 0, "b")]);
        assert!(one.rows.iter().all(|row| budget.takes(&row.cells[0].1)));
        assert_eq!(budget.warning(&[one]), None);
        crate::limits::begin();
        assert!(budget.takes("c") && !budget.takes("d"));
        let warning = budget.warning(&[
            sheet("One", &[(0, 0, "a"), (1, 0, "b")]),
            sheet("Two", &[(1999, 0, "c")]),
            Sheet::default(),
        ]);
        assert_eq!(
            crate::limits::with_met(warning).as_deref(),
            Some("not read whole: more than 4,000,000 cells; read to row 2,000 of the sheet Two")
        );
    }

    #[test]
    fn numbers_are_as_people_see_them() {
        let shown = [12.000000000000001, 0.1 + 0.2, -0.0, 1e15, 1234567.891, 2.5e-9, 1e300].map(number);
        assert_eq!(shown, ["12", "0.3", "0", "1000000000000000", "1234567.891", "2.5e-9", "1e300"]);
    }
}
