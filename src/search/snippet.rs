//! The part of a chunk that shows why it was found.

use std::collections::HashSet;

use super::asked_words::asked_words;
use crate::chunking::Chunk;
use crate::index::lexical::stems;
use crate::language::Language;
use crate::text::{Span, sentences};

/// A part of a passage with the words that match.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snippet {
    /// The place of the part in the text of the passage.
    pub span: Span,
    /// The headings above it, outermost first.
    pub headings: Vec<String>,
    /// The places of the matching words in the text, in order, all within `span`.
    pub matches: Vec<Span>,
}

impl Snippet {
    /// The best of `sentences`, each with its score, and as many of those beside it, the better
    /// one first, as have at most `max_chars` characters together and stand under the same heading.
    /// The words of `question` are marked. A heading is only shown if there is nothing else.
    pub(super) fn of(
        question: &str,
        chunk: &Chunk,
        sentences: &[(Span, f32)],
        language: Language,
        max_chars: usize,
    ) -> Self {
        let text = &chunk.text;
        let is_body: Vec<bool> = sentences.iter().map(|(span, _)| !chunk.is_heading_at(*span)).collect();
        let rank = |at: usize| (is_body[at], sentences[at].1);
        let best = (0..sentences.len()).rev().max_by(|&one, &other| {
            let ((body, score), (other_body, other_score)) = (rank(one), rank(other));
            body.cmp(&other_body).then(score.total_cmp(&other_score))
        });
        let Some(best) = best else {
            return Snippet { span: Span { start: 0, end: 0 }, headings: chunk.headings.clone(), matches: Vec::new() };
        };
        let (mut first, mut last) = (best, best);
        let span = |first: usize, last: usize| Span { start: sentences[first].0.start, end: sentences[last].0.end };
        let fits = |first: usize, last: usize| span(first, last).of(text).chars().count() <= max_chars;
        loop {
            let before = first.checked_sub(1).filter(|&at| is_body[at] && fits(at, last));
            let after = Some(last + 1).filter(|&at| at < sentences.len() && is_body[at] && fits(first, at));
            match (before, after) {
                (Some(before), Some(after)) if sentences[before].1 > sentences[after].1 => first = before,
                (_, Some(after)) => last = after,
                (Some(before), None) => first = before,
                (None, None) => break,
            }
        }
        let span = span(first, last);
        Snippet { span, headings: chunk.headings_at(span.start), matches: matches(question, text, span, language) }
    }

    /// Its place in the file: the first and the last line, page or row.
    pub fn place(&self, chunk: &Chunk) -> (u32, u32) {
        (chunk.place_at(self.span.start), chunk.place_at(self.span.end.saturating_sub(1).max(self.span.start)))
    }

    /// Its place, written to follow the path of its file.
    pub fn after_path(&self, chunk: &Chunk) -> String {
        let (first, last) = self.place(chunk);
        chunk.unit.after_path(first, last, &self.headings)
    }
}

/// The sentences of `text`, each scored by the number of different words of `question` that it has.
pub(super) fn scored_by_words(question: &str, text: &str, language: Language) -> Vec<(Span, f32)> {
    let asked: HashSet<String> = asked_words(question, language).into_iter().map(|word| word.stem).collect();
    let score = |span: Span| {
        let words = stems(span.of(text), language).into_iter().map(|word| word.stem);
        (span, words.filter(|stem| asked.contains(stem)).collect::<HashSet<_>>().len() as f32)
    };
    sentences(text).into_iter().map(score).collect()
}

/// The places of the words of `question` within `span` of `text`.
fn matches(question: &str, text: &str, span: Span, language: Language) -> Vec<Span> {
    let asked: HashSet<String> = stems(question, language).into_iter().map(|word| word.stem).collect();
    let mut matches: Vec<Span> = Vec::new();
    for word in stems(span.of(text), language).into_iter().filter(|word| asked.contains(&word.stem)) {
        let word = Span { start: span.start + word.span.start, end: span.start + word.span.end };
        // An identifier and its parts overlap; they become one match.
        match matches.last_mut() {
            Some(last) if word.start < last.end => last.end = last.end.max(word.end),
            _ => matches.push(word),
        }
    }
    matches
}

#[cfg(test)]
mod tests {
    use super::super::results::SNIPPET_CHARS;
    use super::*;
    use crate::chunking::{Chunking, chunk};
    use kinglet_formats::read;

    const REPAIRS: &str = "# Lease\n\n## Deposit\n\nThe tenant pays two rents. It is paid back.\n\n## Repairs\n\n\
                           Small things are mended at once. The landlord pays for repairs. Call first.\n";

    fn passage(text: &str) -> Chunk {
        chunk(&read("a.md", text.as_bytes()).unwrap(), &Chunking::default()).remove(0)
    }

    fn shown(question: &str, chunk: &Chunk, max_chars: usize) -> Snippet {
        let sentences = scored_by_words(question, &chunk.text, Language::English);
        Snippet::of(question, chunk, &sentences, Language::English, max_chars)
    }

    #[test]
    fn the_best_sentence_is_shown_with_its_neighbours_its_heading_and_its_line() {
        let chunk = passage(REPAIRS);
        let found = shown("who pays for repairs?", &chunk, 50);
        assert_eq!(found.span.of(&chunk.text), "The landlord pays for repairs. Call first.");
        assert_eq!((found.headings.join(" > ").as_str(), found.after_path(&chunk).as_str()), ("Lease > Repairs", ":9"));
        let marked: Vec<_> = found.matches.iter().map(|span| span.of(&chunk.text)).collect();
        assert_eq!(marked, ["pays", "repairs"]);
        let more = shown("who pays for repairs?", &chunk, 500);
        assert!(more.span.of(&chunk.text).starts_with("Small things"), "it stays under one heading: {more:?}");
    }

    #[test]
    fn most_answers_in_the_handbook_are_visible_by_words_alone() {
        let corpora = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora");
        let questions = std::fs::read_to_string(corpora.join("tiny/questions.jsonl")).unwrap();
        let (mut in_passages, mut visible) = (0, 0);
        for line in questions.lines() {
            let question: serde_json::Value = serde_json::from_str(line).unwrap();
            for answer in question["answers"].as_array().unwrap() {
                let [asked, path, quote] =
                    [&question["question"], &answer["path"], &answer["quote"]].map(|text| text.as_str().unwrap());
                let page = std::fs::read(corpora.join("handbook").join(path)).unwrap();
                let chunks = chunk(&read(path, &page).unwrap(), &Chunking::default());
                let Some(passage) = chunks.iter().find(|chunk| chunk.text.contains(quote)) else { continue };
                in_passages += 1;
                visible += usize::from(shown(asked, passage, SNIPPET_CHARS).span.of(&passage.text).contains(quote));
            }
        }
        assert!(visible * 4 >= in_passages * 3, "{visible} of {in_passages} quotes are visible");
    }

    #[test]
    fn any_question_and_any_text_give_a_snippet() {
        assert_eq!(shown("", &passage("a"), 10).matches, []);
        assert_eq!(shown("\"a:b\" AND (", &passage("word"), 10).span, Span { start: 0, end: 4 });
        let heading = passage("# Only a heading");
        assert_eq!(shown("heading", &heading, 10).span.of(&heading.text), "# Only a heading");
    }
}
