//! A change to the store: seen by others as a whole, or not at all.

use std::path::Path;

use rusqlite::params;

use crate::error::{Error, Result};
use crate::index::store::Documents;
use crate::index::store::row_checks::{Table, seal};
use crate::scan::walk::FileState;

impl Documents {
    /// Starts a change that [`Change::commit`] makes durable; dropping it undoes it.
    pub fn change(&self) -> Result<Change<'_>> {
        self.run("start a change in", |c| c.execute_batch("BEGIN IMMEDIATE"))?;
        Ok(Change { documents: self, open: true })
    }
}

/// A change to the store, seen by others only when it is committed.
pub struct Change<'d> {
    pub(super) documents: &'d Documents,
    open: bool,
}

impl Change<'_> {
    /// The row of a root, which is created if it is missing.
    pub fn root(&self, path: &Path) -> Result<i64> {
        let text = utf8(path)?;
        self.documents.run("write to", |c| {
            let is_new = c.execute("INSERT OR IGNORE INTO roots(path) VALUES (?1)", [text])? > 0;
            let root = c.query_row("SELECT id FROM roots WHERE path = ?1", [text], |row| row.get(0))?;
            if is_new {
                seal(c, Table::Roots, root)?;
            }
            Ok(root)
        })
    }

    /// Records that a file has another state on disk but the same content.
    pub fn touch(&self, id: i64, state: FileState) -> Result<()> {
        self.documents.update(Table::Documents, id, |c| {
            let update = "UPDATE documents SET size_bytes = ?2, modified_ns = ?3, status_changed_ns = ?4 WHERE id = ?1";
            c.prepare_cached(update)?
                .execute(params![id, state.size_bytes, state.modified_ns, state.status_changed_ns])
                .map(|_| ())
        })
    }

    /// Gives a folder or file that was indexed another path. Its files keep their rows.
    pub fn move_root(&self, id: i64, to: &Path) -> Result<()> {
        let text = utf8(to)?;
        self.documents.update(Table::Roots, id, |c| {
            c.execute("UPDATE roots SET path = ?2 WHERE id = ?1", params![id, text]).map(drop)
        })
    }

    /// Removes a folder or file that was indexed, with all files in it.
    pub fn remove_root(&self, id: i64) -> Result<()> {
        self.documents.run("write to", |c| c.execute("DELETE FROM roots WHERE id = ?1", [id]).map(drop))
    }

    /// Removes a file and its chunks.
    pub fn remove(&self, id: i64) -> Result<()> {
        self.documents
            .run("write to", |c| c.prepare_cached("DELETE FROM documents WHERE id = ?1")?.execute([id]).map(|_| ()))
    }

    /// Makes the change durable under the next generation, and returns that.
    pub fn commit(self) -> Result<u64> {
        let documents = self.documents;
        documents.run("commit to", |c| c.execute_batch("UPDATE state SET generation = generation + 1"))?;
        self.keep()?;
        documents.generation()
    }

    /// Makes a change durable that no derived part depends on.
    pub(super) fn keep(mut self) -> Result<()> {
        self.documents.run("commit to", |c| c.execute_batch("COMMIT"))?;
        self.open = false;
        Ok(())
    }
}

fn utf8(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| Error::input(format!("the path {} is not UTF-8", path.display())))
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        if self.open {
            // A failure does no harm: closing the connection rolls back too.
            let _ = self.documents.connection.execute_batch("ROLLBACK");
        }
    }
}
