//! The weights of the parts of the search pipeline. An index may have its own, found by tuning.

use serde::{Deserialize, Serialize};

/// The weights with which results are fused, and the number of hits that are rescored. The
/// retrievers and the reranker have equal weights by default.
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
    /// The share of a hit's score that comes from its neighbours, from 0 to 1.
    pub neighbours: f32,
    /// The number of hits that are reranked and whose scores are regularized.
    pub depth: usize,
}

impl Default for FusionWeights {
    fn default() -> Self {
        FusionWeights { lexical: 1.0, dense: 1.0, sparse: 1.0, reranker: 1.0, neighbours: 0.4, depth: 50 }
    }
}

impl FusionWeights {
    /// The weight of the retriever with this name; 1 for those that are not kinglet's own.
    pub fn weight_of(&self, leg: &str) -> f32 {
        match leg {
            "lexical" => self.lexical,
            "dense" => self.dense,
            "sparse" => self.sparse,
            _ => 1.0,
        }
    }
}
