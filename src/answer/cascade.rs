//! A small generator answers; a large one is asked only if that answer is doubtful.

use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};

use super::events::is_unanswered;
use super::retry::answer_or_retry;
use super::{Answer, AnswerEvent, AnswerEvents, AnswerLimits, FoundPassages, elapsed_ms};
use crate::error::{Error, Result};
use crate::models::contracts::{Generator, SupportChecker};

/// An answer with no more confidence is doubtful.
const DOUBTFUL: f32 = 0.5;

/// What a cascade did.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CascadeReport {
    /// The generator that was asked first.
    pub small: String,
    /// The confidence in its answer, 0 to 1.
    pub confidence: f32,
    /// Why the large generator was asked; `None` if it was not.
    pub doubt: Option<String>,
    /// The milliseconds that the first answer took.
    pub small_ms: u64,
}

/// The events of the small generator's answer, once it is complete and not doubtful, else those of
/// the large generator's.
pub(super) fn answer_in_cascade(
    small: Arc<dyn Generator>,
    open_large: Arc<dyn Fn() -> Result<Arc<dyn Generator>> + Send + Sync>,
    checker: Option<Arc<dyn SupportChecker>>,
    question: &str,
    found: FoundPassages,
    limits: AnswerLimits,
) -> AnswerEvents {
    let question = question.to_string();
    let events = async move {
        let started = std::time::Instant::now();
        let name = small.name().to_string();
        let mut events: Vec<AnswerEvent> =
            answer_or_retry(small, checker.clone(), &question, found.clone(), limits).try_collect().await?;
        let Some(AnswerEvent::Finished(answer)) = events.last_mut() else {
            return Err(Error::model(format!("{name} stopped before its answer was complete")));
        };
        // A large generator is not asked either if a reader finds no answer in the passages.
        let doubt = doubt(answer).filter(|_| !is_unanswered(&found.readings));
        let report = CascadeReport { small: name, confidence: answer.confidence, doubt, small_ms: elapsed_ms(started) };
        answer.cascade = Some(report.clone());
        if report.doubt.is_none() || found.passages.is_empty() {
            return Ok(stream::iter(events.into_iter().map(Ok)).boxed());
        }
        let large = tokio::task::spawn_blocking(move || open_large());
        let large =
            large.await.map_err(|cause| Error::model("loading the generator broke off").with_cause(cause))??;
        let with_report = move |event: Result<AnswerEvent>| match event? {
            AnswerEvent::Finished(mut answer) => {
                answer.cascade = Some(report.clone());
                Ok(AnswerEvent::Finished(answer))
            }
            event => Ok(event),
        };
        Ok(answer_or_retry(large, checker, &question, found, limits).map(with_report).boxed())
    };
    stream::once(events).flat_map(|events| events.unwrap_or_else(|error| stream::iter([Err(error)]).boxed())).boxed()
}

/// Why the answer is doubtful.
fn doubt(answer: &Answer) -> Option<String> {
    if answer.refused {
        return Some("it found no answer".to_string());
    }
    match answer.unsupported.len() {
        0 if answer.confidence <= DOUBTFUL => {
            Some(format!("its confidence is {:.2}, not above {DOUBTFUL:.2}", answer.confidence))
        }
        0 => None,
        1 => Some("no passage supports a sentence of it".to_string()),
        count => Some(format!("no passage supports {count} sentences of it")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{LIMITS, QUESTION, Scripted, lease};
    use super::super::{AnswerWriter, answer, collect_answer};
    use super::*;

    /// The answer of a cascade; `None` as the large generator fails when it is opened.
    async fn ask(small: &'static str, large: Option<&'static str>) -> Result<Answer> {
        let open_large = Arc::new(move || match large {
            Some(text) => Ok(Arc::new(Scripted(text)) as Arc<dyn Generator>),
            None => Err(Error::model("it was opened")),
        });
        let writer = AnswerWriter::Cascade { small: Arc::new(Scripted(small)), open_large };
        let found = FoundPassages { passages: lease().to_vec(), ..FoundPassages::default() };
        collect_answer(answer(writer, None, QUESTION, found, LIMITS)).await
    }

    #[tokio::test]
    async fn the_large_generator_is_asked_only_if_the_small_answer_is_doubtful() {
        let sure = ask("The rent is 900 euros.", None).await.unwrap();
        assert_eq!(sure.cascade.unwrap().doubt, None, "the large one is not even opened");
        for doubtful in ["The landlord lives in Peru.", "The passages do not say.", "It ends on 31 May 2027."] {
            let answer = ask(doubtful, Some("The rent is 900 euros.")).await.unwrap();
            assert_eq!(answer.answer, "The rent is 900 euros. [1]");
            assert!(answer.cascade.unwrap().doubt.is_some());
        }
        assert!(ask("The passages do not say.", None).await.is_err(), "no answer is taken instead");
    }
}
