//! A person looks through a file of questions: keeps, drops and edits them. Each decision is in the
//! file at once, so that an interruption loses none.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::eval::datasets::questions::{self, WrittenQuestion};

/// What is decided about a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It stays as it is.
    Keep,
    /// It goes.
    Drop,
    /// It stays with this text.
    Edit(String),
}

/// A file of questions under review.
#[derive(Debug)]
pub struct QuestionReview {
    path: PathBuf,
    questions: Vec<WrittenQuestion>,
    /// How many questions at the beginning have been decided and kept.
    decided: usize,
    dropped: usize,
    edited: usize,
}

impl QuestionReview {
    /// Reads a file of questions as
    /// [`Kinglet::generate_questions`](crate::Kinglet::generate_questions) makes them.
    ///
    /// # Errors
    /// When the file is not one of questions in JSON lines.
    pub fn open(path: &Path) -> Result<Self> {
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            return Err(Error::input(format!("{} is not of `kinglet questions make`", path.display()))
                .with_hint("review takes its .jsonl files; an editor shows others better"));
        }
        let questions = questions::read(path, &|_| true)?;
        Ok(QuestionReview { path: path.to_path_buf(), questions, decided: 0, dropped: 0, edited: 0 })
    }

    /// The question to decide about; `None` when all are decided.
    pub fn current(&self) -> Option<&WrittenQuestion> {
        self.questions.get(self.decided)
    }

    /// The place of the current question, from 1, and how many there were at the beginning.
    pub fn place(&self) -> (usize, usize) {
        (self.decided + self.dropped + 1, self.questions.len() + self.dropped)
    }

    /// Decides about the current question, and writes the file.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn decide(&mut self, decision: Decision) -> Result<()> {
        match decision {
            _ if self.current().is_none() => return Ok(()),
            Decision::Keep => self.decided += 1,
            Decision::Drop => {
                self.questions.remove(self.decided);
                self.dropped += 1;
            }
            Decision::Edit(text) => {
                self.questions[self.decided].question = text;
                self.decided += 1;
                self.edited += 1;
            }
        }
        questions::write(&self.path, &self.questions)
    }

    /// How many questions the file has now, and how many were dropped and edited.
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
