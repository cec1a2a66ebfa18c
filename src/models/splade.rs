//! Learned sparse vectors: a small BERT weighs each term of its vocabulary for a text.
//!
//! A term can have a weight even if the text does not contain it. Only this file names candle.
//!
//! Source: Formal, Lassance, Piwowarski & Clinchant, *SPLADE v2: Sparse Lexical and Expansion Model
//! for Information Retrieval*, 2021: the weight of a term is the maximum, over the text's tokens,
//! of log(1 + relu(logit)). Devlin, Chang, Lee & Toutanova, *BERT*, NAACL 2019, for the forward
//! pass.

use std::collections::HashMap;

use candle_core::{D, Device, Tensor};
use candle_nn::{LayerNorm, Linear, Module, ops::softmax_last_dim};
use rayon::prelude::*;
use tokenizers::{Tokenizer, TruncationParams};

use super::catalog::ModelSpec;
use super::contracts::{Role, SparseCard, SparseEncoder};
use super::store::ModelStore;
use crate::error::{Error, Hint, Result};
use crate::vector::SparseVector;

/// The number of components of an attention head of a BERT.
const HEAD_DIMENSION: usize = 64;
/// The number that a BERT adds to a variance before it divides by the root.
const EPSILON: f64 = 1e-12;
/// Terms whose logits are computed together: few enough that these stay in the CPU's cache.
const TERMS_TOGETHER: usize = 2048;

/// A sparse encoder of the catalog. It runs each text by itself, so that its vector does not depend
/// on other texts, and several texts in parallel.
pub struct SpladeEncoder {
    card: SparseCard,
    tokenizer: Tokenizer,
    model: MaskedLanguageModel,
    threads: rayon::ThreadPool,
}

impl SpladeEncoder {
    /// Opens the encoder `spec`, whose files are in `store`, with `threads` threads (0 means one
    /// for each core).
    ///
    /// # Errors
    /// When `spec` is not a sparse encoder, or its files are missing or not such a model and its
    /// tokenizer.
    pub fn open(store: &ModelStore, spec: &ModelSpec, threads: usize) -> Result<Self> {
        let card = store.sparse_card(spec)?;
        let folder = store.require(spec)?;
        let unreadable = |cause: &dyn std::fmt::Display| {
            Error::damaged(format!("{} could not be opened: {cause}", spec.id)).with_hint(Hint::pull(&spec.id, true))
        };
        let mut tokenizer = Tokenizer::from_file(folder.join("tokenizer.json")).map_err(|cause| unreadable(&cause))?;
        let truncation = TruncationParams { max_length: card.max_tokens, ..TruncationParams::default() };
        tokenizer.with_padding(None).with_truncation(Some(truncation)).map_err(|cause| unreadable(&cause))?;
        let tensors = candle_core::safetensors::load(folder.join("model.safetensors"), &Device::Cpu);
        let model =
            tensors.and_then(|tensors| MaskedLanguageModel::of(&tensors)).map_err(|cause| unreadable(&cause))?;
        if model.words.dims()[0] != card.vocabulary {
            return Err(unreadable(&format!("its vocabulary has {} terms", model.words.dims()[0])));
        }
        let threads = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let threads = threads.map_err(|cause| Error::model(format!("no threads for {}: {cause}", spec.id)))?;
        Ok(SpladeEncoder { card, tokenizer, model, threads })
    }

    fn vector(&self, text: &str) -> Result<SparseVector> {
        let failed = |cause: &dyn std::fmt::Display| Error::model(format!("{} failed: {cause}", self.card.id));
        let encoded = self.tokenizer.encode_fast(text, true).map_err(|cause| failed(&cause))?;
        let logits = self.model.largest_logits(encoded.get_ids()).map_err(|cause| failed(&cause))?;
        // NaN is kept, so that `SparseVector` refuses it.
        let positive = logits.into_iter().zip(0..).filter(|(logit, _)| *logit > 0.0 || logit.is_nan());
        SparseVector::new(positive.map(|(logit, term)| (term, logit.ln_1p())).collect())
    }
}

impl SparseEncoder for SpladeEncoder {
    fn card(&self) -> &SparseCard {
        &self.card
    }

    fn encode(&self, _: Role, texts: &[&str]) -> Result<Vec<SparseVector>> {
        self.threads.install(|| texts.par_iter().map(|text| self.vector(text)).collect())
    }
}

/// A BERT that predicts which terms could stand in the place of each token.
struct MaskedLanguageModel {
    words: Tensor,
    positions: Tensor,
    first_segment: Tensor,
    embedded: LayerNorm,
    layers: Vec<Layer>,
    transform: Linear,
    transformed: LayerNorm,
    bias: Vec<f32>,
}

/// Attention, and two dense layers that process each token by itself.
struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    attended: (Linear, LayerNorm),
    widen: Linear,
    narrowed: (Linear, LayerNorm),
}

impl MaskedLanguageModel {
    fn of(tensors: &HashMap<String, Tensor>) -> candle_core::Result<Self> {
        let read = Tensors(tensors);
        let layer = |number: usize| -> candle_core::Result<Layer> {
            let at = |part: &str| format!("bert.encoder.layer.{number}.{part}");
            Ok(Layer {
                query: read.linear(&at("attention.self.query"))?,
                key: read.linear(&at("attention.self.key"))?,
                value: read.linear(&at("attention.self.value"))?,
                attended: (read.linear(&at("attention.output.dense"))?, read.norm(&at("attention.output.LayerNorm"))?),
                widen: read.linear(&at("intermediate.dense"))?,
                narrowed: (read.linear(&at("output.dense"))?, read.norm(&at("output.LayerNorm"))?),
            })
        };
        let has_layer =
            |number: &usize| tensors.contains_key(&format!("bert.encoder.layer.{number}.output.dense.weight"));
        Ok(MaskedLanguageModel {
            words: read.tensor("bert.embeddings.word_embeddings.weight")?,
            positions: read.tensor("bert.embeddings.position_embeddings.weight")?,
            first_segment: read.tensor("bert.embeddings.token_type_embeddings.weight")?.narrow(0, 0, 1)?,
            embedded: read.norm("bert.embeddings.LayerNorm")?,
            layers: (0..).take_while(has_layer).map(layer).collect::<candle_core::Result<_>>()?,
            transform: read.linear("cls.predictions.transform.dense")?,
            transformed: read.norm("cls.predictions.transform.LayerNorm")?,
            bias: read.tensor("cls.predictions.bias")?.to_vec1()?,
        })
    }

    /// For each term of the vocabulary, the largest logit that a token of the text gives it.
    fn largest_logits(&self, tokens: &[u32]) -> candle_core::Result<Vec<f32>> {
        let words = self.words.index_select(&Tensor::new(tokens, &Device::Cpu)?, 0)?;
        let placed = (words + self.positions.narrow(0, 0, tokens.len())?)?.broadcast_add(&self.first_segment)?;
        let mut hidden = self.embedded.forward(&placed)?;
        for layer in &self.layers {
            hidden = layer.forward(&hidden)?;
        }
        let hidden = self.transformed.forward(&self.transform.forward(&hidden)?.gelu_erf()?)?;
        // Terms × tokens, so that the maximum runs along the memory.
        let (tokens_last, terms) = (hidden.t()?, self.words.dims()[0]);
        let mut largest = Vec::with_capacity(terms);
        for start in (0..terms).step_by(TERMS_TOGETHER) {
            let words = self.words.narrow(0, start, TERMS_TOGETHER.min(terms - start))?;
            largest.extend(words.matmul(&tokens_last)?.max(D::Minus1)?.to_vec1::<f32>()?);
        }
        // The bias is a term's own, so that it can be added to the maximum.
        Ok(largest.into_iter().zip(&self.bias).map(|(logit, bias)| logit + bias).collect())
    }
}

impl Layer {
    /// Tokens × components → the same.
    fn forward(&self, hidden: &Tensor) -> candle_core::Result<Tensor> {
        let (tokens, dimension) = hidden.dims2()?;
        let heads = |linear: &Linear| {
            let split = linear.forward(hidden)?.reshape((tokens, dimension / HEAD_DIMENSION, HEAD_DIMENSION))?;
            split.transpose(0, 1)?.contiguous()
        };
        let scores = (heads(&self.query)?.matmul(&heads(&self.key)?.t()?)? / (HEAD_DIMENSION as f64).sqrt())?;
        let context = softmax_last_dim(&scores)?.matmul(&heads(&self.value)?)?;
        let context = context.transpose(0, 1)?.reshape((tokens, dimension))?;
        let hidden = self.attended.1.forward(&(self.attended.0.forward(&context)? + hidden)?)?;
        let wide = self.widen.forward(&hidden)?.gelu_erf()?;
        self.narrowed.1.forward(&(self.narrowed.0.forward(&wide)? + hidden)?)
    }
}

/// The tensors of a file by name.
struct Tensors<'t>(&'t HashMap<String, Tensor>);

impl Tensors<'_> {
    fn tensor(&self, name: &str) -> candle_core::Result<Tensor> {
        self.0.get(name).cloned().ok_or_else(|| candle_core::Error::msg(format!("it has no tensor {name}")))
    }

    fn linear(&self, name: &str) -> candle_core::Result<Linear> {
        Ok(Linear::new(self.tensor(&format!("{name}.weight"))?, Some(self.tensor(&format!("{name}.bias"))?)))
    }

    /// A layer norm, whose tensors have the names that the first BERT's files use.
    fn norm(&self, name: &str) -> candle_core::Result<LayerNorm> {
        let (weight, bias) = (self.tensor(&format!("{name}.gamma"))?, self.tensor(&format!("{name}.beta"))?);
        Ok(LayerNorm::new(weight, bias, EPSILON))
    }
}
