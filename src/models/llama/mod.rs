//! A language model in this process: a GGUF file run by llama.cpp, which only this folder names.

mod draft;
mod grammar;
mod log;
mod start_files;
mod writer;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;

use futures::stream::{self, BoxStream, StreamExt};
use llama_cpp_2::context::session::SeqState;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::token::LlamaToken;
use tokio::sync::mpsc;

use self::log::with_first_error;
use self::start_files::StartFiles;
use self::writer::Writer;
use super::chat_template::ChatTemplate;
use super::contracts::{Generator, Token};
use super::gguf::{GgufHeader, unusable};
use super::prompt::{AnswerForm, Prompt, REFUSAL, Task};
use super::thinking::without_thinking;
use crate::error::{Error, ErrorKind, Result};

/// A model with fewer parameters only chooses among the quotes: written freely, 11 of 30 answers of
/// SmolLM2-135M held the right one, and 11 had nothing that a passage supports.
const CHOOSES_BELOW: u64 = 300_000_000;

/// A model with fewer parameters is told which quote fits best.
const GUIDED_BELOW: u64 = 3_000_000_000;

/// How many threads compute at once.
#[derive(Debug, Clone, Copy)]
struct Threads {
    /// While several tokens are read in one step.
    reading: i32,
    /// While one token follows another.
    writing: i32,
}

impl Threads {
    /// `configured` threads for everything. With 0, one for each core while tokens are read, and
    /// one fewer while they are written, so that another busy program has a core: threads wait for
    /// each other at each layer of each token, and on two cores, beside a busy program, SmolLM2
    /// wrote 17 tokens a second with two threads and 55 with one (alone 88 and 52).
    fn new(configured: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let (reading, writing) = match configured {
            0 => (cores, (cores - 1).max(1)),
            threads => (threads, threads),
        };
        let count = |threads| i32::try_from(threads).unwrap_or(i32::MAX);
        Threads { reading: count(reading), writing: count(writing) }
    }
}

/// A chat model in a GGUF file, run by llama.cpp on this machine. It decodes greedily, so that the
/// same prompt gives the same answer.
pub struct LlamaGenerator {
    id: String,
    model: Arc<Model>,
    threads: Threads,
    context_tokens: usize,
    start_files: Option<StartFiles>,
}

impl LlamaGenerator {
    /// Opens the chat model in the GGUF file at `path` under the name `id`. Prompt and answer
    /// together get at most `context_tokens_cap` tokens, or as many as the model was trained for if
    /// that is less. `threads` is the number of threads that compute; 0 chooses them for this
    /// machine.
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
        let model = Arc::new(Model {
            form: match model.n_params() {
                parameters if parameters < CHOOSES_BELOW => AnswerForm::Choice,
                parameters if parameters < GUIDED_BELOW => AnswerForm::Guided,
                _ => AnswerForm::Free,
            },
            is_recurrent: model.is_recurrent() || model.is_hybrid(),
            template,
            begins_with_thinking,
            opening: Mutex::new(()),
            start: Mutex::new(None),
            model,
        });
        let threads = Threads::new(threads);
        let context_tokens = trained_for.min(context_tokens_cap);
        Ok(LlamaGenerator { id: id.to_string(), model, threads, context_tokens, start_files: None })
    }

    /// Keeps in `folder` what the model has read of the fixed part of a prompt, so that the next
    /// run need not read it. `path` is the file that the generator was opened from.
    #[must_use]
    pub fn keeping_starts_in(self, folder: &Path, path: &Path) -> Self {
        LlamaGenerator { start_files: Some(StartFiles::new(folder, path)), ..self }
    }

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
        Ok(self.model.tokens(prompt).tokens.len())
    }

    fn generate(&self, prompt: &Prompt) -> BoxStream<'static, Result<Token>> {
        let chooses = self.model.form == AnswerForm::Choice && prompt.task == Task::Answer;
        let choices = if chooses { prompt.choices() } else { Vec::new() };
        if chooses && choices.is_empty() {
            return stream::iter([Ok(REFUSAL.to_string().into())]).boxed();
        }
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
        let grammar = chooses.then(|| grammar::of_choices(&choices));
        let (model, start_files) = (self.model.clone(), self.start_files.clone());
        let writer = Writer { model, threads: self.threads, start_files, grammar, sender };
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
            // The thread notices after a few tokens; if it panicked, the stream has ended already.
            let _ = thread.join();
        }
    }
}

/// The weights of a model and its chat template.
struct Model {
    model: LlamaModel,
    template: TemplateTokens,
    begins_with_thinking: bool,
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
        let bos = vocabulary.bos();
        // Most templates begin with the token themselves.
        if vocabulary.should_add_bos() && bos.0 >= 0 && first.first() != Some(&bos) {
            first.insert(0, bos);
        }
        TemplateTokens { parts: [first, control(&template.before_user), control(&template.before_answer)] }
    }
}

/// llama.cpp, started once in a process. Its log goes to `tracing`, which drops it unless somebody
/// listens.
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
