//! DOC, Word's format from 97 to 2003: the text out of its pieces, with headings, list items, tables and notes.

use super::compound::{Compound, u16_at, u32_at};
use super::flow::{Flow, Role};
use super::page;
use crate::corpus::Document;
use crate::corpus::formats::Skip;

/// Where the head of the file keeps what is needed here.
mod head {
    pub(super) const FLAGS: usize = 0x0a;
    /// How many characters the parts of the text have: main text, footnotes, page headers, macros, remarks, endnotes, text boxes.
    pub(super) const LENGTHS: usize = 0x4c;
    pub(super) const PARAGRAPHS: usize = 0x102;
    pub(super) const PIECES: usize = 0x1a2;
}

const ENCRYPTED: u16 = 0x0100;
const SECOND_TABLE: u16 = 0x0200;
const PAGE_BYTES: usize = 512;

/// What is known of the paragraph that ends at some offset of the file.
#[derive(Debug, Default, Clone, Copy)]
struct Setting {
    outline: Option<u8>,
    is_item: bool,
    in_table: bool,
    ends_row: bool,
}

pub(super) fn read(bytes: &[u8]) -> Result<Document, Skip> {
    let mut file = Compound::open(bytes)?;
    let main = file.stream("WordDocument")?.ok_or_else(|| Skip::because("damaged Office file"))?;
    let damaged = || Skip::because("damaged Office file");
    let flags = u16_at(&main, head::FLAGS).ok_or_else(damaged)?;
    if flags & ENCRYPTED != 0 {
        return Err(Skip::because("protected by a password"));
    }
    // Word 6 and 95 have another head.
    if u16_at(&main, 2).is_none_or(|version| version < 0x00c1) {
        return Err(Skip::because("a Word file from before 1997; save it as DOCX"));
    }
    let table = file.stream(if flags & SECOND_TABLE != 0 { "1Table" } else { "0Table" })?.ok_or_else(damaged)?;
    let settings = settings(&main, &table);
    let characters = characters(&main, &table).ok_or_else(damaged)?;
    let mut reader =
        Reader { flow: Flow::default(), text: String::new(), field_codes: 0, fields: Vec::new(), in_table: false };
    let mut from = 0usize;
    for part in 0..7 {
        let length = u32_at(&main, head::LENGTHS + 4 * part).unwrap_or(0) as usize;
        let to = from.saturating_add(length).min(characters.len());
        match part {
            0 | 6 => reader.text(&characters[from..to], &settings),
            1 | 5 => reader.notes(&characters[from..to]),
            _ => {}
        }
        from = to;
    }
    Ok(page::document(reader.flow, Vec::new()))
}

/// A part of a stream that the head points to.
fn pointed<'t>(main: &[u8], table: &'t [u8], at: usize) -> Option<&'t [u8]> {
    let (start, length) = (u32_at(main, at)? as usize, u32_at(main, at + 4)? as usize);
    table.get(start..start.checked_add(length)?)
}

/// The UTF-16 units of the whole text, each with its offset in the file, out of the pieces that later changes cut it into.
fn characters(main: &[u8], table: &[u8]) -> Option<Vec<(u16, u32)>> {
    let mut pieces = pointed(main, table, head::PIECES)?;
    while pieces.first() == Some(&1) {
        pieces = pieces.get(3 + u16_at(pieces, 1)? as usize..)?;
    }
    let pieces = pieces.get(5..)?;
    let count = pieces.len().checked_sub(4)? / 12;
    let mut characters = Vec::new();
    for index in 0..count {
        let length = u32_at(pieces, 4 * index + 4)?.checked_sub(u32_at(pieces, 4 * index)?)? as usize;
        let start = u32_at(pieces, 4 * (count + 1) + 8 * index + 2)?;
        // Pieces of a damaged file may overlap, but there are no more characters than bytes.
        if characters.len() + length > main.len() {
            return None;
        }
        let is_narrow = start & 0x4000_0000 != 0;
        let start = (start & 0x3fff_ffff) as usize / if is_narrow { 2 } else { 1 };
        if is_narrow {
            let bytes = main.get(start..start.checked_add(length)?)?;
            let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes);
            // Every character of this encoding is one unit.
            characters.extend(text.encode_utf16().zip(start as u32..));
        } else {
            let bytes = main.get(start..start.checked_add(2 * length)?)?;
            let units = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
            characters.extend(units.zip((start as u32..).step_by(2)));
        }
    }
    Some(characters)
}

/// The settings of paragraphs, with the offsets in the file from and to which their text lies, in order.
fn settings(main: &[u8], table: &[u8]) -> Vec<(u32, u32, Setting)> {
    let mut settings = Vec::new();
    let Some(list) = pointed(main, table, head::PARAGRAPHS) else { return settings };
    let count = list.len().saturating_sub(4) / 8;
    let mut seen = std::collections::HashSet::new();
    for index in 0..count {
        let Some(number) = u32_at(list, 4 * (count + 1) + 4 * index) else { break };
        let start = (number & 0x003f_ffff) as usize * PAGE_BYTES;
        if let Some(page) = main.get(start..start + PAGE_BYTES)
            && seen.insert(start)
        {
            settings_of_page(page, &mut settings);
        }
    }
    settings.sort_by_key(|(from, _, _)| *from);
    settings
}

fn settings_of_page(page: &[u8], settings: &mut Vec<(u32, u32, Setting)>) {
    let count = page[PAGE_BYTES - 1] as usize;
    for index in 0..count {
        let (Some(from), Some(to)) = (u32_at(page, 4 * index), u32_at(page, 4 * index + 4)) else { break };
        let Some(at) = page.get(4 * (count + 1) + 13 * index) else { break };
        let at = 2 * *at as usize;
        let (start, length) = match (page.get(at), page.get(at + 1)) {
            _ if at == 0 => (0, 0),
            (Some(0), Some(words)) => (at + 2, 2 * *words as usize),
            (Some(words), _) => (at + 1, 2 * *words as usize - 1),
            _ => (0, 0),
        };
        let stated = page.get(start..start + length).unwrap_or_default();
        settings.push((from, to, setting(stated)));
    }
}

/// Reads a style's number and the changes to it.
fn setting(stated: &[u8]) -> Setting {
    let mut setting = Setting::default();
    // The styles of the nine levels of headings have the same numbers in every file.
    if let Some(style @ 1..=9) = u16_at(stated, 0) {
        setting.outline = Some(style as u8 - 1);
    }
    let mut at = 2;
    while let Some(code) = u16_at(stated, at) {
        let value = stated.get(at + 2).copied().unwrap_or(0);
        match code {
            0x2416 => setting.in_table = value != 0,
            0x2417 => setting.ends_row = value != 0,
            0x460b => setting.is_item = u16_at(stated, at + 2).is_some_and(|list| list != 0),
            0x2640 => setting.outline = Some(value).filter(|level| *level < 9),
            _ => {}
        }
        let length = match code >> 13 {
            0 | 1 => 1,
            2 | 4 | 5 => 2,
            3 => 4,
            7 => 3,
            _ if code == 0xd608 => 1 + u16_at(stated, at + 2).unwrap_or(0) as usize,
            _ => 1 + value as usize,
        };
        at += 2 + length;
    }
    setting
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
    fn text(&mut self, characters: &[(u16, u32)], settings: &[(u32, u32, Setting)]) {
        let mut units = Vec::new();
        for &(unit, offset) in characters {
            match unit {
                0x07 | 0x0c | 0x0d => {
                    self.add(&mut units);
                    let index = settings.partition_point(|(from, _, _)| *from <= offset).checked_sub(1);
                    let found = index.map(|index| settings[index]).filter(|(_, to, _)| offset < *to);
                    self.end_paragraph(found.map_or_else(Setting::default, |it| it.2), unit == 0x07);
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
        self.text(characters, &[]);
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
    use crate::corpus::formats::office::tests::{compound, lines};
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
