//! What a search found.

use std::path::Path;

use serde::Serialize;

use super::{Location, relative};
use crate::search::{DuplicateLocation, LegScore, PendingWork, SearchResponse, SearchResult};

/// The hits of a search.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SearchView {
    /// Best first.
    pub hits: Vec<HitView>,
    /// What the index has not made yet; absent when it is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingView>,
}

/// A passage that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HitView {
    /// The file.
    pub path: String,
    /// Where in it.
    pub location: Location,
    /// The headings over it, outermost first.
    pub headings: Vec<String>,
    /// Larger is better; the sum of the legs' contributions.
    pub score: f32,
    /// What each leg that found it gave it.
    pub legs: Vec<LegView>,
    /// The whole passage.
    pub text: String,
    /// Where else the same stands, to the word or nearly.
    pub duplicates: Vec<DuplicateView>,
    /// What was left out of the file; absent if nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated: Option<String>,
}

/// What one leg gave a hit.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LegView {
    /// The leg's name.
    pub leg: String,
    /// The hit's place in its list, from 1.
    pub rank: usize,
    /// The leg's own score.
    pub score: f32,
    /// What it adds to the hit's score.
    pub contribution: f32,
}

/// Another place with the same text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DuplicateView {
    /// The file.
    pub path: String,
    /// Where in it.
    pub location: Location,
}

/// What an index has not made yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PendingView {
    /// Passages that cannot be found by their words yet.
    pub lexical: u64,
    /// Passages that have no vector yet.
    pub dense: u64,
    /// Passages that have no learned terms yet.
    pub sparse: u64,
    /// Passages that are searched.
    pub passages: u64,
    /// Whether files may not have been read yet.
    pub unread_files: bool,
}

impl SearchView {
    /// Shows paths relative to `base`.
    pub fn new(response: &SearchResponse, base: &Path) -> Self {
        SearchView {
            hits: response.results.iter().map(|result| HitView::new(result, base)).collect(),
            pending: response.pending.map(PendingView::from),
        }
    }
}

impl HitView {
    /// Shows paths relative to `base`.
    pub fn new(result: &SearchResult, base: &Path) -> Self {
        HitView {
            path: relative(&result.path, base),
            location: Location::of(&result.chunk),
            headings: result.chunk.headings.clone(),
            score: result.hit.score,
            legs: result.hit.legs.iter().map(LegView::from).collect(),
            text: result.chunk.text.clone(),
            duplicates: result.duplicates.iter().map(|duplicate| DuplicateView::new(duplicate, base)).collect(),
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
        let PendingWork { lexical, vectors, sparse, passages, files } = pending;
        PendingView { lexical, dense: vectors, sparse, passages, unread_files: files }
    }
}
