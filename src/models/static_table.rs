//! Static embedders: a table has a vector for each token, and a text's vector is their mean.
//!
//! Reads the tables of WordLlama (<https://github.com/dleemiller/WordLlama>) and model2vec
//! (<https://github.com/MinishLab/model2vec>): `embedding.weight` or `embeddings`, of 16 or 32
//! bits, and, if a file has them, model2vec's `mapping` of tokens to rows and `weights` of tokens.

use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use tokenizers::Tokenizer;

use super::catalog::ModelSpec;
use super::contracts::{Embedder, EmbedderCard, Role, TokenEmbedder};
use super::store::ModelStore;
use crate::error::{Error, Hint, Result};
use crate::vector::Vector;

/// An embedder whose model is a table of token vectors.
pub struct StaticEmbedder {
    card: EmbedderCard,
    tokenizer: Tokenizer,
    /// Rows of `card.dimension` components, one after another.
    table: Vec<f32>,
    /// The row of each token; empty if a token's row is its number.
    rows: Vec<usize>,
    /// The weight of each token; empty if all have the same.
    weights: Vec<f32>,
}

impl StaticEmbedder {
    /// Opens the embedder `spec`, whose files are in `store`.
    ///
    /// # Errors
    /// When the files are missing, or not such a table and its tokenizer.
    pub fn open(store: &ModelStore, spec: &ModelSpec) -> Result<Self> {
        let folder = store.require(spec)?;
        let card = store.card(spec)?;
        let unreadable = |cause: &dyn std::fmt::Display| {
            Error::damaged(format!("{} could not be opened: {cause}", spec.id)).with_hint(Hint::pull(&spec.id, true))
        };
        let tokenizer = Tokenizer::from_file(folder.join("tokenizer.json")).map_err(|cause| unreadable(&cause))?;
        let bytes = read(&folder.join("model.safetensors"))?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|cause| unreadable(&cause))?;
        let named = |names: &[&str]| names.iter().find_map(|name| tensors.tensor(name).ok());
        let table = named(&["embedding.weight", "embeddings"]).ok_or_else(|| unreadable(&"it has no table"))?;
        if table.shape().len() != 2 || table.shape()[1] != card.dimension {
            return Err(unreadable(&format!("its table has the shape {:?}", table.shape())));
        }
        let numbers = |tensor: &TensorView<'_>| {
            floats(tensor).ok_or_else(|| unreadable(&format!("it holds numbers of the type {}", tensor.dtype())))
        };
        let embedder = StaticEmbedder {
            tokenizer,
            table: numbers(&table)?,
            rows: named(&["mapping"])
                .as_ref()
                .map(numbers)
                .transpose()?
                .map_or(Vec::new(), |rows| rows.into_iter().map(|row| row as usize).collect()),
            weights: named(&["weights"]).as_ref().map(numbers).transpose()?.unwrap_or_default(),
            card,
        };
        let rows = embedder.table.len() / embedder.card.dimension;
        if embedder.rows.iter().any(|row| *row >= rows) {
            return Err(unreadable(&"its mapping names rows that its table does not have"));
        }
        Ok(embedder)
    }

    fn vector(&self, text: &str) -> Result<Vector> {
        let encoded = self
            .tokenizer
            .encode_fast(text, false)
            .map_err(|cause| Error::model(format!("{} failed: {cause}", self.card.id)))?;
        let dimension = self.card.dimension;
        let mut sum = vec![0.0_f32; dimension];
        for &token in encoded.get_ids().iter().take(self.card.max_tokens) {
            let token = token as usize;
            let row = if self.rows.is_empty() { Some(token) } else { self.rows.get(token).copied() };
            let vector = row.and_then(|row| self.table.get(row * dimension..(row + 1) * dimension));
            let weight = self.weights.get(token).copied().unwrap_or(1.0);
            for (sum, component) in sum.iter_mut().zip(vector.unwrap_or_default()) {
                *sum += weight * component;
            }
        }
        if sum.iter().all(|component| *component == 0.0) {
            // A text without a known token needs a direction too.
            sum[0] = 1.0;
        }
        Vector::normalised(sum)
    }
}

impl Embedder for StaticEmbedder {
    fn card(&self) -> &EmbedderCard {
        &self.card
    }

    fn embed(&self, role: Role, texts: &[&str]) -> Result<Vec<Vector>> {
        let prefix = match role {
            Role::Query => &self.card.query_prefix,
            Role::Passage => &self.card.passage_prefix,
        };
        texts.iter().map(|text| self.vector(&format!("{prefix}{text}"))).collect()
    }

    fn token_embedder(&self) -> Option<&dyn TokenEmbedder> {
        None
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|cause| Error::io("read", path, cause))
}

/// The numbers of a tensor; `None` for types that no known file contains.
fn floats(tensor: &TensorView<'_>) -> Option<Vec<f32>> {
    let bytes = tensor.data();
    let eight = |bytes: &[u8]| bytes.try_into().expect("chunks of eight bytes");
    let four = |bytes: &[u8]| bytes.try_into().expect("chunks of four bytes");
    let two = |bytes: &[u8]| bytes.try_into().expect("chunks of two bytes");
    Some(match tensor.dtype() {
        Dtype::F64 => bytes.chunks_exact(8).map(|b| f64::from_le_bytes(eight(b)) as f32).collect(),
        Dtype::I64 => bytes.chunks_exact(8).map(|b| i64::from_le_bytes(eight(b)) as f32).collect(),
        Dtype::F32 => bytes.chunks_exact(4).map(|b| f32::from_le_bytes(four(b))).collect(),
        Dtype::I32 => bytes.chunks_exact(4).map(|b| i32::from_le_bytes(four(b)) as f32).collect(),
        Dtype::F16 => bytes.chunks_exact(2).map(|b| f16(u16::from_le_bytes(two(b)))).collect(),
        Dtype::BF16 => {
            bytes.chunks_exact(2).map(|b| f32::from_bits(u32::from(u16::from_le_bytes(two(b))) << 16)).collect()
        }
        _ => return None,
    })
}

/// Converts a 16-bit number of IEEE 754.
fn f16(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    sign * match exponent {
        0 => fraction * 2.0_f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2.0_f32.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_16_bits_are_read() {
        let cases =
            [(0x3c00, 1.0), (0xc000, -2.0), (0x3555, 0.333_251_95), (0x0001, 5.960_464_5e-8), (0x7bff, 65504.0)];
        for (bits, value) in cases {
            assert_eq!(f16(bits), value);
        }
        assert!(f16(0x7e00).is_nan() && f16(0x7c00).is_infinite());
    }
}
