//! What a run is asked to do.

use std::path::PathBuf;
use std::sync::Arc;

use crate::chunking::Chunking;
use crate::language::Language;
use crate::models::contracts::{Embedder, SparseEncoder};
use crate::subprocess::Isolation;

/// What is to be indexed, and how.
pub struct IngestPlan<'p> {
    /// Folders and files; empty means those of the last run.
    pub roots: &'p [PathBuf],
    /// How documents are cut. Another chunking than the last run's cuts all of them again.
    pub chunking: Chunking,
    /// Larger files are skipped.
    pub max_file_bytes: u64,
    /// Folders that are never read, such as kinglet's own.
    pub exclude: &'p [PathBuf],
    /// Whose vectors the index shall hold; the first answers.
    pub embedders: &'p [Arc<dyn Embedder>],
    /// Whose learned terms the index shall hold.
    pub encoders: &'p [Arc<dyn SparseEncoder>],
    /// The language of the texts; `None` for the index's own, or the one that a new index's
    /// documents are in.
    pub language: Option<Language>,
    /// Whether token vectors are kept too, where an embedder has them.
    pub keep_tokens: bool,
    /// Where files are read.
    pub isolation: &'p Isolation,
}
