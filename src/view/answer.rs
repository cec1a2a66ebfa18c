//! The view of an answer and its sources.

use std::path::Path;

use serde::Serialize;

use super::search::{CorrectionView, PendingView};
use super::{Location, QuoteView, SentenceView, is_false, relative};
use crate::answer::{Answer, Citation, CitedSource, Disagreement, LeftOut, Reading, Timings};
use crate::index::calibration::ReadingFeatures;

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AnswerView {
    /// The text with its citation marks.
    pub answer: String,
    /// The sentences of the sources that support it.
    pub citations: Vec<CitationView>,
    /// Its sentences that could be checked, with what the sources say of them.
    pub sentences: Vec<SentenceView>,
    /// True if it only says that the documents have no answer.
    pub refused: bool,
    /// Its sentences that no passage supports.
    pub unsupported: Vec<String>,
    /// Citation numbers of the model that belong to no passage.
    pub unknown_citations: Vec<usize>,
    /// The generator that wrote it.
    pub generator: String,
    /// The tokens that it read: instructions, passages and question.
    pub prompt_tokens: usize,
    /// How sure it is, 0 to 1; not calibrated.
    pub confidence: f32,
    /// Whether the passages answer each part of the question, by the reader; absent if no reader
    /// was asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answerable: Vec<AnswerableView>,
    /// What a cascade did; absent if one generator was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cascade: Option<CascadeView>,
    /// The cited passages, by number.
    pub sources: Vec<SourceView>,
    /// Of a refusal the best sentences of the passages that came nearest, best first; absent if
    /// there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nearest: Vec<CitationView>,
    /// The passages of which sentences were not read, because they read like instructions to a
    /// model; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instructions_left_out: Vec<LeftOutView>,
    /// The words that were searched in another spelling; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub corrections: Vec<CorrectionView>,
    /// The time of each stage.
    pub timings_ms: TimingsView,
    /// The pending work of the index; absent if it is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingView>,
}

/// What a reader found for one part of the question.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AnswerableView {
    /// The calibrated probability that the passages answer it, 0 to 1.
    pub probability: f32,
    /// True if that is enough for an answer.
    pub answered: bool,
    /// True if the scores are unlike all those that the calibration has seen.
    pub shifted: bool,
    /// The passages that answer with other numbers.
    pub disagreements: Vec<DisagreementView>,
    /// How much the score of the best place is above that of another.
    pub lead: f32,
    /// The scores of the reader.
    pub scores: ReadingFeatures,
}

/// A passage that answers with other numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DisagreementView {
    /// The words that answer.
    pub answer: String,
    /// The sentence that they stand in.
    #[serde(flatten)]
    pub quote: QuoteView,
}

impl AnswerableView {
    fn new(reading: &Reading, base: &Path) -> Self {
        let disagreement = |other: &Disagreement| DisagreementView {
            answer: other.answer.clone(),
            quote: QuoteView::new(&other.quote, base, false),
        };
        AnswerableView {
            disagreements: reading.disagreements.iter().map(disagreement).collect(),
            probability: reading.probability,
            answered: reading.is_answered,
            shifted: reading.is_shifted,
            lead: reading.lead,
            scores: reading.features,
        }
    }
}

/// What a cascade of two generators did.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CascadeView {
    /// The generator that was asked first.
    pub small: String,
    /// The confidence in its answer.
    pub confidence: f32,
    /// Why the large generator was asked; null if it was not.
    pub doubt: Option<String>,
    /// The milliseconds that the first answer took.
    pub small_ms: u64,
}

/// A passage that an answer cites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SourceView {
    /// Its number: the `[n]` in the answer.
    pub n: usize,
    /// The file.
    pub path: String,
    /// The location in the file.
    pub location: Location,
    /// The headings above it, joined by ` > `.
    pub heading: String,
    /// What a limit left out of the file; absent if nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated: Option<String>,
    /// True if the file is not there any more; absent if it is.
    #[serde(skip_serializing_if = "is_false")]
    pub gone: bool,
}

/// A passage of which sentences were not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LeftOutView {
    /// The file.
    pub path: String,
    /// The location of the sentences, from the first to the last.
    pub location: Location,
    /// The number of the sentences.
    pub sentences: usize,
}

/// A cited sentence of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CitationView {
    /// The source's number.
    pub n: usize,
    /// The file.
    pub path: String,
    /// The location in the file.
    pub location: Location,
    /// The sentence, word for word.
    pub quote: String,
    /// Where it starts and ends in the text of the file, in bytes.
    pub span: [usize; 2],
}

/// The times of the stages of an answer, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TimingsView {
    /// Finding the passages.
    pub retrieve: u64,
    /// Loading the generator.
    pub load: u64,
    /// Until the first token of the generator.
    pub read: u64,
    /// From the first token to the end.
    pub write: u64,
}

impl AnswerView {
    /// Makes paths relative to `base`.
    pub fn new(answer: &Answer, base: &Path) -> Self {
        let Timings { retrieve, load, read, write } = answer.timings_ms;
        AnswerView {
            answer: answer.answer.clone(),
            citations: answer.citations.iter().map(|citation| CitationView::new(citation, base)).collect(),
            sentences: answer.sentences.iter().map(|sentence| SentenceView::new(sentence, base, true)).collect(),
            refused: answer.refused,
            unsupported: answer.unsupported.clone(),
            unknown_citations: answer.unknown_citations.clone(),
            generator: answer.generator.clone(),
            prompt_tokens: answer.prompt_tokens,
            confidence: answer.confidence,
            answerable: answer.readings.iter().map(|reading| AnswerableView::new(reading, base)).collect(),
            cascade: answer.cascade.as_ref().map(|report| CascadeView {
                small: report.small.clone(),
                confidence: report.confidence,
                doubt: report.doubt.clone(),
                small_ms: report.small_ms,
            }),
            nearest: answer.nearest.iter().map(|citation| CitationView::new(citation, base)).collect(),
            sources: answer.sources.iter().map(|source| SourceView::new(source, base)).collect(),
            instructions_left_out: answer.instructions_left_out.iter().map(|one| LeftOutView::new(one, base)).collect(),
            timings_ms: TimingsView { retrieve, load, read, write },
            corrections: answer.corrections.iter().map(CorrectionView::from).collect(),
            pending: answer.pending.map(PendingView::from),
        }
    }
}

impl SourceView {
    fn new(source: &CitedSource, base: &Path) -> Self {
        SourceView {
            n: source.n,
            path: relative(Path::new(&source.path), base),
            location: Location::new(source.unit, source.first, source.last, &source.place),
            heading: source.heading.clone(),
            truncated: source.truncated.clone(),
            gone: source.gone,
        }
    }
}

impl LeftOutView {
    fn new(left_out: &LeftOut, base: &Path) -> Self {
        LeftOutView {
            path: relative(Path::new(&left_out.path), base),
            location: Location::new(left_out.unit, left_out.first, left_out.last, &left_out.place),
            sentences: left_out.sentences,
        }
    }
}

impl CitationView {
    fn new(citation: &Citation, base: &Path) -> Self {
        CitationView {
            n: citation.n,
            path: relative(Path::new(&citation.path), base),
            location: Location::new(citation.unit, citation.first, citation.last, &citation.place),
            quote: citation.quote.clone(),
            span: [citation.span.start, citation.span.end],
        }
    }
}
