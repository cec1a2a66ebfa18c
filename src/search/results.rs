//! Hits become results with text, location and snippet. Passages that are the same, or nearly,
//! become one result with all of its locations.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use super::asked_words::asked_words;
use super::confidence::CLOSE;
use super::exact::ExactMatches;
use super::instructions::instructions_in;
use super::snippet::{Snippet, scored_by_words};
use super::sources::ChunkSource;
use super::{Correction, Filter, Hit, Query, SentenceScorer};
use crate::chunking::Chunk;
use crate::error::Result;
use crate::index::lexical::stems;
use crate::index::store::duplicates::NEARLY;
use crate::index::store::{ChunkId, StoredChunk};
use crate::near_duplicate::Sketch;
use crate::text::Span;

/// What an exact thing adds to the score of a sentence: more than all else.
const WEIGHT_OF_EXACT: f32 = 100.0;
/// The most characters of a snippet, unless its best sentence is longer.
pub(super) const SNIPPET_CHARS: usize = 320;
/// Among so many of the best hits the passages of each document are counted.
pub(super) const COUNTED: usize = 100;

/// Options of a search.
#[derive(Debug, Clone, Default)]
pub struct SearchOptions {
    /// The most passages that are returned; `None` for the configured number.
    pub limit: Option<usize>,
    /// The filter that passages must pass to be found.
    pub filter: Option<Filter>,
    /// True to return only the best passage of each document.
    pub one_per_document: bool,
    /// True to take the question as plain text, as it is: no phrases, no exclusions, no
    /// corrections.
    pub literal: bool,
    /// True to search words that no document has as they are, instead of correcting them.
    pub keep_spelling: bool,
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
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct SearchResponse {
    /// The results, best first.
    pub results: Vec<SearchResult>,
    /// The words that were searched in another spelling.
    pub corrections: Vec<Correction>,
    /// True if no passage meets what is in quotes and after dashes; then there are no results.
    pub is_unmet: bool,
    /// The phrases of the question that no passage has; then there are no results.
    pub absent_phrases: Vec<String>,
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
    /// True if the file is not there any more.
    pub gone: bool,
    /// The index, where several were searched.
    pub index: Option<String>,
    /// The codes, numbers, dates and names of the question that it has not, or only in parts.
    pub partial: Vec<String>,
    /// The sentences of the chunk's text that read like instructions to a model.
    pub instructions: Vec<Span>,
    /// The other locations of the same passage, exact and near duplicates.
    pub duplicates: Vec<DuplicateLocation>,
    /// With one passage a document: how many more passages of it are among the best 100 and share a
    /// word with the question, other than words like "who".
    pub more_in_file: Option<usize>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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
    /// True if the results are ranked without late interaction, because too many of the first hits
    /// have no token vectors yet.
    pub without_late_interaction: bool,
}

/// Results under construction.
pub(super) struct Results<'s> {
    chunks: &'s dyn ChunkSource,
    query: &'s Query,
    one_per_document: bool,
    /// Each hit with its chunk and its other locations.
    kept: Vec<(Hit, StoredChunk, Vec<DuplicateLocation>)>,
    sketches: Vec<Option<Sketch>>,
    /// The number of further passages of each document that was seen.
    documents: HashMap<PathBuf, usize>,
    /// The stems of the question's words.
    asked: HashSet<String>,
    seen: usize,
}

impl<'s> Results<'s> {
    pub(super) fn new(chunks: &'s dyn ChunkSource, query: &'s Query, one_per_document: bool) -> Self {
        let (kept, sketches, documents) = (Vec::new(), Vec::new(), HashMap::new());
        let asked = asked_words(query.text(), chunks.language()).into_iter().map(|word| word.stem).collect();
        Results { chunks, query, one_per_document, kept, sketches, documents, asked, seen: 0 }
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
            self.seen += 1;
            let mut locations = locations.into_iter();
            let Some(first) = locations.next() else { continue };
            let others = locations.map(duplicate);
            if let Some(at) = self.sketches.iter().position(|&kept| is_near(kept, sketch)) {
                let duplicates = &mut self.kept[at].2;
                duplicates.push(duplicate(first));
                duplicates.extend(others);
                continue;
            }
            if self.one_per_document {
                if let Some(more) = self.documents.get_mut(&first.path) {
                    let shares = |text: &str| {
                        stems(text, self.chunks.language()).iter().any(|word| self.asked.contains(&word.stem))
                    };
                    *more += usize::from(self.seen <= COUNTED && shares(&first.chunk.passage()));
                    continue;
                }
                self.documents.insert(first.path.clone(), 0);
            }
            self.sketches.push(sketch);
            self.kept.push((hit.clone(), first, others.collect()));
        }
        Ok(())
    }

    /// Returns the best `count` results. `scorer` chooses the sentences that are shown of each;
    /// without it those with the most words of the question are. Sentences with the exact things of
    /// the question come before all others.
    pub(super) fn best(
        mut self,
        count: usize,
        scorer: Option<&SentenceScorer>,
        exact: &ExactMatches,
    ) -> Result<Vec<SearchResult>> {
        self.kept.truncate(count);
        let (question, language) = (self.query.text(), self.chunks.language());
        let found: Vec<(&Chunk, f32)> = self.kept.iter().map(|(hit, stored, _)| (&stored.chunk, hit.score)).collect();
        let scored: Vec<Vec<(Span, f32)>> = match scorer {
            Some(scorer) => {
                let scored = scorer.score(self.query, &found)?.into_iter();
                scored.map(|sentences| sentences.iter().map(|it| (it.span, it.score)).collect()).collect()
            }
            None => found.iter().map(|(chunk, _)| scored_by_words(question, &chunk.text, language)).collect(),
        };
        let show = |((hit, StoredChunk { id, path, chunk }, duplicates), mut sentences): (_, Vec<(Span, f32)>)| {
            for (span, score) in &mut sentences {
                *score += exact.count_in(span.of(&chunk.text), language) as f32 * WEIGHT_OF_EXACT;
            }
            let snippet = Snippet::of(question, &chunk, &sentences, language, SNIPPET_CHARS);
            let instructions = instructions_in(&chunk.text, &chunk.headings);
            Ok(SearchResult {
                hit,
                chunk,
                snippet,
                truncated: self.chunks.truncated(id)?,
                gone: self.chunks.is_gone(&path),
                index: None,
                partial: Vec::new(),
                instructions,
                duplicates,
                more_in_file: self.documents.get(&path).copied(),
                path,
            })
        };
        self.kept.into_iter().zip(scored).map(show).collect()
    }
}

fn is_near(one: Option<Sketch>, other: Option<Sketch>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one.likeness(&other) >= NEARLY)
}

fn duplicate(stored: StoredChunk) -> DuplicateLocation {
    DuplicateLocation { path: stored.path, chunk: stored.chunk }
}
