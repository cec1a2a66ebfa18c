//! The legs that a search stands on: words, vectors and learned terms.

use std::sync::Arc;

use super::ranking::rank;
use super::{Hit, Query, Retriever};
use crate::error::Result;
use crate::index::Index;
use crate::models::contracts::{Embedder, Role, SparseEncoder};

/// Chunks that share words with the question, by BM25.
pub struct LexicalLeg {
    index: Arc<Index>,
}

impl LexicalLeg {
    /// The words of `index`.
    pub fn new(index: Arc<Index>) -> Self {
        LexicalLeg { index }
    }
}

impl Retriever for LexicalLeg {
    fn name(&self) -> &str {
        "lexical"
    }

    fn score_of_absent(&self) -> Option<f32> {
        Some(0.0)
    }

    fn retrieve(&self, query: &Query, k: usize) -> Result<Vec<Hit>> {
        hits(&self.index, self.name(), self.index.search_lexical(&query.text, k, query.among.as_ref())?, k)
    }
}

/// Chunks whose vectors point where the question's does, by cosine.
pub struct DenseLeg {
    index: Arc<Index>,
    embedder: Arc<dyn Embedder>,
}

impl DenseLeg {
    /// The vectors that `embedder` made for `index`.
    ///
    /// # Errors
    /// When the index has none of exactly this embedder.
    pub fn new(index: Arc<Index>, embedder: Arc<dyn Embedder>) -> Result<Self> {
        index.dense(embedder.card())?;
        Ok(DenseLeg { index, embedder })
    }
}

impl Retriever for DenseLeg {
    fn name(&self) -> &str {
        "dense"
    }

    fn score_of_absent(&self) -> Option<f32> {
        None
    }

    fn retrieve(&self, query: &Query, k: usize) -> Result<Vec<Hit>> {
        let vectors = self.embedder.embed(Role::Query, &[&query.text])?;
        let [vector] = vectors.as_slice() else {
            return Err(crate::Error::model(format!(
                "{} gave {} vectors for one question",
                self.embedder.card().id,
                vectors.len()
            )));
        };
        let found = self.index.search_dense(self.embedder.card(), vector, k, query.among.as_ref())?;
        hits(&self.index, self.name(), found, k)
    }
}

/// Chunks that are about what the question is about, by terms that a model gave both.
pub struct SparseLeg {
    index: Arc<Index>,
    encoder: Arc<dyn SparseEncoder>,
}

impl SparseLeg {
    /// The terms that `encoder` gave the chunks of `index`.
    ///
    /// # Errors
    /// When the index has none of exactly this encoder.
    pub fn new(index: Arc<Index>, encoder: Arc<dyn SparseEncoder>) -> Result<Self> {
        index.sparse(encoder.card())?;
        Ok(SparseLeg { index, encoder })
    }
}

impl Retriever for SparseLeg {
    fn name(&self) -> &str {
        "sparse"
    }

    fn score_of_absent(&self) -> Option<f32> {
        Some(0.0)
    }

    fn retrieve(&self, query: &Query, k: usize) -> Result<Vec<Hit>> {
        let vectors = self.encoder.encode(Role::Query, &[&query.text])?;
        let [vector] = vectors.as_slice() else {
            return Err(crate::Error::model(format!(
                "{} gave {} vectors for one question",
                self.encoder.card().id,
                vectors.len()
            )));
        };
        let found = self.index.search_sparse(self.encoder.card(), vector, k, query.among.as_ref())?;
        hits(&self.index, self.name(), found, k)
    }
}

fn hits(index: &Index, leg: &str, mut found: Vec<(u64, f32)>, k: usize) -> Result<Vec<Hit>> {
    rank(index, &mut found, k)?;
    let ranked = found.into_iter().enumerate();
    Ok(ranked.map(|(at, (chunk, score))| Hit::of_one_leg(leg, at + 1, chunk, score)).collect())
}
