//! Reads the passages for each part of a question: does one of them answer it, and where?

use std::sync::Arc;

use super::Passage;
use super::citations::Citation;
use super::claim_rules::has_other_numbers;
use super::leaning::asks_for_a_fact;
use super::left_out::read_text;
use crate::error::Result;
use crate::index::calibration::{Calibration, ReadingFeatures};
use crate::models::contracts::Reader;
use crate::text::Span;

/// The score that a passage loses if it is not the first hit for its part of the question.
const NOT_FIRST: f32 = 2.0;

/// How much the judgement that a passage answers counts beside the score of its best place.
const ANSWERABLE: f32 = 0.5;

/// A question shares few words with the best sentence if that has less than this share of them.
const COVERED: f32 = 0.2;

/// A passage disagrees only if it answers with at least this probability.
const SURE: f32 = 0.6;

/// A place adds at most this to the score of its sentence. How much of it is a logistic function of
/// the place's own score, with this steepness.
const MOST_ADDED: f32 = 0.5;
const ADDED_STEEPNESS: f32 = 0.25;

/// The place in the passages that answers a part of a question best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerPlace {
    /// The passage's index.
    pub passage: usize,
    /// Where in the text of its chunk.
    pub span: Span,
}

/// A passage that answers with other numbers than the chosen one.
#[derive(Debug, Clone, PartialEq)]
pub struct Disagreement {
    /// The words that answer.
    pub answer: String,
    /// The sentence that they stand in. It is no source of the answer, so its number is 0.
    pub quote: Citation,
}

/// What a reader found for one part of a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The best place; `None` if no passage has words.
    pub place: Option<AnswerPlace>,
    /// How much its score is above that of the best other place of its passage.
    pub lead: f32,
    /// The places in other passages that answer too, with other numbers.
    pub disagreements: Vec<Disagreement>,
    /// What the reader's scores are.
    pub features: ReadingFeatures,
    /// The calibrated probability that the passages answer.
    pub probability: f32,
    /// True if that is enough for an answer.
    pub is_answered: bool,
    /// True if the scores are unlike all those that the calibration has seen.
    pub is_shifted: bool,
}

/// Reads passages, and judges whether they answer.
#[derive(Clone)]
pub struct AnswerReader {
    reader: Arc<dyn Reader>,
    calibration: Arc<Calibration>,
    /// The smallest probability with which a question is answered.
    least: f32,
    /// The same where the best sentence has few of the question's words.
    least_uncovered: f32,
}

impl AnswerReader {
    /// `least` is the smallest calibrated probability with which a question is answered;
    /// `least_uncovered` is that of a question that shares few words with the best sentence: the
    /// reader learned from questions in the words of their passages, and doubts the others.
    pub fn new(reader: Arc<dyn Reader>, calibration: Arc<Calibration>, least: f32, least_uncovered: f32) -> Self {
        AnswerReader { reader, calibration, least, least_uncovered }
    }

    /// Reads `passages` for a part of the question; `first` is the index of its first hit. The
    /// sentence with the best place of each passage gets a better score. `None` if there are no
    /// passages.
    ///
    /// # Errors
    /// When the reader fails.
    pub fn read(&self, question: &str, first: usize, passages: &mut [Passage]) -> Result<Option<Reading>> {
        let Some(read) = read(self.reader.as_ref(), question, first, passages)? else { return Ok(None) };
        let PassagesRead { place, lead, features, others } = read;
        let probability = self.calibration.probability(&features);
        let is_sure = |features: &ReadingFeatures| self.calibration.probability(features) >= self.least.max(SURE);
        let others = others.into_iter().filter(|(_, features)| is_sure(features)).map(|(place, _)| place);
        let disagreements = match place {
            Some(chosen) if asks_for_a_fact(question) => disagreements(passages, chosen, others),
            _ => Vec::new(),
        };
        Ok(Some(Reading {
            place,
            lead,
            disagreements,
            features,
            probability,
            is_answered: probability
                >= if best_coverage(passages) < COVERED { self.least_uncovered } else { self.least },
            is_shifted: self.calibration.is_shifted(&features),
        }))
    }
}

/// The share of the question's words that the best sentence has.
fn best_coverage(passages: &[Passage]) -> f32 {
    let sentences = passages.iter().flat_map(|passage| &passage.sentences);
    let answering = sentences.filter(|sentence| !sentence.is_heading && !sentence.is_instruction);
    answering.max_by(|one, other| one.score.total_cmp(&other.score)).map_or(0.0, |sentence| sentence.coverage)
}

/// What a reader found in all passages.
struct PassagesRead {
    place: Option<AnswerPlace>,
    lead: f32,
    features: ReadingFeatures,
    /// The best places of the other passages.
    others: Vec<(AnswerPlace, ReadingFeatures)>,
}

/// The places whose words have other numbers than the chosen ones, each with its sentence.
fn disagreements(
    passages: &[Passage],
    chosen: AnswerPlace,
    others: impl Iterator<Item = AnswerPlace>,
) -> Vec<Disagreement> {
    let words = |place: AnswerPlace| place.span.of(&passages[place.passage].chunk.text);
    let disagreeing = others.filter(|other| has_other_numbers(words(chosen), words(*other)));
    let sentence = |place: AnswerPlace| {
        let passage = &passages[place.passage];
        let sentence = passage.sentences.iter().find(|sentence| place.span.start < sentence.span.end);
        Citation::new(0, passage, sentence.map_or(place.span, |sentence| sentence.span))
    };
    disagreeing.map(|place| Disagreement { answer: words(place).to_string(), quote: sentence(place) }).collect()
}

fn read(reader: &dyn Reader, question: &str, first: usize, passages: &mut [Passage]) -> Result<Option<PassagesRead>> {
    let texts: Vec<(String, usize)> = passages.iter().map(read_text).collect();
    let found = reader.read(question, &texts.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>())?;
    let most_added = if asks_for_a_fact(question) { MOST_ADDED } else { 0.0 };
    let place = |at: usize| {
        let span = found[at].span.and_then(|span| within_text(span, texts[at].1))?;
        Some(AnswerPlace { passage: at, span })
    };
    let features = |at: usize| ReadingFeatures { answerable: found[at].answerable, span_margin: found[at].span_margin };
    let score = |at: usize| {
        found[at].span_margin + ANSWERABLE * found[at].answerable - if at == first { 0.0 } else { NOT_FIRST }
    };
    let mut best: Option<(f32, usize)> = None;
    for (at, passage) in passages.iter_mut().enumerate() {
        let score = score(at);
        if let Some(AnswerPlace { span, .. }) = place(at)
            && let Some(sentence) = passage.sentences.iter_mut().find(|sentence| span.start < sentence.span.end)
        {
            sentence.score += most_added / (1.0 + (-ADDED_STEEPNESS * score).exp());
        }
        if best.is_none_or(|(most, _)| score > most) {
            best = Some((score, at));
        }
    }
    let Some((_, chosen)) = best else { return Ok(None) };
    let others = (0..found.len()).filter(|&at| at != chosen).filter_map(|at| Some((place(at)?, features(at))));
    Ok(Some(PassagesRead {
        place: place(chosen),
        lead: found[chosen].lead,
        features: features(chosen),
        others: others.collect(),
    }))
}

/// The part of the span that is in the chunk's own text and not in the headings before it.
fn within_text(span: Span, before_text: usize) -> Option<Span> {
    (span.end > before_text)
        .then(|| Span { start: span.start.max(before_text) - before_text, end: span.end - before_text })
}

#[cfg(test)]
mod tests {
    use super::super::tests::passage;
    use super::*;
    use crate::index::calibration::CalibrationPoint;
    use crate::models::contracts::ReadPassage;

    /// Finds these words, with this score, in every passage that has them.
    struct Finds(&'static [(&'static str, f32)]);

    impl Reader for Finds {
        fn name(&self) -> &str {
            "finds"
        }
        fn read(&self, _: &str, passages: &[&str]) -> Result<Vec<ReadPassage>> {
            let read = |passage: &&str| {
                let found = self.0.iter().find_map(|(words, score)| Some((passage.find(words)?, words.len(), *score)));
                let (start, length, score) = found.unwrap_or((0, 1, -9.0));
                let span = Some(Span { start, end: start + length });
                ReadPassage { answerable: score, span_margin: 2.0 * score, span, lead: 9.0 }
            };
            Ok(passages.iter().map(read).collect())
        }
    }

    fn read(finds: &'static [(&'static str, f32)], question: &str, passages: &mut [Passage]) -> Option<Reading> {
        let points = vec![CalibrationPoint { probability: 0.5, is_answerable: true }];
        let calibration = Calibration { points, ..Calibration::built_in() };
        AnswerReader::new(Arc::new(Finds(finds)), Arc::new(calibration), 0.5, 0.5).read(question, 0, passages).unwrap()
    }

    fn ends() -> Vec<Passage> {
        ["The rent is high.", "The lease ends on 31 May. It is long.", "The lease ends on 30 June."]
            .map(passage)
            .to_vec()
    }

    #[test]
    fn the_best_place_lifts_its_sentence_and_other_numbers_are_a_disagreement() {
        let mut passages = ends();
        let before = passages[1].sentences[0].score;
        let finds = &[("31 May", 4.0), ("30 June", 3.0)];
        let reading = read(finds, "When does the lease end?", &mut passages).unwrap();
        let place = reading.place.unwrap();
        assert_eq!((place.passage, place.span.of(&passages[1].chunk.text)), (1, "31 May"));
        assert!(reading.is_answered && passages[1].sentences[0].score > before);
        assert_eq!(reading.disagreements.len(), 1);
        assert_eq!(reading.disagreements[0].answer, "30 June");
        assert_eq!(reading.disagreements[0].quote.quote, "The lease ends on 30 June.");
        let explained = read(finds, "Why does the lease end?", &mut ends()).unwrap();
        assert_eq!(explained.disagreements, [], "only facts can disagree");
    }

    #[test]
    fn low_scores_are_no_answer_and_instructions_are_not_read() {
        assert!(!read(&[("31 May", -4.0)], "When does it end?", &mut ends()).unwrap().is_answered);
        assert!(read(&[], "When does it end?", &mut []).is_none());
        let mut passages = ends();
        passages[1].sentences[0].is_instruction = true;
        assert!(!read(&[("31 May", 4.0)], "When does it end?", &mut passages).unwrap().is_answered);
    }
}
