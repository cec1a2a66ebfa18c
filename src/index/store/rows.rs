//! Reads rows of the store as folders, files and chunks.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, Row};

use crate::chunking::Chunk;
use crate::error::{Error, Hint, Result};
use crate::index::store::{ChunkHash, ChunkId, Documents};
use crate::scan::walk::FileState;
use crate::text::Span;
use kinglet_formats::LocationUnit;

/// A file as the index knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFile {
    /// Its row.
    pub id: i64,
    /// Its state on disk when it was read.
    pub state: FileState,
    /// The BLAKE3 hash of its bytes; zeros if it was not read.
    pub hash: [u8; 32],
    /// Why the index has nothing of it, if it was skipped.
    pub skipped: Option<String>,
    /// How many times in a row reading it was given up.
    pub tries: u32,
}

/// A chunk with its id and its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChunk {
    /// Its id.
    pub id: ChunkId,
    /// The full path of its file.
    pub path: PathBuf,
    /// The chunk itself.
    pub chunk: Chunk,
}

impl Documents {
    /// The indexed folders and files, by row.
    ///
    /// # Errors
    /// When one of them has changed since it was written.
    pub fn roots(&self) -> Result<Vec<(i64, PathBuf)>> {
        self.verify_roots()?;
        self.roots_except(&[])
    }

    /// The same without the damaged ones.
    pub fn roots_except(&self, damaged: &[i64]) -> Result<Vec<(i64, PathBuf)>> {
        self.run("read", |c| {
            let mut select = c.prepare("SELECT id FROM roots ORDER BY id")?;
            let ids = select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
            let mut path = c.prepare("SELECT path FROM roots WHERE id = ?1")?;
            let sound = ids.into_iter().filter(|id| !damaged.contains(id));
            sound.map(|id| Ok((id, PathBuf::from(path.query_row([id], |row| row.get::<_, String>(0))?)))).collect()
        })
    }

    /// All files of one root, by path.
    pub fn known_files(&self, root: i64) -> Result<HashMap<String, KnownFile>> {
        let (tries, status_changed) = (self.column_or_null("tries")?, self.column_or_null("status_changed_ns")?);
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

    /// The ids of all chunks, in order.
    pub fn chunk_ids(&self) -> Result<Vec<ChunkId>> {
        self.run("read", |c| c.prepare("SELECT id FROM chunks ORDER BY id")?.query_map([], |row| row.get(0))?.collect())
    }

    /// The ids of the chunks that are searched, in order, without reading the chunks.
    pub fn searchable_ids(&self) -> Result<Vec<ChunkId>> {
        let original = self.column_or_null("original")?;
        self.run("read", |c| {
            c.prepare(&format!(
                "SELECT id FROM chunks EXCEPT SELECT id FROM chunks WHERE {original} IS NOT NULL ORDER BY id"
            ))?
            .query_map([], |row| row.get(0))?
            .collect()
        })
    }

    /// The ids and hashes of the chunks that are searched, ordered by id. Exact duplicates of
    /// others are not.
    pub fn originals(&self) -> Result<Vec<(ChunkId, ChunkHash)>> {
        let original = self.column_or_null("original")?;
        self.run("read", |c| {
            c.prepare(&format!("SELECT id, hash FROM chunks WHERE {original} IS NULL ORDER BY id"))?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
    }

    /// The number of chunks that are searched, without reading them.
    pub fn searchable(&self) -> Result<usize> {
        let original = self.column_or_null("original")?;
        self.run("read", |c| {
            let count = format!(
                "SELECT (SELECT count(*) FROM chunks) - (SELECT count(*) FROM chunks WHERE {original} IS NOT NULL)"
            );
            c.query_row(&count, [], |row| row.get(0))
        })
    }

    /// The chunks for whose hash `is_present` is false, each hash once, ordered by id.
    pub fn missing_chunks(&self, is_present: impl Fn(&ChunkHash) -> bool) -> Result<Vec<ChunkId>> {
        let mut seen = HashSet::new();
        let hashes = self.originals()?.into_iter();
        Ok(hashes.filter(|(_, hash)| !is_present(hash) && seen.insert(*hash)).map(|(id, _)| id).collect())
    }

    /// The chunks with these ids, in the given order.
    ///
    /// # Errors
    /// When a chunk has changed since it was written; the error names its file. When a chunk is
    /// missing: ids come from the derived parts, so these no longer match the store.
    pub fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<StoredChunk>> {
        let mut verified = HashSet::new();
        ids.iter().try_for_each(|id| self.verify_chunk(*id, &mut verified))?;
        self.chunks_unchecked(ids)
    }

    /// The same without verifying them.
    pub(super) fn chunks_unchecked(&self, ids: &[ChunkId]) -> Result<Vec<StoredChunk>> {
        let mut chunks = Vec::with_capacity(ids.len());
        let (unit, inner) = (self.column_or_null("unit")?, self.column_or_null("inner_headings")?);
        let select = format!(
            "SELECT chunks.id, roots.path, documents.path, start_byte, end_byte, first_line, last_line, lines, headings, text, {unit}, {inner}
             FROM chunks JOIN documents ON documents.id = document JOIN roots ON roots.id = root WHERE chunks.id = ?1"
        );
        for &id in ids {
            let chunk = self.run("read", |c| c.prepare_cached(&select)?.query_row([id], stored_chunk).optional())?;
            chunks.push(chunk.ok_or_else(|| self.missing_chunk(id))?);
        }
        Ok(chunks)
    }

    pub(super) fn missing_chunk(&self, chunk: ChunkId) -> Error {
        Error::damaged(format!("chunk {chunk} is not in {}", self.path.display())).with_hint(Hint::derive_again())
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
                .map_or(Ok(LocationUnit::Line), |unit| from_json(10, &format!("{unit:?}")))?,
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

/// A list in JSON; empty for NULL.
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
