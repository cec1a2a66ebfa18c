//! The views of checked sentences: of an answer, and of a text that somebody else wrote.

use std::path::Path;

use serde::Serialize;

use super::{Location, relative};
use crate::answer::{CheckedSentence, Citation, Conflict, SupportLabel, TextSentence};
use crate::models::contracts::SupportScores;

/// A sentence, and what the sources say of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SentenceView {
    /// The sentence, without marks.
    pub text: String,
    /// `supported`, `partly`, `not-found` or `contradicted`.
    pub label: SupportLabel,
    /// The probability that the sources support it, 0 to 1.
    pub score: f32,
    /// The sentences of the sources that entail it; of one that is not supported those that come
    /// nearest, or that say the opposite.
    pub quotes: Vec<QuoteView>,
    /// What rules see against it.
    pub conflicts: Vec<Conflict>,
    /// The share of its words, by weight, that stand at the best place.
    pub overlap: f32,
    /// The model's scores for the best place; null without a model, or if the sentence stands there
    /// word for word.
    pub model: Option<SupportScores>,
}

/// A sentence of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct QuoteView {
    /// The source's number: the `[n]` in the answer; absent if it is no source of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<usize>,
    /// The sentence, word for word.
    pub quote: String,
    /// The file.
    pub path: String,
    /// The location in the file.
    pub place: Location,
    /// Where the sentence starts and ends in the text of the file, in bytes.
    pub span: [usize; 2],
}

/// A checked text.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TextCheckView {
    /// Its sentences with something to check.
    pub sentences: Vec<TextSentenceView>,
    /// How many of them are supported.
    pub supported: usize,
    /// How many are not.
    pub unsupported: usize,
}

/// A sentence of a checked text.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TextSentenceView {
    /// Its line, from 1.
    pub line: u32,
    /// What the sources say of it.
    #[serde(flatten)]
    pub sentence: SentenceView,
}

impl SentenceView {
    /// Makes paths relative to `base`; `is_numbered` says whether sources have numbers.
    pub fn new(sentence: &CheckedSentence, base: &Path, is_numbered: bool) -> Self {
        let CheckedSentence { text, check, quotes } = sentence;
        SentenceView {
            text: text.clone(),
            label: check.label,
            score: check.probability,
            quotes: quotes.iter().map(|quote| QuoteView::new(quote, base, is_numbered)).collect(),
            conflicts: check.conflicts.clone(),
            overlap: check.overlap,
            model: check.scores,
        }
    }
}

impl QuoteView {
    pub(super) fn new(quote: &Citation, base: &Path, is_numbered: bool) -> Self {
        QuoteView {
            source: (is_numbered && quote.n > 0).then_some(quote.n),
            quote: quote.quote.clone(),
            path: relative(Path::new(&quote.path), base),
            place: Location::new(quote.unit, quote.first, quote.last, &quote.place),
            span: [quote.span.start, quote.span.end],
        }
    }
}

impl TextCheckView {
    /// Makes paths relative to `base`.
    pub fn new(sentences: &[TextSentence], base: &Path) -> Self {
        let view = |sentence: &TextSentence| {
            let checked = sentence.checked.as_ref()?;
            Some(TextSentenceView { line: sentence.line, sentence: SentenceView::new(checked, base, false) })
        };
        let sentences: Vec<TextSentenceView> = sentences.iter().filter_map(view).collect();
        let supported = sentences.iter().filter(|it| it.sentence.label == SupportLabel::Supported).count();
        TextCheckView { supported, unsupported: sentences.len() - supported, sentences }
    }
}
