//! Is it any good? Judged questions are put to a retriever, and the rankings are measured.

pub mod bootstrap;
pub mod comparison;
pub mod judged;
pub mod metrics;
pub mod report;
pub mod significance;
pub mod tune;

use std::collections::HashSet;
use std::fmt::Write;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::index::store::ChunkId;
use crate::search::{Query, Retriever};

use bootstrap::mean_with_interval;
use judged::{Granularity, Question};
use metrics::Measures;

/// How many chunks are retrieved for a query, before they are collapsed to documents.
pub const DEPTH: usize = 1000;

/// A document or passage in a ranking, with the score of its best chunk.
pub type Ranked = (String, f32);

/// What a retriever made of every question.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// In the order of the questions: a question's id and what was found, best first, none twice.
    pub rankings: Vec<(String, Vec<Ranked>)>,
    /// Milliseconds each question took.
    pub took_ms: Vec<f64>,
}

/// Puts every question to `retriever`, which finds `depth` chunks. `names_of` names the units that a chunk belongs to; `done` is told
/// after each question how many were put.
///
/// # Errors
/// When the retriever fails.
pub fn run<'n>(
    questions: &[Question],
    retriever: &dyn Retriever,
    depth: usize,
    names_of: &dyn Fn(Granularity, ChunkId) -> Result<&'n [String]>,
    done: &dyn Fn(usize),
) -> Result<Run> {
    let mut run = Run::default();
    for (at, question) in questions.iter().enumerate() {
        let started = Instant::now();
        let hits = retriever.retrieve(&Query::new(&question.text), depth)?;
        run.took_ms.push(started.elapsed().as_secs_f64() * 1000.0);
        let mut seen = HashSet::new();
        let mut ranking = Vec::new();
        for hit in hits {
            for name in names_of(question.unit, hit.chunk)? {
                if seen.insert(name) {
                    ranking.push((name.clone(), hit.score));
                }
            }
        }
        run.rankings.push((question.id.clone(), ranking));
        done(at + 1);
    }
    Ok(run)
}

/// A mean over queries with its bootstrap interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Its 95 % interval.
    pub interval: [f64; 2],
}

/// How good a run was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// Queries that were put.
    pub queries: usize,
    /// By the names of [`Measures`], such as `ndcg_at_10`: the means.
    #[serde(flatten)]
    pub means: Measures,
    /// In the order of [`Measures::NAMES`]: the means again, with their intervals.
    pub estimates: Vec<(&'static str, Estimate)>,
    /// The time that half of the queries took at most, in milliseconds.
    pub p50_ms: f64,
    /// The time that 95 of 100 queries took at most, in milliseconds.
    pub p95_ms: f64,
}

/// Measures each ranking of a run over `questions` against their judgments.
pub fn measured(questions: &[Question], run: &Run) -> Vec<Measures> {
    let of = |(question, (_, ranking)): (&Question, &(String, Vec<Ranked>))| {
        let names: Vec<&str> = ranking.iter().map(|(name, _)| name.as_str()).collect();
        Measures::of(&names, &question.judgments)
    };
    questions.iter().zip(&run.rankings).map(of).collect()
}

/// Measures a run over `questions` against their judgments.
pub fn evaluate(questions: &[Question], run: &Run) -> Evaluation {
    let measures = measured(questions, run);
    let estimate = |at: usize| {
        let values: Vec<f64> = measures.iter().map(|measures| measures.values()[at]).collect();
        let (mean, interval) = mean_with_interval(&values);
        Estimate { mean, interval }
    };
    let places: [usize; 6] = std::array::from_fn(|at| at);
    let estimates = places.map(|at| (Measures::NAMES[at], estimate(at)));
    let means = Measures::from_values(estimates.each_ref().map(|(_, estimate)| estimate.mean));
    Evaluation {
        queries: measures.len(),
        means,
        estimates: estimates.to_vec(),
        p50_ms: percentile(&run.took_ms, 0.5),
        p95_ms: percentile(&run.took_ms, 0.95),
    }
}

/// The value that this share of `values` does not exceed; 0 when there are none.
pub fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(((sorted.len().max(1) - 1) as f64 * share).ceil() as usize).copied().unwrap_or(0.0)
}

/// A run in TREC's format: query, `Q0`, document, rank from 1, score, name. Scores fall strictly, so that tools which sort by
/// score keep the order.
pub fn trec(run: &Run, name: &str) -> String {
    let mut text = String::new();
    for (query, ranking) in &run.rankings {
        for (at, (document, _)) in ranking.iter().enumerate() {
            let (rank, score) = (at + 1, ranking.len() - at);
            writeln!(text, "{query} Q0 {document} {rank} {score} {name}").expect("a string takes everything");
        }
    }
    text
}
