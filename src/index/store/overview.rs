//! Views of the whole store: its counts, the facts that filters ask for, files that were read
//! badly, and the order of chunks.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use rusqlite::OptionalExtension;

use crate::error::Result;
use crate::index::store::rows::{from_json, list, whole_path};
use crate::index::store::{ChunkId, Documents};

/// The facts about a chunk that filters ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// The chunk.
    pub chunk: ChunkId,
    /// The chunk with the same words that is searched in its place; itself for most.
    pub original: ChunkId,
    /// The indexed folder or file.
    pub root: String,
    /// The path below it, `/` between its parts; empty when the root is the file.
    pub path: String,
    /// When the file was last changed, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// The headings over the chunk or a part of it, outermost first.
    pub headings: Vec<String>,
    /// Where the chunk starts in the document's text.
    pub start_byte: u64,
    /// The metadata of the document, as keys and values.
    pub metadata: Vec<(String, String)>,
}

impl Outline {
    /// The path of the file below the indexed folder; its name when the root is the file.
    pub fn path_below_root(&self) -> &str {
        match self.path.as_str() {
            "" => self.root.rsplit('/').next().unwrap_or(&self.root),
            path => path,
        }
    }

    /// The whole path of the file.
    pub fn whole_path(&self) -> String {
        if self.path.is_empty() {
            self.root.clone()
        } else {
            format!("{}/{}", self.root.trim_end_matches('/'), self.path)
        }
    }
}

/// How much an index holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Files with chunks in the index.
    pub documents: u64,
    /// Files that were found but not read.
    pub skipped: u64,
    /// Chunks, including exact duplicates.
    pub chunks: u64,
    /// Chunks with the same words as another one, which is searched in their place.
    pub duplicates: u64,
    /// Lines that were left out because they stand on page after page.
    pub repeated_lines: u64,
}

impl Documents {
    /// Files whose text may be wrong or shortened, with the reasons, by path.
    pub fn doubtful_files(&self) -> Result<Vec<(PathBuf, String)>> {
        let doubt = self.column_or_null("doubt")?;
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

    /// Why the text of a chunk's file may be wrong or shortened, if it may.
    pub fn doubt(&self, chunk: ChunkId) -> Result<Option<String>> {
        let doubt = self.column_or_null("doubt")?;
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

    /// The files with chunks for whose text and headings `is_meant` is true, and how many these
    /// are, by path.
    pub fn files_with(&self, is_meant: &dyn Fn(&str, &[String]) -> bool) -> Result<Vec<(PathBuf, usize)>> {
        self.run("read", |c| {
            let mut select = c.prepare(
                "SELECT roots.path, documents.path, text, headings
                 FROM chunks JOIN documents ON documents.id = document JOIN roots ON roots.id = root",
            )?;
            let mut rows = select.query([])?;
            let mut files: BTreeMap<(String, String), usize> = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let headings: Vec<String> = from_json(3, row.get_ref(3)?.as_str()?)?;
                if is_meant(row.get_ref(2)?.as_str()?, &headings) {
                    *files.entry((row.get(0)?, row.get(1)?)).or_default() += 1;
                }
            }
            Ok(files.into_iter().map(|((root, path), count)| (whole_path(root, path), count)).collect())
        })
    }

    /// How much the store holds.
    pub fn counts(&self) -> Result<Counts> {
        let (original, repeated) = (self.column_or_null("original")?, self.column_or_null("repeated_lines")?);
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
                        duplicates: row.get(3)?,
                        repeated_lines: row.get(4)?,
                    })
                },
            )
        })
    }

    /// The outline of every chunk, by id.
    pub fn outlines(&self) -> Result<Vec<Outline>> {
        let (metadata, original, inner) = (
            self.column_or_null("metadata")?,
            self.column_or_null("original")?,
            self.column_or_null("inner_headings")?,
        );
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

    /// Orders chunks by the path of their root, the path below it, and their start.
    ///
    /// # Errors
    /// When the store does not have one of them.
    pub fn by_place(&self, chunks: &[ChunkId]) -> Result<Vec<ChunkId>> {
        let mut paths: HashMap<i64, (String, String)> = HashMap::new();
        let mut places: Vec<(i64, u64, ChunkId)> = Vec::with_capacity(chunks.len());
        let missing = self.run("read", |c| {
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
        if let Some(chunk) = missing {
            return Err(self.missing_chunk(chunk));
        }
        places.sort_by(|a, b| (&paths[&a.0], a.1, a.2).cmp(&(&paths[&b.0], b.1, b.2)));
        Ok(places.into_iter().map(|(_, _, chunk)| chunk).collect())
    }
}
