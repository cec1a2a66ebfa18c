//! What writes an answer: one generator, or a cascade of two.

use std::sync::Arc;

use super::cascade::answer_in_cascade;
use super::retry::answer_or_retry;
use super::{AnswerEvents, AnswerLimits, FoundPassages};
use crate::error::Result;
use crate::models::contracts::{Generator, SupportChecker};

/// What writes an answer.
#[derive(Clone)]
pub enum AnswerWriter {
    /// One generator.
    One(Arc<dyn Generator>),
    /// A small generator, and a large one that is asked if the answer of the small one is doubtful.
    Cascade {
        /// The generator that is asked first.
        small: Arc<dyn Generator>,
        /// Opens the large one.
        open_large: Arc<dyn Fn() -> Result<Arc<dyn Generator>> + Send + Sync>,
    },
}

/// Answers `question` from the passages that were found for it. The generator reads their best
/// sentences, as far as the limits and its context allow. `checker` holds each sentence against the
/// passages; without one words in common do. The stream needs whatever runtime the
/// generator needs and creates none.
///
/// The stream yields an error when the question leaves no room for a passage, or when the generator
/// fails or writes nothing.
pub fn answer(
    writer: AnswerWriter,
    checker: Option<Arc<dyn SupportChecker>>,
    question: &str,
    found: FoundPassages,
    limits: AnswerLimits,
) -> AnswerEvents {
    match writer {
        AnswerWriter::One(generator) => answer_or_retry(generator, checker, question, found, limits),
        AnswerWriter::Cascade { small, open_large } => {
            answer_in_cascade(small, open_large, checker, question, found, limits)
        }
    }
}
