//! A text that somebody else wrote, sentence by sentence against passages.

use std::sync::Arc;

use super::citations::{CitationBuilder, take_marks};
use super::sentence_check::SentenceChecker;
use super::{CheckedSentence, Passage};
use crate::error::Result;
use crate::models::contracts::SupportChecker;
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
