//! The one process that writes to an index, and the order in which its parts become durable.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::dense::{Dense, DenseWriter};
use super::durable_file::{make_private_folder, remove_file, share_as_folder};
use super::lexical::Lexical;
use super::manifest::Manifest;
use super::sparse::{Sparse, SparseWriter};
use super::store::sqlite::beside;
use super::store::{Change, Documents};
use super::token_vectors::TokenStore;
use super::{EXACT_LIMIT, STORE, WorkProgress, dense_folder, sparse_folder, tokens_file};
use crate::error::{Error, ErrorKind, Result};
use crate::language::Language;
use crate::models::contracts::{EmbedderCard, SparseCard};

/// An index, open for writing. Others may read it meanwhile; no other process may write.
pub struct IndexWriter {
    folder: PathBuf,
    manifest: Option<Manifest>,
    documents: Documents,
    exact_limit: usize,
    _lock: File,
}

impl IndexWriter {
    /// Opens the index in `folder` for writing, making the folder if need be.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] with the process that writes, when there is one; otherwise when the disk refuses or the store is
    /// damaged.
    pub fn open(folder: &Path) -> Result<Self> {
        make_private_folder(folder)?;
        let lock = lock(folder)?;
        let manifest = Manifest::read(folder)?;
        let store = folder.join(STORE);
        if !store.is_file() {
            forget_derived(folder)?;
        }
        let documents = Documents::open_for_writing(&store)?;
        share_as_folder(folder);
        Ok(IndexWriter { folder: folder.to_path_buf(), manifest, documents, exact_limit: EXACT_LIMIT, _lock: lock })
    }

    /// Builds graphs over the vectors of more than this many chunks, in place of [`EXACT_LIMIT`].
    #[must_use]
    pub fn with_exact_limit(mut self, exact_limit: usize) -> Self {
        self.exact_limit = exact_limit;
        self
    }

    /// Makes the store anew where its structure is damaged: it then knows which folders and files were indexed and no more, so that
    /// all of them are read again. Vectors are kept by the hash of their chunk and still fit. `true` when it did.
    ///
    /// # Errors
    /// When nothing in the store can be read any more.
    pub fn renew_damaged_store(&mut self) -> Result<bool> {
        let Err(damage) = self.documents.check_structure() else { return Ok(false) };
        if damage.kind() != ErrorKind::Damaged {
            return Err(damage);
        }
        let roots = self.documents.roots()?;
        let (store, new) = (self.folder.join(STORE), self.folder.join(".new-documents.sqlite"));
        remove_store(&new)?;
        write_roots(&new, &roots)?;
        if let Some(manifest) = &self.manifest {
            Manifest { all_read: false, ..manifest.clone() }.write(&self.folder)?;
        }
        forget_derived(&self.folder)?;
        // The old store is closed before its files go: SQLite tidies up by name.
        self.documents = Documents::open_for_writing(Path::new(":memory:"))?;
        remove_store(&store)?;
        std::fs::rename(&new, &store).map_err(|cause| Error::io("move", &new, cause))?;
        self.documents = Documents::open_for_writing(&store)?;
        Ok(true)
    }

    /// Removes the index in `folder`, whatever state it is in.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] when a process writes to it; otherwise when the disk refuses.
    pub fn remove(folder: &Path) -> Result<()> {
        let _lock = lock(folder)?;
        std::fs::remove_dir_all(folder).map_err(|cause| Error::io("remove", folder, cause))
    }

    /// What the index was when this was opened, or last finished.
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

    /// The token vectors of one embedder.
    pub fn tokens(&self, card: &EmbedderCard) -> Result<TokenStore> {
        TokenStore::open_for_writing(&tokens_file(&self.folder, card))
    }

    /// The sparse vectors of one encoder.
    pub fn sparse(&self, card: &SparseCard) -> Result<SparseWriter> {
        SparseWriter::open(&sparse_folder(&self.folder, card))
    }

    /// Whether every derived part of this index is whole, matches the store, and lacks nothing.
    pub fn is_current(&self, cards: &[EmbedderCard], sparse: &[SparseCard], language: Language) -> Result<bool> {
        let generation = self.documents.generation()?;
        let searched = self.documents.searchable()?;
        if self.lexical(language).ok().map(|words| words.generation()) != Some(generation) {
            return Ok(false);
        }
        for card in cards {
            let dense = Dense::open(&dense_folder(&self.folder, card), card, self.exact_limit);
            if !dense.is_ok_and(|dense| dense.generation() == generation && dense.len() == searched) {
                return Ok(false);
            }
        }
        for card in sparse {
            let part = Sparse::open(&sparse_folder(&self.folder, card)).ok().flatten();
            if !part
                .is_some_and(|part| part.generation() == generation && part.len() == searched && part.check().is_ok())
            {
                return Ok(false);
            }
        }
        Ok(self.manifest.as_ref().is_some_and(|manifest| manifest.embedders == cards && manifest.sparse == sparse))
    }

    /// Makes the words match the store as it is now.
    pub fn derive_lexical(&self, language: Language, progress: &WorkProgress<'_>) -> Result<()> {
        self.derive_words(language, self.documents.generation()?, progress, || Ok(()))
    }

    /// Commits a change to the store, together with its words.
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`] from `progress`: the change is committed all the same, and its words lag.
    pub fn commit(&self, change: Change<'_>, language: Language, progress: &WorkProgress<'_>) -> Result<()> {
        change.mark_copies()?;
        let generation = self.documents.generation()? + 1;
        let mut change = Some(change);
        let mut commit_store = || change.take().map_or(Ok(()), |change| change.commit().map(drop));
        match self.derive_words(language, generation, progress, &mut commit_store) {
            Err(error) if error.kind() == ErrorKind::Interrupted => commit_store().and(Err(error)),
            derived => derived,
        }
    }

    /// Makes the words match the store; those that are damaged, of another store, or made otherwise, are made anew.
    fn derive_words(
        &self,
        language: Language,
        generation: u64,
        progress: &WorkProgress<'_>,
        commit_store: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        let sound = self
            .lexical(language)
            .map(|words| Some(words).filter(|it| it.is_fresh() || (1..=generation).contains(&it.generation())));
        let words = match sound {
            Ok(Some(words)) => words,
            Err(error) if error.kind() != ErrorKind::Damaged => return Err(error),
            _ => {
                let folder = self.folder.join("lexical");
                std::fs::remove_dir_all(&folder).map_err(|cause| Error::io("remove", &folder, cause))?;
                self.lexical(language)?
            }
        };
        words.synchronise(&self.documents, generation, progress, commit_store)
    }

    /// Makes the vectors of one embedder match the store, as far as they have been made.
    pub fn derive_dense(&self, dense: &DenseWriter) -> Result<()> {
        dense.synchronise(&self.documents, self.documents.generation()?)
    }

    /// Builds the graphs over the vectors of a finished index that has more than [`EXACT_LIMIT`] chunks, where those there do not
    /// cover enough. `progress` hears the embedder's id, how many vectors are in its graph, and how many there are.
    ///
    /// # Errors
    /// The first error of `progress`: the index stays as it was, and every vector is looked at; or when the disk refuses.
    pub fn build_graphs(&self, progress: &dyn Fn(&str, usize, usize) -> Result<()>) -> Result<()> {
        if self.documents.searchable()? <= self.exact_limit {
            return Ok(());
        }
        self.manifest.iter().flat_map(|manifest| &manifest.embedders).try_for_each(|card| {
            Dense::build_graph(&dense_folder(&self.folder, card), card, &|done, total| progress(&card.id, done, total))
        })
    }

    /// Makes the learned terms of one encoder match the store, as far as they have been made.
    pub fn derive_sparse(&self, sparse: &SparseWriter) -> Result<()> {
        sparse.synchronise(&self.documents, self.documents.generation()?)
    }

    /// Says what the index is while it is being written; [`manifest`](Self::manifest) stays what it was.
    pub fn describe(&self, manifest: &Manifest) -> Result<()> {
        manifest.write(&self.folder)
    }

    /// What the index is by what is on disk.
    pub fn stored_manifest(&self) -> Result<Option<Manifest>> {
        Manifest::read(&self.folder)
    }

    /// Says what the index is now, and removes the vectors of embedders that it no longer has.
    pub fn finish(&mut self, manifest: Manifest) -> Result<()> {
        manifest.write(&self.folder)?;
        let cards = &manifest.embedders;
        let mut kept: Vec<PathBuf> = cards.iter().map(|card| dense_folder(&self.folder, card)).collect();
        kept.extend(cards.iter().map(|card| tokens_file(&self.folder, card)));
        kept.extend(manifest.sparse.iter().map(|card| sparse_folder(&self.folder, card)));
        self.manifest = Some(manifest);
        for part in ["dense", "tokens", "sparse"] {
            let entries = std::fs::read_dir(self.folder.join(part)).into_iter().flatten().flatten();
            for path in entries.map(|entry| entry.path()).filter(|path| !belongs_to(path, &kept)) {
                let removed = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
                removed.map_err(|cause| Error::io("remove", &path, cause))?;
            }
        }
        Ok(())
    }

    fn lexical(&self, language: Language) -> Result<Lexical> {
        Lexical::open(&self.folder.join("lexical"), language)
    }
}

impl Drop for IndexWriter {
    fn drop(&mut self) {
        share_as_folder(&self.folder);
    }
}

/// Makes a store that knows which folders and files were indexed, and no more.
fn write_roots(store: &Path, roots: &[(i64, PathBuf)]) -> Result<()> {
    let documents = Documents::open_for_writing(store)?;
    let change = documents.change()?;
    roots.iter().try_for_each(|(_, path)| change.root(path).map(drop))?;
    change.commit().map(drop)
}

/// Takes a store away, with the files that SQLite puts beside it.
fn remove_store(path: &Path) -> Result<()> {
    ["", "-wal", "-shm"].iter().try_for_each(|ending| remove_file(&beside(path, ending)))
}

/// Takes away what was derived from a store that is gone: the ids of a new one mean other chunks. Vectors are kept by the hash
/// of their chunk and still fit.
fn forget_derived(folder: &Path) -> Result<()> {
    let words = folder.join("lexical");
    if words.is_dir() {
        std::fs::remove_dir_all(&words).map_err(|cause| Error::io("remove", &words, cause))?;
    }
    for entry in std::fs::read_dir(folder.join("dense")).into_iter().flatten().flatten() {
        Dense::forget(&entry.path())?;
    }
    for entry in std::fs::read_dir(folder.join("sparse")).into_iter().flatten().flatten() {
        Sparse::forget(&entry.path())?;
    }
    Ok(())
}

/// Whether `path` is one of `kept`, or one of the files that SQLite puts beside it.
fn belongs_to(path: &Path, kept: &[PathBuf]) -> bool {
    let name = path.to_string_lossy();
    let plain = name.strip_suffix("-wal").or(name.strip_suffix("-shm")).unwrap_or(&name);
    kept.iter().any(|kept| kept.to_string_lossy() == plain)
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
                ErrorKind::Busy,
                format!("the index in {} is being written by process {}", folder.display(), holder.trim()),
            )
            .with_hint("wait until it has finished; reading is possible meanwhile"));
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
