//! The words of a question that say what it is about: without "who", "does" and the like, which
//! are rare in documents and answer nothing.

use std::collections::HashSet;

use super::sources::LexicalSource;
use crate::error::Result;
use crate::index::lexical::{Word, stems};
use crate::language::Language;
use crate::text::is_stop_word;

/// The stems of these words with their rarities.
pub(super) fn rarities(lexical: &dyn LexicalSource, language: Language, question: &str) -> Result<Vec<(String, f32)>> {
    let rarities = lexical.rarities(question)?;
    let known = asked_words(question, language).into_iter().filter_map(|word| {
        let (_, rarity) = rarities.iter().find(|(span, _)| *span == word.span)?;
        Some((word.stem, *rarity))
    });
    Ok(known.collect())
}

/// The words that say what `question` is about, in order, each stem once.
pub(super) fn asked_words(question: &str, language: Language) -> Vec<Word> {
    let mut seen = HashSet::new();
    let is_asked = |word: &Word| !is_stop_word(&word.span.of(question).to_lowercase());
    stems(question, language).into_iter().filter(is_asked).filter(|word| seen.insert(word.stem.clone())).collect()
}
