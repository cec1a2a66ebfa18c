//! What a search asks of an index: seams for a local index, a remote engine or a test.
//!
//! Every `filter` is an expression that the source evaluates itself. It leaves out what does not
//! pass before a list is cut, and changes no score.

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

    /// Where each word of `question` stands, and how rare it is among all chunks.
    ///
    /// # Errors
    /// When the source fails.
    fn rarities(&self, question: &str) -> Result<Vec<(Span, f32)>>;
}

/// Finds chunks by the vectors of one embedder.
pub trait DenseSource: Send + Sync {
    /// The `k` chunks nearest to `vector`, with their cosines; nearest first, ties by path and
    /// place.
    ///
    /// # Errors
    /// When the source fails, or nothing passes the filter.
    fn search(&self, vector: &Vector, k: usize, filter: Option<&Filter>) -> Result<Vec<(ChunkId, f32)>>;

    /// The vector of each of these chunks, where there is one.
    ///
    /// # Errors
    /// When the source fails.
    fn vectors(&self, chunks: &[ChunkId]) -> Result<Vec<Option<Vec<f32>>>>;
}

/// Finds chunks by the terms that one sparse encoder gave them.
pub trait SparseSource: Send + Sync {
    /// The `k` chunks with the largest dot products with `vector`, all positive; best first, ties
    /// by path and place.
    ///
    /// # Errors
    /// When the source fails, or nothing passes the filter.
    fn search(&self, vector: &SparseVector, k: usize, filter: Option<&Filter>) -> Result<Vec<(ChunkId, f32)>>;
}

/// Keeps the token vectors that one embedder made of passages.
pub trait TokenVectorSource: Send + Sync {
    /// For each passage, named by the BLAKE3 hash of its text, the signs of its tokens' components,
    /// one token after another; `None` where they are not kept.
    ///
    /// # Errors
    /// When the source fails.
    fn signs(&self, passages: &[ChunkHash]) -> Result<Vec<Option<Vec<u8>>>>;
}

/// Knows the chunks themselves. All methods answer in the order asked for.
pub trait ChunkSource: Send + Sync {
    /// The chunks with these ids.
    ///
    /// # Errors
    /// When one is not there.
    fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<StoredChunk>>;

    /// The same ids in the order of their paths and places.
    ///
    /// # Errors
    /// When one is not there.
    fn by_place(&self, ids: &[ChunkId]) -> Result<Vec<ChunkId>>;

    /// Everywhere that the text of each of these chunks stands, as far as it passes the filter: the
    /// chunk itself, then its exact duplicates by path and place.
    ///
    /// # Errors
    /// When a chunk is not there.
    fn locations(&self, ids: &[ChunkId], filter: Option<&Filter>) -> Result<Vec<Vec<StoredChunk>>>;

    /// What tells whether these chunks nearly repeat each other, where it is kept.
    ///
    /// # Errors
    /// When the source fails.
    fn sketches(&self, ids: &[ChunkId]) -> Result<Vec<Option<Sketch>>>;

    /// What was left out of the file of a chunk, if anything was.
    ///
    /// # Errors
    /// When the source fails.
    fn truncated(&self, id: ChunkId) -> Result<Option<String>>;

    /// The language whose stems make two words the same.
    fn language(&self) -> Language;
}
