//! The one process that writes to an index, and the order in which its parts become durable.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::dense::{Dense, DenseWriter};
use super::documents::Documents;
use super::lexical::Lexical;
use super::manifest::Manifest;
use super::{EXACT_LIMIT, dense_folder};
use crate::error::{Error, Fault, Result};
use crate::models::traits::EmbedderCard;

/// An index, open for writing. Others may read it meanwhile; no other process may write.
pub struct IndexWriter {
    folder: PathBuf,
    manifest: Option<Manifest>,
    documents: Documents,
    _lock: File,
}

impl IndexWriter {
    /// Opens the index in `folder` for writing, making the folder if need be.
    ///
    /// # Errors
    /// [`Fault::Busy`] with the process that writes, when there is one; otherwise when the disk refuses or the store is
    /// damaged.
    pub fn open(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|cause| Error::io("make the folder", folder, cause))?;
        let lock = lock(folder)?;
        let manifest = Manifest::read(folder)?;
        let documents = Documents::open_for_writing(&folder.join("documents.sqlite"))?;
        Ok(IndexWriter { folder: folder.to_path_buf(), manifest, documents, _lock: lock })
    }

    /// What the index was when it was last finished.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// The store.
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// The vectors of one embedder.
    pub fn dense(&self, card: &EmbedderCard) -> Result<DenseWriter> {
        DenseWriter::open(&dense_folder(&self.folder, card), card)
    }

    /// The store's generation that every derived part of this index matches, if they all do.
    pub fn is_current(&self, cards: &[EmbedderCard]) -> Result<bool> {
        let generation = self.documents.generation()?;
        if !self.folder.join("lexical").is_dir() || self.lexical()?.generation()? != generation {
            return Ok(false);
        }
        for card in cards {
            if Dense::generation_in(&dense_folder(&self.folder, card)).unwrap_or(0) != generation {
                return Ok(false);
            }
        }
        Ok(self.manifest.as_ref().is_some_and(|manifest| manifest.embedders == cards))
    }

    /// Makes the words match the store.
    pub fn derive_lexical(&self) -> Result<()> {
        self.lexical()?.synchronise(&self.documents, self.documents.generation()?)
    }

    /// Makes the vectors of one embedder match the store; all must have been embedded.
    pub fn derive_dense(&self, dense: &DenseWriter) -> Result<()> {
        dense.synchronise(&self.documents, self.documents.generation()?, EXACT_LIMIT)
    }

    /// Says what the index is now, and removes the vectors of embedders that it no longer has.
    pub fn finish(&mut self, manifest: Manifest) -> Result<()> {
        manifest.write(&self.folder)?;
        let kept: Vec<PathBuf> = manifest.embedders.iter().map(|card| dense_folder(&self.folder, card)).collect();
        self.manifest = Some(manifest);
        let dense = self.folder.join("dense");
        let entries = std::fs::read_dir(&dense).map_err(|cause| Error::io("list", &dense, cause))?;
        for entry in entries.flatten().filter(|entry| !kept.contains(&entry.path())) {
            std::fs::remove_dir_all(entry.path()).map_err(|cause| Error::io("remove", &entry.path(), cause))?;
        }
        Ok(())
    }

    /// Makes every derived part match the store without embedding anything: what an interrupted commit left undone.
    ///
    /// # Errors
    /// When vectors are missing, which only indexing can make.
    pub fn derive_again(&mut self) -> Result<()> {
        let cards = self.manifest.as_ref().map(|manifest| manifest.embedders.clone()).unwrap_or_default();
        self.derive_lexical()?;
        for card in &cards {
            self.derive_dense(&self.dense(card)?)?;
        }
        Ok(())
    }

    fn lexical(&self) -> Result<Lexical> {
        Lexical::open(&self.folder.join("lexical"))
    }
}

fn lock(folder: &Path) -> Result<File> {
    let path = folder.join("writer.lock");
    let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = open().map_err(|cause| Error::io("open", &path, cause))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            return Err(Error::new(
                Fault::Busy,
                format!("the index in {} is being written by process {}", folder.display(), holder.trim()),
            )
            .hint("wait until it has finished; reading is possible meanwhile"));
        }
        Err(TryLockError::Error(cause)) => return Err(Error::io("lock", &path, cause)),
    }
    let mut note = || -> std::io::Result<()> {
        file.set_len(0)?;
        file.rewind()?;
        write!(file, "{}", std::process::id())
    };
    note().map_err(|cause| Error::io("write", &path, cause))?;
    Ok(file)
}
