//! Holds a sentence against passages: a trained model says what entails what, and hard rules see
//! what it misses.

use std::sync::Arc;

use serde::Serialize;

use super::Passage;
use super::claim_rules::{Conflict, conflicts, missing};
use super::grounding::{Evidence, EvidenceIndex, EvidenceWindow, Support};
use super::reading::AnswerPlace;
use crate::error::Result;
use crate::models::contracts::{SupportChecker, SupportScores};
use crate::text::{Span, content_words};

/// Sentences with their neighbours that a claim is held against.
const MAX_WINDOWS: usize = 6;

/// What the logit of support is made of: the model's own logit, the share of the claim's words that
/// stand at the place, the share of its pairs of words that stand together in the passages, and
/// what rules see. Learned from the labelled sentences of `training/sentences.jsonl` and two sets
/// of claims that people wrote, see `training/TRAINING.md`.
const MODEL: f32 = 0.5;
const OVERLAP: f32 = 3.0;
const PAIRS: f32 = 1.0;
const CONFLICT: f32 = -5.0;
const MISSING_NAME: f32 = -0.5;

/// The bias for a sentence of an answer, which is about the passages whether it is true or not, and
/// for a sentence that somebody wrote without them.
const BIAS_OF_ANSWERS: f32 = -4.4;
const BIAS_OF_TEXTS: f32 = -0.8;

/// From this probability on a claim is supported, and from this one on partly.
const SUPPORTED: f32 = 0.5;
const PARTLY: f32 = 0.25;

/// From this probability on a text says the opposite of a claim, if a rule sees a conflict too or
/// the model is this sure.
const CONTRADICTED: f32 = 0.5;
const SURELY_CONTRADICTED: f32 = 0.9;
/// A text is about the same as a claim if it has this share of its words, by weight.
const ABOUT_THE_SAME: f32 = 0.5;

/// What the passages say of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SupportLabel {
    /// They say all of it.
    Supported,
    /// They say a part of it.
    Partly,
    /// They do not say it.
    NotFound,
    /// They say the opposite.
    Contradicted,
}

/// What checking a sentence found.
#[derive(Debug, Clone, PartialEq)]
pub struct SentenceCheck {
    /// The judgement.
    pub label: SupportLabel,
    /// The probability that the passages support it, 0 to 1. Without a model it is 0 or 1.
    pub probability: f32,
    /// The passages and places of the sentences that entail it, or that contradict it, best first.
    pub evidence: Vec<(usize, Span)>,
    /// What rules see against it.
    pub conflicts: Vec<Conflict>,
    /// The model's scores for the best place; `None` without a model, or where the sentence stands
    /// word for word.
    pub scores: Option<SupportScores>,
    /// The share of its words that stand there.
    pub overlap: f32,
}

/// Holds sentences against passages.
pub(crate) struct SentenceChecker {
    question: String,
    /// The places that a reader chose.
    read: Vec<AnswerPlace>,
    texts: Vec<PassageText>,
    evidence: EvidenceIndex,
    model: Option<Arc<dyn SupportChecker>>,
}

/// A place that may support a claim, with what the model and the rules say.
struct ScoredWindow {
    window: EvidenceWindow,
    scores: SupportScores,
    conflicts: Vec<Conflict>,
}

impl ScoredWindow {
    /// What the place adds to the logit of support.
    fn logit(&self) -> f32 {
        let conflict = if self.conflicts.is_empty() { 0.0 } else { CONFLICT };
        MODEL * self.scores.margin() + OVERLAP * self.window.overlap + conflict
    }

    /// True if it is about the same and says the opposite.
    fn contradicts(&self) -> bool {
        let needed = if self.conflicts.is_empty() { SURELY_CONTRADICTED } else { CONTRADICTED };
        self.scores.contradicted >= needed && self.window.overlap >= ABOUT_THE_SAME
    }
}

struct PassageText {
    context: String,
    text: String,
}

impl SentenceChecker {
    /// `read` are the places that a reader chose. Without a model words in common decide.
    pub fn new(
        question: &str,
        passages: &[Passage],
        read: Vec<AnswerPlace>,
        model: Option<Arc<dyn SupportChecker>>,
    ) -> Self {
        let text =
            |passage: &Passage| PassageText { context: passage.chunk.context(), text: passage.chunk.text.clone() };
        SentenceChecker {
            question: question.to_string(),
            read,
            texts: passages.iter().map(text).collect(),
            evidence: EvidenceIndex::new(question, passages),
            model,
        }
    }

    /// Checks a sentence; `claimed` are the indexes of the passages that its writer cites. `None`
    /// if it has no word that could be checked.
    ///
    /// # Errors
    /// When the model fails.
    pub fn check(&self, sentence: &str, claimed: &[usize]) -> Result<Option<SentenceCheck>> {
        if !self.evidence.can_check(sentence) {
            return Ok(None);
        }
        if let Some(place) = self.word_for_word(sentence, claimed) {
            return Ok(Some(SentenceCheck {
                label: SupportLabel::Supported,
                probability: 1.0,
                evidence: vec![place],
                conflicts: Vec::new(),
                scores: None,
                overlap: 1.0,
            }));
        }
        let Some(model) = &self.model else { return Ok(Some(self.by_words(sentence, claimed))) };
        let mut weakest: Option<SentenceCheck> = None;
        let mut evidence = Vec::new();
        for claim in claims(sentence) {
            let check = self.by_model(model.as_ref(), claim, claimed)?;
            evidence.extend(check.evidence.iter().copied().filter(|it| !evidence.contains(it)).collect::<Vec<_>>());
            if weakest.as_ref().is_none_or(|known| check.label > known.label) {
                weakest = Some(check);
            }
        }
        Ok(weakest.map(|weakest| SentenceCheck { evidence, ..weakest }))
    }

    /// The sentence of a passage in which `sentence` stands as it is: the one that the reader
    /// chose, or the first, in passages that are claimed before others.
    fn word_for_word(&self, sentence: &str, claimed: &[usize]) -> Option<(usize, Span)> {
        let is_read = |place: &&AnswerPlace| place.span.of(&self.texts[place.passage].text) == sentence;
        if let Some(place) = self.read.iter().find(is_read) {
            return self.evidence.sentence_at(place.passage, place.span.start).map(|span| (place.passage, span));
        }
        let mut passages: Vec<usize> = (0..self.texts.len()).collect();
        passages.sort_by_key(|passage| !claimed.contains(passage)); // stable
        passages.into_iter().find_map(|passage| {
            let start = whole_words(&self.texts[passage].text, sentence)?;
            self.evidence.sentence_at(passage, start).map(|span| (passage, span))
        })
    }

    /// The numbers, codes and names of a claim that neither a passage nor the question has.
    fn missing(&self, claim: &str) -> Vec<Conflict> {
        let texts = self.texts.iter().flat_map(|it| [it.context.as_str(), it.text.as_str()]);
        let all: Vec<&str> = texts.chain([self.question.as_str()]).collect();
        missing(claim, &all.join("\n"))
    }

    /// The part of the logit of support that does not depend on the place.
    fn logit_anywhere(&self, claim: &str, missing: &[Conflict]) -> f32 {
        let bias = if self.question.is_empty() { BIAS_OF_TEXTS } else { BIAS_OF_ANSWERS };
        let penalty = |conflict: &Conflict| match conflict {
            Conflict::MissingName(_) => MISSING_NAME,
            _ => CONFLICT,
        };
        let penalties: f32 = missing.iter().map(penalty).sum();
        bias + PAIRS * self.evidence.share_of_pairs(claim) + penalties
    }

    fn by_words(&self, sentence: &str, claimed: &[usize]) -> SentenceCheck {
        let (label, evidence) = match self.evidence.find(sentence, claimed) {
            Support::Supported(evidence) => (SupportLabel::Supported, evidence),
            Support::Unsupported | Support::Nothing => (SupportLabel::NotFound, Vec::new()),
        };
        let is_supported = label == SupportLabel::Supported;
        SentenceCheck {
            label,
            probability: if is_supported { 1.0 } else { 0.0 },
            evidence: places(evidence),
            conflicts: Vec::new(),
            scores: None,
            overlap: 0.0,
        }
    }

    /// What the model and the rules say of a claim and of each place that may support it.
    fn scored_windows(&self, model: &dyn SupportChecker, claim: &str, claimed: &[usize]) -> Result<Vec<ScoredWindow>> {
        let windows = self.evidence.windows(claim, claimed, MAX_WINDOWS);
        let texts: Vec<String> = windows.iter().map(|window| self.text_of(window)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let scores = model.check(claim, &texts)?;
        let scored = windows.into_iter().zip(texts).zip(scores).map(|((window, text), scores)| {
            let conflicts = conflicts(claim, text);
            ScoredWindow { window, scores, conflicts }
        });
        Ok(scored.collect())
    }

    fn by_model(&self, model: &dyn SupportChecker, claim: &str, claimed: &[usize]) -> Result<SentenceCheck> {
        let mut windows = self.scored_windows(model, claim, claimed)?;
        windows.sort_by(|one, other| other.logit().total_cmp(&one.logit())); // stable
        let Some(best) = windows.first() else { return Ok(self.by_words(claim, claimed)) };
        let missing = self.missing(claim);
        let logit = best.logit() + self.logit_anywhere(claim, &missing);
        let probability = 1.0 / (1.0 + (-logit).exp());
        let opposite = windows.iter().filter(|window| window.contradicts());
        let opposite = opposite.max_by(|one, other| one.scores.contradicted.total_cmp(&other.scores.contradicted));
        let (label, window) = match opposite {
            _ if probability >= SUPPORTED => (SupportLabel::Supported, best),
            Some(opposite) => (SupportLabel::Contradicted, opposite),
            None if probability >= PARTLY => (SupportLabel::Partly, best),
            None => (SupportLabel::NotFound, best),
        };
        let evidence = match label {
            SupportLabel::NotFound => Vec::new(),
            _ => places(self.evidence.cited(claim, &window.window)),
        };
        Ok(SentenceCheck {
            label,
            probability,
            evidence,
            overlap: window.window.overlap,
            conflicts: [missing, window.conflicts.clone()].concat(),
            scores: Some(window.scores),
        })
    }

    fn text_of(&self, window: &EvidenceWindow) -> String {
        let PassageText { context, text } = &self.texts[window.passage];
        let text = self.evidence.span(&window.sentences).of(text);
        if context.is_empty() { text.to_string() } else { format!("{context}\n{text}") }
    }
}

/// Where `part` stands in `text` with no letter or digit right before or after it.
fn whole_words(text: &str, part: &str) -> Option<usize> {
    let is_apart = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric());
    let starts = text.match_indices(part).map(|(at, _)| at);
    let mut whole = starts
        .filter(|at| is_apart(text[..*at].chars().next_back()) && is_apart(text[at + part.len()..].chars().next()));
    whole.next()
}

fn places(evidence: Vec<Evidence>) -> Vec<(usize, Span)> {
    evidence.into_iter().map(|evidence| (evidence.passage, evidence.span)).collect()
}

/// The claims of a sentence: its parts between semicolons and before "and" or "but" with a subject
/// of its own, if each has enough words to be checked alone.
fn claims(sentence: &str) -> Vec<&str> {
    const JOINTS: [&str; 4] = ["; ", ", and ", ", but ", ", while "];
    const SUBJECTS: [&str; 10] = ["the", "a", "an", "it", "he", "she", "they", "this", "that", "there"];
    const LEAST_WORDS: usize = 2;
    let has_enough = |part: &str| content_words(part).count() >= LEAST_WORDS;
    for joint in JOINTS {
        for (at, _) in sentence.match_indices(joint) {
            let (first, second) = (&sentence[..at], &sentence[at + joint.len()..]);
            let word = second.split_whitespace().next().unwrap_or_default();
            let has_subject = SUBJECTS.contains(&word.to_lowercase().as_str()) || word.starts_with(char::is_uppercase);
            if (has_subject || joint == "; ") && has_enough(first) && has_enough(second) {
                return [vec![first], claims(second)].concat();
            }
        }
    }
    vec![sentence]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_split_where_each_part_can_stand_alone() {
        for (sentence, parts) in [
            ("The lease ends in May, and the landlord pays for large repairs.", 2),
            ("The lease ends in May; rent is due on the first of the month.", 2),
            ("Anna, Ben and the others came.", 1),
            ("Rent, and the deposit, is due in May.", 1),
            ("", 1),
        ] {
            assert_eq!(claims(sentence).len(), parts, "{sentence}");
        }
    }
}
