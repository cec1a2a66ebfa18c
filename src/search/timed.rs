//! Parts of a pipeline that record how long they take.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::rerank::PassageScorer;
use super::{Hit, Query, Retriever};
use crate::error::Result;

/// The times of parts, in the order of the work. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    parts: Arc<Mutex<Vec<(String, f64)>>>,
}

impl Clock {
    /// Takes the recorded parts with the milliseconds that each of them took.
    pub fn take(&self) -> Vec<(String, f64)> {
        std::mem::take(&mut self.parts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn time<T>(&self, part: &str, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let made = work();
        let took_ms = started.elapsed().as_secs_f64() * 1000.0;
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).push((part.to_string(), took_ms));
        made
    }
}

/// A retriever whose time is recorded under its name.
pub(super) struct TimedRetriever {
    inner: Arc<dyn Retriever>,
    clock: Clock,
}

impl TimedRetriever {
    pub(super) fn new(inner: Arc<dyn Retriever>, clock: Clock) -> Self {
        TimedRetriever { inner, clock }
    }
}

impl Retriever for TimedRetriever {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn score_of_absent(&self) -> Option<f32> {
        self.inner.score_of_absent()
    }

    fn retrieve(&self, query: &Query, k: usize) -> Result<Vec<Hit>> {
        self.clock.time(self.inner.name(), || self.inner.retrieve(query, k))
    }
}

/// A scorer whose time is recorded under its name.
pub(super) struct TimedScorer {
    inner: Arc<dyn PassageScorer>,
    clock: Clock,
}

impl TimedScorer {
    pub(super) fn new(inner: Arc<dyn PassageScorer>, clock: Clock) -> Self {
        TimedScorer { inner, clock }
    }
}

impl PassageScorer for TimedScorer {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn is_ready(&self, passages: &[&str]) -> Result<bool> {
        self.inner.is_ready(passages)
    }

    fn score(&self, query: &Query, passages: &[&str]) -> Result<Vec<f32>> {
        self.clock.time(self.inner.name(), || self.inner.score(query, passages))
    }
}
