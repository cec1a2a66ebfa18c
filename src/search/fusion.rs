//! Fuses the lists of several retrievers into one ranking.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Hit, LegScore};

/// The most hits of each retriever that are fused.
pub(super) const DEPTH: usize = 1000;

/// A way to fuse the lists of several retrievers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fusion {
    /// Scales the scores of each list to 0..1 and takes their weighted mean.
    MinMax,
    /// Takes the weighted sum of 1 / (60 + rank). Cormack, Clarke & Büttcher, *Reciprocal Rank
    /// Fusion*, SIGIR 2009.
    Rrf,
}

const RRF_K: f32 = 60.0;

/// The score of the hit at `rank`, from 1, in one list by [`Fusion::Rrf`].
pub(super) fn reciprocal(rank: usize) -> f32 {
    1.0 / (RRF_K + rank as f32)
}

/// The hits of one retriever.
pub(super) struct RankedList {
    /// See [`Retriever::score_of_absent`](super::Retriever::score_of_absent).
    pub absent: Option<f32>,
    /// The weight of the retriever.
    pub weight: f32,
    /// The hits, best first.
    pub hits: Vec<Hit>,
}

impl RankedList {
    /// Maps its scores to 0..1.
    pub(super) fn stretch(&self) -> Stretch {
        Stretch::over(&self.hits, self.absent)
    }
}

/// Fuses the lists. The hits are in order, best first, ties by chunk id.
pub(super) fn fuse(fusion: Fusion, lists: Vec<RankedList>) -> Vec<Hit> {
    let whole: f32 = lists.iter().map(|list| list.weight).sum();
    let mut fused: BTreeMap<u64, Hit> = BTreeMap::new();
    for list in lists {
        let stretch = list.stretch();
        let RankedList { weight, hits, .. } = list;
        for (at, listed) in hits.into_iter().enumerate() {
            let contribution = match fusion {
                Fusion::MinMax => stretch.of(listed.score) * weight / whole,
                Fusion::Rrf => reciprocal(at + 1) * weight,
            };
            let hit = fused.entry(listed.chunk).or_insert(Hit { chunk: listed.chunk, score: 0.0, legs: Vec::new() });
            hit.score += contribution;
            hit.legs.extend(listed.legs.into_iter().map(|leg| LegScore { contribution, ..leg }));
        }
    }
    let mut hits: Vec<Hit> = fused.into_values().collect();
    // The map is in the order of ids and the sort is stable, so ties stay in the order of ids.
    hits.sort_by(|a, b| b.score.total_cmp(&a.score));
    hits
}

/// Maps the scores of one list to 0..1.
pub(super) struct Stretch {
    lowest: f32,
    highest: f32,
}

impl Stretch {
    fn over(list: &[Hit], absent: Option<f32>) -> Self {
        let highest = list.first().map_or(0.0, |hit| hit.score);
        let last = list.last().map_or(0.0, |hit| hit.score);
        // A list that is not full lacks only chunks with the score of absent ones, if there is such
        // a score.
        let lowest = if list.len() < DEPTH { absent.map_or(last, |absent| absent.min(last)) } else { last };
        Stretch { lowest, highest }
    }

    pub(super) fn of(&self, score: f32) -> f32 {
        if self.highest > self.lowest { (score - self.lowest) / (self.highest - self.lowest) } else { 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(leg: &str, scores: Vec<(u64, f32)>) -> Vec<Hit> {
        let mut scores: Vec<_> = BTreeMap::from_iter(scores).into_iter().collect();
        scores.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        scores.into_iter().enumerate().map(|(at, (id, score))| Hit::of_one_leg(leg, at + 1, id, score)).collect()
    }

    fn alone(absent: Option<f32>, hits: Vec<Hit>) -> RankedList {
        RankedList { absent, weight: 1.0, hits }
    }

    fn scores() -> impl Strategy<Value = Vec<(u64, f32)>> {
        prop::collection::vec((0u64..40, -5.0f32..20.0), 0..30)
    }

    proptest! {
        #[test]
        fn fused_lists_are_ordered_and_complete_and_contributions_sum_to_scores(
            first in scores(), second in scores(), weight in 0.0f32..4.0,
            fusion in prop_oneof![Just(Fusion::MinMax), Just(Fusion::Rrf)]
        ) {
            let (first, second) = (list("a", first), list("b", second));
            let mut wanted: Vec<u64> = first.iter().chain(&second).map(|hit| hit.chunk).collect();
            wanted.sort_unstable();
            wanted.dedup();
            let hits = fuse(fusion, vec![alone(None, first), RankedList { weight, ..alone(None, second) }]);
            let mut found: Vec<u64> = hits.iter().map(|hit| hit.chunk).collect();
            for pair in hits.windows(2) {
                prop_assert!(pair[0].score > pair[1].score
                    || (pair[0].score == pair[1].score && pair[0].chunk < pair[1].chunk));
            }
            for hit in &hits {
                let sum: f32 = hit.legs.iter().map(|leg| leg.contribution).sum();
                // Weights that are divided by their sum round: the best score may be 1 and a bit.
                prop_assert!((sum - hit.score).abs() < 1e-6 && (0.0..=1.0 + 1e-6).contains(&hit.score));
            }
            found.sort_unstable();
            prop_assert_eq!(found, wanted);
        }

        #[test]
        fn a_single_list_keeps_its_order(scores in scores()) {
            let alone = list("a", scores);
            for fusion in [Fusion::MinMax, Fusion::Rrf] {
                let fused = fuse(fusion, vec![self::alone(None, alone.clone())]);
                let ids = |hits: &[Hit]| hits.iter().map(|hit| hit.chunk).collect::<Vec<_>>();
                // Scaling may round two close scores to the same one, which are then ordered by id.
                if fusion == Fusion::Rrf { prop_assert_eq!(ids(&fused), ids(&alone)); }
                if let (Some(fused), Some(alone)) = (fused.first(), alone.first()) {
                    prop_assert_eq!(fused.chunk, alone.chunk);
                }
            }
        }
    }

    #[test]
    fn the_only_match_counts_in_full_and_bm25_is_scaled_from_zero() {
        let one = fuse(Fusion::MinMax, vec![alone(Some(0.0), list("lexical", vec![(7, 3.0)]))]);
        assert_eq!(one[0].score, 1.0);
        let two = fuse(Fusion::MinMax, vec![alone(Some(0.0), list("lexical", vec![(7, 4.0), (8, 3.0)]))]);
        assert_eq!(two[1].score, 0.75);
    }
}
