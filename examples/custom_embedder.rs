//! A custom embedder: its vectors count the letters of a text.

use std::sync::Arc;

use kinglet::config::Mode;
use kinglet::models::contracts::{Embedder, EmbedderCard, Pooling, Role, TokenEmbedder};
use kinglet::vector::Vector;
use kinglet::{Config, Kinglet, NoProgress, Result, SearchOptions};

struct Letters {
    card: EmbedderCard,
}

impl Letters {
    fn new() -> Self {
        Letters {
            card: EmbedderCard {
                id: "letters".to_string(),
                dimension: 27,
                max_tokens: usize::MAX,
                pooling: Pooling::Mean,
                query_prefix: String::new(),
                passage_prefix: String::new(),
                weights: "1".to_string(), // a change here makes the next run embed all texts again
            },
        }
    }
}

impl Embedder for Letters {
    fn card(&self) -> &EmbedderCard {
        &self.card
    }

    fn embed(&self, _: Role, texts: &[&str]) -> Result<Vec<Vector>> {
        texts
            .iter()
            .map(|text| {
                let mut counts = vec![0.0; 27];
                counts[26] = 0.1; // so that a text without letters has a direction too
                for letter in text.bytes().map(|byte| byte.to_ascii_lowercase()).filter(u8::is_ascii_lowercase) {
                    counts[usize::from(letter - b'a')] += 1.0;
                }
                Vector::normalised(counts)
            })
            .collect()
    }

    fn token_embedder(&self) -> Option<&dyn TokenEmbedder> {
        None // letters have no tokens to compare
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let (home, documents) = (folder.path().join("home"), folder.path().join("documents"));
    std::fs::create_dir(&documents)?;
    std::fs::write(documents.join("bird.txt"), "kinglet")?;
    std::fs::write(documents.join("house.txt"), "lease")?;

    let config = Config { mode: Mode::Dense, ..Config::default() };
    let kinglet = Kinglet::new(home, config).with_embedder(Arc::new(Letters::new()));
    kinglet.index("documents", &[documents], &NoProgress)?;
    let index = kinglet.open("documents")?;
    let results = index.search("tingle", &SearchOptions::limited(2))?.results;
    for result in &results {
        println!("{:.3}  {}", result.hit.score, result.chunk.text);
    }
    let best = &results[0];
    assert_eq!(best.chunk.text, "kinglet");
    Ok(())
}
