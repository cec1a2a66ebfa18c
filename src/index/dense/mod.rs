//! Vectors → chunks, ranked by cosine: exact search, and a graph beyond the size where that is faster.
//!
//! Derived: `vectors.log` holds vectors by chunk hash, `chunks.map` says which chunk of the store's generation has which
//! record; it is written last, by rename, with a checksum.

pub mod graph;
pub mod vector_log;
pub(crate) mod writer;

use std::collections::HashSet;
use std::path::Path;

use super::WorkProgress;
use crate::error::{Error, Result};
use crate::index::dense::graph::Graph;
use crate::index::dense::vector_log::StoredVectors;
use crate::index::durable_file::{read_sealed, remove_file};
use crate::index::store::ChunkId;
use crate::index::top_k::best;
use crate::models::contracts::EmbedderCard;
use crate::vector::{Vector, dot};

const LOG: &str = "vectors.log";
const MAP: &str = "chunks.map";
/// What the cosine of unit vectors may be, with all that is rounded.
const LARGEST_COSINE: f32 = 1.01;
const MAP_ENTRY_BYTES: usize = 12;

/// A chunk and the record of its vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    chunk: ChunkId,
    record: u32,
}

/// The vectors of one embedder, for searching.
pub struct Dense {
    generation: u64,
    entries: Vec<Entry>,
    vectors: StoredVectors,
    graph: Option<Graph>,
}

impl Dense {
    /// Takes the map and the graph in `folder` away: which record belongs to which chunk is to be derived again.
    pub fn forget(folder: &Path) -> Result<()> {
        Graph::forget(folder)?;
        remove_file(&folder.join(MAP))
    }

    /// Builds the graph over the vectors of `card` in `folder`, see [`Graph::bring_up_to_date`].
    ///
    /// # Errors
    /// When the vectors are missing or damaged, and as there.
    pub fn build_graph(folder: &Path, card: &EmbedderCard, progress: &WorkProgress<'_>) -> Result<()> {
        Graph::bring_up_to_date(folder, &StoredVectors::open(&folder.join(LOG), card.dimension)?, progress)
    }

    /// The generation of the store that the vectors in `folder` match; 0 when there are none.
    pub fn generation_in(folder: &Path) -> Result<u64> {
        let path = folder.join(MAP);
        if !path.is_file() {
            return Ok(0);
        }
        generation_of(&path, &read_sealed(&path)?)
    }

    /// Opens the vectors of `card` in `folder`; the graph is used when it has been built, there are more than `exact_limit` chunks
    /// and all of the `searched` ones have their vector.
    ///
    /// # Errors
    /// When files are missing or damaged.
    pub fn open(folder: &Path, card: &EmbedderCard, searched: usize, exact_limit: usize) -> Result<Self> {
        let path = folder.join(MAP);
        let bytes = read_sealed(&path)?;
        let generation = generation_of(&path, &bytes)?;
        let entries: Vec<Entry> = bytes[8..]
            .chunks_exact(MAP_ENTRY_BYTES)
            .map(|entry| Entry {
                chunk: u64::from_le_bytes(entry[..8].try_into().expect("eight bytes")),
                record: u32::from_le_bytes(entry[8..].try_into().expect("four bytes")),
            })
            .collect();
        let vectors = StoredVectors::open(&folder.join(LOG), card.dimension)?;
        if let Some(entry) = entries.iter().find(|entry| entry.record as usize >= vectors.len()) {
            return Err(Error::damaged(format!(
                "{} is cut short: record {} of {} is wanted",
                folder.join(LOG).display(),
                entry.record,
                vectors.len()
            ))
            .with_hint("run `kinglet index` again: the missing vectors are made anew"));
        }
        let graph = if entries.len() == searched && searched > exact_limit && Graph::exists(folder) {
            Some(Graph::open(folder, &vectors)?)
        } else {
            None
        };
        Ok(Dense { generation, entries, vectors, graph })
    }

    /// The generation of the store that this matches.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// How many chunks have a vector here.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether questions go through the graph rather than all vectors.
    pub fn is_approximate(&self) -> bool {
        self.graph.is_some()
    }

    /// The `k` chunks nearest to `query` by cosine, with all that are as near as the last of them, nearest first; only those of `among`,
    /// if there is such a set.
    ///
    /// # Errors
    /// When a stored vector is not what was written, as far as it is looked at, or `query` has another dimension.
    pub fn search(&self, query: &Vector, k: usize, among: Option<&HashSet<ChunkId>>) -> Result<Vec<(ChunkId, f32)>> {
        if query.dimension() != self.vectors.dimension() {
            return Err(Error::input(format!(
                "the question has {} dimensions, the index {}",
                query.dimension(),
                self.vectors.dimension()
            ))
            .with_hint("search with the embedder that the index was made with"));
        }
        match (&self.graph, among) {
            // The graph knows nothing of the set, and could find too few of it.
            (_, Some(among)) => self.rank(query, k, self.entries.iter().filter(|entry| among.contains(&entry.chunk))),
            (Some(graph), None) => {
                let records = graph.nearest(query, k, &self.vectors)?;
                let by_record: HashSet<u32> = records.into_iter().collect();
                self.rank(query, k, self.entries.iter().filter(|entry| by_record.contains(&entry.record)))
            }
            (None, None) => self.rank(query, k, self.entries.iter()),
        }
    }

    /// The nearest by looking at every vector, whether there is a graph or not.
    pub fn search_exactly(&self, query: &Vector, k: usize) -> Result<Vec<(ChunkId, f32)>> {
        self.rank(query, k, self.entries.iter())
    }

    /// The stored vector of each of these chunks, where there is one.
    ///
    /// # Errors
    /// When one is not what was written.
    pub fn stored(&self, chunks: &[ChunkId]) -> Result<Vec<Option<&[f32]>>> {
        let find = |id: &ChunkId| {
            let Ok(at) = self.entries.binary_search_by_key(id, |entry| entry.chunk) else { return Ok(None) };
            let record = self.entries[at].record as usize;
            if self.vectors.is_intact(record) { Ok(Some(self.vectors.components(record))) } else { Err(damaged(*id)) }
        };
        chunks.iter().map(find).collect()
    }

    /// How many of the vectors pass their checks, and how many there are.
    pub fn intact(&self) -> (usize, usize) {
        (self.vectors.intact(), self.vectors.len())
    }

    fn rank<'a>(
        &self,
        query: &Vector,
        k: usize,
        entries: impl Iterator<Item = &'a Entry>,
    ) -> Result<Vec<(ChunkId, f32)>> {
        let scored: Vec<(ChunkId, f32)> = entries
            .map(|entry| (entry.chunk, dot(query.as_slice(), self.vectors.components(entry.record as usize))))
            .collect();
        // A damaged component is seen by its size here, and otherwise where its chunk is found.
        if let Some((chunk, _)) = scored.iter().find(|(_, score)| score.is_nan() || score.abs() > LARGEST_COSINE) {
            return Err(damaged(*chunk));
        }
        let found = best(scored, k);
        let chunks: Vec<ChunkId> = found.iter().map(|(chunk, _)| *chunk).collect();
        self.stored(&chunks)?;
        Ok(found)
    }
}

fn damaged(chunk: ChunkId) -> Error {
    Error::damaged(format!("the stored vector of chunk {chunk} is damaged: it is not what was written"))
        .with_hint("run `kinglet index` again: damaged vectors are made anew")
}

fn generation_of(path: &Path, bytes: &[u8]) -> Result<u64> {
    match bytes.split_first_chunk::<8>() {
        Some((generation, entries)) if entries.len() % MAP_ENTRY_BYTES == 0 => Ok(u64::from_le_bytes(*generation)),
        _ => Err(Error::damaged(format!("{} has a length that no map has", path.display()))
            .with_hint("run `kinglet index` again: this part is derived and is made anew")),
    }
}
