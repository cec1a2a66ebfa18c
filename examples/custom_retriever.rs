//! A custom retriever, fused with BM25: it finds chunks whose headings share a word with the
//! question.

use std::collections::HashSet;
use std::sync::Arc;

use kinglet::index::Index;
use kinglet::index::store::StoredChunk;
use kinglet::search::{Fusion, Hit, IndexSources, LexicalRetriever, Pipeline, Query, Retriever};
use kinglet::text::content_words;
use kinglet::{Config, Kinglet, NoProgress, Result};

struct Headings {
    sources: Arc<IndexSources>,
    chunks: Vec<StoredChunk>,
}

impl Retriever for Headings {
    fn name(&self) -> &str {
        "headings"
    }

    fn score_of_absent(&self) -> Option<f32> {
        Some(0.0)
    }

    fn retrieve(&self, query: &Query, k: usize) -> Result<Vec<Hit>> {
        let asked: HashSet<String> = content_words(query.text()).collect();
        let filtered = self.sources.filtered(query.filter())?;
        let mut found: Vec<(usize, u64)> = self
            .chunks
            .iter()
            .filter(|stored| filtered.as_ref().is_none_or(|it| it.originals.contains(&stored.id)))
            .map(|stored| {
                let headings = stored.chunk.headings.join(" ");
                (content_words(&headings).filter(|word| asked.contains(word)).count(), stored.id)
            })
            .filter(|(shared, _)| *shared > 0)
            .collect();
        // The chunks are in the order of their places, and the sort is stable, so ties keep that
        // order.
        found.sort_by_key(|(count, ..)| std::cmp::Reverse(*count));
        found.truncate(k);
        let ranked = found.into_iter().enumerate();
        Ok(ranked.map(|(at, (shared, chunk))| Hit::of_one_leg(self.name(), at + 1, chunk, shared as f32)).collect())
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let home = tempfile::tempdir()?;
    let kinglet = Kinglet::new(home.path(), Config { embedder: "hashing-256".into(), ..Config::default() });
    kinglet.index("handbook", &["corpora/handbook".into()], &NoProgress)?;

    let index = Arc::new(Index::open(&kinglet.index_folder("handbook")?)?);
    let sources = IndexSources::new(index.clone());
    let chunks = index.chunks(&index.by_place(&index.searchable_ids()?)?)?;
    let headings = Headings { sources: sources.clone(), chunks };
    let retrievers: Vec<Arc<dyn Retriever>> =
        vec![Arc::new(LexicalRetriever::new(sources.clone())), Arc::new(headings)];
    let pipeline = Pipeline::new(sources, retrievers, Fusion::MinMax);
    let hits = pipeline.retrieve(&Query::new("exit codes"), 3)?;
    for hit in &hits {
        let stored = &index.chunks(&[hit.chunk])?[0];
        println!("{:.3}  {}", hit.score, stored.chunk.headings.join(" > "));
    }
    assert_eq!(hits.len(), 3);
    Ok(())
}
