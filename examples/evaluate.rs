//! Evaluates how well an index answers questions with known answers, without downloading a model.
//!
//! cargo run --example evaluate -- FOLDER QUESTIONS

use std::path::PathBuf;

use kinglet::experiment::test_collection::CollectionSource;
use kinglet::{Config, Kinglet, NoProgress};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or("corpora/handbook".to_string()));
    let questions = PathBuf::from(arguments.next().unwrap_or("corpora/tiny/questions.jsonl".to_string()));

    let home = tempfile::tempdir()?;
    let kinglet = Kinglet::new(home.path(), Config { embedder: "hashing-256".into(), ..Config::default() });
    kinglet.index("folder", &[folder], &NoProgress)?;
    let collection = kinglet.test_collection(&CollectionSource::index("folder", questions), &NoProgress)?;

    let (run, evaluation) = kinglet.evaluate(&collection, &|_| {})?;
    for estimate in &evaluation.estimates {
        let [low, high] = estimate.interval;
        println!("{:12} {:.3}  ({low:.3} to {high:.3})", estimate.metric, estimate.mean);
    }
    assert_eq!(run.rankings.len(), evaluation.questions, "a ranking for each question");
    Ok(())
}
