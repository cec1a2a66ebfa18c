//! Token vectors of chunks, one bit per component, by chunk hash: a cache on disk for late
//! interaction. A search computes what the cache lacks, so it may be smaller than the index.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};

use super::store::sqlite::{self, is_disk_full};
use super::store::{ChunkHash, ChunkId, Documents, Pool};
use crate::error::{Error, Hint, Result};

/// Nothing is added beyond this size. A chunk of 130 tokens of 384 components takes about 6 KiB.
const LARGEST_BYTES: u64 = 8 << 30;

const CHECK_BYTES: usize = 8;

/// The token vectors of one embedder. Many threads may read at once.
pub struct TokenStore {
    idle: Pool<Connection>,
    path: PathBuf,
}

impl TokenStore {
    /// Opens the store at `path` for writing, and creates it if it is missing. Replaces a file that
    /// is not such a store, because everything in it can be computed again.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn open_for_writing(path: &Path) -> Result<Self> {
        let folder = path.parent().unwrap_or(path);
        std::fs::create_dir_all(folder).map_err(|cause| Error::io("make the folder", folder, cause))?;
        match Self::set_up(path) {
            Err(_) if path.is_file() => {
                std::fs::remove_file(path).map_err(|cause| Error::io("remove", path, cause))?;
                Self::set_up(path)
            }
            opened => opened,
        }
    }

    fn set_up(path: &Path) -> Result<Self> {
        let store = Self::with(path, sqlite::open_for_writing(path, failed)?);
        store.run("set up", |connection| {
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            connection.execute_batch(
                "CREATE TABLE IF NOT EXISTS tokens(hash BLOB PRIMARY KEY, signs BLOB NOT NULL) WITHOUT ROWID;
                 SELECT count(*) FROM (SELECT hash FROM tokens LIMIT 1);",
            )
        })?;
        Ok(store)
    }

    /// Opens the store at `path` for reading; `None` if there is none.
    ///
    /// # Errors
    /// When the file is not such a store.
    pub fn open_for_reading(path: &Path) -> Result<Option<Self>> {
        if !path.is_file() {
            return Ok(None);
        }
        Ok(Some(Self::with(path, sqlite::open_for_reading(path, failed)?)))
    }

    fn with(path: &Path, connection: Connection) -> Self {
        TokenStore { idle: Pool::new(connection), path: path.to_path_buf() }
    }

    /// The chunks of `documents` that have no token vectors here, each hash once, ordered by id;
    /// none if the store has reached its largest size.
    pub fn missing(&self, documents: &Documents) -> Result<Vec<ChunkId>> {
        let mut missing = Vec::new();
        if self.is_full()? {
            return Ok(missing);
        }
        let mut seen = std::collections::HashSet::new();
        for (id, hash) in documents.originals()? {
            if seen.insert(hash) && !self.has(&hash)? {
                missing.push(id);
            }
        }
        Ok(missing)
    }

    /// Stores the signs of the token vectors of chunks, one token after another.
    pub fn put(&self, chunks: &[(ChunkHash, Vec<u8>)]) -> Result<()> {
        if self.is_full()? {
            return Ok(());
        }
        self.run("write", |connection| {
            connection.execute_batch("BEGIN")?;
            let mut insert = connection.prepare_cached("INSERT OR REPLACE INTO tokens VALUES (?1, ?2)")?;
            for (hash, signs) in chunks {
                insert.execute(params![hash, [signs.as_slice(), &check(hash, signs)].concat()])?;
            }
            connection.execute_batch("COMMIT")
        })
    }

    /// The signs of the token vectors of one chunk; `None` if they are missing or damaged, because
    /// a search computes both again.
    pub fn get(&self, hash: &ChunkHash) -> Result<Option<Vec<u8>>> {
        let stored: Option<Vec<u8>> = self.run("read", |connection| {
            let mut select = connection.prepare_cached("SELECT signs FROM tokens WHERE hash = ?1")?;
            select.query_row([hash], |row| row.get(0)).optional()
        })?;
        Ok(stored.and_then(|stored| intact(hash, stored)))
    }

    /// Verifies the checksum of every chunk's signs.
    ///
    /// # Errors
    /// When some have changed since they were written.
    pub fn check(&self) -> Result<()> {
        let damaged_rows = self.run("read", |connection| {
            let mut select = connection.prepare("SELECT hash, signs FROM tokens")?;
            let mut rows = select.query([])?;
            let mut damaged_rows = 0;
            while let Some(row) = rows.next()? {
                let (hash, stored): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
                let is_intact =
                    <&ChunkHash>::try_from(hash.as_slice()).is_ok_and(|hash| intact(hash, stored).is_some());
                damaged_rows += usize::from(!is_intact);
            }
            Ok(damaged_rows)
        })?;
        match damaged_rows {
            0 => Ok(()),
            count => Err(damaged(&self.path, &format!("the token vectors of {count} chunks fail their check"))),
        }
    }

    /// Deletes the token vectors that belong to no chunk of `documents`.
    pub fn retain(&self, documents: &Documents) -> Result<()> {
        let kept: std::collections::HashSet<ChunkHash> =
            documents.originals()?.into_iter().map(|(_, hash)| hash).collect();
        let hashes: Vec<Vec<u8>> = self.run("read", |connection| {
            connection.prepare("SELECT hash FROM tokens")?.query_map([], |row| row.get(0))?.collect()
        })?;
        let obsolete =
            hashes.iter().filter(|hash| !<&ChunkHash>::try_from(hash.as_slice()).is_ok_and(|h| kept.contains(h)));
        self.run("write", |connection| {
            connection.execute_batch("BEGIN")?;
            let mut delete = connection.prepare_cached("DELETE FROM tokens WHERE hash = ?1")?;
            for hash in obsolete {
                delete.execute([hash])?;
            }
            connection.execute_batch("COMMIT")
        })
    }

    /// The number of chunks that have token vectors here.
    pub fn len(&self) -> Result<u64> {
        self.run("read", |connection| connection.query_row("SELECT count(*) FROM tokens", [], |row| row.get(0)))
    }

    /// True if there are no token vectors.
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    fn has(&self, hash: &ChunkHash) -> Result<bool> {
        self.run("read", |connection| connection.prepare_cached("SELECT 1 FROM tokens WHERE hash = ?1")?.exists([hash]))
    }

    fn is_full(&self) -> Result<bool> {
        let bytes: u64 = self.run("read", |connection| {
            let pages: u64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            let page: u64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
            Ok(pages * page)
        })?;
        Ok(bytes >= LARGEST_BYTES)
    }

    fn run<T>(&self, doing: &str, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        // One thread uses a writer, so only readers open another connection here.
        let connection = self.idle.take(|| sqlite::open_for_reading(&self.path, failed))?;
        let done = work(&connection).map_err(|cause| failed(&self.path, doing, cause))?;
        self.idle.put(connection);
        Ok(done)
    }
}

/// The signs without their checksum, if it matches.
fn intact(hash: &ChunkHash, mut stored: Vec<u8>) -> Option<Vec<u8>> {
    let stored_check = stored.split_off(stored.len().saturating_sub(CHECK_BYTES));
    (stored_check == check(hash, &stored)).then_some(stored)
}

fn check(hash: &ChunkHash, signs: &[u8]) -> [u8; CHECK_BYTES] {
    let whole = blake3::Hasher::new().update(hash).update(signs).finalize();
    whole.as_bytes()[..CHECK_BYTES].try_into().expect("BLAKE3 gives 32 bytes")
}

fn failed(path: &Path, doing: &str, cause: rusqlite::Error) -> Error {
    if is_disk_full(&cause) {
        return Error::disk_full(doing, path);
    }
    damaged(path, &format!("could not {doing} it: {cause}"))
}

fn damaged(path: &Path, how: &str) -> Error {
    Error::damaged(format!("{}: {how}", path.display())).with_hint(Hint::DeleteAndUpdateIndex {
        path: path.to_path_buf(),
        effect: "it computes the token vectors again and changes nothing else",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_token_vectors_count_as_missing_and_the_check_reports_them() {
        let folder = tempfile::tempdir().unwrap();
        let store = TokenStore::open_for_writing(&folder.path().join("tokens.sqlite")).unwrap();
        let (good, bad) = ([1; 32], [2; 32]);
        store.put(&[(good, vec![5; 48]), (bad, vec![6; 48])]).unwrap();
        store.check().unwrap();
        store
            .run("change", |connection| {
                connection.execute("UPDATE tokens SET signs = zeroblob(56) WHERE hash = ?1", [bad]).map(drop)
            })
            .unwrap();
        assert_eq!((store.get(&good).unwrap(), store.get(&bad).unwrap()), (Some(vec![5; 48]), None));
        assert!(store.check().unwrap_err().to_string().contains("of 1 chunks"));
    }
}
