//! What a run did.

use std::path::PathBuf;

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Files read in this run.
    pub read: usize,
    /// Files that had not changed since the last run.
    pub unchanged: usize,
    /// Files that are gone since the last run.
    pub removed: usize,
    /// Files read again because the index had damaged rows of them.
    pub repaired: usize,
    /// Indexed folders and files that are not there now. What was read of them stays in the index.
    pub gone: Vec<PathBuf>,
    /// Files found but not read, with the reasons.
    pub skipped: Vec<FileNote>,
    /// All files of the index that were not read whole because of a limit, with what was left out.
    pub truncated: Vec<FileNote>,
    /// Chunks in the index now.
    pub chunks: u64,
    /// Chunks embedded in this run. Vectors of earlier runs are reused.
    pub embedded: usize,
    /// Milliseconds for finding and reading files.
    pub read_ms: u64,
    /// Milliseconds for embedding.
    pub embed_ms: u64,
    /// Milliseconds for committing and deriving.
    pub commit_ms: u64,
}

/// A file that was not read, or not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileNote {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}
