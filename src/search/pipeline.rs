//! The parts of a search, and how they are put together.

use std::sync::Arc;

use super::cached::{CachedReranker, CachedRetriever};
use super::timed::{Clock, TimedReranker, TimedRetriever};
use super::{Fusion, Hybrid, Reranked, Retriever, ScoreRegularization};
use crate::error::Result;
use crate::index::Index;
use crate::index::fusion_weights::FusionWeights;
use crate::models::contracts::{EmbedderCard, Reranker};

/// The parts of a search over one index.
#[derive(Clone)]
pub struct Pipeline {
    /// What is searched.
    pub index: Arc<Index>,
    /// At least one.
    pub legs: Vec<Arc<dyn Retriever>>,
    /// How the legs become one ranking.
    pub fusion: Fusion,
    /// What looks at the first hits more closely.
    pub reranker: Option<Arc<dyn Reranker>>,
    /// By whose vectors hits that are alike support each other, if they do.
    pub neighbours: Option<EmbedderCard>,
}

impl Pipeline {
    /// Puts the parts together.
    ///
    /// # Errors
    /// When the index has no vectors of the neighbours' embedder.
    pub fn retriever(&self, tuning: &FusionWeights) -> Result<Arc<dyn Retriever>> {
        let weights: Vec<f32> = self.legs.iter().map(|leg| tuning.weight_of(leg.name())).collect();
        let whole = weights.iter().sum();
        let weighted = self.legs.iter().cloned().zip(weights).collect();
        let mut retriever: Arc<dyn Retriever> = Arc::new(Hybrid::weighted(self.index.clone(), weighted, self.fusion));
        if let Some(reranker) = &self.reranker {
            let (reranker, index) = (reranker.clone(), self.index.clone());
            retriever = Arc::new(Reranked::new(retriever, reranker, index, self.fusion, whole, *tuning));
        }
        if let Some(card) = &self.neighbours {
            retriever = Arc::new(ScoreRegularization::new(retriever, self.index.clone(), card.clone(), *tuning)?);
        }
        Ok(retriever)
    }

    /// The same parts, which note on `clock` how long they take.
    #[must_use]
    pub fn timed(self, clock: &Clock) -> Self {
        let timed = |leg| Arc::new(TimedRetriever::new(leg, clock.clone())) as Arc<dyn Retriever>;
        let legs = self.legs.into_iter().map(timed).collect();
        let reranker = self.reranker.map(|it| Arc::new(TimedReranker::new(it, clock.clone())) as Arc<dyn Reranker>);
        Pipeline { legs, reranker, ..self }
    }

    /// The same parts, which compute nothing twice: for putting the same questions again and again.
    #[must_use]
    pub fn remembering(self) -> Self {
        let remember = |leg| Arc::new(CachedRetriever::new(leg)) as Arc<dyn Retriever>;
        let legs = self.legs.into_iter().map(remember).collect();
        let reranker = self.reranker.map(|it| Arc::new(CachedReranker::new(it)) as Arc<dyn Reranker>);
        Pipeline { legs, reranker, ..self }
    }
}
