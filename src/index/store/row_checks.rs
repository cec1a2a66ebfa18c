//! A checksum of each row of the store: rows that have changed on disk are noticed before they are
//! shown, and read again from the documents.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::error::{Error, Hint, Result};
use crate::index::durable_file::CHECK_BYTES;
use crate::index::store::{ChunkId, Documents, mends_structure};

/// The tables whose rows have a check, with the columns that hold it.
const CHECKED: [(Table, &str); 3] =
    [(Table::Roots, "root_check"), (Table::Documents, "document_check"), (Table::Chunks, "chunk_check")];

/// A table whose rows have a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Roots,
    Documents,
    Chunks,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Table::Roots => "roots",
            Table::Documents => "documents",
            Table::Chunks => "chunks",
        }
    }

    fn check_column(self) -> &'static str {
        CHECKED[self as usize].1
    }
}

/// The rows of a store that have changed since they were written.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// The rows of folders and files that were indexed.
    pub roots: Vec<i64>,
    /// The files with a damaged row, their own or that of a chunk: their rows, and the paths that
    /// are stored there now.
    pub files: BTreeMap<i64, PathBuf>,
}

impl Damage {
    /// True if nothing is damaged.
    pub fn is_none(&self) -> bool {
        *self == Damage::default()
    }
}

impl Documents {
    /// Adds checks to the rows of a store that an earlier version made. Chunks whose text no longer
    /// matches their hash get none, so that they count as damaged.
    pub(super) fn add_checks(&self) -> Result<()> {
        let change = self.change()?;
        for (table, column) in CHECKED {
            if self.has_column(table.name(), column)? {
                continue;
            }
            self.run("set up", |c| c.execute_batch(&format!("ALTER TABLE {} ADD COLUMN {column}", table.name())))?;
            for id in self.ids(table)? {
                if table != Table::Chunks || self.has_its_hash(id as ChunkId)? {
                    self.run("set up", |c| seal(c, table, id))?;
                }
            }
        }
        change.keep()
    }

    /// Verifies the checks of a chunk, its file and its folder; skips files in `verified`.
    ///
    /// # Errors
    /// When one of them has changed since it was written.
    pub(super) fn verify_chunk(&self, chunk: ChunkId, verified: &mut HashSet<i64>) -> Result<()> {
        let rows: Option<(Option<i64>, Option<i64>)> = self.run("read", |c| {
            let select = "SELECT documents.id, root FROM chunks LEFT JOIN documents ON documents.id = document WHERE chunks.id = ?1";
            c.prepare_cached(select)?.query_row([chunk], |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })?;
        let Some((document, root)) = rows else { return Ok(()) };
        let (Some(document), Some(root)) = (document, root) else {
            return Err(damaged(format!("chunk {chunk}")));
        };
        let mut intact = self.is_intact(Table::Chunks, chunk as i64)?;
        if intact && verified.insert(document) {
            intact = self.is_intact(Table::Documents, document)? && self.is_intact(Table::Roots, root)?;
        }
        if intact { Ok(()) } else { Err(damaged(self.path_of(document)?.display())) }
    }

    /// Verifies the checks of the files for which an SQL condition is true.
    pub(super) fn verify_files(&self, condition: &str) -> Result<()> {
        let files: Vec<i64> = self.run("read", |c| {
            c.prepare(&format!("SELECT id FROM documents WHERE {condition}"))?
                .query_map([], |row| row.get(0))?
                .collect()
        })?;
        for file in files {
            if !self.is_intact(Table::Documents, file)? {
                return Err(damaged(self.path_of(file)?.display()));
            }
        }
        Ok(())
    }

    /// Verifies the checks of the folders and files that were indexed.
    pub(super) fn verify_roots(&self) -> Result<()> {
        match self.damaged(Table::Roots)?.is_empty() {
            true => Ok(()),
            false => {
                Err(Error::damaged(format!("{} no longer tells which folders were indexed", self.path().display()))
                    .with_hint(format!(
                        "name them again: `kinglet index FOLDER --index {}` reads all of their files again",
                        self.index_name()
                    )))
            }
        }
    }

    /// Changes a row and its check, unless it is damaged already.
    pub(super) fn update(
        &self,
        table: Table,
        id: i64,
        work: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<()> {
        if !self.is_intact(table, id)? {
            return Err(damaged(format!("row {id} of the {}", table.name())));
        }
        self.run("write to", |c| work(c).and_then(|()| seal(c, table, id)))
    }

    /// True if a row is as it was written. A missing row counts as intact, and so do all rows of a
    /// store that only earlier versions have written to.
    fn is_intact(&self, table: Table, id: i64) -> Result<bool> {
        if !self.has_checks(table)? {
            return Ok(true);
        }
        let intact = self.run("read", |c| {
            c.prepare_cached(&format!("SELECT * FROM {} WHERE id = ?1", table.name()))?
                .query_row([id], |row| is_intact(table, row))
                .optional()
        })?;
        Ok(intact.unwrap_or(true))
    }

    fn has_checks(&self, table: Table) -> Result<bool> {
        if self.checked.get().is_none() {
            let mut checked = [false; CHECKED.len()];
            for (table, column) in CHECKED {
                checked[table as usize] = self.has_column(table.name(), column)?;
            }
            let _ = self.checked.set(checked);
        }
        Ok(self.checked.get().is_some_and(|checked| checked[table as usize]))
    }

    /// All damaged rows.
    pub fn damage(&self) -> Result<Damage> {
        let mut damage = Damage { roots: self.damaged(Table::Roots)?, ..Damage::default() };
        let mut files = self.damaged(Table::Documents)?;
        for chunk in self.damaged(Table::Chunks)? {
            files.push(self.run("read", |c| {
                c.prepare_cached("SELECT document FROM chunks WHERE id = ?1")?.query_row([chunk], |row| row.get(0))
            })?);
        }
        for file in files {
            damage.files.insert(file, self.path_of(file)?);
        }
        Ok(damage)
    }

    fn damaged(&self, table: Table) -> Result<Vec<i64>> {
        if !self.has_checks(table)? {
            return Ok(Vec::new());
        }
        self.run("read", |c| {
            let mut damaged = Vec::new();
            let mut select = c.prepare(&format!("SELECT * FROM {}", table.name()))?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                if !is_intact(table, row)? {
                    damaged.push(row.get("id")?);
                }
            }
            Ok(damaged)
        })
    }

    fn ids(&self, table: Table) -> Result<Vec<i64>> {
        self.run("read", |c| {
            c.prepare(&format!("SELECT id FROM {}", table.name()))?.query_map([], |row| row.get(0))?.collect()
        })
    }

    /// True if the text of a chunk matches its hash.
    fn has_its_hash(&self, chunk: ChunkId) -> Result<bool> {
        let hash: Option<Vec<u8>> = self.run("read", |c| {
            c.prepare_cached("SELECT hash FROM chunks WHERE id = ?1")?.query_row([chunk], |row| row.get(0))
        })?;
        let stored = self.chunks_unchecked(&[chunk]);
        Ok(stored.is_ok_and(|stored| hash.is_some_and(|hash| hash == stored[0].chunk.hash())))
    }

    /// The path of a file as its row has it, even if the row is damaged.
    fn path_of(&self, document: i64) -> Result<PathBuf> {
        let parts: Option<(Vec<u8>, Vec<u8>)> = self.run("read", |c| {
            let select = "SELECT CAST(ifnull(roots.path, '') AS BLOB), CAST(documents.path AS BLOB)
                          FROM documents LEFT JOIN roots ON roots.id = root WHERE documents.id = ?1";
            c.prepare_cached(select)?.query_row([document], |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })?;
        let (root, path) = parts.unwrap_or_default();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(super::rows::whole_path(text(root), text(path)))
    }

    /// Checks the structure of the file: its pages, and that tables agree with their indexes.
    ///
    /// # Errors
    /// When the structure is damaged.
    pub fn check_structure(&self) -> Result<()> {
        let found: String = self.run("read", |c| c.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)))?;
        match found.as_str() {
            "ok" => Ok(()),
            found => {
                Err(Error::damaged(format!("{} is damaged: {found}", self.path().display()))
                    .with_hint(mends_structure()))
            }
        }
    }
}

/// Writes the check of a row as it is now.
pub(super) fn seal(connection: &Connection, table: Table, id: i64) -> rusqlite::Result<()> {
    let (name, column) = (table.name(), table.check_column());
    let check = connection
        .prepare_cached(&format!("SELECT * FROM {name} WHERE id = ?1"))?
        .query_row([id], |row| check_of(table, row))?;
    connection
        .prepare_cached(&format!("UPDATE {name} SET {column} = ?2 WHERE id = ?1"))?
        .execute(params![id, check])
        .map(drop)
}

fn is_intact(table: Table, row: &Row<'_>) -> rusqlite::Result<bool> {
    let stored = row.get_ref(table.check_column())?;
    Ok(stored == ValueRef::Blob(&check_of(table, row)?))
}

/// The check of all columns that have a value, so that a column that a later version adds changes
/// nothing.
fn check_of(table: Table, row: &Row<'_>) -> rusqlite::Result<[u8; CHECK_BYTES]> {
    let statement: &rusqlite::Statement<'_> = row.as_ref();
    let mut hasher = blake3::Hasher::new();
    for column in 0..statement.column_count() {
        let name = statement.column_name(column)?;
        if name == table.check_column() {
            continue;
        }
        let mut add = |kind: u8, bytes: &[u8]| {
            hasher.update(name.as_bytes()).update(&[0, kind]).update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
        };
        match row.get_ref(column)? {
            ValueRef::Null => {}
            ValueRef::Integer(number) => add(1, &number.to_le_bytes()),
            ValueRef::Real(number) => add(2, &number.to_le_bytes()),
            ValueRef::Text(bytes) => add(3, bytes),
            ValueRef::Blob(bytes) => add(4, bytes),
        }
    }
    Ok(hasher.finalize().as_bytes()[..CHECK_BYTES].try_into().expect("BLAKE3 gives 32 bytes"))
}

fn damaged(what: impl std::fmt::Display) -> Error {
    Error::damaged(format!("what the index keeps of {what} is damaged: it is not what was written"))
        .with_hint(Hint::update_index("it reads that file again"))
}
