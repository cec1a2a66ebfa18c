//! Corrects misspelled words of a question: words that no document has become words that they have.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::sources::LexicalSource;
use crate::error::Result;
use crate::index::lexical::{analyzer, stems};
use crate::language::Language;

/// Words that are not misspelled even if no document has them: those of four letters and more in
/// the vocabulary of BERT (uncased), a word on each line.
const ENGLISH_WORDS: &str = include_str!("english_words.txt");
static ENGLISH_STEMS: LazyLock<HashSet<String>> =
    LazyLock::new(|| stems(ENGLISH_WORDS, Language::English).into_iter().map(|word| word.stem).collect());

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
    for span in analyzer::compounds(question) {
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

fn is_english(typed: &str) -> bool {
    stems(typed, Language::English).iter().all(|word| ENGLISH_STEMS.contains(&word.stem))
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
        assert!(is_english("lease") && is_english("Deposits") && !is_english("penetraton"));
    }
}
