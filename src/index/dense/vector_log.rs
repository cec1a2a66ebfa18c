//! Vectors on disk, by chunk hash, in a log that only grows, so that no chunk is embedded twice and
//! an interrupted run loses nothing that it has embedded.
//!
//! The file is a header (magic, dimension) and records of one size: the BLAKE3 hash of the chunk,
//! the components as little-endian f32, and a checksum of both. A record torn by a crash does not
//! match its checksum, and the next writer leaves it out.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Error, Hint, Result};
use crate::index::durable_file::{CHECK_BYTES, MappedFile, check, write_streamed};
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
    /// The number of the next record. Several records may have the same hash.
    next: u32,
}

impl VectorLog {
    /// Opens the log for appending, and creates it if it is missing. Rewrites it without the
    /// records that do not match their checksum, so that their chunks are embedded again. Calls
    /// `before_renumbering` first, because later records get other numbers.
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
            // This is a new file: readers that have mapped the old one keep it.
            write_log(path, dimension, whole.iter().map(|&record| stored.bytes(record)))?;
        }
        let open = || OpenOptions::new().append(true).open(path);
        let file = open().map_err(|cause| Error::io("open", path, cause))?;
        Ok(VectorLog { file, path: path.to_path_buf(), dimension, records, next: whole.len() as u32 })
    }

    /// The number of the record of this chunk, if it has been embedded.
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
    map: MappedFile,
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
                .with_hint(Hint::update_index("it embeds the missing chunks again"))
        })?;
        let map = MappedFile::new(&file, path)?;
        if map.len() < HEADER_BYTES || map[..HEADER_BYTES] != header(dimension) {
            return Err(damaged(path, &format!("it is not a log of vectors of dimension {dimension}")));
        }
        Ok(StoredVectors { map, dimension })
    }

    /// The number of components of each vector.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The number of whole records.
    pub fn len(&self) -> usize {
        (self.map.len() - HEADER_BYTES) / record_bytes(self.dimension)
    }

    /// True if there are none.
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

    /// The number of records before the first that does not match its checksum.
    pub fn intact(&self) -> usize {
        (0..self.len()).take_while(|&record| self.is_intact(record)).count()
    }

    /// True if a record matches its checksum.
    pub fn is_intact(&self, record: usize) -> bool {
        let bytes = self.bytes(record);
        let (content, stored) = bytes.split_at(bytes.len() - CHECK_BYTES);
        check(content) == stored
    }

    /// The hash of the chunk that a record belongs to.
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
        effect: "it embeds the chunks again and changes nothing else",
    })
}
