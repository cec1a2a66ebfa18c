//! Hits become what people read: text, place and snippet; what says the same, or nearly, is shown once with all of its places.

use std::collections::HashSet;
use std::path::PathBuf;

use serde::Serialize;

use super::Hit;
use super::snippet::{Snippet, snippet};
use crate::chunking::Chunk;
use crate::error::Result;
use crate::index::Index;
use crate::index::store::duplicates::NEARLY;
use crate::index::store::{ChunkId, StoredChunk};
use crate::near_duplicate::Sketch;

/// How long a snippet is, in characters, where its sentences allow it.
const SNIPPET_CHARS: usize = 240;

/// A chunk that a search found, with why.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchResult {
    /// What each leg said of it.
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
    pub also: Vec<DuplicateLocation>,
}

/// Another place of what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateLocation {
    /// The file.
    pub path: PathBuf,
    /// The part of it.
    pub chunk: Chunk,
}

/// What an index has not made yet, so that a search may have missed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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

/// Which hits are shown, and where they stand.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResultOptions<'s> {
    /// Only places of these chunks; `None` for all.
    pub passing: Option<&'s HashSet<ChunkId>>,
    /// Only the best passage of each document.
    pub one_per_document: bool,
}

/// Hits with their texts, best first. A hit that nearly repeats a better one becomes another place of that.
///
/// # Errors
/// When a chunk is not in the store.
pub fn found(index: &Index, question: &str, hits: Vec<Hit>, shown: ResultOptions<'_>) -> Result<Vec<SearchResult>> {
    let ids: Vec<ChunkId> = hits.iter().map(|hit| hit.chunk).collect();
    let (chunks, sketches) = (index.chunks(&ids)?, index.sketches(&ids)?);
    let mut copies = index.copies(&ids)?;
    let passes = |stored: &StoredChunk| shown.passing.is_none_or(|passing| passing.contains(&stored.id));
    let language = index.manifest().language;
    let mut found: Vec<SearchResult> = Vec::new();
    let mut kept = Vec::new();
    let mut documents: HashSet<PathBuf> = HashSet::new();
    for ((hit, stored), sketch) in hits.into_iter().zip(chunks).zip(sketches) {
        let others = copies.remove(&hit.chunk).unwrap_or_default();
        let mut places = std::iter::once(stored).chain(others).filter(passes);
        let Some(first) = places.next() else { continue };
        let mut also: Vec<DuplicateLocation> = places.map(elsewhere).collect();
        if let Some(at) = kept.iter().position(|&kept| is_near(kept, sketch)) {
            found[at].also.push(elsewhere(first));
            found[at].also.append(&mut also);
            continue;
        }
        if shown.one_per_document && !documents.insert(first.path.clone()) {
            continue;
        }
        kept.push(sketch);
        let snippet = snippet(question, &first.chunk.text, language, SNIPPET_CHARS);
        let truncated = index.truncated(first.id)?;
        found.push(SearchResult { hit, path: first.path, chunk: first.chunk, snippet, truncated, also });
    }
    Ok(found)
}

fn is_near(one: Option<Sketch>, other: Option<Sketch>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one.likeness(&other) >= NEARLY)
}

fn elsewhere(stored: StoredChunk) -> DuplicateLocation {
    DuplicateLocation { path: stored.path, chunk: stored.chunk }
}
