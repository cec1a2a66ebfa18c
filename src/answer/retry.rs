//! An answer with unsupported sentences is written again from less.

use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};

use super::events::answer_by;
use super::{AnswerEvent, AnswerEvents, AnswerLimits, FoundPassages, Unsupported};
use crate::models::contracts::{Generator, SupportChecker};

/// The second time the generator reads the best sentence alone, which is read whatever its length.
const SECOND_BUDGET_TOKENS: usize = 1;

/// The events of an answer. With [`Unsupported::Retry`] they come when the answer is complete: if a
/// sentence of it is unsupported, it is written again from the best sentence, and what is then
/// unsupported is left out.
pub(super) fn answer_or_retry(
    generator: Arc<dyn Generator>,
    checker: Option<Arc<dyn SupportChecker>>,
    question: &str,
    found: FoundPassages,
    limits: AnswerLimits,
) -> AnswerEvents {
    if limits.unsupported != Unsupported::Retry {
        return answer_by(generator, checker, question, found, limits);
    }
    let question = question.to_string();
    let events = async move {
        let first = AnswerLimits { unsupported: Unsupported::Mark, ..limits };
        let events = answer_by(generator.clone(), checker.clone(), &question, found.clone(), first);
        let events: Vec<AnswerEvent> = events.try_collect().await?;
        let is_supported =
            matches!(events.last(), Some(AnswerEvent::Finished(answer)) if answer.unsupported.is_empty());
        if is_supported {
            return Ok(stream::iter(events.into_iter().map(Ok)).boxed());
        }
        let second = AnswerLimits { unsupported: Unsupported::Drop, budget_tokens: SECOND_BUDGET_TOKENS, ..limits };
        Ok(answer_by(generator, checker, &question, found, second))
    };
    stream::once(events).flat_map(|events| events.unwrap_or_else(|error| stream::iter([Err(error)]).boxed())).boxed()
}
