//! Sparse vectors on disk, by chunk hash, in a log that only grows.
//!
//! So no chunk is encoded twice, and an interrupted run loses nothing that it has encoded. The file
//! is a header and records: the number of terms (u32), the BLAKE3 hash of the chunk, for each term
//! its number (u32) and weight (f32), all little-endian, and a checksum of these. Records differ in
//! length, so the end of a torn or damaged one is unknown: the next writer truncates the log there,
//! and the chunks of the lost records are encoded again.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Hint, Result};
use crate::index::durable_file::{CHECK_BYTES, check, write_whole};
use crate::index::store::ChunkHash;
use crate::vector::SparseVector;

const MAGIC: [u8; 8] = *b"KINGLETS";
const HASH_BYTES: usize = 32;
const START_BYTES: usize = 4 + HASH_BYTES;
const PAIR_BYTES: usize = 8;

/// The location of a record's pairs.
#[derive(Debug, Clone, Copy)]
struct Place {
    offset: u64,
    terms: usize,
}

/// The log, open for reading and appending.
pub struct WeightLog {
    file: File,
    path: PathBuf,
    places: HashMap<ChunkHash, Place>,
    end: u64,
}

impl WeightLog {
    /// Opens the log, creates it if it is missing, and truncates it before the first record that
    /// does not match its checksum.
    ///
    /// # Errors
    /// When the file is not such a log, or the disk refuses.
    pub fn open(path: &Path) -> Result<Self> {
        let length = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        if length < MAGIC.len() as u64 {
            write_whole(path, &MAGIC)?;
        }
        let opened = OpenOptions::new().read(true).write(true).open(path);
        let file = opened.map_err(|cause| Error::io("open", path, cause))?;
        let mut log = WeightLog { file, path: path.to_path_buf(), places: HashMap::new(), end: MAGIC.len() as u64 };
        log.read_places(length.max(log.end))?;
        let end = log.end;
        log.run("truncate", |file| {
            file.set_len(end)?;
            file.seek(SeekFrom::End(0))
        })?;
        Ok(log)
    }

    fn read_places(&mut self, length: u64) -> Result<()> {
        let mut reader = BufReader::with_capacity(1 << 20, &self.file);
        let read = |cause| Error::io("read", &self.path, cause);
        let mut magic = [0; MAGIC.len()];
        reader.read_exact(&mut magic).map_err(read)?;
        if magic != MAGIC {
            return Err(Error::damaged(format!("{} is not a log of sparse vectors", self.path.display())).with_hint(
                Hint::DeleteAndUpdateIndex {
                    path: self.path.clone(),
                    effect: "it encodes the chunks again and changes nothing else",
                },
            ));
        }
        let mut record = Vec::new();
        while length - self.end >= (START_BYTES + CHECK_BYTES) as u64 {
            record.resize(START_BYTES, 0);
            reader.read_exact(&mut record).map_err(read)?;
            let terms = u32::from_le_bytes(record[..4].try_into().expect("four bytes")) as usize;
            let rest = terms * PAIR_BYTES + CHECK_BYTES;
            if length - self.end < (START_BYTES + rest) as u64 {
                break;
            }
            record.resize(START_BYTES + rest, 0);
            reader.read_exact(&mut record[START_BYTES..]).map_err(read)?;
            let (content, stored) = record.split_at(record.len() - CHECK_BYTES);
            if check(content) != stored {
                break;
            }
            let hash = content[4..START_BYTES].try_into().expect("a hash has 32 bytes");
            self.places.insert(hash, Place { offset: self.end + START_BYTES as u64, terms });
            self.end += record.len() as u64;
        }
        Ok(())
    }

    /// True if this chunk has been encoded.
    pub fn has(&self, hash: &ChunkHash) -> bool {
        self.places.contains_key(hash)
    }

    /// Appends vectors and makes them durable before it returns.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn append(&mut self, vectors: &[(ChunkHash, SparseVector)]) -> Result<()> {
        let mut bytes = Vec::new();
        let mut places = Vec::new();
        for (hash, vector) in vectors {
            let (start, terms) = (bytes.len(), vector.as_slice().len());
            bytes.extend_from_slice(&(terms as u32).to_le_bytes());
            bytes.extend_from_slice(hash);
            for (term, weight) in vector.as_slice() {
                bytes.extend_from_slice(&term.to_le_bytes());
                bytes.extend_from_slice(&weight.to_le_bytes());
            }
            let check = check(&bytes[start..]);
            bytes.extend_from_slice(&check);
            places.push((*hash, Place { offset: self.end + (start + START_BYTES) as u64, terms }));
        }
        let end = self.end;
        self.run("write sparse vectors to", |file| {
            file.seek(SeekFrom::Start(end))?;
            file.write_all(&bytes)?;
            file.sync_data()
        })?;
        self.end += bytes.len() as u64;
        self.places.extend(places);
        Ok(())
    }

    /// The terms and weights of a chunk; `None` if it has not been encoded.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn weights(&self, hash: &ChunkHash) -> Result<Option<Vec<(u32, f32)>>> {
        let Some(place) = self.places.get(hash) else { return Ok(None) };
        let mut bytes = vec![0; place.terms * PAIR_BYTES];
        self.run("read", |file| {
            file.seek(SeekFrom::Start(place.offset))?;
            file.read_exact(&mut bytes)
        })?;
        let four = |bytes: &[u8]| bytes.try_into().expect("four bytes");
        let pairs = bytes.chunks_exact(PAIR_BYTES);
        Ok(Some(pairs.map(|p| (u32::from_le_bytes(four(&p[..4])), f32::from_le_bytes(four(&p[4..])))).collect()))
    }

    fn run<T>(&self, action: &str, work: impl FnOnce(&mut &File) -> std::io::Result<T>) -> Result<T> {
        work(&mut &self.file).map_err(|cause| Error::io(action, &self.path, cause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(number: u32) -> (ChunkHash, SparseVector) {
        let pairs = (0..number).map(|term| (term * 3, term as f32 + 0.5)).collect();
        (*blake3::hash(&number.to_le_bytes()).as_bytes(), SparseVector::new(pairs).unwrap())
    }

    #[test]
    fn a_log_cut_or_changed_anywhere_keeps_only_the_whole_records_before_that_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.log");
        let vectors: Vec<_> = (0..4).map(vector).collect();
        let mut log = WeightLog::open(&path).unwrap();
        log.append(&vectors[..2]).unwrap();
        log.append(&vectors[2..]).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for at in MAGIC.len()..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x11;
            for damaged in [&whole[..at], &changed] {
                std::fs::write(&path, damaged).unwrap();
                let mut log = WeightLog::open(&path).unwrap();
                let kept = vectors.iter().take_while(|(hash, _)| log.has(hash)).count();
                assert!(kept < vectors.len() && log.places.len() == kept);
                log.append(&vectors[kept..]).unwrap();
                for log in [log, WeightLog::open(&path).unwrap()] {
                    for (hash, vector) in &vectors {
                        assert_eq!(log.weights(hash).unwrap().unwrap(), vector.as_slice());
                    }
                }
            }
        }
    }
}
