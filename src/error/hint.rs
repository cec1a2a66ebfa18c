//! What helps after an error, as data: a program matches on it, and the command line renders it as
//! a command.

use std::path::PathBuf;

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// Name a folder to index.
    IndexFolder {
        /// The name of the index, if one was given or exists already.
        index: Option<String>,
    },
    /// Name one of these indexes.
    NameIndex {
        /// Their names, sorted; empty if there are no indexes yet.
        among: Vec<String>,
    },
    /// Bring an index up to date.
    UpdateIndex {
        /// Its name; `None` if the error occurred where the name is unknown.
        index: Option<String>,
        /// What the update does, as a clause; `None` if the error says it.
        effect: Option<&'static str>,
    },
    /// Add the vectors of an embedder to an index.
    AddEmbedder {
        /// The index's name.
        index: String,
        /// The embedder's id.
        embedder: String,
    },
    /// Add the sparse vectors of an encoder to an index.
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
    /// Say where an indexed folder or file is now, or drop it from the index.
    RootIsGone {
        /// The index's name; `None` if the error occurred where the name is unknown.
        index: Option<String>,
        /// What is not there now.
        root: PathBuf,
    },
    /// Remove an index and index the folder again. This does not touch the documents.
    RebuildIndex {
        /// Its name.
        index: String,
    },
    /// List the indexes.
    ListIndexes,
    /// Download models.
    PullModels {
        /// Their ids; at least one.
        ids: Vec<String>,
        /// True if this also checks, and replaces, files that are already there.
        force: bool,
    },
    /// List the models, and what each is for.
    ListModels,
    /// A sentence for people.
    Advice(String),
}

impl Hint {
    /// The command `kinglet index`, and what it does, as a clause. [`Error::in_index`] adds the
    /// name of the index.
    ///
    /// [`Error::in_index`]: super::Error::in_index
    pub(crate) fn update_index(effect: &'static str) -> Self {
        Hint::UpdateIndex { index: None, effect: Some(effect) }
    }

    /// Fetch one model, or replace its damaged files.
    pub(crate) fn pull(id: impl ToString, force: bool) -> Self {
        Hint::PullModels { ids: vec![id.to_string()], force }
    }

    /// What helps if a derived part of an index is damaged.
    pub(crate) fn derive_again() -> Self {
        Self::update_index("it derives this part again from the stored documents")
    }
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
