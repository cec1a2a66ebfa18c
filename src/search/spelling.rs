//! Corrects misspelled words of a question: words that no document has become words that they have.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::sources::LexicalSource;
use crate::error::Result;
use crate::index::lexical::analyzer;

/// Words that are not misspelled even if no document has them: those of three letters and more in
/// the vocabulary of BERT (uncased, Apache-2.0), a word on each line.
const ENGLISH_WORDS: &str = include_str!("english_words.txt");
static ENGLISH: LazyLock<HashSet<&str>> = LazyLock::new(|| ENGLISH_WORDS.lines().collect());
/// Longer questions are pasted, not typed.
const MOST_WORDS: usize = 32;
/// What makes a word of another one, so that it need not be in the list itself.
const ENDINGS: [&str; 19] = [
    "s", "es", "ed", "d", "r", "er", "ers", "or", "ing", "ly", "able", "less", "ness", "ment", "out", "off", "up",
    "in", "down",
];
const BEGINNINGS: [&str; 14] =
    ["re", "un", "pre", "co", "non", "mis", "over", "out", "sub", "inter", "multi", "anti", "up", "down"];

/// A word of a question that was searched in another spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Correction {
    /// The word as it was typed.
    pub typed: String,
    /// The word of the documents that was searched instead.
    pub searched: String,
}

/// The question with its misspelled words corrected, and these words. A word is corrected if no
/// document has it, nor is it a common word of English, and the documents have one that is very
/// near. Names in capitals, codes and identifiers stay.
///
/// # Errors
/// When the source fails.
pub fn correct(question: &str, lexical: &dyn LexicalSource) -> Result<(String, Vec<Correction>)> {
    let mut corrected = String::with_capacity(question.len());
    let mut corrections = Vec::new();
    let mut end = 0;
    let words = analyzer::compounds(question);
    if words.len() > MOST_WORDS {
        return Ok((question.to_string(), corrections));
    }
    for span in words {
        let typed = span.of(question);
        if !is_plain_word(typed) || is_english(typed) {
            continue;
        }
        if let Some(searched) = lexical.nearest_word(typed)? {
            corrected.push_str(&question[end..span.start]);
            corrected.push_str(&searched);
            end = span.end;
            corrections.push(Correction { typed: typed.to_string(), searched });
        }
    }
    corrected.push_str(&question[end..]);
    Ok((corrected, corrections))
}

/// True if all is letters and only the first one may be a capital.
fn is_plain_word(typed: &str) -> bool {
    typed.chars().all(char::is_alphabetic) && !typed.chars().skip(1).any(char::is_uppercase)
}

/// True for a common word of English, and for one that is made of a common word.
fn is_english(typed: &str) -> bool {
    let typed = typed.to_lowercase();
    let is_known = |word: &str| ENGLISH.contains(word);
    let is_stem = |stem: &str| {
        let doubled = stem.chars().rev().take(2).collect::<Vec<_>>();
        let undoubled =
            matches!(doubled[..], [one, other] if one == other).then(|| &stem[..stem.len() - doubled[0].len_utf8()]);
        is_known(stem)
            || is_known(&format!("{stem}e"))
            || undoubled.is_some_and(is_known)
            || stem.strip_suffix('i').is_some_and(|stem| is_known(&format!("{stem}y")))
    };
    is_known(&typed)
        || ENDINGS.iter().any(|ending| typed.strip_suffix(ending).is_some_and(is_stem))
        || BEGINNINGS.iter().any(|beginning| typed.strip_prefix(beginning).is_some_and(is_known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_are_corrected_and_names_codes_and_english_words_are_not() {
        assert!(is_plain_word("penetraton") && is_plain_word("Bergman"));
        assert!(
            !is_plain_word("NASA") && !is_plain_word("parseHttp") && !is_plain_word("E0599") && !is_plain_word("utf-8")
        );
        for word in
            ["lease", "Deposits", "heater", "reconnect", "fryer", "checkout", "preload", "washer", "stopping", "payer"]
        {
            assert!(is_english(word), "{word}");
        }
        for word in ["penetraton", "recieve", "depsoit", "calender"] {
            assert!(!is_english(word), "{word}");
        }
    }
}
