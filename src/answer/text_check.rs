//! A text that somebody else wrote, sentence by sentence against passages.

use std::sync::Arc;

use serde::Serialize;

use super::citations::{CitationBuilder, take_marks};
use super::sentence_check::SentenceChecker;
use super::{CheckedSentence, Conflict, Passage, SentenceCheck};
use crate::error::Result;
use crate::models::contracts::{SupportChecker, SupportScores};
use crate::text::{Span, sentences};

/// A sentence of a text that somebody else wrote.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TextSentence {
    /// Its line in the text, from 1.
    pub line: u32,
    /// The sentence, and what the passages say of it; `None` if it has nothing to check.
    pub checked: Option<CheckedSentence>,
    /// As it is written.
    pub text: String,
}

/// The sentences of a text with their lines. Headings of Markdown and questions say nothing that
/// could be checked and are left out, and so are citation marks.
pub fn sentences_to_check(text: &str) -> Vec<(u32, String)> {
    let line_of = |place: usize| 1 + text[..place].bytes().filter(|byte| *byte == b'\n').count() as u32;
    let says_something = |span: &Span| !span.of(text).starts_with('#') && !span.of(text).ends_with('?');
    let stripped =
        |span: Span| (line_of(span.start), without_list_mark(&take_marks(span.of(text), &[]).text).to_string());
    sentences(text).into_iter().filter(says_something).map(stripped).filter(|(_, text)| !text.is_empty()).collect()
}

/// Holds `sentence`, which stands in this line, against the passages.
///
/// # Errors
/// When the model fails.
pub(crate) fn check_sentence(
    line: u32,
    sentence: String,
    passages: &[Passage],
    model: Option<Arc<dyn SupportChecker>>,
) -> Result<TextSentence> {
    let checker = SentenceChecker::new("", passages, Vec::new(), model);
    let mut citations = CitationBuilder::default();
    let checked = checker.check(&sentence, &[])?.map(|check| {
        let quotes = check.evidence.iter().map(|&(at, span)| citations.quote(at, &passages[at], span)).collect();
        CheckedSentence { text: sentence.clone(), check, quotes }
    });
    Ok(TextSentence { line, checked, text: sentence })
}

/// What the model and the rules say of a claim at each place of the evidence that may support it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairPlace {
    /// The model's scores.
    pub model: SupportScores,
    /// The share of the claim's words that stand there.
    pub overlap: f32,
    /// What rules see.
    pub conflicts: Vec<Conflict>,
}

/// A claim held against texts, and everything that the judgement could be made of.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedPair {
    /// The judgement; `None` if there is nothing to check.
    pub check: Option<SentenceCheck>,
    /// What is said at each place.
    pub places: Vec<PairPlace>,
    /// The share of its pairs of neighbouring words that the texts have.
    pub share_of_pairs: f32,
    /// Its numbers, codes and names that stand nowhere in the texts.
    pub missing: Vec<Conflict>,
}

/// A claim held against texts, for measurements.
///
/// # Errors
/// When the model fails.
pub(crate) fn check_pair(
    claim: &str,
    evidence: &[Passage],
    question: &str,
    model: Arc<dyn SupportChecker>,
) -> Result<CheckedPair> {
    let checker = SentenceChecker::new(question, evidence, Vec::new(), Some(model));
    let places = checker.places_of(claim)?.into_iter();
    let places = places.map(|(model, overlap, conflicts)| PairPlace { model, overlap, conflicts }).collect();
    let (share_of_pairs, missing) = checker.anywhere(claim);
    Ok(CheckedPair { check: checker.check(claim, &[])?, places, share_of_pairs, missing })
}

fn without_list_mark(sentence: &str) -> &str {
    let rest = sentence.trim_start_matches(['-', '*', '+', '>']);
    if rest.len() < sentence.len() && rest.starts_with(' ') { rest.trim_start() } else { sentence }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_into_what_can_be_checked() {
        let text =
            "# Lease\n\nThe lease ends in May. [1] It was\nsigned in Lyon.\n\n- Who pays?\n- The tenant pays. [2, 3]\n";
        let found = sentences_to_check(text);
        let found: Vec<(u32, &str)> = found.iter().map(|(line, text)| (*line, text.as_str())).collect();
        assert_eq!(found, [(3, "The lease ends in May."), (3, "It was\nsigned in Lyon."), (7, "The tenant pays.")]);
    }
}
