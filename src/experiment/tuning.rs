//! The weights of an index's own pipeline, found on half of the questions and held against the
//! other half.

use super::TestCollection;
use super::beir_index::with_own_embedder;
use super::coordinate_ascent::{Knob, find_weights};
use crate::engine::Kinglet;
use crate::error::{Error, Hint, Result};
use crate::eval::judgments::Question;
use crate::eval::significance::{Difference, difference};
use crate::eval::{Run, metrics_by_question};
use crate::index::IndexWriter;
use crate::index::fusion_weights::FusionWeights;
use crate::search::Pipeline;

/// Fewer questions tell nothing.
const FEWEST_QUESTIONS: usize = 20;
/// Chunks that are found for a question, which give at least ten documents.
const DEPTH: usize = 100;

/// What tuning found.
#[derive(Debug, Clone, PartialEq)]
pub struct TuningResult {
    /// The embedder whose weights these are.
    pub embedder: String,
    /// The best weights on the training half.
    pub weights: FusionWeights,
    /// Questions that the weights were found on.
    pub training_questions: usize,
    /// Questions that they were held against afterwards.
    pub held_out_questions: usize,
    /// nDCG@10 on the training half: with the default weights, with the tuned ones.
    pub training_ndcg_at_10: [f64; 2],
    /// The same on the held-out half.
    pub held_out_ndcg_at_10: [f64; 2],
    /// Tuned − default on the held-out half.
    pub difference: Difference,
    /// Whether the index now has these weights: they are better on the held-out half too. Otherwise
    /// it has the default ones.
    pub is_kept: bool,
}

impl Kinglet {
    /// Tunes the weights of hybrid mode on one half of the collection's questions, told apart by
    /// the hash of their ids, and keeps them with the index if they are better on the other half
    /// too. `tried` is told after each setting how many were tried.
    ///
    /// # Errors
    /// When a single leg is configured, there are too few questions, or as [`Kinglet::search`].
    pub fn tune_weights(&self, collection: &TestCollection, tried: &dyn Fn(usize)) -> Result<TuningResult> {
        let this = with_own_embedder(self);
        if !this.config().is_hybrid() {
            return Err(
                Error::input("a single leg has no weights to tune").with_hint("leave out --mode, or say --mode hybrid")
            );
        }
        if collection.questions.len() < FEWEST_QUESTIONS {
            let found = collection.questions.len();
            return Err(Error::input(format!("{found} questions are too few to tune on"))
                .with_hint(format!("give at least {FEWEST_QUESTIONS}; `kinglet questions make` makes some")));
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
        let (weights, _) = find_weights(&knobs(&pipeline), &mut |candidate| {
            count += 1;
            tried(count);
            Ok(mean(&ndcg(&training, candidate)?))
        })?;
        let [before, after] = [FusionWeights::default(), weights];
        let (tuned, default) = (ndcg(&held_out, &after)?, ndcg(&held_out, &before)?);
        let difference = difference(&tuned, &default);
        let embedder = this.config().embedder.to_string();
        let is_kept = difference.mean > 0.0;
        keep(collection, &embedder, is_kept.then_some(weights))?;
        Ok(TuningResult {
            embedder,
            weights,
            training_questions: training.len(),
            held_out_questions: held_out.len(),
            training_ndcg_at_10: [mean(&ndcg(&training, &before)?), mean(&ndcg(&training, &after)?)],
            held_out_ndcg_at_10: [mean(&default), mean(&tuned)],
            difference,
            is_kept,
        })
    }
}

fn knobs(pipeline: &Pipeline) -> Vec<Knob> {
    let (reranks, regularizes) = (pipeline.reranks(), pipeline.regularizes());
    let all = [
        (Knob::Dense, pipeline.has("dense")),
        (Knob::Sparse, pipeline.has("sparse")),
        (Knob::Reranker, reranks),
        (Knob::ScoreRegularization, regularizes),
        (Knob::Depth, reranks || regularizes),
    ];
    all.into_iter().filter(|(_, there)| *there).map(|(knob, _)| knob).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Writes the weights into the index's manifest, or takes it out.
fn keep(collection: &TestCollection, embedder: &str, weights: Option<FusionWeights>) -> Result<()> {
    let mut writer = IndexWriter::open(collection.index.folder())?;
    let Some(mut manifest) = writer.manifest().cloned() else {
        return Err(Error::damaged("the index has lost its manifest")
            .with_hint(Hint::UpdateIndex { index: Some(collection.index.name().to_string()), effect: None }));
    };
    manifest.fusion_weights.remove(embedder);
    manifest.fusion_weights.extend(weights.map(|weights| (embedder.to_string(), weights)));
    if writer.manifest() != Some(&manifest) { writer.finish(manifest) } else { Ok(()) }
}
