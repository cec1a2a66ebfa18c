//! Score regularization: similar hits support each other, because a passage that answers a question
//! rarely stands alone.
//!
//! Source: Diaz, *Regularizing Ad Hoc Retrieval Scores*, CIKM 2005, after van Rijsbergen's cluster
//! hypothesis. Here only the top hits are regularized, with the vectors of the index.

use super::sources::DenseSource;
use super::{Hit, LegScore};
use crate::error::Result;
use crate::index::fusion_weights::FusionWeights;
use crate::vector::dot;

/// The name that users see: that of the setting.
const NAME: &str = "neighbours";
/// The number of similar hits that support a hit.
const NEIGHBOURS: usize = 5;

/// Replaces a share of the score of each top hit by the mean score of the 5 most similar top hits.
/// `hits` must be in order; the caller sorts them again.
pub(super) fn regularize(hits: &mut [Hit], vectors: &dyn DenseSource, weights: &FusionWeights) -> Result<()> {
    let FusionWeights { score_regularization: weight, depth, .. } = *weights;
    let ids: Vec<_> = hits.iter().take(depth).map(|hit| hit.chunk).collect();
    let scores: Vec<f32> = hits.iter().take(depth).map(|hit| hit.score).collect();
    let support = support(&neighbours(&vectors.vectors(&ids)?), &scores);
    for hit in hits.iter_mut() {
        hit.legs.iter_mut().for_each(|leg| leg.contribution *= 1.0 - weight);
    }
    let mut order: Vec<usize> = (0..support.len()).collect();
    order.sort_by(|&a, &b| support[b].total_cmp(&support[a]).then(a.cmp(&b)));
    for (rank, at) in order.into_iter().enumerate() {
        hits[at].legs.push(LegScore {
            leg: NAME.to_string(),
            rank: rank + 1,
            score: support[at],
            contribution: weight * support[at],
        });
    }
    for hit in hits {
        hit.score = hit.legs.iter().map(|leg| leg.contribution).sum();
    }
    Ok(())
}

/// For each hit its nearest neighbours among the hits, with their cosines; none without a vector.
pub(super) fn neighbours(vectors: &[Option<Vec<f32>>]) -> Vec<Vec<(f32, usize)>> {
    let of = |at: usize| {
        let Some(own) = vectors[at].as_ref() else { return Vec::new() };
        let mut near: Vec<(f32, usize)> = (0..vectors.len())
            .filter(|&other| other != at)
            .filter_map(|other| Some((dot(own, vectors[other].as_ref()?).max(0.0), other)))
            .collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        near.truncate(NEIGHBOURS);
        near
    };
    (0..vectors.len()).map(of).collect()
}

/// For each hit the mean score of its neighbours, weighted by their cosines; its own score if it
/// has none.
pub(super) fn support(neighbours: &[Vec<(f32, usize)>], scores: &[f32]) -> Vec<f32> {
    let of = |(near, own): (&Vec<(f32, usize)>, &f32)| {
        let weight: f32 = near.iter().map(|(cosine, _)| cosine).sum();
        if weight > 0.0 { near.iter().map(|(cosine, at)| cosine * scores[*at]).sum::<f32>() / weight } else { *own }
    };
    neighbours.iter().zip(scores).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_is_supported_by_similar_hits() {
        let (east, north) = (vec![1.0, 0.0], vec![0.0, 1.0]);
        let vectors = [Some(east), Some(north.clone()), Some(north)];
        assert_eq!(support(&neighbours(&vectors), &[0.5, 0.9, 0.1]), [0.5, 0.1, 0.9]);
        assert_eq!(support(&neighbours(&[None]), &[0.7]), [0.7]);
    }
}
