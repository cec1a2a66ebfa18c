//! Finds the sentences of the passages that support a sentence of an answer.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::Passage;
use crate::text::{Span, content_words, sentences, words};

/// The share of a sentence's weight that the cited sentences must have.
const ENOUGH: f32 = 0.55;

/// A further sentence is cited if it adds this share.
const WORTH_CITING: f32 = 0.2;

/// Sentences that are cited for one sentence at most.
const MAX_CITED: usize = 3;

/// The weight of a word that is not in the cited sentence but elsewhere in its passage or headings.
const NEARBY: f32 = 0.4;

/// The weight of a word of the question: an answer repeats those whether it is true or not.
const ASKED: f32 = 0.3;

/// The weights of a number and of a name; another word weighs 1.
const NUMBER: f32 = 2.0;
const NAME: f32 = 1.5;

/// The neighbours on each side in the widest window.
const WIDE: usize = 3;

/// How much the words of the middle sentence of a window count beside those of the whole window.
const OWN: f32 = 0.3;

/// Added to the score of a sentence whose passage the model cited itself.
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

/// Whether the passages support a sentence.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Support {
    /// These sentences support it, best first.
    Supported(Vec<Evidence>),
    /// No sentences have enough of its words.
    Unsupported,
    /// It has no word that could be checked.
    Nothing,
}

/// A sentence with its neighbours, against which a claim is held.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct EvidenceWindow {
    /// The passage's index.
    pub passage: usize,
    /// The sentence in its middle.
    middle: usize,
    /// The numbers of its sentences.
    pub sentences: Range<usize>,
    /// The share of the claim's weight that is in them.
    pub overlap: f32,
    rank: f32,
}

/// A sentence of a passage with its words.
struct EvidenceSentence {
    evidence: Evidence,
    words: HashSet<String>,
    is_negated: bool,
}

/// The words of all passages, by sentence and by passage.
pub(super) struct EvidenceIndex {
    sentences: Vec<EvidenceSentence>,
    /// By passage: its words and those of its headings.
    passage_words: Vec<HashSet<String>>,
    /// The number of sentences that have each word.
    sentence_counts: HashMap<String, usize>,
    question_words: HashSet<String>,
    /// Content words that follow each other in a passage.
    pairs: HashSet<(String, String)>,
}

impl EvidenceIndex {
    pub fn new(question: &str, passages: &[Passage]) -> Self {
        let mut all = Vec::new();
        let mut passage_words = Vec::new();
        let mut pairs = HashSet::new();
        let mut sentence_counts: HashMap<String, usize> = HashMap::new();
        for (passage, given) in passages.iter().enumerate() {
            pairs.extend(pairs_of(&given.chunk.text));
            let mut nearby: HashSet<String> = given.chunk.headings.iter().flat_map(|heading| keys(heading)).collect();
            for span in sentences(&given.chunk.text) {
                let words: HashSet<String> = keys(span.of(&given.chunk.text)).collect();
                for word in &words {
                    *sentence_counts.entry(word.clone()).or_default() += 1;
                }
                nearby.extend(words.iter().cloned());
                let is_negated = is_negated(span.of(&given.chunk.text));
                all.push(EvidenceSentence { evidence: Evidence { passage, span }, words, is_negated });
            }
            passage_words.push(nearby);
        }
        EvidenceIndex {
            sentences: all,
            passage_words,
            sentence_counts,
            question_words: keys(question).collect(),
            pairs,
        }
    }

    /// Finds the sentences that support `sentence`; `claimed` are the indexes of the passages that
    /// the model cited for it. A word weighs more the fewer sentences have it; numbers and names
    /// weigh more, words of the question less. A number that is neither in a passage nor in the
    /// question leaves the sentence unsupported whatever the rest says, and so does a negation that
    /// no cited sentence has.
    pub fn find(&self, sentence: &str, claimed: &[usize]) -> Support {
        let words = self.weighed(sentence);
        let total: f32 = words.iter().map(|word| word.weight).sum();
        if total <= 0.0 {
            return Support::Nothing;
        }
        if words.iter().any(|word| word.is_number && !self.is_in_any_passage_or_question(&word.key)) {
            return Support::Unsupported;
        }
        let (share, found) = self.cover(&words, claimed, 0..self.sentences.len());
        let is_wrongly_negated =
            is_negated(sentence) && !found.iter().any(|&sentence| self.sentences[sentence].is_negated);
        if share < ENOUGH || found.is_empty() || is_wrongly_negated {
            return Support::Unsupported;
        }
        Support::Supported(found.into_iter().map(|sentence| self.sentences[sentence].evidence).collect())
    }

    /// True if a sentence has a word that can be checked.
    pub fn can_check(&self, sentence: &str) -> bool {
        self.weighed(sentence).iter().any(|word| word.weight > 0.0)
    }

    /// The sentences that a claim is held against: those that, with their neighbours, have most of
    /// its weight, best first, and the best of them once more with more neighbours. Ties go to the
    /// earlier one.
    pub fn windows(&self, claim: &str, claimed: &[usize], count: usize) -> Vec<EvidenceWindow> {
        let words = self.weighed(claim);
        let total: f32 = words.iter().map(|word| word.weight).sum();
        let mut windows: Vec<EvidenceWindow> = (0..self.sentences.len())
            .map(|middle| {
                let passage = self.sentences[middle].evidence.passage;
                let sentences = self.around(middle, 1);
                let overlap = self.share_in(&words, &sentences);
                let own = words.iter().filter(|word| self.sentences[middle].words.contains(&word.key));
                let own: f32 = own.map(|word| word.weight).sum();
                let bonus = if claimed.contains(&passage) { CLAIMED } else { 0.0 };
                let rank = overlap + OWN * own / total.max(f32::MIN_POSITIVE) + bonus;
                EvidenceWindow { passage, middle, sentences, overlap, rank }
            })
            .collect();
        windows.sort_by(|one, other| other.rank.total_cmp(&one.rank)); // stable
        windows.truncate(count);
        if let Some(best) = windows.first() {
            let wide = EvidenceWindow { sentences: self.around(best.middle, WIDE), ..best.clone() };
            windows.push(EvidenceWindow { overlap: self.share_in(&words, &wide.sentences), ..wide });
        }
        windows
    }

    /// The sentence with so many neighbours on each side, within its passage.
    fn around(&self, middle: usize, neighbours: usize) -> Range<usize> {
        let passage = self.sentences[middle].evidence.passage;
        let is_beside = |at: &usize| self.sentences.get(*at).is_some_and(|it| it.evidence.passage == passage);
        let first = (middle.saturating_sub(neighbours)..middle).find(is_beside).unwrap_or(middle);
        let after = (middle + 1..=middle + neighbours).take_while(is_beside).count();
        first..middle + 1 + after
    }

    /// The share of the words' weight that is in these sentences.
    fn share_in(&self, words: &[WeightedWord], sentences: &Range<usize>) -> f32 {
        let total: f32 = words.iter().map(|word| word.weight).sum();
        let has = |key: &String| self.sentences[sentences.clone()].iter().any(|it| it.words.contains(key));
        let shared = words.iter().filter(|word| has(&word.key)).map(|word| word.weight);
        shared.fold(0.0, |sum, weight| sum + weight) / total.max(f32::MIN_POSITIVE) // an empty `sum` is -0
    }

    /// The share of the pairs of neighbouring content words of a claim that are neighbours in a
    /// passage too: how much of it is said in the same words.
    pub fn share_of_pairs(&self, claim: &str) -> f32 {
        let pairs: Vec<(String, String)> = pairs_of(claim).collect();
        pairs.iter().filter(|pair| self.pairs.contains(*pair)).count() as f32 / pairs.len().max(1) as f32
    }

    /// The sentence of a passage that this place of its text is in.
    pub fn sentence_at(&self, passage: usize, place: usize) -> Option<Span> {
        let is_there = |it: &&EvidenceSentence| it.evidence.passage == passage && place < it.evidence.span.end;
        self.sentences.iter().find(is_there).map(|it| it.evidence.span)
    }

    /// The text from the first to the last of these sentences.
    pub fn span(&self, sentences: &Range<usize>) -> Span {
        let span = |at: usize| self.sentences[at].evidence.span;
        Span { start: span(sentences.start).start, end: span(sentences.end - 1).end }
    }

    /// The sentences of a window that have the words of the claim, best first; at least one.
    pub fn cited(&self, claim: &str, window: &EvidenceWindow) -> Vec<Evidence> {
        let (_, found) = self.cover(&self.weighed(claim), &[], window.sentences.clone());
        let found = if found.is_empty() { vec![window.sentences.start] } else { found };
        found.into_iter().map(|sentence| self.sentences[sentence].evidence).collect()
    }

    /// The sentences among `allowed` that together have most of the words, best first, and the
    /// share of the weight that they have.
    fn cover(&self, words: &[WeightedWord], claimed: &[usize], allowed: Range<usize>) -> (f32, Vec<usize>) {
        let total: f32 = words.iter().map(|word| word.weight).sum();
        let mut held = vec![0.0; words.len()];
        let mut found: Vec<usize> = Vec::new();
        let share = |held: &[f32]| held.iter().zip(words).map(|(held, word)| held * word.weight).sum::<f32>() / total;
        while found.len() < MAX_CITED {
            let mut best: Option<(f32, usize, Vec<f32>)> = None;
            for index in allowed.clone() {
                let EvidenceSentence { evidence, words: sentence_words, .. } = &self.sentences[index];
                let with: Vec<f32> = held
                    .iter()
                    .zip(words)
                    .map(|(&held, word)| {
                        let nearby = self.passage_words[evidence.passage].contains(&word.key);
                        let here =
                            if sentence_words.contains(&word.key) { 1.0 } else { NEARBY * f32::from(u8::from(nearby)) };
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
            found.push(index);
        }
        (share(&held), found)
    }

    fn is_in_any_passage_or_question(&self, key: &str) -> bool {
        self.question_words.contains(key) || self.passage_words.iter().any(|words| words.contains(key))
    }

    /// The distinct words of `sentence` with their weights, in order.
    fn weighed(&self, sentence: &str) -> Vec<WeightedWord> {
        let mut words: Vec<WeightedWord> = Vec::new();
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
                let count = self.sentence_counts.get(&key).copied().unwrap_or_default() as f32;
                let rarity = (1.0 + (self.sentences.len() as f32 + 0.5) / (count + 0.5)).ln();
                let kind = if is_number {
                    NUMBER
                } else if is_name {
                    NAME
                } else {
                    1.0
                };
                let asked = if self.question_words.contains(&key) { ASKED } else { 1.0 };
                words.push(WeightedWord { key, weight: rarity * kind * asked, is_number });
            }
        }
        words
    }
}

/// The neighbouring content words of a text.
fn pairs_of(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let words: Vec<String> = keys(text).collect();
    (1..words.len()).map(move |at| (words[at - 1].clone(), words[at].clone()))
}

/// True if the sentence has a negation.
fn is_negated(sentence: &str) -> bool {
    words(&sentence.replace('’', "'")).any(|word| NEGATIONS.contains(&word.as_str()) || word.ends_with("n't"))
}

struct WeightedWord {
    key: String,
    weight: f32,
    is_number: bool,
}

/// The words of `text` in the form in which they are compared: content words, small numbers as
/// digits.
fn keys(text: &str) -> impl Iterator<Item = String> + '_ {
    content_words(text).map(|word| match NUMBER_WORDS.iter().position(|number| *number == word) {
        Some(number) => number.to_string(),
        None => word,
    })
}
