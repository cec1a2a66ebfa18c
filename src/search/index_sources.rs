//! A local index as the sources of a search.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::filter::{Filter, FilterWords};
use super::nearest_values::what_would_pass;
use super::phrase::Phrase;
use super::ranking::order;
use super::sources::{ChunkSource, DenseSource, LexicalSource, SparseSource, TokenVectorSource};
use crate::error::{Error, Result};
use crate::index::Index;
use crate::index::store::{ChunkHash, ChunkId, StoredChunk};
use crate::language::Language;
use crate::models::contracts::{EmbedderCard, SparseCard};
use crate::near_duplicate::Sketch;
use crate::text::Span;
use crate::vector::{SparseVector, Vector};

/// The sources of a search in a local index. They evaluate a filter only once.
pub struct IndexSources {
    index: Arc<Index>,
    last_filtered: Mutex<Option<(Filter, Arc<FilteredChunks>)>>,
}

/// The chunks that pass a filter.
#[derive(Debug)]
pub struct FilteredChunks {
    /// All of these chunks.
    pub passing: HashSet<ChunkId>,
    /// The chunks that are searched in their place: for exact duplicates their originals, else the
    /// chunks themselves.
    pub originals: Arc<HashSet<ChunkId>>,
}

impl IndexSources {
    /// The sources in `index`.
    pub fn new(index: Arc<Index>) -> Arc<Self> {
        Arc::new(IndexSources { index, last_filtered: Mutex::default() })
    }

    /// The vectors and token vectors of the embedder with this card.
    ///
    /// # Errors
    /// When the index has no vectors of exactly this embedder.
    pub fn embedder(self: &Arc<Self>, card: &EmbedderCard) -> Result<Arc<EmbedderSources>> {
        self.index.dense(card)?;
        Ok(Arc::new(EmbedderSources { sources: self.clone(), card: card.clone() }))
    }

    /// The terms of the sparse encoder with this card.
    ///
    /// # Errors
    /// When the index has no terms of exactly this encoder.
    pub fn encoder(self: &Arc<Self>, card: &SparseCard) -> Result<Arc<EncoderSources>> {
        self.index.sparse(card)?;
        Ok(Arc::new(EncoderSources { sources: self.clone(), card: card.clone() }))
    }

    /// The chunks that pass `filter`; `None` if there is no filter.
    ///
    /// # Errors
    /// When nothing passes.
    pub fn filtered(&self, filter: Option<&Filter>) -> Result<Option<Arc<FilteredChunks>>> {
        let Some(filter) = filter else { return Ok(None) };
        let filtered = self.passing(filter)?;
        if filtered.passing.is_empty() {
            return Err(Error::input(format!("nothing in {} passes the filter {filter}", self.index.name()))
                .with_hint(what_would_pass(filter, &self.index.outlines()?)?));
        }
        Ok(Some(filtered))
    }

    /// True if some chunk passes `filter`.
    ///
    /// # Errors
    /// When the index fails.
    pub fn passes_any(&self, filter: &Filter) -> Result<bool> {
        Ok(!self.passing(filter)?.passing.is_empty())
    }

    fn passing(&self, filter: &Filter) -> Result<Arc<FilteredChunks>> {
        // Locked while the filter is evaluated, so that other parts of the search wait for the
        // result.
        let mut last = self.last_filtered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, filtered)) = last.as_ref().filter(|(known, _)| known == filter) {
            return Ok(filtered.clone());
        }
        let matcher = filter.matcher(&|words| self.having(words))?;
        let outlines = self.index.outlines()?;
        let matching = outlines.iter().filter(|outline| matcher.matches(outline));
        let (passing, originals): (HashSet<_>, HashSet<_>) =
            matching.map(|outline| (outline.chunk, outline.original)).unzip();
        let filtered = Arc::new(FilteredChunks { passing, originals: Arc::new(originals) });
        *last = Some((filter.clone(), filtered.clone()));
        Ok(filtered)
    }

    /// The chunks, of those that are searched, that have these words.
    fn having(&self, words: &FilterWords<'_>) -> Result<HashSet<ChunkId>> {
        let terms = words.terms(self.language());
        let candidates = match words {
            // Words like "the" alone can only be found by reading everything.
            _ if terms.is_empty() => self.index.searchable_ids()?,
            _ => self.index.containing(&terms, None)?,
        };
        let phrase = match words {
            FilterWords::Words(_) if !terms.is_empty() => return Ok(candidates.into_iter().collect()),
            FilterWords::Phrase(text) | FilterWords::Words(text) => Phrase::new(text),
        };
        let chunks = self.index.chunks(&candidates)?;
        Ok(chunks.into_iter().filter(|it| phrase.is_in(&it.chunk.passage())).map(|it| it.id).collect())
    }

    /// The best `k` hits of a part of the index, in order.
    fn ranked(&self, mut found: Vec<(ChunkId, f32)>, k: usize) -> Result<Vec<(ChunkId, f32)>> {
        order(self, &mut found, k)?;
        found.truncate(k);
        Ok(found)
    }
}

impl LexicalSource for IndexSources {
    fn search(&self, question: &str, k: usize, filter: Option<&Filter>) -> Result<Vec<(ChunkId, f32)>> {
        let filtered = self.filtered(filter)?;
        let originals = filtered.as_ref().map(|filtered| &filtered.originals);
        self.ranked(self.index.search_lexical(question, k, originals)?, k)
    }

    fn containing(&self, stems: &[String], filter: Option<&Filter>) -> Result<Vec<ChunkId>> {
        let filtered = self.filtered(filter)?;
        self.index.containing(stems, filtered.as_ref().map(|filtered| &filtered.originals))
    }

    fn rarities(&self, question: &str) -> Result<Vec<(Span, f32)>> {
        self.index.lexical().rarities(question)
    }

    fn defining(&self, title: &str) -> Result<HashSet<ChunkId>> {
        self.index.lexical().defining(title)
    }

    fn nearest_word(&self, word: &str) -> Result<Option<String>> {
        self.index.lexical().nearest_word(word)
    }
}

impl ChunkSource for IndexSources {
    fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<StoredChunk>> {
        self.index.chunks(ids)
    }

    fn by_place(&self, ids: &[ChunkId]) -> Result<Vec<ChunkId>> {
        self.index.by_place(ids)
    }

    fn locations(&self, ids: &[ChunkId], filter: Option<&Filter>) -> Result<Vec<Vec<StoredChunk>>> {
        let filtered = self.filtered(filter)?;
        let passes = |stored: &StoredChunk| filtered.as_ref().is_none_or(|it| it.passing.contains(&stored.id));
        let mut duplicates = self.index.duplicates(ids)?;
        let locations = self.index.chunks(ids)?.into_iter().map(|stored| {
            let others = duplicates.remove(&stored.id).unwrap_or_default();
            std::iter::once(stored).chain(others).filter(passes).collect()
        });
        Ok(locations.collect())
    }

    fn sketches(&self, ids: &[ChunkId]) -> Result<Vec<Option<Sketch>>> {
        self.index.sketches(ids)
    }

    fn truncated(&self, id: ChunkId) -> Result<Option<String>> {
        self.index.truncated(id)
    }

    fn is_gone(&self, path: &Path) -> bool {
        matches!(path.try_exists(), Ok(false))
    }

    fn language(&self) -> Language {
        self.index.manifest().language
    }
}

/// The vectors and token vectors of one embedder.
pub struct EmbedderSources {
    sources: Arc<IndexSources>,
    card: EmbedderCard,
}

impl DenseSource for EmbedderSources {
    fn search(&self, vector: &Vector, k: usize, filter: Option<&Filter>) -> Result<Vec<(ChunkId, f32)>> {
        let filtered = self.sources.filtered(filter)?;
        let originals = filtered.as_ref().map(|filtered| &filtered.originals);
        self.sources.ranked(self.sources.index.search_dense(&self.card, vector, k, originals)?, k)
    }

    fn vectors(&self, chunks: &[ChunkId]) -> Result<Vec<Option<Vec<f32>>>> {
        let stored = self.sources.index.dense(&self.card)?.stored(chunks)?;
        Ok(stored.into_iter().map(|vector| vector.map(<[f32]>::to_vec)).collect())
    }
}

impl TokenVectorSource for EmbedderSources {
    fn signs(&self, passages: &[ChunkHash]) -> Result<Vec<Option<Vec<u8>>>> {
        match self.sources.index.tokens(&self.card)? {
            Some(store) => passages.iter().map(|hash| store.get(hash)).collect(),
            None => Ok(vec![None; passages.len()]),
        }
    }
}

/// The terms of one sparse encoder.
pub struct EncoderSources {
    sources: Arc<IndexSources>,
    card: SparseCard,
}

impl SparseSource for EncoderSources {
    fn search(&self, vector: &SparseVector, k: usize, filter: Option<&Filter>) -> Result<Vec<(ChunkId, f32)>> {
        let filtered = self.sources.filtered(filter)?;
        let originals = filtered.as_ref().map(|filtered| &filtered.originals);
        self.sources.ranked(self.sources.index.search_sparse(&self.card, vector, k, originals)?, k)
    }
}
