//! A question becomes hits: retrievers find chunks, a pipeline fuses and rescores them.

mod asked_words;
mod cached;
mod confidence;
mod exact;
mod exact_things;
mod files;
pub mod filter;
pub mod fusion;
mod glob;
mod index_sources;
pub mod instructions;
mod late_interaction;
mod leg_weights;
mod merging;
mod nearest_values;
mod path_pattern;
mod phrase;
mod pipeline;
mod query;
mod query_syntax;
mod ranking;
mod rerank;
mod results;
mod retrievers;
mod score_regularization;
mod sentence_scores;
pub mod snippet;
pub mod sources;
mod spelling;
mod sub_questions;
mod symbols;
pub(crate) mod timed;

use crate::error::Result;
use crate::index::store::ChunkId;

pub use confidence::SearchConfidence;
pub(crate) use files::files;
pub use files::{FileWithWords, FilesResponse};
pub use filter::Filter;
pub use fusion::Fusion;
pub use index_sources::{EmbedderSources, EncoderSources, FilteredChunks, IndexSources};
pub use late_interaction::MaxSim;
pub use merging::{merge_files, merge_results};
pub use pipeline::Pipeline;
pub use query::{EmbeddedQuery, Query, QueryEncoder};
pub use query_syntax::TypedQuery;
pub use rerank::PassageScorer;
pub use results::{DuplicateLocation, PendingWork, SearchOptions, SearchResponse, SearchResult};
pub use retrievers::{DenseRetriever, LexicalRetriever, SparseRetriever};
pub use sentence_scores::{ScoredSentence, SentenceScorer};
pub use spelling::{Correction, correct};
pub use sub_questions::sub_questions;
pub use symbols::symbols;

/// The score of a hit in one part of a search: a retriever, the reranker or score regularization.
#[derive(Debug, Clone, PartialEq)]
pub struct LegScore {
    /// The part's name.
    pub leg: String,
    /// The hit's rank in the part's list, from 1.
    pub rank: usize,
    /// The part's own score, such as BM25 or a cosine.
    pub score: f32,
    /// The number that the part adds to the hit's score.
    pub contribution: f32,
}

/// A chunk that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The chunk's id.
    pub chunk: ChunkId,
    /// The sum of the contributions of all parts; larger is better.
    pub score: f32,
    /// The score in each part that has one for this chunk.
    pub legs: Vec<LegScore>,
}

impl Hit {
    /// A hit of one retriever.
    pub fn of_one_leg(leg: &str, rank: usize, chunk: ChunkId, score: f32) -> Self {
        let legs = vec![LegScore { leg: leg.to_string(), rank, score, contribution: score }];
        Hit { chunk, score, legs }
    }
}

/// Finds at most `k` chunks, best first, ties by path and place, none twice. Every score is finite
/// and the sum of its legs' contributions. The same query gives the same hits, and a smaller `k`
/// gives the first of those. Only chunks that pass the query's filter are returned; the retriever
/// applies the filter before it cuts the list to `k`.
pub trait Retriever: Send + Sync {
    /// The name that `--explain` shows.
    fn name(&self) -> &str;

    /// The score of every chunk that this retriever does not find, such as 0 for BM25. `None` if
    /// every chunk has a score of its own, such as a cosine.
    fn score_of_absent(&self) -> Option<f32>;

    /// Finds chunks.
    ///
    /// # Errors
    /// When a model or a source fails. Never returns fewer hits instead.
    fn retrieve(&self, query: &Query, k: usize) -> Result<Vec<Hit>>;
}
