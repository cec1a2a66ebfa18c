//! Mutates documents that are zip archives. Mutated as they are, nearly all would end at a checksum
//! and never reach a reader.

use std::io::{Cursor, Read, Write};

use libfuzzer_sys::fuzzer_mutate;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Of this many mutations one is of the archive itself.
const ARCHIVE_ITSELF: u32 = 10;

/// Mutates the archive in the first `size` of `bytes`, and returns its new size, at most `most`:
/// one of its members in the usual way, or the archive itself.
pub fn mutate(bytes: &mut [u8], size: usize, most: usize, seed: u32) -> usize {
    let mutated = (seed % ARCHIVE_ITSELF != 0).then(|| with_mutated_member(&bytes[..size], most, seed)).flatten();
    match mutated {
        Some(archive) => {
            bytes[..archive.len()].copy_from_slice(&archive);
            archive.len()
        }
        None => fuzzer_mutate(bytes, size, most),
    }
}

/// The archive with one member mutated and all members stored; `None` if it cannot be read, or is
/// larger than `most`.
fn with_mutated_member(bytes: &[u8], most: usize, seed: u32) -> Option<Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    let chosen = (seed / ARCHIVE_ITSELF) as usize % archive.len().max(1);
    let mut mutated = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for at in 0..archive.len() {
        let member = archive.by_index(at).ok()?;
        let name = member.name().ok()?.into_owned();
        let mut content = Vec::new();
        member.take(most as u64).read_to_end(&mut content).ok()?;
        if at == chosen {
            let size = content.len();
            content.resize(most.max(size), 0);
            let size = fuzzer_mutate(&mut content, size, most);
            content.truncate(size);
        }
        mutated.start_file(name, stored).ok()?;
        mutated.write_all(&content).ok()?;
    }
    let archive = mutated.finish().ok()?.into_inner();
    (archive.len() <= most).then_some(archive)
}
