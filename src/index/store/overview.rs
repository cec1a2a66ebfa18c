//! The store seen as a whole: how much it holds, what filters ask, which files were not read well,
//! in which order things stand.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::PathBuf;

use rusqlite::OptionalExtension;

use crate::error::Result;
use crate::index::store::rows::{from_json, list, whole_path};
use crate::index::store::{ChunkId, Documents};

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

impl Documents {
    /// Files that were read in a way that is doubtful, with what is doubtful, by path.
    pub fn doubtful_files(&self) -> Result<Vec<(PathBuf, String)>> {
        let doubt = self.later("doubt")?;
        self.verify_files(&format!("{doubt} IS NOT NULL"))?;
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
        self.verify_files("skipped IS NOT NULL")?;
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

    /// The same chunks in the order of their paths and places: the root's path, the path below it,
    /// where they start.
    ///
    /// # Errors
    /// When one is not there.
    pub fn by_place(&self, chunks: &[ChunkId]) -> Result<Vec<ChunkId>> {
        let mut paths: HashMap<i64, (String, String)> = HashMap::new();
        let mut places: Vec<(i64, u64, ChunkId)> = Vec::with_capacity(chunks.len());
        let lost = self.run("read", |c| {
            let mut place = c.prepare_cached("SELECT document, start_byte FROM chunks WHERE id = ?1")?;
            let mut path = c.prepare_cached(
                "SELECT roots.path, documents.path FROM documents JOIN roots ON roots.id = root WHERE documents.id = ?1",
            )?;
            for &chunk in chunks {
                let found = place.query_row([chunk], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
                let Some((document, start)) = found else { return Ok(Some(chunk)) };
                if let Entry::Vacant(entry) = paths.entry(document) {
                    entry.insert(path.query_row([document], |row| Ok((row.get(0)?, row.get(1)?)))?);
                }
                places.push((document, start, chunk));
            }
            Ok(None)
        })?;
        if let Some(chunk) = lost {
            return Err(self.lost(chunk));
        }
        places.sort_by(|a, b| (&paths[&a.0], a.1, a.2).cmp(&(&paths[&b.0], b.1, b.2)));
        Ok(places.into_iter().map(|(_, _, chunk)| chunk).collect())
    }
}
