//! The part of a chunk that shows why it was found.

use std::collections::HashSet;

use crate::index::lexical::stems;
use crate::language::Language;
use crate::text::{Span, sentences};

/// A part of a text with the words that match.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snippet {
    /// The place of the part in the text.
    pub span: Span,
    /// The places of the matching words in the text, in order, all within `span`.
    pub matches: Vec<Span>,
}

/// Returns the run of whole sentences with the most different words of `question`, the first one on
/// a tie. A run has at most `max_chars` characters, unless its first sentence is longer.
pub fn snippet(question: &str, text: &str, language: Language, max_chars: usize) -> Snippet {
    let asked: HashSet<String> = stems(question, language).into_iter().map(|word| word.stem).collect();
    let words: Vec<_> = stems(text, language).into_iter().filter(|word| asked.contains(&word.stem)).collect();
    let sentences = sentences(text);
    let mut best = (0, Span { start: 0, end: 0 });
    for (at, first) in sentences.iter().enumerate() {
        let mut span = *first;
        for next in &sentences[at + 1..] {
            if text[first.start..next.end].chars().count() > max_chars {
                break;
            }
            span.end = next.end;
        }
        let inside = words.iter().filter(|word| span.start <= word.span.start && word.span.end <= span.end);
        let different = inside.map(|word| &word.stem).collect::<HashSet<_>>().len();
        if at == 0 || different > best.0 {
            best = (different, span);
        }
    }
    let span = best.1;
    let mut matches: Vec<Span> = Vec::new();
    for word in words.iter().map(|word| word.span).filter(|word| span.start <= word.start && word.end <= span.end) {
        // An identifier and its parts overlap; they become one match.
        match matches.last_mut() {
            Some(last) if word.start < last.end => last.end = last.end.max(word.end),
            _ => matches.push(word),
        }
    }
    Snippet { span, matches }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentences_with_the_words_are_shown_and_the_words_are_marked() {
        let text = "Birds are small. Kinglets weigh five grams. Nothing else matters here at all.";
        let found = snippet("How much does a kinglet weigh?", text, Language::English, 30);
        assert_eq!(found.span.of(text), "Kinglets weigh five grams.");
        let marked: Vec<_> = found.matches.iter().map(|span| span.of(text)).collect();
        assert_eq!(marked, ["Kinglets", "weigh"]);
    }

    #[test]
    fn any_question_and_any_text_give_a_snippet() {
        assert_eq!(snippet("", "", Language::None, 10).matches, []);
        assert_eq!(snippet("\"a:b\" AND (", "word", Language::None, 10).span, Span { start: 0, end: 4 });
    }
}
