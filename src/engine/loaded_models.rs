//! Models in memory: each is loaded once, when it is first needed, and unloaded after a time
//! without use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::models::contracts::{Embedder, Generator, Reader, Reranker, SparseEncoder, SupportChecker};

/// All models that a [`Kinglet`](super::Kinglet) and its clones have loaded.
#[derive(Default)]
pub(crate) struct LoadedModels {
    pub embedders: Loaded<dyn Embedder>,
    pub sparse_encoders: Loaded<dyn SparseEncoder>,
    pub rerankers: Loaded<dyn Reranker>,
    pub readers: Loaded<dyn Reader>,
    pub support_checkers: Loaded<dyn SupportChecker>,
    pub generators: Loaded<dyn Generator>,
}

impl LoadedModels {
    /// Forgets the models that nobody asked for during `idle`. Their memory is free when the last
    /// search or answer that still uses them ends.
    pub fn unload_idle(&self, idle: Duration) {
        self.embedders.unload_idle(idle);
        self.sparse_encoders.unload_idle(idle);
        self.rerankers.unload_idle(idle);
        self.readers.unload_idle(idle);
        self.support_checkers.unload_idle(idle);
        self.generators.unload_idle(idle);
    }
}

/// The loaded models of one kind, by name.
pub(crate) struct Loaded<M: ?Sized>(Mutex<HashMap<String, Arc<Slot<M>>>>);

/// Its lock is held while the model is loaded, so that others who want the same model wait for it
/// and those who want another one do not.
type Slot<M> = Mutex<Option<(Arc<M>, Instant)>>;

impl<M: ?Sized> Default for Loaded<M> {
    fn default() -> Self {
        Loaded(Mutex::default())
    }
}

impl<M: ?Sized> Loaded<M> {
    /// The model called `name`, loaded by `load` unless it is here.
    ///
    /// # Errors
    /// Those of `load`. The next call tries again.
    pub fn get(&self, name: &str, load: impl FnOnce() -> Result<Arc<M>>) -> Result<Arc<M>> {
        let slot = lock(&self.0).entry(name.to_string()).or_default().clone();
        let mut slot = lock(&slot);
        let model = match slot.take() {
            Some((model, _)) => model,
            None => load()?,
        };
        *slot = Some((model.clone(), Instant::now()));
        Ok(model)
    }

    fn unload_idle(&self, idle: Duration) {
        lock(&self.0).retain(|_, slot| match slot.try_lock() {
            Ok(slot) => slot.as_ref().is_some_and(|(_, last_used)| last_used.elapsed() < idle),
            // It is being loaded.
            Err(_) => true,
        });
    }
}

/// A panic leaves nothing half done behind these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::error::Error;
    use crate::models::hashing::HashingEmbedder;

    #[test]
    fn a_model_is_loaded_once_and_again_after_it_was_unloaded() {
        let loaded: Loaded<dyn Embedder> = Loaded::default();
        let loads = Cell::new(0);
        let load = || {
            loads.set(loads.get() + 1);
            Ok(Arc::new(HashingEmbedder::new(64)) as Arc<dyn Embedder>)
        };
        assert!(loaded.get("hashing", || Err(Error::model("it is broken"))).is_err());
        let first = loaded.get("hashing", load).unwrap();
        assert!(Arc::ptr_eq(&first, &loaded.get("hashing", load).unwrap()));
        loaded.unload_idle(Duration::from_secs(3600));
        assert!(Arc::ptr_eq(&first, &loaded.get("hashing", load).unwrap()));
        assert_eq!(loads.get(), 1);
        loaded.unload_idle(Duration::ZERO);
        assert!(!Arc::ptr_eq(&first, &loaded.get("hashing", load).unwrap()));
        assert_eq!(loads.get(), 2);
    }
}
