//! XLSX and XLSM: the values of all sheets, hidden ones too, with dates and shares as they are
//! shown.

use super::ooxml;
use super::sheets::{self, Budget, Sheet};
use super::xlsx_styles::{Shown, styles};
use super::xml::{Element, Event, Xml};
use crate::archive::Archive;
use crate::clean::clean_lines;
use crate::document::Document;
use crate::skip::Skip;

/// The last row and column that the format has, from 0.
const LAST_ROW: u32 = (1 << 20) - 1;
const LAST_COLUMN: u32 = (1 << 14) - 1;
/// Rows of merged cells beyond these are left as they are.
const MAX_MERGED_ROWS: u32 = 50_000;

pub(super) fn read(mut archive: Archive, main: &str) -> Result<Document, Skip> {
    let targets = ooxml::targets(&mut archive, main)?;
    let mut part = |kind: &str| -> Result<String, Skip> {
        let target = targets.values().filter(|target| target.kind == kind).min_by_key(|target| &target.name);
        Ok(target.map_or(Ok(None), |target| ooxml::part(&mut archive, &target.name))?.unwrap_or_default())
    };
    let strings = Strings::read(&part("sharedStrings")?);
    let styles = styles(&part("styles")?);
    let workbook = ooxml::part(&mut archive, main)?.ok_or_else(|| Skip::because("damaged: it has no sheets"))?;
    let mut reader = Reader { strings, styles, from_1904: false, budget: Budget::new() };
    let mut sheets = Vec::new();
    let mut xml = Xml::new(&workbook);
    while let Some(event) = xml.next() {
        let Event::Open(element) = event else { continue };
        match element.name() {
            "workbookPr" => {
                reader.from_1904 = matches!(element.attribute("date1904").as_deref(), Some("1" | "true" | "on"));
            }
            "sheet" => {
                let target = element.reference("id").and_then(|id| targets.get(&id));
                let Some(target) = target.filter(|target| target.kind == "worksheet") else { continue };
                let name = clean_lines(&element.attribute("name").unwrap_or_default()).replace('\n', " ");
                if let Some(text) = ooxml::part(&mut archive, &target.name)? {
                    sheets.push(reader.sheet(name, &text));
                }
            }
            _ => {}
        }
    }
    let metadata = ooxml::metadata(&mut archive);
    let warning = reader.budget.warning(&sheets);
    Ok(sheets::document(sheets, metadata, warning))
}

/// The texts that cells refer to, one after the other.
#[derive(Debug, Default)]
struct Strings {
    text: String,
    ends: Vec<usize>,
}

impl Strings {
    fn read(text: &str) -> Self {
        let mut strings = Strings::default();
        let mut xml = Xml::new(text);
        while let Some(event) = xml.next() {
            if matches!(&event, Event::Open(element) if element.name() == "si") {
                strings.text.push_str(&rich_text(&mut xml));
                strings.ends.push(strings.text.len());
            }
        }
        strings
    }

    fn get(&self, index: usize) -> Option<&str> {
        let start = index.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.text.get(start..*self.ends.get(index)?)
    }
}

/// The text to the end of the element that just began, without how it is pronounced; on one line.
fn rich_text(xml: &mut Xml) -> String {
    let mut text = String::new();
    let mut depth = 1;
    while depth > 0 {
        match xml.next() {
            Some(Event::Open(element)) if element.name() == "rPh" => xml.skip(),
            Some(Event::Open(_)) => depth += 1,
            Some(Event::Close(_)) => depth -= 1,
            Some(Event::Text(more)) => text.push_str(&more),
            None => break,
        }
    }
    sheets::one_line(&text)
}

struct Reader {
    strings: Strings,
    /// How numbers are shown, by the styles of cells.
    styles: Vec<Shown>,
    from_1904: bool,
    budget: Budget,
}

impl Reader {
    fn sheet(&mut self, name: String, text: &str) -> Sheet {
        let mut sheet = Sheet { name, rows: Vec::new() };
        let (mut row, mut column) = (0, 0);
        let mut merged: Vec<((u32, u32), (u32, u32))> = Vec::new();
        let mut left_rows = MAX_MERGED_ROWS;
        let mut xml = Xml::new(text);
        while let Some(event) = xml.next() {
            match event {
                Event::Open(element) if element.name() == "row" => {
                    let stated = element.attribute("r").and_then(|number| number.parse::<u32>().ok()?.checked_sub(1));
                    (row, column) = (stated.unwrap_or(row).min(LAST_ROW), 0);
                }
                Event::Close(name) if name == "row" => row = (row + 1).min(LAST_ROW),
                Event::Open(element) if element.name() == "c" => {
                    (row, column) = element.attribute("r").and_then(|at| position(&at)).unwrap_or((row, column));
                    let value = self.value(&element, &mut xml);
                    if !value.is_empty() && self.budget.takes(&value) {
                        sheet.add(row, column, value);
                    }
                    column = (column + 1).min(LAST_COLUMN);
                }
                Event::Open(element) if element.name() == "mergeCell" => {
                    let range = element.attribute("ref").unwrap_or_default();
                    let ends = range.split_once(':').and_then(|(from, to)| Some((position(from)?, position(to)?)));
                    let Some((from, to)) = ends.filter(|(from, to)| from.0 < to.0) else { continue };
                    if let Some(left) = left_rows.checked_sub(to.0 - from.0) {
                        left_rows = left;
                        merged.push((from, to));
                    }
                }
                _ => {}
            }
        }
        sheet.put_in_order();
        for (from, to) in merged {
            sheet.fill_down(from.0, to.0, from.1, &mut self.budget);
        }
        sheet
    }

    /// What a cell shows, to the end of its element.
    fn value(&self, cell: &Element, xml: &mut Xml) -> String {
        let mut value = String::new();
        let mut inline = String::new();
        let mut depth = 1;
        while depth > 0 {
            match xml.next() {
                Some(Event::Open(element)) => match element.name() {
                    "v" => value = xml.text(),
                    "is" => inline = rich_text(xml),
                    _ => depth += 1,
                },
                Some(Event::Close(_)) => depth -= 1,
                Some(Event::Text(_)) => {}
                None => break,
            }
        }
        match cell.attribute("t").as_deref() {
            Some("s") => {
                value.trim().parse().ok().and_then(|index| self.strings.get(index)).unwrap_or_default().to_owned()
            }
            Some("inlineStr") => inline,
            Some("b") => if value.trim() == "1" { "TRUE" } else { "FALSE" }.to_owned(),
            Some("e") => String::new(),
            Some("str" | "d") => sheets::one_line(&value),
            _ => {
                let style =
                    cell.attribute("s").and_then(|style| self.styles.get(style.parse::<usize>().ok()?)).copied();
                match value.trim().parse::<f64>() {
                    Err(_) => sheets::one_line(&value),
                    Ok(number) => style.unwrap_or_default().write(number, self.from_1904),
                }
            }
        }
    }
}

/// Row and column, from 0, of a cell's name.
fn position(name: &str) -> Option<(u32, u32)> {
    let letters = name.bytes().take_while(u8::is_ascii_alphabetic).count();
    let column = name
        .bytes()
        .take(letters.min(4))
        .fold(0, |column, letter| column * 26 + u32::from(letter.to_ascii_uppercase() - b'A') + 1);
    let row: u32 = name[letters..].parse().ok()?;
    let (row, column) = (row.checked_sub(1)?, column.checked_sub(1)?);
    (row <= LAST_ROW && column <= LAST_COLUMN).then_some((row, column))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::write::SimpleFileOptions;

    use crate::office::tests::{headings, lines, package, relationships};
    use crate::read;

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
