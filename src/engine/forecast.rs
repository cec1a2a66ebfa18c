//! What embedding will take, timed on the first batches of a run.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Kinglet;
use crate::error::Result;
use crate::index::Index;
use crate::ingest::{Event, FasterEmbedder, Progress};
use crate::models::contracts::{Embedder, Role};
use crate::models::reference::{EmbedderRef, ModelId};

/// What takes less is over before anybody has decided about it.
const LONG: Duration = Duration::from_secs(120);

/// Less says too little about the rest; a batch takes about as long.
const LEAST_TIMED: Duration = Duration::from_secs(5);

/// The embedder that is offered: it finds a little less than the default one.
const FASTER: &str = "wordllama-256";

/// How many chunks the faster embedder is timed on: two batches of a run.
const TIMED_CHUNKS: usize = 128;

/// Passes the events of a run on, and adds [`Event::LongEmbedding`].
pub(super) struct Forecasting<'f> {
    inner: &'f dyn Progress,
    kinglet: &'f Kinglet,
    folder: &'f Path,
    embedders: &'f [Arc<dyn Embedder>],
    /// The model that embeds, and when it began; `None` once its time has been forecast.
    begun: RefCell<Option<(String, Instant)>>,
}

impl<'f> Forecasting<'f> {
    /// Forecasts what `embedders` take in a run over the index in `folder`.
    pub(super) fn new(
        inner: &'f dyn Progress,
        kinglet: &'f Kinglet,
        folder: &'f Path,
        embedders: &'f [Arc<dyn Embedder>],
    ) -> Self {
        Forecasting { inner, kinglet, folder, embedders, begun: RefCell::new(None) }
    }

    fn embedded(&self, model: &str, done: usize, total: usize) {
        if done == 0 {
            *self.begun.borrow_mut() = Some((model.to_string(), Instant::now()));
            return;
        }
        let timed = |(begun, at): &(String, Instant)| (begun == model).then(|| at.elapsed());
        let elapsed = self.begun.borrow().as_ref().and_then(timed);
        let Some(elapsed) = elapsed.filter(|elapsed| *elapsed >= LEAST_TIMED) else { return };
        *self.begun.borrow_mut() = None;
        let time = elapsed.mul_f64(total as f64 / done as f64);
        if time >= LONG {
            self.inner.event(&Event::LongEmbedding { model, chunks: total, time, faster: self.faster(model, total) });
        }
    }

    /// The faster embedder, if `model` is an embedder and the index gets no fast one.
    fn faster(&self, model: &str, chunks: usize) -> Option<FasterEmbedder> {
        // Embedders without token vectors are tables and hashes.
        let is_slow = |embedder: &Arc<dyn Embedder>| embedder.token_embedder().is_some();
        let is_embedder = self.embedders.iter().any(|embedder| embedder.card().id == model);
        let is_offered = is_embedder && self.embedders.iter().all(is_slow) && self.kinglet.embedder.is_none();
        // A failure leaves the time unknown: nothing else depends on it.
        let time = || self.time_faster().ok().flatten().map(|one| one.mul_f64(chunks as f64));
        is_offered.then(|| FasterEmbedder { id: FASTER.to_string(), time: time() })
    }

    /// How long the faster embedder takes for a chunk, timed on some of the index; `None` if its
    /// files are not here.
    fn time_faster(&self) -> Result<Option<Duration>> {
        let id = ModelId::from(FASTER);
        if !self.kinglet.is_here(&*self.kinglet.embedder_spec(&id)?) {
            return Ok(None);
        }
        let embedder = self.kinglet.open_embedder(&EmbedderRef::Catalog(id))?;
        let index = Index::open(self.folder)?;
        let ids = index.searchable_ids()?;
        let step = ids.len().div_ceil(TIMED_CHUNKS).max(1);
        let chunks = index.chunks(&ids.into_iter().step_by(step).collect::<Vec<_>>())?;
        let passages: Vec<String> = chunks.iter().map(|stored| stored.chunk.passage()).collect();
        let texts: Vec<&str> = passages.iter().map(String::as_str).collect();
        let started = Instant::now();
        let embedded = embedder.embed(Role::Passage, &texts)?.len();
        Ok(started.elapsed().checked_div(embedded as u32))
    }
}

impl Progress for Forecasting<'_> {
    fn event(&self, event: &Event<'_>) {
        self.inner.event(event);
        if let Event::Embedded { model, done, total } = event {
            self.embedded(model, *done, *total);
        }
    }

    fn is_cancelled(&self) -> bool {
        self.inner.is_cancelled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::models::contracts::{EmbeddedText, EmbedderCard, TokenEmbedder};
    use crate::models::hashing::HashingEmbedder;
    use crate::text::Span;
    use crate::vector::Vector;

    struct Slow(HashingEmbedder);

    impl Embedder for Slow {
        fn card(&self) -> &EmbedderCard {
            self.0.card()
        }

        fn embed(&self, role: Role, texts: &[&str]) -> Result<Vec<Vector>> {
            self.0.embed(role, texts)
        }

        fn token_embedder(&self) -> Option<&dyn TokenEmbedder> {
            Some(self)
        }
    }

    impl TokenEmbedder for Slow {
        fn embed_tokens(&self, _: Role, _: &[&str]) -> Result<Vec<EmbeddedText>> {
            Ok(Vec::new())
        }

        fn token_spans(&self, _: Role, _: &str) -> Result<Vec<Option<Span>>> {
            Ok(Vec::new())
        }
    }

    #[derive(Default)]
    struct Said(RefCell<Vec<(String, u64, Option<FasterEmbedder>)>>);

    impl Progress for Said {
        fn event(&self, event: &Event<'_>) {
            if let Event::LongEmbedding { model, time, faster, .. } = event {
                self.0.borrow_mut().push((model.to_string(), time.as_secs(), faster.clone()));
            }
        }

        fn is_cancelled(&self) -> bool {
            false
        }
    }

    /// What is said of `total` chunks, of which 50 took 10 seconds.
    fn said(embedders: &[Arc<dyn Embedder>], total: usize) -> Vec<(String, u64, Option<FasterEmbedder>)> {
        let home = tempfile::tempdir().unwrap();
        let kinglet = Kinglet::new(home.path(), Config::default());
        let said = Said::default();
        let forecasting = Forecasting::new(&said, &kinglet, home.path(), embedders);
        let model = embedders[0].card().id.as_str();
        forecasting.event(&Event::Embedded { model, done: 0, total });
        forecasting.event(&Event::Embedded { model, done: 10, total });
        if let Some((_, begun)) = forecasting.begun.borrow_mut().as_mut() {
            *begun -= Duration::from_secs(10);
        }
        for done in [50, 60] {
            forecasting.event(&Event::Embedded { model, done, total });
        }
        said.0.take()
    }

    #[test]
    fn long_embedding_is_said_once_and_a_faster_embedder_is_offered_where_there_is_none() {
        let slow: Arc<dyn Embedder> = Arc::new(Slow(HashingEmbedder::new(64)));
        let fast: Arc<dyn Embedder> = Arc::new(HashingEmbedder::new(256));
        let offered = FasterEmbedder { id: FASTER.to_string(), time: None };
        assert_eq!(said(std::slice::from_ref(&slow), 1000), [("hashing-64".to_string(), 200, Some(offered))]);
        assert_eq!(said(&[slow.clone(), fast], 1000), [("hashing-64".to_string(), 200, None)]);
        assert_eq!(said(&[slow], 500), [], "100 seconds are not long");
    }
}
