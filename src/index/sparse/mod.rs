//! The sparse part of an index: terms → chunks, ranked by the dot product of learned weights.
//!
//! An inverted index: a search reads only the lists of its terms. `weights.log` holds sparse
//! vectors by chunk hash; `postings.map` is derived from it for one generation of the store and put
//! in place by a rename. It has a head (the generation; the ids of the chunks in order; for each
//! term its number, the length of its list and the weight of one step of its impacts), a checksum
//! of the head, and for each term its list: the positions of the chunks in the head (u32), their
//! impacts (u8), and a checksum of these. All numbers are little-endian.
//!
//! Impacts instead of weights: Anh & Moffat, *Simplified Similarity Scoring Using Term Ranks*,
//! SIGIR 2005. Impacts go from 1 to 255, in proportion to the largest weight of the term; their
//! effect on ranking is within rounding (`tests/pipeline.rs` holds the bound).

pub mod weight_log;
pub(crate) mod writer;

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::error::{Error, Hint, Result};
use crate::index::durable_file::{CHECK_BYTES, MappedFile, check, remove_file};
use crate::index::store::ChunkId;
use crate::index::top_k::top_k;
use crate::vector::SparseVector;

const LOG: &str = "weights.log";
const MAP: &str = "postings.map";
const MAGIC: [u8; 8] = *b"KINGLETP";
/// Magic, generation, number of chunks, number of terms.
const START_BYTES: usize = 24;
const CHUNK_BYTES: usize = size_of::<ChunkId>();
const TERM_BYTES: usize = 12;
const SEAL_BYTES: usize = 32;
const POSTING_BYTES: usize = 5;
const LARGEST_IMPACT: f32 = 255.0;

/// The location of a term's list.
#[derive(Debug, Clone, Copy)]
struct TermEntry {
    term: u32,
    length: u32,
    step: f32,
    offset: usize,
}

/// The inverted index of one encoder.
pub struct Sparse {
    path: PathBuf,
    map: MappedFile,
    generation: u64,
    chunks: Vec<ChunkId>,
    terms: Vec<TermEntry>,
}

impl Sparse {
    /// Removes the inverted index in `folder`, so that it is derived again.
    pub fn forget(folder: &Path) -> Result<()> {
        remove_file(&folder.join(MAP))
    }

    /// The inverted index in `folder`; `None` when there is none.
    ///
    /// # Errors
    /// When its head is damaged, or the length of the file contradicts the head.
    pub fn open(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(MAP);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(Error::io("open", &path, cause)),
        };
        let map = MappedFile::new(&file, &path)?;
        if map.len() < START_BYTES || map[..8] != MAGIC {
            return Err(damaged(&path, "it is not an inverted index, or it is cut short"));
        }
        let (chunks, terms) = (u32_at(&map, 16) as usize, u32_at(&map, 20) as usize);
        let head_bytes = START_BYTES + chunks * CHUNK_BYTES + terms * TERM_BYTES;
        let mut offset = head_bytes + SEAL_BYTES;
        if map.len() < offset {
            return Err(damaged(&path, "it is cut short"));
        }
        let (head, rest) = map.split_at(head_bytes);
        if blake3::hash(head).as_bytes()[..] != rest[..SEAL_BYTES] {
            return Err(damaged(&path, "its checksum does not match"));
        }
        let (ids, directory) = head[START_BYTES..].split_at(chunks * CHUNK_BYTES);
        let terms = directory.chunks_exact(TERM_BYTES).map(|entry| {
            let step = f32::from_bits(u32_at(entry, 8));
            let term = TermEntry { term: u32_at(entry, 0), length: u32_at(entry, 4), step, offset };
            offset += term.length as usize * POSTING_BYTES + CHECK_BYTES;
            term
        });
        let terms = terms.collect();
        if offset != map.len() {
            return Err(damaged(&path, "its length contradicts its head"));
        }
        let ids = ids.chunks_exact(CHUNK_BYTES);
        let chunks = ids.map(|id| ChunkId::from_le_bytes(id.try_into().expect("eight bytes"))).collect();
        let generation = u64::from_le_bytes(head[8..16].try_into().expect("eight bytes"));
        Ok(Some(Sparse { path, map, generation, chunks, terms }))
    }

    /// The generation of the store that the index matches.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The number of chunks in the index.
    pub fn len(&self) -> usize {
        self.chunks.len()
    }

    /// True if the index has no chunks.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The ids of the chunks in the index.
    pub fn ids(&self) -> impl Iterator<Item = ChunkId> {
        self.chunks.iter().copied()
    }

    /// The file in `folder` that a writer replaces to make [`open`](Self::open) read a new index.
    pub(super) fn deciding_file(folder: &Path) -> PathBuf {
        folder.join(MAP)
    }

    /// The number of postings: pairs of a term and a chunk.
    pub fn postings(&self) -> u64 {
        self.terms.iter().map(|term| u64::from(term.length)).sum()
    }

    /// The `k` chunks with the largest dot product of their vector and `query`, and all that tie
    /// with the last of them, best first; only chunks in `among`, if there is such a set. Chunks
    /// that share no term with `query` are left out.
    ///
    /// # Errors
    /// When the list of a term is damaged.
    pub fn search(
        &self,
        query: &SparseVector,
        k: usize,
        among: Option<&HashSet<ChunkId>>,
    ) -> Result<Vec<(ChunkId, f32)>> {
        let mut scores = vec![0.0_f32; self.chunks.len()];
        let mut matches = Vec::new();
        for &(number, weight) in query.as_slice() {
            let Ok(at) = self.terms.binary_search_by_key(&number, |term| term.term) else { continue };
            let step = weight * self.terms[at].step;
            self.read(&self.terms[at], |place, impact| {
                let score = scores
                    .get_mut(place as usize)
                    .ok_or_else(|| damaged(&self.path, "it names a chunk that is not in its head"))?;
                let product = step * f32::from(impact);
                if *score == 0.0 && product > 0.0 {
                    matches.push(place);
                }
                *score += product;
                Ok(())
            })?;
        }
        if matches.iter().any(|place| !scores[*place as usize].is_finite()) {
            return Err(Error::model("the weights of the question's terms are too large to be summed"));
        }
        if let Some(among) = among {
            matches.retain(|place| among.contains(&self.chunks[*place as usize]));
        }
        let hits = matches.into_iter().map(|place| (self.chunks[place as usize], scores[place as usize]));
        Ok(top_k(hits.collect(), k))
    }

    /// Reads and verifies every list.
    ///
    /// # Errors
    /// When a list is damaged.
    pub fn check(&self) -> Result<()> {
        self.terms.iter().try_for_each(|term| self.read(term, |_, _| Ok(())))
    }

    /// Passes each posting of a term to `each`: the chunk's position in the head and the impact.
    fn read(&self, term: &TermEntry, mut each: impl FnMut(u32, u8) -> Result<()>) -> Result<()> {
        let length = term.length as usize;
        let bytes = &self.map[term.offset..][..length * POSTING_BYTES + CHECK_BYTES];
        let (content, stored) = bytes.split_at(length * POSTING_BYTES);
        if check(content) != stored {
            return Err(damaged(&self.path, &format!("the list of term {} does not match its checksum", term.term)));
        }
        let (places, impacts) = content.split_at(length * size_of::<u32>());
        let mut postings = places.chunks_exact(size_of::<u32>()).zip(impacts);
        postings.try_for_each(|(place, impact)| each(u32_at(place, 0), *impact))
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn damaged(path: &Path, how: &str) -> Error {
    Error::damaged(format!("{} is damaged: {how}", path.display())).with_hint(Hint::derive_again())
}
