//! Several sessions of one model, so that several threads can run it at once: a session serves one
//! caller at a time.

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};

use super::catalog::{ModelFile, ModelSpec};
use super::store::ModelStore;
use crate::error::{Error, Result};

/// The most sessions of one model. There are as many as the machine has cores, but at least two, so
/// that a question does not wait while another thread embeds passages.
const MAX_SESSIONS: usize = 4;
/// The most bytes of a model's files in all its sessions together. Each session holds the weights,
/// so the sessions of a large model would fill the memory; its callers wait instead.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// The sessions of one model. The first is opened at once, another one whenever all are busy, up to
/// a limit; then callers wait.
pub(super) struct SessionPool<S> {
    state: Mutex<State<S>>,
    returned: Condvar,
    open: Box<dyn Fn() -> Result<S> + Send + Sync>,
    most: usize,
}

struct State<S> {
    idle: Vec<S>,
    opened: usize,
}

impl<S> SessionPool<S> {
    /// Opens the first session of `spec` with `open`, which also opens the later ones.
    ///
    /// # Errors
    /// When the files are not here or `open` fails.
    pub(super) fn open(
        store: &ModelStore,
        spec: &ModelSpec,
        open: impl Fn(&ModelStore, &ModelSpec) -> Result<S> + Send + Sync + 'static,
    ) -> Result<Self> {
        let first = open(store, spec)?;
        let hashes = store.hashes(spec)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let fitting = usize::try_from(MAX_FILE_BYTES / file_bytes(&store.folder(spec), spec).max(1)).unwrap_or(1);
        let most = cores.clamp(2, MAX_SESSIONS).min(fitting).max(1);
        let (store, spec) = (store.clone(), spec.clone());
        let another = move || {
            // Sessions with different weights would answer differently.
            if store.hashes(&spec)? != hashes {
                return Err(Error::damaged(format!("the files of {} were replaced while it was in use", spec.id))
                    .with_hint("start the program again"));
            }
            open(&store, &spec)
        };
        Ok(Self::new(first, another, most))
    }

    fn new(first: S, open: impl Fn() -> Result<S> + Send + Sync + 'static, most: usize) -> Self {
        let state = State { idle: vec![first], opened: 1 };
        SessionPool { state: Mutex::new(state), returned: Condvar::new(), open: Box::new(open), most }
    }

    /// Waits for a session, which is the caller's alone until it is dropped.
    ///
    /// # Errors
    /// When another session has to be opened and that fails.
    pub(super) fn take(&self) -> Result<Taken<'_, S>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(session) = state.idle.pop() {
                return Ok(Taken { pool: self, session: Some(session) });
            }
            if state.opened < self.most {
                state.opened += 1;
                drop(state); // opening takes long
                let mut taken = Taken { pool: self, session: None };
                taken.session = Some((self.open)()?);
                return Ok(taken);
            }
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn file_bytes(folder: &Path, spec: &ModelSpec) -> u64 {
    let size = |file: &ModelFile| std::fs::metadata(folder.join(&file.name)).map_or(0, |metadata| metadata.len());
    spec.files.iter().map(size).sum()
}

/// A session that returns to its pool when it is dropped. Without a session, because opening
/// failed, it gives its place back.
pub(super) struct Taken<'p, S> {
    pool: &'p SessionPool<S>,
    session: Option<S>,
}

impl<S> Deref for Taken<'_, S> {
    type Target = S;

    fn deref(&self) -> &S {
        self.session.as_ref().expect("`take` gives it one")
    }
}

impl<S> DerefMut for Taken<'_, S> {
    fn deref_mut(&mut self) -> &mut S {
        self.session.as_mut().expect("`take` gives it one")
    }
}

impl<S> Drop for Taken<'_, S> {
    fn drop(&mut self) {
        let mut state = self.pool.state.lock().unwrap_or_else(PoisonError::into_inner);
        match self.session.take() {
            Some(session) => state.idle.push(session),
            None => state.opened -= 1,
        }
        self.pool.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Opening the second session fails once, then works.
    #[test]
    fn callers_share_the_sessions_up_to_the_limit_and_a_failed_opening_takes_no_place() {
        let opened = AtomicUsize::new(1);
        let open = move || match opened.fetch_add(1, Ordering::SeqCst) {
            1 => Err(Error::model("no memory")),
            number => Ok(number),
        };
        let pool = SessionPool::new(0, open, 2);
        let first = pool.take().unwrap();
        assert!(pool.take().is_err());
        let second = pool.take().unwrap();
        assert_eq!((*first, *second), (0, 2));
        drop((first, second));

        let (busy, served, start) = (AtomicUsize::new(0), AtomicUsize::new(0), Barrier::new(4));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    for _ in 0..200 {
                        let session = pool.take().unwrap();
                        assert!(busy.fetch_add(1, Ordering::SeqCst) < 2, "more are busy than may be open");
                        assert!([0, 2].contains(&*session));
                        std::thread::yield_now();
                        busy.fetch_sub(1, Ordering::SeqCst);
                        served.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(served.load(Ordering::SeqCst), 800);
        assert_eq!(pool.state.lock().unwrap().idle.len(), 2);
    }
}
