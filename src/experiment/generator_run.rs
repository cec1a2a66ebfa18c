//! Runs a generator on questions. The sources that its answer cites are its ranking, so generators
//! can be compared like retrievers.

use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::Handle;

use super::answer_evaluation::has_words_of;
use crate::answer::{AnswerLimits, AnswerReader, AnswerWriter, FoundPassages, Passage, answer, collect_answer};
use crate::engine::{Kinglet, runtime};
use crate::error::Result;
use crate::eval::comparison::SystemAnswer;
use crate::index::Index;
use crate::index::store::{ChunkId, StoredChunk};
use crate::models::contracts::SupportChecker;
use crate::search::{Hit, Query, SentenceScorer};

/// A generator that answers questions from their passages.
pub(super) struct GeneratorRun {
    index: Arc<Index>,
    generator: AnswerWriter,
    sentences: SentenceScorer,
    runtime: Handle,
    reader: Option<AnswerReader>,
    checker: Option<Arc<dyn SupportChecker>>,
    limits: AnswerLimits,
}

/// An answer with the ranking of its sources.
pub(super) struct CitedAnswer {
    /// The chunks that it cites, in the order of their numbers.
    pub ranking: Vec<(ChunkId, f32)>,
    /// The answer.
    pub answer: SystemAnswer,
    /// The time that it took, in milliseconds.
    pub took_ms: f64,
}

impl GeneratorRun {
    /// Opens the configured generator.
    pub fn new(kinglet: &Kinglet, index: Arc<Index>) -> Result<Self> {
        let sentences = kinglet.sentence_scorer(&index)?;
        let (generator, limits) = (kinglet.open_answer_writer()?, kinglet.config().answer_limits());
        let (reader, checker) = (kinglet.answer_reader(index.manifest())?, kinglet.answer_checker(index.manifest())?);
        Ok(GeneratorRun { index, generator, sentences, runtime: runtime()?, reader, checker, limits })
    }

    /// Answers `question`, whose known answers have the words of `references`, from the chunks of
    /// `hits`.
    pub fn answer(&self, question: &str, hits: &[Hit], references: &[String]) -> Result<CitedAnswer> {
        let ids: Vec<ChunkId> = hits.iter().map(|hit| hit.chunk).collect();
        let stored = self.index.chunks(&ids)?;
        let found: Vec<_> = stored.iter().zip(hits).map(|(stored, hit)| (&stored.chunk, hit.score)).collect();
        let sentences = self.sentences.score(&Query::new(question), &found)?;
        // No generator sees a path, so each passage has its place among the hits there, and a cited
        // source returns it.
        let passages = stored.into_iter().zip(sentences).enumerate();
        let passages: Vec<Passage> = passages
            .map(|(at, (StoredChunk { chunk, .. }, sentences))| Passage {
                path: at.to_string(),
                chunk,
                truncated: None,
                gone: false,
                sentences,
            })
            .collect();
        let started = Instant::now();
        let found = FoundPassages { passages, ..FoundPassages::default() };
        let mut found = found.readable(self.limits);
        if let Some(reader) = &self.reader {
            found.readings.extend(reader.read(question, 0, &mut found.passages)?);
        }
        let events = answer(self.generator.clone(), self.checker.clone(), question, found, self.limits);
        let answer = self.runtime.block_on(collect_answer(events))?;
        let took_ms = started.elapsed().as_secs_f64() * 1000.0;
        let place = |path: &str| path.parse::<usize>().expect("each path is a place");
        let sources = answer.sources.iter();
        let ranking = sources.map(|source| (ids[place(&source.path)], 1.0 / source.n as f32)).collect();
        let is_supported = !answer.refused && answer.unsupported.is_empty();
        let has_reference = (!references.is_empty()).then(|| has_words_of(&answer, references));
        let answer = SystemAnswer { text: answer.answer, refused: answer.refused, is_supported, has_reference };
        Ok(CitedAnswer { ranking, answer, took_ms })
    }
}
