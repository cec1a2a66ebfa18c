//! Vectors on disk, by chunk hash: a log that only grows, so that a chunk is never embedded twice
//! and an interrupted run loses nothing it has embedded.
//!
//! The file is a header (magic, dimension) and records of one size: BLAKE3 of the chunk, components
//! as little-endian f32, and a check over both. A record that was torn by a crash fails its check
//! and is left out by the next writer.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use crate::error::{Error, Hint, Result};
use crate::index::durable_file::{CHECK_BYTES, check, write_streamed};
use crate::index::store::ChunkHash;
use crate::vector::Vector;

const MAGIC: [u8; 8] = *b"KINGLETV";
const HEADER_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// The log, open for appending.
pub struct VectorLog {
    file: File,
    path: PathBuf,
    dimension: usize,
    records: HashMap<ChunkHash, u32>,
    /// The number of the next record; there may be fewer hashes.
    next: u32,
}

impl VectorLog {
    /// Opens the log for appending, making it if need be. Where a record fails its check, the log
    /// is written anew without it, so that its chunk is embedded again; `before_renumbering` is
    /// called first, because the records after it get other numbers.
    ///
    /// # Errors
    /// When the file is another kind of file or has another dimension, or the disk refuses.
    pub fn open(path: &Path, dimension: usize, before_renumbering: impl FnOnce() -> Result<()>) -> Result<Self> {
        let length = std::fs::metadata(path).map_or(0, |found| found.len() as usize);
        if length < HEADER_BYTES {
            write_log(path, dimension, std::iter::empty())?;
        }
        let stored = StoredVectors::open(path, dimension)?;
        let whole: Vec<usize> = (0..stored.len()).filter(|&record| stored.is_intact(record)).collect();
        let records = whole.iter().zip(0..).map(|(&record, number)| (stored.hash(record), number)).collect();
        if stored.map.len() != HEADER_BYTES + whole.len() * record_bytes(dimension) {
            before_renumbering()?;
            // A new file: whoever has mapped the old one keeps it.
            write_log(path, dimension, whole.iter().map(|&record| stored.bytes(record)))?;
        }
        let open = || OpenOptions::new().append(true).open(path);
        let file = open().map_err(|cause| Error::io("open", path, cause))?;
        Ok(VectorLog { file, path: path.to_path_buf(), dimension, records, next: whole.len() as u32 })
    }

    /// Where the vector of this chunk is, if it has been embedded.
    pub fn record(&self, hash: &ChunkHash) -> Option<u32> {
        self.records.get(hash).copied()
    }

    /// Appends vectors and makes them durable before it returns.
    pub fn append(&mut self, vectors: &[(ChunkHash, Vector)]) -> Result<()> {
        let mut bytes = Vec::with_capacity(vectors.len() * record_bytes(self.dimension));
        for (hash, vector) in vectors {
            if vector.dimension() != self.dimension {
                return Err(Error::model(format!(
                    "the embedder gave {} components where its card says {}",
                    vector.dimension(),
                    self.dimension
                )));
            }
            let start = bytes.len();
            bytes.extend_from_slice(hash);
            bytes.extend(vector.as_slice().iter().flat_map(|component| component.to_le_bytes()));
            let check = check(&bytes[start..]);
            bytes.extend_from_slice(&check);
        }
        self.file
            .write_all(&bytes)
            .and_then(|()| self.file.sync_data())
            .map_err(|cause| Error::io("write vectors to", &self.path, cause))?;
        for (hash, _) in vectors {
            self.records.insert(*hash, self.next);
            self.next += 1;
        }
        Ok(())
    }
}

/// The log, mapped into memory for reading.
pub struct StoredVectors {
    map: Mmap,
    dimension: usize,
}

impl StoredVectors {
    /// Maps the log.
    ///
    /// # Errors
    /// When it is missing, another kind of file, or of another dimension.
    pub fn open(path: &Path, dimension: usize) -> Result<Self> {
        let file = File::open(path).map_err(|cause| {
            Error::damaged(format!("could not open {}: {cause}", path.display()))
                .with_hint(Hint::update("what is missing is embedded anew"))
        })?;
        // SAFETY: writers only append beyond what readers use, or put a new file in place of this
        // one.
        let map = unsafe { Mmap::map(&file) }.map_err(|cause| Error::io("map", path, cause))?;
        if map.len() < HEADER_BYTES || map[..HEADER_BYTES] != header(dimension) {
            return Err(damaged(path, &format!("it is no log of vectors of dimension {dimension}")));
        }
        Ok(StoredVectors { map, dimension })
    }

    /// Components of each vector.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// How many whole records there are.
    pub fn len(&self) -> usize {
        (self.map.len() - HEADER_BYTES) / record_bytes(self.dimension)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The components of one record.
    ///
    /// # Panics
    /// When there is no such record.
    pub fn components(&self, record: usize) -> &[f32] {
        let bytes = self.bytes(record);
        bytemuck::cast_slice(&bytes[HASH_BYTES..bytes.len() - CHECK_BYTES])
    }

    /// How many records from the first pass their check.
    pub fn intact(&self) -> usize {
        (0..self.len()).take_while(|&record| self.is_intact(record)).count()
    }

    /// Whether one record passes its check.
    pub fn is_intact(&self, record: usize) -> bool {
        let bytes = self.bytes(record);
        let (content, stored) = bytes.split_at(bytes.len() - CHECK_BYTES);
        check(content) == stored
    }

    /// The hash of the chunk that one record belongs to.
    pub fn hash(&self, record: usize) -> ChunkHash {
        self.bytes(record)[..HASH_BYTES].try_into().expect("a hash has 32 bytes")
    }

    fn bytes(&self, record: usize) -> &[u8] {
        let size = record_bytes(self.dimension);
        &self.map[HEADER_BYTES + record * size..][..size]
    }
}

/// Writes a log with these records, whole or not at all.
fn write_log<'r>(path: &Path, dimension: usize, records: impl Iterator<Item = &'r [u8]>) -> Result<()> {
    write_streamed(path, |file| {
        file.write_all(&header(dimension))?;
        records.into_iter().try_for_each(|record| file.write_all(record))
    })
}

fn record_bytes(dimension: usize) -> usize {
    HASH_BYTES + dimension * size_of::<f32>() + CHECK_BYTES
}

fn header(dimension: usize) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&MAGIC);
    header[8..].copy_from_slice(&(dimension as u64).to_le_bytes());
    header
}

fn damaged(path: &Path, how: &str) -> Error {
    Error::damaged(format!("{} is damaged: {how}", path.display())).with_hint(Hint::DeleteAndUpdateIndex {
        path: path.parent().unwrap_or(path).to_path_buf(),
        effect: "the chunks are embedded again, nothing else is touched",
    })
}
