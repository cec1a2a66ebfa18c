//! Hits become results: text, location and snippet. What says the same, or nearly, is shown once
//! with all of its locations.

use std::collections::HashSet;
use std::path::PathBuf;

use serde::Serialize;

use super::snippet::{Snippet, snippet};
use super::sources::ChunkSource;
use super::{Filter, Hit, Query};
use crate::chunking::Chunk;
use crate::error::Result;
use crate::index::store::duplicates::NEARLY;
use crate::index::store::{ChunkId, StoredChunk};
use crate::near_duplicate::Sketch;

/// How long a snippet is, in characters, where its sentences allow it.
const SNIPPET_CHARS: usize = 240;

/// Options of a search.
#[derive(Debug, Clone, Default)]
pub struct SearchOptions {
    /// The most passages that are returned; `None` for the configured number.
    pub limit: Option<usize>,
    /// What passages must pass to be found.
    pub filter: Option<Filter>,
    /// Only the best passage of each document.
    pub one_per_document: bool,
}

impl SearchOptions {
    /// Returns the best `limit` passages, without further options.
    pub fn limited(limit: usize) -> Self {
        SearchOptions { limit: Some(limit), ..Self::default() }
    }
}

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SearchResponse {
    /// Best first.
    pub results: Vec<SearchResult>,
    /// What the index has not made yet; `None` when it has made all.
    pub pending: Option<PendingWork>,
}

/// A passage that a search found, with why.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SearchResult {
    /// Its score, and what each part of the search said of it.
    pub hit: Hit,
    /// The file.
    pub path: PathBuf,
    /// The part of it.
    pub chunk: Chunk,
    /// What to show of it.
    pub snippet: Snippet,
    /// What was left out of the file, if anything was.
    pub truncated: Option<String>,
    /// Where else the same stands, to the word or nearly.
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

/// What an index has not made yet, so that a search may have missed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PendingWork {
    /// Passages that are not found by their words yet, or by words that an earlier version made.
    pub lexical: u64,
    /// Passages that have no vector yet of the embedder that answers.
    pub vectors: u64,
    /// Passages that have no learned terms yet of the encoder that is searched with.
    pub sparse: u64,
    /// Passages that are searched.
    pub passages: u64,
    /// Whether files may not have been read yet.
    pub files: bool,
}

/// Hits as they become results.
pub(super) struct Results<'s> {
    chunks: &'s dyn ChunkSource,
    query: &'s Query,
    one_per_document: bool,
    /// Each with the location that is shown and its other locations.
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

    /// Takes the next hits. One that nearly repeats a better one becomes another location of that.
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

    /// The best `count` of them, with what is shown of each.
    pub(super) fn best(self, count: usize) -> Result<Vec<SearchResult>> {
        let (chunks, question) = (self.chunks, self.query.text());
        let show = |(hit, StoredChunk { id, path, chunk }, duplicates)| {
            let snippet = snippet(question, &chunk.text, chunks.language(), SNIPPET_CHARS);
            Ok(SearchResult { hit, path, chunk, snippet, truncated: chunks.truncated(id)?, duplicates })
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
