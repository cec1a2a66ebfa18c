//! Models that a user has added: a folder with the model's files and a `model.toml` that describes
//! them.

use std::path::Path;

use serde::Deserialize;

use super::{DownloadSource, Engine, ModelFile, ModelKind, ModelSpec, hub};
use crate::error::{Error, Result};
use crate::models::contracts::Pooling;
use crate::models::reference::{GeneratorRef, is_gguf_name};

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
    Generator,
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
    file: Option<String>,
    sha256: Option<String>,
    hub: Option<HubFile>,
}

/// Where the file of a generator can be fetched again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HubFile {
    repository: String,
    path: String,
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

/// Reads the model in `folder`. Only a generator can have a source to download its file from.
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
    check_id(&description.id).map_err(wrong)?;
    if description.max_tokens < 8 {
        return Err(wrong("max_tokens must be at least 8".to_string()));
    }
    let weights = match description.engine {
        Runs::Onnx => "model.onnx",
        Runs::Static => "model.safetensors",
    };
    let kind = match (&description.kind, &description.engine) {
        (Purpose::Embedder, engine) => ModelKind::Embedder {
            dimension: description
                .dimension
                .filter(|d| *d > 0)
                .ok_or_else(|| wrong("an embedder needs a dimension".to_string()))?,
            max_tokens: description.max_tokens,
            query_prefix: description.query_prefix.clone(),
            passage_prefix: description.passage_prefix.clone(),
            engine: match engine {
                Runs::Onnx => Engine::Onnx {
                    pooling: description.pooling,
                    pad_token: description.pad_token.clone(),
                    output: description.output.clone(),
                },
                Runs::Static => Engine::Static,
            },
        },
        (Purpose::Reranker, Runs::Onnx) => {
            ModelKind::Reranker { max_tokens: description.max_tokens, pad_token: description.pad_token.clone() }
        }
        (Purpose::Generator, _) => ModelKind::Generator { context_tokens: description.max_tokens },
        (Purpose::Reranker, Runs::Static) => return Err(wrong("a reranker needs the engine onnx".to_string())),
    };
    let files = match kind {
        ModelKind::Generator { .. } => vec![generator_file(folder, &description).map_err(wrong)?],
        _ => files(folder, weights).map_err(wrong)?,
    };
    Ok(ModelSpec {
        id: description.id.as_str().into(),
        description: description.description,
        parameters: description.parameters,
        licence: description.licence,
        files,
        kind,
    })
}

/// Checks that `id` can be the name of a model that a user adds.
pub(crate) fn check_id(id: &str) -> std::result::Result<(), String> {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    if id.is_empty() || id.len() > 60 || id.starts_with('.') || !id.chars().all(is_name) {
        return Err("the id may contain only lower-case letters, digits, `-` and `.`".to_string());
    }
    if id == "auto" || GeneratorRef::from(id).model().is_none() {
        return Err(format!("the id {id} means something else"));
    }
    Ok(())
}

/// The files of an embedder or reranker; one of them is called `weights`.
fn files(folder: &Path, weights: &str) -> std::result::Result<Vec<ModelFile>, String> {
    let files: Vec<ModelFile> = FILES
        .iter()
        .filter(|name| folder.join(name).is_file())
        .map(|&name| ModelFile { name: name.into(), sha256: None, size_bytes: None, sources: Vec::new() })
        .collect();
    match [weights, "tokenizer.json"].iter().find(|needed| files.iter().all(|file| file.name != **needed)) {
        Some(missing) => Err(format!("there is no {missing} beside it")),
        None => Ok(files),
    }
}

fn generator_file(folder: &Path, description: &Description) -> std::result::Result<ModelFile, String> {
    let name = description.file.as_ref().ok_or("a generator needs the name of its GGUF file: file = \"…\"")?;
    if !is_gguf_name(name) || name.contains(['/', '\\']) {
        return Err(format!("{name:?} is not the name of a GGUF file"));
    }
    if let Some(sha256) = &description.sha256
        && !is_sha256(sha256)
    {
        return Err(format!("{sha256:?} is not a SHA-256"));
    }
    let sources: Vec<DownloadSource> = description.hub.iter().map(|it| hub::source(&it.repository, &it.path)).collect();
    if sources.is_empty() && !folder.join(name).is_file() {
        return Err(format!("there is no {name} beside it"));
    }
    Ok(ModelFile { name: name.clone(), sha256: description.sha256.clone(), size_bytes: None, sources })
}

/// True for a SHA-256 in hexadecimal, as this catalog writes it.
pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
}

/// The description of a generator, which [`read`] reads.
pub fn describe_generator(spec: &ModelSpec, context_tokens: usize) -> String {
    let mut table = toml::Table::new();
    let mut set = |key: &str, value: toml::Value| table.insert(key.to_string(), value);
    set("id", spec.id.as_str().into());
    set("kind", "generator".into());
    set("description", spec.description.as_str().into());
    set("licence", spec.licence.as_str().into());
    set("max_tokens", (context_tokens as i64).into());
    if let Some(parameters) = spec.parameters {
        set("parameters", (parameters as i64).into());
    }
    for file in &spec.files {
        set("file", file.name.as_str().into());
        if let Some(sha256) = &file.sha256 {
            set("sha256", sha256.as_str().into());
        }
        for source in &file.sources {
            if let DownloadSource::Hub { repository, file, .. } = source {
                let hub = [("repository", repository), ("path", file)];
                set(
                    "hub",
                    toml::Value::Table(
                        hub.map(|(key, it)| (key.to_string(), it.as_str().into())).into_iter().collect(),
                    ),
                );
            }
        }
    }
    table.to_string()
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
            ("id = \"a\"\nkind = \"generator\"\nmax_tokens = 32", "generator needs the name"),
            ("id = \"a\"\nkind = \"generator\"\nmax_tokens = 32\nfile = \"../a.gguf\"", "not the name"),
            ("id = \"a\"\nkind = \"generator\"\nmax_tokens = 32\nfile = \"a.gguf\"", "there is no a.gguf"),
            ("id = \"a.gguf\"\nkind = \"generator\"\nmax_tokens = 32\nfile = \"a.gguf\"", "something else"),
            ("id = \"a\"\nkind = \"reranker\"\nmax_tokens = 32\nengine = \"static\"", "onnx"),
            ("id = \"a\"\ncolour = 1", "colour"),
        ] {
            let error = written(text).unwrap_err();
            assert!(error.to_string().contains(wanted) && error.hint().is_some(), "{error}");
        }
    }

    #[test]
    fn a_generator_is_read_as_it_was_described() {
        let folder = tempfile::tempdir().unwrap();
        let spec = ModelSpec {
            id: "my-model".into(),
            description: "a \"language\" model".into(),
            parameters: Some(1_500_000_000),
            licence: "mit".into(),
            files: vec![ModelFile {
                name: "My-Model.gguf".into(),
                sha256: Some("ab".repeat(32)),
                size_bytes: None,
                sources: vec![hub::source("birds/my-model", "sub/My-Model.gguf")],
            }],
            kind: ModelKind::Generator { context_tokens: 4096 },
        };
        std::fs::write(folder.path().join(DESCRIPTION), describe_generator(&spec, 4096)).unwrap();
        assert_eq!(read(folder.path()).unwrap(), spec);
    }
}
