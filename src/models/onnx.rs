//! Embedders as ONNX graphs: the only file that knows fastembed and ort.
//!
//! ONNX Runtime is a library that is loaded when the first embedder is opened, once for the whole process.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use fastembed::{InitOptionsUserDefined, OutputKey, TextEmbedding, TokenizerFiles, UserDefinedEmbeddingModel};
use ort::environment::Environment;

use super::cache::ModelCache;
use super::catalog::{self, Kind, Row};
use super::traits::{EmbeddedText, Embedder, EmbedderCard, Pooling, Role, TokenEmbedder};
use crate::error::{Error, Fault, Result};
use crate::text::Span;
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
        self.run_sorted(role, texts, |model, sorted| {
            let embedded = model.embed(sorted, Some(BATCH)).map_err(|cause| self.failed(&cause))?;
            embedded.into_iter().map(|components| self.checked(components)).collect()
        })
    }

    fn token_embedder(&self) -> Option<&dyn TokenEmbedder> {
        Some(self)
    }
}

impl TokenEmbedder for OnnxEmbedder {
    fn embed_tokens(&self, role: Role, texts: &[&str]) -> Result<Vec<EmbeddedText>> {
        self.run_sorted(role, texts, |model, sorted| {
            let output = model.transform(sorted, Some(BATCH)).map_err(|cause| self.failed(&cause))?;
            let mut found = Vec::with_capacity(sorted.len());
            for batch in output.into_raw() {
                let tokens = batch.select_output(&&OutputKey::ByOrder(0)).map_err(|cause| self.failed(&cause))?;
                let mask = &batch.attention_mask_array;
                let [texts, length, dimension] = tokens.shape()[..] else {
                    return Err(self.failed(&"its output has not three axes"));
                };
                if dimension != self.card.dimension || mask.shape() != [texts, length] {
                    return Err(self.failed(&"its output does not fit its input"));
                }
                let components: Vec<f32> = tokens.iter().copied().collect();
                for (text, tokens) in components.chunks(length * dimension).enumerate() {
                    let kept = tokens.chunks(dimension).enumerate().filter(|(token, _)| mask[[text, *token]] != 0);
                    found.push(self.embedded(kept.map(|(_, token)| token).collect())?);
                }
            }
            Ok(found)
        })
    }

    fn token_spans(&self, role: Role, text: &str) -> Result<Vec<Option<Span>>> {
        let prefix = self.prefix(role);
        let tokenizer = &self.model.lock().unwrap_or_else(PoisonError::into_inner).tokenizer;
        let encoded = tokenizer.encode(format!("{prefix}{text}"), true).map_err(|cause| self.failed(&cause))?;
        let spans = encoded.get_offsets().iter().map(|&(start, end)| {
            let start = start.checked_sub(prefix.len())?;
            (start + prefix.len() < end).then(|| Span { start, end: end - prefix.len() })
        });
        Ok(spans.collect())
    }
}

impl OnnxEmbedder {
    fn embedded(&self, tokens: Vec<&[f32]>) -> Result<EmbeddedText> {
        let first = tokens.first().ok_or_else(|| self.failed(&"it made no token of a text"))?;
        let pooled = match self.card.pooling {
            Pooling::Cls => first.to_vec(),
            // The sum points where the mean does.
            Pooling::Mean => tokens.iter().fold(vec![0.0; self.card.dimension], |mut sum, token| {
                sum.iter_mut().zip(*token).for_each(|(sum, component)| *sum += component);
                sum
            }),
        };
        let vector = Vector::normalised(pooled)?;
        let tokens = tokens.into_iter().map(|token| Vector::normalised(token.to_vec())).collect::<Result<_>>()?;
        Ok(EmbeddedText { vector, tokens })
    }

    fn prefix(&self, role: Role) -> &str {
        match role {
            Role::Query => &self.card.query_prefix,
            Role::Passage => &self.card.passage_prefix,
        }
    }

    /// Runs `work` over the texts with their prefix, those of like length together because padding is work, and puts the results
    /// into the order of the texts.
    fn run_sorted<T>(
        &self,
        role: Role,
        texts: &[&str],
        work: impl FnOnce(&mut TextEmbedding, &[String]) -> Result<Vec<T>>,
    ) -> Result<Vec<T>> {
        let prefix = self.prefix(role);
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&at| (texts[at].len(), at));
        let sorted: Vec<String> = order.iter().map(|&at| format!("{prefix}{}", texts[at])).collect();
        if sorted.is_empty() {
            return Ok(Vec::new());
        }
        let results = work(&mut self.model.lock().unwrap_or_else(PoisonError::into_inner), &sorted)?;
        if results.len() != texts.len() {
            return Err(self.failed(&format!("{} results for {} texts", results.len(), texts.len())));
        }
        let mut placed: Vec<(usize, T)> = order.into_iter().zip(results).collect();
        placed.sort_by_key(|(at, _)| *at);
        Ok(placed.into_iter().map(|(_, result)| result).collect())
    }

    fn failed(&self, cause: &dyn std::fmt::Display) -> Error {
        Error::model(format!("{} failed: {cause}", self.card.id))
    }

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
