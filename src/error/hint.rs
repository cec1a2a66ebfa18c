//! What helps after an error, as data: a program matches on it, the command line renders it as a
//! command.

use std::path::PathBuf;

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// Name a folder to index.
    IndexFolder,
    /// Say which of these indexes is meant.
    NameIndex {
        /// Their names, sorted; empty if there are no indexes yet.
        among: Vec<String>,
    },
    /// Bring an index up to date.
    UpdateIndex {
        /// Its name, where it is known.
        index: Option<String>,
        /// What that does, as a clause; `None` where the error says it.
        effect: Option<&'static str>,
    },
    /// Add the vectors of an embedder to an index.
    AddEmbedder {
        /// The index's name.
        index: String,
        /// The embedder's id.
        embedder: String,
    },
    /// Add the learned terms of a sparse encoder to an index.
    AddEncoder {
        /// The index's name.
        index: String,
        /// The encoder's id.
        encoder: String,
    },
    /// Cut the documents of an index into chunks of another size.
    ChangeChunking {
        /// The index's name.
        index: String,
        /// The size, as the setting `chunking` names it.
        chunking: String,
    },
    /// Delete a file or folder of an index and bring the index up to date.
    DeleteAndUpdateIndex {
        /// What to delete.
        path: PathBuf,
        /// What the run does then, as a clause.
        effect: &'static str,
    },
    /// Remove an index and make it anew; the documents are not touched.
    RebuildIndex {
        /// Its name.
        index: String,
    },
    /// Look which indexes there are.
    ListIndexes,
    /// Check runtime, models and index.
    RunDoctor,
    /// Fetch models.
    PullModels {
        /// Their ids; at least one.
        ids: Vec<String>,
        /// Whether files that are there already are checked and replaced too.
        force: bool,
    },
    /// Look which models there are, and what each is for.
    ListModels,
    /// A sentence for people.
    Advice(String),
}

impl From<&str> for Hint {
    fn from(advice: &str) -> Self {
        Hint::Advice(advice.to_string())
    }
}

impl From<String> for Hint {
    fn from(advice: String) -> Self {
        Hint::Advice(advice)
    }
}

impl Hint {
    /// Bring the index that the error is about up to date, which has this effect.
    pub(crate) fn update(effect: impl Into<Option<&'static str>>) -> Self {
        Hint::UpdateIndex { index: None, effect: effect.into() }
    }

    /// Fetch one model, or replace its damaged files.
    pub(crate) fn pull(id: impl ToString, force: bool) -> Self {
        Hint::PullModels { ids: vec![id.to_string()], force }
    }
}
