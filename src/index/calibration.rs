//! What a reader found becomes the probability that the passages answer.

use serde::{Deserialize, Serialize};

/// What a reader found in all passages for one question.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReadingFeatures {
    /// The logit that the chosen passage answers.
    pub answerable: f32,
    /// The score of the chosen place minus that of having none.
    pub span_margin: f32,
}

/// The standard deviations of the two, on questions of SQuAD 2, so that both weigh the same.
const ANSWERABLE_SPREAD: f32 = 2.4;
const SPAN_MARGIN_SPREAD: f32 = 5.3;

impl ReadingFeatures {
    /// Both in one number: larger speaks for an answer.
    pub(crate) fn score(&self) -> f32 {
        self.answerable / ANSWERABLE_SPREAD + self.span_margin / SPAN_MARGIN_SPREAD
    }
}

/// A question that calibration learned from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationPoint {
    /// The probability that it got from questions other than itself.
    pub probability: f32,
    /// True if the documents answer it.
    pub is_answerable: bool,
}

/// Turns what a reader found into the probability that the passages answer, by logistic regression.
///
/// Source: Platt, *Probabilistic Outputs for Support Vector Machines*, 1999.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The questions that it was learned from, in words.
    pub learned_from: String,
    /// The weight of the reader's score.
    pub slope: f32,
    /// Added to the weighted score.
    pub bias: f32,
    /// Below this probability a question is refused if nobody says what risk he accepts.
    pub refuse_below: f32,
    /// The smallest and the largest score of the questions.
    pub range: [f32; 2],
    /// The questions, by probability, smallest first.
    pub points: Vec<CalibrationPoint>,
}

impl Calibration {
    /// The calibration that kinglet comes with, for indexes without one of their own.
    ///
    /// # Panics
    /// Never: a test reads it.
    pub fn built_in() -> Self {
        serde_json::from_str(include_str!("calibration.json")).expect("it is a part of this program")
    }

    /// The probability, 0 to 1, that the passages answer.
    pub fn probability(&self, features: &ReadingFeatures) -> f32 {
        1.0 / (1.0 + (-(self.bias + self.slope * features.score())).exp())
    }

    /// True if the score is beyond that of every question that this was learned from, so that the
    /// probability may mean nothing.
    pub fn is_shifted(&self, features: &ReadingFeatures) -> bool {
        let [least, most] = self.range;
        let slack = (most - least) * RANGE_SLACK;
        !(least - slack..=most + slack).contains(&features.score())
    }

    /// The smallest probability from which on at most the share `risk` of the answers is wrong, on
    /// questions like those that this was learned from. `None` if no probability is safe enough.
    ///
    /// Source: Jin & Candès, *Selection by Prediction with Conformal p-values*, 2023: among those
    /// above a threshold, (1 + wrong ones) / all of them bounds the share of wrong ones.
    pub fn threshold_for(&self, risk: f32) -> Option<f32> {
        let safe = self.bounds().filter(|(bound, _)| *bound <= risk);
        safe.map(|(_, probability)| probability).min_by(f32::total_cmp)
    }

    /// The smallest risk that it can promise; 1 if none.
    pub fn least_risk(&self) -> f32 {
        self.bounds().map(|(bound, _)| bound).fold(1.0, f32::min)
    }

    /// For each probability the bound of the share of wrong ones from there on.
    fn bounds(&self) -> impl Iterator<Item = (f32, f32)> {
        let mut wrong = 0_u32;
        let from_the_top = self.points.iter().enumerate().rev().zip(1_u32..);
        from_the_top.filter_map(move |((at, point), all)| {
            wrong += u32::from(!point.is_answerable);
            let is_last_of_equals = at == 0 || self.points[at - 1].probability < point.probability;
            is_last_of_equals.then(|| ((1 + wrong) as f32 / all as f32, point.probability))
        })
    }
}

/// A value may lie this share of the range beyond it.
const RANGE_SLACK: f32 = 0.05;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn calibration(points: &[(f32, bool)]) -> Calibration {
        let mut points: Vec<CalibrationPoint> = points
            .iter()
            .map(|&(probability, is_answerable)| CalibrationPoint { probability, is_answerable })
            .collect();
        points.sort_by(|one, other| one.probability.total_cmp(&other.probability));
        Calibration {
            learned_from: "a test".to_string(),
            slope: 1.0,
            bias: -1.0,
            refuse_below: 0.5,
            range: [-1.0, 1.0],
            points,
        }
    }

    #[test]
    fn features_become_a_probability_and_strange_ones_are_noticed() {
        let features = |answerable, span_margin| ReadingFeatures { answerable, span_margin };
        let calibration = calibration(&[]);
        assert_eq!(calibration.probability(&features(0.0, SPAN_MARGIN_SPREAD)), 0.5);
        assert!(calibration.probability(&features(ANSWERABLE_SPREAD, SPAN_MARGIN_SPREAD)) > 0.7);
        assert!(!calibration.is_shifted(&features(ANSWERABLE_SPREAD, 0.0)));
        assert!(calibration.is_shifted(&features(1.5 * ANSWERABLE_SPREAD, 0.0)));
    }

    #[test]
    fn the_built_in_calibration_is_whole() {
        let calibration = Calibration::built_in();
        assert!(calibration.slope > 0.0 && calibration.points.len() > 200);
        assert!(calibration.points.is_sorted_by_key(|point| point.probability));
        assert!(calibration.threshold_for(0.3).is_some_and(|strict| strict > calibration.refuse_below));
        assert!((0.2..0.3).contains(&calibration.least_risk()));
    }

    #[test]
    fn a_risk_that_nothing_is_safe_enough_for_has_no_threshold() {
        let few = calibration(&[(0.9, true), (0.8, true), (0.2, false)]);
        assert_eq!(few.threshold_for(0.1), None);
        let many: Vec<(f32, bool)> = (0..100).map(|at| (at as f32 / 100.0, at >= 50)).collect();
        assert_eq!(calibration(&many).threshold_for(0.1), Some(0.46));
    }

    proptest! {
        #[test]
        fn a_threshold_keeps_its_promise_and_more_risk_answers_more(
            points in prop::collection::vec((0u8..20, any::<bool>()), 0..60),
            risks in (0.0f32..1.0, 0.0f32..1.0),
        ) {
            let points: Vec<(f32, bool)> = points.into_iter().map(|(at, answerable)| (f32::from(at) / 20.0, answerable)).collect();
            let calibration = calibration(&points);
            let (small, large) = (risks.0.min(risks.1), risks.0.max(risks.1));
            if let Some(threshold) = calibration.threshold_for(small) {
                let given: Vec<bool> = points.iter().filter(|(probability, _)| *probability >= threshold).map(|(_, answerable)| *answerable).collect();
                let wrong = given.iter().filter(|answerable| !**answerable).count();
                prop_assert!(wrong as f32 <= small * given.len() as f32);
                prop_assert!(calibration.threshold_for(large).is_some_and(|lower| lower <= threshold));
            }
        }
    }
}
