//! Reviews a file of questions: a person keeps, drops or edits each. Every decision is written at
//! once, so that an interruption loses none.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::eval::datasets::questions::{self, WrittenQuestion};

/// A decision on a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Keep it unchanged.
    Keep,
    /// Remove it.
    Drop,
    /// Keep it with this text.
    Edit(String),
}

/// A file of questions under review.
#[derive(Debug)]
pub struct QuestionReview {
    path: PathBuf,
    questions: Vec<WrittenQuestion>,
    /// The number of questions reviewed and kept: they come first.
    reviewed: usize,
    dropped: usize,
    edited: usize,
}

impl QuestionReview {
    /// Opens a file of questions in JSON lines, as `kinglet questions make` writes it.
    ///
    /// # Errors
    /// When the name of the file does not end in `.jsonl`, or as [`questions::read`].
    pub fn open(path: &Path) -> Result<Self> {
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            return Err(Error::input(format!("{} is not a file of `kinglet questions make`", path.display()))
                .with_hint("`review` takes .jsonl files only; use an editor for others"));
        }
        let questions = questions::read(path, &|_| true)?;
        Ok(QuestionReview { path: path.to_path_buf(), questions, reviewed: 0, dropped: 0, edited: 0 })
    }

    /// The question to decide about; `None` when all are reviewed.
    pub fn current(&self) -> Option<&WrittenQuestion> {
        self.questions.get(self.reviewed)
    }

    /// The place of the current question, from 1, and the number of questions at the start.
    pub fn place(&self) -> (usize, usize) {
        (self.reviewed + self.dropped + 1, self.questions.len() + self.dropped)
    }

    /// Applies a decision to the current question, and writes the file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn decide(&mut self, decision: Decision) -> Result<()> {
        match decision {
            _ if self.current().is_none() => return Ok(()),
            Decision::Keep => self.reviewed += 1,
            Decision::Drop => {
                self.questions.remove(self.reviewed);
                self.dropped += 1;
            }
            Decision::Edit(text) => {
                self.questions[self.reviewed].question = text;
                self.reviewed += 1;
                self.edited += 1;
            }
        }
        questions::write(&self.path, &self.questions)
    }

    /// The number of questions in the file now, and of those dropped and edited.
    pub fn counts(&self) -> [usize; 3] {
        [self.questions.len(), self.dropped, self.edited]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_decision_is_in_the_file_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("q.jsonl");
        let line = |id: &str| format!("{{\"id\": \"{id}\", \"question\": \"Who is {id}?\", \"answers\": []}}\n");
        std::fs::write(&path, ["a", "b", "c", "d"].map(line).concat()).unwrap();
        let texts = || questions::read(&path, &|_| true).unwrap().into_iter().map(|it| it.question).collect::<Vec<_>>();
        let mut review = QuestionReview::open(&path).unwrap();
        assert_eq!(review.place(), (1, 4));
        review.decide(Decision::Keep).unwrap();
        review.decide(Decision::Drop).unwrap();
        assert_eq!(texts(), ["Who is a?", "Who is c?", "Who is d?"]);
        assert_eq!((review.place(), review.current().unwrap().id.as_str()), ((3, 4), "c"));
        review.decide(Decision::Edit("Which one?".to_string())).unwrap();
        assert_eq!(texts(), ["Who is a?", "Which one?", "Who is d?"]);
        assert_eq!(review.counts(), [3, 1, 1]);
        assert!(QuestionReview::open(&folder.path().join("q.tsv")).is_err());
    }
}
