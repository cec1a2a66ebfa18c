//! Holds a sentence of an answer against the sentences of the passages.

use std::collections::{HashMap, HashSet};

use super::Passage;
use crate::text::{Span, content_words, sentences, words};

/// The share of a sentence's weight that must stand in what is cited for it.
const ENOUGH: f32 = 0.55;

/// A further sentence is cited if it adds this share.
const WORTH_CITING: f32 = 0.2;

/// Sentences that are cited for one sentence at most.
const MOST_CITED: usize = 3;

/// What a word is worth that does not stand in the cited sentence but elsewhere in its passage or its headings.
const NEARBY: f32 = 0.4;

/// What a word of the question is worth: an answer repeats those, true or not.
const ASKED: f32 = 0.3;

/// What a number or a name is worth against another word.
const NUMBER: f32 = 2.0;
const NAME: f32 = 1.5;

/// What is added for a sentence of a passage that the model cited itself.
const CLAIMED: f32 = 0.1;

const NUMBER_WORDS: [&str; 13] =
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

const NEGATIONS: [&str; 10] =
    ["not", "no", "never", "none", "nobody", "nothing", "neither", "nor", "without", "cannot"];

/// A sentence of a passage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Evidence {
    /// The passage's index.
    pub passage: usize,
    /// Where in its text.
    pub span: Span,
}

/// What holding a sentence against the passages came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Support {
    /// The sentences that it rests on, best first.
    Supported(Vec<Evidence>),
    /// No sentences hold enough of it.
    Unsupported,
    /// It has no word that could be checked.
    Nothing,
}

/// A sentence of a passage, prepared for looking things up in it.
struct EvidenceSentence {
    evidence: Evidence,
    words: HashSet<String>,
    is_negated: bool,
}

/// The passages, prepared for looking things up in them.
pub(super) struct EvidenceIndex {
    sentences: Vec<EvidenceSentence>,
    /// By passage: its words and those of its headings.
    around: Vec<HashSet<String>>,
    /// In how many sentences each word is.
    holding: HashMap<String, usize>,
    asked: HashSet<String>,
}

impl EvidenceIndex {
    pub fn new(question: &str, passages: &[Passage]) -> Self {
        let mut all = Vec::new();
        let mut around = Vec::new();
        let mut holding: HashMap<String, usize> = HashMap::new();
        for (passage, given) in passages.iter().enumerate() {
            let mut nearby: HashSet<String> = given.chunk.headings.iter().flat_map(|heading| keys(heading)).collect();
            for span in sentences(&given.chunk.text) {
                let words: HashSet<String> = keys(span.of(&given.chunk.text)).collect();
                for word in &words {
                    *holding.entry(word.clone()).or_default() += 1;
                }
                nearby.extend(words.iter().cloned());
                let is_negated = is_negated(span.of(&given.chunk.text));
                all.push(EvidenceSentence { evidence: Evidence { passage, span }, words, is_negated });
            }
            around.push(nearby);
        }
        EvidenceIndex { sentences: all, around, holding, asked: keys(question).collect() }
    }

    /// Finds what `sentence` rests on; `claimed` are the indexes of the passages that the model cited for it. Each word weighs by how few
    /// sentences of the passages have it; numbers and names weigh more, words of the question less. A number that stands neither in a passage nor in the question
    /// leaves the sentence without support whatever the rest says, and so does a negation that no cited sentence has.
    pub fn find(&self, sentence: &str, claimed: &[usize]) -> Support {
        let words = self.weighed(sentence);
        let total: f32 = words.iter().map(|word| word.weight).sum();
        if total <= 0.0 {
            return Support::Nothing;
        }
        if words.iter().any(|word| word.is_number && !self.stands_somewhere(&word.key)) {
            return Support::Unsupported;
        }
        let mut held = vec![0.0; words.len()];
        let mut found: Vec<&EvidenceSentence> = Vec::new();
        let share = |held: &[f32]| held.iter().zip(&words).map(|(held, word)| held * word.weight).sum::<f32>() / total;
        while found.len() < MOST_CITED {
            let mut best: Option<(f32, usize, Vec<f32>)> = None;
            for (index, EvidenceSentence { evidence, words: holds, .. }) in self.sentences.iter().enumerate() {
                let with: Vec<f32> = held
                    .iter()
                    .zip(&words)
                    .map(|(&held, word)| {
                        let nearby = self.around[evidence.passage].contains(&word.key);
                        let here = if holds.contains(&word.key) { 1.0 } else { NEARBY * f32::from(u8::from(nearby)) };
                        here.max(held)
                    })
                    .collect();
                let bonus = if claimed.contains(&evidence.passage) { CLAIMED } else { 0.0 };
                let score = share(&with) + bonus;
                if best.as_ref().is_none_or(|(best, ..)| score > *best) {
                    best = Some((score, index, with));
                }
            }
            let Some((_, index, with)) = best else { break };
            if share(&with) - share(&held) < WORTH_CITING {
                break;
            }
            held = with;
            found.push(&self.sentences[index]);
        }
        let is_twisted = is_negated(sentence) && !found.iter().any(|witness| witness.is_negated);
        if share(&held) < ENOUGH || found.is_empty() || is_twisted {
            return Support::Unsupported;
        }
        Support::Supported(found.into_iter().map(|witness| witness.evidence).collect())
    }

    fn stands_somewhere(&self, key: &str) -> bool {
        self.asked.contains(key) || self.around.iter().any(|around| around.contains(key))
    }

    /// The different words of `sentence` with their weights, in order.
    fn weighed(&self, sentence: &str) -> Vec<Word> {
        let mut words: Vec<Word> = Vec::new();
        for (place, token) in sentence.split_whitespace().enumerate() {
            let is_item_number = place == 0 && token.trim_end_matches(['.', ')']).bytes().all(|b| b.is_ascii_digit());
            if is_item_number && token.ends_with(['.', ')']) {
                continue;
            }
            let capital = token.chars().skip_while(|c| !c.is_alphanumeric()).position(char::is_uppercase);
            let is_name = capital.is_some_and(|position| place > 0 || position > 0);
            for key in keys(token) {
                if words.iter().any(|word| word.key == key) {
                    continue;
                }
                let is_number = key.starts_with(|first: char| first.is_ascii_digit());
                let holding = self.holding.get(&key).copied().unwrap_or_default() as f32;
                let rarity = (1.0 + (self.sentences.len() as f32 + 0.5) / (holding + 0.5)).ln();
                let kind = if is_number {
                    NUMBER
                } else if is_name {
                    NAME
                } else {
                    1.0
                };
                let asked = if self.asked.contains(&key) { ASKED } else { 1.0 };
                words.push(Word { key, weight: rarity * kind * asked, is_number });
            }
        }
        words
    }
}

/// Whether the sentence denies something.
fn is_negated(sentence: &str) -> bool {
    words(&sentence.replace('’', "'")).any(|word| NEGATIONS.contains(&word.as_str()) || word.ends_with("n't"))
}

struct Word {
    key: String,
    weight: f32,
    is_number: bool,
}

/// The words of `text` as they are compared: content words, small numbers as digits.
fn keys(text: &str) -> impl Iterator<Item = String> + '_ {
    content_words(text).map(|word| match NUMBER_WORDS.iter().position(|number| *number == word) {
        Some(number) => number.to_string(),
        None => word,
    })
}
