//! Tunes the fusion weights of a pipeline by coordinate ascent: tries each candidate value of one
//! weight after the other and keeps the best, until a whole round changes nothing.
//! Source: Metzler & Croft, *Linear Feature-Based Models for Information Retrieval*, Information
//! Retrieval 2007.

use crate::error::Result;
use crate::index::fusion_weights::FusionWeights;

/// Candidate weights, relative to that of the lexical retriever.
const WEIGHTS: [f32; 7] = [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0];
const NEIGHBOURS: [f32; 5] = [0.0, 0.2, 0.4, 0.6, 0.8];
const DEPTHS: [usize; 3] = [20, 50, 100];
/// The smallest gain that changes a weight.
const MIN_GAIN: f64 = 0.0005;
const MAX_ROUNDS: usize = 4;

/// One of the fusion weights to tune.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parameter {
    /// The weight of the dense retriever; that of the lexical one stays 1.
    Dense,
    /// The weight of the sparse retriever.
    Sparse,
    /// The weight of the reranker.
    Reranker,
    /// The share of a score that comes from its neighbours.
    ScoreRegularization,
    /// How many hits to rerank and regularize.
    Depth,
}

impl Parameter {
    /// `weights` with each candidate value of this one.
    fn candidates(self, weights: FusionWeights) -> Vec<FusionWeights> {
        match self {
            Parameter::Dense => WEIGHTS.map(|dense| FusionWeights { dense, ..weights }).to_vec(),
            Parameter::Sparse => WEIGHTS.map(|sparse| FusionWeights { sparse, ..weights }).to_vec(),
            Parameter::Reranker => WEIGHTS.map(|reranker| FusionWeights { reranker, ..weights }).to_vec(),
            Parameter::ScoreRegularization => {
                NEIGHBOURS.map(|share| FusionWeights { score_regularization: share, ..weights }).to_vec()
            }
            Parameter::Depth => DEPTHS.map(|depth| FusionWeights { depth, ..weights }).to_vec(),
        }
    }
}

/// The best weights reached from the default ones by varying `parameters`, with their quality.
///
/// # Errors
/// When `quality` fails.
pub(super) fn tune(
    parameters: &[Parameter],
    quality: &mut dyn FnMut(&FusionWeights) -> Result<f64>,
) -> Result<(FusionWeights, f64)> {
    let mut best = FusionWeights::default();
    let mut best_quality = quality(&best)?;
    for _ in 0..MAX_ROUNDS {
        let before = best;
        for parameter in parameters {
            let current = best;
            for candidate in parameter.candidates(current).into_iter().filter(|candidate| *candidate != current) {
                let quality = quality(&candidate)?;
                if quality > best_quality + MIN_GAIN {
                    (best, best_quality) = (candidate, quality);
                }
            }
        }
        if best == before {
            break;
        }
    }
    Ok((best, best_quality))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_value_of_each_parameter_is_found_and_small_gains_change_nothing() {
        let mut quality = |t: &FusionWeights| {
            Ok(f64::from(1.0 - (t.dense - 2.0).abs() - (t.score_regularization - 0.2).abs())
                + if t.depth == 100 { 1e-4 } else { 0.0 })
        };
        let (weights, best_quality) =
            tune(&[Parameter::ScoreRegularization, Parameter::Dense, Parameter::Depth], &mut quality).unwrap();
        assert_eq!(weights, FusionWeights { dense: 2.0, score_regularization: 0.2, ..FusionWeights::default() });
        assert!((best_quality - 1.0).abs() < 1e-6);
    }
}
