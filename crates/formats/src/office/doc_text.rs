//! Where the characters of a Word file lie: in pieces that a list puts in order; where there is no
//! such list, in one row.

use encoding_rs::{Encoding, MACINTOSH, UTF_16LE, WINDOWS_1252};

use crate::compound::{u16_at, u32_at};

/// Where the head of a file keeps what is needed here; the same for all versions.
const LANGUAGE: usize = 0x06;
const FLAGS: usize = 0x0a;
const CHARACTER_SET: usize = 0x14;
const TEXT_START: usize = 0x18;
const TEXT_END: usize = 0x1c;
const ADDED_AT_END: u16 = 0x0004;

/// What differs between versions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// How many characters the parts of the text have: main text, footnotes, page headers, macros,
    /// remarks, endnotes, text boxes.
    lengths: usize,
    pub(super) paragraphs: usize,
    pieces: usize,
    /// Characters are bytes, and all lists lie in the main stream.
    pub(super) is_old: bool,
}

/// Word 97 and later.
pub(super) const WORD_97: Layout = Layout { lengths: 0x4c, paragraphs: 0x102, pieces: 0x1a2, is_old: false };
/// Word 6 and 95; Word 2 has no list of pieces where they have it.
pub(super) const WORD_6: Layout = Layout { lengths: 0x34, paragraphs: 0xc0, pieces: 0x160, is_old: true };

/// The parts of a text, in the order of their lengths in the head.
const PARTS: usize = 7;

/// The text of a file.
#[derive(Debug, Default)]
pub(super) struct Characters {
    /// The UTF-16 units of each part, each with its offset in the file; between two marks that
    /// control something only the first offset is exact. Where no lengths are stated the first part
    /// is all there is.
    pub(super) parts: [Vec<(u16, u32)>; PARTS],
    /// Why it may not be the whole text, or not in its order.
    pub(super) warning: Option<String>,
}

/// A part of a stream that the head points to.
pub(super) fn pointed<'t>(main: &[u8], table: &'t [u8], at: usize) -> Option<&'t [u8]> {
    let (start, length) = (u32_at(main, at)? as usize, u32_at(main, at + 4)? as usize);
    table.get(start..start.checked_add(length)?)
}

/// Reads the text of the stream `main`, whose list of pieces lies in `table`.
pub(super) fn characters(main: &[u8], table: &[u8], layout: Layout) -> Characters {
    let length = |part: usize| u32_at(main, layout.lengths + 4 * part).unwrap_or(0) as usize;
    let mut all = 0usize;
    let mut ends: [usize; PARTS] = std::array::from_fn(|part| {
        all = all.saturating_add(length(part));
        all
    });
    let listed = pieces(main, table, layout);
    // Old files have the list only where text was added at the end when they were saved.
    let has_list = !layout.is_old || u16_at(main, FLAGS).is_some_and(|flags| flags & ADDED_AT_END != 0);
    let is_guessed = listed.is_none() && has_list;
    let guessed = is_guessed.then(|| "its list of pieces is damaged: read in the order of the file".to_owned());
    let pieces = listed.unwrap_or_else(|| row(main, all, layout));
    if all == 0 {
        ends = [usize::MAX; PARTS];
    }
    let encoding = if layout.is_old { encoding(main) } else { WINDOWS_1252 };
    let mut characters = Characters { warning: guessed, ..Characters::default() };
    // Pieces of a damaged file may overlap, but there are no more characters than bytes.
    let (mut counted, mut left_bytes) = (0, main.len());
    for Piece { mut start, length, is_wide } in pieces {
        let size = if is_wide { 2 } else { 1 };
        let end = start.saturating_add(length.saturating_mul(size)).min(main.len());
        let bytes = main.get(start..end).unwrap_or_default();
        let mut bytes = &bytes[..bytes.len().min(left_bytes) / size * size];
        left_bytes -= bytes.len();
        while !bytes.is_empty() {
            let Some(part) = ends.iter().position(|end| counted < *end) else { return characters };
            let (now, later) = bytes.split_at(bytes.len().min((ends[part] - counted).saturating_mul(size)));
            for (from, to) in runs(now, is_wide) {
                let encoding = if is_wide { UTF_16LE } else { encoding };
                let (text, _) = encoding.decode_without_bom_handling(&now[from..to]);
                let offset = (start + from) as u32;
                characters.parts[part].extend(text.encode_utf16().map(|unit| (unit, offset)));
            }
            counted += now.len() / size;
            start += now.len();
            bytes = later;
        }
    }
    if counted < all {
        let lost = format!("damaged: {counted} of the {all} characters that it should have are there");
        characters.warning = characters.warning.or(Some(lost));
    }
    characters
}

struct Piece {
    start: usize,
    length: usize,
    is_wide: bool,
}

/// The pieces that the list puts in order; `None` where there is no list that could be one.
fn pieces(main: &[u8], table: &[u8], layout: Layout) -> Option<Vec<Piece>> {
    let mut list = pointed(main, table, layout.pieces)?;
    // Changes that pieces refer to come first.
    while list.first() == Some(&1) {
        list = list.get(3 + u16_at(list, 1)? as usize..)?;
    }
    if list.first() != Some(&2) {
        return None;
    }
    let stated = u32_at(list, 1)? as usize;
    let list = list.get(5..)?;
    let list = &list[..stated.min(list.len())];
    let count = list.len().checked_sub(4)? / 12;
    let mut pieces = Vec::new();
    for index in 0..count {
        let length = u32_at(list, 4 * index + 4)?.checked_sub(u32_at(list, 4 * index)?)? as usize;
        let start = u32_at(list, 4 * (count + 1) + 8 * index + 2)?;
        let is_narrow = layout.is_old || start & 0x4000_0000 != 0;
        let start = match (layout.is_old, is_narrow) {
            (true, _) => start,
            (_, true) => (start & 0x3fff_ffff) / 2,
            _ => start & 0x3fff_ffff,
        };
        pieces.push(Piece { start: start as usize, length, is_wide: !is_narrow });
    }
    let is_there = |piece: &Piece| piece.start < main.len() && piece.length > 0;
    pieces.iter().any(is_there).then_some(pieces)
}

/// All that lies between the first and the last character, if the head says so and it could be
/// text.
fn row(main: &[u8], length: usize, layout: Layout) -> Vec<Piece> {
    let bounds = (u32_at(main, TEXT_START), u32_at(main, TEXT_END));
    let (Some(start), Some(end)) = bounds else { return Vec::new() };
    let (start, end) = (start as usize, (end as usize).min(main.len()));
    let Some(bytes) = end.checked_sub(start).filter(|bytes| *bytes > 0) else { return Vec::new() };
    let is_wide = !layout.is_old
        && match length {
            0 => is_utf16(&main[start..end]),
            length => length.saturating_mul(2) <= bytes,
        };
    vec![Piece { start, length: if is_wide { bytes / 2 } else { bytes }, is_wide }]
}

fn is_utf16(bytes: &[u8]) -> bool {
    bytes.iter().skip(1).step_by(2).filter(|byte| **byte == 0).count() > bytes.len() / 4
}

/// Cuts after every mark that controls something, so that no character is cut and every mark has
/// its own offset.
fn runs(bytes: &[u8], is_wide: bool) -> Vec<(usize, usize)> {
    let size = if is_wide { 2 } else { 1 };
    let is_mark = |unit: &[u8]| unit[0] < 0x20 && unit.get(1).is_none_or(|high| *high == 0);
    let mut runs = Vec::new();
    let mut from = 0;
    for (at, unit) in bytes.chunks_exact(size).enumerate() {
        let at = at * size;
        if is_mark(unit) {
            runs.extend((from < at).then_some((from, at)));
            runs.push((at, at + size));
            from = at + size;
        }
    }
    let end = bytes.len() / size * size;
    runs.extend((from < end).then_some((from, end)));
    runs
}

/// The encoding of an old file, by the language that it was written in.
fn encoding(main: &[u8]) -> &'static Encoding {
    if u16_at(main, CHARACTER_SET) == Some(0x100) {
        return MACINTOSH;
    }
    let language = u16_at(main, LANGUAGE).unwrap_or(0);
    let label: &[u8] = match language & 0x3ff {
        0x01 | 0x20 | 0x29 => b"windows-1256",
        0x02 | 0x19 | 0x22 | 0x23 | 0x2f => b"windows-1251",
        0x04 if matches!(language, 0x0404 | 0x0c04) => b"big5",
        0x04 => b"gbk",
        0x05 | 0x0e | 0x15 | 0x18 | 0x1a | 0x1b | 0x1c | 0x24 => b"windows-1250",
        0x08 => b"windows-1253",
        0x0d => b"windows-1255",
        0x11 => b"shift_jis",
        0x12 => b"euc-kr",
        0x1e => b"windows-874",
        0x1f => b"windows-1254",
        0x25..=0x27 => b"windows-1257",
        0x2a => b"windows-1258",
        _ => b"windows-1252",
    };
    Encoding::for_label(label).unwrap_or(WINDOWS_1252)
}
