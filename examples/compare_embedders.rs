//! Compares an embedder with lexical search on questions about a folder, without downloading a
//! model.
//!
//! cargo run --example compare_embedders -- FOLDER QUESTIONS

use std::path::PathBuf;

use kinglet::experiment::compare::ComparisonRequest;
use kinglet::experiment::test_collection::CollectionSource;
use kinglet::subprocess::Isolation;
use kinglet::{Config, Kinglet, NoProgress};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or("corpora/handbook".to_string()));
    let questions = PathBuf::from(arguments.next().unwrap_or("corpora/tiny/questions.jsonl".to_string()));

    let home = tempfile::tempdir()?;
    let kinglet = Kinglet::new(home.path(), Config { embedder: "hashing-256".into(), ..Config::default() });
    kinglet.index("folder", &[folder], &NoProgress)?;

    let plan = kinglet.plan_comparison(ComparisonRequest {
        collection: CollectionSource::index("folder", questions),
        embedders: vec!["hashing-256".into()],
        modes: vec!["dense".to_string(), "hybrid".to_string()],
        vary: Vec::new(),
        folder: Some(home.path().join("comparison")),
    })?;
    // The command line measures each system in a process of its own. Here all share one, so their
    // memory figures mean nothing.
    let finished = kinglet.run_comparison(&plan, &Isolation::InProcess, &NoProgress, &|_| {})?;
    let comparisons = &finished.report.comparisons;

    for comparison in comparisons {
        for system in &comparison.systems {
            println!("{:24} nDCG@10 {:.3}", system.name, system.quality());
        }
        println!("\n{}", comparison.verdict.sentences.join("\n"));
    }
    assert_eq!(comparisons[0].systems.len(), 4, "two modes, lexical search, and what the index uses now");
    Ok(())
}
