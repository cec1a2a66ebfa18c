//! Checks each sentence against the passages and collects what becomes the answer.

use super::citations::{CitationBuilder, take_marks};
use super::confidence::confidence;
use super::grounding::{EvidenceIndex, Support};
use super::refusal::is_refusal;
use super::{Answer, AnswerSentence, FoundPassages, LeftOut, Passage, SentenceSupport, Timings, UNSUPPORTED_MARK};
use crate::search::PendingWork;

/// An answer under construction.
pub(super) struct AnswerBuilder {
    passages: Vec<Passage>,
    evidence: EvidenceIndex,
    citations: CitationBuilder,
    text: String,
    /// Sentences that are cited.
    supported: usize,
    /// True if one of them cites the passage with the best sentence, which is the first one.
    cites_best: bool,
    has_refused: bool,
    unsupported: Vec<String>,
    unknown_citations: Vec<usize>,
    pending: Option<PendingWork>,
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

impl AnswerBuilder {
    /// Starts an answer to `question` from the passages that the generator was given.
    pub fn new(question: &str, found: FoundPassages) -> Self {
        let FoundPassages { passages, pending, instructions_left_out, .. } = found;
        AnswerBuilder {
            evidence: EvidenceIndex::new(question, &passages),
            citations: CitationBuilder::default(),
            text: String::new(),
            supported: 0,
            cites_best: false,
            has_refused: passages.is_empty(),
            unsupported: Vec::new(),
            unknown_citations: Vec::new(),
            passages,
            pending,
            instructions_left_out,
        }
    }

    /// True until the first sentence is added.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Adds a sentence as the generator wrote it. `before` is the white space in front of it. The
    /// sentence loses the generator's own marks and gets those that the check finds.
    pub fn add(&mut self, before: &str, written: &str) -> AnswerSentence {
        let (text, support) = self.check(written);
        let before = if self.text.is_empty() { "" } else { before };
        let text = format!("{before}{text}");
        self.text.push_str(&text);
        AnswerSentence { text, support }
    }

    /// Adds text that is not checked.
    pub fn add_unchecked(&mut self, text: &str) -> AnswerSentence {
        self.text.push_str(text);
        AnswerSentence { text: text.to_string(), support: SentenceSupport::NothingToCheck }
    }

    fn check(&mut self, written: &str) -> (String, SentenceSupport) {
        let sentence = take_marks(written, &self.passages);
        let (given, unknown): (Vec<usize>, Vec<usize>) =
            sentence.numbers.iter().partition(|&&number| (1..=self.passages.len()).contains(&number));
        self.unknown_citations.extend(unknown);
        if is_refusal(&sentence.text) {
            self.has_refused = true;
            return (sentence.text, SentenceSupport::Refusal);
        }
        let claimed: Vec<usize> = given.iter().map(|number| number - 1).collect();
        match self.evidence.find(&sentence.text, &claimed) {
            Support::Nothing => (sentence.text, SentenceSupport::NothingToCheck),
            Support::Unsupported => {
                let marked = format!("{} {UNSUPPORTED_MARK}", sentence.text);
                self.unsupported.push(sentence.text);
                (marked, SentenceSupport::Unsupported)
            }
            Support::Supported(evidence) => {
                self.supported += 1;
                self.cites_best |= evidence.iter().any(|found| found.passage == 0);
                let mut numbers: Vec<usize> = evidence
                    .iter()
                    .map(|found| self.citations.cite(found.passage, &self.passages[found.passage], found.span))
                    .collect();
                numbers.sort_unstable();
                numbers.dedup();
                let marks: String = numbers.iter().map(|number| format!("[{number}]")).collect();
                (format!("{} {marks}", sentence.text), SentenceSupport::Cited(numbers))
            }
        }
    }

    /// The answer, when nothing more comes.
    pub fn finish(mut self, written: Written) -> Answer {
        self.unknown_citations.sort_unstable();
        self.unknown_citations.dedup();
        Answer {
            confidence: confidence(written.sureness, self.supported, self.unsupported.len(), self.cites_best),
            cascade: None,
            answer: self.text,
            citations: self.citations.citations,
            refused: self.has_refused && self.supported == 0,
            unsupported: self.unsupported,
            unknown_citations: self.unknown_citations,
            generator: written.generator,
            prompt_tokens: written.prompt_tokens,
            sources: self.citations.sources,
            timings_ms: written.timings_ms,
            pending: self.pending,
            instructions_left_out: self.instructions_left_out,
        }
    }
}
