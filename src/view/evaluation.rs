//! The views of evaluations, tuning, comparisons and generated questions.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::eval::metrics::Metrics;
use crate::eval::report::Report;
use crate::eval::significance::Difference;
use crate::eval::{Estimate, Evaluation};
use crate::experiment::TestCollection;
use crate::experiment::answer_evaluation::AnswerEvaluation;
use crate::experiment::compare::FinishedComparison;
use crate::experiment::question_generation::GeneratedQuestions;
use crate::experiment::tuning::TuningResult;
use crate::index::fusion_weights::FusionWeights;

/// The quality and speed of a search.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EvaluationView {
    /// The index or collection.
    pub collection: String,
    /// The number of documents.
    pub documents: usize,
    /// The number of questions.
    pub questions: usize,
    /// The mean of each metric, by name.
    #[serde(flatten)]
    pub means: Metrics,
    /// The means again, with their intervals.
    pub estimates: Vec<Estimate>,
    /// The median time for a question, in milliseconds.
    pub p50_ms: f64,
    /// The 95th percentile of the time for a question, in milliseconds.
    pub p95_ms: f64,
}

/// The quality of answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AnswerEvaluationView {
    /// The index.
    pub index: String,
    /// The generator.
    pub generator: String,
    /// The number of questions that the documents answer.
    pub answerable: usize,
    /// The number of questions that they do not answer.
    pub unanswerable: usize,
    /// The mean of each measure, with its interval.
    pub estimates: Vec<Estimate>,
}

impl AnswerEvaluationView {
    /// The evaluation of `generator` on the index called `index`.
    pub fn new(index: &str, generator: &str, evaluation: &AnswerEvaluation) -> Self {
        AnswerEvaluationView {
            index: index.to_string(),
            generator: generator.to_string(),
            answerable: evaluation.questions[0],
            unanswerable: evaluation.questions[1],
            estimates: evaluation.estimates.clone(),
        }
    }
}

/// The result of tuning.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TuningView {
    /// The index or collection.
    pub collection: String,
    /// The embedder that the weights are for.
    pub embedder: String,
    /// The best weights on the training half.
    pub weights: FusionWeights,
    /// The number of questions for training.
    pub training_questions: usize,
    /// The number of held-out questions.
    pub held_out_questions: usize,
    /// nDCG@10 on the training half: with the default weights, with the tuned ones.
    pub training_ndcg_at_10: [f64; 2],
    /// The same on the held-out half.
    pub held_out_ndcg_at_10: [f64; 2],
    /// Tuned − default on the held-out half.
    pub difference: Difference,
    /// True if the index now uses these weights.
    pub is_kept: bool,
}

/// A comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ComparisonView {
    /// The content of `report.json`.
    #[serde(flatten)]
    pub report: Report,
    /// The path of the HTML report.
    pub page: PathBuf,
}

/// The result of generating questions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GeneratedQuestionsView {
    /// The file with the questions.
    pub file: PathBuf,
    /// The number of questions.
    pub questions: usize,
    /// The number discarded because they copied a run of words from their passage.
    pub copied: usize,
    /// The number discarded because they did not retrieve their passage.
    pub not_found: usize,
    /// The number discarded because they shared most words with an earlier question.
    pub duplicates: usize,
}

impl EvaluationView {
    /// The evaluation of the collection called `name`.
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
    /// The tuning on the collection called `name`.
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
    /// The questions written to `file`.
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
