//! What a Word file says of its paragraphs: headings, list items, cells and the ends of rows.

use std::collections::HashSet;

use super::doc_text::{Layout, pointed};
use crate::compound::{u16_at, u32_at};

const PAGE_BYTES: usize = 512;

/// What is known of a paragraph.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Setting {
    pub(super) outline: Option<u8>,
    pub(super) is_item: bool,
    pub(super) in_table: bool,
    pub(super) ends_row: bool,
}

/// The settings of paragraphs, with the offsets in the file from and to which their text lies, in
/// order.
#[derive(Debug, Default)]
pub(super) struct Settings(Vec<(u32, u32, Setting)>);

impl Settings {
    /// The setting of the paragraph that ends at `offset`.
    pub(super) fn at(&self, offset: u32) -> Setting {
        let index = self.0.partition_point(|(from, _, _)| *from <= offset).checked_sub(1);
        let found = index.map(|index| self.0[index]).filter(|(_, to, _)| offset < *to);
        found.map_or_else(Setting::default, |(_, _, setting)| setting)
    }

    /// Reads those of the stream `main`, whose list of pages lies in `table`.
    pub(super) fn read(main: &[u8], table: &[u8], layout: Layout) -> Self {
        let mut settings = Vec::new();
        let list = pointed(main, table, layout.paragraphs).unwrap_or_default();
        let number_bytes = if layout.is_old { 2 } else { 4 };
        let count = list.len().saturating_sub(4) / (4 + number_bytes);
        let mut seen = HashSet::new();
        for index in 0..count {
            let at = 4 * (count + 1) + number_bytes * index;
            let number = if layout.is_old { u16_at(list, at).map(u32::from) } else { u32_at(list, at) };
            let start = (number.unwrap_or(u32::MAX) & 0x003f_ffff) as usize * PAGE_BYTES;
            if let Some(page) = main.get(start..start + PAGE_BYTES)
                && seen.insert(start)
            {
                add_page(page, layout, &mut settings);
            }
        }
        settings.sort_by_key(|(from, _, _)| *from);
        Settings(settings)
    }
}

fn add_page(page: &[u8], layout: Layout, settings: &mut Vec<(u32, u32, Setting)>) {
    let count = page[PAGE_BYTES - 1] as usize;
    let entry_bytes = if layout.is_old { 7 } else { 13 };
    for index in 0..count {
        let (Some(from), Some(to)) = (u32_at(page, 4 * index), u32_at(page, 4 * index + 4)) else { break };
        let Some(at) = page.get(4 * (count + 1) + entry_bytes * index) else { break };
        let at = 2 * *at as usize;
        let (start, length) = match (page.get(at), page.get(at + 1)) {
            _ if at == 0 => (0, 0),
            (Some(words), _) if layout.is_old => (at + 1, 2 * *words as usize),
            (Some(0), Some(words)) => (at + 2, 2 * *words as usize),
            (Some(words), _) => (at + 1, 2 * *words as usize - 1),
            _ => (0, 0),
        };
        let stated = page.get(start..(start + length).min(PAGE_BYTES)).unwrap_or_default();
        settings.push((from, to, if layout.is_old { old_setting(stated) } else { setting(stated) }));
    }
}

/// The styles of the nine levels of headings have the same numbers in every file.
fn outline_of_style(stated: &[u8]) -> Option<u8> {
    u16_at(stated, 0).filter(|style| (1..=9).contains(style)).map(|style| style as u8 - 1)
}

/// Reads a style's number and the changes to it.
fn setting(stated: &[u8]) -> Setting {
    let mut setting = Setting { outline: outline_of_style(stated), ..Setting::default() };
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

/// The same of Word 6 and 95, whose changes have numbers of one byte.
fn old_setting(stated: &[u8]) -> Setting {
    let mut setting = Setting { outline: outline_of_style(stated), ..Setting::default() };
    let mut at = 2;
    while let Some(&code) = stated.get(at) {
        let value = stated.get(at + 1).copied().unwrap_or(0);
        match code {
            12 => setting.is_item = true,
            13 => setting.is_item = value != 0,
            24 => setting.in_table = value != 0,
            25 => setting.ends_row = value != 0,
            _ => {}
        }
        let length = match code {
            3 | 12 | 15 | 23 => 1 + value as usize,
            // What these set comes before the last change that is looked for, or ends the list.
            190 | 191 => 2 + u16_at(stated, at + 1).unwrap_or(0) as usize,
            2 | 16..=19 | 21 | 22 | 26..=28 | 30..=36 | 38..=43 | 45..=49 => 2,
            20 => 4,
            _ => 1,
        };
        at += 1 + length;
    }
    setting
}
