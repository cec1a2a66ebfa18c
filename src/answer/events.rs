//! An answer as a stream of events, which the command line, a test and a server read alike.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use futures::stream::{self, BoxStream, Stream, StreamExt};

use super::builder::{AnswerBuilder, Written};
use super::confidence::TokenProbabilities;
use super::packing::{AnswerLimits, Packed, pack};
use super::sentences::{Sentence, SentenceCutter};
use super::{Answer, LeftOut, NOTHING_FOUND, Passage, Reading, Timings, elapsed_ms};
use crate::error::{Error, Result};
use crate::models::contracts::{Generator, SupportChecker, Token};
use crate::models::prompt::QUESTION_LABEL;
use crate::search::{Correction, PendingWork};

/// A step on the way to an answer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AnswerEvent {
    /// The search is done. The generator reads the best sentences of the passages.
    PassagesFound {
        /// The passages, best first.
        passages: Vec<Passage>,
        /// What the index has not finished yet, so that passages may be missing.
        pending: Option<PendingWork>,
    },
    /// The generator wrote a sentence, and the sentence was checked against the passages.
    Sentence(AnswerSentence),
    /// The answer is complete: its text, sources and timings.
    Finished(Box<Answer>),
}

/// The events of one answer: [`AnswerEvent::PassagesFound`], then [`AnswerEvent::Sentence`] for
/// each sentence, then [`AnswerEvent::Finished`]. An error ends the stream. Dropping the stream
/// stops the generator.
pub type AnswerEvents = BoxStream<'static, Result<AnswerEvent>>;

/// A checked sentence. The texts of all sentences, put together, are the text of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnswerSentence {
    /// The sentence with its marks, after the white space that separates it from the one before.
    pub text: String,
    /// Whether the passages support it.
    pub support: SentenceSupport,
}

/// What checking a sentence against the passages found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SentenceSupport {
    /// The sources with these numbers support it.
    Cited(Vec<usize>),
    /// No passage supports it.
    Unsupported,
    /// The sources with these numbers say the opposite.
    Contradicted(Vec<usize>),
    /// It says that the passages do not hold the answer.
    Refusal,
    /// It has no word that could be checked.
    NothingToCheck,
}

/// What an answer is written from.
#[derive(Debug, Clone, Default)]
pub struct FoundPassages {
    /// The passages, best first.
    pub passages: Vec<Passage>,
    /// What the index has not finished yet.
    pub pending: Option<PendingWork>,
    /// The words of the question that were searched in another spelling.
    pub corrections: Vec<Correction>,
    /// What a reader found for each part of the question; empty without one.
    pub readings: Vec<Reading>,
    /// How long searching and loading the generator took.
    pub timings_ms: Timings,
    /// What is not read of them; found when the answer begins.
    pub instructions_left_out: Vec<LeftOut>,
}

/// The events of an answer that one generator writes; see [`answer()`](super::answer()).
pub(super) fn answer_by(
    generator: Arc<dyn Generator>,
    checker: Option<Arc<dyn SupportChecker>>,
    question: &str,
    found: FoundPassages,
    limits: AnswerLimits,
) -> AnswerEvents {
    let passages = found.passages.clone();
    let first = stream::iter([Ok(AnswerEvent::PassagesFound { passages, pending: found.pending })]);
    let found = found.readable(limits);
    let nothing_found = found.passages.is_empty();
    if nothing_found || is_unanswered(&found.readings) {
        let (generator, timings_ms) = (generator.name().to_string(), found.timings_ms);
        let mut builder = AnswerBuilder::new(question, found, None, limits.unsupported);
        let sentence = if nothing_found { builder.add_unchecked(NOTHING_FOUND) } else { builder.refuse() };
        let finished = finished(builder, Written { generator, timings_ms, ..Written::default() });
        return first.chain(stream::iter([sentence_event(sentence), finished])).boxed();
    }
    match Writing::start(&generator, checker, question, found, limits) {
        Ok(writing) => {
            let written = stream::unfold(Some(writing), |writing| async { Some(writing?.step().await) });
            first.chain(written.flat_map(stream::iter)).boxed()
        }
        Err(error) => first.chain(stream::iter([Err(error)])).boxed(),
    }
}

/// True if a reader found no answer to any part of the question.
pub(super) fn is_unanswered(readings: &[Reading]) -> bool {
    !readings.is_empty() && readings.iter().all(|reading| !reading.is_answered)
}

/// The smallest probability that a part of the question which is answered gets; `None` without a
/// reader.
fn least_probability(readings: &[Reading]) -> Option<f32> {
    readings.iter().filter(|reading| reading.is_answered).map(|reading| reading.probability).reduce(f32::min)
}

/// Reads the events to the end and gives the complete answer.
///
/// # Errors
/// The error that ended the stream.
pub async fn collect_answer(events: impl Stream<Item = Result<AnswerEvent>>) -> Result<Answer> {
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        if let AnswerEvent::Finished(answer) = event? {
            return Ok(*answer);
        }
    }
    Err(Error::model("the generator stopped before its answer was complete"))
}

/// A generator at work.
struct Writing {
    generator: String,
    prompt_tokens: usize,
    /// How sure it is that the passages answer: by the reader, or else the share of the question's
    /// words that the best sentences cover.
    answerable: f32,
    probabilities: TokenProbabilities,
    tokens: BoxStream<'static, Result<Token>>,
    cutter: SentenceCutter,
    builder: AnswerBuilder,
    checks_with_model: bool,
    written: HashSet<String>,
    timings_ms: Timings,
    started: Instant,
    read_ms: Option<u64>,
}

impl Writing {
    fn start(
        generator: &Arc<dyn Generator>,
        checker: Option<Arc<dyn SupportChecker>>,
        question: &str,
        found: FoundPassages,
        limits: AnswerLimits,
    ) -> Result<Self> {
        let Packed { prompt, prompt_tokens, passages, readings } = pack(generator.as_ref(), question, &found, limits)?;
        let answerable = least_probability(&readings).unwrap_or_else(|| prompt.coverage());
        let found = FoundPassages { passages, readings, ..found };
        Ok(Writing {
            answerable,
            generator: generator.name().to_string(),
            prompt_tokens,
            probabilities: TokenProbabilities::default(),
            timings_ms: found.timings_ms,
            checks_with_model: checker.is_some(),
            builder: AnswerBuilder::new(question, found, checker, limits.unsupported),
            started: Instant::now(),
            tokens: generator.generate(&prompt),
            cutter: SentenceCutter::default(),
            written: HashSet::new(),
            read_ms: None,
        })
    }

    /// Waits for the next token and gives the events that it completes; no `Writing` after the
    /// last.
    async fn step(mut self) -> (Vec<Result<AnswerEvent>>, Option<Self>) {
        let token = match self.tokens.next().await {
            Some(Ok(token)) => token,
            Some(Err(error)) => return (vec![Err(error)], None),
            None => {
                let rest = std::mem::take(&mut self.cutter).finish();
                return match self.add(rest).await {
                    Ok((writing, mut events, _)) => {
                        events.extend(writing.finish());
                        (events, None)
                    }
                    Err(error) => (vec![Err(error)], None),
                };
            }
        };
        self.read_ms.get_or_insert_with(|| elapsed_ms(self.started));
        self.probabilities.add(&token);
        let sentences = self.cutter.push(&token.text);
        match self.add(sentences).await {
            Ok((writing, mut events, true)) => {
                events.extend(writing.finish());
                (events, None)
            }
            Ok((writing, events, false)) => (events, Some(writing)),
            Err(error) => (vec![Err(error)], None),
        }
    }

    /// Checks sentences; by a model on a thread where it may take its time.
    async fn add(mut self, sentences: Vec<Sentence>) -> Result<(Self, Vec<Result<AnswerEvent>>, bool)> {
        if sentences.is_empty() {
            return Ok((self, Vec::new(), false));
        }
        let checks_with_model = self.checks_with_model;
        let check = move || {
            let (events, repeats) = self.check(sentences)?;
            Ok((self, events, repeats))
        };
        if !checks_with_model {
            return check();
        }
        let checked = tokio::task::spawn_blocking(check).await;
        checked.map_err(|cause| Error::model("the check of a sentence broke off").with_cause(cause))?
    }

    /// The events of checked sentences. `true` when the generator repeats itself or its prompt:
    /// small models do so when they have nothing more to say.
    fn check(&mut self, sentences: Vec<Sentence>) -> Result<(Vec<Result<AnswerEvent>>, bool)> {
        let mut events = Vec::new();
        for sentence in sentences {
            let repeats_prompt = !self.builder.is_empty() && sentence.text.starts_with(QUESTION_LABEL);
            if repeats_prompt || !self.written.insert(sentence.text.clone()) {
                return Ok((events, true));
            }
            events.push(sentence_event(self.builder.add(&sentence.before, &sentence.text)?));
        }
        Ok((events, false))
    }

    fn finish(mut self) -> Vec<Result<AnswerEvent>> {
        let mut events = Vec::new();
        if self.builder.has_dropped_all() {
            events.push(sentence_event(self.builder.refuse()));
        } else if self.builder.is_empty() {
            return vec![Err(Error::model(format!("{} wrote nothing", self.generator))
                .with_hint("ask in other words, or choose another generator: --generator extractive"))];
        }
        let read = self.read_ms.unwrap_or_default();
        let timings_ms = Timings { read, write: elapsed_ms(self.started) - read, ..self.timings_ms };
        let Writing { generator, prompt_tokens, .. } = self;
        let sureness = self.answerable.min(self.probabilities.mean().unwrap_or(1.0));
        events.push(finished(self.builder, Written { generator, prompt_tokens, sureness, timings_ms }));
        events
    }
}

fn sentence_event(sentence: AnswerSentence) -> Result<AnswerEvent> {
    Ok(AnswerEvent::Sentence(sentence))
}

fn finished(builder: AnswerBuilder, written: Written) -> Result<AnswerEvent> {
    Ok(AnswerEvent::Finished(Box::new(builder.finish(written))))
}
