//! What stands in an index: chunks by whole terms and definitions, and words as they are written.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};

use strsim::osa_distance;
use tantivy::schema::Field;

use super::containing::containing;
use super::{Lexical, analyzer, guarded, stems};
use crate::error::Result;
use crate::index::store::ChunkId;

/// Shorter words are too near to others, longer ones are none.
const WORD_LETTERS: std::ops::RangeInclusive<usize> = 4..=32;
/// From so many letters on, a word may have two slips.
const LETTERS_FOR_TWO_SLIPS: usize = 9;

/// The words of a text as they are written, in lower case: letters only.
pub(super) fn written_words(text: &str) -> BTreeSet<String> {
    let is_word = |term: &str| WORD_LETTERS.contains(&term.chars().count()) && term.chars().all(char::is_alphabetic);
    analyzer::terms(text).into_iter().map(|term| term.text).filter(|term| is_word(term)).collect()
}

impl Lexical {
    /// The chunks of source code in which a definition begins that has this name or this title
    /// (such as `struct SegmentReader`), whatever its capitals.
    pub fn defining(&self, title: &str) -> Result<HashSet<ChunkId>> {
        match self.fields.definition {
            Some(definition) => self.chunks_with(definition, &title.to_lowercase()),
            None => Ok(HashSet::new()),
        }
    }

    /// The word of the documents nearest to `word`, if none of them has `word` in any of its forms:
    /// with one slip, or two in a long word (a letter missing, too many or another one, or two in
    /// the wrong order); among equally near ones that in most chunks, then the first by alphabet.
    pub fn nearest_word(&self, word: &str) -> Result<Option<String>> {
        let typed = word.to_lowercase();
        let letters = typed.chars().count();
        let Some(field) = self.fields.word.filter(|_| WORD_LETTERS.contains(&letters)) else { return Ok(None) };
        for known in stems(word, self.language) {
            if !self.chunks_with(self.fields.body, &known.stem)?.is_empty() {
                return Ok(None);
            }
        }
        let slips = if letters >= LETTERS_FOR_TWO_SLIPS { 2 } else { 1 };
        let mut near = Vec::new();
        for candidate in self.words_like(field, &typed, slips)? {
            let distance = osa_distance(&typed, &candidate);
            if distance <= slips {
                let chunks = self.chunks_with(field, &candidate)?.len();
                near.extend((chunks > 0).then_some((distance, Reverse(chunks), candidate)));
            }
        }
        Ok(near.into_iter().min().map(|(.., word)| word))
    }

    /// The words that may be within `slips` of `typed`, by alphabet: of about its length and
    /// letters.
    fn words_like(&self, field: Field, typed: &str, slips: usize) -> Result<BTreeSet<String>> {
        let (letters, length) = (letter_set(typed), typed.chars().count());
        let mut like = BTreeSet::new();
        guarded(&self.path, || {
            for segment in self.reader.searcher().segment_readers() {
                let terms = segment.inverted_index(field).map_err(|cause| self.failed(cause))?;
                let mut stream = terms.terms().stream().map_err(|cause| self.failed(cause))?;
                while stream.advance() {
                    let Ok(word) = std::str::from_utf8(stream.key()) else { continue };
                    // Hardly anybody misses the first letter, unless it comes second.
                    let is_like = word.chars().take(2).any(|letter| typed.starts_with(letter))
                        && word.chars().count().abs_diff(length) <= slips
                        // One slip changes two letters of the set at most.
                        && (letter_set(word) ^ letters).count_ones() as usize <= 2 * slips;
                    if is_like {
                        like.insert(word.to_string());
                    }
                }
            }
            Ok(like)
        })
    }

    fn chunks_with(&self, field: Field, term: &str) -> Result<HashSet<ChunkId>> {
        guarded(&self.path, || {
            let found = containing(&self.reader.searcher(), field, &[term.to_string()], None);
            Ok(found.map_err(|cause| self.failed(cause))?.into_iter().collect())
        })
    }
}

/// The letters of a word as bits; different letters may share one.
fn letter_set(word: &str) -> u64 {
    word.chars().fold(0, |set, letter| set | 1 << (u32::from(letter) % 64))
}
