//! Writes a file into the store, at once or part by part. The store gets all of it or nothing.

use rusqlite::params;

use crate::chunking::Chunk;
use crate::error::Result;
use crate::extract::Extracted;
use crate::index::store::Change;
use crate::index::store::row_checks::{Table, seal};
use crate::index::store::rows::json;
use crate::near_duplicate::{Sketch, words_hash};
use crate::scan::walk::FileState;

/// What the store records of a file.
#[derive(Debug, Clone, Copy)]
pub struct NewFile<'a> {
    /// The root's row.
    pub root: i64,
    /// The path below the root, `/` between its parts; empty when the root is the file.
    pub path: &'a str,
    /// Its state on disk; the default makes the next run read it again.
    pub state: FileState,
    /// The BLAKE3 hash of its bytes; zeros if it was not read.
    pub hash: [u8; 32],
    /// How many times in a row reading it was given up.
    pub tries: u32,
    /// What was read of it, without parts added before; or why it was skipped.
    pub content: std::result::Result<&'a Extracted, &'a str>,
}

impl<'a> NewFile<'a> {
    /// A file that was found but not read.
    pub fn skipped(root: i64, path: &'a str, reason: &'a str) -> Self {
        NewFile { root, path, state: FileState::default(), hash: [0; 32], tries: 0, content: Err(reason) }
    }
}

impl Change<'_> {
    /// Writes a file and its chunks, in place of its previous entry.
    pub fn put(&self, file: &NewFile<'_>) -> Result<()> {
        let document = self.begin(file.root, file.path)?;
        self.finish(document, file)
    }

    /// Begins to write a file in place of its previous entry, and returns its row. Until
    /// [`finish`](Self::finish), [`undo`](Self::undo) restores the previous entry.
    pub fn begin(&self, root: i64, path: &str) -> Result<i64> {
        self.documents.run("write to", |c| {
            c.execute_batch("SAVEPOINT file")?;
            c.prepare_cached("DELETE FROM documents WHERE root = ?1 AND path = ?2")?.execute(params![root, path])?;
            let insert =
                "INSERT INTO documents(root, path, size_bytes, modified_ns, hash) VALUES (?1, ?2, 0, 0, zeroblob(32))";
            c.prepare_cached(insert)?.execute(params![root, path])?;
            Ok(c.last_insert_rowid())
        })
    }

    /// Undoes a file that was begun and not finished.
    pub fn undo(&self) -> Result<()> {
        self.documents.run("write to", |c| c.execute_batch("ROLLBACK TO file; RELEASE file"))
    }

    /// Finishes a file that was begun, with the rest of its chunks.
    pub fn finish(&self, document: i64, file: &NewFile<'_>) -> Result<()> {
        let extracted = file.content.ok();
        let chunks = extracted.map(|extracted| extracted.chunks.as_slice()).unwrap_or_default();
        self.add(document, chunks)?;
        self.documents.run("write to", |c| {
            c.prepare_cached(
                "UPDATE documents SET size_bytes = ?2, modified_ns = ?3, hash = ?4, skipped = ?5, metadata = ?6, unit = ?7,
                        doubt = ?8, repeated_lines = ?9, tries = ?10, status_changed_ns = ?11
                 WHERE id = ?1",
            )?
            .execute(params![
                document,
                file.state.size_bytes,
                file.state.modified_ns,
                file.hash,
                file.content.err(),
                extracted.filter(|extracted| !extracted.metadata.is_empty()).map(|extracted| json(&extracted.metadata)),
                chunks.first().map(|chunk| chunk.unit.name()),
                extracted.and_then(|extracted| extracted.warning.as_deref()),
                extracted.map(|extracted| extracted.repeated_lines),
                file.tries,
                file.state.status_changed_ns
            ])?;
            seal(c, Table::Documents, document)?;
            c.execute_batch("RELEASE file")
        })
    }

    /// Adds chunks to a file that was begun.
    pub fn add(&self, document: i64, chunks: &[Chunk]) -> Result<()> {
        self.documents.run("write to", |c| {
            for chunk in chunks {
                let passage = chunk.passage();
                c.prepare_cached(
                    "INSERT INTO chunks(document, start_byte, end_byte, first_line, last_line, lines, headings, text, hash, words, sketch, inner_headings)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                )?
                .execute(params![
                    document,
                    chunk.span.start,
                    chunk.span.end,
                    chunk.first,
                    chunk.last,
                    chunk.places.as_ref().map(json),
                    json(&chunk.headings),
                    chunk.text,
                    chunk.hash(),
                    words_hash(&passage),
                    Sketch::of(&passage).to_bytes(),
                    (!chunk.inner_headings.is_empty()).then(|| json(&chunk.inner_headings))
                ])?;
                seal(c, Table::Chunks, c.last_insert_rowid())?;
            }
            Ok(())
        })
    }
}
