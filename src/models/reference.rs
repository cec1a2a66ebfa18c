//! References to models. The names that people write are parsed here and nowhere else; all other
//! code matches on these types.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::extractive::ExtractiveGenerator;
use super::hashing::HashingEmbedder;

const OPENAI_PREFIX: &str = "openai:";
const OLLAMA_PREFIX: &str = "ollama:";

/// The most tokens that a language model of the user's reads and writes for one answer; its file
/// says whether it can read so many.
pub const MAX_CONTEXT_TOKENS: usize = 32_768;

/// For types that are written as one string in settings, messages, manifests and JSON alike:
/// converts from and to `String` with the type's `From<&str>` and `Display`, which are each other's
/// inverse.
macro_rules! written_as_text {
    ($($type:ty),+ $(,)?) => {$(
        impl From<String> for $type {
            fn from(text: String) -> Self {
                text.as_str().into()
            }
        }

        impl From<$type> for String {
            fn from(it: $type) -> String {
                it.to_string()
            }
        }
    )+};
}
pub(crate) use written_as_text;

written_as_text!(EmbedderRef, SparseEncoderRef, RerankerRef, GeneratorRef);

/// The id of a model with files, which kinglet comes with or the user has added. Only the catalog
/// knows whether there is such a model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelId(String);

impl ModelId {
    /// The id as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ModelId {
    fn from(text: &str) -> Self {
        ModelId(text.to_string())
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq<&str> for ModelId {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

/// A reference to an embedder. The default is that of a new index if no embedder is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum EmbedderRef {
    /// `hashing-256`, which needs no files.
    Hashing,
    /// An embedder of the catalog, or one that the program using kinglet supplies.
    Catalog(ModelId),
}

impl EmbedderRef {
    /// The id on its card.
    pub fn as_str(&self) -> &str {
        match self {
            EmbedderRef::Hashing => HashingEmbedder::ID,
            EmbedderRef::Catalog(id) => id.as_str(),
        }
    }

    /// The model whose files it needs, if any.
    pub fn model(&self) -> Option<&ModelId> {
        match self {
            EmbedderRef::Hashing => None,
            EmbedderRef::Catalog(id) => Some(id),
        }
    }
}

impl Default for EmbedderRef {
    fn default() -> Self {
        EmbedderRef::Catalog("all-minilm-l6-v2".into())
    }
}

impl From<&str> for EmbedderRef {
    fn from(text: &str) -> Self {
        match text {
            HashingEmbedder::ID => EmbedderRef::Hashing,
            id => EmbedderRef::Catalog(id.into()),
        }
    }
}

impl fmt::Display for EmbedderRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A reference to a sparse encoder. The default is that of `mode = "sparse"` if none is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum SparseEncoderRef {
    /// A sparse encoder of the catalog.
    Catalog(ModelId),
}

impl SparseEncoderRef {
    /// The model whose files it needs.
    pub fn model(&self) -> &ModelId {
        match self {
            SparseEncoderRef::Catalog(id) => id,
        }
    }
}

impl Default for SparseEncoderRef {
    fn default() -> Self {
        SparseEncoderRef::Catalog("splade-tiny".into())
    }
}

impl From<&str> for SparseEncoderRef {
    fn from(text: &str) -> Self {
        SparseEncoderRef::Catalog(text.into())
    }
}

impl fmt::Display for SparseEncoderRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.model().fmt(f)
    }
}

/// A reference to a reranker.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum RerankerRef {
    /// `maxsim`: late interaction with the token vectors of the embedder that is searched with.
    MaxSim,
    /// A cross-encoder of the catalog.
    CrossEncoder(ModelId),
}

impl RerankerRef {
    /// The name of late interaction.
    pub const MAXSIM: &str = "maxsim";

    /// The model whose files it needs besides the embedder's, if any.
    pub fn model(&self) -> Option<&ModelId> {
        match self {
            RerankerRef::MaxSim => None,
            RerankerRef::CrossEncoder(id) => Some(id),
        }
    }
}

impl From<&str> for RerankerRef {
    fn from(text: &str) -> Self {
        match text {
            RerankerRef::MAXSIM => RerankerRef::MaxSim,
            id => RerankerRef::CrossEncoder(id.into()),
        }
    }
}

impl fmt::Display for RerankerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RerankerRef::MaxSim => f.write_str(RerankerRef::MAXSIM),
            RerankerRef::CrossEncoder(id) => id.fmt(f),
        }
    }
}

/// A reference to a generator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum GeneratorRef {
    /// `extractive`, which quotes passages and needs no files.
    Extractive,
    /// `openai:MODEL`: a model on a server with OpenAI's API.
    OpenAi {
        /// The server's name for it.
        model: String,
    },
    /// `ollama:MODEL`: a model that Ollama runs.
    Ollama {
        /// Ollama's name for it.
        model: String,
    },
    /// `PATH.gguf`: a language model in a file of the user's.
    File(PathBuf),
    /// A language model of the catalog.
    Catalog(ModelId),
}

impl GeneratorRef {
    /// The model whose files it needs, if any.
    pub fn model(&self) -> Option<&ModelId> {
        match self {
            GeneratorRef::Extractive
            | GeneratorRef::OpenAi { .. }
            | GeneratorRef::Ollama { .. }
            | GeneratorRef::File(_) => None,
            GeneratorRef::Catalog(id) => Some(id),
        }
    }
}

impl From<&str> for GeneratorRef {
    fn from(text: &str) -> Self {
        if let Some(model) = text.strip_prefix(OPENAI_PREFIX) {
            return GeneratorRef::OpenAi { model: model.to_string() };
        }
        if let Some(model) = text.strip_prefix(OLLAMA_PREFIX) {
            return GeneratorRef::Ollama { model: model.to_string() };
        }
        match text {
            ExtractiveGenerator::ID => GeneratorRef::Extractive,
            path if is_gguf_name(path) => GeneratorRef::File(path.into()),
            id => GeneratorRef::Catalog(id.into()),
        }
    }
}

/// True if a file of this name holds a language model.
pub(crate) fn is_gguf_name(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".gguf")
}

impl fmt::Display for GeneratorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GeneratorRef::Extractive => f.write_str(ExtractiveGenerator::ID),
            GeneratorRef::OpenAi { model } => write!(f, "{OPENAI_PREFIX}{model}"),
            GeneratorRef::Ollama { model } => write!(f, "{OLLAMA_PREFIX}{model}"),
            GeneratorRef::File(path) => path.display().fmt(f),
            GeneratorRef::Catalog(id) => id.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_models_without_files_are_recognised() {
        assert_eq!(EmbedderRef::from("hashing-256"), EmbedderRef::Hashing);
        assert_eq!(RerankerRef::from("maxsim"), RerankerRef::MaxSim);
        assert_eq!(GeneratorRef::from("extractive"), GeneratorRef::Extractive);
        assert_eq!(GeneratorRef::from("models/a.gguf"), GeneratorRef::File("models/a.gguf".into()));
        assert_eq!(GeneratorRef::from("openai:llama3.2"), GeneratorRef::OpenAi { model: "llama3.2".to_string() });
        assert_eq!(GeneratorRef::from("ollama:qwen3:0.6b"), GeneratorRef::Ollama { model: "qwen3:0.6b".to_string() });
        assert!(EmbedderRef::default().model().is_some());
    }

    proptest! {
        #[test]
        fn a_reference_is_displayed_as_it_was_written(
            text in prop_oneof!["[a-z0-9.-]{0,12}", "(hashing-256|maxsim|extractive|(openai|ollama):[a-z:.]{0,8})", ".{0,12}"],
        ) {
            prop_assert_eq!(EmbedderRef::from(text.as_str()).to_string(), text.as_str());
            prop_assert_eq!(SparseEncoderRef::from(text.as_str()).to_string(), text.as_str());
            prop_assert_eq!(RerankerRef::from(text.as_str()).to_string(), text.as_str());
            prop_assert_eq!(GeneratorRef::from(text.as_str()).to_string(), text.as_str());
            let json = serde_json::to_string(&GeneratorRef::from(text.as_str())).unwrap();
            prop_assert_eq!(&json, &serde_json::to_string(&text).unwrap());
            prop_assert_eq!(serde_json::from_str::<GeneratorRef>(&json).unwrap(), GeneratorRef::from(text.as_str()));
        }
    }
}
