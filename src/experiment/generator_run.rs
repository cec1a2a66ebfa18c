//! A system that answers: the sources that its answer cites are its ranking, so that generators are compared like everything else.

use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::{Builder, Runtime};

use crate::answer::{Passage, answer, collect_answer};
use crate::engine::Kinglet;
use crate::error::{Error, ErrorKind, Result};
use crate::eval::comparison::Answered;
use crate::index::Index;
use crate::index::store::{ChunkId, StoredChunk};
use crate::models::contracts::Generator;
use crate::search::Hit;

/// Puts questions with their passages to a generator.
pub struct Answering {
    index: Arc<Index>,
    generator: Arc<dyn Generator>,
    runtime: Runtime,
    answer_tokens: usize,
}

/// An answer, and what it rests on.
pub struct Cited {
    /// The chunks that it cites, in the order of their numbers.
    pub ranking: Vec<(ChunkId, f32)>,
    /// The answer.
    pub answered: Answered,
    /// Milliseconds that it took.
    pub took_ms: f64,
}

impl Answering {
    /// Opens the configured generator.
    pub fn new(kinglet: &Kinglet, index: Arc<Index>) -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime =
            runtime.map_err(|cause| Error::new(ErrorKind::Machine, format!("no thread could be started: {cause}")))?;
        let answer_tokens = kinglet.config().answer_tokens;
        Ok(Answering { index, generator: kinglet.open_generator()?, runtime, answer_tokens })
    }

    /// Answers `question` from what was found for it.
    pub fn answer(&self, question: &str, hits: &[Hit]) -> Result<Cited> {
        let ids: Vec<ChunkId> = hits.iter().map(|hit| hit.chunk).collect();
        let stored = self.index.chunks(&ids)?;
        // No generator sees a path, so the place among the hits stands there and comes back with what is cited.
        let passages = stored.into_iter().enumerate();
        let passage =
            |(at, stored): (usize, StoredChunk)| Passage { path: at.to_string(), chunk: stored.chunk, truncated: None };
        let passages: Vec<Passage> = passages.map(passage).collect();
        let started = Instant::now();
        let events = answer(self.generator.clone(), question, passages, self.answer_tokens);
        let answer = self.runtime.block_on(collect_answer(events))?;
        let took_ms = started.elapsed().as_secs_f64() * 1000.0;
        let place = |path: &str| path.parse::<usize>().expect("a place was put there");
        let sources = answer.sources.iter();
        let ranking = sources.map(|source| (ids[place(&source.path)], 1.0 / source.n as f32)).collect();
        let answered = Answered {
            text: answer.answer,
            refused: answer.refused,
            is_supported: !answer.refused && answer.unsupported.is_empty(),
        };
        Ok(Cited { ranking, answered, took_ms })
    }
}
