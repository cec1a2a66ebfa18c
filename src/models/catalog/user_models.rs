//! Models that a user has added: a folder with the model's files and a `model.toml` that describes
//! them.

use std::path::Path;

use serde::Deserialize;

use super::{Engine, ModelFile, ModelKind, ModelSpec};
use crate::error::{Error, Result};
use crate::models::contracts::Pooling;

/// The file that describes the model in its folder.
pub const DESCRIPTION: &str = "model.toml";

/// A smallest possible description, for messages.
pub const EXAMPLE: &str = "id = \"my-embedder\", kind = \"embedder\", dimension = 384, max_tokens = 512; \
                           the handbook's page on models has all keys";

const MAX_DESCRIPTION_BYTES: u64 = 64 << 10;

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

/// Reads the model in `folder`. Its files have no source to download them from.
///
/// # Errors
/// When the folder has no description, the description is invalid or incomplete, or a file of the
/// model is missing.
pub fn read(folder: &Path) -> Result<ModelSpec> {
    let path = folder.join(DESCRIPTION);
    let size = std::fs::metadata(&path)
        .map_err(|cause| Error::io("open", &path, cause).with_hint(format!("write one: {EXAMPLE}")))?
        .len();
    let wrong =
        |why: String| Error::input(format!("{}: {why}", path.display())).with_hint(format!("it needs {EXAMPLE}"));
    if size > MAX_DESCRIPTION_BYTES {
        return Err(wrong("it is too large for a description".to_string()));
    }
    let text = std::fs::read_to_string(&path).map_err(|cause| Error::io("read", &path, cause))?;
    let description: Description = toml::from_str(&text).map_err(|cause| wrong(cause.message().to_string()))?;
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    if description.id.is_empty()
        || description.id.len() > 60
        || description.id.starts_with('.')
        || !description.id.chars().all(is_name)
    {
        return Err(wrong("the id may contain only lower-case letters, digits, `-` and `.`".to_string()));
    }
    if description.max_tokens < 8 {
        return Err(wrong("max_tokens must be at least 8".to_string()));
    }
    let weights = match description.engine {
        Runs::Onnx => "model.onnx",
        Runs::Static => "model.safetensors",
    };
    let kind = match (description.kind, description.engine) {
        (Purpose::Embedder, engine) => ModelKind::Embedder {
            dimension: description
                .dimension
                .filter(|d| *d > 0)
                .ok_or_else(|| wrong("an embedder needs a dimension".to_string()))?,
            max_tokens: description.max_tokens,
            query_prefix: description.query_prefix,
            passage_prefix: description.passage_prefix,
            engine: match engine {
                Runs::Onnx => Engine::Onnx {
                    pooling: description.pooling,
                    pad_token: description.pad_token,
                    output: description.output,
                },
                Runs::Static => Engine::Static,
            },
        },
        (Purpose::Reranker, Runs::Onnx) => {
            ModelKind::Reranker { max_tokens: description.max_tokens, pad_token: description.pad_token }
        }
        (Purpose::Reranker, Runs::Static) => return Err(wrong("a reranker needs the engine onnx".to_string())),
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
        id: description.id.as_str().into(),
        description: description.description,
        parameters: description.parameters,
        licence: description.licence,
        files,
        kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_becomes_a_spec_or_an_error_that_names_what_is_missing() {
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
