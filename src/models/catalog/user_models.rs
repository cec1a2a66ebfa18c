//! Models that a user has added: a folder with the model's files and a `model.toml` that says what
//! they are.

use std::path::Path;

use serde::Deserialize;

use super::{Engine, ModelFile, ModelKind, ModelSpec};
use crate::error::{Error, Result};
use crate::models::contracts::Pooling;

/// What says what a folder's model is.
pub const DESCRIPTION: &str = "model.toml";

/// For messages: the least that a description needs.
pub const EXAMPLE: &str = "id = \"my-embedder\", kind = \"embedder\", dimension = 384, max_tokens = 512; \
                           the handbook's page on models has all keys";

const MOST_DESCRIPTION_BYTES: u64 = 64 << 10;

/// The files that a model may have, in the order in which they are listed.
const FILES: &[&str] = &["model.onnx", "model.onnx_data", "model.onnx.data", "model.safetensors", "tokenizer.json"];

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Purpose {
    Embedder,
    Reranker,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Runs {
    #[default]
    Onnx,
    Static,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    id: String,
    kind: Purpose,
    #[serde(default)]
    engine: Runs,
    #[serde(default = "unknown")]
    description: String,
    #[serde(default = "unknown")]
    licence: String,
    parameters: Option<u64>,
    dimension: Option<usize>,
    max_tokens: usize,
    #[serde(default = "mean")]
    pooling: Pooling,
    #[serde(default)]
    query_prefix: String,
    #[serde(default)]
    passage_prefix: String,
    #[serde(default = "pad")]
    pad_token: String,
    output: Option<String>,
}

fn unknown() -> String {
    "unknown".to_string()
}

fn mean() -> Pooling {
    Pooling::Mean
}

fn pad() -> String {
    "[PAD]".to_string()
}

/// The model in `folder`. Its files have no source: they are there, or the model is not.
///
/// # Errors
/// When the folder has no description, one that does not say what it must, or not the files of such
/// a model.
pub fn read(folder: &Path) -> Result<ModelSpec> {
    let path = folder.join(DESCRIPTION);
    let size = std::fs::metadata(&path)
        .map_err(|cause| Error::io("open", &path, cause).with_hint(format!("write one: {EXAMPLE}")))?
        .len();
    let wrong =
        |why: String| Error::input(format!("{}: {why}", path.display())).with_hint(format!("it needs {EXAMPLE}"));
    if size > MOST_DESCRIPTION_BYTES {
        return Err(wrong("it is too large for a description".to_string()));
    }
    let text = std::fs::read_to_string(&path).map_err(|cause| Error::io("read", &path, cause))?;
    let told: Description = toml::from_str(&text).map_err(|cause| wrong(cause.message().to_string()))?;
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    if told.id.is_empty() || told.id.len() > 60 || told.id.starts_with('.') || !told.id.chars().all(is_name) {
        return Err(wrong("the id must be of small letters, digits, `-` and `.`".to_string()));
    }
    if told.max_tokens < 8 {
        return Err(wrong("max_tokens must be at least 8".to_string()));
    }
    let weights = match told.engine {
        Runs::Onnx => "model.onnx",
        Runs::Static => "model.safetensors",
    };
    let kind = match (told.kind, told.engine) {
        (Purpose::Embedder, engine) => ModelKind::Embedder {
            dimension: told
                .dimension
                .filter(|d| *d > 0)
                .ok_or_else(|| wrong("an embedder has a dimension".to_string()))?,
            max_tokens: told.max_tokens,
            query_prefix: told.query_prefix,
            passage_prefix: told.passage_prefix,
            engine: match engine {
                Runs::Onnx => Engine::Onnx { pooling: told.pooling, pad_token: told.pad_token, output: told.output },
                Runs::Static => Engine::Static,
            },
        },
        (Purpose::Reranker, Runs::Onnx) => {
            ModelKind::Reranker { max_tokens: told.max_tokens, pad_token: told.pad_token }
        }
        (Purpose::Reranker, Runs::Static) => return Err(wrong("a reranker runs on onnx".to_string())),
    };
    let files: Vec<ModelFile> = FILES
        .iter()
        .filter(|name| folder.join(name).is_file())
        .map(|&name| ModelFile { name: name.into(), sha256: None, size_bytes: None, sources: Vec::new() })
        .collect();
    for needed in [weights, "tokenizer.json"] {
        if !files.iter().any(|file| file.name == needed) {
            return Err(wrong(format!("there is no {needed} beside it")));
        }
    }
    Ok(ModelSpec {
        id: told.id.as_str().into(),
        description: told.description,
        parameters: told.parameters,
        licence: told.licence,
        files,
        kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_becomes_a_spec_or_an_error_that_says_what_it_lacks() {
        let folder = tempfile::tempdir().unwrap();
        let written = |text: &str| {
            std::fs::write(folder.path().join(DESCRIPTION), text).unwrap();
            read(folder.path())
        };
        let whole = "id = \"mine\"\nkind = \"embedder\"\ndimension = 8\nmax_tokens = 32\nquery_prefix = \"query: \"";
        assert!(written(whole).unwrap_err().to_string().contains("there is no model.onnx"));
        for name in ["model.onnx", "tokenizer.json"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let spec = written(whole).unwrap();
        assert_eq!((spec.id.as_str(), spec.files.len()), ("mine", 2));
        let ModelKind::Embedder { dimension: 8, query_prefix, .. } = spec.kind else { panic!("{:?}", spec.kind) };
        assert_eq!(query_prefix, "query: ");
        for (text, wanted) in [
            ("id = \"a/b\"\nkind = \"embedder\"\ndimension = 8\nmax_tokens = 32", "id"),
            ("id = \"a\"\nkind = \"embedder\"\nmax_tokens = 32", "dimension"),
            ("id = \"a\"\nkind = \"generator\"\nmax_tokens = 32", "generator"),
            ("id = \"a\"\nkind = \"reranker\"\nmax_tokens = 32\nengine = \"static\"", "onnx"),
            ("id = \"a\"\ncolour = 1", "colour"),
        ] {
            let error = written(text).unwrap_err();
            assert!(error.to_string().contains(wanted) && error.hint().is_some(), "{error}");
        }
    }
}
