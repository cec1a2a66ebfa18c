//! Writes one answer, on its own thread.

use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError};

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::context::session::LlamaStateSeqFlags;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use tokio::sync::mpsc;

use super::draft::guess;
use super::grammar::ROOT;
use super::start_files::StartFiles;
use super::{Model, PromptTokens, Start, Threads, backend};
use crate::error::{Error, Result};
use crate::models::contracts::Token;

/// The number of prompt tokens that are read before the next check whether the caller still waits
/// for the answer.
const BATCH_TOKENS: usize = 64;

/// The most tokens that are guessed of a quote, and of what a model writes freely: it soon leaves
/// the text that it repeats, and with longer guesses it is slower than without any.
const MAX_GUESSED_OF_QUOTE: usize = 8;
const MAX_GUESSED: usize = 3;

/// How many of the last tokens are penalised as repetitions, and how much: enough to leave most
/// loops, too little to prevent writing a name twice.
const REPETITION_WINDOW: i32 = 64;
const REPETITION_PENALTY: f32 = 1.05;

/// Why nothing more was written; an error of the library as text.
type Failure = String;

pub(super) struct Writer {
    pub model: Arc<Model>,
    pub threads: Threads,
    /// Where what the fixed part of a prompt leaves is kept.
    pub start_files: Option<StartFiles>,
    /// The grammar of the answer, in GBNF.
    pub grammar: Option<String>,
    pub sender: mpsc::Sender<Result<Token>>,
}

impl Writer {
    /// Reads the prompt and writes at most `limit` tokens.
    pub fn run(self, prompt: &PromptTokens, limit: usize) {
        if let Err(cause) = self.write(prompt, limit) {
            // If the caller no longer listens, nobody needs the error.
            let _ = self.sender.blocking_send(Err(Error::model(format!("the language model failed: {cause}"))));
        }
    }

    fn write(&self, prompt: &PromptTokens, limit: usize) -> std::result::Result<(), Failure> {
        let mut reader = PromptReader::new(self.context(prompt.tokens.len() + limit)?);
        if !self.read_prompt(&mut reader, prompt)? {
            return Ok(());
        }
        let mut sampler = self.sampler()?;
        let mut text = Vec::new();
        let mut written =
            Transcript { tokens: prompt.tokens.clone(), start: prompt.tokens.len(), log_probability: 0.0 };
        let mut next = vec![self.sample(&mut sampler, &reader, reader.last)];
        // Each round accepts the tokens in `next`, of which the context has not read the last one.
        loop {
            for &(token, log_probability) in &next {
                if self.model.model.vocab().is_eog(token) || written.len() == limit {
                    return self.send_rest(text, &mut written);
                }
                written.push(token, log_probability);
                text.extend(self.model.model.vocab().token_to_piece(token, false, None));
                let whole = take_whole_characters(&mut text);
                if !whole.is_empty() && self.sender.blocking_send(Ok(written.token(whole))).is_err() {
                    return Ok(());
                }
                if is_looping(written.answer()) {
                    return self.send_rest(text, &mut written);
                }
            }
            if written.len() == limit {
                return self.send_rest(text, &mut written);
            }
            next = self.step(&mut reader, &mut sampler, &written.tokens, limit - written.len())?;
        }
    }

    /// Reads the last token of `text` together with a guess of what follows, and gives the tokens
    /// that the model writes next: those of the guess as far as it is right, and one more. The text
    /// is the same as without a guess, in fewer steps.
    fn step(
        &self,
        reader: &mut PromptReader,
        sampler: &mut LlamaSampler,
        text: &[LlamaToken],
        room: usize,
    ) -> std::result::Result<Vec<(LlamaToken, f32)>, Failure> {
        let longest = match &self.grammar {
            _ if self.model.is_recurrent => 0,
            Some(_) => MAX_GUESSED_OF_QUOTE,
            None => MAX_GUESSED,
        };
        let guessed = guess(text, longest.min(room.saturating_sub(1)));
        let position = text.len() - 1;
        let read = [&text[position..], guessed].concat();
        reader.read(position, &read, true)?;
        let mut next = Vec::new();
        for at in 0..read.len() {
            let sampled = self.sample(sampler, reader, i32::try_from(at).map_err(|cause| cause.to_string())?);
            next.push(sampled);
            if read.get(at + 1) != Some(&sampled.0) || self.model.model.vocab().is_eog(sampled.0) {
                break;
            }
        }
        if next.len() < read.len() {
            reader.forget_after(position + next.len())?;
        }
        Ok(next)
    }

    fn send_rest(&self, text: Vec<u8>, written: &mut Transcript) -> std::result::Result<(), Failure> {
        if !text.is_empty() {
            let _ = self.sender.blocking_send(Ok(written.token(String::from_utf8_lossy(&text).into_owned())));
        }
        Ok(())
    }

    /// Reads the prompt; `false` if nobody waits for the answer any more. The part that is the same
    /// for each question is read once, unless two questions come at the same time, and not even
    /// once if a file has what it leaves.
    fn read_prompt(&self, reader: &mut PromptReader, prompt: &PromptTokens) -> std::result::Result<bool, Failure> {
        let (fixed, rest) = prompt.tokens.split_at(prompt.fixed);
        if !self.restore(reader, fixed)? {
            let files = self.start_files.as_ref().filter(|_| !fixed.is_empty());
            if !files.is_some_and(|files| files.load(&mut reader.context, fixed)) {
                if !self.read_all(reader, 0, fixed)? {
                    return Ok(false);
                }
                files.inspect(|files| files.save(&reader.context, fixed));
            }
            let state = reader.context.state_seq_get(0, LlamaStateSeqFlags::default());
            let state = state.map_err(|cause| cause.to_string())?;
            *self.model.start.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(Start { tokens: fixed.to_vec(), state });
        }
        self.read_all(reader, fixed.len(), rest)
    }

    /// Puts the state after `tokens` into the context, if it is known.
    fn restore(&self, reader: &mut PromptReader, tokens: &[LlamaToken]) -> std::result::Result<bool, Failure> {
        let start = self.model.start.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(start) = start.as_ref().filter(|start| start.tokens == tokens) else { return Ok(false) };
        reader.context.state_seq_set(&start.state, 0).map_err(|cause| cause.to_string())?;
        Ok(true)
    }

    fn read_all(
        &self,
        reader: &mut PromptReader,
        from: usize,
        tokens: &[LlamaToken],
    ) -> std::result::Result<bool, Failure> {
        for (index, part) in tokens.chunks(BATCH_TOKENS).enumerate() {
            if self.sender.is_closed() {
                return Ok(false);
            }
            reader.read(from + index * BATCH_TOKENS, part, false)?;
        }
        Ok(true)
    }

    fn sampler(&self) -> std::result::Result<LlamaSampler, Failure> {
        let model = &self.model.model;
        match &self.grammar {
            Some(grammar) => {
                let grammar = LlamaSampler::grammar(model, grammar, ROOT).map_err(|cause| cause.to_string())?;
                Ok(LlamaSampler::chain_simple([grammar, LlamaSampler::greedy()]))
            }
            None => Ok(LlamaSampler::chain_simple([
                LlamaSampler::penalties(model.vocab().n_tokens(), REPETITION_WINDOW, REPETITION_PENALTY, 0.0, 0.0),
                LlamaSampler::greedy(),
            ])),
        }
    }

    /// The token that follows the token at `index` of what was read last, with the logarithm of its
    /// probability.
    fn sample(&self, sampler: &mut LlamaSampler, reader: &PromptReader, index: i32) -> (LlamaToken, f32) {
        let token = sampler.sample(&reader.context, index);
        let logits = reader.context.get_logits_ith(index);
        let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = logits.iter().map(|logit| (logit - most).exp()).sum();
        let logit = usize::try_from(token.0).ok().and_then(|at| logits.get(at)).copied().unwrap_or(most);
        (token, logit - most - sum.ln())
    }

    fn context(&self, tokens: usize) -> std::result::Result<LlamaContext<'_>, Failure> {
        let tokens = u32::try_from(tokens).map_err(|_| "the prompt is too long".to_string())?;
        let parameters = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(tokens))
            .with_n_batch(BATCH_TOKENS as u32)
            .with_n_ubatch(BATCH_TOKENS as u32)
            .with_n_threads(self.threads.writing)
            .with_n_threads_batch(self.threads.reading);
        let backend = backend().map_err(|error| error.to_string())?;
        let _guard = self.model.opening.lock().unwrap_or_else(PoisonError::into_inner);
        self.model
            .model
            .new_context(backend, parameters)
            .map_err(|cause| format!("no room for {tokens} tokens ({cause})"))
    }
}

/// The prompt and what was written after it.
struct Transcript {
    tokens: Vec<LlamaToken>,
    /// Where the answer begins.
    start: usize,
    /// The sum over the tokens that were not sent yet.
    log_probability: f32,
}

impl Transcript {
    fn answer(&self) -> &[LlamaToken] {
        &self.tokens[self.start..]
    }

    fn len(&self) -> usize {
        self.answer().len()
    }

    fn push(&mut self, token: LlamaToken, log_probability: f32) {
        self.tokens.push(token);
        self.log_probability += log_probability;
    }

    /// The tokens since the last call, whose text is `text`.
    fn token(&mut self, text: String) -> Token {
        Token { text, log_probability: Some(std::mem::take(&mut self.log_probability)) }
    }
}

/// A context that reads tokens.
struct PromptReader<'m> {
    context: LlamaContext<'m>,
    batch: LlamaBatch<'m>,
    /// The index of the last token in the last batch.
    last: i32,
}

impl<'m> PromptReader<'m> {
    fn new(context: LlamaContext<'m>) -> Self {
        PromptReader { context, batch: LlamaBatch::new(BATCH_TOKENS, 1), last: 0 }
    }

    /// Reads `tokens`, at `position` and after. Only the last one can be sampled from, unless
    /// `each`.
    fn read(&mut self, position: usize, tokens: &[LlamaToken], each: bool) -> std::result::Result<(), Failure> {
        self.batch.clear();
        for (index, &token) in tokens.iter().enumerate() {
            let at = i32::try_from(position + index).map_err(|cause| cause.to_string())?;
            let is_last = index + 1 == tokens.len();
            self.batch.add(token, at, &[0], each || is_last).map_err(|cause| cause.to_string())?;
            self.last = i32::try_from(index).map_err(|cause| cause.to_string())?;
        }
        self.context.decode(&mut self.batch).map_err(|cause| cause.to_string())
    }

    fn forget_after(&mut self, position: usize) -> std::result::Result<(), Failure> {
        let position = u32::try_from(position).map_err(|cause| cause.to_string())?;
        match self.context.clear_kv_cache_seq(Some(0), Some(position), None) {
            Ok(true) => Ok(()),
            Ok(false) => Err("it cannot forget tokens".to_string()),
            Err(cause) => Err(cause.to_string()),
        }
    }
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
