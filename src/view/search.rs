//! The view of a search.

use std::path::Path;

use serde::Serialize;

use super::{Location, relative};
use crate::search::{DuplicateLocation, LegScore, PendingWork, SearchResponse, SearchResult};

/// The hits of a search.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SearchView {
    /// The hits, best first.
    pub hits: Vec<HitView>,
    /// The probability that the first five hits hold a passage that fits; null if it is not known.
    pub confidence: Option<f32>,
    /// The pending work of the index; absent if it is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingView>,
}

/// A retrieved passage.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HitView {
    /// The file.
    pub path: String,
    /// The location in the file.
    pub location: Location,
    /// The headings above it, outermost first.
    pub headings: Vec<String>,
    /// The score: the sum of the retrievers' contributions. Larger is better.
    pub score: f32,
    /// The scores from each retriever that found it.
    pub legs: Vec<LegView>,
    /// The whole passage.
    pub text: String,
    /// The locations of its exact and near-duplicates.
    pub duplicates: Vec<DuplicateView>,
    /// Its sentences that read like instructions to a model; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instructions: Vec<String>,
    /// What a limit left out of the file; absent if nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated: Option<String>,
}

/// The score of a hit from one retriever.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LegView {
    /// The retriever's name.
    pub leg: String,
    /// The hit's rank in the retriever's list, from 1.
    pub rank: usize,
    /// The retriever's own score.
    pub score: f32,
    /// The part of the hit's score that comes from this retriever.
    pub contribution: f32,
}

/// The location of a duplicate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DuplicateView {
    /// The file.
    pub path: String,
    /// The location in the file.
    pub location: Location,
}

/// The pending work of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PendingView {
    /// The number of passages missing in the lexical index.
    pub lexical: u64,
    /// The number of passages without a vector.
    pub dense: u64,
    /// The number of passages without a sparse vector.
    pub sparse: u64,
    /// The number of searchable passages.
    pub passages: u64,
    /// True if some files may not have been read yet.
    pub unread_files: bool,
}

impl SearchView {
    /// Makes paths relative to `base`.
    pub fn new(response: &SearchResponse, base: &Path) -> Self {
        SearchView {
            hits: response.results.iter().map(|result| HitView::new(result, base)).collect(),
            confidence: response.confidence,
            pending: response.pending.map(PendingView::from),
        }
    }
}

impl HitView {
    /// Makes paths relative to `base`.
    pub fn new(result: &SearchResult, base: &Path) -> Self {
        HitView {
            path: relative(&result.path, base),
            location: Location::of(&result.chunk),
            headings: result.chunk.headings.clone(),
            score: result.hit.score,
            legs: result.hit.legs.iter().map(LegView::from).collect(),
            text: result.chunk.text.clone(),
            duplicates: result.duplicates.iter().map(|duplicate| DuplicateView::new(duplicate, base)).collect(),
            instructions: result.instructions.iter().map(|span| span.of(&result.chunk.text).to_string()).collect(),
            truncated: result.truncated.clone(),
        }
    }
}

impl DuplicateView {
    fn new(duplicate: &DuplicateLocation, base: &Path) -> Self {
        DuplicateView { path: relative(&duplicate.path, base), location: Location::of(&duplicate.chunk) }
    }
}

impl From<&LegScore> for LegView {
    fn from(score: &LegScore) -> Self {
        let LegScore { leg, rank, score, contribution } = score.clone();
        LegView { leg, rank, score, contribution }
    }
}

impl From<PendingWork> for PendingView {
    fn from(pending: PendingWork) -> Self {
        let PendingWork { lexical, dense, sparse, passages, unread_files } = pending;
        PendingView { lexical, dense, sparse, passages, unread_files }
    }
}
