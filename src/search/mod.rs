//! Flow (b1): a question becomes hits.

pub mod cached;
pub mod filter;
pub mod fusion;
pub mod late_interaction;
pub mod pipeline;
mod ranking;
pub mod rerank;
pub mod results;
pub mod retrievers;
pub mod score_regularization;
pub mod snippet;
pub mod timed;

use std::collections::HashSet;
use std::sync::Arc;

use serde::Serialize;

use crate::error::Result;
use crate::index::store::ChunkId;

pub use filter::Filter;
pub use fusion::{Fusion, Hybrid};
pub use late_interaction::MaxSim;
pub use pipeline::Pipeline;
pub use rerank::Reranked;
pub use results::{DuplicateLocation, PendingWork, SearchResult};
pub use retrievers::{DenseLeg, LexicalLeg, SparseLeg};
pub use score_regularization::ScoreRegularization;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The question in the user's words: any text, never parsed as a query language.
    pub text: String,
    /// The chunks to look among; `None` for all. See [`filter::among`].
    pub among: Option<Arc<HashSet<ChunkId>>>,
}

impl Query {
    /// A query for `text` among all chunks.
    pub fn new(text: impl Into<String>) -> Self {
        Query { text: text.into(), among: None }
    }

    /// Whether it looks at `chunk`.
    pub fn includes(&self, chunk: ChunkId) -> bool {
        self.among.as_ref().is_none_or(|among| among.contains(&chunk))
    }
}

/// What one leg said of a hit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LegScore {
    /// The leg's name.
    pub leg: String,
    /// Its place in that leg's list, from 1.
    pub rank: usize,
    /// The leg's own score: BM25, a cosine.
    pub score: f32,
    /// What the leg adds to the hit's score.
    pub contribution: f32,
}

/// A chunk that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Which.
    pub chunk: ChunkId,
    /// Larger is better; the sum of the legs' contributions.
    pub score: f32,
    /// What each leg that found it said.
    pub legs: Vec<LegScore>,
}

impl Hit {
    /// A hit that one leg found by itself.
    pub fn of_one_leg(leg: &str, rank: usize, chunk: ChunkId, score: f32) -> Self {
        let legs = vec![LegScore { leg: leg.to_string(), rank, score, contribution: score }];
        Hit { chunk, score, legs }
    }
}

/// At most `k` chunks, best first, ties by path and place, none twice, every score finite and the sum of its legs'
/// contributions. The same query gives the same hits, and a smaller `k` the first of those. Only chunks that the query includes,
/// which are told apart before the list is cut to `k`.
pub trait Retriever: Send + Sync {
    /// What `--explain` calls it.
    fn name(&self) -> &str;

    /// The score of a chunk that this retriever had nothing to say about, where there is such a score: 0 for BM25. Scores
    /// that every chunk has, such as a cosine, have none.
    fn score_of_absent(&self) -> Option<f32>;

    /// Finds chunks.
    ///
    /// # Errors
    /// When a model or a part of the index fails; never fewer hits instead.
    fn retrieve(&self, query: &Query, k: usize) -> Result<Vec<Hit>>;
}
