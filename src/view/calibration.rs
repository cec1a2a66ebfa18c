//! The view of a calibration.

use serde::Serialize;

use crate::experiment::calibrate::CalibrationReport;

/// What `kinglet calibrate` found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CalibrationView {
    /// The name of the index.
    pub index: String,
    /// The questions that it was learned from, in words.
    pub learned_from: String,
    /// How many of them the documents answer.
    pub answerable: usize,
    /// How many they do not.
    pub unanswerable: usize,
    /// The expected calibration error of the built-in calibration on these questions.
    pub error_before: f32,
    /// That of this one, on questions that it did not learn from.
    pub error: f32,
    /// How often a question with an answer has a higher probability than one without.
    pub area: f32,
    /// Below this probability a question is refused.
    pub refuse_below: f32,
    /// Of the refused questions the share without an answer.
    pub refusal_precision: f32,
    /// Of the questions without an answer the share that is refused.
    pub refusal_recall: f32,
    /// Of the questions with an answer the share that is refused.
    pub needlessly_refused: f32,
    /// The weight of the reader's score.
    pub slope: f32,
    /// Added to the weighted score.
    pub bias: f32,
}

impl CalibrationView {
    /// The report on the index called `index`.
    pub fn new(index: &str, report: &CalibrationReport) -> Self {
        CalibrationView {
            index: index.to_string(),
            learned_from: report.calibration.learned_from.clone(),
            answerable: report.questions[0],
            unanswerable: report.questions[1],
            error_before: report.calibration_errors[0],
            error: report.calibration_errors[1],
            area: report.area,
            refuse_below: report.calibration.refuse_below,
            refusal_precision: report.refusal_precision,
            refusal_recall: report.refusal_recall,
            needlessly_refused: report.needlessly_refused,
            slope: report.calibration.slope,
            bias: report.calibration.bias,
        }
    }
}
