//! Learned sparse vectors: a small BERT weighs each term of its vocabulary for a text.
//!
//! A term can have a weight even if the text does not contain it.
//!
//! Source: Formal, Lassance, Piwowarski & Clinchant, *SPLADE v2: Sparse Lexical and Expansion Model
//! for Information Retrieval*, 2021: the weight of a term is the maximum, over the text's tokens,
//! of log(1 + relu(logit)).

use ort::session::Session;
use ort::session::builder::SessionBuilder;
use ort::value::Tensor;
use tokenizers::{Tokenizer, TruncationParams};

use super::bert_graph;
use super::catalog::ModelSpec;
use super::contracts::{Role, SparseCard, SparseEncoder};
use super::onnx::{WAIT_ASLEEP, environment, read, threads_for, unreadable};
use super::session_pool::SessionPool;
use super::store::ModelStore;
use crate::error::{Error, Result};
use crate::vector::SparseVector;

/// A sparse encoder of the catalog, on ONNX Runtime. It runs each text by itself, so that its
/// vector does not depend on other texts. Several threads can encode at once.
pub struct SpladeEncoder {
    card: SparseCard,
    tokenizer: Tokenizer,
    sessions: SessionPool<Session>,
}

impl SpladeEncoder {
    /// Opens the encoder `spec`, whose files are in `store`. `threads` threads encode one text (0:
    /// one for each core).
    ///
    /// # Errors
    /// When `spec` is not a sparse encoder, its files are missing or not such a model and its
    /// tokenizer, or the runtime cannot be loaded.
    pub fn open(store: &ModelStore, spec: &ModelSpec, threads: usize) -> Result<Self> {
        let card = store.sparse_card(spec)?;
        let folder = store.require(spec)?;
        let mut tokenizer =
            Tokenizer::from_file(folder.join("tokenizer.json")).map_err(|cause| unreadable(spec, &cause))?;
        let truncation = TruncationParams { max_length: card.max_tokens, ..TruncationParams::default() };
        tokenizer.with_padding(None).with_truncation(Some(truncation)).map_err(|cause| unreadable(spec, &cause))?;
        let vocabulary = card.vocabulary;
        let open = move |store: &ModelStore, spec: &ModelSpec| open_session(store, spec, vocabulary, threads);
        let sessions = SessionPool::open(store, spec, open)?;
        Ok(SpladeEncoder { card, tokenizer, sessions })
    }

    fn vector(&self, session: &mut Session, text: &str) -> Result<SparseVector> {
        let failed = |cause: &dyn std::fmt::Display| Error::model(format!("{} failed: {cause}", self.card.id));
        let encoded = self.tokenizer.encode_fast(text, true).map_err(|cause| failed(&cause))?;
        let tokens: Vec<i64> = encoded.get_ids().iter().map(|token| i64::from(*token)).collect();
        let positions: Vec<i64> = (0..).take(tokens.len()).collect();
        let input = |numbers: Vec<i64>| Tensor::from_array(([numbers.len()], numbers)).map_err(|cause| failed(&cause));
        let inputs = ort::inputs![bert_graph::INPUTS[0] => input(tokens)?, bert_graph::INPUTS[1] => input(positions)?];
        let outputs = session.run(inputs).map_err(|cause| failed(&cause))?;
        let (_, logits) = outputs[bert_graph::OUTPUT].try_extract_tensor::<f32>().map_err(|cause| failed(&cause))?;
        // NaN is kept, so that `SparseVector` refuses it.
        let positive = logits.iter().zip(0..).filter(|(logit, _)| **logit > 0.0 || logit.is_nan());
        SparseVector::new(positive.map(|(logit, term)| (term, logit.ln_1p())).collect())
    }
}

impl SparseEncoder for SpladeEncoder {
    fn card(&self) -> &SparseCard {
        &self.card
    }

    fn encode(&self, _: Role, texts: &[&str]) -> Result<Vec<SparseVector>> {
        let mut session = self.sessions.take()?;
        texts.iter().map(|text| self.vector(&mut session, text)).collect()
    }
}

fn open_session(store: &ModelStore, spec: &ModelSpec, vocabulary: usize, threads: usize) -> Result<Session> {
    let bytes = read(&store.require(spec)?, "model.safetensors")?;
    let environment = environment(store)?;
    let model = bert_graph::masked_language_model(&bytes, vocabulary).map_err(|cause| unreadable(spec, &cause))?;
    let session = || -> ort::Result<Session> {
        let builder = SessionBuilder::new(&environment)?;
        let builder = builder.with_intra_threads(threads_for(threads))?;
        model.into_session(&builder.with_config_entry(WAIT_ASLEEP.0, WAIT_ASLEEP.1)?)
    };
    session().map_err(|cause| unreadable(spec, &cause))
}
