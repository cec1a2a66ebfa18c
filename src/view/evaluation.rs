//! What evaluating, tuning and comparing found, and what was generated for it.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::eval::metrics::Metrics;
use crate::eval::report::Report;
use crate::eval::significance::Difference;
use crate::eval::{Estimate, Evaluation};
use crate::experiment::TestCollection;
use crate::experiment::compare::FinishedComparison;
use crate::experiment::question_generation::GeneratedQuestions;
use crate::experiment::tuning::TuningResult;
use crate::index::fusion_weights::FusionWeights;

/// How good a search is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EvaluationView {
    /// The index or collection.
    pub collection: String,
    /// How many documents were searched.
    pub documents: usize,
    /// How many questions were asked.
    pub questions: usize,
    /// The means by name.
    #[serde(flatten)]
    pub means: Metrics,
    /// The means with their intervals.
    pub estimates: Vec<Estimate>,
    /// The time that half of the questions took at most, in milliseconds.
    pub p50_ms: f64,
    /// The time that 95 of 100 questions took at most, in milliseconds.
    pub p95_ms: f64,
}

/// What tuning found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TuningView {
    /// The index or collection.
    pub collection: String,
    /// The embedder whose weights these are.
    pub embedder: String,
    /// The best weights on the training half.
    pub weights: FusionWeights,
    /// Questions that the weights were found on.
    pub training_questions: usize,
    /// Questions that they were held against afterwards.
    pub held_out_questions: usize,
    /// On the training half: with the default weights, with the tuned ones.
    pub training_ndcg_at_10: [f64; 2],
    /// The same on the held-out half.
    pub held_out_ndcg_at_10: [f64; 2],
    /// Tuned − default on the held-out half.
    pub difference: Difference,
    /// Whether the index now has these weights.
    pub is_kept: bool,
}

/// A comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ComparisonView {
    /// What `report.json` holds too.
    #[serde(flatten)]
    pub report: Report,
    /// The report as a page.
    pub page: PathBuf,
}

/// What came of generating questions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GeneratedQuestionsView {
    /// Where they are.
    pub file: PathBuf,
    /// How many there are.
    pub questions: usize,
    /// Those that were thrown away because they were a run of words of their passage.
    pub copied: usize,
    /// Those that were thrown away because they did not find their passage.
    pub not_found: usize,
    /// Those that were thrown away because they were asked before in other words.
    pub duplicates: usize,
}

impl EvaluationView {
    /// The evaluation of a collection that is called `name`.
    pub fn new(name: &str, collection: &TestCollection, evaluation: &Evaluation) -> Self {
        let Evaluation { questions, means, ref estimates, p50_ms, p95_ms } = *evaluation;
        EvaluationView {
            collection: name.to_string(),
            documents: collection.documents(),
            questions,
            means,
            estimates: estimates.clone(),
            p50_ms,
            p95_ms,
        }
    }
}

impl TuningView {
    /// The tuning of a collection that is called `name`.
    pub fn new(name: &str, tuning: &TuningResult) -> Self {
        TuningView {
            collection: name.to_string(),
            embedder: tuning.embedder.clone(),
            weights: tuning.weights,
            training_questions: tuning.training_questions,
            held_out_questions: tuning.held_out_questions,
            training_ndcg_at_10: tuning.training_ndcg_at_10,
            held_out_ndcg_at_10: tuning.held_out_ndcg_at_10,
            difference: tuning.difference,
            is_kept: tuning.is_kept,
        }
    }
}

impl From<FinishedComparison> for ComparisonView {
    fn from(comparison: FinishedComparison) -> Self {
        ComparisonView { report: comparison.report, page: comparison.page }
    }
}

impl GeneratedQuestionsView {
    /// Questions that were written to `file`.
    pub fn new(file: &Path, generated: &GeneratedQuestions) -> Self {
        GeneratedQuestionsView {
            file: file.to_path_buf(),
            questions: generated.questions.len(),
            copied: generated.copied,
            not_found: generated.not_found,
            duplicates: generated.duplicates,
        }
    }
}
