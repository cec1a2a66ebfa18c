//! The plan of a run.

use std::path::PathBuf;
use std::sync::Arc;

use crate::chunking::Chunking;
use crate::language::Language;
use crate::models::contracts::{Embedder, SparseEncoder};
use crate::subprocess::Isolation;

/// What a run indexes, and how.
pub struct IngestPlan<'p> {
    /// Folders and files; empty means those of the last run.
    pub roots: &'p [PathBuf],
    /// Folders and files of the last run that leave the index with all files in them.
    pub dropped: &'p [PathBuf],
    /// How documents are cut into chunks. If it differs from the last run's, all of them are cut
    /// again.
    pub chunking: Chunking,
    /// Larger files are skipped.
    pub max_file_bytes: u64,
    /// Folders that are never read, such as kinglet's own.
    pub exclude: &'p [PathBuf],
    /// The embedders whose vectors the index will hold; searches use the first.
    pub embedders: &'p [Arc<dyn Embedder>],
    /// The sparse encoders whose vectors the index will hold.
    pub encoders: &'p [Arc<dyn SparseEncoder>],
    /// The language of the texts; `None` for that of the index, which is detected in a new one.
    pub language: Option<Language>,
    /// True if token vectors are kept too, for embedders that have them.
    pub keep_tokens: bool,
    /// The process that reads files.
    pub isolation: &'p Isolation,
}
