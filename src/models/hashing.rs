//! An embedder without a model, for tests, examples and machines that cannot download one.
//!
//! Deterministic and offline. Feature hashing of words and of three-letter parts of words:
//! Weinberger, Dasgupta, Langford, Smola & Attenberg, *Feature Hashing for Large Scale Multitask
//! Learning*, ICML 2009. It compares spelling, not meaning.

use std::collections::BTreeMap;

use super::contracts::{Embedder, EmbedderCard, Pooling, Role, TokenEmbedder};
use crate::error::Result;
use crate::text::words;
use crate::vector::Vector;

/// The weight of a whole word relative to one of its three-letter parts.
const WORD_WEIGHT: f32 = 3.0;

/// An embedder whose vectors depend only on the text.
pub struct HashingEmbedder {
    card: EmbedderCard,
}

impl HashingEmbedder {
    /// The id of the embedder with 256 dimensions, which the configuration can name.
    pub const ID: &'static str = "hashing-256";

    /// Creates an embedder with vectors of `dimension` components, at least 1.
    pub fn new(dimension: usize) -> Self {
        let card = EmbedderCard {
            id: format!("hashing-{dimension}"),
            dimension: dimension.max(1),
            max_tokens: usize::MAX,
            pooling: Pooling::Mean,
            query_prefix: String::new(),
            passage_prefix: String::new(),
            weights: "feature hashing, version 1".to_string(),
        };
        HashingEmbedder { card }
    }

    fn vector(&self, text: &str) -> Result<Vector> {
        let mut counts: BTreeMap<String, f32> = BTreeMap::new();
        for word in words(text) {
            let letters: Vec<char> = format!("<{word}>").chars().collect();
            for part in letters.windows(3) {
                *counts.entry(part.iter().collect()).or_default() += 1.0;
            }
            *counts.entry(format!("word {word}")).or_default() += WORD_WEIGHT;
        }
        let mut components = vec![0.0; self.card.dimension];
        for (feature, count) in &counts {
            let hash = blake3::hash(feature.as_bytes());
            let number = u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("eight bytes"));
            let sign = if hash.as_bytes()[8] & 1 == 0 { 1.0 } else { -1.0 };
            components[(number % self.card.dimension as u64) as usize] += sign * (1.0 + count).ln();
        }
        if components.iter().all(|&component| component == 0.0) {
            // A text without words (or whose words cancel out) needs a direction too, always the
            // same.
            components[0] = 1.0;
        }
        Vector::normalised(components)
    }
}

impl Embedder for HashingEmbedder {
    fn card(&self) -> &EmbedderCard {
        &self.card
    }

    fn embed(&self, _: Role, texts: &[&str]) -> Result<Vec<Vector>> {
        texts.iter().map(|text| self.vector(text)).collect()
    }

    fn token_embedder(&self) -> Option<&dyn TokenEmbedder> {
        None
    }
}
