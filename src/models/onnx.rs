//! Embedders as ONNX graphs: the only file that knows fastembed and ort.
//!
//! ONNX Runtime is a library that is loaded when the first embedder is opened, once for the whole process.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use fastembed::{InitOptionsUserDefined, TextEmbedding, TokenizerFiles, UserDefinedEmbeddingModel};
use ort::environment::Environment;

use super::cache::ModelCache;
use super::catalog::{self, Kind, Row};
use super::traits::{Embedder, EmbedderCard, Pooling, Role};
use crate::error::{Error, Fault, Result};
use crate::vector::Vector;

/// Texts run together: more are slower on a CPU, because all are padded to the longest.
const BATCH: usize = 8;

const SYSTEM_FOLDERS: &[&str] =
    &["/usr/local/lib", "/usr/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/opt/homebrew/lib"];

static ENVIRONMENT: OnceLock<std::result::Result<Environment, String>> = OnceLock::new();

/// Where ONNX Runtime is: `ORT_DYLIB_PATH`, then kinglet's own folder, then the system's.
///
/// # Errors
/// When `ORT_DYLIB_PATH` names no file, or there is none anywhere.
pub fn find_runtime(cache: &ModelCache) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()).map(PathBuf::from) {
        return if path.is_file() {
            Ok(path)
        } else {
            Err(Error::input(format!("ORT_DYLIB_PATH is {}, which is no file", path.display()))
                .hint("set it to ONNX Runtime's library, or unset it"))
        };
    }
    let row = catalog::lookup(catalog::RUNTIME)?;
    let missing = match cache.require(&row) {
        Ok(folder) => return Ok(folder.join(row.files[0].name)),
        Err(error) if error.fault() == Fault::Missing => error,
        Err(error) => return Err(error),
    };
    let library = format!("{}onnxruntime{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    SYSTEM_FOLDERS.iter().map(|folder| Path::new(folder).join(&library)).find(|path| path.is_file()).ok_or(missing)
}

/// An embedder of the catalog.
pub struct OnnxEmbedder {
    card: EmbedderCard,
    model: Mutex<TextEmbedding>,
}

impl OnnxEmbedder {
    /// Opens the embedder of `row`, whose files are in `folder`, with `threads` threads (0: one for each core).
    ///
    /// # Errors
    /// When the row is no embedder's, the runtime cannot be loaded, or a file is not what the runtime can read.
    pub fn open(runtime: &Path, row: &Row, folder: &Path, threads: usize) -> Result<Self> {
        let (Some(card), Kind::Embedder { pad_token, max_tokens, pooling, .. }) = (row.card(), &row.kind) else {
            return Err(Error::input(format!("{} is a {}, not an embedder", row.id, row.kind))
                .hint("`kinglet models list` shows what each model is for"));
        };
        let environment = ENVIRONMENT.get_or_init(|| load(runtime)).clone().map_err(|cause| {
            Error::model(format!("ONNX Runtime could not be loaded from {}: {cause}", runtime.display()))
                .hint("`kinglet models pull --force onnxruntime`, or set ORT_DYLIB_PATH to ONNX Runtime 1.31")
        })?;
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|cause| Error::io("read", &path, cause))
        };
        // fastembed wants the tokenizer's companions as files; what it reads in them stands in the catalog.
        let settings = serde_json::json!({ "model_max_length": max_tokens, "pad_token": pad_token });
        let tokenizer = TokenizerFiles {
            tokenizer_file: read("tokenizer.json")?,
            config_file: b"{}".to_vec(),
            special_tokens_map_file: b"{}".to_vec(),
            tokenizer_config_file: settings.to_string().into_bytes(),
        };
        let pooling = match pooling {
            Pooling::Mean => fastembed::Pooling::Mean,
            Pooling::Cls => fastembed::Pooling::Cls,
        };
        let model = UserDefinedEmbeddingModel::new(read("model.onnx")?, tokenizer).with_pooling(pooling);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let options = InitOptionsUserDefined::new()
            .with_environment(environment)
            .with_max_length(*max_tokens)
            .with_intra_threads(if threads == 0 { cores } else { threads });
        let model = TextEmbedding::try_new_from_user_defined(model, options).map_err(|cause| {
            Error::damaged(format!("{} could not be opened: {cause}", row.id))
                .hint(format!("kinglet models pull --force {}", row.id))
        })?;
        Ok(OnnxEmbedder { card, model: Mutex::new(model) })
    }

    /// Counts the tokens of a text as this embedder sees it, special tokens included, beyond its limit too.
    pub fn token_counter(&self) -> impl Fn(&str) -> Result<usize> + Send + Sync + use<> {
        let mut tokenizer = self.model.lock().unwrap_or_else(PoisonError::into_inner).tokenizer.clone();
        // Taking the limit away cannot fail: only setting one can.
        let _ = tokenizer.with_truncation(None);
        move |text| {
            let encoded =
                tokenizer.encode(text, true).map_err(|cause| Error::model(format!("the tokenizer failed: {cause}")))?;
            Ok(encoded.get_ids().len())
        }
    }
}

impl Embedder for OnnxEmbedder {
    fn card(&self) -> &EmbedderCard {
        &self.card
    }

    fn embed(&self, role: Role, texts: &[&str]) -> Result<Vec<Vector>> {
        let prefix = match role {
            Role::Query => &self.card.query_prefix,
            Role::Passage => &self.card.passage_prefix,
        };
        // Texts of like length run together: padding is work.
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&at| (texts[at].len(), at));
        let sorted: Vec<String> = order.iter().map(|&at| format!("{prefix}{}", texts[at])).collect();
        if sorted.is_empty() {
            return Ok(Vec::new());
        }
        let embedded = self
            .model
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .embed(&sorted, Some(BATCH))
            .map_err(|cause| Error::model(format!("{} failed: {cause}", self.card.id)))?;
        if embedded.len() != texts.len() {
            return Err(Error::model(format!(
                "{} gave {} vectors for {} texts",
                self.card.id,
                embedded.len(),
                texts.len()
            )));
        }
        let mut placed: Vec<(usize, Vec<f32>)> = order.into_iter().zip(embedded).collect();
        placed.sort_by_key(|(at, _)| *at);
        placed.into_iter().map(|(_, components)| self.checked(components)).collect()
    }
}

impl OnnxEmbedder {
    fn checked(&self, components: Vec<f32>) -> Result<Vector> {
        if components.len() != self.card.dimension {
            return Err(Error::model(format!(
                "{} gave {} components where the catalog says {}",
                self.card.id,
                components.len(),
                self.card.dimension
            )));
        }
        Vector::normalised(components)
    }
}

fn load(runtime: &Path) -> std::result::Result<Environment, String> {
    let builder = ort::init_from(runtime).map_err(|cause| cause.to_string())?;
    builder.with_name("kinglet").with_telemetry(false).build().map_err(|cause| cause.to_string())
}
