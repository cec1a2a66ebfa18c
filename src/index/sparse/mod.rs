//! Terms → chunks, ranked by the dot product of learned weights: an inverted index, of which a search reads the lists of its terms
//! and nothing else.
//!
//! Derived: `weights.log` holds sparse vectors by chunk hash; `postings.map` is made from it for one generation of the store and put
//! in place by rename. It has a head (generation; the chunks' ids in order; for each term its number, how long its list is, and what
//! one step of its impacts is worth), a checksum of the head, and for each term its list: the chunks by their places in the head
//! (u32), their impacts (u8), and a check over these. All numbers are little-endian.
//!
//! Impacts instead of weights: Anh & Moffat, *Simplified Similarity Scoring Using Term Ranks*, SIGIR 2005. Steps go from 1 to 255,
//! by the largest weight of the term; what they cost in ranking is within a rounding (`tests/pipeline.rs` holds the bound).

pub mod weight_log;
pub(crate) mod writer;

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::index::durable_file::{CHECK_BYTES, check, remove_file};
use crate::index::store::ChunkId;
use crate::index::top_k::top_k;
use crate::vector::SparseVector;

const LOG: &str = "weights.log";
const MAP: &str = "postings.map";
const MAGIC: [u8; 8] = *b"KINGLETP";
/// Magic, generation, how many chunks, how many terms.
const START_BYTES: usize = 24;
const CHUNK_BYTES: usize = size_of::<ChunkId>();
const TERM_BYTES: usize = 12;
const SEAL_BYTES: usize = 32;
const POSTING_BYTES: usize = 5;
const LARGEST_IMPACT: f32 = 255.0;

/// Where a term's list is.
#[derive(Debug, Clone, Copy)]
struct Term {
    term: u32,
    length: u32,
    step: f32,
    offset: u64,
}

/// The inverted index of one encoder.
pub struct Sparse {
    path: PathBuf,
    file: Mutex<File>,
    generation: u64,
    chunks: Vec<ChunkId>,
    terms: Vec<Term>,
}

impl Sparse {
    /// Takes the inverted index in `folder` away: it is to be derived again.
    pub fn forget(folder: &Path) -> Result<()> {
        remove_file(&folder.join(MAP))
    }

    /// The inverted index in `folder`; `None` when there is none.
    ///
    /// # Errors
    /// When its head is damaged, or the file has another length than the head says.
    pub fn open(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(MAP);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(Error::io("open", &path, cause)),
        };
        let length = file.metadata().map_err(|cause| Error::io("read", &path, cause))?.len();
        let mut head = vec![0; START_BYTES];
        let mut read = |bytes: &mut [u8]| file.read_exact(bytes).map_err(|_| damaged(&path, "it is cut short"));
        read(&mut head)?;
        let (chunks, terms) = (u32_at(&head, 16) as usize, u32_at(&head, 20) as usize);
        let whole = START_BYTES + chunks * CHUNK_BYTES + terms * TERM_BYTES;
        if head[..8] != MAGIC || length < (whole + SEAL_BYTES) as u64 {
            return Err(damaged(&path, "it is no inverted index, or cut short"));
        }
        head.resize(whole, 0);
        read(&mut head[START_BYTES..])?;
        let mut seal = [0; SEAL_BYTES];
        read(&mut seal)?;
        if *blake3::hash(&head).as_bytes() != seal {
            return Err(damaged(&path, "its checksum does not fit"));
        }
        let (ids, directory) = head[START_BYTES..].split_at(chunks * CHUNK_BYTES);
        let mut offset = (whole + SEAL_BYTES) as u64;
        let terms = directory.chunks_exact(TERM_BYTES).map(|entry| {
            let step = f32::from_bits(u32_at(entry, 8));
            let term = Term { term: u32_at(entry, 0), length: u32_at(entry, 4), step, offset };
            offset += u64::from(term.length) * POSTING_BYTES as u64 + CHECK_BYTES as u64;
            term
        });
        let terms = terms.collect();
        if offset != length {
            return Err(damaged(&path, "it has another length than it says"));
        }
        let ids = ids.chunks_exact(CHUNK_BYTES);
        let chunks = ids.map(|id| ChunkId::from_le_bytes(id.try_into().expect("eight bytes"))).collect();
        let generation = u64::from_le_bytes(head[8..16].try_into().expect("eight bytes"));
        Ok(Some(Sparse { path, file: Mutex::new(file), generation, chunks, terms }))
    }

    /// The generation of the store that this matches.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// How many chunks it ranks.
    pub fn len(&self) -> usize {
        self.chunks.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The chunks that it ranks.
    pub fn ids(&self) -> impl Iterator<Item = ChunkId> {
        self.chunks.iter().copied()
    }

    /// The file in `folder` of which [`open`](Self::open) reads another index when it is replaced.
    pub(super) fn deciding_file(folder: &Path) -> PathBuf {
        folder.join(MAP)
    }

    /// How many postings there are: pairs of a term and a chunk.
    pub fn postings(&self) -> u64 {
        self.terms.iter().map(|term| u64::from(term.length)).sum()
    }

    /// The `k` chunks with the largest dot product of their vector and `query`, with all whose product is that of the last of them, best
    /// first; only those of `among`, if there is such a set. Chunks that share no term with it are not among them.
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
        let mut met = Vec::new();
        for &(number, weight) in query.as_slice() {
            let Ok(at) = self.terms.binary_search_by_key(&number, |term| term.term) else { continue };
            let worth = weight * self.terms[at].step;
            self.read(&self.terms[at], |place, impact| {
                let score = scores.get_mut(place as usize).ok_or_else(|| damaged(&self.path, "it names no chunk"))?;
                let adds = worth * f32::from(impact);
                if *score == 0.0 && adds > 0.0 {
                    met.push(place);
                }
                *score += adds;
                Ok(())
            })?;
        }
        if met.iter().any(|place| !scores[*place as usize].is_finite()) {
            return Err(Error::model("the weights of the question's terms are too large to be summed"));
        }
        if let Some(among) = among {
            met.retain(|place| among.contains(&self.chunks[*place as usize]));
        }
        let found = met.into_iter().map(|place| (self.chunks[place as usize], scores[place as usize]));
        Ok(top_k(found.collect(), k))
    }

    /// Reads every list.
    ///
    /// # Errors
    /// When one is damaged.
    pub fn check(&self) -> Result<()> {
        self.terms.iter().try_for_each(|term| self.read(term, |_, _| Ok(())))
    }

    /// Shows each posting of a term: the chunk's place and the impact.
    fn read(&self, term: &Term, mut show: impl FnMut(u32, u8) -> Result<()>) -> Result<()> {
        let length = term.length as usize;
        let mut bytes = vec![0; length * POSTING_BYTES + CHECK_BYTES];
        {
            // A panic while the lock was held leaves a file that is read at another place the next time.
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            let mut read = || {
                file.seek(SeekFrom::Start(term.offset))?;
                file.read_exact(&mut bytes)
            };
            read().map_err(|cause| Error::io("read", &self.path, cause).with_hint("run `kinglet doctor`"))?;
        }
        let (content, stored) = bytes.split_at(length * POSTING_BYTES);
        if check(content) != stored {
            return Err(damaged(&self.path, &format!("the list of term {} fails its check", term.term)));
        }
        let (places, impacts) = content.split_at(length * size_of::<u32>());
        let mut postings = places.chunks_exact(size_of::<u32>()).zip(impacts);
        postings.try_for_each(|(place, impact)| show(u32_at(place, 0), *impact))
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn damaged(path: &Path, how: &str) -> Error {
    Error::damaged(format!("{} is damaged: {how}", path.display()))
        .with_hint("run `kinglet index` again: this part is derived and is made anew")
}
