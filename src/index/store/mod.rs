//! The truth: documents and their chunks, in SQLite. Everything else in an index can be made again from here.

pub mod duplicates;
mod overview;
mod put_file;
pub mod row_checks;
pub(in crate::index) mod sqlite;

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::chunking::Chunk;
use crate::corpus::Unit;
use crate::corpus::walk::FileState;
use crate::error::{Error, ErrorKind, Result};
use crate::extract::Extracted;
use crate::index::durable_file::index_name;
use crate::index::store::row_checks::{Table, seal};
use crate::text::Span;
use sqlite::is_disk_full;

/// Names a chunk within an index; never given again after the chunk is gone.
pub type ChunkId = u64;

/// BLAKE3 of what an embedder reads of a chunk: equal hashes, equal vectors.
pub type ChunkHash = [u8; 32];

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS state(generation INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS roots(id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, root_check BLOB);
CREATE TABLE IF NOT EXISTS documents(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  root INTEGER NOT NULL REFERENCES roots(id) ON DELETE CASCADE,
  path TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  modified_ns INTEGER NOT NULL,
  hash BLOB NOT NULL,
  skipped TEXT,
  metadata TEXT,
  unit TEXT,
  doubt TEXT,
  repeated_lines INTEGER,
  tries INTEGER,
  status_changed_ns INTEGER,
  document_check BLOB,
  UNIQUE(root, path));
CREATE TABLE IF NOT EXISTS chunks(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  document INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
  start_byte INTEGER NOT NULL,
  end_byte INTEGER NOT NULL,
  first_line INTEGER NOT NULL,
  last_line INTEGER NOT NULL,
  lines TEXT,
  headings TEXT NOT NULL,
  text TEXT NOT NULL,
  hash BLOB NOT NULL,
  words BLOB,
  sketch BLOB,
  inner_headings TEXT,
  original INTEGER,
  chunk_check BLOB);
CREATE INDEX IF NOT EXISTS chunks_of_document ON chunks(document);
INSERT INTO state SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM state);
";

/// Columns that earlier versions did not have, with their tables.
const LATER_COLUMNS: [(&str, &str); 10] = [
    ("documents", "metadata"),
    ("documents", "unit"),
    ("documents", "doubt"),
    ("documents", "repeated_lines"),
    ("documents", "tries"),
    ("documents", "status_changed_ns"),
    ("chunks", "words"),
    ("chunks", "sketch"),
    ("chunks", "original"),
    ("chunks", "inner_headings"),
];

/// A file as the index knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFile {
    /// Its row.
    pub id: i64,
    /// How it was when it was read.
    pub state: FileState,
    /// BLAKE3 of its bytes; zeros where it was not read.
    pub hash: [u8; 32],
    /// Why nothing of it is in the index, if so.
    pub skipped: Option<String>,
    /// How often in a row its reader was given up.
    pub tries: u32,
}

/// What is written of a file.
#[derive(Debug, Clone, Copy)]
pub struct NewFile<'a> {
    /// The root's row.
    pub root: i64,
    /// The path below the root, `/` between its parts; empty when the root is the file.
    pub path: &'a str,
    /// How it is now; the default where the next run shall look at it again.
    pub state: FileState,
    /// BLAKE3 of its bytes; zeros where it was not read.
    pub hash: [u8; 32],
    /// How often in a row its reader was given up.
    pub tries: u32,
    /// What was read of it, but for the parts before, or why nothing was.
    pub content: std::result::Result<&'a Extracted, &'a str>,
}

impl<'a> NewFile<'a> {
    /// A file that was found but not read.
    pub fn skipped(root: i64, path: &'a str, reason: &'a str) -> Self {
        NewFile { root, path, state: FileState::default(), hash: [0; 32], tries: 0, content: Err(reason) }
    }
}

/// A chunk with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChunk {
    /// Its id.
    pub id: ChunkId,
    /// The whole path of its file.
    pub path: PathBuf,
    /// What was cut.
    pub chunk: Chunk,
}

/// What a filter can ask of a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// The chunk.
    pub chunk: ChunkId,
    /// The chunk that is searched in its place, because both say the same; itself for most.
    pub original: ChunkId,
    /// The indexed folder or file.
    pub root: String,
    /// The path below it, `/` between its parts; empty when the root is the file.
    pub path: String,
    /// When the file had last been changed, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// The headings over the chunk or a part of it, outermost first.
    pub headings: Vec<String>,
    /// Where the chunk starts in the document's text.
    pub start_byte: u64,
    /// What the document says of itself, as keys and values.
    pub metadata: Vec<(String, String)>,
}

/// What an index holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Files with chunks in the index.
    pub documents: u64,
    /// Files that were found but not read.
    pub skipped: u64,
    /// Chunks, with those that are copies of others.
    pub chunks: u64,
    /// Chunks that say the same as another one, which is searched in their place.
    pub copies: u64,
    /// Lines that were left out because they stand on page after page.
    pub repeated_lines: u64,
}

/// The store. One connection; not shared between threads.
pub struct Documents {
    connection: Connection,
    path: PathBuf,
    /// Which tables have checks, once it has been asked.
    pub(super) checked: OnceCell<[bool; 3]>,
}

impl Documents {
    /// Opens the store for writing, making it if need be.
    ///
    /// # Errors
    /// When the file is no SQLite database, or the disk refuses.
    pub fn open_for_writing(path: &Path) -> Result<Self> {
        let documents = Self::with(path, sqlite::open_for_writing(path, failed)?);
        let set_up = || -> rusqlite::Result<()> {
            let connection = &documents.connection;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.execute_batch(SCHEMA)
        };
        set_up().map_err(|cause| documents.failed("set up", cause))?;
        for (table, column) in LATER_COLUMNS {
            if !documents.has_column(table, column)? {
                let add = format!("ALTER TABLE {table} ADD COLUMN {column}");
                documents.run("set up", |c| c.execute_batch(&add))?;
            }
        }
        let copies = "CREATE INDEX IF NOT EXISTS copies ON chunks(original) WHERE original IS NOT NULL";
        documents.run("set up", |c| c.execute_batch(copies))?;
        documents.add_checks()?;
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
            ErrorKind::Damaged => Error::damaged(format!("{} cannot be read as an index", path.display())).with_hint({
                let name = index_name(path.parent().unwrap_or(path));
                format!("kinglet rm {name} and kinglet index make it anew; your documents are not touched")
            }),
            _ => error,
        })
    }

    fn with(path: &Path, connection: Connection) -> Self {
        Documents { connection, path: path.to_path_buf(), checked: OnceCell::new() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn failed(&self, doing: &str, cause: rusqlite::Error) -> Error {
        failed(&self.path, doing, cause)
    }

    pub(super) fn run<T>(&self, doing: &str, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        work(&self.connection).map_err(|cause| self.failed(doing, cause))
    }

    /// Starts a change that [`Change::commit`] makes durable; dropping it undoes it.
    pub fn change(&self) -> Result<Change<'_>> {
        self.run("start a change in", |c| c.execute_batch("BEGIN IMMEDIATE"))?;
        Ok(Change { documents: self, open: true })
    }

    /// Holds what is read from now on at one moment, whatever others commit.
    pub fn begin_snapshot(&self) -> Result<()> {
        self.run("read", |c| c.execute_batch("BEGIN; SELECT generation FROM state;"))
    }

    /// How many changes have been committed.
    pub fn generation(&self) -> Result<u64> {
        self.run("read", |c| c.query_row("SELECT generation FROM state", [], |row| row.get(0)))
    }

    /// Whether a table has this column: in an index that an earlier version made, and none has written to since, it may not.
    pub(super) fn has_column(&self, table: &str, column: &str) -> Result<bool> {
        self.run("read", |c| {
            let count = "SELECT count(*) > 0 FROM pragma_table_info(?1) WHERE name = ?2";
            c.prepare_cached(count)?.query_row([table, column], |row| row.get(0))
        })
    }

    /// A column that was added later, or nothing where an earlier version made the index.
    pub(super) fn later(&self, column: &'static str) -> Result<&'static str> {
        let known = LATER_COLUMNS.iter().find(|(_, later)| *later == column);
        let (table, _) = known.expect("it stands in the list of those that were added later");
        Ok(if self.has_column(table, column)? { column } else { "NULL" })
    }

    /// The indexed folders and files, by row.
    ///
    /// # Errors
    /// When one of them is not what was written.
    pub fn roots(&self) -> Result<Vec<(i64, PathBuf)>> {
        self.verify_roots()?;
        self.roots_but(&[])
    }

    /// The same without those that are damaged.
    pub fn roots_but(&self, damaged: &[i64]) -> Result<Vec<(i64, PathBuf)>> {
        self.run("read", |c| {
            let mut select = c.prepare("SELECT id FROM roots ORDER BY id")?;
            let ids = select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
            let mut path = c.prepare("SELECT path FROM roots WHERE id = ?1")?;
            let sound = ids.into_iter().filter(|id| !damaged.contains(id));
            sound.map(|id| Ok((id, PathBuf::from(path.query_row([id], |row| row.get::<_, String>(0))?)))).collect()
        })
    }

    /// Every file of one root, by its path.
    pub fn known_files(&self, root: i64) -> Result<HashMap<String, KnownFile>> {
        let (tries, status_changed) = (self.later("tries")?, self.later("status_changed_ns")?);
        self.run("read", |c| {
            let select = format!(
                "SELECT path, id, size_bytes, modified_ns, ifnull({status_changed}, 0), hash, skipped, ifnull({tries}, 0)
                 FROM documents WHERE root = ?1"
            );
            c.prepare(&select)?
                .query_map([root], |row| {
                    let file = KnownFile {
                        id: row.get(1)?,
                        state: FileState {
                            size_bytes: row.get(2)?,
                            modified_ns: row.get(3)?,
                            status_changed_ns: row.get(4)?,
                        },
                        hash: row.get(5)?,
                        skipped: row.get(6)?,
                        tries: row.get(7)?,
                    };
                    Ok((row.get(0)?, file))
                })?
                .collect()
        })
    }

    /// The id of every chunk, in order.
    pub fn chunk_ids(&self) -> Result<Vec<ChunkId>> {
        self.run("read", |c| c.prepare("SELECT id FROM chunks ORDER BY id")?.query_map([], |row| row.get(0))?.collect())
    }

    /// The id and hash of every chunk that is searched, by id: copies of others are not.
    pub fn originals(&self) -> Result<Vec<(ChunkId, ChunkHash)>> {
        let original = self.later("original")?;
        self.run("read", |c| {
            c.prepare(&format!("SELECT id, hash FROM chunks WHERE {original} IS NULL ORDER BY id"))?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
    }

    /// How many chunks are searched, without reading any.
    pub fn searched(&self) -> Result<usize> {
        let original = self.later("original")?;
        self.run("read", |c| {
            let count = format!(
                "SELECT (SELECT count(*) FROM chunks) - (SELECT count(*) FROM chunks WHERE {original} IS NOT NULL)"
            );
            c.query_row(&count, [], |row| row.get(0))
        })
    }

    /// The chunks whose hash `is_known` does not know, each hash once, in the order of their ids.
    pub fn chunks_lacking(&self, is_known: impl Fn(&ChunkHash) -> bool) -> Result<Vec<ChunkId>> {
        let mut seen = std::collections::HashSet::new();
        let hashes = self.originals()?.into_iter();
        Ok(hashes.filter(|(_, hash)| !is_known(hash) && seen.insert(*hash)).map(|(id, _)| id).collect())
    }

    /// Chunks by id, in the order asked for.
    ///
    /// # Errors
    /// When one is not what was written, with its file; when one is not there: ids come from the derived parts, so these have come
    /// apart from the store.
    pub fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<StoredChunk>> {
        let mut verified = HashSet::new();
        ids.iter().try_for_each(|id| self.verify_chunk(*id, &mut verified))?;
        self.chunks_unchecked(ids)
    }

    /// The same, whatever has become of them.
    pub(super) fn chunks_unchecked(&self, ids: &[ChunkId]) -> Result<Vec<StoredChunk>> {
        let mut found = Vec::with_capacity(ids.len());
        let (unit, inner) = (self.later("unit")?, self.later("inner_headings")?);
        let select = format!(
            "SELECT chunks.id, roots.path, documents.path, start_byte, end_byte, first_line, last_line, lines, headings, text, {unit}, {inner}
             FROM chunks JOIN documents ON documents.id = document JOIN roots ON roots.id = root WHERE chunks.id = ?1"
        );
        for &id in ids {
            let chunk = self.run("read", |c| c.prepare_cached(&select)?.query_row([id], stored_chunk).optional())?;
            found.push(chunk.ok_or_else(|| self.lost(id))?);
        }
        Ok(found)
    }

    pub(super) fn lost(&self, chunk: ChunkId) -> Error {
        Error::damaged(format!("chunk {chunk} is not in {}", self.path.display()))
            .with_hint("run `kinglet index` again: what was derived from the store is made anew")
    }
}

/// A change to the store, seen by others only when it is committed.
pub struct Change<'d> {
    pub(super) documents: &'d Documents,
    open: bool,
}

impl Change<'_> {
    /// The row of a root, made if need be.
    pub fn root(&self, path: &Path) -> Result<i64> {
        let text = path.to_str().ok_or_else(|| Error::input(format!("the path {} is not UTF-8", path.display())))?;
        self.documents.run("write to", |c| {
            let is_new = c.execute("INSERT OR IGNORE INTO roots(path) VALUES (?1)", [text])? > 0;
            let root = c.query_row("SELECT id FROM roots WHERE path = ?1", [text], |row| row.get(0))?;
            if is_new {
                seal(c, Table::Roots, root)?;
            }
            Ok(root)
        })
    }

    /// Notes that a file has another state on disk and the same content.
    pub fn touch(&self, id: i64, state: FileState) -> Result<()> {
        self.documents.update(Table::Documents, id, |c| {
            let update = "UPDATE documents SET size_bytes = ?2, modified_ns = ?3, status_changed_ns = ?4 WHERE id = ?1";
            c.prepare_cached(update)?
                .execute(params![id, state.size_bytes, state.modified_ns, state.status_changed_ns])
                .map(|_| ())
        })
    }

    /// Takes a folder or file that was indexed away, with all files in it.
    pub fn remove_root(&self, id: i64) -> Result<()> {
        self.documents.run("write to", |c| c.execute("DELETE FROM roots WHERE id = ?1", [id]).map(drop))
    }

    /// Takes a file and its chunks away.
    pub fn remove(&self, id: i64) -> Result<()> {
        self.documents
            .run("write to", |c| c.prepare_cached("DELETE FROM documents WHERE id = ?1")?.execute([id]).map(|_| ()))
    }

    /// Makes the change durable under the next generation and gives that.
    pub fn commit(self) -> Result<u64> {
        let documents = self.documents;
        documents.run("commit to", |c| c.execute_batch("UPDATE state SET generation = generation + 1"))?;
        self.keep()?;
        documents.generation()
    }

    /// Makes a change durable that nothing is derived from.
    pub(super) fn keep(mut self) -> Result<()> {
        self.documents.run("commit to", |c| c.execute_batch("COMMIT"))?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        if self.open {
            // Nothing to be done about a failure: closing the connection rolls back too.
            let _ = self.documents.connection.execute_batch("ROLLBACK");
        }
    }
}

fn stored_chunk(row: &Row<'_>) -> rusqlite::Result<StoredChunk> {
    let lines: Option<String> = row.get(7)?;
    Ok(StoredChunk {
        id: row.get(0)?,
        path: whole_path(row.get(1)?, row.get(2)?),
        chunk: Chunk {
            span: Span { start: row.get(3)?, end: row.get(4)? },
            unit: row
                .get::<_, Option<String>>(10)?
                .map_or(Ok(Unit::Line), |unit| from_json(10, &format!("{unit:?}")))?,
            first: row.get(5)?,
            last: row.get(6)?,
            places: lines.map(|lines| from_json(7, &lines)).transpose()?,
            headings: from_json(8, &row.get::<_, String>(8)?)?,
            inner_headings: list(11, row)?,
            text: row.get(9)?,
        },
    })
}

pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("plain data is valid JSON")
}

/// A list in JSON, empty where there is nothing.
pub(super) fn list(column: usize, row: &Row<'_>) -> rusqlite::Result<Vec<String>> {
    row.get::<_, Option<String>>(column)?.map_or(Ok(Vec::new()), |text| from_json(column, &text))
}

pub(super) fn from_json<T: serde::de::DeserializeOwned>(column: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|cause| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(cause))
    })
}

pub(super) fn whole_path(root: String, path: String) -> PathBuf {
    if path.is_empty() { PathBuf::from(root) } else { Path::new(&root).join(path) }
}

fn failed(path: &Path, doing: &str, cause: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode;
    let name = index_name(path.parent().unwrap_or(path));
    let error = |fault| Error::new(fault, format!("could not {doing} {}: {cause}", path.display()));
    match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            error(ErrorKind::Busy).with_hint("another kinglet is writing to this index; try again when it is done")
        }
        _ if is_disk_full(&cause) => Error::disk_full(doing, path),
        Some(
            ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::SystemIoFailure | ErrorCode::PermissionDenied,
        ) => error(ErrorKind::Machine),
        _ => error(ErrorKind::Damaged).with_hint(format!(
            "run `kinglet rm {name}` and `kinglet index` to make the index anew; your documents are not touched"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_no_damage() {
        for code in [rusqlite::ffi::SQLITE_FULL, rusqlite::ffi::SQLITE_IOERR_SHMSIZE] {
            let cause = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            let error = failed(Path::new("indexes/notes/documents.sqlite"), "write to", cause);
            assert_eq!(error.kind(), ErrorKind::Machine);
            assert!(error.to_string().ends_with(": the disk is full") && error.hint().is_some(), "{error}");
        }
        let cause = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT), None);
        let error = failed(Path::new("indexes/notes/documents.sqlite"), "read", cause);
        assert!(format!("{:?}", error.hint()).contains("notes"), "{error:?}");
    }
}
