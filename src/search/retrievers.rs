//! The retrievers that a search fuses: lexical, dense and sparse.

use std::sync::Arc;

use super::sources::{DenseSource, LexicalSource, SparseSource};
use super::{Hit, Query, QueryEncoder, Retriever};
use crate::error::Result;
use crate::index::store::ChunkId;
use crate::models::contracts::SparseEncoder;

/// Finds chunks that share words with the question, by BM25.
pub struct LexicalRetriever {
    source: Arc<dyn LexicalSource>,
}

impl LexicalRetriever {
    /// Searches the words of `source`.
    pub fn new(source: Arc<dyn LexicalSource>) -> Self {
        LexicalRetriever { source }
    }
}

impl Retriever for LexicalRetriever {
    fn name(&self) -> &str {
        "lexical"
    }

    fn score_of_absent(&self) -> Option<f32> {
        Some(0.0)
    }

    fn retrieve(&self, query: &Query, k: usize) -> Result<Vec<Hit>> {
        Ok(hits(self.name(), self.source.search(query.text(), k, query.filter())?))
    }
}

/// Finds chunks whose vectors have nearly the direction of the question's, by cosine.
pub struct DenseRetriever {
    source: Arc<dyn DenseSource>,
    encoder: Arc<QueryEncoder>,
}

impl DenseRetriever {
    /// Searches the vectors of `source`, which must be those of the embedder in `encoder`.
    pub fn new(source: Arc<dyn DenseSource>, encoder: Arc<QueryEncoder>) -> Self {
        DenseRetriever { source, encoder }
    }
}

impl Retriever for DenseRetriever {
    fn name(&self) -> &str {
        "dense"
    }

    fn score_of_absent(&self) -> Option<f32> {
        None
    }

    fn retrieve(&self, query: &Query, k: usize) -> Result<Vec<Hit>> {
        let embedded = self.encoder.encode(query)?;
        Ok(hits(self.name(), self.source.search(&embedded.vector, k, query.filter())?))
    }
}

/// Finds chunks that share learned terms with the question, by dot product.
pub struct SparseRetriever {
    source: Arc<dyn SparseSource>,
    encoder: Arc<dyn SparseEncoder>,
}

impl SparseRetriever {
    /// Searches the terms of `source`, which must be those of `encoder`.
    pub fn new(source: Arc<dyn SparseSource>, encoder: Arc<dyn SparseEncoder>) -> Self {
        SparseRetriever { source, encoder }
    }
}

impl Retriever for SparseRetriever {
    fn name(&self) -> &str {
        "sparse"
    }

    fn score_of_absent(&self) -> Option<f32> {
        Some(0.0)
    }

    fn retrieve(&self, query: &Query, k: usize) -> Result<Vec<Hit>> {
        let encoded = query.encoded_by(self.encoder.as_ref())?;
        Ok(hits(self.name(), self.source.search(&encoded.1, k, query.filter())?))
    }
}

fn hits(retriever: &str, found: Vec<(ChunkId, f32)>) -> Vec<Hit> {
    let ranked = found.into_iter().enumerate();
    ranked.map(|(at, (chunk, score))| Hit::of_one_leg(retriever, at + 1, chunk, score)).collect()
}
