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
        let row = body.starts_with('|') || body.contains(" | ");
        let begins = row || body.starts_with(['#', '*', '-', '+']) || numbered_item(body);
        if body.is_empty() {
            open = false;
        } else if open && !begins {
            blocks.last_mut().expect("a block is open").end = end;
        } else {
            blocks.push(Span { start, end });
            open = !row && !body.starts_with('#');
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

/// How many tokens a small model's tokenizer makes of `text`, estimated without one. A longer text never has fewer.
///
/// Fitted to the word pieces of BERT's English vocabulary, which most small embedders use, on prose, code and text in
/// other scripts: common words are one token, long and rare ones several, the later parts of `camelCaseNames` fall into
/// pieces of three letters, long numbers into pieces of two digits, and punctuation, ideographs and most letters that
/// are not Latin stand nearly alone.
pub fn estimated_tokens(text: &str) -> usize {
    let mut quarters = 0;
    let mut run = Run::NONE;
    for character in text.chars() {
        let kind = match character {
            'a'..='z' => Kind::Small,
            'A'..='Z' => Kind::Capital,
            '0'..='9' => Kind::Digit,
            _ => Kind::Other,
        };
        if run.length > 0 && (kind == run.kind || (run.kind == Kind::Capital && kind == Kind::Small)) {
            run = Run { kind, length: run.length + 1, ..run };
            continue;
        }
        quarters += run.quarters();
        if kind == Kind::Other {
            quarters += match character {
                _ if character.is_whitespace() => 0,
                '\u{ac00}'..='\u{d7a3}' => 8,
                '\u{250}'..='\u{2e7f}' if character.is_alphabetic() => 3,
                _ => 4,
            };
            run = Run::NONE;
        } else {
            run = Run { kind, length: 1, inside_word: run.length > 0 };
        }
    }
    (quarters + run.quarters()).div_ceil(4)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Small,
    Capital,
    Digit,
    Other,
}

/// Characters of one kind that a tokenizer takes together; capitals may go before small letters.
#[derive(Clone, Copy)]
struct Run {
    kind: Kind,
    length: usize,
    inside_word: bool,
}

impl Run {
    const NONE: Run = Run { kind: Kind::Other, length: 0, inside_word: false };

    /// Its size in quarters of a token; never smaller for a longer run.
    fn quarters(self) -> usize {
        let length = self.length;
        match self.kind {
            Kind::Other => 0,
            Kind::Digit => match length {
                1..=2 => 4,
                3..=4 => length + 3,
                _ => 2 * length + 1,
            },
            Kind::Small | Kind::Capital => match length {
                1..=3 => 4,
                _ if self.inside_word => length * 4 / 3,
                4 => 4,
                5..=8 => 5,
                9..=13 => length - 3,
                _ => 2 * length - 16,
            },
        }
    }
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

        #[test]
        fn a_longer_text_never_has_fewer_tokens(text in "[a-zA-Z0-9éж漢한 _.-]{0,60}", more in "\\PC") {
            let longer = format!("{text}{more}");
            prop_assert!(estimated_tokens(&text) <= estimated_tokens(&longer));
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
        assert_eq!(estimated_tokens("estimatedTokens"), 4);
        assert_eq!(estimated_tokens("2026-11-23"), 6);
        assert_eq!(estimated_tokens("漢字"), 2);
        assert_eq!(estimated_tokens(""), 0);
    }
}
