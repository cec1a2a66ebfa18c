//! Measures how well the confidence of a search tells questions that its documents answer from
//! questions about something else: what `make bench-quality` prints.

use serde::Serialize;

use super::{TestCollection, beir_index};
use crate::engine::Kinglet;
use crate::error::{Error, Result};
use crate::search::Query;

/// The first hits in which a passage must fit.
const FIRST: usize = 5;

/// How well the confidence of a search tells questions apart.
#[derive(Debug, Clone, Serialize)]
pub struct ConfidenceMeasurement {
    /// The questions of the collection with a judged passage among the first five hits, and those
    /// about something else.
    pub questions: [usize; 2],
    /// How often one of the first kind has a higher confidence than one of the second.
    pub area: f32,
    /// The share of each kind of which kinglet says that nothing matches closely.
    pub not_close: [f32; 2],
}

impl Kinglet {
    /// Asks the questions of a collection, and `foreign` ones that it does not answer.
    ///
    /// # Errors
    /// When such a search has no confidence, one of the kinds has no question, or as
    /// [`OpenIndex::search`](crate::OpenIndex::search).
    pub fn measure_confidence(&self, collection: &TestCollection, foreign: &[String]) -> Result<ConfidenceMeasurement> {
        let this =
            beir_index::for_evaluation(self, &collection.index).with_index_defaults(collection.index.manifest())?;
        let pipeline = this.pipeline(&collection.index)?;
        let mut confidences = [Vec::new(), Vec::new()];
        let mut not_close = [0, 0];
        let own = collection.questions.iter().map(|question| (question.text.as_str(), Some(question)));
        for (text, question) in own.chain(foreign.iter().map(|text| (text.as_str(), None))) {
            let response = pipeline.search(&Query::new(text), FIRST, false)?;
            let Some(confidence) = response.confidence else { continue };
            if let Some(question) = question {
                let hits = response.results.iter().map(|result| (result.hit.chunk, result.hit.score));
                let found = collection.names.ranking(question.granularity, hits, usize::MAX)?;
                let fits = |name: &String| question.judgments.get(name).is_some_and(|grade| *grade > 0);
                if !found.iter().any(|(name, _)| fits(name)) {
                    continue;
                }
            }
            let kind = usize::from(question.is_none());
            not_close[kind] += usize::from(!response.matches_closely());
            confidences[kind].push(confidence);
        }
        let questions = confidences.each_ref().map(Vec::len);
        if questions.contains(&0) {
            return Err(Error::input("there is nothing to compare: no question of one kind has a confidence"));
        }
        let [fitting, others] = &confidences;
        let below = |one: &f32| {
            others
                .iter()
                .map(|other| if other < one { 1.0 } else { f32::from(u8::from(other == one)) / 2.0 })
                .sum::<f32>()
        };
        Ok(ConfidenceMeasurement {
            questions,
            area: fitting.iter().map(below).sum::<f32>() / (questions[0] * questions[1]) as f32,
            not_close: [0, 1].map(|kind| not_close[kind] as f32 / questions[kind] as f32),
        })
    }
}
