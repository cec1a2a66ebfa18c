//! DOC, Word's format from Word 2 to 2003: its text, with headings, list items, tables and notes.

use super::doc_settings::{Setting, Settings};
use super::doc_text::{WORD_6, WORD_97, characters};
use super::flow::{Flow, Role};
use super::page;
use crate::corpus::Document;
use crate::corpus::formats::Skip;
use crate::corpus::formats::compound::{Compound, u16_at};

/// Where the head of the file keeps what is needed here.
const VERSION: usize = 0x02;
const FLAGS: usize = 0x0a;

const ENCRYPTED: u16 = 0x0100;
const SECOND_TABLE: u16 = 0x0200;
const WORD_2: u16 = 45;
const FIRST_WORD_6: u16 = 100;
const FIRST_WORD_97: u16 = 0xc1;

/// Whether the bytes begin like a file of Word 2 or 6 that lies in no container.
pub(super) fn is_bare(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xdb\xa5\x2d\0") || bytes.starts_with(b"\xdc\xa5")
}

pub(super) fn read(file: &Compound) -> Result<Document, Skip> {
    let main = file.stream("WordDocument").unwrap_or_default();
    let is_second = u16_at(&main, FLAGS).unwrap_or(0) & SECOND_TABLE != 0;
    let tables = if is_second { ["1Table", "0Table"] } else { ["0Table", "1Table"] };
    let table = tables.iter().find_map(|name| file.stream(name)).unwrap_or_default();
    read_streams(&main, &table)
}

/// Reads a file that is one stream.
pub(super) fn read_bare(main: &[u8]) -> Result<Document, Skip> {
    read_streams(main, &[])
}

fn read_streams(main: &[u8], table: &[u8]) -> Result<Document, Skip> {
    let (Some(version), Some(flags)) = (u16_at(main, VERSION), u16_at(main, FLAGS)) else {
        return Err(Skip::because("damaged Office file"));
    };
    if flags & ENCRYPTED != 0 {
        return Err(Skip::needs_password());
    }
    let (layout, table): (_, &[u8]) = match version {
        ..WORD_2 => return Err(Skip::because("a Word file from before 1991; save it as DOCX")),
        // Its lists lie elsewhere, and only its text is read.
        WORD_2..FIRST_WORD_6 => (WORD_6, &[]),
        FIRST_WORD_6..FIRST_WORD_97 => (WORD_6, main),
        _ => (WORD_97, table),
    };
    let settings = Settings::read(main, table, layout);
    let characters = characters(main, table, layout);
    let mut reader =
        Reader { flow: Flow::default(), text: String::new(), field_codes: 0, fields: Vec::new(), in_table: false };
    let [text, footnotes, _, _, _, endnotes, text_boxes] = &characters.parts;
    reader.text(text, &settings);
    reader.notes(footnotes);
    reader.notes(endnotes);
    reader.text(text_boxes, &settings);
    let mut document = page::document(reader.flow, Vec::new());
    if characters.is_guessed {
        document.doubt = Some("its list of pieces is damaged: read in the order of the file".to_owned());
    }
    Ok(document)
}

struct Reader {
    flow: Flow,
    text: String,
    /// How many fields are open, and for each whether its code, which nobody sees, is being read.
    fields: Vec<bool>,
    field_codes: usize,
    in_table: bool,
}

impl Reader {
    fn text(&mut self, characters: &[(u16, u32)], settings: &Settings) {
        let mut units = Vec::new();
        for &(unit, offset) in characters {
            match unit {
                0x07 | 0x0c | 0x0d => {
                    self.add(&mut units);
                    self.end_paragraph(settings.at(offset), unit == 0x07);
                }
                0x13..=0x15 => {
                    self.add(&mut units);
                    self.field(unit);
                }
                _ if self.field_codes > 0 => {}
                _ => units.push(visible(unit)),
            }
        }
        self.add(&mut units);
        self.end_paragraph(Setting::default(), false);
        self.fields.clear();
        self.field_codes = 0;
    }

    fn notes(&mut self, characters: &[(u16, u32)]) {
        self.text(characters, &Settings::default());
    }

    fn add(&mut self, units: &mut Vec<u16>) {
        self.text.push_str(&String::from_utf16_lossy(units));
        units.clear();
    }

    fn field(&mut self, mark: u16) {
        match mark {
            0x13 => self.fields.push(true),
            0x14 => {
                if let Some(is_code) = self.fields.last_mut() {
                    *is_code = false;
                }
            }
            _ => _ = self.fields.pop(),
        }
        self.field_codes = self.fields.iter().filter(|is_code| **is_code).count();
    }

    fn end_paragraph(&mut self, setting: Setting, ends_cell: bool) {
        let text = std::mem::take(&mut self.text);
        if !(setting.in_table || ends_cell) {
            if std::mem::take(&mut self.in_table) {
                self.flow.close_table();
            }
        } else if !std::mem::replace(&mut self.in_table, true) {
            self.flow.open_table();
        }
        if setting.ends_row {
            self.flow.close_row();
            return;
        }
        if self.in_table {
            self.flow.continue_cell();
        }
        match setting.outline {
            Some(outline) => self.flow.paragraph(Role::Heading(outline + 2), &text),
            None if setting.is_item => self.flow.paragraph(Role::Item(None), &text),
            None => self.flow.paragraph(Role::Body, &text),
        }
        if ends_cell {
            self.flow.close_cell();
        }
    }
}

fn visible(unit: u16) -> u16 {
    match unit {
        0x0b => u16::from(b'\n'),
        0x1e => u16::from(b'-'),
        // Marks of pictures, notes and remarks, and hyphens that show only at the end of a line.
        0x01..=0x08 | 0x1f => 0x00ad,
        _ => unit,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use crate::corpus::formats::compound::tests::compound;
    use crate::corpus::formats::office::tests::lines;
    use crate::corpus::formats::read;

    /// A Word file with one piece of text and nothing else.
    pub(in crate::corpus::formats::office) fn doc(text: &str) -> Vec<u8> {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut main = vec![0; 0x400];
        let mut put = |at: usize, value: u32| main[at..at + 4].copy_from_slice(&value.to_le_bytes());
        put(0, 0x00c1_a5ec);
        put(0x4c, units.len() as u32 / 2);
        put(0x1a2, 0);
        put(0x1a6, 21);
        main.extend(units.iter());
        let mut table = vec![2];
        for value in [16, 0, units.len() as u32 / 2] {
            table.extend(u32::to_le_bytes(value));
        }
        table.extend([0, 0]);
        table.extend(u32::to_le_bytes(0x400));
        table.extend([0, 0]);
        compound(&[("WordDocument", &main), ("0Table", &table)])
    }

    #[test]
    fn the_text_of_a_doc_is_found_through_its_pieces() {
        let document = read("a.doc", &doc("Größe\r\u{13}PAGE\u{14}7\u{15} and\u{b}more\r")).unwrap();
        assert_eq!(lines(&document), ["1 Größe", "2 7 and", "2 more"]);
    }
}
