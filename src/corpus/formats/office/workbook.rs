//! XLSX, XLSM, XLSB and XLS: the values of all sheets, hidden ones too.

use std::io::Cursor;

use calamine::{Cell, Data, DataRef, Dimensions, ExcelDateTime, Reader, SheetType, Xls, Xlsb, Xlsx};

use super::compound::Compound;
use super::flow::clean;
use super::sheets::{self, Budget, Sheet};
use super::{ooxml, opendocument};
use crate::corpus::Document;
use crate::corpus::formats::Skip;
use crate::corpus::formats::archive::Archive;

/// A text of a cell is cut to what a cell can hold.
const MAX_CELL_BYTES: usize = 128 << 10;
/// Rows of merged cells beyond these are left as they are.
const MAX_MERGED_ROWS: u32 = 200_000;

pub(super) fn read(bytes: &[u8]) -> Result<Document, Skip> {
    let mut archive = Archive::open(bytes)?;
    if archive.names().any(|name| name == "content.xml") {
        return opendocument::read(opendocument::Kind::Sheets, bytes);
    }
    let names: Vec<String> = archive.names().map(|name| name.into_owned()).collect();
    // The reader of workbooks opens the archive itself: find out here that no part expands beyond the budget.
    for name in &names {
        archive.member(name)?;
    }
    let metadata = ooxml::metadata(&mut Archive::open(bytes)?);
    let is_binary = names.iter().any(|name| name == "xl/workbook.bin");
    if is_binary { read_xlsb(bytes, metadata) } else { read_xlsx(bytes, metadata) }
}

fn damaged(error: impl std::fmt::Display) -> Skip {
    let error = error.to_string();
    match error.to_lowercase().contains("password") {
        true => Skip::because("protected by a password"),
        false => Skip::because(format!("damaged: {}", clean(&error).replace('\n', " "))),
    }
}

fn document(
    sheets: Vec<Sheet>,
    metadata: Vec<(String, String)>,
    is_cut: bool,
    lost: &[String],
) -> Result<Document, Skip> {
    if let (true, [lost, ..]) = (sheets.iter().all(|sheet| sheet.rows.is_empty()), lost) {
        return Err(Skip::because(format!("damaged: {lost}")));
    }
    let doubt = match lost {
        _ if is_cut => Some("cut: it has more cells than are read".to_owned()),
        [] => None,
        [one] => Some(format!("a sheet is damaged: {one}")),
        more => Some(format!("{} sheets are damaged", more.len())),
    };
    Ok(sheets::document(sheets, metadata, doubt))
}

fn read_xlsx(bytes: &[u8], metadata: Vec<(String, String)>) -> Result<Document, Skip> {
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(damaged)?;
    let (mut sheets, mut lost, mut budget) = (Vec::new(), Vec::new(), Budget::new());
    for name in worksheets(book.sheets_metadata()) {
        let merged = book.merge_cells_by_sheet_name(&name).unwrap_or_default();
        let mut sheet = Sheet { name: clean(&name), rows: Vec::new() };
        match book.worksheet_cells_reader(&name) {
            Ok(mut cells) => loop {
                match cells.next_cell_with_style_id() {
                    Ok(Some((cell, style))) => {
                        let share = || {
                            let format = cells.styles().get(style).and_then(|style| style.number_format.as_ref());
                            format.is_some_and(|format| is_share(&format.format_code))
                        };
                        let text = match cell.get_value() {
                            DataRef::Float(value) if share() => format!("{}%", sheets::number(value * 100.0)),
                            DataRef::Int(value) if share() => format!("{}%", value.saturating_mul(100)),
                            value => shown(value),
                        };
                        if !add(&mut sheet, &cell, text, &mut budget) {
                            break;
                        }
                    }
                    Ok(None) => break,
                    Err(error) => {
                        lost.push(clean(&error.to_string()));
                        break;
                    }
                }
            },
            Err(error) => lost.push(clean(&error.to_string())),
        }
        fill(&mut sheet, &merged, &mut budget);
        sheets.push(sheet);
    }
    document(sheets, metadata, budget.is_spent, &lost)
}

fn read_xlsb(bytes: &[u8], metadata: Vec<(String, String)>) -> Result<Document, Skip> {
    let mut book = Xlsb::new(Cursor::new(bytes)).map_err(damaged)?;
    let (mut sheets, mut lost, mut budget) = (Vec::new(), Vec::new(), Budget::new());
    for name in worksheets(book.sheets_metadata()) {
        let mut sheet = Sheet { name: clean(&name), rows: Vec::new() };
        match book.worksheet_cells_reader(&name) {
            Ok(mut cells) => loop {
                match cells.next_cell() {
                    Ok(Some(cell)) if add(&mut sheet, &cell, shown(cell.get_value()), &mut budget) => {}
                    Ok(_) => break,
                    Err(error) => {
                        lost.push(clean(&error.to_string()));
                        break;
                    }
                }
            },
            Err(error) => lost.push(clean(&error.to_string())),
        }
        sheets.push(sheet);
    }
    document(sheets, metadata, budget.is_spent, &lost)
}

pub(super) fn read_xls(bytes: &[u8]) -> Result<Document, Skip> {
    Compound::open(bytes)?;
    let mut book = Xls::new(Cursor::new(bytes)).map_err(damaged)?;
    let (mut sheets, mut lost, mut budget) = (Vec::new(), Vec::new(), Budget::new());
    for name in worksheets(book.sheets_metadata()) {
        let mut sheet = Sheet { name: clean(&name), rows: Vec::new() };
        match book.worksheet_range(&name) {
            Ok(range) => {
                let (first_row, first_column) = range.start().unwrap_or_default();
                for (row, column, value) in range.used_cells() {
                    let cell = Cell::new((first_row + row as u32, first_column + column as u32), DataRef::Empty);
                    if !add(&mut sheet, &cell, shown_owned(value), &mut budget) {
                        break;
                    }
                }
            }
            Err(error) => lost.push(clean(&error.to_string())),
        }
        fill(&mut sheet, &book.merge_cells_by_sheet_name(&name).unwrap_or_default(), &mut budget);
        sheets.push(sheet);
    }
    document(sheets, Vec::new(), budget.is_spent, &lost)
}

fn worksheets(sheets: &[calamine::Sheet]) -> Vec<String> {
    let with_cells = |sheet: &&calamine::Sheet| !matches!(sheet.typ, SheetType::Vba | SheetType::ChartSheet);
    sheets.iter().filter(with_cells).map(|sheet| sheet.name.clone()).collect()
}

/// Adds a cell; `false` where nothing more fits.
fn add(sheet: &mut Sheet, cell: &Cell<DataRef>, text: String, budget: &mut Budget) -> bool {
    let (row, column) = cell.get_position();
    if text.is_empty() {
        return true;
    }
    let fits = budget.takes(&text);
    if fits {
        sheet.add(row, column, text);
    }
    fits
}

fn fill(sheet: &mut Sheet, merged: &[Dimensions], budget: &mut Budget) {
    sheet.put_in_order();
    let mut left_rows = MAX_MERGED_ROWS;
    for Dimensions { start, end } in merged.iter().filter(|region| region.end.0 > region.start.0) {
        let Some(left) = left_rows.checked_sub(end.0 - start.0) else { continue };
        left_rows = left;
        sheet.fill_down(start.0, end.0, start.1, budget);
    }
}

fn shown(value: &DataRef) -> String {
    match value {
        DataRef::Int(value) => value.to_string(),
        DataRef::Float(value) => sheets::number(*value),
        DataRef::String(text) => one_line(text),
        DataRef::SharedString(text) => one_line(text),
        DataRef::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        DataRef::DateTime(value) => date(*value),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => one_line(text),
        DataRef::Error(_) | DataRef::Empty => String::new(),
    }
}

fn shown_owned(value: &Data) -> String {
    match value {
        Data::Int(value) => value.to_string(),
        Data::Float(value) => sheets::number(*value),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => one_line(text),
        Data::Bool(value) => shown(&DataRef::Bool(*value)),
        Data::DateTime(value) => date(*value),
        Data::Error(_) | Data::Empty => String::new(),
    }
}

fn one_line(text: &str) -> String {
    clean(&text[..text.floor_char_boundary(MAX_CELL_BYTES)]).replace('\n', " ")
}

/// As ISO 8601 writes it: a date, a time of day, both, or hours that have passed.
fn date(value: ExcelDateTime) -> String {
    let days = value.as_f64();
    if value.is_duration() {
        let seconds = (days * 86400.0).round() as i64;
        let sign = if seconds < 0 { "-" } else { "" };
        let seconds = seconds.unsigned_abs();
        return format!("{sign}{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, millisecond) = value.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    let time = match (second, millisecond) {
        (0, 0) => format!("{hour:02}:{minute:02}"),
        _ => format!("{hour:02}:{minute:02}:{second:02}"),
    };
    match (days, time.as_str()) {
        (0.0..1.0, _) => time,
        (_, "00:00" | "00:00:00") => date,
        _ => format!("{date} {time}"),
    }
}

/// Whether a number format shows hundredths.
fn is_share(format: &str) -> bool {
    let mut quoted = false;
    let mut escaped = false;
    format.split(';').next().unwrap_or_default().chars().any(|character| {
        let here = character == '%' && !quoted && !escaped;
        quoted ^= character == '"' && !escaped;
        escaped = !escaped && matches!(character, '\\' | '_' | '*');
        here
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::corpus::formats::office::tests::{headings, lines, package, relationships};
    use crate::corpus::formats::read;

    fn xlsx(sheet: &str) -> Vec<u8> {
        let sheets = "<workbook xmlns:r='r'><sheets><sheet name='Q 1' sheetId='1' r:id='a'/></sheets></workbook>";
        package(&[
            ("_rels/.rels", &relationships(&[("a", "officeDocument", "xl/workbook.xml")])),
            ("xl/workbook.xml", sheets),
            ("xl/_rels/workbook.xml.rels", &relationships(&[("a", "worksheet", "worksheets/sheet1.xml")])),
            ("xl/worksheets/sheet1.xml", &format!("<worksheet><sheetData>{sheet}</sheetData></worksheet>")),
        ])
    }

    #[test]
    fn a_workbook_is_read_by_rows() {
        let text = |at: &str, text: &str| format!("<c r='{at}' t='inlineStr'><is><t>{text}</t></is></c>");
        let rows = format!(
            "<row r='2'>{}{}</row><row r='3'>{}<c r='B3'><v>0.30000000000000004</v></c></row><row r='1048576'>{}</row>",
            text("A2", "Name"),
            text("B2", "Share"),
            text("A3", "Ada"),
            text("XFD1048576", "far")
        );
        let document = read("a.xlsx", &xlsx(&rows)).unwrap();
        assert_eq!(lines(&document), ["2 Name | Share", "3 Name: Ada | Share: 0.3", "1048576 far"]);
        assert_eq!(headings(&document), ["Q 1"]);
    }

    #[test]
    fn a_workbook_that_expands_without_end_is_not_read() {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("xl/workbook.xml", SimpleFileOptions::default()).unwrap();
        let zeros = vec![b' '; 1 << 20];
        for _ in 0..300 {
            zip.write_all(&zeros).unwrap();
        }
        let bytes = zip.finish().unwrap().into_inner();
        assert!(read("a.xlsx", &bytes).unwrap_err().reason.starts_with("expands to more than"));
    }
}
