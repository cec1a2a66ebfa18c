//! Words that stand next to each other in a text, whatever the capitals, the white space and the
//! marks of emphasis.

use unicode_normalization::UnicodeNormalization;

/// A phrase, ready to be looked for in many texts.
pub(super) struct Phrase(String);

impl Phrase {
    pub(super) fn new(phrase: &str) -> Self {
        Phrase(normal(phrase))
    }

    /// True if `text` has the phrase, not as a part of longer words.
    pub(super) fn is_in(&self, text: &str) -> bool {
        let text = normal(text);
        let joins = |next: Option<char>| next.is_some_and(char::is_alphanumeric);
        !self.0.is_empty()
            && text.match_indices(&self.0).any(|(at, found)| {
                !joins(text[..at].chars().next_back()) && !joins(text[at + found.len()..].chars().next())
            })
    }
}

fn normal(text: &str) -> String {
    let text: String = text.nfkc().filter(|c| !matches!(c, '*' | '`')).collect::<String>().to_lowercase();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
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
    }
}
