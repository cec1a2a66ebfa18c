//! Compares an embedder with words alone on a folder's own questions, without a model to fetch.
//!
//! cargo run --example compare_embedders -- FOLDER QUESTIONS

use std::path::PathBuf;

use kinglet::experiment::compare::ComparedSystem;
use kinglet::experiment::measure_system::measure;
use kinglet::{Config, Kinglet, NoProgress};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or("corpora/handbook".to_string()));
    let questions = PathBuf::from(arguments.next().unwrap_or("corpora/tiny/questions.jsonl".to_string()));

    let home = tempfile::tempdir()?;
    let kinglet = Kinglet::new(home.path(), Config { embedder: "hashing-256".into(), ..Config::default() });
    kinglet.index("folder", &[folder], &NoProgress)?;
    let trial = kinglet.trial_over("folder", &questions)?;

    let embedders = ["hashing-256".into()];
    let modes = ["dense".to_string(), "hybrid".to_string()];
    let found = kinglet.systems(&embedders, &modes, &[])?;
    let entries: Vec<ComparedSystem<'_>> =
        found.systems.iter().map(|system| ComparedSystem { system, trial: &trial }).collect();
    // The command line measures each system in a process of its own; here all share this one, so memory says nothing.
    let comparisons = kinglet.compare(&entries, &home.path().join("comparison"), &|_, job| measure(job, &|_| {}))?;

    for comparison in &comparisons {
        for system in &comparison.systems {
            println!("{:24} nDCG@10 {:.3}", system.name, system.quality());
        }
        println!("\n{}", comparison.verdict.sentences.join("\n"));
    }
    assert_eq!(comparisons[0].systems.len(), 3, "two modes, and words alone");
    Ok(())
}
