//! Splits text that is still being written into sentences, each as soon as its end is certain.

use super::citations::mark_length;
use crate::text::sentences;

/// A sentence with its citation marks, and the white space that was written before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sentence {
    pub before: String,
    pub text: String,
}

/// Holds written text that is not yet a whole sentence. The sentences do not depend on how the text
/// is split into pieces. Put together with their `before`, they are the text without the white
/// space at its end.
#[derive(Debug, Default)]
pub(super) struct SentenceCutter {
    open: String,
}

impl SentenceCutter {
    /// Takes the next piece and returns the sentences that are complete now.
    pub fn push(&mut self, piece: &str) -> Vec<Sentence> {
        self.open.push_str(piece);
        let mut whole = Vec::new();
        while let Some(end) = first_end(&self.open).filter(|&end| is_certain(&self.open[end..])) {
            whole.push(self.take(end));
        }
        whole
    }

    /// Returns the rest, when no piece follows.
    pub fn finish(mut self) -> Vec<Sentence> {
        let mut rest = Vec::new();
        while let Some(end) = first_end(&self.open) {
            rest.push(self.take(end));
        }
        rest
    }

    fn take(&mut self, end: usize) -> Sentence {
        let sentence = self.open[..end].trim_start();
        let before = self.open[..end - sentence.len()].to_string();
        let sentence = Sentence { before, text: sentence.to_string() };
        self.open.drain(..end);
        sentence
    }
}

/// The end of the first sentence, with the marks after it: models write them after the full stop.
fn first_end(text: &str) -> Option<usize> {
    let mut end = sentences(text).first()?.end;
    // UAX 29 ends the sentence of "so it is.[1]" after the bracket.
    while end > 1 && text[..end].ends_with(['[', '(']) {
        end -= 1;
    }
    loop {
        let rest = text[end..].trim_start();
        match mark_length(rest) {
            Some(length) => end = text.len() - rest.len() + length,
            None => return Some(end),
        }
    }
}

/// True if `rest` can no longer belong to the sentence before it. A letter decides that for UAX 29,
/// and a mark that is half written has none.
fn is_certain(rest: &str) -> bool {
    rest.chars().any(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(pieces: &[&str]) -> Vec<Sentence> {
        let mut cutter = SentenceCutter::default();
        let mut found: Vec<Sentence> = pieces.iter().flat_map(|piece| cutter.push(piece)).collect();
        found.extend(cutter.finish());
        found
    }

    #[test]
    fn marks_belong_to_the_sentence_before_them() {
        let text = "One is so. [1] Two is so.[2, 3] Three [4]. Four!\n\n[5]\n- item five\n- item six";
        let texts: Vec<_> = cut(&[text]).into_iter().map(|sentence| sentence.text).collect();
        assert_eq!(
            texts,
            ["One is so. [1]", "Two is so.[2, 3]", "Three [4].", "Four!\n\n[5]", "- item five", "- item six"]
        );
    }

    #[test]
    fn a_sentence_is_complete_as_soon_as_the_next_one_begins() {
        let mut cutter = SentenceCutter::default();
        for piece in ["It costs 3", ".", "5 euros", ".", " ", "[", "1", "] "] {
            assert_eq!(cutter.push(piece), [], "after {piece:?}");
        }
        assert_eq!(cutter.push("T")[0].text, "It costs 3.5 euros. [1]");
        assert_eq!(cutter.finish()[0].text, "T");
    }

    proptest! {
        #[test]
        fn sentences_do_not_depend_on_the_pieces_and_lose_no_text(
            pieces in prop::collection::vec("[aBcé1 2.!?,\n\\[\\](*#-]{0,6}", 0..20),
        ) {
            let text = pieces.concat();
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let found = cut(&pieces);
            prop_assert_eq!(&found, &cut(&[&text]));
            let together: String = found.iter().map(|sentence| format!("{}{}", sentence.before, sentence.text)).collect();
            prop_assert_eq!(together.trim_end(), text.trim_end());
        }
    }
}
