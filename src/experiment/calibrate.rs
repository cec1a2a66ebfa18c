//! Learns, on an index, how sure a reader must be of an answer.
//!
//! Sources: Platt, *Probabilistic Outputs for Support Vector Machines*, 1999 (logistic regression
//! from scores to probabilities); Naeini, Cooper & Hauskrecht, *Obtaining Well Calibrated
//! Probabilities Using Bayesian Binning*, AAAI 2015 (expected calibration error).

use std::collections::HashSet;
use std::path::Path;

use crate::engine::{Kinglet, OpenIndex};
use crate::error::{Error, Result};
use crate::eval::datasets::questions::{self, WrittenQuestion};
use crate::index::calibration::{Calibration, CalibrationPoint, ReadingFeatures};
use crate::index::{Index, IndexWriter};
use crate::search::SearchOptions;
use crate::text::content_words;

/// Each question gets its probability from the questions of the other folds.
const FOLDS: usize = 5;
/// At most about this share of the questions that the documents answer is refused.
const MAX_NEEDLESSLY_REFUSED: f32 = 0.13;
/// Fewer questions of one kind teach nothing.
const LEAST_OF_EACH: usize = 20;
/// How strongly the slope is drawn to 0, so that few questions do not give an extreme one.
const RIDGE: f64 = 1.0;
const NEWTON_STEPS: usize = 30;
const BINS: usize = 10;

/// What a calibration found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CalibrationReport {
    /// The questions that the documents answer, and those that they do not.
    pub questions: [usize; 2],
    /// What was learned.
    pub calibration: Calibration,
    /// The expected calibration error of the built-in calibration and of this one, on questions
    /// that it did not learn from.
    pub calibration_errors: [f32; 2],
    /// The area under the curve: how often a question with an answer has a higher probability than
    /// one without.
    pub area: f32,
    /// Of the refused questions the share without an answer.
    pub refusal_precision: f32,
    /// Of the questions without an answer the share that is refused.
    pub refusal_recall: f32,
    /// Of the questions with an answer the share that is refused.
    pub needlessly_refused: f32,
}

/// A question, and what the reader found for it.
struct ReadQuestion {
    features: ReadingFeatures,
    is_answerable: bool,
    fold: usize,
}

impl ReadQuestion {
    fn judged_by(&self, calibration: &Calibration) -> CalibrationPoint {
        let probability = calibration.probability(&self.features);
        CalibrationPoint { probability, is_answerable: self.is_answerable }
    }
}

impl Kinglet {
    /// Learns from the questions in a file (one without answers is one that the documents do not
    /// answer), or else from `count` questions that are made out of the index and as many that it
    /// cannot answer. The index keeps what was learned. Calls `done` with the number of questions
    /// read.
    ///
    /// # Errors
    /// When there are too few questions of one kind, words and not models check answers, or as
    /// [`OpenIndex::search`].
    pub fn calibrate(
        &self,
        name: &str,
        file: Option<&Path>,
        count: usize,
        done: &dyn Fn(usize, usize),
    ) -> Result<CalibrationReport> {
        let index = self.open(name)?;
        if !self.checks_with_models(Some(index.snapshot()?.manifest())) {
            return Err(Error::input("there is no reader to calibrate: words check the answers of this configuration")
                .with_hint("--checks models, or a mode and an embedder that use models"));
        }
        let (questions, learned_from) = match file {
            Some(file) => {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                (questions::read(file, &|_| true)?, format!("the questions of {name}"))
            }
            None => (self.made_questions(&index, count)?, "questions made out of these documents".to_string()),
        };
        let mut read = Vec::new();
        for (at, question) in questions.iter().enumerate() {
            done(at, questions.len());
            let found = index.find_passages(&question.question, &SearchOptions::default())?;
            if let Some(reading) = found.readings.first() {
                let fold = usize::from(blake3::hash(question.question.as_bytes()).as_bytes()[0]) % FOLDS;
                read.push(ReadQuestion {
                    features: reading.features,
                    is_answerable: !question.answers.is_empty(),
                    fold,
                });
            }
        }
        let report = learn(&read, learned_from)?;
        store(self, name, report.calibration.clone())?;
        Ok(report)
    }

    /// Questions that the documents answer, and as many that they do not: each question once more
    /// with its rarest word replaced by that of a question about another document, if no passage
    /// that is found has all of its words.
    fn made_questions(&self, index: &OpenIndex, count: usize) -> Result<Vec<WrittenQuestion>> {
        let snapshot = index.snapshot()?;
        let made = self.generate_questions(&snapshot, count, None, &|_| {})?.questions;
        let rarest = made.iter().map(|question| rarest_word(&snapshot, &question.question));
        let rarest: Vec<Option<String>> = rarest.collect::<Result<_>>()?;
        let mut all = made.clone();
        for (at, question) in made.iter().enumerate() {
            let path = |question: &WrittenQuestion| question.answers.first().and_then(|answer| answer.path.clone());
            let others = (1..made.len()).map(|step| (at + step) % made.len());
            let mut others = others.filter(|&other| path(&made[other]) != path(question) || made.len() < 2 * FOLDS);
            let (Some(own), Some(other)) = (&rarest[at], others.find_map(|other| rarest[other].clone())) else {
                continue;
            };
            let text = question.question.replacen(own.as_str(), &other, 1);
            let found = index.find_passages(&text, &SearchOptions::default())?;
            let wanted: Vec<String> = content_words(&text).collect();
            let has_all = |passage: &str| {
                let there: HashSet<String> = content_words(passage).collect();
                wanted.iter().all(|word| there.contains(word))
            };
            if text != question.question && !found.passages.iter().any(|it| has_all(&it.chunk.passage())) {
                all.push(WrittenQuestion {
                    id: format!("{}-twin", question.id),
                    question: text,
                    answers: Vec::new(),
                    synthetic: Some("twin".to_string()),
                });
            }
        }
        Ok(all)
    }
}

/// The rarest word of a question, as it is written.
fn rarest_word(index: &Index, question: &str) -> Result<Option<String>> {
    let rarities = index.lexical().rarities(question)?;
    let rarest = rarities.into_iter().max_by(|(_, one), (_, other)| one.total_cmp(other));
    Ok(rarest.map(|(span, _)| span.of(question).to_string()))
}

fn learn(read: &[ReadQuestion], learned_from: String) -> Result<CalibrationReport> {
    let answerable = read.iter().filter(|question| question.is_answerable).count();
    let questions = [answerable, read.len() - answerable];
    if questions.iter().any(|count| *count < LEAST_OF_EACH) {
        return Err(Error::input(format!(
            "too few questions: {answerable} with an answer in the documents and {} without; {LEAST_OF_EACH} of each are the least",
            questions[1]
        ))
        .with_hint("in a file of questions (.jsonl) one with \"answers\": [] is one that the documents do not answer"));
    }
    let mut points: Vec<CalibrationPoint> = Vec::new();
    for fold in 0..FOLDS {
        let others: Vec<&ReadQuestion> = read.iter().filter(|question| question.fold != fold).collect();
        let (slope, bias) = regression(&others);
        let calibration = Calibration { slope, bias, ..Calibration::built_in() };
        let here = read.iter().filter(|question| question.fold == fold);
        points.extend(here.map(|question| question.judged_by(&calibration)));
    }
    points.sort_by(|one, other| {
        one.probability.total_cmp(&other.probability).then(one.is_answerable.cmp(&other.is_answerable))
    });
    let (slope, bias) = regression(&read.iter().collect::<Vec<_>>());
    let of = |answerable: bool| points.iter().filter(move |point| point.is_answerable == answerable);
    let nth = (answerable as f32 * MAX_NEEDLESSLY_REFUSED) as usize;
    let refuse_below = of(true).nth(nth).map_or(0.5, |point| point.probability);
    let built_in = Calibration::built_in();
    let by_built_in: Vec<CalibrationPoint> = read.iter().map(|question| question.judged_by(&built_in)).collect();
    let refused = |answerable: bool| of(answerable).filter(|point| point.probability < refuse_below).count() as f32;
    let (good, needless) = (refused(false), refused(true));
    let pairs = of(true).map(|one| {
        let below = of(false).filter(|other| other.probability < one.probability).count() as f32;
        let equal = of(false).filter(|other| other.probability == one.probability).count() as f32;
        below + equal / 2.0
    });
    let scores = read.iter().map(|question| question.features.score());
    let range = [scores.clone().fold(f32::MAX, f32::min), scores.fold(f32::MIN, f32::max)];
    Ok(CalibrationReport {
        questions,
        calibration_errors: [calibration_error(&by_built_in), calibration_error(&points)],
        area: pairs.sum::<f32>() / (questions[0] * questions[1]) as f32,
        refusal_precision: good / (good + needless).max(1.0),
        refusal_recall: good / questions[1] as f32,
        needlessly_refused: needless / questions[0] as f32,
        calibration: Calibration { learned_from, slope, bias, refuse_below, range, points },
    })
}

/// The mean difference between probability and truth over bins of equal width, weighted by the
/// number of questions.
fn calibration_error(points: &[CalibrationPoint]) -> f32 {
    let mut bins = [(0.0_f32, 0.0_f32); BINS];
    for point in points {
        let bin = ((point.probability * BINS as f32) as usize).min(BINS - 1);
        bins[bin].0 += point.probability;
        bins[bin].1 += f32::from(u8::from(point.is_answerable));
    }
    bins.iter().map(|(said, true_ones)| (said - true_ones).abs()).sum::<f32>() / points.len() as f32
}

/// The slope and the bias of the logistic regression, by Newton's method. Both kinds of questions
/// weigh the same, because nobody knows how many of a user's questions his documents answer.
fn regression(questions: &[&ReadQuestion]) -> (f32, f32) {
    let count = |answerable| questions.iter().filter(|it| it.is_answerable == answerable).count() as f64;
    let shares = [false, true].map(|answerable| questions.len() as f64 / (2.0 * count(answerable)));
    let (mut slope, mut bias) = (0.0_f64, 0.0_f64);
    for _ in 0..NEWTON_STEPS {
        // The gradient, and the matrix of second derivatives, which is symmetric.
        let (mut by_slope, mut by_bias) = (RIDGE * slope, 0.0);
        let (mut slope_slope, mut slope_bias, mut bias_bias) = (RIDGE, 0.0, 0.0);
        for question in questions {
            let score = f64::from(question.features.score());
            let share = shares[usize::from(question.is_answerable)];
            let probability = 1.0 / (1.0 + (-(bias + slope * score)).exp());
            let error = share * (probability - f64::from(u8::from(question.is_answerable)));
            let spread = share * probability * (1.0 - probability);
            by_slope += error * score;
            by_bias += error;
            slope_slope += spread * score * score;
            slope_bias += spread * score;
            bias_bias += spread;
        }
        let determinant = slope_slope * bias_bias - slope_bias * slope_bias;
        slope -= (by_slope * bias_bias - by_bias * slope_bias) / determinant;
        bias -= (by_bias * slope_slope - by_slope * slope_bias) / determinant;
    }
    (slope as f32, bias as f32)
}

fn store(kinglet: &Kinglet, name: &str, calibration: Calibration) -> Result<()> {
    let mut writer = IndexWriter::open(&kinglet.index_folder(name)?)?;
    let Some(mut manifest) = writer.manifest().cloned() else {
        return Err(Error::damaged("the index has lost its manifest").in_index(name));
    };
    manifest.calibration = Some(calibration);
    if writer.manifest() != Some(&manifest) { writer.finish(manifest) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Questions whose score is the logit that they are answerable.
    fn read(count: usize) -> Vec<ReadQuestion> {
        let noise = |at: usize| ((at * 7919) % 1009) as f32 / 1009.0;
        let read = |at: usize| {
            let logit = 8.0 * (at as f32 / count as f32) - 4.0;
            let is_answerable = noise(at) < 1.0 / (1.0 + (-logit).exp());
            // Both features weigh the same in the score.
            let features = ReadingFeatures { answerable: 1.2 * logit, span_margin: 2.65 * logit };
            ReadQuestion { features, is_answerable, fold: at % FOLDS }
        };
        (0..count).map(read).collect()
    }

    #[test]
    fn the_learned_probabilities_are_true() {
        let report = learn(&read(1000), "a test".to_string()).unwrap();
        let Calibration { slope, bias, .. } = report.calibration;
        assert!((slope - 1.0).abs() < 0.15 && bias.abs() < 0.3, "{slope} {bias}");
        assert!(report.calibration_errors[1] < 0.05, "{:?}", report.calibration_errors);
        assert!(report.area > 0.85 && report.refusal_precision > 0.7 && report.needlessly_refused <= 0.14);
        let threshold = report.calibration.threshold_for(0.1).unwrap();
        assert!(threshold > report.calibration.refuse_below, "a small risk refuses more");
    }

    #[test]
    fn too_few_questions_are_refused() {
        assert!(learn(&read(30), String::new()).unwrap_err().to_string().contains("too few questions"));
    }
}
