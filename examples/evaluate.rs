//! Measures how well an index answers judged questions, without a model to fetch.
//!
//! cargo run --example evaluate -- FOLDER QUESTIONS

use std::path::PathBuf;

use kinglet::{Config, Kinglet, NoProgress};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or("corpora/handbook".to_string()));
    let questions = PathBuf::from(arguments.next().unwrap_or("corpora/tiny/questions.jsonl".to_string()));

    let home = tempfile::tempdir()?;
    let kinglet = Kinglet::new(home.path(), Config { embedder: "hashing-256".into(), ..Config::default() });
    kinglet.index("folder", &[folder], &NoProgress)?;
    let trial = kinglet.trial_over("folder", &questions)?;

    let (run, evaluation) = kinglet.evaluate(&trial, &|_| {})?;
    for (measure, estimate) in &evaluation.estimates {
        let [low, high] = estimate.interval;
        println!("{measure:12} {:.3}  ({low:.3} to {high:.3})", estimate.mean);
    }
    assert_eq!(run.rankings.len(), evaluation.queries, "a ranking for each question");
    Ok(())
}
