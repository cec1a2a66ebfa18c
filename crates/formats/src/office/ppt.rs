//! PPT, PowerPoint's format from 97 to 2003: the texts of its slides and what the speaker says.

use std::collections::{HashMap, HashSet};

use super::deck::{self, Slide};
use super::flow::Role;
use crate::compound::{Compound, u16_at, u32_at};
use crate::document::Document;
use crate::limits::RECORD_DEPTH;
use crate::skip::Skip;

/// Records inside records deeper than this are not looked into.
const MAX_DEPTH: usize = RECORD_DEPTH.most;

/// Types of records.
mod kind {
    pub(super) const DOCUMENT: u16 = 0x03e8;
    pub(super) const SLIDE_ATOM: u16 = 0x03ef;
    pub(super) const SLIDE_PERSIST: u16 = 0x03f3;
    pub(super) const TEXT_HEADER: u16 = 0x0f9f;
    pub(super) const TEXT_UNITS: u16 = 0x0fa0;
    pub(super) const TEXT_BYTES: u16 = 0x0fa8;
    pub(super) const SLIDE_LIST: u16 = 0x0ff0;
    pub(super) const USER_EDIT: u16 = 0x0ff5;
    pub(super) const PERSIST_DIRECTORY: u16 = 0x1772;
}

/// A record and what is in it.
#[derive(Debug, Clone, Copy)]
struct Record<'b> {
    kind: u16,
    instance: u16,
    is_container: bool,
    content: &'b [u8],
}

fn record(bytes: &[u8], at: usize) -> Option<Record<'_>> {
    let first = u16_at(bytes, at)?;
    let length = u32_at(bytes, at + 4)? as usize;
    let content = bytes.get(at + 8..)?;
    let content = &content[..length.min(content.len())];
    Some(Record { kind: u16_at(bytes, at + 2)?, instance: first >> 4, is_container: first & 0xf == 0xf, content })
}

/// The records that follow each other in `bytes`.
fn records(bytes: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let found = record(bytes, at)?;
        at += 8 + found.content.len();
        Some(found)
    })
}

pub(super) fn read(file: &Compound) -> Result<Document, Skip> {
    let stream = file.stream("PowerPoint Document").ok_or_else(|| Skip::because("damaged Office file"))?;
    let user = file.stream("Current User").unwrap_or_default();
    // The token of encrypted files.
    if u32_at(&user, 12) == Some(0xf3d1_c4df) {
        return Err(Skip::needs_password());
    }
    let offsets = offsets(&stream, u32_at(&user, 16));
    let document = offsets.iter().filter_map(|(_, at)| record(&stream, *at)).find(|it| it.kind == kind::DOCUMENT);
    let document = document.or_else(|| records(&stream).find(|it| it.kind == kind::DOCUMENT));
    let document = document.ok_or_else(|| Skip::because("damaged Office file"))?;
    let mut by_number: HashMap<u32, usize> = offsets.into_iter().collect();
    let lists: Vec<Record> = records(document.content).filter(|it| it.kind == kind::SLIDE_LIST).collect();
    let list =
        |instance| lists.iter().find(|list| list.instance == instance).map_or([].as_slice(), |list| list.content);
    // Every record is on one slide only, however often a damaged file refers to it.
    let mut at = |number: u32| by_number.remove(&number).and_then(|at| record(&stream, at));
    // Notes pages are found by the number that slides have for them.
    let notes: HashMap<u32, u32> =
        persists(list(2)).into_iter().map(|(number, identity, _)| (identity, number)).collect();
    let mut slides = Vec::new();
    for (number, _, listed) in persists(list(0)) {
        let mut texts = texts(listed, 0);
        let page = at(number);
        if let Some(page) = page {
            texts.extend(self::texts(page.content, 0));
        }
        let notes_of = page.and_then(|page| records(page.content).find(|it| it.kind == kind::SLIDE_ATOM));
        let notes_of = notes_of.and_then(|atom| u32_at(atom.content, 16)).and_then(|identity| notes.get(&identity));
        let notes_page = notes_of.and_then(|number| at(*number));
        slides.push(slide(texts, notes_page.map_or_else(Vec::new, |page| self::texts(page.content, 0))));
    }
    Ok(deck::document(slides, Vec::new()))
}

/// Where the newest version of each numbered record lies: later edits are added at the end and
/// refer to those before.
fn offsets(stream: &[u8], newest_edit: Option<u32>) -> Vec<(u32, usize)> {
    let mut offsets = Vec::new();
    let (mut known, mut visited) = (HashSet::new(), HashSet::new());
    let mut next = newest_edit.map(|at| at as usize).filter(|at| *at > 0);
    while let Some(at) = next.filter(|at| visited.insert(*at)) {
        let Some(edit) = record(stream, at).filter(|it| it.kind == kind::USER_EDIT) else { break };
        let directory = u32_at(edit.content, 12).and_then(|at| record(stream, at as usize));
        if let Some(directory) = directory.filter(|it| it.kind == kind::PERSIST_DIRECTORY) {
            let mut at = 0;
            while let Some(head) = u32_at(directory.content, at) {
                at += 4;
                for number in (head & 0x000f_ffff..).take((head >> 20) as usize) {
                    let Some(offset) = u32_at(directory.content, at) else { break };
                    at += 4;
                    if known.insert(number) {
                        offsets.push((number, offset as usize));
                    }
                }
            }
        }
        next = u32_at(edit.content, 8).map(|at| at as usize).filter(|at| *at > 0);
    }
    offsets
}

/// The entries of a list of slides: the number of the slide's record, its identity, and the records
/// of its texts.
fn persists(list: &[u8]) -> Vec<(u32, u32, &[u8])> {
    let mut persists: Vec<(u32, u32, usize, usize)> = Vec::new();
    let mut at = 0;
    while let Some(found) = record(list, at) {
        let end = at + 8 + found.content.len();
        if found.kind == kind::SLIDE_PERSIST {
            let number = |at| u32_at(found.content, at).unwrap_or(0);
            persists.push((number(0), number(12), end, end));
        } else if let Some(last) = persists.last_mut() {
            last.3 = end;
        }
        at = end;
    }
    persists.into_iter().map(|(number, identity, from, to)| (number, identity, &list[from..to])).collect()
}

/// What kind of text, and the text.
fn texts(bytes: &[u8], depth: usize) -> Vec<(u32, String)> {
    let mut texts = Vec::new();
    let mut kind_of_text = 4;
    for found in records(bytes) {
        match found.kind {
            kind::TEXT_HEADER => kind_of_text = u32_at(found.content, 0).unwrap_or(4),
            kind::TEXT_UNITS => {
                let units: Vec<u16> =
                    found.content.chunks_exact(2).map(|it| u16::from_le_bytes([it[0], it[1]])).collect();
                texts.push((kind_of_text, String::from_utf16_lossy(&units)));
            }
            kind::TEXT_BYTES => {
                texts.push((kind_of_text, found.content.iter().map(|byte| char::from(*byte)).collect()));
            }
            _ if found.is_container && depth >= MAX_DEPTH => RECORD_DEPTH.met(),
            _ if found.is_container => texts.extend(self::texts(found.content, depth + 1)),
            _ => {}
        }
    }
    texts
}

fn slide(texts: Vec<(u32, String)>, notes: Vec<(u32, String)>) -> Slide {
    let mut slide = Slide::default();
    for (kind, text) in texts {
        match kind {
            0 | 6 => {
                slide.title.push(' ');
                slide.title.push_str(&text);
            }
            _ => {
                let role = if matches!(kind, 1 | 7 | 8) { Role::Item(None) } else { Role::Body };
                // A lone mark stands for the number of the slide, a date or a footer.
                text.split('\r')
                    .filter(|line| line.trim() != "*")
                    .for_each(|line| slide.body.paragraph(role.clone(), line));
            }
        }
    }
    // Kind 2 is what the speaker says; the rest of the page is furniture.
    let said: Vec<_> = notes.into_iter().filter(|(kind, _)| *kind == 2).map(|(_, text)| text).collect();
    slide.notes = said.join("\n");
    slide
}
