//! The view of a search.

use std::path::Path;

use serde::Serialize;

use super::{Location, is_false, relative};
use crate::chunking::Chunk;
use crate::search::snippet::Snippet;
use crate::search::{Correction, DuplicateLocation, LegScore, PendingWork, SearchResponse, SearchResult};

/// The hits of a search.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SearchView {
    /// The hits, best first.
    pub hits: Vec<HitView>,
    /// The probability that the first five hits hold a passage that fits; null if it is not known.
    pub confidence: Option<f32>,
    /// The words that were searched in another spelling; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub corrections: Vec<CorrectionView>,
    /// The phrases that no passage has; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub absent_phrases: Vec<String>,
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
    /// The part of it that is shown.
    pub snippet: SnippetView,
    /// The locations of its exact and near-duplicates.
    pub duplicates: Vec<DuplicateView>,
    /// The index, where several were searched; otherwise absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// The codes, numbers, dates and names of the question that it has not, or only in parts;
    /// absent if it has all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<String>,
    /// With one hit a document: how many more passages of the file are among the best 100 and share
    /// a word with the question; otherwise absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more_in_file: Option<usize>,
    /// Its sentences that read like instructions to a model; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instructions: Vec<String>,
    /// What a limit left out of the file; absent if nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated: Option<String>,
    /// True if the file is not there any more; absent if it is.
    #[serde(skip_serializing_if = "is_false")]
    pub gone: bool,
}

/// A word that was searched in another spelling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CorrectionView {
    /// The word as it was typed.
    pub typed: String,
    /// The word that was searched.
    pub searched: String,
}

impl From<&Correction> for CorrectionView {
    fn from(correction: &Correction) -> Self {
        let Correction { typed, searched, .. } = correction.clone();
        CorrectionView { typed, searched }
    }
}

/// The part of a passage that is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SnippetView {
    /// Its text.
    pub text: String,
    /// Its location in the file.
    pub location: Location,
    /// The headings above it, outermost first.
    pub headings: Vec<String>,
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
    /// True if the results are ranked without late interaction, which has no token vectors yet.
    pub without_late_interaction: bool,
}

impl SearchView {
    /// Makes paths relative to `base`.
    pub fn new(response: &SearchResponse, base: &Path) -> Self {
        SearchView {
            hits: response.results.iter().map(|result| HitView::new(result, base)).collect(),
            corrections: response.corrections.iter().map(CorrectionView::from).collect(),
            absent_phrases: response.absent_phrases.clone(),
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
            snippet: SnippetView::new(&result.snippet, &result.chunk),
            duplicates: result.duplicates.iter().map(|duplicate| DuplicateView::new(duplicate, base)).collect(),
            index: result.index.clone(),
            partial: result.partial.clone(),
            instructions: result.instructions.iter().map(|span| span.of(&result.chunk.text).to_string()).collect(),
            truncated: result.truncated.clone(),
            gone: result.gone,
            more_in_file: result.more_in_file,
        }
    }
}

impl SnippetView {
    fn new(snippet: &Snippet, chunk: &Chunk) -> Self {
        let (first, last) = snippet.place(chunk);
        SnippetView {
            text: snippet.span.of(&chunk.text).to_string(),
            location: Location::new(chunk.unit, first, last, &snippet.after_path(chunk)),
            headings: snippet.headings.clone(),
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
        let PendingWork { lexical, dense, sparse, passages, unread_files, without_late_interaction } = pending;
        PendingView { lexical, dense, sparse, passages, unread_files, without_late_interaction }
    }
}
