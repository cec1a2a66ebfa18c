//! Compound files, the container of Office files from before 2007, of encrypted ones since, and of
//! Outlook's letters: streams in folders in one file (MS-CFB). What is damaged is read as far as it
//! goes.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};

use crate::skip::Skip;

const MAGIC: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
/// Chains of sectors end with this or a greater number.
const LAST_SECTOR: u32 = 0xffff_fffa;
const ENTRY_BYTES: usize = 128;
const SMALL_SECTOR_BYTES: usize = 64;
/// Folders inside folders deeper than this are not looked into, and no more entries than these are
/// listed.
const MAX_DEPTH: usize = 16;
const MAX_ENTRIES: usize = 50_000;

/// Where the head of the file keeps what is needed here.
mod head {
    pub(crate) const SECTOR_SHIFT: usize = 0x1e;
    pub(crate) const DIRECTORY: usize = 0x30;
    pub(crate) const LEAST_BYTES: usize = 0x38;
    pub(crate) const SMALL_TABLE: usize = 0x3c;
    pub(crate) const MORE_TABLES: usize = 0x44;
    pub(crate) const TABLES: usize = 0x4c;
    pub(crate) const END: usize = 0x200;
}

/// A compound file in memory.
pub(crate) struct Compound<'b> {
    sectors: Sectors<'b>,
    /// The sector that follows each sector.
    table: Vec<u32>,
    /// The same for small sectors, which lie in a stream of their own.
    small_table: Vec<u32>,
    small_sectors: Vec<u8>,
    /// Streams shorter than this are made of small sectors.
    least_bytes: u64,
    /// By path in lower case, as `/folder/stream`: writers differ in the case of names.
    entries: BTreeMap<String, Entry>,
    /// True if a stream that was read is shorter than it should be.
    is_cut: Cell<bool>,
}

#[derive(Debug, Clone)]
struct Entry {
    name: String,
    is_folder: bool,
    start: u32,
    bytes: u64,
}

#[derive(Clone, Copy)]
struct Sectors<'b> {
    bytes: &'b [u8],
    size: usize,
}

impl<'b> Sectors<'b> {
    /// The bytes of a sector; the last one may be cut short.
    fn get(self, number: u32) -> Option<&'b [u8]> {
        let start = (number as usize).checked_add(1)?.checked_mul(self.size)?;
        let rest = self.bytes.get(start..).filter(|rest| !rest.is_empty())?;
        Some(&rest[..rest.len().min(self.size)])
    }

    fn count(self) -> usize {
        self.bytes.len() / self.size
    }
}

impl<'b> Compound<'b> {
    /// True if the bytes begin like a compound file.
    pub(crate) fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// Reads the list of streams.
    ///
    /// # Errors
    /// When its head or the list is damaged.
    pub(crate) fn open(bytes: &'b [u8]) -> Result<Self, Skip> {
        let damaged = || Skip::because("damaged Office file");
        if !Self::is_one(bytes) || bytes.len() < head::END {
            return Err(damaged());
        }
        let shift = u16_at(bytes, head::SECTOR_SHIFT).filter(|shift| matches!(shift, 9 | 12)).ok_or_else(damaged)?;
        let sectors = Sectors { bytes, size: 1 << shift };
        let number = |at| u32_at(bytes, at).unwrap_or(u32::MAX);
        let mut file = Compound {
            sectors,
            table: table(sectors),
            small_table: Vec::new(),
            small_sectors: Vec::new(),
            least_bytes: u64::from(number(head::LEAST_BYTES)),
            entries: BTreeMap::new(),
            is_cut: Cell::new(false),
        };
        file.small_table = numbers(&file.chain(number(head::SMALL_TABLE), u64::MAX)).collect();
        let directory = file.chain(number(head::DIRECTORY), u64::MAX);
        let directory: Vec<&[u8]> = directory.chunks_exact(ENTRY_BYTES).take(MAX_ENTRIES).collect();
        let root = directory.first().ok_or_else(damaged)?;
        file.small_sectors = file.chain(u32_at(root, 116).unwrap_or(u32::MAX), u64::MAX);
        file.list(&directory);
        if file.entries.is_empty() { Err(damaged()) } else { Ok(file) }
    }

    /// Gives every entry its path. Those that no folder leads to are taken for the root's.
    fn list(&mut self, directory: &[&[u8]]) {
        let is_64_bit = self.sectors.size > 512;
        let number = |at: u32, field| directory.get(at as usize).and_then(|entry| u32_at(entry, field));
        let mut visited = HashSet::new();
        let lost = (1..directory.len() as u32).rev().map(|at| (at, String::new(), 0, false));
        let mut open: Vec<(u32, String, usize, bool)> = lost.collect();
        open.extend(number(0, 76).map(|child| (child, String::new(), 0, true)));
        while let Some((at, folder, depth, with_siblings)) = open.pop() {
            let Some(entry) = directory.get(at as usize) else { continue };
            let kind = entry[66];
            if !matches!(kind, 1 | 2) || !visited.insert(at) {
                continue;
            }
            let units = entry[..64].chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
            let name = String::from_utf16_lossy(&units.take_while(|unit| *unit != 0).collect::<Vec<_>>());
            let path = format!("{folder}/{}", name.to_lowercase());
            let high = if is_64_bit { u32_at(entry, 124).unwrap_or(0) } else { 0 };
            let bytes = u64::from(high) << 32 | u64::from(u32_at(entry, 120).unwrap_or(0));
            let start = u32_at(entry, 116).unwrap_or(u32::MAX);
            if with_siblings {
                let siblings = [68, 72].into_iter().filter_map(|field| number(at, field));
                open.extend(siblings.map(|sibling| (sibling, folder.clone(), depth, true)));
            }
            if kind == 1 && depth < MAX_DEPTH {
                open.extend(number(at, 76).map(|child| (child, path.clone(), depth + 1, true)));
            }
            self.entries.entry(path).or_insert(Entry { name, is_folder: kind == 1, start, bytes });
        }
    }

    /// The bytes from sector `start` on, at most `bytes` of them. No sector is read more often than
    /// a chain has sectors.
    fn chain(&self, start: u32, bytes: u64) -> Vec<u8> {
        let sector = |number| self.sectors.get(number);
        follow(&self.table, start, bytes, sector)
    }

    /// The bytes of the stream at `path`, without regard to case; `None` if there is none. One that
    /// is cut short is read as far as it goes.
    pub(crate) fn stream(&self, path: &str) -> Option<Vec<u8>> {
        let entry = self.entry(path).filter(|entry| !entry.is_folder)?;
        let small = |number: u32| {
            let start = (number as usize).checked_mul(SMALL_SECTOR_BYTES)?;
            let rest = self.small_sectors.get(start..).filter(|rest| !rest.is_empty())?;
            Some(&rest[..rest.len().min(SMALL_SECTOR_BYTES)])
        };
        let bytes = match entry.bytes >= self.least_bytes {
            true => self.chain(entry.start, entry.bytes),
            false => follow(&self.small_table, entry.start, entry.bytes, small),
        };
        self.is_cut.set(self.is_cut.get() || (bytes.len() as u64) < entry.bytes);
        Some(bytes)
    }

    /// The warning about the streams that were read.
    pub(crate) fn warning(&self) -> Option<String> {
        self.is_cut.get().then(|| "the file is cut short or damaged: read as far as it goes".to_owned())
    }

    /// True if there is a stream or a folder at `path`.
    pub(crate) fn exists(&self, path: &str) -> bool {
        self.entry(path).is_some()
    }

    /// The names of the folders in the folder at `path`, in order.
    pub(crate) fn folders<'s>(&'s self, path: &str) -> impl Iterator<Item = &'s str> {
        let inside = format!("{}/", key(path).trim_end_matches('/'));
        let below = self.entries.range(inside.clone()..).take_while(move |(path, _)| path.starts_with(&inside));
        let level = key(path).trim_end_matches('/').matches('/').count() + 1;
        below
            .filter(move |(path, entry)| entry.is_folder && path.matches('/').count() == level)
            .map(|(_, entry)| entry.name.as_str())
    }

    fn entry(&self, path: &str) -> Option<&Entry> {
        self.entries.get(key(path).trim_end_matches('/'))
    }
}

fn key(path: &str) -> String {
    format!("/{}", path.trim_start_matches('/').to_lowercase())
}

/// The table of all sectors out of those that the head lists, and the lists that go on where the
/// head ends.
fn table(sectors: Sectors) -> Vec<u32> {
    let number = |at| u32_at(sectors.bytes, at).unwrap_or(u32::MAX);
    let mut parts: Vec<u32> = numbers(&sectors.bytes[head::TABLES..head::END]).collect();
    let mut next = number(head::MORE_TABLES);
    let mut left = sectors.count();
    while let Some(list) = sectors.get(next).filter(|_| next < LAST_SECTOR && left > 0) {
        parts.extend(numbers(list));
        next = parts.pop().unwrap_or(u32::MAX);
        left -= 1;
    }
    let mut table = Vec::new();
    for part in parts.into_iter().filter(|part| *part < LAST_SECTOR) {
        if table.len() >= sectors.count() {
            break;
        }
        table.extend(numbers(sectors.get(part).unwrap_or_default()));
    }
    table.truncate(sectors.count());
    table
}

fn follow<'s>(table: &[u32], start: u32, bytes: u64, sector: impl Fn(u32) -> Option<&'s [u8]>) -> Vec<u8> {
    let wanted = usize::try_from(bytes).unwrap_or(usize::MAX);
    let mut content = Vec::new();
    let mut next = start;
    for _ in 0..=table.len() {
        let Some(found) = sector(next).filter(|_| next < LAST_SECTOR && content.len() < wanted) else { break };
        content.extend_from_slice(found);
        next = table.get(next as usize).copied().unwrap_or(u32::MAX);
    }
    content.truncate(wanted);
    content
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
    bytes.chunks_exact(4).map(|it| u32::from_le_bytes([it[0], it[1], it[2], it[3]]))
}

/// The little-endian number at `at`; `None` beyond the end.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes)
}

/// The little-endian number at `at`; `None` beyond the end.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::{Cursor, Write};

    use proptest::prelude::*;

    use super::*;

    /// A compound file with these streams, whose folders are made.
    pub(crate) fn compound(streams: &[(&str, &[u8])]) -> Vec<u8> {
        let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
        for (path, bytes) in streams {
            if let Some((folder, _)) = path.rsplit_once('/') {
                file.create_storage_all(folder).unwrap();
            }
            file.create_stream(path).unwrap().write_all(bytes).unwrap();
        }
        file.flush().unwrap();
        file.into_inner().into_inner()
    }

    fn example() -> (Vec<u8>, Vec<u8>) {
        let long: Vec<u8> = (0..200_000u32).map(|at| at as u8 ^ (at >> 8) as u8).collect();
        (compound(&[("One", b"small"), ("folder/Two", &long), ("folder/in it/Three", &[7; 4096])]), long)
    }

    /// Where the sector begins whose number stands at `at` in the head.
    fn sector_at(bytes: &[u8], at: usize) -> usize {
        (1 + u32_at(bytes, at).unwrap() as usize) << u16_at(bytes, head::SECTOR_SHIFT).unwrap()
    }

    #[test]
    fn streams_of_every_size_are_found_in_their_folders_in_any_case() {
        let (bytes, long) = example();
        let file = Compound::open(&bytes).unwrap();
        assert_eq!(file.stream("ONE").as_deref(), Some(b"small".as_slice()));
        assert!(file.stream("/Folder/two") == Some(long));
        assert_eq!(file.stream("folder/in it/three").map(|it| it.len()), Some(4096));
        assert_eq!(file.folders("/").collect::<Vec<_>>(), ["folder"]);
        assert_eq!(file.folders("/folder/").collect::<Vec<_>>(), ["in it"]);
        assert!(file.exists("/folder/") && !file.exists("two") && file.stream("folder").is_none());
    }

    #[test]
    fn what_no_reader_needs_may_be_wrong_in_it() {
        let (bytes, _) = example();
        let directory = sector_at(&bytes, head::DIRECTORY);
        let damages: [(usize, &[u8]); 4] = [
            // The length of the stream of small sectors, the root's link to its first entry, its
            // colour, the end of the table.
            (directory + 120, &[1, 0, 0, 0]),
            (directory + 76, &[0xff; 4]),
            (directory + 67, &[9]),
            (sector_at(&bytes, head::TABLES) + 508, &[0; 4]),
        ];
        for (at, value) in damages {
            let mut changed = bytes.clone();
            changed[at..at + value.len()].copy_from_slice(value);
            assert_eq!(Compound::open(&changed).unwrap().stream("one").as_deref(), Some(b"small".as_slice()), "{at}");
        }
    }

    #[test]
    fn a_file_that_is_cut_short_is_read_as_far_as_it_goes_and_says_so() {
        let (bytes, long) = example();
        let whole = Compound::open(&bytes).unwrap();
        assert!(whole.stream("folder/two").is_some() && whole.warning().is_none());
        let start = bytes.windows(512).position(|at| *at == long[..512]).unwrap();
        let size = 1 << u16_at(&bytes, head::SECTOR_SHIFT).unwrap();
        // The chain of the stream ends after its first sector.
        let next = sector_at(&bytes, head::TABLES) + 4 * (start / size - 1);
        let mut cut = bytes.clone();
        cut[next..next + 4].copy_from_slice(&[0xfe, 0xff, 0xff, 0xff]);
        let file = Compound::open(&cut).unwrap();
        assert!(file.stream("folder/two").unwrap() == long[..size]);
        assert!(file.warning().is_some());
    }

    proptest! {
        #[test]
        fn any_damage_is_read_in_bounds(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..30)) {
            let (mut bytes, _) = example();
            for (at, byte) in changes {
                // Most of what matters stands in the head and at the ends of chains.
                let at = at.index(4096);
                bytes[at] = byte;
            }
            if let Ok(file) = Compound::open(&bytes) {
                for path in file.entries.keys() {
                    prop_assert!(file.stream(path).is_none_or(|it| it.len() <= bytes.len()));
                }
            }
        }
    }
}
