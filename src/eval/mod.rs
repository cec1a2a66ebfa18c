//! Is it any good? Judged questions are put to a retriever, and the rankings are measured.

pub mod bootstrap;
pub mod metrics;

use std::collections::HashSet;
use std::fmt::Write;
use std::time::Instant;

use serde::Serialize;

use crate::corpus::beir::Beir;
use crate::error::Result;
use crate::index::documents::ChunkId;
use crate::search::{Query, Retriever};

use bootstrap::mean_with_interval;
use metrics::Measures;

/// How many chunks are retrieved for a query, before they are collapsed to documents.
pub const DEPTH: usize = 1000;

/// A document in a ranking, with the score of its best chunk.
pub type Ranked = (String, f32);

/// What a retriever made of every query of a collection.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// By query, in the collection's order: the query's id and documents, best first, none twice.
    pub rankings: Vec<(String, Vec<Ranked>)>,
    /// Milliseconds each query took.
    pub took_ms: Vec<f64>,
}

/// Puts every query to `retriever`. `document_of` names the document of a chunk; `done` is told after each query how many were
/// put.
///
/// # Errors
/// When the retriever fails.
pub fn run(
    collection: &Beir,
    retriever: &dyn Retriever,
    document_of: &dyn Fn(ChunkId) -> Result<String>,
    done: &dyn Fn(usize),
) -> Result<Run> {
    let mut run = Run { rankings: Vec::new(), took_ms: Vec::new() };
    for (at, (id, text)) in collection.queries.iter().enumerate() {
        let started = Instant::now();
        let hits = retriever.retrieve(&Query::new(text), DEPTH)?;
        run.took_ms.push(started.elapsed().as_secs_f64() * 1000.0);
        let mut seen = HashSet::new();
        let mut ranking = Vec::new();
        for hit in hits {
            let document = document_of(hit.chunk)?;
            if seen.insert(document.clone()) {
                ranking.push((document, hit.score));
            }
        }
        run.rankings.push((id.clone(), ranking));
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

/// Measures a run against the collection's judgments.
pub fn evaluate(collection: &Beir, run: &Run) -> Evaluation {
    let measures: Vec<Measures> = run
        .rankings
        .iter()
        .map(|(query, ranking)| {
            let ids: Vec<String> = ranking.iter().map(|(id, _)| id.clone()).collect();
            Measures::of(&ids, &collection.judgments[query])
        })
        .collect();
    let estimate = |at: usize| {
        let values: Vec<f64> = measures.iter().map(|measures| measures.values()[at]).collect();
        let (mean, interval) = mean_with_interval(&values);
        Estimate { mean, interval }
    };
    let estimates: Vec<_> = Measures::NAMES.into_iter().enumerate().map(|(at, name)| (name, estimate(at))).collect();
    let [ndcg_at_10, recall_at_10, recall_at_100, mrr_at_10, map] = [0, 1, 2, 3, 4].map(|at| estimates[at].1.mean);
    let mut took_ms = run.took_ms.clone();
    took_ms.sort_by(f64::total_cmp);
    let percentile = |share: f64| took_ms[((took_ms.len() - 1) as f64 * share).ceil() as usize];
    Evaluation {
        queries: measures.len(),
        means: Measures { ndcg_at_10, recall_at_10, recall_at_100, mrr_at_10, map },
        estimates,
        p50_ms: percentile(0.5),
        p95_ms: percentile(0.95),
    }
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
