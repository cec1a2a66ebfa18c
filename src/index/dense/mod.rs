//! The dense part of an index: vectors → chunks, ranked by cosine. Search is exact, or uses a graph
//! beyond the size where that is faster.
//!
//! `vectors.log` holds vectors by chunk hash. `chunks.map` is derived from it and says which record
//! each chunk has at one generation of the store; it is written last, by rename, with a checksum.

pub mod graph;
pub mod vector_log;
pub(crate) mod writer;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::WorkProgress;
use crate::error::{Error, Hint, Result};
use crate::index::dense::graph::Graph;
use crate::index::dense::vector_log::StoredVectors;
use crate::index::durable_file::{read_sealed, remove_file};
use crate::index::file_stamp::{FileStamp, Stamped};
use crate::index::store::ChunkId;
use crate::index::top_k::top_k;
use crate::models::contracts::EmbedderCard;
use crate::vector::{Vector, dot};

const LOG: &str = "vectors.log";
const MAP: &str = "chunks.map";
/// The largest cosine of unit vectors, with rounding errors.
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
    /// Ordered by chunk id.
    entries: Vec<Entry>,
    vectors: Stamped<StoredVectors>,
    /// The graph, if it is used, and the entries ordered by record.
    graph: Option<(Stamped<Graph>, Vec<Entry>)>,
}

impl Dense {
    /// Removes the map and the graph in `folder`, so that they are derived again.
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

    /// Opens the vectors of `card` in `folder`. Uses the graph if it has been built and more than
    /// `exact_limit` chunks have a vector.
    ///
    /// # Errors
    /// When files are missing or damaged.
    pub fn open(folder: &Path, card: &EmbedderCard, exact_limit: usize) -> Result<Self> {
        Self::open_after(None, folder, card, exact_limit)
    }

    /// As [`open`](Self::open), but takes the vectors and the graph of `before` if their files are
    /// still the same.
    pub(super) fn open_after(
        before: Option<&Self>,
        folder: &Path,
        card: &EmbedderCard,
        exact_limit: usize,
    ) -> Result<Self> {
        let (generation, entries) = read_map(&folder.join(MAP))?;
        let log = folder.join(LOG);
        let mapped = before.map(|before| &before.vectors);
        let vectors =
            Stamped::open(vec![log.clone()], FileStamp::of, mapped, || StoredVectors::open(&log, card.dimension))?;
        let records = vectors.value.len();
        if let Some(entry) = entries.iter().find(|entry| entry.record as usize >= records) {
            return Err(Error::damaged(format!(
                "{} is cut short: it has {records} records, but the map names record {}",
                log.display(),
                entry.record
            ))
            .with_hint(Hint::update_index("it embeds the chunks of missing vectors again")));
        }
        let graph = if entries.len() > exact_limit && Graph::exists(folder) {
            let before = before.and_then(|before| before.graph.as_ref()).map(|(graph, _)| graph);
            let seal = vec![folder.join(graph::SEAL)];
            let graph = Stamped::open(seal, FileStamp::of, before, || Graph::open(folder, &vectors.value))?;
            let mut by_record = entries.clone();
            by_record.sort_by_key(|entry| entry.record);
            Some((graph, by_record))
        } else {
            None
        };
        Ok(Dense { generation, entries, vectors, graph })
    }

    /// The files in `folder` that a writer replaces to make [`open`](Self::open) read a new index.
    pub(super) fn deciding_files(folder: &Path) -> Vec<PathBuf> {
        vec![folder.join(MAP), folder.join(graph::SEAL)]
    }

    /// The generation of the store that the map matches.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The number of chunks that have a vector here.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if no chunk has a vector here.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The chunks that have a vector here.
    pub fn ids(&self) -> impl Iterator<Item = ChunkId> {
        self.entries.iter().map(|entry| entry.chunk)
    }

    /// The `k` chunks nearest to `query` by cosine and all that tie with the last of them, nearest
    /// first; only chunks in `among`, if there is such a set.
    ///
    /// # Errors
    /// When a vector that the search reads has changed since it was written, or `query` has another
    /// dimension.
    pub fn search(&self, query: &Vector, k: usize, among: Option<&HashSet<ChunkId>>) -> Result<Vec<(ChunkId, f32)>> {
        let vectors = &self.vectors.value;
        if query.dimension() != vectors.dimension() {
            return Err(Error::input(format!(
                "the question has {} dimensions, the index {}",
                query.dimension(),
                vectors.dimension()
            ))
            .with_hint("search with the embedder that the index was made with"));
        }
        match (&self.graph, among) {
            // The graph does not know the set and could find too few of its chunks.
            (_, Some(among)) => self.rank(query, k, self.entries.iter().filter(|entry| among.contains(&entry.chunk))),
            (Some((graph, by_record)), None) => {
                let from = |record: u32| &by_record[by_record.partition_point(|entry| entry.record < record)..];
                let of = |record: u32| from(record).iter().take_while(move |entry| entry.record == record);
                let near = graph.value.nearest(query, k, |record| of(record).next().is_some());
                let later = from(graph.value.covered());
                self.rank(query, k, near.into_iter().flat_map(of).chain(later))
            }
            (None, None) => self.rank(query, k, self.entries.iter()),
        }
    }

    /// The stored vector of each of these chunks, if it has one.
    ///
    /// # Errors
    /// When one has changed since it was written.
    pub fn stored(&self, chunks: &[ChunkId]) -> Result<Vec<Option<&[f32]>>> {
        let find = |id: &ChunkId| {
            let Ok(at) = self.entries.binary_search_by_key(id, |entry| entry.chunk) else { return Ok(None) };
            let record = self.entries[at].record as usize;
            let vectors = &self.vectors.value;
            if vectors.is_intact(record) { Ok(Some(vectors.components(record))) } else { Err(damaged(*id)) }
        };
        chunks.iter().map(find).collect()
    }

    /// The number of vectors before the first damaged one, and the number of all.
    pub fn intact(&self) -> (usize, usize) {
        (self.vectors.value.intact(), self.vectors.value.len())
    }

    fn rank<'a>(
        &self,
        query: &Vector,
        k: usize,
        entries: impl Iterator<Item = &'a Entry>,
    ) -> Result<Vec<(ChunkId, f32)>> {
        let scored: Vec<(ChunkId, f32)> = entries
            .map(|entry| (entry.chunk, dot(query.as_slice(), self.vectors.value.components(entry.record as usize))))
            .collect();
        // A damaged component shows here by its size, or below if its chunk is among the hits.
        if let Some((chunk, _)) = scored.iter().find(|(_, score)| score.is_nan() || score.abs() > LARGEST_COSINE) {
            return Err(damaged(*chunk));
        }
        let hits = top_k(scored, k);
        let chunks: Vec<ChunkId> = hits.iter().map(|(chunk, _)| *chunk).collect();
        self.stored(&chunks)?;
        Ok(hits)
    }
}

fn damaged(chunk: ChunkId) -> Error {
    Error::damaged(format!("the stored vector of chunk {chunk} is damaged: it is not what was written"))
        .with_hint(Hint::update_index("it embeds the chunks of damaged vectors again"))
}

/// The generation and the entries of a map. There is no map, and so no entry, from the time when a
/// writer begins to rewrite the log until it has derived the map again.
fn read_map(path: &Path) -> Result<(u64, Vec<Entry>)> {
    if !path.is_file() {
        return Ok((0, Vec::new()));
    }
    let bytes = read_sealed(path)?;
    let (generation, entries) = match bytes.split_first_chunk::<8>() {
        Some((generation, entries)) if entries.len() % MAP_ENTRY_BYTES == 0 => (generation, entries),
        _ => {
            return Err(Error::damaged(format!("{} has a length that no map has", path.display()))
                .with_hint(Hint::derive_again()));
        }
    };
    let entry = |bytes: &[u8]| Entry {
        chunk: u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")),
        record: u32::from_le_bytes(bytes[8..].try_into().expect("four bytes")),
    };
    Ok((u64::from_le_bytes(*generation), entries.chunks_exact(MAP_ENTRY_BYTES).map(entry).collect()))
}
