//! Measures answers without a judge: what was found, said, cited, supported and refused.
//!
//! Source: Ru and others, *RAGChecker: A Fine-grained Framework for Diagnosing Retrieval-Augmented
//! Generation*, NeurIPS 2024, which splits the quality of answers into that of the search and that
//! of the generator, by entailment; here a small model says what is entailed.

use std::path::Path;

use futures::StreamExt;

use super::question_set::spaced;
use crate::answer::{Answer, AnswerEvent, Passage, SupportLabel};
use crate::engine::{Kinglet, runtime};
use crate::error::{Error, Result};
use crate::eval::Estimate;
use crate::eval::bootstrap::mean_with_interval;
use crate::eval::datasets::questions::{self, AnswerLocation, WrittenQuestion};
use crate::search::SearchOptions;

/// The quality of the answers to a set of questions.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AnswerEvaluation {
    /// The questions that the documents answer, and those that they do not.
    pub questions: [usize; 2],
    /// The mean of each measure, with its interval, over the questions that have it.
    pub estimates: Vec<Estimate>,
}

/// What is measured of each answer, by name.
#[derive(Default)]
struct Measures {
    found: Vec<f64>,
    answered: Vec<f64>,
    said: Vec<f64>,
    cited: Vec<f64>,
    citation_precision: Vec<f64>,
    supported: Vec<f64>,
    refused: Vec<f64>,
}

impl Kinglet {
    /// Asks each question of a file and measures the answers: `found`, the answer's place is among
    /// the passages; `answered`, the question was not refused; `said`, the answer or one of its
    /// quotes has the words of the known answer; `cited`, a citation is of a place that answers;
    /// `citation_precision`, the share of the citations that are; `supported`, the share of the
    /// sentences that the sources support; `refused`, over the questions without an answer. Calls
    /// `done` with the number of questions asked and of all.
    ///
    /// # Errors
    /// As [`OpenIndex::ask`](crate::OpenIndex::ask), and when the file has no questions.
    pub fn evaluate_answers(&self, name: &str, file: &Path, done: &dyn Fn(usize, usize)) -> Result<AnswerEvaluation> {
        let index = self.open(name)?;
        let runtime = runtime()?;
        let questions = questions::read(file, &|path| Path::new(path).extension().is_some())?;
        let mut measures = Measures::default();
        for (at, question) in questions.iter().enumerate() {
            done(at, questions.len());
            let (passages, answer) = runtime.block_on(async {
                let mut events = index.ask(&question.question, &SearchOptions::default());
                let mut found = Vec::new();
                while let Some(event) = events.next().await {
                    match event? {
                        AnswerEvent::PassagesFound { passages, .. } => found = passages,
                        AnswerEvent::Finished(answer) => return Ok::<_, Error>((found, *answer)),
                        AnswerEvent::Sentence(_) => {}
                    }
                }
                Err(Error::model("the answer broke off"))
            })?;
            measures.add(question, &passages, &answer);
        }
        let answerable = questions.iter().filter(|question| !question.answers.is_empty()).count();
        Ok(AnswerEvaluation { questions: [answerable, questions.len() - answerable], estimates: measures.estimates() })
    }
}

impl Measures {
    fn add(&mut self, question: &WrittenQuestion, passages: &[Passage], answer: &Answer) {
        let is_true = |holds: bool| f64::from(u8::from(holds));
        if question.answers.is_empty() {
            self.refused.push(is_true(answer.refused));
            return;
        }
        let any = |holds: &dyn Fn(&AnswerLocation) -> bool| is_true(question.answers.iter().any(holds));
        self.found.push(any(&|location| passages.iter().any(|it| is_there(location, &it.path, &it.chunk.text))));
        self.answered.push(is_true(!answer.refused));
        let references: Vec<String> = question.answers.iter().filter_map(|it| it.quote.clone()).collect();
        if !references.is_empty() {
            self.said.push(is_true(has_words_of(answer, &references)));
        }
        if answer.refused {
            return;
        }
        let is_right = |path: &str, quote: &str| {
            question.answers.iter().any(|it| is_there(it, path, quote) || stands_in(it, path, quote))
        };
        let right = answer.citations.iter().filter(|citation| is_right(&citation.path, &citation.quote)).count();
        self.cited.push(is_true(right > 0));
        if !answer.citations.is_empty() {
            self.citation_precision.push(right as f64 / answer.citations.len() as f64);
        }
        if !answer.sentences.is_empty() {
            let is_supported = |label: SupportLabel| label == SupportLabel::Supported;
            let supported = answer.sentences.iter().filter(|it| is_supported(it.check.label)).count();
            self.supported.push(supported as f64 / answer.sentences.len() as f64);
        }
    }

    fn estimates(&self) -> Vec<Estimate> {
        let named = [
            ("found", &self.found),
            ("answered", &self.answered),
            ("said", &self.said),
            ("cited", &self.cited),
            ("citation_precision", &self.citation_precision),
            ("supported", &self.supported),
            ("refused", &self.refused),
        ];
        let estimate = |(metric, values): (&'static str, &Vec<f64>)| {
            let (mean, interval) = mean_with_interval(values);
            Estimate { metric, mean, interval }
        };
        named.into_iter().filter(|(_, values)| !values.is_empty()).map(estimate).collect()
    }
}

/// True if the answer, or one of the quotes that it cites, has the words of one of `references`.
pub(super) fn has_words_of(answer: &Answer, references: &[String]) -> bool {
    let quotes = answer.citations.iter().map(|citation| citation.quote.as_str());
    let said: Vec<String> = quotes.chain([answer.answer.as_str()]).map(spaced).collect();
    references.iter().map(|reference| spaced(reference)).any(|words| said.iter().any(|text| text.contains(&words)))
}

/// True if this text of the file is a place of the answer, or holds it.
fn is_there(location: &AnswerLocation, path: &str, text: &str) -> bool {
    is_of(location, path) && location.quote.as_ref().is_none_or(|quote| spaced(text).contains(&spaced(quote)))
}

/// True if the text is a part of the answer's place.
fn stands_in(location: &AnswerLocation, path: &str, text: &str) -> bool {
    is_of(location, path) && location.quote.as_ref().is_some_and(|quote| spaced(quote).contains(&spaced(text)))
}

fn is_of(location: &AnswerLocation, path: &str) -> bool {
    location.path.as_ref().is_none_or(|end| Path::new(path).ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_known_by_path_or_words() {
        let location = |path: Option<&str>, quote: Option<&str>| AnswerLocation {
            path: path.map(str::to_string),
            quote: quote.map(str::to_string),
            grade: 1,
        };
        let (path, text) = ("/home/me/notes/lease.md", "The lease ends\non 31 May, 2027.");
        assert!(is_there(&location(Some("notes/lease.md"), None), path, text));
        assert!(!is_there(&location(Some("other.md"), None), path, text));
        assert!(is_there(&location(None, Some("ends on 31 May 2027")), path, text));
        assert!(!is_there(&location(None, Some("ends on 31 May 2028")), path, text));
        assert!(stands_in(&location(None, Some("It says: the lease ends on 31 May 2027, and more.")), path, text));
    }
}
