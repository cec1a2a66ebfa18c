//! The tables of the store, and the columns that earlier versions lack.

use rusqlite::Connection;

use crate::error::Result;
use crate::index::store::Documents;

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

impl Documents {
    /// Creates what a new store, or one of an earlier version, lacks.
    pub(super) fn set_up(&self) -> Result<()> {
        self.run("set up", |connection: &Connection| {
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.execute_batch(SCHEMA)
        })?;
        for (table, column) in LATER_COLUMNS {
            if !self.has_column(table, column)? {
                let add = format!("ALTER TABLE {table} ADD COLUMN {column}");
                self.run("set up", |c| c.execute_batch(&add))?;
            }
        }
        let copies = "CREATE INDEX IF NOT EXISTS copies ON chunks(original) WHERE original IS NOT NULL";
        self.run("set up", |c| c.execute_batch(copies))?;
        self.add_checks()
    }

    /// True if a table has this column. An index that only earlier versions have written to may
    /// lack it.
    pub(super) fn has_column(&self, table: &str, column: &str) -> Result<bool> {
        self.run("read", |c| {
            let count = "SELECT count(*) > 0 FROM pragma_table_info(?1) WHERE name = ?2";
            c.prepare_cached(count)?.query_row([table, column], |row| row.get(0))
        })
    }

    /// The name of a column that was added later, or `NULL` if this store lacks it.
    pub(super) fn column_or_null(&self, column: &'static str) -> Result<&'static str> {
        let known = LATER_COLUMNS.iter().find(|(_, later)| *later == column);
        let (table, _) = known.expect("it stands in the list of those that were added later");
        Ok(if self.has_column(table, column)? { column } else { "NULL" })
    }
}
