//! A language model in this process: a GGUF file run by llama.cpp, which only this folder names.

mod draft;
mod grammar;
mod writer;

use std::fs::File;
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;

use futures::stream::{self, BoxStream, StreamExt};
use llama_cpp_2::context::session::SeqState;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::model::{LlamaChatMessage, LlamaModel};
use llama_cpp_2::token::LlamaToken;
use tokio::sync::mpsc;

use self::writer::Writer;
use super::contracts::{Generator, Token};
use super::prompt::{AnswerForm, Prompt};
use crate::error::{Error, ErrorKind, Result};

/// A model with fewer parameters only chooses among the quotes: written freely, 11 of 30 answers of
/// SmolLM2-135M held the right one, and 11 had nothing that a passage supports.
const WRITES_FREELY: u64 = 300_000_000;

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
    /// or holds no chat model. The bits of the weights are not checked here: the catalog's SHA-256
    /// covers them.
    pub fn open(id: &str, path: &Path, threads: usize, context_tokens_cap: usize) -> Result<Self> {
        check_processor()?;
        check_header(path)?;
        let backend = backend()?;
        let model = LlamaModel::load_from_file(backend, path, &LlamaModelParams::default())
            .map_err(|cause| damaged(path, &format!("llama.cpp could not load it ({cause})")))?;
        let template = ChatTemplate::of(&model).map_err(|why| damaged(path, &why))?;
        let trained_for = model.n_ctx_train() as usize;
        let model = Arc::new(Model {
            form: if model.n_params() < WRITES_FREELY { AnswerForm::Choice } else { AnswerForm::Free },
            is_recurrent: model.is_recurrent() || model.is_hybrid(),
            template,
            opening: Mutex::new(()),
            start: Mutex::new(None),
            model,
        });
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = i32::try_from(if threads == 0 { cores() } else { threads }).unwrap_or(i32::MAX);
        Ok(LlamaGenerator { id: id.to_string(), model, threads, context_tokens: trained_for.min(context_tokens_cap) })
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
        Ok(self.model.tokens(prompt).tokens.len())
    }

    fn generate(&self, prompt: &Prompt) -> BoxStream<'static, Result<Token>> {
        let tokens = self.model.tokens(prompt);
        let limit = prompt.max_answer_tokens;
        if tokens.tokens.len() + limit > self.context_tokens {
            let error = Error::input(format!(
                "the prompt takes {} tokens and the answer up to {limit}, but {} reads only {}",
                tokens.tokens.len(),
                self.id,
                self.context_tokens
            ))
            .with_hint("ask a shorter question, or give it fewer passages");
            return stream::once(async { Err(error) }).boxed();
        }
        let (sender, receiver) = mpsc::channel(32);
        let grammar = (self.model.form == AnswerForm::Choice).then(|| grammar::of_quotes(prompt)).flatten();
        let writer = Writer { model: self.model.clone(), threads: self.threads, grammar, sender };
        let thread = std::thread::Builder::new().name("language-model".to_string());
        let thread = match thread.spawn(move || writer.run(&tokens, limit)) {
            Ok(thread) => Some(thread),
            Err(cause) => {
                let error = Error::model(format!("could not start a thread for {}: {cause}", self.id));
                return stream::once(async { Err(error) }).boxed();
            }
        };
        let answer = AnswerStream { receiver, thread };
        stream::unfold(answer, |mut answer| async { answer.receiver.recv().await.map(|token| (token, answer)) }).boxed()
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
            // The thread notices after a few tokens; if it panicked, the stream
            // has ended already.
            let _ = thread.join();
        }
    }
}

/// The weights of a model and its chat template.
struct Model {
    model: LlamaModel,
    template: ChatTemplate,
    form: AnswerForm,
    /// True if tokens that were read cannot be forgotten one by one.
    is_recurrent: bool,
    /// The state after the part of a prompt that is the same for each question, once it was read.
    start: Mutex<Option<Start>>,
    /// Held while a context is created, because llama.cpp changes the model then.
    opening: Mutex<()>,
}

/// A model's state after the first tokens of a prompt.
struct Start {
    tokens: Vec<LlamaToken>,
    state: SeqState,
}

/// A prompt as the model reads it.
struct PromptTokens {
    tokens: Vec<LlamaToken>,
    /// How many of them, from the first, are the same for each question.
    fixed: usize,
}

impl Model {
    /// The tokens of the prompt in the model's chat template. Only the template yields control
    /// tokens: `<|im_end|>` in a passage is plain text.
    fn tokens(&self, prompt: &Prompt) -> PromptTokens {
        let [before_system, before_user, before_answer] = &self.template.parts;
        let mut tokens = before_system.clone();
        tokens.extend(self.plain_tokens(prompt.system_message(self.form)));
        tokens.extend(before_user);
        let fixed = tokens.len();
        tokens.extend(self.plain_tokens(&prompt.user_message(self.form)));
        tokens.extend(before_answer);
        PromptTokens { tokens, fixed }
    }

    fn plain_tokens(&self, text: &str) -> Vec<LlamaToken> {
        self.model.vocab().tokenize(text.as_bytes(), false, false)
    }
}

/// A model's chat template, as the tokens before, between and after the two messages.
struct ChatTemplate {
    parts: [Vec<LlamaToken>; 3],
}

impl ChatTemplate {
    /// Renders the template in the file with two marks as messages, and cuts it at the marks.
    fn of(model: &LlamaModel) -> std::result::Result<ChatTemplate, String> {
        let (system_mark, user_mark) = ("kinglet-system-message", "kinglet-user-message");
        let template = model.chat_template(None).map_err(|_| "it has no chat template".to_string())?;
        let message = |role: &str, content: &str| {
            LlamaChatMessage::new(role.to_string(), content.to_string()).expect("there is no NUL in it")
        };
        let messages = [message("system", system_mark), message("user", user_mark)];
        let text = model
            .apply_chat_template(&template, &messages, true)
            .map_err(|_| "llama.cpp does not know its chat template".to_string())?;
        let (before_system, rest) = text.split_once(system_mark).ok_or("its chat template drops the system message")?;
        let (before_user, before_answer) = rest.split_once(user_mark).ok_or("its chat template drops the question")?;
        let vocabulary = model.vocab();
        let mut first = vocabulary.tokenize(before_system.as_bytes(), true, true);
        if first.len() > 1 && first[0] == vocabulary.bos() && first[1] == vocabulary.bos() {
            first.remove(0); // both the vocabulary and the template add one
        }
        let control = |text: &str| vocabulary.tokenize(text.as_bytes(), false, true);
        Ok(ChatTemplate { parts: [first, control(before_user), control(before_answer)] })
    }
}

/// llama.cpp, started once in a process and without its log messages.
fn backend() -> Result<&'static LlamaBackend> {
    static BACKEND: OnceLock<std::result::Result<LlamaBackend, String>> = OnceLock::new();
    BACKEND
        .get_or_init(|| {
            let mut backend = LlamaBackend::init().map_err(|cause| cause.to_string())?;
            backend.void_logs();
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

/// Checks the first bytes before llama.cpp does, which aborts the process on some damaged files.
/// The layout is <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>: magic, version, count
/// of tensors, count of metadata.
fn check_header(path: &Path) -> Result<()> {
    let mut file = File::open(path).map_err(|cause| Error::io("open", path, cause))?;
    let length = file.metadata().map_err(|cause| Error::io("look at", path, cause))?.len();
    let mut header = [0; 24];
    if file.read_exact(&mut header).is_err() || &header[..4] != b"GGUF" {
        return Err(damaged(path, "it is not a GGUF file"));
    }
    let number = |at: usize| u64::from_le_bytes(header[at..at + 8].try_into().expect("eight bytes"));
    let version = u32::from_le_bytes(header[4..8].try_into().expect("four bytes"));
    if !(2..=3).contains(&version) {
        return Err(damaged(path, &format!("it is GGUF version {version}; kinglet reads versions 2 and 3")));
    }
    let (tensors, metadata) = (number(8), number(16));
    // Each tensor and each metadata entry takes more than 16 bytes, which bounds their number.
    if tensors == 0 || metadata == 0 || tensors.max(metadata) > length / 16 {
        return Err(damaged(path, "its header does not match its length"));
    }
    Ok(())
}

fn damaged(path: &Path, why: &str) -> Error {
    Error::damaged(format!("{} cannot be used as a language model: {why}", path.display()))
        .with_hint("fetch it again with `kinglet models pull`, or name another chat model in GGUF")
}
