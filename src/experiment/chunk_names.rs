//! Maps the chunks of an index to the names that judgments use for passages and documents.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, Result};
use crate::eval::judgments::Granularity;
use crate::index::store::{ChunkId, Outline};

/// The names of each searchable chunk and of its duplicates.
pub(super) struct ChunkNames {
    documents: usize,
    by_chunk: HashMap<ChunkId, Names>,
}

#[derive(Default)]
struct Names {
    documents: Vec<String>,
    passages: Vec<String>,
}

impl Names {
    fn of(&self, granularity: Granularity) -> &[String] {
        match granularity {
            Granularity::Document => &self.documents,
            Granularity::Passage => &self.passages,
        }
    }
}

impl ChunkNames {
    /// Names every chunk; `name` returns the name of a chunk's document and that of the chunk
    /// itself.
    pub fn new(outlines: &[Outline], name: impl Fn(&Outline) -> Result<[String; 2]>) -> Result<Self> {
        let mut by_chunk: HashMap<ChunkId, Names> = HashMap::new();
        let mut documents = HashSet::new();
        let (originals, duplicates): (Vec<_>, Vec<_>) = outlines.iter().partition(|it| it.chunk == it.original);
        for outline in originals.into_iter().chain(duplicates) {
            let [document, passage] = name(outline)?;
            documents.insert(document.clone());
            let names = by_chunk.entry(outline.original).or_default();
            names.documents.push(document);
            names.passages.push(passage);
        }
        Ok(ChunkNames { documents: documents.len(), by_chunk })
    }

    /// The number of documents.
    pub fn documents(&self) -> usize {
        self.documents
    }

    /// Turns a ranking of chunks into one of documents or passages, at most `limit` of them: each
    /// has the rank of its best chunk.
    pub fn ranking(
        &self,
        granularity: Granularity,
        chunks: impl IntoIterator<Item = (ChunkId, f32)>,
        limit: usize,
    ) -> Result<Vec<(String, f32)>> {
        let mut seen = HashSet::new();
        let mut ranking = Vec::new();
        for (chunk, score) in chunks {
            let names = self.by_chunk.get(&chunk);
            let names = names.ok_or_else(|| Error::damaged(format!("chunk {chunk} has no document")))?;
            for name in names.of(granularity) {
                if ranking.len() < limit && seen.insert(name) {
                    ranking.push((name.clone(), score));
                }
            }
        }
        Ok(ranking)
    }

    /// The first chunk of the passage or document with this name.
    pub fn first_chunk(&self, granularity: Granularity, name: &str) -> Option<ChunkId> {
        let named = self.by_chunk.iter().filter(|(_, names)| names.of(granularity).iter().any(|it| it == name));
        named.map(|(chunk, _)| *chunk).min()
    }
}
