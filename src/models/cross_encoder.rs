//! Cross-encoders: models that read a question and a passage together and give one score.

use std::sync::{Mutex, PoisonError};

use fastembed::{OnnxSource, RerankInitOptionsUserDefined, TextRerank, UserDefinedRerankingModel};

use super::catalog::{ModelKind, ModelSpec};
use super::contracts::Reranker;
use super::onnx::{WAIT_ASLEEP, environment, threads_for, tokenizer_files, unreadable};
use super::store::ModelStore;
use crate::error::{Error, Result};

/// A cross-encoder of the catalog, on ONNX Runtime.
pub struct CrossEncoder {
    name: &'static str,
    model: Mutex<TextRerank>,
}

impl CrossEncoder {
    /// Opens the cross-encoder of `row`, whose files are in `cache`, with `threads` threads (0: one for each core).
    ///
    /// # Errors
    /// When the row is none's, the runtime cannot be loaded, or a file is not what the runtime can read.
    pub fn open(cache: &ModelStore, row: &ModelSpec, threads: usize) -> Result<Self> {
        let ModelKind::Reranker { max_tokens, pad_token } = row.kind else {
            return Err(Error::input(format!("{} is a {}, not a reranker", row.id, row.kind))
                .with_hint("`kinglet models list` shows what each model is for"));
        };
        let folder = cache.require(row)?;
        let environment = environment(cache)?;
        let tokenizer = tokenizer_files(&folder, max_tokens, pad_token)?;
        // By its path, so that the runtime finds the files of weights beside it.
        let model = UserDefinedRerankingModel::new(OnnxSource::File(folder.join("model.onnx")), tokenizer);
        let options = RerankInitOptionsUserDefined::new()
            .with_environment(environment)
            .with_max_length(max_tokens)
            .with_intra_threads(threads_for(threads))
            .with_session_config(WAIT_ASLEEP.0, WAIT_ASLEEP.1);
        let model = TextRerank::try_new_from_user_defined(model, options).map_err(|cause| unreadable(row, &cause))?;
        Ok(CrossEncoder { name: row.id, model: Mutex::new(model) })
    }
}

impl Reranker for CrossEncoder {
    fn name(&self) -> &str {
        self.name
    }

    fn score(&self, query: &str, passages: &[&str]) -> Result<Vec<f32>> {
        let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        // One at a time: passages of one batch are padded to the longest, which changes scores in the last digits.
        passages
            .iter()
            .map(|passage| {
                let ranked = model.rerank(query, [*passage], false, Some(1));
                let ranked = ranked.map_err(|cause| Error::model(format!("{} failed: {cause}", self.name)))?;
                ranked
                    .first()
                    .map(|result| result.score)
                    .ok_or_else(|| Error::model(format!("{} gave no score", self.name)))
            })
            .collect()
    }
}
