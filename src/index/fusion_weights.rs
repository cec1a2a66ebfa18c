//! The weights of the parts of a search. The defaults are equal weights; an index may have its own,
//! found by tuning.

use serde::{Deserialize, Serialize};

/// The weight of each retriever and of the reranker, and what is done with the top hits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FusionWeights {
    /// The weight of the lexical retriever.
    pub lexical: f32,
    /// The weight of the dense retriever.
    pub dense: f32,
    /// The weight of the sparse retriever.
    pub sparse: f32,
    /// The weight of the reranker.
    pub reranker: f32,
    /// The share of a hit's score that it gets from similar hits, from 0 to 1. On disk and in JSON
    /// it has the name of the setting that turns it off.
    #[serde(rename = "neighbours")]
    pub score_regularization: f32,
    /// The number of top hits that are reranked and regularized.
    pub depth: usize,
}

impl Default for FusionWeights {
    fn default() -> Self {
        FusionWeights { lexical: 1.0, dense: 1.0, sparse: 1.0, reranker: 1.0, score_regularization: 0.4, depth: 50 }
    }
}

impl FusionWeights {
    /// The weight of the retriever with this name; 1 for a custom retriever.
    pub fn weight_of(&self, retriever: &str) -> f32 {
        match retriever {
            "lexical" => self.lexical,
            "dense" => self.dense,
            "sparse" => self.sparse,
            _ => 1.0,
        }
    }
}
