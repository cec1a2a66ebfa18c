//! Cross-encoders: models that read a question and a passage together and give one score.

use fastembed::{OnnxSource, RerankInitOptionsUserDefined, TextRerank, UserDefinedRerankingModel};

use super::catalog::{ModelKind, ModelSpec};
use super::contracts::Reranker;
use super::onnx::{WAIT_ASLEEP, environment, threads_for, tokenizer_files, unreadable};
use super::reference::ModelId;
use super::session_pool::SessionPool;
use super::store::ModelStore;
use crate::error::{Error, Hint, Result};

/// A cross-encoder of the catalog, on ONNX Runtime. Several threads can score at once.
pub struct CrossEncoder {
    id: ModelId,
    sessions: SessionPool<TextRerank>,
}

impl CrossEncoder {
    /// Opens the cross-encoder `spec`, whose files are in `store`. `threads` threads score one
    /// passage (0: one for each core).
    ///
    /// # Errors
    /// When `spec` is not a reranker, or the runtime cannot be loaded or cannot read a file.
    pub fn open(store: &ModelStore, spec: &ModelSpec, threads: usize) -> Result<Self> {
        let sessions = SessionPool::open(store, spec, move |store, spec| open_session(store, spec, threads))?;
        Ok(CrossEncoder { id: spec.id.clone(), sessions })
    }
}

fn open_session(store: &ModelStore, spec: &ModelSpec, threads: usize) -> Result<TextRerank> {
    let ModelKind::Reranker { max_tokens, pad_token } = &spec.kind else {
        return Err(Error::input(format!("{} is a {}, not a reranker", spec.id, spec.kind)).with_hint(Hint::ListModels));
    };
    let folder = store.require(spec)?;
    let environment = environment(store)?;
    let tokenizer = tokenizer_files(&folder, *max_tokens, pad_token)?;
    // By path, so that the runtime finds the files with weights beside the graph.
    let model = UserDefinedRerankingModel::new(OnnxSource::File(folder.join("model.onnx")), tokenizer);
    let options = RerankInitOptionsUserDefined::new()
        .with_environment(environment)
        .with_max_length(*max_tokens)
        .with_intra_threads(threads_for(threads))
        .with_session_config(WAIT_ASLEEP.0, WAIT_ASLEEP.1);
    TextRerank::try_new_from_user_defined(model, options).map_err(|cause| unreadable(spec, &cause))
}

impl Reranker for CrossEncoder {
    fn name(&self) -> &str {
        self.id.as_str()
    }

    fn score(&self, query: &str, passages: &[&str]) -> Result<Vec<f32>> {
        let mut session = self.sessions.take()?;
        // One at a time: the passages of a batch are padded to the longest one, which changes the
        // last digits of scores.
        passages
            .iter()
            .map(|passage| {
                let ranked = session.rerank(query, [*passage], false, Some(1));
                let ranked = ranked.map_err(|cause| Error::model(format!("{} failed: {cause}", self.id)))?;
                ranked
                    .first()
                    .map(|result| result.score)
                    .ok_or_else(|| Error::model(format!("{} gave no score", self.id)))
            })
            .collect()
    }
}
