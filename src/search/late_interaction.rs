//! Late interaction: how well each word of a question is met by some word of a passage.
//!
//! Source: Khattab & Zaharia, *ColBERT: Efficient and Effective Passage Search via Contextualized Late Interaction over BERT*,
//! SIGIR 2020. Here over the token vectors of an ordinary embedder, which was not trained for it and still ranks better so, with
//! the words of the question weighed by how rare they are, and only the signs of the passages' vectors kept.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::index::Index;
use crate::models::contracts::{Embedder, Reranker, Role, TokenEmbedder};
use crate::vector::{SignTable, signs};

/// What every token of the question counts, beside the rarity of its word: stop words and punctuation count a little.
const LEAST_WEIGHT: f32 = 0.5;

/// Scores a passage by the mean, over the question's tokens weighed by the rarity of their words, of the cosine of the passage's
/// nearest token.
pub struct MaxSim {
    index: Arc<Index>,
    embedder: Arc<dyn Embedder>,
}

impl MaxSim {
    /// The name by which it is chosen.
    pub const ID: &'static str = "maxsim";

    /// Uses the token vectors of `embedder`: those that `index` has stored, and for other passages those made anew.
    ///
    /// # Errors
    /// When the embedder has no token vectors.
    pub fn new(index: Arc<Index>, embedder: Arc<dyn Embedder>) -> Result<Self> {
        match embedder.token_embedder() {
            Some(_) => Ok(MaxSim { index, embedder }),
            None => Err(Error::input(format!("{} has no token vectors, which maxsim compares", embedder.card().id))
                .with_hint("use `--rerank none`, or an embedder such as all-minilm-l6-v2")),
        }
    }

    fn tokens(&self) -> &dyn TokenEmbedder {
        self.embedder.token_embedder().expect("`new` has looked")
    }

    /// The question's tokens with their weights.
    fn asked(&self, query: &str) -> Result<Vec<(SignTable, f32)>> {
        let words = self.index.lexical().rarities(query)?;
        let spans = self.tokens().token_spans(Role::Query, query)?;
        let embedded = self.tokens().embed_tokens(Role::Query, &[query])?;
        let vectors = embedded.first().map(|text| text.tokens.as_slice()).unwrap_or_default();
        if vectors.is_empty() || vectors.len() != spans.len() {
            return Err(Error::model(format!("{} lost count of the question's tokens", self.embedder.card().id)));
        }
        let weight = |span: &crate::text::Span| {
            let over = words.iter().find(|(word, _)| word.start < span.end && span.start < word.end);
            over.map_or(0.0, |(_, rarity)| *rarity)
        };
        let weights = spans.iter().map(|span| LEAST_WEIGHT + span.as_ref().map_or(0.0, weight));
        Ok(vectors.iter().map(SignTable::new).zip(weights).collect())
    }

    /// The signs of the passages' tokens, stored or made.
    fn passages(&self, passages: &[&str]) -> Result<Vec<Vec<u8>>> {
        let stored = match self.index.tokens(self.embedder.card())? {
            Some(store) => passages
                .iter()
                .map(|passage| store.get(blake3::hash(passage.as_bytes()).as_bytes()))
                .collect::<Result<Vec<_>>>()?,
            None => vec![None; passages.len()],
        };
        let missing: Vec<&str> =
            passages.iter().zip(&stored).filter(|(_, stored)| stored.is_none()).map(|(passage, _)| *passage).collect();
        let mut made = self.tokens().embed_tokens(Role::Passage, &missing)?.into_iter();
        let mut make = || {
            let text = made.next().ok_or_else(|| Error::model("the embedder lost a passage"))?;
            Ok(text.tokens.iter().flat_map(signs).collect())
        };
        stored.into_iter().map(|stored| stored.map_or_else(&mut make, Ok)).collect()
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
        let asked = self.asked(query)?;
        let total: f32 = asked.iter().map(|(_, weight)| weight).sum();
        let token_bytes = self.embedder.card().dimension.div_ceil(8);
        let score = |tokens: &Vec<u8>| {
            let nearest =
                |table: &SignTable| tokens.chunks(token_bytes).map(|token| table.cosine(token)).fold(-1.0, f32::max);
            asked.iter().map(|(table, weight)| weight * nearest(table)).sum::<f32>() / total
        };
        Ok(self.passages(passages)?.iter().map(score).collect())
    }
}
