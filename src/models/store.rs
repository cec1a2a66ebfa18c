//! The models' files on disk: `models/<id>/<file>`, put in place by rename after their SHA-256 was
//! checked.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

use super::catalog::{Catalog, ModelFile, ModelKind, ModelSpec};
use super::contracts::{EmbedderCard, SparseCard};
use super::pair_model::{not_a_pair_model, weights_bytes};
use crate::error::{Error, ErrorKind, Hint, Result};

/// The file that records the size and time of each file when it was last checked, so that 150 MB
/// are not hashed at every start.
const STAMP: &str = ".checked";

/// The folder of all models, and the catalog that describes them.
#[derive(Debug, Clone)]
pub struct ModelStore {
    folder: PathBuf,
    catalog: Arc<Mutex<Option<Arc<Catalog>>>>,
}

impl ModelStore {
    /// Uses `folder`, which need not exist yet.
    pub fn new(folder: PathBuf) -> Self {
        ModelStore { folder, catalog: Arc::default() }
    }

    /// The folder of all models.
    pub fn root(&self) -> &Path {
        &self.folder
    }

    /// All models of the catalog, including those that the user added to this folder.
    ///
    /// # Errors
    /// When the description of an added model cannot be read.
    pub fn specs(&self) -> Result<Vec<Arc<ModelSpec>>> {
        Ok(self.catalog().specs()?.to_vec())
    }

    /// The model called `id`.
    ///
    /// # Errors
    /// When there is none; the hint lists the models. Never returns another model instead.
    pub fn lookup(&self, id: &str) -> Result<Arc<ModelSpec>> {
        if let Some(spec) = self.catalog().get(id) {
            return Ok(spec.clone());
        }
        // Another process may have added it since the catalog was read.
        self.forget_catalog();
        let catalog = self.catalog();
        catalog.get(id).cloned().ok_or_else(|| catalog.missing(id))
    }

    /// The catalog, read when it is first needed. It is not kept if a description in it cannot be
    /// read, so that a corrected description counts at once.
    fn catalog(&self) -> Arc<Catalog> {
        let mut kept = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(catalog) = &*kept {
            return catalog.clone();
        }
        let catalog = Arc::new(Catalog::read(&self.folder));
        *kept = catalog.is_whole().then(|| catalog.clone());
        catalog
    }

    /// Makes the next call read the catalog anew, because a model was added.
    pub(crate) fn forget_catalog(&self) {
        *self.catalog.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The folder of one model.
    pub fn folder(&self, spec: &ModelSpec) -> PathBuf {
        self.folder.join(spec.id.as_str())
    }

    /// True if every file of the model exists and has the right size.
    pub fn is_complete(&self, spec: &ModelSpec) -> bool {
        spec.files.iter().all(|file| {
            let found = std::fs::metadata(self.folder(spec).join(&file.name));
            found.is_ok_and(|found| file.size_bytes.is_none_or(|size| found.len() == size))
                && (file.sha256.is_some() || recorded_sha256(&self.folder(spec), file).is_some())
        })
    }

    /// The size of all files of a model: the catalog's, or else that of the files that are here; of
    /// one that is a part of this program that of its weights.
    pub fn size_bytes(&self, spec: &ModelSpec) -> Option<u64> {
        if let ModelKind::PairModel { task, .. } = spec.kind {
            return Some(weights_bytes(task));
        }
        let here = |file: &ModelFile| {
            std::fs::metadata(self.folder(spec).join(&file.name)).ok().map(|metadata| metadata.len())
        };
        spec.files.iter().map(|file| file.size_bytes.or_else(|| here(file))).sum()
    }

    /// The folder of a model, after making sure that all its files exist. Files that changed since
    /// they were last checked are checked again.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`] when a file does not exist, [`ErrorKind::Damaged`] when its SHA-256
    /// is not the catalog's.
    pub fn require(&self, spec: &ModelSpec) -> Result<PathBuf> {
        let folder = self.folder(spec);
        if !self.is_complete(spec) {
            return Err(Error::new(ErrorKind::Missing, format!("{} is not here yet", spec.id))
                .with_hint(Hint::pull(&spec.id, false)));
        }
        let stamp = self.stamp(spec)?;
        if std::fs::read_to_string(folder.join(STAMP)).ok().as_deref() != Some(&stamp) {
            self.verify(spec)?;
            // On a read-only disk the files are checked again the next time: slower, not wrong.
            let _ = std::fs::write(folder.join(STAMP), stamp);
        }
        Ok(folder)
    }

    /// Reads every byte of a model and compares the SHA-256 of each file with the catalog's.
    ///
    /// # Errors
    /// As [`require`](Self::require).
    pub fn verify(&self, spec: &ModelSpec) -> Result<()> {
        for file in &spec.files {
            let path = self.folder(spec).join(&file.name);
            if !path.is_file() {
                return Err(Error::new(ErrorKind::Missing, format!("{} is not here yet", spec.id))
                    .with_hint(Hint::pull(&spec.id, false)));
            }
            check(file, &self.sha256(spec, file)?, &path)
                .map_err(|error| error.with_hint(Hint::pull(&spec.id, true)))?;
        }
        Ok(())
    }

    /// The card of the embedder `spec`.
    ///
    /// # Errors
    /// When `spec` is not an embedder, or the hash of a file is not known yet.
    pub fn card(&self, spec: &ModelSpec) -> Result<EmbedderCard> {
        spec.card(&self.hashes(spec)?).ok_or_else(|| {
            Error::input(format!("{} is a {}, not an embedder", spec.id, spec.kind)).with_hint(Hint::ListModels)
        })
    }

    /// The card of the sparse encoder `spec`.
    ///
    /// # Errors
    /// As [`card`](Self::card).
    pub fn sparse_card(&self, spec: &ModelSpec) -> Result<SparseCard> {
        spec.sparse_card(&self.hashes(spec)?).ok_or_else(|| {
            Error::input(format!("{} is a {}, not a sparse encoder", spec.id, spec.kind)).with_hint(Hint::ListModels)
        })
    }

    /// The embedder that a pair model was trained over.
    ///
    /// # Errors
    /// When `spec` is no pair model, or the catalog does not have that embedder.
    pub fn backbone_of(&self, spec: &ModelSpec) -> Result<Arc<ModelSpec>> {
        match &spec.kind {
            ModelKind::PairModel { backbone, .. } => self.lookup(backbone.as_str()),
            _ => Err(not_a_pair_model(spec)),
        }
    }

    /// The SHA-256 that each file must have.
    pub(super) fn hashes(&self, spec: &ModelSpec) -> Result<Vec<String>> {
        spec.files.iter().map(|file| self.sha256(spec, file)).collect()
    }

    /// The SHA-256 that a file must have: the catalog's, or the one that the first download
    /// recorded.
    fn sha256(&self, spec: &ModelSpec, file: &ModelFile) -> Result<String> {
        let known = file.sha256.clone().or_else(|| recorded_sha256(&self.folder(spec), file));
        known.ok_or_else(|| {
            Error::new(ErrorKind::Missing, format!("{} is not here yet", spec.id))
                .with_hint(Hint::pull(&spec.id, false))
        })
    }

    fn stamp(&self, spec: &ModelSpec) -> Result<String> {
        let mut stamp = String::new();
        for file in &spec.files {
            let path = self.folder(spec).join(&file.name);
            let metadata = std::fs::metadata(&path).map_err(|cause| Error::io("read", &path, cause))?;
            let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let nanoseconds = modified.map_or(0, |time| time.as_nanos());
            stamp.push_str(&format!("{} {} {} {nanoseconds}\n", file.name, self.sha256(spec, file)?, metadata.len()));
        }
        Ok(stamp)
    }
}

/// The SHA-256 that the first download recorded for a file without one in the catalog.
pub(super) fn recorded_sha256(folder: &Path, file: &ModelFile) -> Option<String> {
    let text = std::fs::read_to_string(record_of_sha256(folder, file)).ok()?;
    let text = text.trim();
    (text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit())).then(|| text.to_string())
}

/// The path of that record.
pub(super) fn record_of_sha256(folder: &Path, file: &ModelFile) -> PathBuf {
    folder.join(format!("{}.sha256", file.name))
}

/// Compares the SHA-256 of the bytes at `path` with `sha256`.
///
/// # Errors
/// [`ErrorKind::Damaged`] with both hashes when they differ.
pub fn check(file: &ModelFile, sha256: &str, path: &Path) -> Result<()> {
    let found = sha256_of(path)?;
    if found == sha256 {
        return Ok(());
    }
    Err(Error::damaged(format!("{} has SHA-256 {found} where it should have {sha256}", file.name)))
}

/// The SHA-256 of the bytes at `path`, in hexadecimal.
///
/// # Errors
/// When they cannot be read.
pub fn sha256_of(path: &Path) -> Result<String> {
    let mut reader = File::open(path).map_err(|cause| Error::io("open", path, cause))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = reader.read(&mut buffer).map_err(|cause| Error::io("read", path, cause))?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
