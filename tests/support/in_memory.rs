//! Chunks in memory: the smallest implementation of the sources of a search.

use std::collections::HashSet;
use std::sync::Arc;

use kinglet::index::Index;
use kinglet::index::store::{ChunkHash, ChunkId, Outline, StoredChunk};
use kinglet::language::Language;
use kinglet::models::contracts::{Embedder, Role, SparseEncoder};
use kinglet::near_duplicate::Sketch;
use kinglet::search::Filter;
use kinglet::search::sources::{ChunkSource, DenseSource, LexicalSource, SparseSource, TokenVectorSource};
use kinglet::text::{Span, words};
use kinglet::vector::{SparseVector, Vector};
use kinglet::{Error, Result};

struct Entry {
    stored: StoredChunk,
    outline: Outline,
    words: HashSet<String>,
    vector: Vector,
    terms: SparseVector,
}

/// Chunks in the order of their paths and places.
pub struct InMemory {
    entries: Vec<Entry>,
    language: Language,
}

impl InMemory {
    /// Takes the chunks of `index` and computes their vectors and terms anew.
    pub fn new(index: &Index, embedder: &dyn Embedder, encoder: &dyn SparseEncoder) -> Arc<Self> {
        let outlines = index.outlines().unwrap();
        let ids = index.by_place(&index.chunk_ids().unwrap()).unwrap();
        let entries = index.chunks(&ids).unwrap().into_iter().map(|stored| {
            let passage = stored.chunk.passage();
            Entry {
                outline: outlines.iter().find(|outline| outline.chunk == stored.id).unwrap().clone(),
                words: words(&passage).collect(),
                vector: embedder.embed(Role::Passage, &[&passage]).unwrap().remove(0),
                terms: encoder.encode(Role::Passage, &[&passage]).unwrap().remove(0),
                stored,
            }
        });
        Arc::new(InMemory { entries: entries.collect(), language: index.manifest().language })
    }

    fn entry(&self, id: ChunkId) -> &Entry {
        self.entries.iter().find(|entry| entry.stored.id == id).unwrap()
    }

    fn passing(&self, filter: Option<&Filter>) -> Result<Vec<&Entry>> {
        let Some(filter) = filter else { return Ok(self.entries.iter().collect()) };
        let matcher = filter.matcher(&|_| Ok(HashSet::new()))?;
        let passing: Vec<&Entry> = self.entries.iter().filter(|entry| matcher.matches(&entry.outline)).collect();
        if passing.is_empty() { Err(Error::input(format!("nothing passes {filter}"))) } else { Ok(passing) }
    }

    fn best(
        &self,
        k: usize,
        filter: Option<&Filter>,
        score: impl Fn(&Entry) -> Option<f32>,
    ) -> Result<Vec<(ChunkId, f32)>> {
        let originals: HashSet<ChunkId> = self.passing(filter)?.iter().map(|entry| entry.outline.original).collect();
        let searched = self.entries.iter().filter(|entry| originals.contains(&entry.stored.id));
        let mut found: Vec<(ChunkId, f32)> =
            searched.filter_map(|entry| Some((entry.stored.id, score(entry)?))).collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        found.truncate(k);
        Ok(found)
    }

    fn rarity(&self, word: &str) -> f32 {
        let having = self.entries.iter().filter(|entry| entry.words.contains(word)).count();
        (1.0 + self.entries.len() as f32 / (having as f32 + 1.0)).ln()
    }
}

impl LexicalSource for InMemory {
    fn search(&self, question: &str, k: usize, filter: Option<&Filter>) -> Result<Vec<(ChunkId, f32)>> {
        let asked: HashSet<String> = words(question).collect();
        self.best(k, filter, |entry| {
            let score = asked.intersection(&entry.words).map(|word| self.rarity(word)).sum::<f32>();
            (score > 0.0).then_some(score)
        })
    }

    fn defining(&self, _: &str) -> Result<HashSet<ChunkId>> {
        Ok(HashSet::new())
    }

    fn nearest_word(&self, _: &str) -> Result<Option<String>> {
        Ok(None)
    }

    fn containing(&self, stems: &[String], filter: Option<&Filter>) -> Result<Vec<ChunkId>> {
        let has_all = |entry: &Entry| !stems.is_empty() && stems.iter().all(|stem| entry.words.contains(stem));
        let found = self.best(self.entries.len(), filter, |entry| has_all(entry).then_some(1.0))?;
        Ok(found.into_iter().map(|(chunk, _)| chunk).collect())
    }

    fn rarities(&self, question: &str) -> Result<Vec<(Span, f32)>> {
        let place = |word: String| {
            let start = question.to_lowercase().find(&word)?;
            Some((Span { start, end: start + word.len() }, self.rarity(&word)))
        };
        Ok(words(question).filter_map(place).collect())
    }
}

impl DenseSource for InMemory {
    fn search(&self, vector: &Vector, k: usize, filter: Option<&Filter>) -> Result<Vec<(ChunkId, f32)>> {
        self.best(k, filter, |entry| Some(vector.cosine(&entry.vector)))
    }

    fn vectors(&self, chunks: &[ChunkId]) -> Result<Vec<Option<Vec<f32>>>> {
        Ok(chunks.iter().map(|id| Some(self.entry(*id).vector.as_slice().to_vec())).collect())
    }
}

impl SparseSource for InMemory {
    fn search(&self, vector: &SparseVector, k: usize, filter: Option<&Filter>) -> Result<Vec<(ChunkId, f32)>> {
        self.best(k, filter, |entry| Some(vector.dot(&entry.terms)).filter(|score| *score > 0.0))
    }
}

impl TokenVectorSource for InMemory {
    fn signs(&self, passages: &[ChunkHash]) -> Result<Vec<Option<Vec<u8>>>> {
        Ok(vec![None; passages.len()])
    }
}

impl ChunkSource for InMemory {
    fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<StoredChunk>> {
        Ok(ids.iter().map(|id| self.entry(*id).stored.clone()).collect())
    }

    fn by_place(&self, ids: &[ChunkId]) -> Result<Vec<ChunkId>> {
        Ok(self.entries.iter().map(|entry| entry.stored.id).filter(|id| ids.contains(id)).collect())
    }

    fn locations(&self, ids: &[ChunkId], filter: Option<&Filter>) -> Result<Vec<Vec<StoredChunk>>> {
        let passing = self.passing(filter)?;
        let of = |id: &ChunkId| {
            let same = passing.iter().filter(|entry| entry.outline.original == *id);
            same.map(|entry| entry.stored.clone()).collect()
        };
        Ok(ids.iter().map(of).collect())
    }

    fn sketches(&self, ids: &[ChunkId]) -> Result<Vec<Option<Sketch>>> {
        Ok(ids.iter().map(|id| Some(Sketch::of(&self.entry(*id).stored.chunk.text))).collect())
    }

    fn truncated(&self, _: ChunkId) -> Result<Option<String>> {
        Ok(None)
    }

    fn language(&self) -> Language {
        self.language
    }
}
