//! Late interaction: how well each word of a question is met by some word of a passage.
//!
//! Source: Khattab & Zaharia, *ColBERT: Efficient and Effective Passage Search via Contextualized Late Interaction over BERT*,
//! SIGIR 2020. Here over the token vectors of an ordinary embedder, which was not trained for it and still ranks better so.

use std::sync::Arc;

use super::onnx::OnnxEmbedder;
use super::traits::{Reranker, Role};
use crate::error::{Error, Result};

/// Scores a passage by the mean, over the question's tokens, of the cosine of the passage's nearest token.
pub struct MaxSim {
    embedder: Arc<OnnxEmbedder>,
}

impl MaxSim {
    /// The name by which it is chosen.
    pub const ID: &'static str = "maxsim";

    /// Uses the token vectors of `embedder`.
    pub fn new(embedder: Arc<OnnxEmbedder>) -> Self {
        MaxSim { embedder }
    }
}

impl Reranker for MaxSim {
    fn name(&self) -> &str {
        Self::ID
    }

    fn score(&self, query: &str, passages: &[&str]) -> Result<Vec<f32>> {
        if passages.is_empty() {
            return Ok(Vec::new());
        }
        let asked = self.embedder.embed_tokens(Role::Query, &[query])?.pop().unwrap_or_default();
        if asked.is_empty() {
            return Err(Error::model("the embedder makes no tokens of the question"));
        }
        let passages = self.embedder.embed_tokens(Role::Passage, passages)?;
        let score = |tokens: &Vec<_>| -> f32 {
            let nearest = asked.iter().map(|word| tokens.iter().map(|token| word.cosine(token)).fold(-1.0, f32::max));
            nearest.sum::<f32>() / asked.len() as f32
        };
        Ok(passages.iter().map(score).collect())
    }
}
