//! A language model in this process: a GGUF file run by llama.cpp, which only this file names.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

use futures::stream::{self, BoxStream, StreamExt};
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use tokio::sync::mpsc;

use super::chat_template::ChatTemplate;
use super::contracts::{Generator, Token};
use super::gguf::{GgufHeader, unusable};
use super::llama_log::with_first_error;
use super::prompt::Prompt;
use super::thinking::without_thinking;
use crate::error::{Error, ErrorKind, Result};

/// The number of prompt tokens that are read before the next check whether the caller still waits
/// for the answer.
const BATCH_TOKENS: usize = 64;

/// How many of the last tokens are penalised as repetitions, and how much: enough to leave most
/// loops, too little to prevent writing a name twice.
const REPETITION_WINDOW: i32 = 64;
const REPETITION_PENALTY: f32 = 1.05;

/// A chat model in a GGUF file, run by llama.cpp on this machine. It decodes greedily, so that the
/// same prompt gives the same answer.
pub struct LlamaGenerator {
    id: String,
    model: Arc<Model>,
    threads: i32,
    context_tokens: usize,
}

impl LlamaGenerator {
    /// Opens the chat model in the GGUF file at `path` under the name `id`. Prompt and answer
    /// together get at most `context_tokens_cap` tokens, or as many as the model was trained for if
    /// that is less. `threads` is the number of threads that compute; 0 means one for each core.
    ///
    /// # Errors
    /// When the processor is too old, or the file cannot be read, is not a GGUF file, is cut short,
    /// holds no chat model, or llama.cpp or kinglet cannot run it. The bits of the weights are not
    /// checked here: the catalog's SHA-256 covers them.
    pub fn open(id: &str, path: &Path, threads: usize, context_tokens_cap: usize) -> Result<Self> {
        check_processor()?;
        let header = GgufHeader::read(path)?;
        if header.is_embedding_model() {
            return Err(Error::input(format!(
                "{} cannot write answers: it is an embedding model, which gives vectors",
                path.display()
            ))
            .with_hint("name a chat model: publishers call them instruct, chat or it"));
        }
        let backend = backend()?;
        let load = || LlamaModel::load_from_file(backend, path, &LlamaModelParams::default());
        let (model, logged) = with_first_error(load);
        let model = model.map_err(|cause| {
            let why = logged.unwrap_or_else(|| cause.to_string());
            unusable(path, &format!("llama.cpp says: {why}"))
        })?;
        let template = chat_template(&model).map_err(|why| {
            Error::input(format!("{} cannot be used as a chat model: {why}", path.display())).with_hint(
                "take a file that its publisher calls instruct, chat or it, or run it on a server: --generator ollama:MODEL",
            )
        })?;
        let begins_with_thinking = template.begins_with_thinking();
        let template = TemplateTokens::of(&model, &template);
        let trained_for = model.n_ctx_train() as usize;
        let model = Arc::new(Model { model, template, begins_with_thinking, opening: Mutex::new(()) });
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = i32::try_from(if threads == 0 { cores() } else { threads }).unwrap_or(i32::MAX);
        Ok(LlamaGenerator { id: id.to_string(), model, threads, context_tokens: trained_for.min(context_tokens_cap) })
    }
}

impl LlamaGenerator {
    /// True if its chat template makes it think before it answers.
    pub fn begins_with_thinking(&self) -> bool {
        self.model.begins_with_thinking
    }
}

impl Generator for LlamaGenerator {
    fn name(&self) -> &str {
        &self.id
    }

    fn context_tokens(&self) -> usize {
        self.context_tokens
    }

    fn prompt_tokens(&self, prompt: &Prompt) -> Result<usize> {
        Ok(self.model.tokens(prompt).len())
    }

    fn generate(&self, prompt: &Prompt) -> BoxStream<'static, Result<Token>> {
        let tokens = self.model.tokens(prompt);
        let limit = prompt.max_answer_tokens;
        if tokens.len() + limit > self.context_tokens {
            let error = Error::input(format!(
                "the prompt takes {} tokens and the answer up to {limit}, but {} reads only {}",
                tokens.len(),
                self.id,
                self.context_tokens
            ))
            .with_hint("ask a shorter question, or give it fewer passages");
            return stream::once(async { Err(error) }).boxed();
        }
        let (sender, receiver) = mpsc::channel(32);
        let writer = TextWriter { model: self.model.clone(), threads: self.threads, sender };
        let thread = std::thread::Builder::new().name("language-model".to_string());
        let thread = match thread.spawn(move || writer.run(&tokens, limit)) {
            Ok(thread) => Some(thread),
            Err(cause) => {
                let error = Error::model(format!("could not start a thread for {}: {cause}", self.id));
                return stream::once(async { Err(error) }).boxed();
            }
        };
        let answer = AnswerStream { receiver, thread };
        let tokens =
            stream::unfold(answer, |mut answer| async { answer.receiver.recv().await.map(|token| (token, answer)) });
        without_thinking(tokens.boxed(), &self.id, self.model.begins_with_thinking)
    }
}

/// An answer that is being written. It joins its thread when dropped: a process that ends while
/// llama.cpp computes crashes.
struct AnswerStream {
    receiver: mpsc::Receiver<Result<Token>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for AnswerStream {
    fn drop(&mut self) {
        self.receiver.close();
        if let Some(thread) = self.thread.take() {
            // The thread notices after at most `BATCH_TOKENS` tokens; if it panicked, the stream
            // has ended already.
            let _ = thread.join();
        }
    }
}

/// The weights of a model and its chat template.
struct Model {
    model: LlamaModel,
    template: TemplateTokens,
    begins_with_thinking: bool,
    /// Held while a context is created, because llama.cpp changes the model then.
    opening: Mutex<()>,
}

impl Model {
    /// The tokens of the prompt in the model's chat template. Only the template yields control
    /// tokens: `<|im_end|>` in a passage is plain text.
    fn tokens(&self, prompt: &Prompt) -> Vec<LlamaToken> {
        let [before_system, before_user, before_answer] = &self.template.parts;
        let mut tokens = before_system.clone();
        tokens.extend(self.plain_tokens(prompt.system_message()));
        tokens.extend(before_user);
        tokens.extend(self.plain_tokens(&prompt.user_message()));
        tokens.extend(before_answer);
        tokens
    }

    fn plain_tokens(&self, text: &str) -> Vec<LlamaToken> {
        self.model.vocab().tokenize(text.as_bytes(), false, false)
    }
}

/// The chat template in the model's file, rendered.
fn chat_template(model: &LlamaModel) -> std::result::Result<ChatTemplate, String> {
    let vocabulary = model.vocab();
    let text = |token: LlamaToken| {
        let text = if token.0 < 0 { None } else { vocabulary.text(token) };
        text.map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
    };
    let source = model.chat_template(None).map_err(|_| "it has no chat template".to_string())?;
    let source = source.to_str().map_err(|_| "its chat template is not UTF-8".to_string())?;
    ChatTemplate::render(source, &text(vocabulary.bos()), &text(vocabulary.eos()))
}

/// A model's chat template, as the tokens before, between and after the two messages.
struct TemplateTokens {
    parts: [Vec<LlamaToken>; 3],
}

impl TemplateTokens {
    fn of(model: &LlamaModel, template: &ChatTemplate) -> Self {
        let vocabulary = model.vocab();
        let control = |text: &str| vocabulary.tokenize(text.as_bytes(), false, true);
        let mut first = control(&template.before_system);
        if vocabulary.should_add_bos() && first.first() != Some(&vocabulary.bos()) {
            first.insert(0, vocabulary.bos());
        }
        TemplateTokens { parts: [first, control(&template.before_user), control(&template.before_answer)] }
    }
}

/// Writes one answer, on its own thread.
struct TextWriter {
    model: Arc<Model>,
    threads: i32,
    sender: mpsc::Sender<Result<Token>>,
}

impl TextWriter {
    fn run(self, prompt: &[LlamaToken], limit: usize) {
        if let Err(cause) = self.write(prompt, limit) {
            // If the caller no longer listens, nobody needs the error.
            let _ = self.sender.blocking_send(Err(Error::model(format!("the language model failed: {cause}"))));
        }
    }

    fn write(&self, prompt: &[LlamaToken], limit: usize) -> std::result::Result<(), String> {
        let mut context = self.context(prompt.len() + limit)?;
        let mut batch = LlamaBatch::new(BATCH_TOKENS, 1);
        for (index, part) in prompt.chunks(BATCH_TOKENS).enumerate() {
            if self.sender.is_closed() {
                return Ok(());
            }
            read(&mut context, &mut batch, index * BATCH_TOKENS, part)?;
        }
        let vocabulary = self.model.model.vocab();
        let mut sampler = LlamaSampler::chain_simple([
            LlamaSampler::penalties(vocabulary.n_tokens(), REPETITION_WINDOW, REPETITION_PENALTY, 0.0, 0.0),
            LlamaSampler::greedy(),
        ]);
        let mut written = Vec::new();
        let mut bytes = Vec::new();
        while written.len() < limit {
            let token = sampler.sample(&context, -1);
            if vocabulary.is_eog(token) {
                break;
            }
            written.push(token);
            bytes.extend(vocabulary.token_to_piece(token, false, None));
            let text = take_whole_characters(&mut bytes);
            if !text.is_empty() && self.sender.blocking_send(Ok(Token { text })).is_err() {
                return Ok(());
            }
            if is_looping(&written) {
                break;
            }
            if written.len() < limit {
                read(&mut context, &mut batch, prompt.len() + written.len() - 1, &[token])?;
            }
        }
        if !bytes.is_empty() {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let _ = self.sender.blocking_send(Ok(Token { text }));
        }
        Ok(())
    }

    fn context(&self, tokens: usize) -> std::result::Result<LlamaContext<'_>, String> {
        let tokens = u32::try_from(tokens).map_err(|_| "the prompt is too long".to_string())?;
        let parameters = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(tokens))
            .with_n_batch(BATCH_TOKENS as u32)
            .with_n_ubatch(BATCH_TOKENS as u32)
            .with_n_threads(self.threads)
            .with_n_threads_batch(self.threads);
        let backend = backend().map_err(|error| error.to_string())?;
        let _guard = self.model.opening.lock().unwrap_or_else(PoisonError::into_inner);
        self.model
            .model
            .new_context(backend, parameters)
            .map_err(|cause| format!("no room for {tokens} tokens ({cause})"))
    }
}

/// Reads `tokens` into the context, at `position` and after.
fn read(
    context: &mut LlamaContext,
    batch: &mut LlamaBatch,
    position: usize,
    tokens: &[LlamaToken],
) -> std::result::Result<(), String> {
    batch.clear();
    for (index, &token) in tokens.iter().enumerate() {
        let at = i32::try_from(position + index).map_err(|cause| cause.to_string())?;
        batch.add(token, at, &[0], index + 1 == tokens.len()).map_err(|cause| cause.to_string())?;
    }
    context.decode(batch).map_err(|cause| cause.to_string())
}

/// Removes all whole characters from the front of `bytes`; bytes that the next token may complete
/// stay.
fn take_whole_characters(bytes: &mut Vec<u8>) -> String {
    let mut text = String::new();
    loop {
        match std::str::from_utf8(bytes) {
            Ok(valid) => {
                text.push_str(valid);
                bytes.clear();
                return text;
            }
            Err(error) => {
                let valid = error.valid_up_to();
                text.push_str(&String::from_utf8_lossy(&bytes[..valid]));
                let Some(broken) = error.error_len() else {
                    bytes.drain(..valid);
                    return text;
                };
                text.push(char::REPLACEMENT_CHARACTER);
                bytes.drain(..valid + broken);
            }
        }
    }
}

/// True if the last tokens repeat a block of 4 to 48 tokens three times: a small model does not
/// leave such a loop.
fn is_looping<T: PartialEq>(written: &[T]) -> bool {
    (4..=48).any(|length| {
        written.len().checked_sub(3 * length).is_some_and(|start| {
            let tail = &written[start..];
            tail[..length] == tail[length..2 * length] && tail[length..2 * length] == tail[2 * length..]
        })
    })
}

/// llama.cpp, started once in a process. Its log goes to `tracing`, which drops it unless
/// somebody listens.
fn backend() -> Result<&'static LlamaBackend> {
    static BACKEND: OnceLock<std::result::Result<LlamaBackend, String>> = OnceLock::new();
    BACKEND
        .get_or_init(|| {
            let backend = LlamaBackend::init().map_err(|cause| cause.to_string())?;
            llama_cpp_2::send_logs_to_tracing(llama_cpp_2::LogOptions::default());
            Ok(backend)
        })
        .as_ref()
        .map_err(|cause| Error::model(format!("llama.cpp could not be started: {cause}")))
}

/// llama.cpp would end the process at its first instruction that the processor does not have.
/// `.cargo/config.toml` says which ones it is compiled with.
fn check_processor() -> Result<()> {
    #[cfg(target_arch = "x86_64")]
    if !(is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("f16c")
        && is_x86_feature_detected!("fma"))
    {
        return Err(Error::new(
            ErrorKind::Machine,
            "this processor has no AVX2, which the built-in language models need",
        )
        .with_hint("use `--generator extractive`, or a server: `--generator openai:MODEL`"));
    }
    Ok(())
}
