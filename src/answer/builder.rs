//! Checks each sentence against the passages and collects what becomes the answer.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::citations::{Citation, CitationBuilder, take_marks};
use super::confidence::confidence;
use super::refusal::is_refusal;
use super::sentence_check::{SentenceCheck, SentenceChecker, SupportLabel};
use super::{
    Answer, AnswerSentence, CheckedSentence, FoundPassages, LeftOut, Passage, Reading, SentenceSupport, Timings,
    UNSUPPORTED_MARK, Unsupported,
};
use crate::error::Result;
use crate::models::contracts::SupportChecker;
use crate::models::prompt::REFUSAL;
use crate::search::{Correction, PendingWork};
use crate::text::Span;

/// The most passages that a refusal names.
const MAX_NEAREST: usize = 3;

/// An answer under construction.
pub(super) struct AnswerBuilder {
    passages: Vec<Passage>,
    checker: SentenceChecker,
    citations: CitationBuilder,
    sentences: Vec<CheckedSentence>,
    text: String,
    /// True if unsupported sentences are left out of the text.
    drops_unsupported: bool,
    /// Sentences that are cited.
    supported: usize,
    /// True if one of them cites the passage with the best sentence, which is the first one.
    cites_best: bool,
    has_refused: bool,
    unsupported: Vec<String>,
    unknown_citations: Vec<usize>,
    readings: Vec<Reading>,
    pending: Option<PendingWork>,
    corrections: Vec<Correction>,
    instructions_left_out: Vec<LeftOut>,
}

/// How an answer was written.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// The name of the generator.
    pub generator: String,
    /// The tokens that it read.
    pub prompt_tokens: usize,
    /// See [`confidence()`].
    pub sureness: f32,
    /// How long everything took.
    pub timings_ms: Timings,
}

/// The mark after a sentence that sources contradict.
fn contradicted_mark(numbers: &[usize]) -> String {
    let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
    format!("[contradicted by {}]", numbers.join(", "))
}

impl AnswerBuilder {
    /// Starts an answer to `question` from the passages that the generator was given. Without a
    /// model words in common decide what supports a sentence.
    pub fn new(
        question: &str,
        found: FoundPassages,
        model: Option<Arc<dyn SupportChecker>>,
        unsupported: Unsupported,
    ) -> Self {
        let FoundPassages { passages, pending, corrections, readings, instructions_left_out, .. } = found;
        AnswerBuilder {
            checker: SentenceChecker::new(
                question,
                &passages,
                readings.iter().filter_map(|reading| reading.place).collect(),
                model,
            ),
            citations: CitationBuilder::default(),
            sentences: Vec::new(),
            text: String::new(),
            drops_unsupported: unsupported != Unsupported::Mark,
            supported: 0,
            cites_best: false,
            has_refused: passages.is_empty(),
            unsupported: Vec::new(),
            unknown_citations: Vec::new(),
            passages,
            readings,
            pending,
            corrections,
            instructions_left_out,
        }
    }

    /// True until the first sentence is added.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Adds a sentence as the generator wrote it. `before` is the white space in front of it. The
    /// sentence loses the generator's own marks and gets those that the check finds.
    ///
    /// # Errors
    /// When the support model fails.
    pub fn add(&mut self, before: &str, written: &str) -> Result<AnswerSentence> {
        let (text, support) = self.check(written)?;
        let is_unsupported = matches!(support, SentenceSupport::Unsupported | SentenceSupport::Contradicted(_));
        if self.drops_unsupported && is_unsupported {
            return Ok(AnswerSentence { text: String::new(), support });
        }
        let before = if self.text.is_empty() { "" } else { before };
        let text = format!("{before}{text}");
        self.text.push_str(&text);
        Ok(AnswerSentence { text, support })
    }

    /// Adds text that is not checked.
    pub fn add_unchecked(&mut self, text: &str) -> AnswerSentence {
        self.text.push_str(text);
        AnswerSentence { text: text.to_string(), support: SentenceSupport::NothingToCheck }
    }

    fn check(&mut self, written: &str) -> Result<(String, SentenceSupport)> {
        let sentence = take_marks(written, &self.passages);
        let (given, unknown): (Vec<usize>, Vec<usize>) =
            sentence.numbers.iter().partition(|&&number| (1..=self.passages.len()).contains(&number));
        self.unknown_citations.extend(unknown);
        if is_refusal(&sentence.text) {
            self.has_refused = true;
            return Ok((sentence.text, SentenceSupport::Refusal));
        }
        let claimed: Vec<usize> = given.iter().map(|number| number - 1).collect();
        let Some(check) = self.checker.check(&sentence.text, &claimed)? else {
            return Ok((sentence.text, SentenceSupport::NothingToCheck));
        };
        let quotes = self.quotes(&check);
        let numbers: BTreeSet<usize> = quotes.iter().map(|quote| quote.n).collect();
        let numbers: Vec<usize> = numbers.into_iter().collect();
        let (text, support) = match check.label {
            SupportLabel::Supported => {
                self.supported += 1;
                self.cites_best |= check.evidence.iter().any(|(passage, _)| *passage == 0);
                let marks: String = numbers.iter().map(|number| format!("[{number}]")).collect();
                (format!("{} {marks}", sentence.text), SentenceSupport::Cited(numbers))
            }
            SupportLabel::Contradicted => {
                self.unsupported.push(sentence.text.clone());
                (format!("{} {}", sentence.text, contradicted_mark(&numbers)), SentenceSupport::Contradicted(numbers))
            }
            SupportLabel::Partly | SupportLabel::NotFound => {
                self.unsupported.push(sentence.text.clone());
                (format!("{} {UNSUPPORTED_MARK}", sentence.text), SentenceSupport::Unsupported)
            }
        };
        self.sentences.push(CheckedSentence { text: sentence.text, check, quotes });
        Ok((text, support))
    }

    /// True if sentences were checked and none was left in the text.
    pub fn has_dropped_all(&self) -> bool {
        self.text.is_empty() && !self.unsupported.is_empty()
    }

    /// Adds the refusal.
    pub fn refuse(&mut self) -> AnswerSentence {
        self.has_refused = true;
        self.text.push_str(REFUSAL);
        AnswerSentence { text: REFUSAL.to_string(), support: SentenceSupport::Refusal }
    }

    /// The quotes of the evidence. What supports is a citation of the answer, what contradicts is a
    /// source of it, and what says only a part is neither.
    fn quotes(&mut self, check: &SentenceCheck) -> Vec<Citation> {
        let quote = |&(at, span): &(usize, Span)| {
            let passage = &self.passages[at];
            match check.label {
                SupportLabel::Supported => self.citations.cite(at, passage, span),
                SupportLabel::Contradicted => self.citations.quote(at, passage, span),
                SupportLabel::Partly | SupportLabel::NotFound => Citation::new(0, passage, span),
            }
        };
        check.evidence.iter().map(quote).collect()
    }

    /// The answer, when nothing more comes.
    pub fn finish(mut self, written: Written) -> Answer {
        self.unknown_citations.sort_unstable();
        self.unknown_citations.dedup();
        let support: Vec<f32> = self.sentences.iter().map(|sentence| sentence.check.probability).collect();
        let refused = self.has_refused && self.supported == 0;
        let nearest = if refused { &self.passages[..self.passages.len().min(MAX_NEAREST)] } else { &[] };
        let nearest =
            nearest.iter().zip(1..).filter_map(|(passage, n)| Citation::of_best_sentence(n, passage)).collect();
        Answer {
            nearest,
            confidence: confidence(written.sureness, &support, self.supported > 0, self.cites_best),
            readings: self.readings,
            cascade: None,
            answer: self.text,
            citations: self.citations.citations,
            sentences: self.sentences,
            refused,
            unsupported: self.unsupported,
            unknown_citations: self.unknown_citations,
            generator: written.generator,
            prompt_tokens: written.prompt_tokens,
            sources: self.citations.sources,
            timings_ms: written.timings_ms,
            pending: self.pending,
            corrections: self.corrections,
            instructions_left_out: self.instructions_left_out,
        }
    }
}
