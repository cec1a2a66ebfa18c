//! Finds the fusion weights of a pipeline by coordinate ascent: one weight after the other takes
//! each of its candidate values, and the best one is kept, until a whole round changes nothing.
//! Source: Metzler & Croft, *Linear Feature-Based Models for Information Retrieval*, Information
//! Retrieval 2007.

use crate::error::Result;
use crate::index::fusion_weights::FusionWeights;

/// What a weight is multiplied by: half as much, as much, or twice as much as the words, and so on.
const WEIGHTS: [f32; 7] = [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0];
const NEIGHBOURS: [f32; 5] = [0.0, 0.2, 0.4, 0.6, 0.8];
const DEPTHS: [usize; 3] = [20, 50, 100];
/// A smaller gain is no reason to leave what there is.
const LEAST_GAIN: f64 = 0.0005;
const MOST_ROUNDS: usize = 4;

/// One of the fusion weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Knob {
    /// The weight of vectors; that of words stays 1.
    Dense,
    /// The weight of learned terms.
    Sparse,
    /// The weight of the reranker.
    Reranker,
    /// The neighbours' part.
    ScoreRegularization,
    /// How many hits are looked at more closely.
    Depth,
}

impl Knob {
    fn settings(self, weights: FusionWeights) -> Vec<FusionWeights> {
        match self {
            Knob::Dense => WEIGHTS.map(|dense| FusionWeights { dense, ..weights }).to_vec(),
            Knob::Sparse => WEIGHTS.map(|sparse| FusionWeights { sparse, ..weights }).to_vec(),
            Knob::Reranker => WEIGHTS.map(|reranker| FusionWeights { reranker, ..weights }).to_vec(),
            Knob::ScoreRegularization => {
                NEIGHBOURS.map(|share| FusionWeights { score_regularization: share, ..weights }).to_vec()
            }
            Knob::Depth => DEPTHS.map(|depth| FusionWeights { depth, ..weights }).to_vec(),
        }
    }
}

/// The best weights that are found from the default ones by turning `knobs`, with their quality.
///
/// # Errors
/// When `quality` fails.
pub(super) fn find_weights(
    knobs: &[Knob],
    quality: &mut dyn FnMut(&FusionWeights) -> Result<f64>,
) -> Result<(FusionWeights, f64)> {
    let mut best = FusionWeights::default();
    let mut reached = quality(&best)?;
    for _ in 0..MOST_ROUNDS {
        let before = best;
        for knob in knobs {
            let now = best;
            for candidate in knob.settings(now).into_iter().filter(|candidate| *candidate != now) {
                let found = quality(&candidate)?;
                if found > reached + LEAST_GAIN {
                    (best, reached) = (candidate, found);
                }
            }
        }
        if best == before {
            break;
        }
    }
    Ok((best, reached))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_setting_of_each_knob_is_found_and_small_gains_change_nothing() {
        let mut quality = |t: &FusionWeights| {
            Ok(f64::from(1.0 - (t.dense - 2.0).abs() - (t.score_regularization - 0.2).abs())
                + if t.depth == 100 { 1e-4 } else { 0.0 })
        };
        let (tuning, reached) =
            find_weights(&[Knob::ScoreRegularization, Knob::Dense, Knob::Depth], &mut quality).unwrap();
        assert_eq!(tuning, FusionWeights { dense: 2.0, score_regularization: 0.2, ..FusionWeights::default() });
        assert!((reached - 1.0).abs() < 1e-6);
    }
}
