//! The words of a question that a passage should have.

use std::collections::HashSet;

use super::sources::LexicalSource;
use crate::error::Result;
use crate::index::lexical::stems;
use crate::language::Language;
use crate::text::{Span, is_stop_word};

/// The stems of a question with their rarities, without words like "when" and "does", which are
/// rare in documents and answer nothing.
pub(super) fn question_words(
    lexical: &dyn LexicalSource,
    language: Language,
    question: &str,
) -> Result<Vec<(String, f32)>> {
    let rarities = lexical.rarities(question)?;
    let is_asked = |span: Span| !is_stop_word(&span.of(question).to_lowercase());
    let words = stems(question, language).into_iter().filter(|word| is_asked(word.span));
    let known = words.filter_map(|word| {
        let (_, rarity) = rarities.iter().find(|(span, _)| *span == word.span)?;
        Some((word.stem, *rarity))
    });
    let mut seen = HashSet::new();
    Ok(known.filter(|(stem, _)| seen.insert(stem.clone())).collect())
}
