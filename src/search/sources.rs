//! The traits of an index that a search needs: a local index, a remote engine or a test implements
//! them.
//!
//! A source evaluates a `filter` itself. It leaves out chunks that do not pass before it cuts a
//! list to `k`, and the filter changes no score.

use std::collections::HashSet;
use std::path::Path;

use super::Filter;
use crate::error::Result;
use crate::index::store::{ChunkHash, ChunkId, StoredChunk};
use crate::language::Language;
use crate::near_duplicate::Sketch;
use crate::text::Span;
use crate::vector::{SparseVector, Vector};

/// Finds chunks by the words that they share with a question.
pub trait LexicalSource: Send + Sync {
    /// The `k` best chunks that share a word with `question`, with their scores, all positive; best
    /// first, ties by path and place.
    ///
    /// # Errors
    /// When the source fails, or nothing passes the filter.
    fn search(&self, question: &str, k: usize, filter: Option<&Filter>) -> Result<Vec<(ChunkId, f32)>>;

    /// All chunks that contain every one of `stems`, by id. None if there are no stems.
    ///
    /// # Errors
    /// When the source fails, or nothing passes the filter.
    fn containing(&self, stems: &[String], filter: Option<&Filter>) -> Result<Vec<ChunkId>>;

    /// The place of each word in `question`, and how rare the word is among all chunks.
    ///
    /// # Errors
    /// When the source fails.
    fn rarities(&self, question: &str) -> Result<Vec<(Span, f32)>>;

    /// The chunks of source code in which a definition with this name or title begins, whatever its
    /// capitals.
    ///
    /// # Errors
    /// When the source fails.
    fn defining(&self, title: &str) -> Result<HashSet<ChunkId>>;

    /// The word of the documents that `word` is a misspelling of; `None` if they have `word`, or
    /// nothing that is near.
    ///
    /// # Errors
    /// When the source fails.
    fn nearest_word(&self, word: &str) -> Result<Option<String>>;
}

/// Finds chunks by the vectors of one embedder.
pub trait DenseSource: Send + Sync {
    /// The `k` chunks nearest to `vector`, with their cosines; nearest first, ties by path and
    /// place.
    ///
    /// # Errors
    /// When the source fails, or nothing passes the filter.
    fn search(&self, vector: &Vector, k: usize, filter: Option<&Filter>) -> Result<Vec<(ChunkId, f32)>>;

    /// The vector of each of these chunks, if it has one.
    ///
    /// # Errors
    /// When the source fails.
    fn vectors(&self, chunks: &[ChunkId]) -> Result<Vec<Option<Vec<f32>>>>;
}

/// Finds chunks by the terms of one sparse encoder.
pub trait SparseSource: Send + Sync {
    /// The `k` chunks with the largest dot products with `vector`, all positive; best first, ties
    /// by path and place.
    ///
    /// # Errors
    /// When the source fails, or nothing passes the filter.
    fn search(&self, vector: &SparseVector, k: usize, filter: Option<&Filter>) -> Result<Vec<(ChunkId, f32)>>;
}

/// Keeps the token vectors of passages by one embedder.
pub trait TokenVectorSource: Send + Sync {
    /// For each passage, named by the BLAKE3 hash of its text, the signs of the components of its
    /// token vectors, one token after another; `None` if they are not kept.
    ///
    /// # Errors
    /// When the source fails.
    fn signs(&self, passages: &[ChunkHash]) -> Result<Vec<Option<Vec<u8>>>>;
}

/// Knows the chunks themselves. Methods that take `ids` return values in the order of the ids,
/// except [`by_place`](Self::by_place).
pub trait ChunkSource: Send + Sync {
    /// The chunks with these ids.
    ///
    /// # Errors
    /// When a chunk does not exist.
    fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<StoredChunk>>;

    /// The same ids, ordered by the paths and places of the chunks.
    ///
    /// # Errors
    /// When a chunk does not exist.
    fn by_place(&self, ids: &[ChunkId]) -> Result<Vec<ChunkId>>;

    /// All locations of the text of each of these chunks that pass the filter: the chunk itself,
    /// then its exact duplicates by path and place.
    ///
    /// # Errors
    /// When a chunk does not exist.
    fn locations(&self, ids: &[ChunkId], filter: Option<&Filter>) -> Result<Vec<Vec<StoredChunk>>>;

    /// The sketches of these chunks, by which near duplicates are recognised; `None` if it is not
    /// kept.
    ///
    /// # Errors
    /// When the source fails.
    fn sketches(&self, ids: &[ChunkId]) -> Result<Vec<Option<Sketch>>>;

    /// What a limit left out of the file of a chunk, if anything.
    ///
    /// # Errors
    /// When the source fails.
    fn truncated(&self, id: ChunkId) -> Result<Option<String>>;

    /// True if the file of a chunk, which has this path, is certainly not there any more. A source
    /// that cannot look says `false`.
    fn is_gone(&self, _path: &Path) -> bool {
        false
    }

    /// The language of the stems by which words are compared.
    fn language(&self) -> Language;
}
