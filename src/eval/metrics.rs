//! Metrics of one ranking against judgments, as trec_eval defines them.
//!
//! Source: Järvelin & Kekäläinen, *Cumulated gain-based evaluation of IR techniques*, TOIS 2002,
//! with the linear gain that trec_eval's `ndcg_cut` has; recall, reciprocal rank and average
//! precision as in trec_eval.

use serde::Serialize;

use crate::eval::judgments::Judgments;

/// The metrics of one ranking, or their means over several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// Normalised discounted cumulative gain of the first 10.
    pub ndcg_at_10: f64,
    /// The share of the relevant documents that are among the first 10.
    pub recall_at_10: f64,
    /// The share of the relevant documents that are among the first 100.
    pub recall_at_100: f64,
    /// 1 / the rank of the first relevant document, if it is among the first 10; else 0.
    pub mrr_at_10: f64,
    /// The mean of the precisions at each relevant document; 0 for those not retrieved.
    pub map: f64,
    /// 1 if a relevant document is among the first 5, else 0.
    pub success_at_5: f64,
}

impl Metrics {
    /// Their usual names, in order.
    pub const NAMES: [&'static str; 6] = ["nDCG@10", "Recall@10", "Recall@100", "MRR@10", "MAP", "Success@5"];

    /// What they say, in order.
    pub const MEANINGS: [&'static str; 6] = [
        "how high the right passages stand; 1 is best",
        "the share of the right passages that are among the first 10",
        "the share of the right passages that are among the first 100",
        "1 divided by the rank of the first right passage; 0 beyond the first 10",
        "the mean share of right passages down to each of them",
        "the share of questions with a right passage among the first 5",
    ];

    /// Computes the metrics of `ranking` (document ids, best first, none twice) against
    /// `judgments`, which have a relevant document.
    pub fn of(ranking: &[impl AsRef<str>], judgments: &Judgments) -> Self {
        let grades: Vec<u32> = ranking.iter().map(|id| judgments.get(id.as_ref()).copied().unwrap_or(0)).collect();
        let mut ideal: Vec<u32> = judgments.values().copied().collect();
        ideal.sort_unstable_by(|a, b| b.cmp(a));
        let relevant = judgments.values().filter(|&&grade| grade > 0).count() as f64;
        let hits = |depth: usize| grades.iter().take(depth).filter(|&&grade| grade > 0).count() as f64;
        let first = grades.iter().take(10).position(|&grade| grade > 0);
        let mut relevant_so_far = 0.0;
        let mut precisions = 0.0;
        for (at, _) in grades.iter().enumerate().filter(|(_, grade)| **grade > 0) {
            relevant_so_far += 1.0;
            precisions += relevant_so_far / (at + 1) as f64;
        }
        Metrics {
            ndcg_at_10: gain(&grades, 10) / gain(&ideal, 10),
            recall_at_10: hits(10) / relevant,
            recall_at_100: hits(100) / relevant,
            mrr_at_10: first.map_or(0.0, |at| 1.0 / (at + 1) as f64),
            map: precisions / relevant,
            success_at_5: if first.is_some_and(|at| at < 5) { 1.0 } else { 0.0 },
        }
    }

    /// The values in the order of [`NAMES`](Self::NAMES).
    pub fn values(&self) -> [f64; 6] {
        [self.ndcg_at_10, self.recall_at_10, self.recall_at_100, self.mrr_at_10, self.map, self.success_at_5]
    }

    /// The metrics with these values, in the order of [`NAMES`](Self::NAMES).
    pub fn from_values(values: [f64; 6]) -> Self {
        let [ndcg_at_10, recall_at_10, recall_at_100, mrr_at_10, map, success_at_5] = values;
        Metrics { ndcg_at_10, recall_at_10, recall_at_100, mrr_at_10, map, success_at_5 }
    }
}

fn gain(grades: &[u32], depth: usize) -> f64 {
    // An empty sum of floats is −0.
    grades
        .iter()
        .take(depth)
        .enumerate()
        .fold(0.0, |sum, (at, &grade)| sum + f64::from(grade) / (at as f64 + 2.0).log2())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ranking(ids: &[u32]) -> Vec<String> {
        ids.iter().map(u32::to_string).collect()
    }

    #[test]
    fn metrics_match_a_computation_by_hand() {
        let judgments = Judgments::from([("1".into(), 2), ("2".into(), 1), ("3".into(), 0), ("9".into(), 1)]);
        let metrics = Metrics::of(&ranking(&[3, 2, 4, 1]), &judgments);
        let dcg = 1.0 / 3f64.log2() + 2.0 / 5f64.log2();
        let ideal = 2.0 + 1.0 / 3f64.log2() + 1.0 / 2.0;
        assert!((metrics.ndcg_at_10 - dcg / ideal).abs() < 1e-12);
        assert!((metrics.recall_at_10 - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(metrics.mrr_at_10, 0.5);
        assert!((metrics.map - (0.5 + 0.5) / 3.0).abs() < 1e-12);
        assert_eq!(Metrics::of(&ranking(&[]), &judgments), Metrics::default());
    }

    proptest! {
        #[test]
        fn metrics_are_shares_and_the_ideal_ranking_is_perfect(
            grades in prop::collection::vec(0u32..4, 1..30).prop_filter("one is relevant", |g| g.iter().any(|&g| g > 0)),
            order in prop::collection::vec(any::<u32>(), 30),
        ) {
            let judgments: Judgments = grades.iter().enumerate().map(|(id, &grade)| (id.to_string(), grade)).collect();
            let mut any_order: Vec<u32> = (0..grades.len() as u32).collect();
            any_order.sort_by_key(|&id| order[id as usize]);
            for value in Metrics::of(&ranking(&any_order), &judgments).values() {
                prop_assert!((0.0..=1.0 + 1e-12).contains(&value));
            }
            any_order.sort_by_key(|&id| std::cmp::Reverse(grades[id as usize]));
            let best = Metrics::of(&ranking(&any_order), &judgments);
            prop_assert!((best.ndcg_at_10 - 1.0).abs() < 1e-12 && (best.map - 1.0).abs() < 1e-12 && best.mrr_at_10 == 1.0);
        }
    }
}
