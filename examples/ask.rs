//! Indexes a folder and answers a question over it, without downloading a model.
//!
//! cargo run --example ask -- FOLDER "QUESTION"

use std::path::PathBuf;

use futures::StreamExt;
use kinglet::{AnswerEvent, Config, Kinglet, NoProgress, SearchOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or("corpora/handbook".to_string()));
    let question = arguments.next().unwrap_or("How do I stop indexing without losing work?".to_string());

    let home = tempfile::tempdir()?;
    let config = Config { embedder: "hashing-256".into(), generator: "extractive".into(), ..Config::default() };
    let kinglet = Kinglet::new(home.path(), config);
    let summary = kinglet.index("folder", &[folder], &NoProgress)?;
    println!("{} files, {} chunks\n\n{question}\n", summary.read, summary.chunks);

    let mut events = kinglet.open("folder")?.ask(&question, &SearchOptions::default());
    let mut answer = None;
    while let Some(event) = events.next().await {
        match event? {
            AnswerEvent::Sentence(sentence) => print!("{}", sentence.text),
            AnswerEvent::Finished(finished) => answer = Some(finished),
            _ => {}
        }
    }
    let answer = answer.expect("the last event has the answer");
    println!("\n");
    for citation in &answer.citations {
        println!("[{}] {}{}", citation.n, citation.path, citation.place);
    }
    assert!(answer.refused || !answer.citations.is_empty(), "an answer is either a refusal or has citations");
    Ok(())
}
