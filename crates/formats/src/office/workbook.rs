//! XLS, Excel's binary format from version 5 to 2003, and dates as all workbooks have them.

use std::io::Cursor;

use calamine::{Data, Dimensions, ExcelDateTime, ExcelDateTimeType, Reader, SheetType, Xls};

use super::sheets::{self, Budget, Sheet, one_line};
use crate::compound::u16_at;
use crate::document::Document;
use crate::limits::XLS_CELLS;
use crate::skip::Skip;

/// calamine keeps all cells between the first and the last of every sheet of an XLS file.
const MAX_AREA: u64 = XLS_CELLS.most as u64;

/// Reads a file whose records are in `stream`.
pub(super) fn read_xls(bytes: &[u8], stream: &[u8]) -> Result<Document, Skip> {
    if is_encrypted(stream) {
        return Err(Skip::needs_password());
    }
    if area(stream) > MAX_AREA {
        return Err(Skip::because("damaged: its cells are too far apart"));
    }
    let mut book = Xls::new(Cursor::new(bytes)).map_err(damaged)?;
    let (mut sheets, mut lost, mut budget) = (Vec::new(), Vec::new(), Budget::new());
    for name in worksheets(book.sheets_metadata()) {
        let mut sheet = Sheet { name: one_line(&name), rows: Vec::new() };
        match book.worksheet_range(&name) {
            Ok(range) => {
                let (first_row, first_column) = range.start().unwrap_or_default();
                for (row, column, value) in range.used_cells() {
                    let at = (first_row + row as u32, first_column + column as u32);
                    if !add(&mut sheet, at, shown(value), &mut budget) {
                        break;
                    }
                }
            }
            Err(error) => lost.push(error.to_string()),
        }
        let merged = book.merge_cells_by_sheet_name(&name).unwrap_or_default();
        for Dimensions { start, end } in merged.iter().filter(|region| region.end.0 > region.start.0) {
            sheet.fill_down(start.0, end.0, start.1, &mut budget);
        }
        sheets.push(sheet);
    }
    document(sheets, &budget, &lost)
}

/// True if a password is needed to read the records after the first ones.
fn is_encrypted(stream: &[u8]) -> bool {
    const ENCRYPTION: u16 = 0x002f;
    const RECORDS: usize = 16;
    let mut at = 0;
    (0..RECORDS).any(|_| {
        let here = at;
        at += 4 + usize::from(u16_at(stream, at + 2).unwrap_or(0));
        u16_at(stream, here) == Some(ENCRYPTION)
    })
}

/// How many cells lie between the first and the last ones of all sheets, by the records of the
/// stream.
fn area(stream: &[u8]) -> u64 {
    const SHEET: u16 = 0x0809;
    const CELLS: [u16; 12] =
        [0x0006, 0x00bd, 0x00be, 0x00d6, 0x00fd, 0x0201, 0x0203, 0x0204, 0x0205, 0x0207, 0x027e, 0x0406];
    let area = |(from, to): ((u64, u64), (u64, u64))| (to.0 + 1 - from.0).saturating_mul(to.1 + 1 - from.1);
    let (mut total, mut at) = (0u64, 0);
    let mut sheet: Option<((u64, u64), (u64, u64))> = None;
    while let (Some(kind), Some(length)) = (u16_at(stream, at), u16_at(stream, at + 2)) {
        if kind == SHEET {
            total = total.saturating_add(sheet.take().map_or(0, area));
        } else if let (true, Some(row), Some(column)) =
            (CELLS.contains(&kind), u16_at(stream, at + 4), u16_at(stream, at + 6))
        {
            // A record may hold several cells of a row, two bytes each at least.
            let (row, first, last) = (u64::from(row), u64::from(column), u64::from(column) + u64::from(length) / 2);
            let (from, to) = sheet.get_or_insert(((row, first), (row, first)));
            *from = (from.0.min(row), from.1.min(first));
            *to = (to.0.max(row), to.1.max(if matches!(kind, 0x00bd | 0x00be) { last } else { first }));
        }
        at += 4 + usize::from(length);
    }
    total.saturating_add(sheet.map_or(0, area))
}

fn damaged(error: impl std::fmt::Display) -> Skip {
    let error = error.to_string();
    match error.to_lowercase().contains("password") {
        true => Skip::needs_password(),
        false => Skip::because(format!("damaged: {}", one_line(&error))),
    }
}

fn document(sheets: Vec<Sheet>, budget: &Budget, lost: &[String]) -> Result<Document, Skip> {
    let warning = match lost {
        [lost, ..] if sheets.iter().all(|sheet| sheet.rows.is_empty()) => return Err(damaged(lost)),
        [] => budget.warning(&sheets),
        [one] => Some(format!("a sheet is damaged: {}", one_line(one))),
        more => Some(format!("{} sheets are damaged", more.len())),
    };
    Ok(sheets::document(sheets, Vec::new(), warning))
}

fn worksheets(sheets: &[calamine::Sheet]) -> Vec<String> {
    let with_cells = |sheet: &&calamine::Sheet| !matches!(sheet.typ, SheetType::Vba | SheetType::ChartSheet);
    sheets.iter().filter(with_cells).map(|sheet| sheet.name.clone()).collect()
}

/// Adds a cell; `false` where nothing more fits.
fn add(sheet: &mut Sheet, (row, column): (u32, u32), text: String, budget: &mut Budget) -> bool {
    let fits = text.is_empty() || budget.takes(&text);
    if fits && !text.is_empty() {
        sheet.add(row, column, text);
    }
    fits
}

fn shown(value: &Data) -> String {
    match value {
        Data::Int(value) => value.to_string(),
        Data::Float(value) => sheets::number(*value),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => one_line(text),
        Data::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        Data::DateTime(value) => written(*value),
        Data::Error(_) | Data::Empty => String::new(),
    }
}

/// Days since the workbook's first day, as ISO 8601 writes them: a date, a time of day, both, or
/// hours that have passed.
pub(super) fn date(days: f64, is_duration: bool, from_1904: bool) -> String {
    let kind = if is_duration { ExcelDateTimeType::TimeDelta } else { ExcelDateTimeType::DateTime };
    written(ExcelDateTime::new(days, kind, from_1904))
}

fn written(value: ExcelDateTime) -> String {
    let days = value.as_f64();
    if value.is_duration() {
        let seconds = (days * 86400.0).round() as i64;
        let sign = if seconds < 0 { "-" } else { "" };
        let seconds = seconds.unsigned_abs();
        return format!("{sign}{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, _) = value.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    let time = match second {
        0 => format!("{hour:02}:{minute:02}"),
        _ => format!("{hour:02}:{minute:02}:{second:02}"),
    };
    match (days, time.as_str()) {
        (0.0..1.0, _) => time,
        (_, "00:00") => date,
        _ => format!("{date} {time}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compound::tests::compound;

    #[test]
    fn dates_and_times_are_in_iso_8601() {
        let shown = [45943.0, 45943.5, 0.25].map(|days| date(days, false, false));
        assert_eq!(shown, ["2025-10-13", "2025-10-13 12:00", "06:00"]);
        assert_eq!(date(1.5, true, false), "36:00:00");
        assert_eq!(date(1.0, false, true), "1904-01-02");
    }

    #[test]
    fn an_encrypted_workbook_needs_a_password_and_is_not_damaged() {
        let start = [0x0809u16, 4, 0x0600, 5, 0x0086, 0, 0x002f, 2, 1].iter().flat_map(|it| it.to_le_bytes());
        let bytes = compound(&[("Workbook", &start.chain([0xff; 4000]).collect::<Vec<u8>>())]);
        assert_eq!(crate::read("a.xls", &bytes).unwrap_err().reason, "needs a password");
    }

    #[test]
    fn cells_far_apart_are_told_from_their_records() {
        let cell = |row: u16, column: u16| {
            [0x0203u16, 4, row, column].iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>()
        };
        assert_eq!(area(&[cell(1, 1), cell(2, 3)].concat()), 6);
        assert!(area(&[cell(0, 0), cell(65535, 65535)].concat()) > MAX_AREA);
        assert_eq!(area(&[1, 2, 3]), 0);
    }
}
