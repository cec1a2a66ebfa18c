//! DOC, Word's format from Word 2 to 2003: its text, with headings, list items, tables and notes.

use super::doc_settings::{Setting, Settings};
use super::doc_text::{WORD_6, WORD_97, characters};
use super::document_writer;
use super::flow::{Flow, Role};
use crate::compound::{Compound, u16_at};
use crate::document::Document;
use crate::skip::Skip;

/// Where the head of the file keeps what is needed here.
const VERSION: usize = 0x02;
const FLAGS: usize = 0x0a;

const ENCRYPTED: u16 = 0x0100;
const SECOND_TABLE: u16 = 0x0200;
const WORD_2: u16 = 45;
const FIRST_WORD_6: u16 = 100;
const FIRST_WORD_97: u16 = 0xc1;

/// True if the bytes begin like a file of Word 2 or 6 without a container.
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
    let document = document_writer::document(reader.flow, Vec::new());
    Ok(Document { warning: characters.warning, ..document })
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
    use crate::compound::tests::compound;
    use crate::office::tests::{headings, lines};
    use crate::read;

    /// A Word file with one piece of text and nothing else.
    pub(in crate::office) fn doc(text: &str) -> Vec<u8> {
        let (main, table) = streams(text);
        compound(&[("WordDocument", &main), ("0Table", &table)])
    }

    fn put(bytes: &mut [u8], at: usize, value: u32) {
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    fn streams(text: &str) -> (Vec<u8>, Vec<u8>) {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut main = vec![0; 0x400];
        let length = units.len() as u32;
        for (at, value) in [(0, 0x00c1_a5ec), (0x18, 0x400), (0x1c, 0x400 + length), (0x4c, length / 2), (0x1a6, 21)] {
            put(&mut main, at, value);
        }
        main.extend(units);
        let mut table = vec![2];
        for value in [16, 0, length / 2] {
            table.extend(u32::to_le_bytes(value));
        }
        table.extend([0, 0]);
        table.extend(u32::to_le_bytes(0x400));
        table.extend([0, 0]);
        (main, table)
    }

    #[test]
    fn the_text_of_a_doc_is_found_through_its_pieces() {
        let document = read("a.doc", &doc("Größe\r\u{13}PAGE\u{14}7\u{15} and\u{b}more\r")).unwrap();
        assert_eq!(lines(&document), ["1 Größe", "2 7 and", "2 more"]);
    }

    #[test]
    fn a_doc_whose_lists_are_wrong_is_read_as_far_as_it_goes() {
        let (main, table) = streams("Größe\rmore\r");
        let longer = [&table[..], b"what follows is no list"].concat();
        let mut beyond = table.clone();
        put(&mut beyond, 9, 99);
        let mut second = main.clone();
        put(&mut second, 0x0a, u32::from(super::SECOND_TABLE));
        let mut all = main.clone();
        put(&mut all, 0x1a6, longer.len() as u32);
        for (main, table, is_doubtful) in
            [(&all, &longer, false), (&main, &beyond, false), (&second, &table, false), (&main, &Vec::new(), true)]
        {
            let document = read("a.doc", &compound(&[("WORDDOCUMENT", main), ("0table", table)])).unwrap();
            assert_eq!(lines(&document), ["1 Größe", "2 more"]);
            assert_eq!(document.warning.is_some(), is_doubtful, "{:?}", document.warning);
        }
        let mut short = table.clone();
        put(&mut short, 9, 6);
        let document = read("a.doc", &compound(&[("WordDocument", &main), ("0Table", &short)])).unwrap();
        assert_eq!(document.warning.as_deref(), Some("damaged: 6 of the 11 characters that it should have are there"));
        let narrow = [&main[..0x400], b"Gr\xf6\xdfe\rmore\r"].concat();
        let document = read("a.doc", &compound(&[("WordDocument", &narrow)])).unwrap();
        assert_eq!(lines(&document), ["1 Größe", "2 more"]);
    }

    /// A file of Word 6: the first paragraph is a heading, and the second, of three, the only row
    /// of a table.
    pub(in crate::office) fn word_6(text: &[u8]) -> Vec<u8> {
        let mut main = vec![0; 0x300];
        let length = text.len() as u32;
        for (at, value) in
            [(0, 0x0065_a5dc), (0x18, 0x300), (0x1c, 0x300 + length), (0x34, length), (0xc0, 0x600), (0xc4, 10)]
        {
            put(&mut main, at, value);
        }
        main[0x06..0x08].copy_from_slice(&[0x19, 0x04]);
        main.extend(text);
        main.resize(0x600, 0);
        let ends = text.iter().enumerate().filter(|(_, byte)| matches!(byte, 7 | 13)).map(|(at, _)| 0x301 + at as u32);
        let offsets: Vec<u32> = [0x300].into_iter().chain(ends).collect();
        let page = &mut main[0x400..0x600];
        let count = offsets.len() - 1;
        page[511] = count as u8;
        offsets.iter().enumerate().for_each(|(at, offset)| put(page, 4 * at, *offset));
        let settings: [&[u8]; 4] = [&[1, 1, 0], &[2, 0, 0, 24, 1], &[3, 0, 0, 24, 1, 25, 1], &[1, 0, 0]];
        for index in 0..count {
            let setting = if index == 0 {
                0
            } else if index + 1 == count {
                3
            } else {
                1 + index / (count - 2)
            };
            let at = 400 + 16 * setting;
            page[at..at + settings[setting].len()].copy_from_slice(settings[setting]);
            page[4 * (count + 1) + 7 * index] = (at / 2) as u8;
        }
        main.extend([&0x300u32.to_le_bytes()[..], &(0x300 + length).to_le_bytes(), &[2, 0]].concat());
        main
    }

    #[test]
    fn files_of_word_before_97_are_read_in_the_encoding_of_their_language() {
        let main = word_6(b"\xcf\xf0\xe8\ra\x07b\x07\x07The end.\r");
        for bytes in [compound(&[("WordDocument", &main)]), main] {
            let document = read("a.doc", &bytes).unwrap();
            assert_eq!(lines(&document), ["1 При", "2 a | b", "3 The end."]);
            assert_eq!(headings(&document), ["При"]);
        }
    }
}
