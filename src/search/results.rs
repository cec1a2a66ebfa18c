//! Hits become results with text, location and snippet. Passages that are the same, or nearly,
//! become one result with all of its locations.

use std::collections::HashSet;
use std::path::PathBuf;

use super::confidence::CLOSE;
use super::instructions::instructions_in;
use super::snippet::{Snippet, snippet};
use super::sources::ChunkSource;
use super::{Filter, Hit, Query};
use crate::chunking::Chunk;
use crate::error::Result;
use crate::index::store::duplicates::NEARLY;
use crate::index::store::{ChunkId, StoredChunk};
use crate::near_duplicate::Sketch;
use crate::text::Span;

/// The most characters of a snippet, unless its first sentence is longer.
const SNIPPET_CHARS: usize = 240;

/// Options of a search.
#[derive(Debug, Clone, Default)]
pub struct SearchOptions {
    /// The most passages that are returned; `None` for the configured number.
    pub limit: Option<usize>,
    /// The filter that passages must pass to be found.
    pub filter: Option<Filter>,
    /// True to return only the best passage of each document.
    pub one_per_document: bool,
    /// Return nothing if the confidence of the search is below this probability.
    pub min_confidence: Option<f32>,
}

impl SearchOptions {
    /// The best `limit` passages, without further options.
    pub fn limited(limit: usize) -> Self {
        SearchOptions { limit: Some(limit), ..Self::default() }
    }
}

/// The results of a search.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SearchResponse {
    /// The results, best first.
    pub results: Vec<SearchResult>,
    /// The probability, 0 to 1, that the first five hits hold a passage that fits. `None` if there
    /// are no hits, or it was never calibrated for such a search: it is for English documents, in
    /// lexical and hybrid mode, and in dense mode with a few embedders.
    pub confidence: Option<f32>,
    /// What the index has not finished yet; `None` if it is complete.
    pub pending: Option<PendingWork>,
}

impl SearchResponse {
    /// False if it is probable that no hit fits, so that the hits are only the nearest.
    pub fn matches_closely(&self) -> bool {
        self.confidence.is_none_or(|confidence| confidence >= CLOSE)
    }
}

/// A passage that a search found, with the reasons.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SearchResult {
    /// Its score, and its score in each part of the search.
    pub hit: Hit,
    /// The file.
    pub path: PathBuf,
    /// The part of it.
    pub chunk: Chunk,
    /// The part of its text to show.
    pub snippet: Snippet,
    /// What a limit left out of the file, if anything.
    pub truncated: Option<String>,
    /// The sentences of the chunk's text that read like instructions to a model.
    pub instructions: Vec<Span>,
    /// The other locations of the same passage, exact and near duplicates.
    pub duplicates: Vec<DuplicateLocation>,
}

/// Another location of a passage.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DuplicateLocation {
    /// The file.
    pub path: PathBuf,
    /// The part of it.
    pub chunk: Chunk,
}

/// What an index has not finished yet, so that a search may have missed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingWork {
    /// Passages that lexical search does not find yet, or finds by the words of an earlier version.
    pub lexical: u64,
    /// Passages without a vector of the embedder that is searched with.
    pub dense: u64,
    /// Passages without learned terms of the sparse encoder that is searched with.
    pub sparse: u64,
    /// All passages that are searched.
    pub passages: u64,
    /// True if some files may not have been read yet.
    pub unread_files: bool,
}

/// Results under construction.
pub(super) struct Results<'s> {
    chunks: &'s dyn ChunkSource,
    query: &'s Query,
    one_per_document: bool,
    /// Each hit with its chunk and its other locations.
    kept: Vec<(Hit, StoredChunk, Vec<DuplicateLocation>)>,
    sketches: Vec<Option<Sketch>>,
    documents: HashSet<PathBuf>,
}

impl<'s> Results<'s> {
    pub(super) fn new(chunks: &'s dyn ChunkSource, query: &'s Query, one_per_document: bool) -> Self {
        let (kept, sketches, documents) = (Vec::new(), Vec::new(), HashSet::new());
        Results { chunks, query, one_per_document, kept, sketches, documents }
    }

    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Adds the next hits. One that nearly repeats a better one becomes another location of it.
    pub(super) fn add(&mut self, hits: &[Hit]) -> Result<()> {
        let ids: Vec<ChunkId> = hits.iter().map(|hit| hit.chunk).collect();
        let locations = self.chunks.locations(&ids, self.query.filter())?;
        let sketches = self.chunks.sketches(&ids)?;
        for ((hit, locations), sketch) in hits.iter().zip(locations).zip(sketches) {
            let mut locations = locations.into_iter();
            let Some(first) = locations.next() else { continue };
            let others = locations.map(duplicate);
            if let Some(at) = self.sketches.iter().position(|&kept| is_near(kept, sketch)) {
                let duplicates = &mut self.kept[at].2;
                duplicates.push(duplicate(first));
                duplicates.extend(others);
                continue;
            }
            if self.one_per_document && !self.documents.insert(first.path.clone()) {
                continue;
            }
            self.sketches.push(sketch);
            self.kept.push((hit.clone(), first, others.collect()));
        }
        Ok(())
    }

    /// Returns the best `count` results.
    pub(super) fn best(self, count: usize) -> Result<Vec<SearchResult>> {
        let (chunks, question) = (self.chunks, self.query.text());
        let show = |(hit, StoredChunk { id, path, chunk }, duplicates)| {
            let snippet = snippet(question, &chunk.text, chunks.language(), SNIPPET_CHARS);
            let instructions = instructions_in(&chunk.text, &chunk.headings);
            let truncated = chunks.truncated(id)?;
            Ok(SearchResult { hit, path, chunk, snippet, truncated, instructions, duplicates })
        };
        self.kept.into_iter().take(count).map(show).collect()
    }
}

fn is_near(one: Option<Sketch>, other: Option<Sketch>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one.likeness(&other) >= NEARLY)
}

fn duplicate(stored: StoredChunk) -> DuplicateLocation {
    DuplicateLocation { path: stored.path, chunk: stored.chunk }
}
