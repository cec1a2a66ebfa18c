//! Indexes folders, as configured.

use std::path::{Path, PathBuf};

use super::Kinglet;
use super::forecast::Forecasting;
use crate::error::{Error, Result};
use crate::index::IndexWriter;
use crate::ingest::{IngestPlan, NoProgress, Progress, Summary, ingest, move_root};
use crate::models::reference::EmbedderRef;

/// The embedders whose vectors an index has after a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Embedders {
    /// Those that it has, and the configured one.
    Keep,
    /// These and no others. The first one answers.
    Only(Vec<EmbedderRef>),
    /// Those that it has, and these.
    Add(Vec<EmbedderRef>),
}

impl Kinglet {
    /// Brings the index called `name` up to date with `roots` (folders and files; none means those
    /// of the last run), and creates it if it does not exist. The index keeps its embedders, see
    /// [`Embedders::Keep`].
    ///
    /// # Errors
    /// Those of [`ingest()`]; [`ErrorKind::Busy`](crate::ErrorKind::Busy) when another process
    /// writes to this index.
    pub fn index(&self, name: &str, roots: &[PathBuf], progress: &dyn Progress) -> Result<Summary> {
        self.index_with(name, roots, &Embedders::Keep, progress)
    }

    /// Does the same with a choice of embedders. All of them embed the same chunks, and none embeds
    /// a chunk twice.
    ///
    /// # Errors
    /// As [`Kinglet::index`]; also when the catalog does not have an embedder.
    pub fn index_with(
        &self,
        name: &str,
        roots: &[PathBuf],
        embedders: &Embedders,
        progress: &dyn Progress,
    ) -> Result<Summary> {
        self.index_without(name, roots, &[], embedders, progress)
    }

    /// Does the same, and takes the folders and files `dropped`, as the index names them, out of
    /// the index. What was embedded of a file that is now elsewhere is not embedded again.
    ///
    /// # Errors
    /// As [`Kinglet::index_with`]; also when the index does not cover one of `dropped`, or would
    /// cover nothing.
    pub fn index_without(
        &self,
        name: &str,
        roots: &[PathBuf],
        dropped: &[PathBuf],
        embedders: &Embedders,
        progress: &dyn Progress,
    ) -> Result<Summary> {
        let folder = self.index_folder(name)?;
        self.index_folders(&folder, roots, dropped, embedders, progress).map_err(|error| error.in_index(name))
    }

    /// Does the same as [`Kinglet::index_with`] with an index in any folder.
    ///
    /// # Errors
    /// As [`Kinglet::index_with`].
    pub fn index_into(
        &self,
        folder: &Path,
        roots: &[PathBuf],
        embedders: &Embedders,
        progress: &dyn Progress,
    ) -> Result<Summary> {
        self.index_folders(folder, roots, &[], embedders, progress)
    }

    fn index_folders(
        &self,
        folder: &Path,
        roots: &[PathBuf],
        dropped: &[PathBuf],
        embedders: &Embedders,
        progress: &dyn Progress,
    ) -> Result<Summary> {
        let roots = roots
            .iter()
            .map(|path| path.canonicalize().map_err(|cause| Error::io("find", path, cause)))
            .collect::<Result<Vec<_>>>()?;
        if let Some(root) = roots.iter().find(|root| root.to_str().is_none()) {
            return Err(Error::input(format!("{} is not UTF-8, so no index can name it", root.display()))
                .with_hint("rename that folder"));
        }
        let embedders = self.open_embedders(folder, embedders)?;
        let mut writer = IndexWriter::open(folder)?;
        let before = writer.manifest().map(|manifest| manifest.chunking);
        let plan = IngestPlan {
            roots: &roots,
            dropped,
            chunking: self.config.chunking().or(before).unwrap_or_default(),
            max_file_bytes: self.config.max_file_mib << 20,
            exclude: std::slice::from_ref(&self.home),
            embedders: &embedders,
            encoders: &self.open_sparse_encoders(folder)?,
            language: self.config.language(),
            keep_tokens: self.keeps_tokens(),
            isolation: &self.isolation,
        };
        ingest(&mut writer, &plan, &Forecasting::new(progress, self, folder, &embedders))
    }

    /// Gives a folder or file that the index called `name` covers another path, because it was
    /// moved there. `from` is its path in the index; `None` means the only one. Reads and embeds
    /// nothing. Returns the former path.
    ///
    /// # Errors
    /// Those of [`move_root()`]; when there is nothing at `to`.
    pub fn move_root(&self, name: &str, from: Option<&Path>, to: &Path) -> Result<PathBuf> {
        let to = to.canonicalize().map_err(|cause| match cause.kind() {
            std::io::ErrorKind::NotFound => Error::input(format!("there is no file or folder {}", to.display()))
                .with_hint("move the folder itself first; kinglet only notes where it is now"),
            _ => Error::io("find", to, cause),
        })?;
        let writer = IndexWriter::open(&self.index_folder(name)?)?;
        // No embedder is needed, so every part is opened as one that the run does not plan.
        let parts = writer.open_parts(&[], &[], false)?.outgoing;
        move_root(&writer, parts, from, &to, &NoProgress).map_err(|error| error.in_index(name))
    }
}
