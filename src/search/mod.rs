//! A question becomes hits: retrievers find chunks, a pipeline fuses and rescores them.

mod cached;
pub mod filter;
pub mod fusion;
mod index_sources;
mod late_interaction;
mod pipeline;
mod query;
mod ranking;
mod rerank;
mod results;
mod retrievers;
mod score_regularization;
pub mod snippet;
pub mod sources;
pub(crate) mod timed;

use serde::Serialize;

use crate::error::Result;
use crate::index::store::ChunkId;

pub use filter::Filter;
pub use fusion::Fusion;
pub use index_sources::{EmbedderSources, EncoderSources, FilteredChunks, IndexSources};
pub use late_interaction::MaxSim;
pub use pipeline::Pipeline;
pub use query::{EmbeddedQuery, Query, QueryEncoder};
pub use rerank::PassageScorer;
pub use results::{DuplicateLocation, PendingWork, SearchOptions, SearchResponse, SearchResult};
pub use retrievers::{DenseRetriever, LexicalRetriever, SparseRetriever};

/// What one part of a search said of a hit: a retriever, the reranker, the neighbours.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LegScore {
    /// The part's name.
    pub leg: String,
    /// The hit's rank in the part's list, from 1.
    pub rank: usize,
    /// The part's own score: BM25, a cosine.
    pub score: f32,
    /// What the part adds to the hit's score.
    pub contribution: f32,
}

/// A chunk that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Which.
    pub chunk: ChunkId,
    /// Larger is better; the sum of the legs' contributions.
    pub score: f32,
    /// What each part that has a score for it said.
    pub legs: Vec<LegScore>,
}

impl Hit {
    /// A hit that one retriever found by itself.
    pub fn of_one_leg(leg: &str, rank: usize, chunk: ChunkId, score: f32) -> Self {
        let legs = vec![LegScore { leg: leg.to_string(), rank, score, contribution: score }];
        Hit { chunk, score, legs }
    }
}

/// At most `k` chunks, best first, ties by path and place, none twice, every score finite and the
/// sum of its legs' contributions. The same query gives the same hits, and a smaller `k` the first
/// of those. Only chunks that pass the query's filter, which are told apart before the list is cut
/// to `k`.
pub trait Retriever: Send + Sync {
    /// What `--explain` calls it.
    fn name(&self) -> &str;

    /// The score of a chunk that this retriever does not find, where there is such a score: 0 for
    /// BM25. Scores that every chunk has, such as a cosine, have none.
    fn score_of_absent(&self) -> Option<f32>;

    /// Finds chunks.
    ///
    /// # Errors
    /// When a model or a source fails; never fewer hits instead.
    fn retrieve(&self, query: &Query, k: usize) -> Result<Vec<Hit>>;
}
