//! The views of an index, of all indexes, and of an indexing run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::relative;
use crate::engine::Kinglet;
use crate::error::Result;
use crate::index::{Index, durable_file};
use crate::ingest::{FileNote, Summary};
use crate::search::instructions::instructions_in;
use kinglet_formats::is_truncated;

/// The summary of an indexing run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct IndexingView {
    /// The index.
    pub name: String,
    /// The number of files read in this run.
    pub read: usize,
    /// The number of files unchanged since the last run.
    pub unchanged: usize,
    /// The number of files removed since the last run.
    pub removed: usize,
    /// The number of files read again because their rows in the index were damaged; absent if there
    /// were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repaired: Option<usize>,
    /// Indexed folders and files that are not there now, and whose text stays in the index; absent
    /// if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<PathBuf>,
    /// Files that were found but not read.
    pub skipped: Vec<FileReasonView>,
    /// Files of the index that are not whole because of a limit.
    pub truncated: Vec<FileReasonView>,
    /// The number of chunks in the index now.
    pub chunks: u64,
    /// The number of chunks embedded in this run.
    pub embedded: usize,
    /// The time for finding and reading files.
    pub read_ms: u64,
    /// The time for embedding.
    pub embed_ms: u64,
    /// The time for committing and building derived parts.
    pub commit_ms: u64,
}

/// A file in a list, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FileReasonView {
    /// The file.
    pub path: String,
    /// The reason.
    pub reason: String,
}

/// A file whose text may be wrong or not whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FileWarningView {
    /// The file.
    pub path: String,
    /// What may be wrong.
    pub warning: String,
    /// True if something was left out.
    pub truncated: bool,
}

/// A file with text that reads like instructions to a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FileInstructionsView {
    /// The file.
    pub path: String,
    /// The number of its passages with such text.
    pub passages: usize,
}

/// The content of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct IndexView {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// The folders and files that it covers.
    pub roots: Vec<PathBuf>,
    /// The number of documents.
    pub documents: u64,
    /// Files that were found but not read.
    pub skipped: Vec<FileReasonView>,
    /// Files whose text may be wrong or not whole.
    pub warnings: Vec<FileWarningView>,
    /// Files with text that reads like instructions to a model.
    pub instructions: Vec<FileInstructionsView>,
    /// The number of chunks, with duplicates.
    pub chunks: u64,
    /// The number of chunks with the same words as another; a search finds only that one.
    pub exact_duplicates: u64,
    /// The number of near-duplicates, which a search shows with their original.
    pub near_duplicates: usize,
    /// The number of lines left out because they recur on many pages.
    pub boilerplate_lines: u64,
    /// For each embedder, the number of searchable chunks that have a vector.
    pub vectors: BTreeMap<String, u64>,
    /// True if all files were read, and every part of the index has all chunks.
    pub complete: bool,
    /// The code of the language for stemming.
    pub language: String,
    /// The embedders, the default one first.
    pub embedders: Vec<String>,
    /// The sparse encoders.
    pub sparse_encoders: Vec<String>,
    /// The settings that `kinglet use` has set.
    pub defaults: BTreeMap<String, String>,
    /// Increases by one with every commit of changed files.
    pub generation: u64,
    /// Its size on disk.
    pub size_bytes: u64,
}

/// All indexes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct IndexListView {
    /// The indexes, sorted by name.
    pub indexes: Vec<IndexEntryView>,
}

/// One of the indexes, or why it cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum IndexEntryView {
    /// It can be searched.
    Searchable {
        /// Its name.
        name: String,
        /// The number of documents.
        documents: u64,
        /// The number of chunks, with duplicates.
        chunks: u64,
        /// The folders and files that it covers.
        roots: Vec<PathBuf>,
    },
    /// It cannot be opened.
    Unreadable {
        /// Its name.
        name: String,
        /// The reason.
        error: String,
    },
}

impl IndexingView {
    /// Makes paths relative to `base`.
    pub fn new(name: &str, summary: &Summary, base: &Path) -> Self {
        let files = |files: &[FileNote]| files.iter().map(|file| reason(&file.path, &file.reason, base)).collect();
        IndexingView {
            name: name.to_string(),
            read: summary.read,
            unchanged: summary.unchanged,
            removed: summary.removed,
            repaired: (summary.repaired > 0).then_some(summary.repaired),
            gone: summary.gone.clone(),
            skipped: files(&summary.skipped),
            truncated: files(&summary.truncated),
            chunks: summary.chunks,
            embedded: summary.embedded,
            read_ms: summary.read_ms,
            embed_ms: summary.embed_ms,
            commit_ms: summary.commit_ms,
        }
    }
}

impl IndexView {
    /// Reads the overview of the index. Makes paths of files relative to `base`.
    ///
    /// # Errors
    /// When a part of the index cannot be read.
    pub fn new(index: &Index, base: &Path) -> Result<Self> {
        let (manifest, counts) = (index.manifest(), index.counts()?);
        let searchable = counts.chunks - counts.duplicates;
        let vectors =
            manifest.embedders.iter().map(|card| Ok((card.id.clone(), searchable - index.pending_dense(card)?)));
        let vectors = vectors.collect::<Result<BTreeMap<_, _>>>()?;
        let pending = manifest.sparse.iter().map(|card| index.pending_sparse(card)).sum::<Result<u64>>()?
            + index.pending_lexical()?
            + vectors.values().map(|count| searchable - count).sum::<u64>();
        let warning = |(path, warning): (PathBuf, String)| FileWarningView {
            path: relative(&path, base),
            truncated: is_truncated(&warning),
            warning,
        };
        let instructs = |text: &str, headings: &[String]| !instructions_in(text, headings).is_empty();
        let instructions = index.files_with(&instructs)?.into_iter();
        Ok(IndexView {
            name: index.name(),
            folder: index.folder().to_path_buf(),
            roots: index.roots()?,
            documents: counts.documents,
            skipped: index.skipped_files()?.iter().map(|(path, why)| reason(path, why, base)).collect(),
            warnings: index.doubtful_files()?.into_iter().map(warning).collect(),
            instructions: instructions
                .map(|(path, passages)| FileInstructionsView { path: relative(&path, base), passages })
                .collect(),
            chunks: counts.chunks,
            exact_duplicates: counts.duplicates,
            near_duplicates: index.near_duplicates()?,
            boilerplate_lines: counts.repeated_lines,
            complete: manifest.complete && pending == 0,
            vectors,
            language: manifest.language.code().to_string(),
            embedders: manifest.embedders.iter().map(|card| card.id.clone()).collect(),
            sparse_encoders: manifest.sparse.iter().map(|card| card.id.clone()).collect(),
            defaults: manifest.defaults.clone(),
            generation: index.generation(),
            size_bytes: durable_file::size_bytes(index.folder()),
        })
    }

    /// The number of searchable chunks: exact duplicates count once.
    pub fn searchable(&self) -> u64 {
        self.chunks - self.exact_duplicates
    }
}

impl IndexListView {
    /// Opens each index; an index that cannot be opened becomes an entry with its error.
    ///
    /// # Errors
    /// When the home folder cannot be read.
    pub fn new(kinglet: &Kinglet) -> Result<Self> {
        let entry = |name: String| -> Result<IndexEntryView> {
            let opened = Index::open(&kinglet.index_folder(&name)?);
            Ok(match opened.and_then(|index| Ok((index.counts()?, index.roots()?))) {
                Ok((counts, roots)) => {
                    IndexEntryView::Searchable { name, documents: counts.documents, chunks: counts.chunks, roots }
                }
                Err(error) => IndexEntryView::Unreadable { name, error: error.to_string() },
            })
        };
        Ok(IndexListView { indexes: kinglet.indexes()?.into_iter().map(entry).collect::<Result<_>>()? })
    }
}

fn reason(path: &Path, reason: &str, base: &Path) -> FileReasonView {
    FileReasonView { path: relative(path, base), reason: reason.to_string() }
}
