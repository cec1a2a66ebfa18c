//! Words that stand next to each other in a text, whatever the capitals, the white space and the
//! marks of emphasis.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::index::lexical::analyzer::{self, is_unspaced};

/// A phrase, ready to be looked for in many texts.
pub(super) struct Phrase(String);

impl Phrase {
    pub(super) fn new(phrase: &str) -> Self {
        Phrase(normal(phrase))
    }

    /// True if `text` has the phrase, not as a part of longer words or numbers.
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.stands_in(&normal(text), joins)
    }

    /// True if the phrase is in a normal text where no end of it is joined to what is outside.
    fn stands_in(&self, text: &str, joins: impl Fn(char, Option<char>, Option<char>) -> bool) -> bool {
        let (Some(first), Some(last)) = (self.0.chars().next(), self.0.chars().next_back()) else { return false };
        let mut from = 0;
        while let Some(at) = text[from..].find(&self.0).map(|at| from + at) {
            let mut before = text[..at].chars().rev();
            let mut after = text[at + self.0.len()..].chars();
            if !joins(first, before.next(), before.next()) && !joins(last, after.next(), after.next()) {
                return true;
            }
            from = at + first.len_utf8();
        }
        false
    }
}

/// True if the characters after an end of the phrase make the word or the number there longer.
/// Scripts without spaces have no ends of words.
fn joins(end: char, next: Option<char>, behind: Option<char>) -> bool {
    let is_word = |c: char| c.is_alphanumeric() && !is_unspaced(c);
    is_word(end) && next.is_some_and(is_word) || joins_number(end, next, behind)
}

/// The same for a number, which a unit may follow.
fn joins_number(end: char, next: Option<char>, behind: Option<char>) -> bool {
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    end.is_ascii_digit() && (is_digit(next) || matches!(next, Some('.' | ',' | '\'')) && is_digit(behind))
}

/// True if a term is a number: digits, and perhaps a fraction.
pub(super) fn is_number(term: &str) -> bool {
    term.chars().all(|c| c.is_ascii_digit() || c == '.') && term.chars().any(|c| c.is_ascii_digit())
}

/// True if `text` has this number, in any of its usual forms, not as a part of a longer one.
pub(super) fn has_number(text: &str, number: &str) -> bool {
    let is_written = Phrase::new(number).stands_in(&normal(text), joins_number);
    is_written || analyzer::figures(text).iter().any(|figure| figure.text == number)
}

fn normal(text: &str) -> String {
    let folded = text.nfkd().filter(|c| !is_combining_mark(*c) && !matches!(c, '*' | '`'));
    let folded: String = folded.map(|c| if matches!(c, '’' | '‘') { '\'' } else { c }).collect();
    folded.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_found_across_lines_and_emphasis_but_not_inside_words() {
        let phrase = Phrase::new("Cold  start");
        assert!(phrase.is_in("a **cold\nSTART** takes long") && phrase.is_in("(cold start)"));
        assert!(!phrase.is_in("cold starts") && !phrase.is_in("scold start") && !phrase.is_in("cold, start"));
        assert!(!Phrase::new("").is_in("anything"));
        assert!(Phrase::new("kasesuppe").is_in("Die Käsesuppe.") && Phrase::new("O’Brien").is_in("Mrs O'Brien"));
        assert!(Phrase::new("400").is_in("400 euros, or 400.") && !Phrase::new("400").is_in("18.400 euros, 400,50"));
        assert!(Phrase::new("東京").is_in("私は東京に住む") && Phrase::new("no no").is_in("Piano no no here"));
        assert!(has_number("a file of 500MB", "500") && has_number("東京都庁は2026年に開く", "2026"));
        assert!(has_number("EUR 4,740.00", "4740") && has_number("240,00", "240") && !has_number("1,240", "240"));
    }
}
