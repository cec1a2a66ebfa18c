//! The first hits are looked at more closely, and what is seen there counts beside what found them.

use std::sync::Arc;

use super::fusion::{Fusion, reciprocal};
use super::ranking::rank;
use super::{Hit, LegScore, Query, Retriever};
use crate::error::{Error, Result};
use crate::index::Index;
use crate::index::fusion_weights::FusionWeights;
use crate::models::contracts::Reranker;

/// A retriever whose first hits are scored again: itself a retriever. The reranker counts as one more leg: the new scores
/// are fused with those of the legs, and replace nothing.
pub struct Reranked {
    inner: Arc<dyn Retriever>,
    reranker: Arc<dyn Reranker>,
    index: Arc<Index>,
    fusion: Fusion,
    inner_weight: f32,
    tuning: FusionWeights,
}

impl Reranked {
    /// Puts `reranker` over `inner`, a retriever over `index` that has fused legs in this way; all of them together weigh
    /// `inner_weight`.
    pub fn new(
        inner: Arc<dyn Retriever>,
        reranker: Arc<dyn Reranker>,
        index: Arc<Index>,
        fusion: Fusion,
        inner_weight: f32,
        tuning: FusionWeights,
    ) -> Self {
        Reranked { inner, reranker, index, fusion, inner_weight, tuning }
    }
}

impl Retriever for Reranked {
    fn name(&self) -> &str {
        "reranked"
    }

    fn score_of_absent(&self) -> Option<f32> {
        Some(0.0)
    }

    fn retrieve(&self, query: &Query, k: usize) -> Result<Vec<Hit>> {
        let mut hits = self.inner.retrieve(query, k.max(self.tuning.depth))?;
        let ids: Vec<_> = hits.iter().take(self.tuning.depth).map(|hit| hit.chunk).collect();
        let passages: Vec<String> = self.index.chunks(&ids)?.iter().map(|stored| stored.chunk.passage()).collect();
        let texts: Vec<&str> = passages.iter().map(String::as_str).collect();
        let scores = self.reranker.score(&query.text, &texts)?;
        if scores.len() != texts.len() || scores.iter().any(|score| !score.is_finite()) {
            return Err(Error::model(format!("{} gave no score for some passages", self.reranker.name())));
        }
        let kept = match self.fusion {
            Fusion::MinMax => self.inner_weight / (self.inner_weight + self.tuning.reranker),
            Fusion::Rrf => 1.0,
        };
        for hit in &mut hits {
            hit.legs.iter_mut().for_each(|leg| leg.contribution *= kept);
            hit.score = hit.legs.iter().map(|leg| leg.contribution).sum();
        }
        self.add(&mut hits, &scores);
        rank(&self.index, &mut hits, k)?;
        Ok(hits)
    }
}

impl Reranked {
    fn add(&self, hits: &mut [Hit], scores: &[f32]) {
        let highest = scores.iter().copied().fold(f32::MIN, f32::max);
        let lowest = scores.iter().copied().fold(f32::MAX, f32::min);
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
        let weight = self.tuning.reranker;
        for (rank, at) in order.into_iter().enumerate() {
            let stretched = if highest > lowest { (scores[at] - lowest) / (highest - lowest) } else { 1.0 };
            let contribution = match self.fusion {
                Fusion::MinMax => stretched * weight / (self.inner_weight + weight),
                Fusion::Rrf => reciprocal(rank + 1) * weight,
            };
            let leg =
                LegScore { leg: self.reranker.name().to_string(), rank: rank + 1, score: scores[at], contribution };
            hits[at].score += leg.contribution;
            hits[at].legs.push(leg);
        }
    }
}
