//! Plain text: spans, lines, sentences, words, and a size that needs no tokenizer.

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

/// A range of bytes in a text, on character boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The part of `text` that this names.
    pub fn of<'t>(&self, text: &'t str) -> &'t str {
        &text[self.start..self.end]
    }

    /// The same span without white space at either end of it in `text`.
    #[must_use]
    pub fn trimmed(&self, text: &str) -> Span {
        let part = self.of(text);
        let start = self.start + (part.len() - part.trim_start().len());
        Span { start, end: (start + part.trim().len()) }
    }
}

/// The byte offset of the start of every line; the first is 0.
pub fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

/// Sentences by Unicode's rules (UAX 29), each trimmed and none empty. Line ends inside paragraphs do not end a
/// sentence; blank lines and list items do.
pub fn sentences(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    for block in blocks(text) {
        // UAX 29 ends a sentence at every newline, which in wrapped text is a space: same length, so spans hold.
        let flat = block.of(text).replace(['\n', '\r'], " ");
        let mut offset = block.start;
        for sentence in flat.split_sentence_bounds() {
            let span = Span { start: offset, end: offset + sentence.len() }.trimmed(text);
            offset += sentence.len();
            if span.start < span.end {
                found.push(span);
            }
        }
    }
    found
}

/// Runs of lines that belong together: cut at blank lines and before list items, table rows and headings.
fn blocks(text: &str) -> Vec<Span> {
    let mut blocks: Vec<Span> = Vec::new();
    let mut open = false;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        let body = line.trim();
        let begins = body.starts_with(['#', '|', '*', '-', '+']) || numbered_item(body);
        if body.is_empty() {
            open = false;
        } else if open && !begins {
            blocks.last_mut().expect("a block is open").end = end;
        } else {
            blocks.push(Span { start, end });
            open = !body.starts_with('#');
        }
        start = end;
    }
    blocks
}

fn numbered_item(line: &str) -> bool {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    (1..=3).contains(&digits) && (line[digits..].starts_with(". ") || line[digits..].starts_with(") "))
}

/// Words by Unicode's rules, lower-cased.
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.unicode_words().map(str::to_lowercase)
}

/// How many tokens a small model's tokenizer makes of `text`, estimated without one, rather too high than too low: a
/// word piece holds about five letters, punctuation and ideographs stand alone.
pub fn estimated_tokens(text: &str) -> usize {
    let mut tokens = 0;
    let mut run = 0usize;
    for character in text.chars() {
        if character.is_alphanumeric() && (character as u32) < 0x2E80 {
            run += 1;
        } else {
            tokens += run.div_ceil(5) + usize::from(!character.is_whitespace());
            run = 0;
        }
    }
    tokens + run.div_ceil(5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sentences_are_in_order_trimmed_and_lose_no_letter(text in "[a-zA-Zé漢 .!?\n#*|-]{0,200}") {
            let spans = sentences(&text);
            let mut before = 0;
            for span in &spans {
                prop_assert!(span.start >= before && span.start < span.end);
                prop_assert_eq!(span.of(&text).trim(), span.of(&text));
                before = span.end;
            }
            let letters = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            let kept: String = spans.iter().map(|span| letters(span.of(&text))).collect();
            prop_assert_eq!(kept, letters(&text));
        }
    }

    #[test]
    fn wrapped_lines_are_one_sentence_and_list_items_are_their_own() {
        let text = "One sentence that is\nwrapped. Another.\n\n- item one\n- item two\n1. first\n";
        let found: Vec<_> = sentences(text).iter().map(|span| span.of(text)).collect();
        assert_eq!(found, ["One sentence that is\nwrapped.", "Another.", "- item one", "- item two", "1. first"]);
    }

    #[test]
    fn tokens_are_estimated_for_words_punctuation_and_ideographs() {
        assert_eq!(estimated_tokens("a cat, sat."), 5);
        assert_eq!(estimated_tokens("internationalisation"), 4);
        assert_eq!(estimated_tokens("漢字"), 2);
        assert_eq!(estimated_tokens(""), 0);
    }
}
