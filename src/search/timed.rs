//! Parts of a pipeline that note how long they take.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::{Hit, Query, Retriever};
use crate::error::Result;
use crate::models::contracts::Reranker;

/// Times of parts, in the order of the work. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    parts: Arc<Mutex<Vec<(String, f64)>>>,
}

impl Clock {
    /// The parts and the milliseconds that each took since this was last asked.
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

/// A retriever whose time is noted under its name.
pub struct TimedRetriever {
    inner: Arc<dyn Retriever>,
    clock: Clock,
}

impl TimedRetriever {
    /// Notes the time of `inner` on `clock`.
    pub fn new(inner: Arc<dyn Retriever>, clock: Clock) -> Self {
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

/// A reranker whose time is noted under its name.
pub struct TimedReranker {
    inner: Arc<dyn Reranker>,
    clock: Clock,
}

impl TimedReranker {
    /// Notes the time of `inner` on `clock`.
    pub fn new(inner: Arc<dyn Reranker>, clock: Clock) -> Self {
        TimedReranker { inner, clock }
    }
}

impl Reranker for TimedReranker {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn score(&self, query: &str, passages: &[&str]) -> Result<Vec<f32>> {
        self.clock.time(self.inner.name(), || self.inner.score(query, passages))
    }
}
