//! Words that stand next to each other in a text, whatever the capitals, the white space and the
//! marks of emphasis.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::index::lexical::analyzer;

/// A phrase, ready to be looked for in many texts.
pub(super) struct Phrase(String);

impl Phrase {
    pub(super) fn new(phrase: &str) -> Self {
        Phrase(normal(phrase))
    }

    /// True if `text` has the phrase, not as a part of longer words or numbers.
    pub(super) fn is_in(&self, text: &str) -> bool {
        let text = normal(text);
        let stands_alone = |(at, found): (usize, &str)| {
            !joins(found.chars().next(), text[..at].chars().rev())
                && !joins(found.chars().next_back(), text[at + found.len()..].chars())
        };
        !self.0.is_empty() && text.match_indices(&self.0).any(stands_alone)
    }
}

/// True if the characters after an end of the phrase make the word or the number there longer.
fn joins(end: Option<char>, mut outside: impl Iterator<Item = char>) -> bool {
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let (next, behind) = (outside.next(), outside.next());
    is_word(end) && is_word(next) || is_digit(end) && matches!(next, Some('.' | ',' | '\'')) && is_digit(behind)
}

/// True if a term is a number: digits, and perhaps a fraction.
pub(super) fn is_number(term: &str) -> bool {
    term.chars().all(|c| c.is_ascii_digit() || c == '.') && term.chars().any(|c| c.is_ascii_digit())
}

/// True if `text` has this number, in any of its usual forms, not as a part of a longer one.
pub(super) fn has_number(text: &str, number: &str) -> bool {
    Phrase::new(number).is_in(text) || analyzer::figures(text).iter().any(|figure| figure.text == number)
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
        assert!(has_number("EUR 4,740.00", "4740") && has_number("240,00", "240") && !has_number("1,240", "240"));
    }
}
