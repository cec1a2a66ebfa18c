//! Indexes folders, as configured.

use std::path::{Path, PathBuf};

use super::Kinglet;
use super::forecast::Forecasting;
use crate::error::{Error, Result};
use crate::index::IndexWriter;
use crate::ingest::{IngestPlan, Progress, Summary, ingest};
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
        self.index_into(&self.index_folder(name)?, roots, embedders, progress).map_err(|error| error.in_index(name))
    }

    /// Does the same with an index in any folder.
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
}
