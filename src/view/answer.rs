//! An answer with what it rests on.

use std::path::Path;

use serde::Serialize;

use super::search::PendingView;
use super::{Location, relative};
use crate::answer::{Answer, Citation, CitedSource, Timings};

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AnswerView {
    /// The text with its marks.
    pub answer: String,
    /// The sentences of the sources that it rests on.
    pub citations: Vec<CitationView>,
    /// Whether it says only that the documents do not say.
    pub refused: bool,
    /// Its sentences that no passage holds.
    pub unsupported: Vec<String>,
    /// Numbers that the model cited although no passage had them.
    pub unknown_citations: Vec<usize>,
    /// The passages that are cited, by number.
    pub sources: Vec<SourceView>,
    /// How long each stage took.
    pub timings_ms: TimingsView,
    /// What the index has not made yet; absent when it is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingView>,
}

/// A passage that an answer cites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SourceView {
    /// The `[n]` of the answer.
    pub n: usize,
    /// The file.
    pub path: String,
    /// Where in it.
    pub location: Location,
    /// The headings over it, joined by ` > `.
    pub heading: String,
    /// What was left out of the file; absent if nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated: Option<String>,
}

/// A sentence of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CitationView {
    /// The source's number.
    pub n: usize,
    /// The file.
    pub path: String,
    /// Where in it.
    pub location: Location,
    /// The sentence, word for word.
    pub quote: String,
}

/// How long the stages of an answer took, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TimingsView {
    /// Finding the passages.
    pub retrieve: u64,
    /// Loading the generator.
    pub load: u64,
    /// Until the generator wrote its first piece of text.
    pub read: u64,
    /// From there to the end.
    pub write: u64,
}

impl AnswerView {
    /// Shows paths relative to `base`.
    pub fn new(answer: &Answer, base: &Path) -> Self {
        let Timings { retrieve, load, read, write } = answer.timings_ms;
        AnswerView {
            answer: answer.answer.clone(),
            citations: answer.citations.iter().map(|citation| CitationView::new(citation, base)).collect(),
            refused: answer.refused,
            unsupported: answer.unsupported.clone(),
            unknown_citations: answer.unknown_citations.clone(),
            sources: answer.sources.iter().map(|source| SourceView::new(source, base)).collect(),
            timings_ms: TimingsView { retrieve, load, read, write },
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
        }
    }
}
