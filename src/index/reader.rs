//! An index that stays open: many threads search it at once, and each question sees the newest
//! generation.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::EXACT_LIMIT;
use super::durable_file::index_name;
use super::file_stamp::ATTEMPTS;
use super::parts::Parts;
use super::snapshot::{Generation, Index};
use super::store::StoreSnapshot;
use crate::error::{Error, Hint, Result};

/// An index, open for reading. It takes no lock, repairs nothing and waits for no writer. Cheap to
/// clone.
#[derive(Clone)]
pub struct IndexReader {
    shared: Arc<Shared>,
}

struct Shared {
    folder: PathBuf,
    exact_limit: usize,
    /// Locked while it is read or replaced, never while a part is opened or searched.
    current: Mutex<Current>,
    /// Locked by the one thread that opens the changed parts. Other threads need the same parts and
    /// wait for it.
    opening: Mutex<()>,
}

#[derive(Clone)]
struct Current {
    parts: Arc<Parts>,
    /// The counts of the store, if a question has needed them since the parts were opened.
    generation: Option<Arc<Generation>>,
}

impl IndexReader {
    /// Opens the index in `folder`.
    ///
    /// # Errors
    /// When there is no index, it cannot be searched yet, or a part is missing or damaged. The hint
    /// says what repairs it.
    pub fn open(folder: &Path) -> Result<Self> {
        Self::open_with_exact_limit(folder, EXACT_LIMIT)
    }

    /// As [`open`](Self::open), but uses graphs over the vectors of more than `exact_limit` chunks,
    /// in place of [`EXACT_LIMIT`].
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with_exact_limit(folder: &Path, exact_limit: usize) -> Result<Self> {
        let parts = Parts::open(folder, exact_limit, None).map_err(|error| error.in_index(&index_name(folder)))?;
        Ok(IndexReader {
            shared: Arc::new(Shared {
                folder: folder.to_path_buf(),
                exact_limit,
                current: Mutex::new(Current { parts: Arc::new(parts), generation: None }),
                opening: Mutex::new(()),
            }),
        })
    }

    /// The index as it is now, for one question. As long as it exists, SQLite cannot clean up after
    /// writers.
    ///
    /// # Errors
    /// As [`open`](Self::open), because this opens changed parts again.
    pub fn snapshot(&self) -> Result<Arc<Index>> {
        self.owned_snapshot().map(Arc::new)
    }

    pub(super) fn owned_snapshot(&self) -> Result<Index> {
        self.newest().map_err(|error| error.in_index(&index_name(&self.shared.folder)))
    }

    fn newest(&self) -> Result<Index> {
        for attempt in 1.. {
            let Current { parts, generation } = self.current()?;
            // The store is read after the parts were opened, so it is never older than they are.
            let store = parts.store.value.snapshot()?;
            let number = store.generation();
            // A writer may have committed between the two. A part that lags even then is served as
            // it is.
            let lags = parts.derived.generations().any(|part| part != number);
            let is_disturbed = !parts.store.is_current() || (lags && !parts.are_current());
            if is_disturbed && attempt < ATTEMPTS {
                continue;
            }
            if parts.derived.generations().any(|part| part > number) {
                return Err(self.newer_than_store());
            }
            let generation = match generation.filter(|generation| generation.number == number) {
                Some(generation) => generation,
                None => self.count(&parts, &store)?,
            };
            return Ok(Index::new(self.shared.folder.clone(), parts, store, generation));
        }
        unreachable!("the last attempt returns")
    }

    /// The parts as they are on disk now.
    fn current(&self) -> Result<Current> {
        let current = self.lock().clone();
        if current.parts.are_current() {
            return Ok(current);
        }
        let _opening = self.shared.opening.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.lock().clone();
        if before.parts.are_current() {
            return Ok(before);
        }
        let parts = Arc::new(Parts::open(&self.shared.folder, self.shared.exact_limit, Some(&before.parts))?);
        let generation = before.generation.filter(|_| have_same_store(&before.parts, &parts));
        let current = Current { parts, generation };
        *self.lock() = current.clone();
        Ok(current)
    }

    /// Counts what `store` holds, for all questions at its generation.
    fn count(&self, parts: &Parts, store: &StoreSnapshot) -> Result<Arc<Generation>> {
        let counted = Arc::new(Generation::of(store)?);
        let mut current = self.lock();
        if have_same_store(&current.parts, parts) {
            current.generation = Some(counted.clone());
        }
        Ok(counted)
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        // Nothing can panic while the lock is held.
        self.shared.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn newer_than_store(&self) -> Error {
        let folder = &self.shared.folder;
        Error::damaged(format!("the parts of the index in {} are newer than its documents", folder.display()))
            .with_hint(Hint::derive_again())
    }
}

fn have_same_store(one: &Parts, other: &Parts) -> bool {
    Arc::ptr_eq(&one.store.value, &other.store.value)
}
