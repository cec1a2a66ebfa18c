//! Rescores the top hits and fuses the new scores with the first-stage scores.

use std::sync::Arc;

use super::fusion::{Fusion, reciprocal};
use super::sources::ChunkSource;
use super::{Hit, LegScore, Query};
use crate::error::{Error, Result};
use crate::index::fusion_weights::FusionWeights;
use crate::models::contracts::Reranker;

/// A question and passages → one finite score per passage, in order; larger is better. A passage
/// gets the same score whatever other passages are scored with it. An empty slice gives an empty
/// `Vec`.
pub trait PassageScorer: Send + Sync {
    /// The name that `--explain` shows.
    fn name(&self) -> &str;

    /// False if an indexing run has not made yet what the scores of `passages` are computed from,
    /// and making it now would cost more than a search may. Then no hit is rescored.
    ///
    /// # Errors
    /// When a source fails.
    fn is_ready(&self, _passages: &[&str]) -> Result<bool> {
        Ok(true)
    }

    /// Scores `passages` for `query`.
    ///
    /// # Errors
    /// When a model fails; then no scores are returned at all.
    fn score(&self, query: &Query, passages: &[&str]) -> Result<Vec<f32>>;
}

/// A reranker needs nothing but the texts.
impl PassageScorer for Arc<dyn Reranker> {
    fn name(&self) -> &str {
        self.as_ref().name()
    }

    fn score(&self, query: &Query, passages: &[&str]) -> Result<Vec<f32>> {
        self.as_ref().score(query.text(), passages)
    }
}

/// The step of a pipeline that rescores. The scorer counts as one more retriever: its scores are
/// fused with those of the retrievers and do not replace them.
pub(super) struct Rescoring<'p> {
    pub scorer: &'p dyn PassageScorer,
    pub chunks: &'p dyn ChunkSource,
    pub fusion: Fusion,
    /// The sum of the weights of all retrievers.
    pub first_stage_weight: f32,
    pub weights: &'p FusionWeights,
}

impl Rescoring<'_> {
    /// Rescores the top of `hits`, which must be in order, unless the scorer is not ready for them.
    /// The caller sorts them again.
    pub(super) fn apply(&self, query: &Query, hits: &mut [Hit]) -> Result<()> {
        let ids: Vec<_> = hits.iter().take(self.weights.depth).map(|hit| hit.chunk).collect();
        let passages: Vec<String> = self.chunks.chunks(&ids)?.iter().map(|stored| stored.chunk.passage()).collect();
        let texts: Vec<&str> = passages.iter().map(String::as_str).collect();
        if !self.scorer.is_ready(&texts)? {
            return Ok(());
        }
        let scores = self.scorer.score(query, &texts)?;
        if scores.len() != texts.len() || scores.iter().any(|score| !score.is_finite()) {
            return Err(Error::model(format!("{} returned no score for some passages", self.scorer.name())));
        }
        let kept = match self.fusion {
            Fusion::MinMax => self.first_stage_weight / (self.first_stage_weight + self.weights.reranker),
            Fusion::Rrf => 1.0,
        };
        for hit in hits.iter_mut() {
            hit.legs.iter_mut().for_each(|leg| leg.contribution *= kept);
            hit.score = hit.legs.iter().map(|leg| leg.contribution).sum();
        }
        self.add(hits, &scores);
        Ok(())
    }

    fn add(&self, hits: &mut [Hit], scores: &[f32]) {
        let highest = scores.iter().copied().fold(f32::MIN, f32::max);
        let lowest = scores.iter().copied().fold(f32::MAX, f32::min);
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
        let weight = self.weights.reranker;
        for (rank, at) in order.into_iter().enumerate() {
            let stretched = if highest > lowest { (scores[at] - lowest) / (highest - lowest) } else { 1.0 };
            let contribution = match self.fusion {
                Fusion::MinMax => stretched * weight / (self.first_stage_weight + weight),
                Fusion::Rrf => reciprocal(rank + 1) * weight,
            };
            let leg = LegScore { leg: self.scorer.name().to_string(), rank: rank + 1, score: scores[at], contribution };
            hits[at].score += leg.contribution;
            hits[at].legs.push(leg);
        }
    }
}
