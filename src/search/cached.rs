//! Parts of a pipeline that answer a repeated question from memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::rerank::PassageScorer;
use super::{Hit, Query, Retriever};
use crate::error::{Error, Result};

fn lock<T>(memory: &Mutex<T>) -> MutexGuard<'_, T> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A retriever that answers a repeated question from memory. It never forgets, so it is only for a
/// limited number of questions.
pub(super) struct CachedRetriever {
    inner: Arc<dyn Retriever>,
    hits: Mutex<HashMap<(String, usize), Vec<Hit>>>,
}

impl CachedRetriever {
    pub(super) fn new(inner: Arc<dyn Retriever>) -> Self {
        CachedRetriever { inner, hits: Mutex::default() }
    }
}

impl Retriever for CachedRetriever {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn score_of_absent(&self) -> Option<f32> {
        self.inner.score_of_absent()
    }

    fn retrieve(&self, query: &Query, k: usize) -> Result<Vec<Hit>> {
        if query.filter().is_some() {
            return self.inner.retrieve(query, k);
        }
        let key = (query.text().to_string(), k);
        if let Some(hits) = lock(&self.hits).get(&key) {
            return Ok(hits.clone());
        }
        let hits = self.inner.retrieve(query, k)?;
        lock(&self.hits).insert(key, hits.clone());
        Ok(hits)
    }
}

/// A scorer that scores no passage twice for the same question.
pub(super) struct CachedScorer {
    inner: Arc<dyn PassageScorer>,
    scores: Mutex<HashMap<String, HashMap<blake3::Hash, f32>>>,
}

impl CachedScorer {
    pub(super) fn new(inner: Arc<dyn PassageScorer>) -> Self {
        CachedScorer { inner, scores: Mutex::default() }
    }
}

impl PassageScorer for CachedScorer {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn is_ready(&self, passages: &[&str]) -> Result<bool> {
        self.inner.is_ready(passages)
    }

    fn score(&self, query: &Query, passages: &[&str]) -> Result<Vec<f32>> {
        let hashes: Vec<_> = passages.iter().map(|passage| blake3::hash(passage.as_bytes())).collect();
        let mut all = lock(&self.scores);
        let known = all.entry(query.text().to_string()).or_default();
        let new: Vec<usize> = (0..passages.len()).filter(|&at| !known.contains_key(&hashes[at])).collect();
        let texts: Vec<&str> = new.iter().map(|&at| passages[at]).collect();
        let scores = self.inner.score(query, &texts)?;
        if scores.len() != texts.len() {
            return Err(Error::model(format!("{} returned no score for some passages", self.name())));
        }
        known.extend(new.iter().map(|&at| hashes[at]).zip(scores));
        Ok(hashes.iter().map(|hash| known[hash]).collect())
    }
}
