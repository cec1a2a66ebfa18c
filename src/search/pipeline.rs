//! The parts of a search, and how they work together.

use std::sync::Arc;

use super::cached::{CachedRetriever, CachedScorer};
use super::fusion::{DEPTH, List, fuse};
use super::ranking::order;
use super::rerank::{PassageScorer, Rescoring};
use super::results::Results;
use super::score_regularization::regularize;
use super::sources::{ChunkSource, DenseSource};
use super::timed::{Clock, TimedRetriever, TimedScorer};
use super::{Fusion, Hit, Query, Retriever, SearchResult};
use crate::error::Result;
use crate::index::fusion_weights::FusionWeights;

/// Retrievers whose lists are fused, rescored and regularized, as far as there are parts for it:
/// itself a retriever.
#[derive(Clone)]
pub struct Pipeline {
    chunks: Arc<dyn ChunkSource>,
    retrievers: Vec<Arc<dyn Retriever>>,
    fusion: Fusion,
    scorer: Option<Arc<dyn PassageScorer>>,
    neighbours: Option<Arc<dyn DenseSource>>,
    weights: FusionWeights,
}

impl Pipeline {
    /// Fuses `retrievers`, of which there is at least one, with equal weights. `chunks` knows the
    /// chunks that they find.
    pub fn new(chunks: Arc<dyn ChunkSource>, retrievers: Vec<Arc<dyn Retriever>>, fusion: Fusion) -> Self {
        let weights = FusionWeights::default();
        Pipeline { chunks, retrievers, fusion, scorer: None, neighbours: None, weights }
    }

    /// Also rescores the top hits.
    #[must_use]
    pub fn reranked(self, scorer: Arc<dyn PassageScorer>) -> Self {
        Pipeline { scorer: Some(scorer), ..self }
    }

    /// Also lets the top hits support each other, as far as these vectors are alike.
    #[must_use]
    pub fn regularized(self, vectors: Arc<dyn DenseSource>) -> Self {
        Pipeline { neighbours: Some(vectors), ..self }
    }

    /// The same parts with these weights.
    #[must_use]
    pub fn weighted(self, weights: FusionWeights) -> Self {
        Pipeline { weights, ..self }
    }

    /// The same parts, which note on `clock` how long they take.
    #[must_use]
    pub(crate) fn timed(self, clock: &Clock) -> Self {
        let timed = |it| Arc::new(TimedRetriever::new(it, clock.clone())) as Arc<dyn Retriever>;
        let retrievers = self.retrievers.into_iter().map(timed).collect();
        let scorer = self.scorer.map(|it| Arc::new(TimedScorer::new(it, clock.clone())) as Arc<dyn PassageScorer>);
        Pipeline { retrievers, scorer, ..self }
    }

    /// The same parts, which compute nothing twice: for putting the same questions again and again.
    #[must_use]
    pub(crate) fn cached(self) -> Self {
        let cached = |it| Arc::new(CachedRetriever::new(it)) as Arc<dyn Retriever>;
        let retrievers = self.retrievers.into_iter().map(cached).collect();
        let scorer = self.scorer.map(|it| Arc::new(CachedScorer::new(it)) as Arc<dyn PassageScorer>);
        Pipeline { retrievers, scorer, ..self }
    }

    /// Whether a retriever of this name takes part.
    pub(crate) fn has(&self, retriever: &str) -> bool {
        self.retrievers.iter().any(|it| it.name() == retriever)
    }

    /// Whether it rescores the top hits.
    pub(crate) fn reranks(&self) -> bool {
        self.scorer.is_some()
    }

    /// Whether its top hits support each other.
    pub(crate) fn regularizes(&self) -> bool {
        self.neighbours.is_some()
    }

    /// The best `count` passages with their texts. A passage that nearly repeats a better one
    /// becomes another location of that; with `one_per_document`, only the best passage of each
    /// document counts.
    ///
    /// # Errors
    /// When a part of the search fails, or nothing passes the filter.
    pub fn search(&self, query: &Query, count: usize, one_per_document: bool) -> Result<Vec<SearchResult>> {
        let mut hits = self.hits(query)?;
        let mut results = Results::new(self.chunks.as_ref(), query, one_per_document);
        let (mut start, mut end) = (0, count.min(hits.len()));
        while start < end && results.len() < count {
            order(self.chunks.as_ref(), &mut hits, end)?;
            results.add(&hits[start..end])?;
            (start, end) = (end, end.saturating_mul(2).min(hits.len()));
        }
        results.best(count)
    }

    /// All hits, in order as far as a part has looked.
    fn hits(&self, query: &Query) -> Result<Vec<Hit>> {
        let (chunks, weights) = (self.chunks.as_ref(), &self.weights);
        let mut lists = Vec::new();
        for retriever in &self.retrievers {
            let (absent, weight) = (retriever.score_of_absent(), weights.weight_of(retriever.name()));
            lists.push(List { absent, weight, hits: retriever.retrieve(query, DEPTH)? });
        }
        let first_stage_weight = lists.iter().map(|list| list.weight).sum();
        let mut hits = fuse(self.fusion, lists);
        if let Some(scorer) = self.scorer.as_deref() {
            order(chunks, &mut hits, weights.depth)?;
            let fusion = self.fusion;
            Rescoring { scorer, chunks, fusion, first_stage_weight, weights }.apply(query, &mut hits)?;
        }
        if let Some(vectors) = self.neighbours.as_deref() {
            order(chunks, &mut hits, weights.depth)?;
            regularize(&mut hits, vectors, weights)?;
        }
        Ok(hits)
    }
}

impl Retriever for Pipeline {
    fn name(&self) -> &str {
        "pipeline"
    }

    fn score_of_absent(&self) -> Option<f32> {
        Some(0.0)
    }

    fn retrieve(&self, query: &Query, k: usize) -> Result<Vec<Hit>> {
        let mut hits = self.hits(query)?;
        order(self.chunks.as_ref(), &mut hits, k)?;
        hits.truncate(k);
        Ok(hits)
    }
}
