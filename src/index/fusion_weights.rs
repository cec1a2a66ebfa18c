//! What each part of the pipeline counts. The defaults are equal weights; an index may have its
//! own, found by trial.

use serde::{Deserialize, Serialize};

/// How much each leg counts against the others, and how far down the hits are looked at more
/// closely.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FusionWeights {
    /// The weight of words.
    pub lexical: f32,
    /// The weight of vectors.
    pub dense: f32,
    /// The weight of learned terms.
    pub sparse: f32,
    /// The weight of the reranker.
    pub reranker: f32,
    /// The part of a hit's score that its neighbours give, from 0 to 1.
    pub neighbours: f32,
    /// How many hits the reranker and the neighbours look at.
    pub depth: usize,
}

impl Default for FusionWeights {
    fn default() -> Self {
        FusionWeights { lexical: 1.0, dense: 1.0, sparse: 1.0, reranker: 1.0, neighbours: 0.4, depth: 50 }
    }
}

impl FusionWeights {
    /// The weight of the leg with this name; 1 for one's own legs.
    pub fn weight_of(&self, leg: &str) -> f32 {
        match leg {
            "lexical" => self.lexical,
            "dense" => self.dense,
            "sparse" => self.sparse,
            _ => 1.0,
        }
    }
}
