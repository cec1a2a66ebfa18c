//! A custom generator: it writes the first sentence of the first passage. kinglet finds the
//! passages and checks every answer against them, whatever generator writes it.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use kinglet::models::contracts::{Generator, Token};
use kinglet::models::prompt::{AnswerForm, Prompt};
use kinglet::text::sentences;
use kinglet::{Config, Kinglet, NoProgress, Result, SearchOptions, collect_answer};

struct FirstSentence;

impl Generator for FirstSentence {
    fn name(&self) -> &str {
        "first-sentence"
    }

    fn context_tokens(&self) -> usize {
        4096
    }

    fn prompt_tokens(&self, prompt: &Prompt) -> Result<usize> {
        Ok(prompt.estimated_tokens(AnswerForm::Free))
    }

    fn generate(&self, prompt: &Prompt) -> BoxStream<'static, Result<Token>> {
        let passage = prompt.passages.first().map_or("", |passage| passage.text.as_str());
        let sentence = sentences(passage).first().map(|span| span.of(passage)).unwrap_or_default();
        // A model would send its words one by one, as it writes them. `[1]` cites the first
        // passage.
        let words: Vec<String> = format!("{sentence} [1]").split_inclusive(' ').map(str::to_string).collect();
        stream::iter(words.into_iter().map(|text| Ok(text.into()))).boxed()
    }
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let (home, documents) = (folder.path().join("home"), folder.path().join("documents"));
    std::fs::create_dir(&documents)?;
    std::fs::write(documents.join("lease.txt"), "The rent is 900 euros. The lease ends in May.")?;

    let config = Config { embedder: "hashing-256".into(), ..Config::default() };
    let kinglet = Kinglet::new(home, config).with_generator(Arc::new(FirstSentence));
    kinglet.index("documents", &[documents], &NoProgress)?;
    let events = kinglet.open("documents")?.ask("How much is the rent?", &SearchOptions::default());
    let answer = collect_answer(events).await?;
    println!("{}", answer.answer);
    assert_eq!(answer.answer, "The rent is 900 euros. [1]");
    assert_eq!(answer.citations.len(), 1);
    Ok(())
}
