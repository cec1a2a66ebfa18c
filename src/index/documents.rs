//! The truth: documents and their chunks, in SQLite. Everything else in an index can be made again from here.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use super::files::index_name;
use super::sqlite::is_disk_full;
use crate::chunk::Chunk;
use crate::corpus::Unit;
use crate::error::{Error, Fault, Result};
use crate::reading::Cut;
use crate::text::Span;

/// Names a chunk within an index; never given again after the chunk is gone.
pub type ChunkId = u64;

/// BLAKE3 of what an embedder reads of a chunk: equal hashes, equal vectors.
pub type ChunkHash = [u8; 32];

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS state(generation INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS roots(id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
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
  original INTEGER);
CREATE INDEX IF NOT EXISTS chunks_of_document ON chunks(document);
INSERT INTO state SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM state);
";

/// Columns that earlier versions did not have, with their tables.
const LATER_COLUMNS: [(&str, &str); 9] = [
    ("documents", "metadata"),
    ("documents", "unit"),
    ("documents", "doubt"),
    ("documents", "repeated_lines"),
    ("documents", "tries"),
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
    /// Its size when it was read.
    pub size_bytes: u64,
    /// When it had last been changed, in nanoseconds since 1970.
    pub modified_ns: i64,
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
    /// Its size in bytes.
    pub size_bytes: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// BLAKE3 of its bytes; zeros where it was not read.
    pub hash: [u8; 32],
    /// How often in a row its reader was given up.
    pub tries: u32,
    /// What was read of it, but for the parts before, or why nothing was.
    pub content: std::result::Result<&'a Cut, &'a str>,
}

impl<'a> NewFile<'a> {
    /// A file that was found but not read.
    pub fn skipped(root: i64, path: &'a str, reason: &'a str) -> Self {
        NewFile { root, path, size_bytes: 0, modified_ns: 0, hash: [0; 32], tries: 0, content: Err(reason) }
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
}

impl Documents {
    /// Opens the store for writing, making it if need be.
    ///
    /// # Errors
    /// When the file is no SQLite database, or the disk refuses.
    pub fn open_for_writing(path: &Path) -> Result<Self> {
        let documents = Self::with(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
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
        Ok(documents)
    }

    /// Opens the store for reading.
    ///
    /// # Errors
    /// When it is missing or damaged.
    pub fn open_for_reading(path: &Path) -> Result<Self> {
        let documents = Self::with(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .or_else(|_| Self::with(path, OpenFlags::SQLITE_OPEN_READ_ONLY))?;
        match documents.generation() {
            // A folder that nobody may write to has no writer: SQLite may do without its shared-memory file.
            Err(_) if path.is_file() => {
                let uri = format!("file:{}?immutable=1", path.display().to_string().replace('?', "%3f"));
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
                let fixed = Self::with(Path::new(&uri), flags)?;
                fixed.generation().map_err(|_| {
                    let name = index_name(path.parent().unwrap_or(path));
                    let hint = format!(
                        "kinglet doctor --name {name} says more; kinglet rm {name} and kinglet index make it anew"
                    );
                    Error::damaged(format!("{} cannot be read as an index", path.display())).hint(hint)
                })?;
                Ok(fixed)
            }
            _ => Ok(documents),
        }
    }

    fn with(path: &Path, flags: OpenFlags) -> Result<Self> {
        let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(|cause| failed(path, "open", cause))?;
        connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(|cause| failed(path, "open", cause))?;
        Ok(Documents { connection, path: path.to_path_buf() })
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
    pub fn hold_still(&self) -> Result<()> {
        self.run("read", |c| c.execute_batch("BEGIN; SELECT generation FROM state;"))
    }

    /// Lets go of the moment held by [`hold_still`](Self::hold_still).
    pub fn move_on(&self) -> Result<()> {
        self.run("read", |c| c.execute_batch("COMMIT"))
    }

    /// How many changes have been committed.
    pub fn generation(&self) -> Result<u64> {
        self.run("read", |c| c.query_row("SELECT generation FROM state", [], |row| row.get(0)))
    }

    /// Whether a table has this column: in an index that an earlier version made, and none has written to since, it may not.
    fn has_column(&self, table: &str, column: &str) -> Result<bool> {
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
    pub fn roots(&self) -> Result<Vec<(i64, PathBuf)>> {
        self.run("read", |c| {
            c.prepare("SELECT id, path FROM roots ORDER BY id")?
                .query_map([], |row| Ok((row.get(0)?, PathBuf::from(row.get::<_, String>(1)?))))?
                .collect()
        })
    }

    /// Every file of one root, by its path.
    pub fn known_files(&self, root: i64) -> Result<HashMap<String, KnownFile>> {
        let tries = self.later("tries")?;
        self.run("read", |c| {
            let select = "SELECT path, id, size_bytes, modified_ns, hash, skipped";
            c.prepare(&format!("{select}, ifnull({tries}, 0) FROM documents WHERE root = ?1"))?
                .query_map([root], |row| {
                    let file = KnownFile {
                        id: row.get(1)?,
                        size_bytes: row.get(2)?,
                        modified_ns: row.get(3)?,
                        hash: row.get(4)?,
                        skipped: row.get(5)?,
                        tries: row.get(6)?,
                    };
                    Ok((row.get(0)?, file))
                })?
                .collect()
        })
    }

    /// Files that were read in a way that is doubtful, with what is doubtful, by path.
    pub fn doubtful_files(&self) -> Result<Vec<(PathBuf, String)>> {
        let doubt = self.later("doubt")?;
        self.run("read", |c| {
            c.prepare(&format!(
                "SELECT roots.path, documents.path, {doubt} FROM documents JOIN roots ON roots.id = root
                 WHERE {doubt} IS NOT NULL ORDER BY roots.path, documents.path"
            ))?
            .query_map([], |row| Ok((whole_path(row.get(0)?, row.get(1)?), row.get(2)?)))?
            .collect()
        })
    }

    /// What is doubtful about how the file of a chunk was read.
    pub fn doubt(&self, chunk: ChunkId) -> Result<Option<String>> {
        let doubt = self.later("doubt")?;
        let select = format!("SELECT {doubt} FROM documents WHERE id = (SELECT document FROM chunks WHERE id = ?1)");
        self.run("read", |c| Ok(c.prepare_cached(&select)?.query_row([chunk], |row| row.get(0)).optional()?.flatten()))
    }

    /// Files that were found but not read, with the reasons, by path.
    pub fn skipped_files(&self) -> Result<Vec<(PathBuf, String)>> {
        self.run("read", |c| {
            c.prepare(
                "SELECT roots.path, documents.path, skipped FROM documents JOIN roots ON roots.id = root
                 WHERE skipped IS NOT NULL ORDER BY roots.path, documents.path",
            )?
            .query_map([], |row| Ok((whole_path(row.get(0)?, row.get(1)?), row.get(2)?)))?
            .collect()
        })
    }

    /// How much there is.
    pub fn counts(&self) -> Result<Counts> {
        let (original, repeated) = (self.later("original")?, self.later("repeated_lines")?);
        self.run("read", |c| {
            c.query_row(
                &format!(
                    "SELECT (SELECT count(*) FROM documents WHERE skipped IS NULL),
                            (SELECT count(*) FROM documents WHERE skipped IS NOT NULL), (SELECT count(*) FROM chunks),
                            (SELECT count(*) FROM chunks WHERE {original} IS NOT NULL),
                            (SELECT ifnull(sum({repeated}), 0) FROM documents)"
                ),
                [],
                |row| {
                    Ok(Counts {
                        documents: row.get(0)?,
                        skipped: row.get(1)?,
                        chunks: row.get(2)?,
                        copies: row.get(3)?,
                        repeated_lines: row.get(4)?,
                    })
                },
            )
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

    /// The outline of every chunk, by id.
    pub fn outlines(&self) -> Result<Vec<Outline>> {
        let (metadata, original, inner) =
            (self.later("metadata")?, self.later("original")?, self.later("inner_headings")?);
        self.run("read", |c| {
            c.prepare(&format!(
                "SELECT chunks.id, roots.path, documents.path, modified_ns, headings, start_byte, {metadata},
                        ifnull({original}, chunks.id), {inner}
                 FROM chunks JOIN documents ON documents.id = document JOIN roots ON roots.id = root ORDER BY chunks.id"
            ))?
            .query_map([], |row| {
                Ok(Outline {
                    chunk: row.get(0)?,
                    root: row.get(1)?,
                    path: row.get(2)?,
                    modified_ns: row.get(3)?,
                    headings: [from_json(4, &row.get::<_, String>(4)?)?, list(8, row)?].concat(),
                    start_byte: row.get(5)?,
                    metadata: row.get::<_, Option<String>>(6)?.map_or(Ok(Vec::new()), |json| from_json(6, &json))?,
                    original: row.get(7)?,
                })
            })?
            .collect()
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
    /// When one is not there: ids come from the derived parts, so these have come apart from the store.
    pub fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<StoredChunk>> {
        let mut found = Vec::with_capacity(ids.len());
        let (unit, inner) = (self.later("unit")?, self.later("inner_headings")?);
        let select = format!(
            "SELECT chunks.id, roots.path, documents.path, start_byte, end_byte, first_line, last_line, lines, headings, text, {unit}, {inner}
             FROM chunks JOIN documents ON documents.id = document JOIN roots ON roots.id = root WHERE chunks.id = ?1"
        );
        for &id in ids {
            let chunk = self.run("read", |c| c.prepare_cached(&select)?.query_row([id], stored_chunk).optional())?;
            found.push(chunk.ok_or_else(|| {
                Error::damaged(format!("chunk {id} is not in {}", self.path.display()))
                    .hint("run `kinglet index` again: what was derived from the store is made anew")
            })?);
        }
        Ok(found)
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
            c.execute("INSERT OR IGNORE INTO roots(path) VALUES (?1)", [text])?;
            c.query_row("SELECT id FROM roots WHERE path = ?1", [text], |row| row.get(0))
        })
    }

    /// Notes that a file has a new time or size on disk and the same content.
    pub fn touch(&self, id: i64, size_bytes: u64, modified_ns: i64) -> Result<()> {
        self.documents.run("write to", |c| {
            c.prepare_cached("UPDATE documents SET size_bytes = ?2, modified_ns = ?3 WHERE id = ?1")?
                .execute(params![id, size_bytes, modified_ns])
                .map(|_| ())
        })
    }

    /// Takes a file and its chunks away.
    pub fn remove(&self, id: i64) -> Result<()> {
        self.documents
            .run("write to", |c| c.prepare_cached("DELETE FROM documents WHERE id = ?1")?.execute([id]).map(|_| ()))
    }

    /// Makes the change durable under the next generation and gives that.
    pub fn commit(mut self) -> Result<u64> {
        self.documents.run("commit to", |c| c.execute_batch("UPDATE state SET generation = generation + 1; COMMIT"))?;
        self.open = false;
        self.documents.generation()
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
fn list(column: usize, row: &Row<'_>) -> rusqlite::Result<Vec<String>> {
    row.get::<_, Option<String>>(column)?.map_or(Ok(Vec::new()), |text| from_json(column, &text))
}

fn from_json<T: serde::de::DeserializeOwned>(column: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|cause| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(cause))
    })
}

fn whole_path(root: String, path: String) -> PathBuf {
    if path.is_empty() { PathBuf::from(root) } else { Path::new(&root).join(path) }
}

fn failed(path: &Path, doing: &str, cause: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode;
    let name = index_name(path.parent().unwrap_or(path));
    let error = |fault| Error::new(fault, format!("could not {doing} {}: {cause}", path.display()));
    match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            error(Fault::Busy).hint("another kinglet is writing to this index; try again when it is done")
        }
        _ if is_disk_full(&cause) => Error::io(doing, path, "disk is full"),
        Some(
            ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::SystemIoFailure | ErrorCode::PermissionDenied,
        ) => error(Fault::Machine),
        _ => error(Fault::Damaged).hint(format!(
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
            assert_eq!(error.fault(), Fault::Machine);
            assert!(error.to_string().ends_with(": the disk is full") && error.next_step().is_some(), "{error}");
        }
        let cause = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT), None);
        let error = failed(Path::new("indexes/notes/documents.sqlite"), "read", cause);
        assert!(error.next_step().unwrap().contains("`kinglet rm notes`"), "{error:?}");
    }
}
