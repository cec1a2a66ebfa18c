//! What an index holds, which indexes there are, and what an indexing run did.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::relative;
use crate::engine::Kinglet;
use crate::error::Result;
use crate::index::{Index, durable_file};
use crate::ingest::{FileNote, Summary};
use kinglet_formats::is_truncated;

/// What an indexing run did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct IndexingView {
    /// The index.
    pub name: String,
    /// Files read in this run.
    pub read: usize,
    /// Files that had not changed since the last run.
    pub unchanged: usize,
    /// Files that are gone since the last run.
    pub removed: usize,
    /// Files read again because the index had damaged rows of them; absent if there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repaired: Option<usize>,
    /// Files that were found but not read.
    pub skipped: Vec<FileReasonView>,
    /// Files of the index of which something was left out because of a limit.
    pub truncated: Vec<FileReasonView>,
    /// Chunks in the index now.
    pub chunks: u64,
    /// Chunks embedded in this run.
    pub embedded: usize,
    /// Milliseconds for finding and reading files.
    pub read_ms: u64,
    /// Milliseconds for embedding.
    pub embed_ms: u64,
    /// Milliseconds for committing and deriving.
    pub commit_ms: u64,
}

/// A file with the reason why it stands in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FileReasonView {
    /// The file.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// A file whose text may be wrong or shortened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FileWarningView {
    /// The file.
    pub path: String,
    /// What may be wrong.
    pub warning: String,
    /// Whether something was left out.
    pub truncated: bool,
}

/// What an index holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct IndexView {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub folder: PathBuf,
    /// The folders and files that it covers.
    pub roots: Vec<PathBuf>,
    /// How many files were read.
    pub documents: u64,
    /// Files that were found but not read.
    pub skipped: Vec<FileReasonView>,
    /// Files whose text may be wrong or shortened.
    pub warnings: Vec<FileWarningView>,
    /// Its chunks, duplicates included.
    pub chunks: u64,
    /// Chunks with the same words as another, which is searched in their place.
    pub exact_duplicates: u64,
    /// Chunks that nearly repeat another and are shown with it.
    pub near_duplicates: usize,
    /// Lines that are left out because they stand on page after page.
    pub boilerplate_lines: u64,
    /// For each embedder, how many of the chunks that are searched have a vector.
    pub vectors: BTreeMap<String, u64>,
    /// True if all files were read, and every part of the index has all chunks.
    pub complete: bool,
    /// The code of the language that words are stemmed by.
    pub language: String,
    /// The embedders, that which answers first.
    pub embedders: Vec<String>,
    /// The sparse encoders.
    pub sparse_encoders: Vec<String>,
    /// The settings that `kinglet use` has chosen for it.
    pub defaults: BTreeMap<String, String>,
    /// Grows by one with every commit of files that changed.
    pub generation: u64,
    /// Its size on disk.
    pub size_bytes: u64,
}

/// All indexes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct IndexListView {
    /// Sorted by name.
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
        /// How many files were read.
        documents: u64,
        /// Its chunks, duplicates included.
        chunks: u64,
        /// The folders and files that it covers.
        roots: Vec<PathBuf>,
    },
    /// It cannot be opened.
    Unreadable {
        /// Its name.
        name: String,
        /// Why.
        error: String,
    },
}

impl IndexingView {
    /// Shows paths relative to `base`.
    pub fn new(name: &str, summary: &Summary, base: &Path) -> Self {
        let files = |files: &[FileNote]| files.iter().map(|file| reason(&file.path, &file.reason, base)).collect();
        IndexingView {
            name: name.to_string(),
            read: summary.read,
            unchanged: summary.unchanged,
            removed: summary.removed,
            repaired: (summary.repaired > 0).then_some(summary.repaired),
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
    /// Looks at everything that the index holds. Shows paths of files relative to `base`.
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
        Ok(IndexView {
            name: index.name(),
            folder: index.folder().to_path_buf(),
            roots: index.roots()?,
            documents: counts.documents,
            skipped: index.skipped_files()?.iter().map(|(path, why)| reason(path, why, base)).collect(),
            warnings: index.doubtful_files()?.into_iter().map(warning).collect(),
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

    /// How many chunks are searched: each text once.
    pub fn searchable(&self) -> u64 {
        self.chunks - self.exact_duplicates
    }
}

impl IndexListView {
    /// Opens each index; one that cannot be opened does not hide the others.
    ///
    /// # Errors
    /// When the home cannot be read.
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
