//! Weighs the lists of a question's retrievers by how far each of them can be trusted.
//!
//! A list can be trusted if similar passages have similar scores in it: the scores of a list that
//! has lost its way are scattered. Source: Diaz, *Performance Prediction Using Spatial
//! Autocorrelation*, SIGIR 2007. Here the autocorrelation of each list is measured on the same
//! passages: the first ones of every list.

use std::collections::{HashMap, HashSet};

use super::fusion::RankedList;
use super::score_regularization::{neighbours, support};
use super::sources::DenseSource;
use crate::error::Result;

/// How strongly a list's weight depends on its autocorrelation, and how much larger that of a list
/// of cosines is, because the neighbours are found by the same vectors. Chosen on CISI, ADI,
/// claude-docs and codebase-chunks.
const SLOPE: f32 = 2.0;
const SMOOTHER: f32 = 0.25;
/// Fewer passages say nothing.
const LEAST_PASSAGES: usize = 20;

/// Multiplies the weight of each list by its trust. The weights keep their sum. `depth` is the
/// number of first hits of each list that are looked at.
pub(super) fn weigh(lists: &mut [RankedList], vectors: &dyn DenseSource, depth: usize) -> Result<()> {
    let mut seen = HashSet::new();
    let first = lists.iter().flat_map(|list| list.hits.iter().take(depth).map(|hit| hit.chunk));
    let first: Vec<_> = first.filter(|chunk| seen.insert(*chunk)).collect();
    let known = first.iter().zip(vectors.vectors(&first)?).filter_map(|(chunk, vector)| Some((*chunk, vector?)));
    let (passages, vectors): (Vec<_>, Vec<_>) = known.map(|(chunk, vector)| (chunk, Some(vector))).unzip();
    if passages.len() < LEAST_PASSAGES {
        return Ok(());
    }
    let neighbours = neighbours(&vectors);
    let trust = |list: &RankedList| {
        let stretch = list.stretch();
        let scores: HashMap<_, f32> = list.hits.iter().map(|hit| (hit.chunk, stretch.of(hit.score))).collect();
        let scores: Vec<f32> = passages.iter().map(|chunk| scores.get(chunk).copied().unwrap_or(0.0)).collect();
        let expected = if list.absent.is_none() { SMOOTHER } else { 0.0 };
        (SLOPE * (correlation(&scores, &support(&neighbours, &scores)) - expected)).exp()
    };
    let weighed: Vec<f32> = lists.iter().map(|list| list.weight * trust(list)).collect();
    let kept = lists.iter().map(|list| list.weight).sum::<f32>() / weighed.iter().sum::<f32>();
    if kept.is_finite() {
        lists.iter_mut().zip(weighed).for_each(|(list, weight)| list.weight = weight * kept);
    }
    Ok(())
}

/// Pearson's correlation; 0 where one side is constant.
fn correlation(one: &[f32], other: &[f32]) -> f32 {
    let mean = |values: &[f32]| values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64;
    let (mean_one, mean_other) = (mean(one), mean(other));
    let (mut both, mut of_one, mut of_other) = (0.0, 0.0, 0.0);
    for (a, b) in one.iter().zip(other) {
        let (a, b) = (f64::from(*a) - mean_one, f64::from(*b) - mean_other);
        both += a * b;
        of_one += a * a;
        of_other += b * b;
    }
    let spread = (of_one * of_other).sqrt();
    if spread > 1e-9 { (both / spread) as f32 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::store::ChunkId;
    use crate::search::{Filter, Hit};
    use crate::vector::Vector;

    /// 40 passages on a line: passage n has the direction n degrees.
    struct Line;

    impl DenseSource for Line {
        fn search(&self, _: &Vector, _: usize, _: Option<&Filter>) -> Result<Vec<(ChunkId, f32)>> {
            unreachable!("only vectors are asked for")
        }

        fn vectors(&self, chunks: &[ChunkId]) -> Result<Vec<Option<Vec<f32>>>> {
            let direction = |chunk: &ChunkId| (*chunk as f32).to_radians();
            Ok(chunks.iter().map(|chunk| Some(vec![direction(chunk).cos(), direction(chunk).sin()])).collect())
        }
    }

    fn list(chunks: impl Iterator<Item = ChunkId>) -> RankedList {
        let hits = chunks.enumerate();
        let hits = hits.map(|(at, chunk)| Hit::of_one_leg("lexical", at + 1, chunk, 100.0 - at as f32)).collect();
        RankedList { absent: Some(0.0), weight: 1.0, hits }
    }

    #[test]
    fn a_list_in_which_similar_passages_have_similar_scores_weighs_more() {
        let scattered = || list((0..40).map(|at| at * 17 % 40));
        let mut lists = [list(0..40), scattered()];
        weigh(&mut lists, &Line, 50).unwrap();
        assert!(lists[0].weight > 1.5 && lists[1].weight < 0.5, "{} {}", lists[0].weight, lists[1].weight);
        assert!((lists[0].weight + lists[1].weight - 2.0).abs() < 1e-6, "the sum stays");

        let mut equal = [scattered(), scattered()];
        weigh(&mut equal, &Line, 50).unwrap();
        assert_eq!(equal.map(|list| list.weight), [1.0, 1.0]);

        let mut few = [list(0..40), scattered()];
        weigh(&mut few, &Line, 5).unwrap();
        assert_eq!(few.map(|list| list.weight), [1.0, 1.0], "too few passages");
    }
}
