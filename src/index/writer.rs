//! The one process that writes to an index, and the order in which its parts become durable.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::dense::Dense;
use super::dense::writer::{DensePlace, DenseWriter};
use super::derived_part::{DerivedPart, DerivedParts};
use super::durable_file::{index_name, make_private_folder, remove_file, remove_folder, share_as_folder};
use super::lexical::writer::LexicalWriter;
use super::manifest::Manifest;
use super::sparse::Sparse;
use super::sparse::writer::SparseWriter;
use super::store::sqlite::remove_database;
use super::store::{Change, Documents};
use super::{EXACT_LIMIT, STORE, WorkProgress, dense_folder, sparse_folder, tokens_file};
use crate::error::{Error, ErrorKind, Hint, Result};
use crate::language::Language;
use crate::models::contracts::{Embedder, EmbedderCard, SparseCard, SparseEncoder};

/// An index, open for writing. Others may read it meanwhile; no other process may write.
pub struct IndexWriter {
    folder: PathBuf,
    manifest: Option<Manifest>,
    documents: Documents,
    exact_limit: usize,
    _lock: File,
}

impl IndexWriter {
    /// Opens the index in `folder` for writing, and creates the folder if it is missing.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] with the process that writes, when there is one; otherwise when the disk
    /// refuses or the store is damaged.
    pub fn open(folder: &Path) -> Result<Self> {
        make_private_folder(folder)?;
        let lock = lock(folder)?;
        let manifest = Manifest::read(folder)?;
        let store = folder.join(STORE);
        if !store.is_file() {
            remove_derived(folder)?;
        }
        let documents = Documents::open_for_writing(&store).map_err(|error| beyond_repair(error, folder))?;
        share_as_folder(folder);
        Ok(IndexWriter { folder: folder.to_path_buf(), manifest, documents, exact_limit: EXACT_LIMIT, _lock: lock })
    }

    /// Builds graphs over the vectors of more than this many chunks, in place of [`EXACT_LIMIT`].
    #[must_use]
    pub fn with_exact_limit(mut self, exact_limit: usize) -> Self {
        self.exact_limit = exact_limit;
        self
    }

    /// Replaces the store if its structure is damaged. The new store only knows which folders and
    /// files were indexed, so the run reads all of them again. Vectors belong to the hash of their
    /// chunk and stay valid. Returns true if it replaced the store.
    ///
    /// # Errors
    /// When the store can no longer be read at all.
    pub fn replace_damaged_store(&mut self) -> Result<bool> {
        let Err(damage) = self.documents.check_structure() else { return Ok(false) };
        if damage.kind() != ErrorKind::Damaged {
            return Err(damage);
        }
        let roots = self.documents.roots().map_err(|error| beyond_repair(error, &self.folder))?;
        let (store, new) = (self.folder.join(STORE), self.folder.join(".new-documents.sqlite"));
        remove_database(&new)?;
        write_roots(&new, &roots)?;
        if let Some(manifest) = &self.manifest {
            Manifest { complete: false, ..manifest.clone() }.write(&self.folder)?;
        }
        remove_derived(&self.folder)?;
        // The old store is closed before its files are removed: SQLite cleans up by file name.
        self.documents = Documents::open_for_writing(Path::new(":memory:"))?;
        remove_database(&store)?;
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

    /// Gives the index in `folder` another folder, and so another name. Nothing in it changes.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] when a process writes to it; when there is something at `new` already,
    /// or the disk refuses.
    pub fn rename(folder: &Path, new: &Path) -> Result<()> {
        let _lock = lock(folder)?;
        if new.exists() {
            return Err(Error::input(format!("there is an index {} already", index_name(new)))
                .with_hint("choose another name; `kinglet ls` lists the indexes"));
        }
        std::fs::rename(folder, new).map_err(|cause| Error::io("rename", folder, cause))?;
        // A rename is durable once its folder is synced, which not every platform can do.
        if let Some(Ok(parent)) = new.parent().map(File::open) {
            let _ = parent.sync_all();
        }
        Ok(())
    }

    /// The manifest as it was when the index was opened or last finished.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// The store.
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// The lexical part, for texts in `language`.
    pub fn lexical(&self, language: Language) -> Box<dyn DerivedPart> {
        Box::new(LexicalWriter::new(&self.folder.join("lexical"), language))
    }

    /// Opens the parts of these models, and the parts that the index has and the run removes.
    ///
    /// # Errors
    /// When a file of a part has other content, or the disk refuses.
    pub fn open_parts(
        &self,
        embedders: &[Arc<dyn Embedder>],
        encoders: &[Arc<dyn SparseEncoder>],
        keep_tokens: bool,
    ) -> Result<DerivedParts> {
        let dense: Vec<&EmbedderCard> = embedders.iter().map(|embedder| embedder.card()).collect();
        let sparse: Vec<&SparseCard> = encoders.iter().map(|encoder| encoder.card()).collect();
        let mut planned: Vec<Box<dyn DerivedPart>> = Vec::new();
        let mut by_speed: Vec<&Arc<dyn Embedder>> = embedders.iter().collect();
        // Embedders without token vectors are tables and hashes: thousands of chunks a second.
        by_speed.sort_by_key(|embedder| embedder.token_embedder().is_some());
        for embedder in by_speed {
            let place = self.dense_place(embedder.card());
            planned.push(Box::new(DenseWriter::with_model(place, embedder, keep_tokens)?));
        }
        for encoder in encoders {
            planned.push(Box::new(SparseWriter::with_model(sparse_folder(&self.folder, encoder.card()), encoder)?));
        }
        Ok(DerivedParts { planned, outgoing: self.open_outgoing(&dense, &sparse)? })
    }

    /// The parts of the index that none of these cards describes, without their models.
    fn open_outgoing(&self, dense: &[&EmbedderCard], sparse: &[&SparseCard]) -> Result<Vec<Box<dyn DerivedPart>>> {
        let mut parts: Vec<Box<dyn DerivedPart>> = Vec::new();
        let Some(manifest) = &self.manifest else { return Ok(parts) };
        for card in manifest.embedders.iter().filter(|card| !dense.contains(card)) {
            parts.push(Box::new(DenseWriter::open(self.dense_place(card), card)?));
        }
        for card in manifest.sparse.iter().filter(|card| !sparse.contains(card)) {
            parts.push(Box::new(SparseWriter::open(sparse_folder(&self.folder, card), card)?));
        }
        Ok(parts)
    }

    fn dense_place(&self, card: &EmbedderCard) -> DensePlace {
        DensePlace {
            folder: dense_folder(&self.folder, card),
            tokens: tokens_file(&self.folder, card),
            exact_limit: self.exact_limit,
        }
    }

    /// Makes a part match the store as it is now, as far as its chunks have been appended.
    ///
    /// # Errors
    /// The first error of `progress`, which leaves the part as it was; or when the disk refuses.
    pub fn synchronise(&self, part: &mut dyn DerivedPart, progress: &WorkProgress<'_>) -> Result<()> {
        let name = part.name().to_string();
        let generation = self.documents.generation()?;
        let prepared = part.prepare(&self.documents, generation, progress);
        prepared.and_then(|put_in_place| put_in_place()).map_err(|error| error.in_part(&name))
    }

    /// Does the same unless the part is intact and matches the store already.
    ///
    /// # Errors
    /// As [`IndexWriter::synchronise`].
    pub fn repair(&self, part: &mut dyn DerivedPart, progress: &WorkProgress<'_>) -> Result<()> {
        let generation = self.documents.generation()?;
        let is_current =
            part.generation().is_ok_and(|current| current == generation) && part.check(&self.documents).is_ok();
        if is_current { Ok(()) } else { self.synchronise(part, progress) }
    }

    /// Commits a change to the store together with the lexical part, which is prepared before, so
    /// that readers hardly ever see one without the other.
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`] from `progress`: the change is committed all the same, and the
    /// lexical part lags.
    pub fn commit(&self, change: Change<'_>, language: Language, progress: &WorkProgress<'_>) -> Result<()> {
        change.mark_duplicates()?;
        let mut lexical = self.lexical(language);
        let name = lexical.name().to_string();
        let prepared = lexical.prepare(&self.documents, self.documents.generation()? + 1, progress);
        match prepared {
            Ok(put_in_place) => {
                change.commit()?;
                put_in_place().map_err(|error| error.in_part(&name))
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => change.commit().and(Err(error)),
            Err(error) => Err(error.in_part(&name)),
        }
    }

    /// Writes a manifest during a run; [`manifest`](Self::manifest) stays what it was.
    pub fn describe(&self, manifest: &Manifest) -> Result<()> {
        manifest.write(&self.folder)
    }

    /// The manifest that is on disk.
    pub fn stored_manifest(&self) -> Result<Option<Manifest>> {
        Manifest::read(&self.folder)
    }

    /// Writes the manifest at the end of a run.
    pub fn finish(&mut self, manifest: Manifest) -> Result<()> {
        manifest.write(&self.folder)?;
        self.manifest = Some(manifest);
        Ok(())
    }

    /// Removes parts that the manifest does not name: a run that was stopped left them, and no
    /// later run continued it.
    pub fn remove_leftovers(&self) -> Result<()> {
        let cards = self.manifest.iter().flat_map(|manifest| &manifest.embedders);
        let mut kept: Vec<PathBuf> =
            cards.flat_map(|card| [dense_folder(&self.folder, card), tokens_file(&self.folder, card)]).collect();
        let cards = self.manifest.iter().flat_map(|manifest| &manifest.sparse);
        kept.extend(cards.map(|card| sparse_folder(&self.folder, card)));
        for part in ["dense", "tokens", "sparse"] {
            let entries = std::fs::read_dir(self.folder.join(part)).into_iter().flatten().flatten();
            for path in entries.map(|entry| entry.path()).filter(|path| !belongs_to(path, &kept)) {
                if path.is_dir() { remove_folder(&path)? } else { remove_file(&path)? }
            }
        }
        Ok(())
    }
}

impl Drop for IndexWriter {
    fn drop(&mut self) {
        share_as_folder(&self.folder);
    }
}

/// The error of a damaged store that the run cannot mend: then it is no help to run it again.
fn beyond_repair(error: Error, folder: &Path) -> Error {
    match error.kind() {
        ErrorKind::Damaged => error.with_hint(Hint::RebuildIndex { index: index_name(folder) }),
        _ => error,
    }
}

/// Creates a store that only knows which folders and files were indexed.
fn write_roots(store: &Path, roots: &[(i64, PathBuf)]) -> Result<()> {
    let documents = Documents::open_for_writing(store)?;
    let change = documents.change()?;
    roots.iter().try_for_each(|(_, path)| change.root(path).map(drop))?;
    change.commit().map(drop)
}

/// Removes what was derived from a store that is gone, because the ids of a new store mean other
/// chunks. Vectors belong to the hash of their chunk and stay valid.
fn remove_derived(folder: &Path) -> Result<()> {
    remove_folder(&folder.join("lexical"))?;
    for entry in std::fs::read_dir(folder.join("dense")).into_iter().flatten().flatten() {
        Dense::forget(&entry.path())?;
    }
    for entry in std::fs::read_dir(folder.join("sparse")).into_iter().flatten().flatten() {
        Sparse::forget(&entry.path())?;
    }
    Ok(())
}

/// True if `path` is one of `kept`, or one of the files that SQLite puts beside it.
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
