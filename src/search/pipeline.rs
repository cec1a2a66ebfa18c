//! The pipeline of a search: retrieve, fuse, rescore, regularize.

use std::sync::Arc;

use super::cached::{CachedRetriever, CachedScorer};
use super::confidence::SearchConfidence;
use super::exact::{ExactMatches, exact_matches, prefer_exact};
use super::fusion::{DEPTH, RankedList, fuse};
use super::leg_weights::weigh;
use super::ranking::order;
use super::rerank::{PassageScorer, Rescoring};
use super::results::{COUNTED, Results};
use super::score_regularization::regularize;
use super::sources::{ChunkSource, DenseSource, LexicalSource};
use super::timed::{Clock, TimedRetriever, TimedScorer};
use super::{Fusion, Hit, Query, Retriever, SearchResponse, SentenceScorer};
use crate::error::Result;
use crate::index::fusion_weights::FusionWeights;

/// Fuses the lists of its retrievers, then rescores and regularizes the top hits if it has the
/// parts for it. A pipeline is itself a retriever.
#[derive(Clone)]
pub struct Pipeline {
    chunks: Arc<dyn ChunkSource>,
    retrievers: Vec<Arc<dyn Retriever>>,
    fusion: Fusion,
    scorer: Option<Arc<dyn PassageScorer>>,
    regularizer: Option<Arc<dyn DenseSource>>,
    weights: FusionWeights,
    exact: Option<Arc<dyn LexicalSource>>,
    sentences: Option<Arc<SentenceScorer>>,
    confidence: Option<SearchConfidence>,
}

impl Pipeline {
    /// Fuses `retrievers`, at least one, with equal weights. `chunks` has the chunks that they
    /// find.
    pub fn new(chunks: Arc<dyn ChunkSource>, retrievers: Vec<Arc<dyn Retriever>>, fusion: Fusion) -> Self {
        let weights = FusionWeights::default();
        let (scorer, regularizer, exact, sentences, confidence) = (None, None, None, None, None);
        Pipeline { chunks, retrievers, fusion, scorer, regularizer, weights, exact, sentences, confidence }
    }

    /// Also rescores the top hits.
    #[must_use]
    pub fn reranked(self, scorer: Arc<dyn PassageScorer>) -> Self {
        Pipeline { scorer: Some(scorer), ..self }
    }

    /// Also lets the top hits support each other, the more the more similar their vectors are, and
    /// weighs the retrievers by how well each agrees with these vectors.
    #[must_use]
    pub fn regularized(self, vectors: Arc<dyn DenseSource>) -> Self {
        Pipeline { regularizer: Some(vectors), ..self }
    }

    /// Also puts passages first that have the codes, numbers, dates and names of the question
    /// whole.
    #[must_use]
    pub fn preferring_exact(self, lexical: Arc<dyn LexicalSource>) -> Self {
        Pipeline { exact: Some(lexical), ..self }
    }

    /// The same parts with these weights.
    #[must_use]
    pub fn weighted(self, weights: FusionWeights) -> Self {
        Pipeline { weights, ..self }
    }

    /// Also lets `sentences` choose what is shown of a passage, instead of its words alone.
    #[must_use]
    pub fn showing(self, sentences: Arc<SentenceScorer>) -> Self {
        Pipeline { sentences: Some(sentences), ..self }
    }

    /// The same parts for a caller who shows nothing of a passage.
    #[must_use]
    pub fn showing_nothing(self) -> Self {
        Pipeline { sentences: None, ..self }
    }

    /// The same parts, which also say how sure a search is.
    #[must_use]
    pub fn confident(self, confidence: Option<SearchConfidence>) -> Self {
        Pipeline { confidence, ..self }
    }

    /// The same parts, which record on `clock` how long they take.
    #[must_use]
    pub(crate) fn timed(self, clock: &Clock) -> Self {
        let timed = |it| Arc::new(TimedRetriever::new(it, clock.clone())) as Arc<dyn Retriever>;
        let retrievers = self.retrievers.into_iter().map(timed).collect();
        let scorer = self.scorer.map(|it| Arc::new(TimedScorer::new(it, clock.clone())) as Arc<dyn PassageScorer>);
        Pipeline { retrievers, scorer, ..self }
    }

    /// The same parts, which compute nothing twice when the same questions are asked again and
    /// again.
    #[must_use]
    pub(crate) fn cached(self) -> Self {
        let cached = |it| Arc::new(CachedRetriever::new(it)) as Arc<dyn Retriever>;
        let retrievers = self.retrievers.into_iter().map(cached).collect();
        let scorer = self.scorer.map(|it| Arc::new(CachedScorer::new(it)) as Arc<dyn PassageScorer>);
        Pipeline { retrievers, scorer, ..self }
    }

    /// True if it has a retriever with this name.
    pub(crate) fn has(&self, retriever: &str) -> bool {
        self.retrievers.iter().any(|it| it.name() == retriever)
    }

    /// True if it rescores the top hits.
    pub(crate) fn reranks(&self) -> bool {
        self.scorer.is_some()
    }

    /// True if its top hits support each other.
    pub(crate) fn regularizes(&self) -> bool {
        self.regularizer.is_some()
    }

    /// Returns the best `count` passages with their texts. A passage that nearly repeats a better
    /// one becomes another location of it. With `one_per_document`, only the best passage of each
    /// document is returned, with the number of further ones.
    ///
    /// # Errors
    /// When a part of the search fails, or nothing passes the filter.
    pub fn search(&self, query: &Query, count: usize, one_per_document: bool) -> Result<SearchResponse> {
        let (mut hits, exact) = self.hits(query)?;
        let confidence = self.confidence(query, &mut hits, &exact)?;
        let mut results = Results::new(self.chunks.as_ref(), query, one_per_document);
        let first = if one_per_document { count.max(COUNTED) } else { count };
        let (mut start, mut end) = (0, first.min(hits.len()));
        while start < end && results.len() < count {
            order(self.chunks.as_ref(), &mut hits, end)?;
            results.add(&hits[start..end])?;
            (start, end) = (end, end.saturating_mul(2).min(hits.len()));
        }
        let mut results = results.best(count, self.sentences.as_deref(), &exact)?;
        for result in &mut results {
            let lacks = exact.matches.iter().filter(|it| !it.is_in(result.hit.chunk));
            result.partial = lacks.map(|it| it.written.clone()).collect();
        }
        Ok(SearchResponse { results, confidence, ..SearchResponse::default() })
    }

    fn confidence(&self, query: &Query, hits: &mut [Hit], exact: &ExactMatches) -> Result<Option<f32>> {
        let Some(confidence) = &self.confidence else { return Ok(None) };
        order(self.chunks.as_ref(), hits, 1)?;
        let Some(first) = hits.first() else { return Ok(None) };
        let best = self.chunks.chunks(&[first.chunk])?.into_iter().next();
        let sure = best.map(|best| confidence.of(query, hits, &best.chunk.passage())).transpose()?;
        Ok(sure.map(|sure| exact.confidence(first.chunk, sure)))
    }

    /// Returns all hits, which the caller sorts, and the exact things of the question.
    fn hits(&self, query: &Query) -> Result<(Vec<Hit>, ExactMatches)> {
        let (chunks, weights) = (self.chunks.as_ref(), &self.weights);
        let mut lists = Vec::new();
        for retriever in &self.retrievers {
            let (absent, weight) = (retriever.score_of_absent(), weights.weight_of(retriever.name()));
            lists.push(RankedList { absent, weight, hits: retriever.retrieve(query, DEPTH)? });
        }
        if let Some(vectors) = self.regularizer.as_deref().filter(|_| lists.len() > 1) {
            weigh(&mut lists, vectors, weights.depth)?;
        }
        let first_stage_weight = lists.iter().map(|list| list.weight).sum();
        let mut hits = fuse(self.fusion, lists);
        if let Some(scorer) = self.scorer.as_deref() {
            order(chunks, &mut hits, weights.depth)?;
            let fusion = self.fusion;
            Rescoring { scorer, chunks, fusion, first_stage_weight, weights }.apply(query, &mut hits)?;
        }
        if let Some(vectors) = self.regularizer.as_deref() {
            order(chunks, &mut hits, weights.depth)?;
            regularize(&mut hits, vectors, weights)?;
        }
        let exact = match self.exact.as_deref() {
            Some(lexical) => exact_matches(query, &mut hits, lexical, chunks)?,
            None => ExactMatches::default(),
        };
        prefer_exact(&mut hits, &exact);
        Ok((hits, exact))
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
        let (mut hits, _) = self.hits(query)?;
        order(self.chunks.as_ref(), &mut hits, k)?;
        hits.truncate(k);
        Ok(hits)
    }
}
