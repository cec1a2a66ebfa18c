//! The view of all files that have the words of a question.

use std::path::Path;

use serde::Serialize;

use super::relative;
use super::search::{CorrectionView, PendingView};
use crate::search::{FileWithWords, FilesResponse};

/// All files that have the words of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FilesView {
    /// The files, those with the most passages first.
    pub files: Vec<FileCountView>,
    /// The words that were looked for.
    pub words: Vec<String>,
    /// The words that were looked for in another spelling; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub corrections: Vec<CorrectionView>,
    /// The pending work of the index; absent if it is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingView>,
}

/// A file that has the words of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FileCountView {
    /// The file.
    pub path: String,
    /// The number of its passages that have all of the words.
    pub passages: usize,
}

impl FilesView {
    /// Makes paths relative to `base`.
    pub fn new(response: &FilesResponse, base: &Path) -> Self {
        let file = |file: &FileWithWords| FileCountView { path: relative(&file.path, base), passages: file.passages };
        FilesView {
            files: response.files.iter().map(file).collect(),
            words: response.words.clone(),
            corrections: response.corrections.iter().map(CorrectionView::from).collect(),
            pending: response.pending.map(PendingView::from),
        }
    }
}
