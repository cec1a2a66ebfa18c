//! Tunes the fusion weights of an index on half of the questions and evaluates them on the other
//! half.

use super::TestCollection;
use super::beir_index::for_evaluation;
use super::coordinate_ascent::{Parameter, tune};
use crate::engine::Kinglet;
use crate::error::{Error, Hint, Result};
use crate::eval::judgments::Question;
use crate::eval::significance::{Difference, difference};
use crate::eval::{Run, metrics_by_question};
use crate::index::IndexWriter;
use crate::index::fusion_weights::FusionWeights;
use crate::search::Pipeline;

/// Fewer questions are not enough to tune on.
const MIN_QUESTIONS: usize = 20;
/// The number of chunks to retrieve for a question: enough for at least ten documents.
const DEPTH: usize = 100;

/// The result of tuning.
#[derive(Debug, Clone, PartialEq)]
pub struct TuningResult {
    /// The embedder that the weights are for.
    pub embedder: String,
    /// The best weights on the training half.
    pub weights: FusionWeights,
    /// The number of questions for training.
    pub training_questions: usize,
    /// The number of held-out questions.
    pub held_out_questions: usize,
    /// nDCG@10 on the training half: with the default weights, with the tuned ones.
    pub training_ndcg_at_10: [f64; 2],
    /// The same on the held-out half.
    pub held_out_ndcg_at_10: [f64; 2],
    /// Tuned − default on the held-out half.
    pub difference: Difference,
    /// True if the index now uses these weights, because they are better on the held-out half too.
    /// Otherwise it uses the default ones.
    pub is_kept: bool,
}

impl Kinglet {
    /// Tunes the weights of hybrid mode on one half of the collection's questions, and keeps them
    /// with the index if they are better on the other half too. The hash of its id assigns a
    /// question to a half. Calls `tried` after each candidate with the number so far.
    ///
    /// # Errors
    /// When a single retriever is configured, there are too few questions, or as
    /// [`Kinglet::search`].
    pub fn tune_weights(&self, collection: &TestCollection, tried: &dyn Fn(usize)) -> Result<TuningResult> {
        let this = for_evaluation(self, &collection.index);
        if !this.config().is_hybrid() {
            return Err(Error::input("a single retriever has no weights to tune")
                .with_hint("leave out --mode, or use --mode hybrid"));
        }
        if collection.questions.len() < MIN_QUESTIONS {
            let count = collection.questions.len();
            return Err(Error::input(format!("{count} questions are too few to tune on"))
                .with_hint(format!("give at least {MIN_QUESTIONS}; `kinglet questions make` generates some")));
        }
        let mut by_hash: Vec<&Question> = collection.questions.iter().collect();
        by_hash.sort_by_key(|question| *blake3::hash(question.id.as_bytes()).as_bytes());
        let half =
            |start| by_hash.iter().skip(start).step_by(2).map(|question| (*question).clone()).collect::<Vec<_>>();
        let (training, held_out) = (half(0), half(1));

        let pipeline = this.pipeline(&collection.index)?.cached();
        let ndcg = |questions: &[Question], weights: &FusionWeights| -> Result<Vec<f64>> {
            let run: Run = collection.run(questions, &pipeline.clone().weighted(*weights), DEPTH, &|_| {})?;
            Ok(metrics_by_question(questions, &run).iter().map(|metrics| metrics.ndcg_at_10).collect())
        };
        let mut count = 0;
        let (weights, _) = tune(&parameters(&pipeline), &mut |candidate| {
            count += 1;
            tried(count);
            Ok(mean(&ndcg(&training, candidate)?))
        })?;
        let default_weights = FusionWeights::default();
        let (tuned, default) = (ndcg(&held_out, &weights)?, ndcg(&held_out, &default_weights)?);
        let difference = difference(&tuned, &default);
        let embedder = this.config().embedder.to_string();
        let is_kept = difference.mean > 0.0;
        store(collection, &embedder, is_kept.then_some(weights))?;
        Ok(TuningResult {
            embedder,
            weights,
            training_questions: training.len(),
            held_out_questions: held_out.len(),
            training_ndcg_at_10: [mean(&ndcg(&training, &default_weights)?), mean(&ndcg(&training, &weights)?)],
            held_out_ndcg_at_10: [mean(&default), mean(&tuned)],
            difference,
            is_kept,
        })
    }
}

/// The weights that have an effect in this pipeline.
fn parameters(pipeline: &Pipeline) -> Vec<Parameter> {
    let (reranks, regularizes) = (pipeline.reranks(), pipeline.regularizes());
    let all = [
        (Parameter::Dense, pipeline.has("dense")),
        (Parameter::Sparse, pipeline.has("sparse")),
        (Parameter::Reranker, reranks),
        (Parameter::ScoreRegularization, regularizes),
        (Parameter::Depth, reranks || regularizes),
    ];
    all.into_iter().filter(|(_, has_effect)| *has_effect).map(|(parameter, _)| parameter).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Stores the weights in the index's manifest, or removes those that it has.
fn store(collection: &TestCollection, embedder: &str, weights: Option<FusionWeights>) -> Result<()> {
    let mut writer = IndexWriter::open(collection.index.folder())?;
    let Some(mut manifest) = writer.manifest().cloned() else {
        return Err(Error::damaged("the index has lost its manifest")
            .with_hint(Hint::UpdateIndex { index: Some(collection.index.name().clone()), effect: None }));
    };
    manifest.fusion_weights.remove(embedder);
    manifest.fusion_weights.extend(weights.map(|weights| (embedder.to_string(), weights)));
    if writer.manifest() != Some(&manifest) { writer.finish(manifest) } else { Ok(()) }
}
