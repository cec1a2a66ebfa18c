//! The truth: documents and their chunks, in SQLite. Everything else in an index can be derived
//! again from it.

mod change;
pub mod duplicates;
mod overview;
mod pool;
mod put_file;
mod reader;
pub mod row_checks;
mod rows;
mod schema;
pub(in crate::index) mod sqlite;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::error::{Error, ErrorKind, Hint, Result};
use crate::index::durable_file::index_name;
use sqlite::is_disk_full;

pub use change::Change;
pub use overview::{Counts, Outline};
pub(in crate::index) use pool::Pool;
pub use put_file::NewFile;
pub(in crate::index) use reader::{StoreReader, StoreSnapshot};
pub use rows::{KnownFile, StoredChunk};

/// Identifies a chunk within an index. Never reused after the chunk is gone.
pub type ChunkId = u64;

/// The BLAKE3 hash of the text that an embedder reads of a chunk: equal hashes, equal vectors.
pub type ChunkHash = [u8; 32];

/// The store, over one connection that threads do not share.
pub struct Documents {
    connection: Connection,
    path: PathBuf,
    /// Which tables have checks, once that is known.
    pub(super) checked: OnceCell<[bool; 3]>,
}

impl Documents {
    /// Opens the store for writing, and creates it if it is missing.
    ///
    /// # Errors
    /// When the file is not an SQLite database, or the disk refuses.
    pub fn open_for_writing(path: &Path) -> Result<Self> {
        let documents = Self::with(path, sqlite::open_for_writing(path, failed)?);
        documents.set_up()?;
        Ok(documents)
    }

    /// Opens the store for reading.
    ///
    /// # Errors
    /// When it is missing or damaged.
    pub fn open_for_reading(path: &Path) -> Result<Self> {
        let opened = sqlite::open_for_reading(path, failed).map(|connection| Self::with(path, connection));
        let looked_at = opened.and_then(|documents| documents.generation().map(|_| documents));
        looked_at.map_err(|error| match error.kind() {
            ErrorKind::Damaged => {
                let hint = error.hint().cloned().unwrap_or_else(mends_structure);
                Error::damaged(format!("{} cannot be read as an index", path.display())).with_hint(hint)
            }
            _ => error,
        })
    }

    fn with(path: &Path, connection: Connection) -> Self {
        Documents { connection, path: path.to_path_buf(), checked: OnceCell::new() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn index_name(&self) -> String {
        index_name_of(&self.path)
    }

    pub(super) fn run<T>(&self, doing: &str, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        work(&self.connection).map_err(|cause| failed(&self.path, doing, cause))
    }

    /// Makes reads see the store as it is now until the snapshot ends, whatever others commit.
    /// Returns its generation.
    pub(super) fn begin_snapshot(&mut self) -> Result<u64> {
        // A writer of a later version may have added checks since the last snapshot.
        self.checked.take();
        self.run("read", |c| c.execute_batch("BEGIN"))?;
        self.generation()
    }

    /// Makes reads see again what others have committed.
    pub(super) fn end_snapshot(&self) -> Result<()> {
        self.run("read", |c| c.execute_batch("ROLLBACK"))
    }

    /// The number of committed changes.
    pub fn generation(&self) -> Result<u64> {
        self.run("read", |c| c.query_row("SELECT generation FROM state", [], |row| row.get(0)))
    }
}

/// The name of the index whose store is at `path`.
fn index_name_of(path: &Path) -> String {
    index_name(path.parent().unwrap_or(path))
}

fn failed(path: &Path, doing: &str, cause: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode;
    let error = |fault| Error::new(fault, format!("could not {doing} {}: {cause}", path.display()));
    match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            error(ErrorKind::Busy).with_hint("another kinglet is writing to this index; try again when it is done")
        }
        _ if is_disk_full(&cause) => Error::disk_full(doing, path),
        Some(
            ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::SystemIoFailure | ErrorCode::PermissionDenied,
        ) => error(ErrorKind::Machine),
        // What is no database has no list of the indexed folders either.
        Some(ErrorCode::NotADatabase) => {
            error(ErrorKind::Damaged).with_hint(Hint::RebuildIndex { index: index_name_of(path) })
        }
        _ => error(ErrorKind::Damaged).with_hint(mends_structure()),
    }
}

/// What helps if the structure of the store is damaged.
fn mends_structure() -> Hint {
    Hint::update_index("it makes the index again from your documents")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_not_damage() {
        for code in [rusqlite::ffi::SQLITE_FULL, rusqlite::ffi::SQLITE_IOERR_SHMSIZE] {
            let cause = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            let error = failed(Path::new("indexes/notes/documents.sqlite"), "write to", cause);
            assert_eq!(error.kind(), ErrorKind::Machine);
            assert!(error.to_string().ends_with(": the disk is full") && error.hint().is_some(), "{error}");
        }
        let hint_of = |code| {
            let cause = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            failed(Path::new("indexes/notes/documents.sqlite"), "read", cause).hint().cloned()
        };
        assert!(matches!(hint_of(rusqlite::ffi::SQLITE_CORRUPT), Some(Hint::UpdateIndex { .. })), "a run mends it");
        assert_eq!(hint_of(rusqlite::ffi::SQLITE_NOTADB), Some(Hint::RebuildIndex { index: "notes".to_string() }));
    }
}
