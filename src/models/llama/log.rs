//! The reasons of llama.cpp, which it only logs: llama-cpp-2 passes its log on to `tracing`. Only
//! this file names that.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Runs `work` and returns its result with the first error that llama.cpp logged on this thread.
pub fn with_first_error<T>(work: impl FnOnce() -> T) -> (T, Option<String>) {
    let first = FirstError::default();
    let result = tracing::subscriber::with_default(first.clone(), work);
    let message = first.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    (result, message)
}

#[derive(Clone, Default)]
struct FirstError(Arc<Mutex<Option<String>>>);

impl Subscriber for FirstError {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR
    }

    fn event(&self, event: &Event<'_>) {
        if *event.metadata().level() == Level::ERROR {
            event.record(&mut &*self);
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

impl Visit for &FirstError {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert_with(|| value.trim().to_string());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
