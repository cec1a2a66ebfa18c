//! XLSB, Excel's binary workbooks since 2007 (MS-XLSB): the values of all sheets, as XLSX has them.

use super::biff::packed_number;
use super::ooxml;
use super::sheets::{self, Budget, Sheet, one_line};
use super::xlsx_styles::{Shown, built_in, of_code};
use crate::archive::Archive;
use crate::compound::{u16_at, u32_at};
use crate::document::Document;
use crate::skip::Skip;

const LAST_ROW: u32 = (1 << 20) - 1;
const LAST_COLUMN: u32 = (1 << 14) - 1;
/// More merged cells are left as they are.
const MAX_MERGED: usize = 10_000;
const MAX_MERGED_ROWS: u32 = 200;

/// Types of records.
mod kind {
    pub(super) const ROW: u32 = 0;
    pub(super) const STRING: u32 = 19;
    pub(super) const FORMAT: u32 = 44;
    pub(super) const STYLE: u32 = 47;
    pub(super) const RICH_CELL: u32 = 62;
    pub(super) const SHEETS_DATA_END: u32 = 146;
    pub(super) const BOOK: u32 = 153;
    pub(super) const SHEET: u32 = 156;
    pub(super) const MERGED: u32 = 176;
    pub(super) const CELL_STYLES: u32 = 617;
    pub(super) const CELL_STYLES_END: u32 = 618;
}

pub(super) fn read(mut archive: Archive, main: &str) -> Result<Document, Skip> {
    let targets = ooxml::targets(&mut archive, main)?;
    let mut part = |kind: &str| -> Result<Vec<u8>, Skip> {
        let target = targets.values().filter(|target| target.kind == kind).min_by_key(|target| &target.name);
        Ok(target.map_or(Ok(None), |target| archive.member(&target.name))?.unwrap_or_default())
    };
    let strings = part("sharedStrings")?;
    let strings = Records(&strings).filter(|(kind, _)| *kind == kind::STRING);
    let strings = strings.map(|(_, content)| one_line(&text(content.get(1..).unwrap_or_default()).0)).collect();
    let styles = styles(&part("styles")?);
    let workbook = archive.member(main)?.ok_or_else(|| Skip::because("damaged: it has no sheets"))?;
    let mut reader = Reader { strings, styles, from_1904: false, budget: Budget::new() };
    let mut sheets = Vec::new();
    for (kind, content) in Records(&workbook) {
        match kind {
            kind::BOOK => reader.from_1904 = content.first().is_some_and(|flags| flags & 1 != 0),
            kind::SHEET => {
                let (id, rest) = text(content.get(8..).unwrap_or_default());
                let target = targets.get(&id).filter(|target| target.kind == "worksheet");
                let Some(bytes) = target.map_or(Ok(None), |target| archive.member(&target.name))? else { continue };
                sheets.push(reader.sheet(one_line(&text(rest).0), &bytes));
            }
            _ => {}
        }
    }
    let metadata = ooxml::metadata(&mut archive);
    let warning = reader.budget.warning(&sheets);
    Ok(sheets::document(sheets, metadata, warning))
}

/// The records of a part, to its end or to the first damage.
struct Records<'b>(&'b [u8]);

impl<'b> Iterator for Records<'b> {
    type Item = (u32, &'b [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let kind = self.number(2)?;
        let length = self.number(4)? as usize;
        let (content, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some((kind, content))
    }
}

impl Records<'_> {
    /// A number in groups of seven bits, the lowest first, in at most this many bytes.
    fn number(&mut self, most_bytes: u32) -> Option<u32> {
        let mut number = 0;
        for at in 0..most_bytes {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u32::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                break;
            }
        }
        Some(number)
    }
}

/// A text with its length before it, and what follows.
fn text(bytes: &[u8]) -> (String, &[u8]) {
    // Where there is no text its length is the greatest number.
    let length = u32_at(bytes, 0).filter(|length| *length != u32::MAX).unwrap_or(0) as usize;
    let rest = bytes.get(4..).unwrap_or_default();
    let (text, rest) = rest.split_at(length.saturating_mul(2).min(rest.len()));
    (encoding_rs::UTF_16LE.decode_without_bom_handling(text).0.into_owned(), rest)
}

fn styles(part: &[u8]) -> Vec<Shown> {
    let mut formats = std::collections::HashMap::new();
    let mut styles = Vec::new();
    let mut in_cells = false;
    for (kind, content) in Records(part) {
        match kind {
            kind::FORMAT => {
                let id = u16_at(content, 0).unwrap_or(0);
                formats.insert(id, of_code(&text(content.get(2..).unwrap_or_default()).0));
            }
            kind::CELL_STYLES => in_cells = true,
            kind::CELL_STYLES_END => in_cells = false,
            kind::STYLE if in_cells => {
                let id = u16_at(content, 2).unwrap_or(0);
                styles.push(formats.get(&id).copied().unwrap_or_else(|| built_in(u32::from(id))));
            }
            _ => {}
        }
    }
    styles
}

struct Reader {
    strings: Vec<String>,
    styles: Vec<Shown>,
    from_1904: bool,
    budget: Budget,
}

impl Reader {
    fn sheet(&mut self, name: String, part: &[u8]) -> Sheet {
        let mut sheet = Sheet { name, rows: Vec::new() };
        let (mut row, mut next_column) = (0, 0);
        let mut merged = Vec::new();
        let mut in_cells = true;
        for (kind, content) in Records(part) {
            match kind {
                kind::ROW if in_cells => {
                    (row, next_column) = (u32_at(content, 0).unwrap_or(0).min(LAST_ROW), 0);
                }
                kind::SHEETS_DATA_END => in_cells = false,
                kind::MERGED if merged.len() < MAX_MERGED => {
                    if let (Some(first), Some(last), Some(column)) =
                        (u32_at(content, 0), u32_at(content, 4), u32_at(content, 8))
                    {
                        merged.push((first, last.min(first.saturating_add(MAX_MERGED_ROWS)), column));
                    }
                }
                1..=11 | kind::RICH_CELL if in_cells => {
                    let column = u32_at(content, 0).unwrap_or(0).min(LAST_COLUMN);
                    next_column = column + 1;
                    self.cell(&mut sheet, (row, column), kind, content.get(4..).unwrap_or_default());
                }
                // Cells that stand beside the one before, so that they need no column.
                12..=18 if in_cells => {
                    let column = next_column;
                    next_column = (next_column + 1).min(LAST_COLUMN);
                    self.cell(&mut sheet, (row, column), kind - 11, content);
                }
                _ => {}
            }
        }
        sheet.put_in_order();
        for (first, last, column) in merged.into_iter().filter(|(first, last, _)| first < last) {
            sheet.fill_down(first, last, column, &mut self.budget);
        }
        sheet
    }

    /// Adds a cell, whose `content` begins with its style.
    fn cell(&mut self, sheet: &mut Sheet, (row, column): (u32, u32), kind: u32, content: &[u8]) {
        let Some((style, value)) = content.split_at_checked(4) else { return };
        let style = u32_at(style, 0).unwrap_or(0) & 0x00ff_ffff;
        let style = self.styles.get(style as usize).copied().unwrap_or_default();
        let shown = match kind {
            2 => u32_at(value, 0).map(|packed| style.write(packed_number(packed), self.from_1904)),
            4 | 10 => value.first().map(|value| if *value == 0 { "FALSE" } else { "TRUE" }.to_owned()),
            5 | 9 => value.first_chunk().map(|bytes| style.write(f64::from_le_bytes(*bytes), self.from_1904)),
            6 | 8 => Some(one_line(&text(value).0)),
            7 => u32_at(value, 0).and_then(|at| self.strings.get(at as usize).cloned()),
            kind::RICH_CELL => Some(one_line(&text(value.get(1..).unwrap_or_default()).0)),
            _ => None,
        };
        if let Some(shown) = shown.filter(|shown| !shown.is_empty() && self.budget.takes(shown)) {
            sheet.add(row, column, shown);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::write::SimpleFileOptions;

    use crate::office::tests::{headings, lines, relationships};
    use crate::read;

    fn record(kind: u32, content: &[&[u8]]) -> Vec<u8> {
        let content = content.concat();
        let mut bytes = if kind < 0x80 { vec![kind as u8] } else { vec![kind as u8 & 0x7f | 0x80, (kind >> 7) as u8] };
        bytes.push(content.len() as u8);
        [bytes, content].concat()
    }

    fn text(text: &str) -> Vec<u8> {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        [(units.len() as u32 / 2).to_le_bytes().to_vec(), units].concat()
    }

    #[test]
    fn a_binary_workbook_is_read_whatever_its_names_and_formulas_are() {
        let at = |column: u32, style: u32| [column.to_le_bytes(), style.to_le_bytes()].concat();
        let sheet = [
            record(0, &[&0u32.to_le_bytes()]),
            record(7, &[&at(0, 0), &0u32.to_le_bytes()]),
            record(17, &[&0u32.to_le_bytes(), &text("Sum")]),
            record(0, &[&1u32.to_le_bytes()]),
            record(2, &[&at(0, 1), &(45943u32 << 2 | 2).to_le_bytes()]),
            record(9, &[&at(1, 0), &0.5f64.to_le_bytes(), b"a formula that nobody knows"]),
            record(0, &[&2u32.to_le_bytes()]),
            record(62, &[&at(1, 0), &[0], &text("rich")]),
            record(146, &[]),
            record(176, &[&1u32.to_le_bytes(), &2u32.to_le_bytes(), &0u32.to_le_bytes(), &0u32.to_le_bytes()]),
        ];
        let book = [
            record(128, &[b"a version"]),
            record(156, &[&[0; 8], &text("a"), &text("Q 1")]),
            record(39, &[b"a defined name that nobody knows"]),
        ];
        let styles = [record(617, &[&2u32.to_le_bytes()]), record(47, &[&[0; 4]]), record(47, &[&[0, 0, 14, 0]])];
        let targets =
            [("a", "worksheet", "/xl/worksheets/s.bin"), ("b", "styles", "s.bin"), ("c", "sharedStrings", "t.bin")];
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in [
            ("xl/workbook.bin", book.concat()),
            ("xl/_rels/workbook.bin.rels", relationships(&targets).into_bytes()),
            ("xl/worksheets/s.bin", sheet.concat()),
            ("xl/s.bin", styles.concat()),
            ("xl/t.bin", record(19, &[&[0], &text("Day")])),
        ] {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(&bytes).unwrap();
        }
        let bytes = zip.finish().unwrap().into_inner();
        let document = read("a.xlsb", &bytes).unwrap();
        assert_eq!(lines(&document), ["1 Day | Sum", "2 Day: 2025-10-13 | Sum: 0.5", "3 Day: 2025-10-13 | Sum: rich"]);
        assert_eq!(headings(&document), ["Q 1"]);
    }
}
