//! Statistics over rankings: metrics, intervals, comparisons and their report. This module knows
//! nothing of the pipelines that produce rankings.

pub mod bootstrap;
pub mod comparison;
pub mod datasets;
pub mod judgments;
pub mod metrics;
pub mod report;
pub mod significance;

use std::fmt::Write;

use serde::Serialize;

use bootstrap::mean_with_interval;
use judgments::Question;
use metrics::Metrics;

/// A document or passage in a ranking, with the score of its best chunk.
pub type Ranked = (String, f32);

/// The rankings of one system, in the order of the questions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    /// The id of each question and its ranking, best first, none twice.
    pub rankings: Vec<(String, Vec<Ranked>)>,
    /// The time for each question, in milliseconds.
    pub took_ms: Vec<f64>,
}

/// The mean of a metric over questions, with its bootstrap interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// One of [`Metrics::NAMES`].
    pub metric: &'static str,
    /// The mean.
    pub mean: f64,
    /// Its 95 % interval.
    pub interval: [f64; 2],
}

/// The quality and speed of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The number of questions.
    pub questions: usize,
    /// The mean of each metric.
    pub means: Metrics,
    /// The means again with their intervals, in the order of [`Metrics::NAMES`].
    pub estimates: Vec<Estimate>,
    /// The median time for a question, in milliseconds.
    pub p50_ms: f64,
    /// The 95th percentile of the time for a question, in milliseconds.
    pub p95_ms: f64,
}

/// The metrics of each ranking of a run over `questions`.
pub fn metrics_by_question(questions: &[Question], run: &Run) -> Vec<Metrics> {
    let of = |(question, (_, ranking)): (&Question, &(String, Vec<Ranked>))| {
        let names: Vec<&str> = ranking.iter().map(|(name, _)| name.as_str()).collect();
        Metrics::of(&names, &question.judgments)
    };
    questions.iter().zip(&run.rankings).map(of).collect()
}

/// The mean of each metric over questions, in the order of [`Metrics::NAMES`].
pub fn estimates(metrics: &[Metrics]) -> [Estimate; 6] {
    std::array::from_fn(|at| {
        let values: Vec<f64> = metrics.iter().map(|metrics| metrics.values()[at]).collect();
        let (mean, interval) = mean_with_interval(&values);
        Estimate { metric: Metrics::NAMES[at], mean, interval }
    })
}

/// Evaluates a run over `questions`.
pub fn evaluate(questions: &[Question], run: &Run) -> Evaluation {
    let metrics = metrics_by_question(questions, run);
    let estimates = estimates(&metrics);
    Evaluation {
        questions: metrics.len(),
        means: Metrics::from_values(estimates.map(|estimate| estimate.mean)),
        estimates: estimates.to_vec(),
        p50_ms: percentile(&run.took_ms, 0.5),
        p95_ms: percentile(&run.took_ms, 0.95),
    }
}

/// The value that this share of `values` does not exceed; 0 if there are no values.
pub fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(((sorted.len().max(1) - 1) as f64 * share).ceil() as usize).copied().unwrap_or(0.0)
}

/// A run in TREC's format: question, `Q0`, document, rank from 1, score, name. Scores decrease
/// strictly, so that tools that sort by score keep the order.
pub fn trec(run: &Run, name: &str) -> String {
    let mut text = String::new();
    for (question, ranking) in &run.rankings {
        for (at, (document, _)) in ranking.iter().enumerate() {
            let (rank, score) = (at + 1, ranking.len() - at);
            writeln!(text, "{question} Q0 {document} {rank} {score} {name}").expect("a string takes everything");
        }
    }
    text
}
