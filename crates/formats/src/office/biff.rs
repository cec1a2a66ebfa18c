//! Workbooks of Excel 2 to 4 (BIFF2 to BIFF4): a row of records, of one sheet or of several, in no
//! container.

use encoding_rs::{Encoding, MACINTOSH, WINDOWS_1252};

use super::rtf_encodings::encoding_of_page;
use super::sheets::{self, Budget, Sheet, one_line};
use super::xlsx_styles::{Shown, of_code};
use crate::compound::{u16_at, u32_at};
use crate::document::Document;
use crate::skip::Skip;

/// True if the bytes begin like such a workbook: with a sheet, a macro sheet or a bound set of
/// sheets.
pub(crate) fn is_one(bytes: &[u8]) -> bool {
    let begins = [&b"\x09\x00\x04\x00"[..], b"\x09\x02\x06\x00", b"\x09\x04\x06\x00"];
    begins.iter().any(|begin| bytes.starts_with(begin))
        && matches!(u16_at(bytes, 6), Some(0x0010 | 0x0020 | 0x0040 | 0x0100))
}

pub(super) fn read(bytes: &[u8]) -> Result<Document, Skip> {
    let mut reader = Reader {
        version: 0,
        sheets: Vec::new(),
        name: String::new(),
        encoding: WINDOWS_1252,
        formats: Vec::new(),
        styles: Vec::new(),
        style: 0,
        from_1904: false,
        waiting: None,
        budget: Budget::new(),
    };
    let mut at = 0;
    while let (Some(kind), Some(length)) = (u16_at(bytes, at), u16_at(bytes, at + 2)) {
        let start = at + 4;
        let end = (start + usize::from(length)).min(bytes.len());
        reader.record(kind, &bytes[start..end])?;
        at = end;
    }
    let warning = reader.budget.warning(&reader.sheets);
    Ok(sheets::document(reader.sheets, Vec::new(), warning))
}

/// A number of 30 bits, whole or the upper part of a fraction, and what is done with it.
pub(super) fn packed_number(packed: u32) -> f64 {
    let value = match packed & 2 {
        0 => f64::from_bits(u64::from(packed & !3) << 32),
        _ => f64::from(packed as i32 >> 2),
    };
    if packed & 1 == 0 { value } else { value / 100.0 }
}

struct Reader {
    /// 2, 3 or 4.
    version: u16,
    sheets: Vec<Sheet>,
    /// The name of the next sheet.
    name: String,
    encoding: &'static Encoding,
    formats: Vec<Shown>,
    /// By the numbers that cells have for their styles, those of their formats.
    styles: Vec<usize>,
    /// Which style the next cell has, where its own number is too small for it.
    style: usize,
    from_1904: bool,
    /// The formula whose text comes in a record of its own.
    waiting: Option<(u32, u32)>,
    budget: Budget,
}

impl Reader {
    fn record(&mut self, kind: u16, content: &[u8]) -> Result<(), Skip> {
        let byte = |at: usize| content.get(at).copied().unwrap_or(0);
        match (kind & 0xff, kind >> 8) {
            (0x09, version @ (0 | 2 | 4)) => {
                self.version = match version {
                    0 => 2,
                    2 => 3,
                    _ => 4,
                };
                if matches!(u16_at(content, 2), Some(0x0010 | 0x0040)) {
                    let name = std::mem::take(&mut self.name);
                    let name = if name.is_empty() { format!("Sheet {}", self.sheets.len() + 1) } else { name };
                    self.sheets.push(Sheet { name, rows: Vec::new() });
                    (self.formats, self.styles) = (Vec::new(), Vec::new());
                }
            }
            (0x2f, 0) => return Err(Skip::needs_password()),
            (0x22, 0) => self.from_1904 = byte(0) == 1,
            (0x42, 0) => {
                self.encoding = match u16_at(content, 0).unwrap_or(0) {
                    0x8000 | 10_000 => MACINTOSH,
                    page => encoding_of_page(page).unwrap_or(WINDOWS_1252),
                };
            }
            (0x8f, 0) => self.name = one_line(&self.text(content, 4, false)),
            (0x1e, 0) => self.formats.push(of_code(&self.text(content, 0, false))),
            (0x1e, 4) => self.formats.push(of_code(&self.text(content, 2, false))),
            (0x43, 0) => self.styles.push(usize::from(byte(2) & 0x3f)),
            (0x43, 2 | 4) => self.styles.push(usize::from(byte(1))),
            (0x44, 0) => self.style = usize::from(u16_at(content, 0).unwrap_or(0)),
            (0x07, 0 | 2) => {
                if let Some(at) = self.waiting.take() {
                    let text = self.text(content, 0, self.version > 2);
                    self.add(at, one_line(&text));
                }
            }
            (0x02..=0x06 | 0x7e, 0 | 2 | 4) => self.cell(kind & 0xff, content),
            _ => {}
        }
        Ok(())
    }

    fn cell(&mut self, kind: u16, content: &[u8]) {
        let (Some(row), Some(column)) = (u16_at(content, 0), u16_at(content, 2)) else { return };
        let at = (u32::from(row), u32::from(column));
        let own = usize::from(content.get(4).copied().unwrap_or(0));
        let (style, start) = match self.version {
            2 if own & 0x3f == 0x3f => (self.style, 7),
            2 => (own & 0x3f, 7),
            _ => (usize::from(u16_at(content, 4).unwrap_or(0)), 6),
        };
        let value = content.get(start..).unwrap_or_default();
        let number = value.first_chunk().map(|bytes| f64::from_le_bytes(*bytes));
        self.waiting = None;
        let shown = match (kind, value) {
            (0x02, _) => u16_at(value, 0).map(|value| self.shown(f64::from(value), style)),
            (0x04, _) => Some(one_line(&self.text(value, 0, self.version > 2))),
            (0x05, [value, 0, ..]) | (0x06, [1, _, value, _, _, _, 0xff, 0xff, ..]) => {
                Some(if *value == 0 { "FALSE" } else { "TRUE" }.to_owned())
            }
            (0x06, [0, _, _, _, _, _, 0xff, 0xff, ..]) => {
                self.waiting = Some(at);
                None
            }
            (0x06, [_, _, _, _, _, _, 0xff, 0xff, ..]) => None,
            (0x03 | 0x06, _) => number.map(|number| self.shown(number, style)),
            (0x7e, _) => u32_at(value, 0).map(|packed| self.shown(packed_number(packed), style)),
            _ => None,
        };
        if let Some(shown) = shown {
            self.add(at, shown);
        }
    }

    fn shown(&self, number: f64, style: usize) -> String {
        let format = self.styles.get(style).copied().unwrap_or(0);
        self.formats.get(format).copied().unwrap_or_default().write(number, self.from_1904)
    }

    fn add(&mut self, (row, column): (u32, u32), text: String) {
        if !text.is_empty()
            && let Some(sheet) = self.sheets.last_mut()
            && self.budget.takes(&text)
        {
            sheet.add(row, column, text);
        }
    }

    /// The text at `at` with its length before it, which takes one byte or two.
    fn text(&self, content: &[u8], at: usize, is_long: bool) -> String {
        let (length, start) = match is_long {
            true => (u16_at(content, at).map(usize::from), at + 2),
            false => (content.get(at).map(|length| usize::from(*length)), at + 1),
        };
        let bytes = content.get(start..).unwrap_or_default();
        let bytes = &bytes[..length.unwrap_or(0).min(bytes.len())];
        self.encoding.decode_without_bom_handling(bytes).0.into_owned()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use crate::office::tests::{headings, lines};
    use crate::read;

    fn record(kind: u16, content: &[&[u8]]) -> Vec<u8> {
        let content = content.concat();
        [&kind.to_le_bytes()[..], &(content.len() as u16).to_le_bytes(), &content].concat()
    }

    fn cell(row: u16, column: u16, style: u16) -> Vec<u8> {
        [row, column, style].iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    /// Two sheets of Excel 4, with a date, text of a formula, and text in Cyrillic.
    pub(in crate::office) fn workbook() -> Vec<u8> {
        let sheet = |name: &str, rows: &[Vec<u8>]| {
            [
                record(0x8f, &[&[0; 4], &[name.len() as u8], name.as_bytes()]),
                record(0x0409, &[&[0, 4, 0x10, 0, 0, 0]]),
                record(0x42, &[&[0xe3, 4]]),
                record(0x041e, &[&[0, 0, 7], b"General"]),
                record(0x041e, &[&[0, 0, 8], b"d/m/yyyy"]),
                record(0x0443, &[&[0, 0]]),
                record(0x0443, &[&[0, 1]]),
                rows.concat(),
                record(0x0a, &[]),
            ]
            .concat()
        };
        let one = sheet(
            "One",
            &[
                record(0x0204, &[&cell(0, 0, 0), &[3, 0], b"Day"]),
                record(0x0204, &[&cell(0, 1, 0), &[4, 0], b"\xcf\xf0\xe8!"]),
                record(0x0203, &[&cell(1, 0, 1), &45943f64.to_le_bytes()]),
                record(0x0406, &[&cell(1, 1, 0), &[0, 0, 0, 0, 0, 0, 0xff, 0xff], &[0; 4]]),
                record(0x0207, &[&[4, 0], b"text"]),
                record(0x027e, &[&cell(2, 1, 0), &(7u32 << 2 | 3).to_le_bytes()]),
                record(0x0205, &[&cell(3, 1, 0), &[1, 0]]),
            ],
        );
        let book = [
            record(0x0409, &[&[0, 4, 0, 1, 0, 0]]),
            one,
            sheet("Two", &[record(0x0203, &[&cell(0, 0, 0), &0.5f64.to_le_bytes()])]),
        ];
        book.concat()
    }

    #[test]
    fn workbooks_of_excel_4_are_read_sheet_by_sheet() {
        let book = workbook();
        let document = read("a.xls", &book).unwrap();
        let shown = ["1 Day | При!", "2 Day: 2025-10-13 | При!: text", "3 При!: 0.07", "4 При!: TRUE", "1 0.5"];
        assert_eq!(lines(&document), shown);
        assert_eq!(headings(&document), ["One", "Two"]);
        assert_eq!(
            read("a.bin.xls", &[&book[..10], &record(0x2f, &[&[0; 4]])].concat()).unwrap_err().reason,
            "needs a password"
        );
    }

    #[test]
    fn a_sheet_of_excel_2_is_read() {
        let cell = |row: u16, column: u16| [&cell(row, column, 0)[..4], &[0; 3]].concat();
        let sheet = [
            record(0x09, &[&[2, 0, 0x10, 0]]),
            record(0x04, &[&cell(0, 0), &[4], b"Name"]),
            record(0x02, &[&cell(1, 0), &[7, 0]]),
            record(0x03, &[&cell(2, 0), &2.5f64.to_le_bytes()]),
        ];
        assert_eq!(lines(&read("a", &sheet.concat()).unwrap()), ["1 Name", "2 7", "3 2.5"]);
    }
}
