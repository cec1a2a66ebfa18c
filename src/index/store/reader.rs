//! The store, read by many threads at once: each question has its own connection, and no
//! transaction outlives the question.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Result;
use crate::index::store::{Documents, Pool};

/// The store, open for reading.
pub(in crate::index) struct StoreReader {
    path: PathBuf,
    idle: Pool<Documents>,
}

impl StoreReader {
    /// Opens the store at `path`.
    ///
    /// # Errors
    /// When it is missing or damaged.
    pub(in crate::index) fn open(path: &Path) -> Result<Self> {
        Ok(StoreReader { path: path.to_path_buf(), idle: Pool::new(Documents::open_for_reading(path)?) })
    }

    /// The store as it is now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(in crate::index) fn snapshot(self: &Arc<Self>) -> Result<Snapshot> {
        let mut documents = self.idle.take(|| Documents::open_for_reading(&self.path))?;
        let generation = documents.begin_snapshot()?;
        Ok(Snapshot { documents: Some(documents), generation, store: self.clone() })
    }
}

/// The store at one generation, whatever writers commit meanwhile. SQLite keeps every later change
/// in the log beside the store until this is dropped.
pub(in crate::index) struct Snapshot {
    /// `Some` until this is dropped.
    documents: Option<Documents>,
    generation: u64,
    store: Arc<StoreReader>,
}

impl Snapshot {
    pub(in crate::index) fn generation(&self) -> u64 {
        self.generation
    }
}

impl Deref for Snapshot {
    type Target = Documents;

    fn deref(&self) -> &Documents {
        self.documents.as_ref().expect("it is there until this is dropped")
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        // A connection that cannot end its transaction is closed, which ends it.
        if let Some(documents) = self.documents.take().filter(|documents| documents.end_snapshot().is_ok()) {
            self.store.idle.put(documents);
        }
    }
}
