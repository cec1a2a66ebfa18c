//! The models' files on disk: `models/<id>/<file>`, put there by rename after their SHA-256 was checked.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

use super::catalog::{self, ModelFile, ModelSpec, user_models};
use super::contracts::{EmbedderCard, SparseCard};
use crate::error::{Error, ErrorKind, Result};

/// Notes the size and time of each file when it was last checked, so that 150 MB are not hashed at every start.
const STAMP: &str = ".checked";

/// The folder of all models.
#[derive(Debug, Clone)]
pub struct ModelStore {
    folder: PathBuf,
}

impl ModelStore {
    /// Uses `folder`, which need not exist yet.
    pub fn new(folder: PathBuf) -> Self {
        ModelStore { folder }
    }

    /// The folder of all models.
    pub fn root(&self) -> &Path {
        &self.folder
    }

    /// The rows of the catalog, and of the models that were added here.
    ///
    /// # Errors
    /// When the description of an added model cannot be read.
    pub fn rows(&self) -> Result<Vec<ModelSpec>> {
        let mut folders: Vec<PathBuf> =
            std::fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        folders.retain(|folder| folder.join(user_models::DESCRIPTION).is_file());
        folders.sort();
        let own = folders.iter().map(|folder| user_models::read(folder)).collect::<Result<Vec<_>>>()?;
        Ok([catalog::rows(), own].concat())
    }

    /// The row of the model called `id`.
    ///
    /// # Errors
    /// When there is none; the hint lists those there are. Never another model instead.
    pub fn lookup(&self, id: &str) -> Result<ModelSpec> {
        catalog::find(self.rows()?, id)
    }

    /// The folder of one model.
    pub fn folder(&self, row: &ModelSpec) -> PathBuf {
        self.folder.join(row.id)
    }

    /// Whether every file of the model is there, by name and size.
    pub fn is_complete(&self, row: &ModelSpec) -> bool {
        row.files.iter().all(|file| {
            let found = std::fs::metadata(self.folder(row).join(file.name));
            found.is_ok_and(|found| file.size_bytes.is_none_or(|size| found.len() == size))
                && (file.sha256.is_some() || noted(&self.folder(row), file).is_some())
        })
    }

    /// The folder of a model whose files are all there and, if they have changed since they were last checked, still
    /// what the catalog says.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`] when a file is not there, [`ErrorKind::Damaged`] when it is not the catalog's.
    pub fn require(&self, row: &ModelSpec) -> Result<PathBuf> {
        let folder = self.folder(row);
        if !self.is_complete(row) {
            return Err(Error::new(ErrorKind::Missing, format!("{} is not here yet", row.id))
                .with_hint(format!("kinglet models pull {}", row.id)));
        }
        let stamp = self.stamp(row)?;
        if std::fs::read_to_string(folder.join(STAMP)).ok().as_deref() != Some(&stamp) {
            self.verify(row)?;
            // Where nothing can be written the files are read again the next time: slower, not wrong.
            let _ = std::fs::write(folder.join(STAMP), stamp);
        }
        Ok(folder)
    }

    /// Reads every byte of a model and holds it against the catalog.
    ///
    /// # Errors
    /// As [`require`](Self::require).
    pub fn verify(&self, row: &ModelSpec) -> Result<()> {
        for file in &row.files {
            let path = self.folder(row).join(file.name);
            if !path.is_file() {
                return Err(Error::new(ErrorKind::Missing, format!("{} is not here yet", row.id))
                    .with_hint(format!("kinglet models pull {}", row.id)));
            }
            check(file, &self.sha256(row, file)?, &path)
                .map_err(|error| error.with_hint(format!("kinglet models pull --force {}", row.id)))?;
        }
        Ok(())
    }

    /// The card of the embedder of `row`.
    ///
    /// # Errors
    /// When the row is no embedder's, or the hash of a file is not known yet.
    pub fn card(&self, row: &ModelSpec) -> Result<EmbedderCard> {
        let sha256 = row.files.iter().map(|file| self.sha256(row, file)).collect::<Result<Vec<_>>>()?;
        row.card(&sha256).ok_or_else(|| {
            Error::input(format!("{} is a {}, not an embedder", row.id, row.kind))
                .with_hint("`kinglet models list` shows what each model is for")
        })
    }

    /// The card of the sparse encoder of `row`.
    ///
    /// # Errors
    /// As [`card`](Self::card).
    pub fn sparse_card(&self, row: &ModelSpec) -> Result<SparseCard> {
        let sha256 = row.files.iter().map(|file| self.sha256(row, file)).collect::<Result<Vec<_>>>()?;
        row.sparse_card(&sha256).ok_or_else(|| {
            Error::input(format!("{} is a {}, not a sparse encoder", row.id, row.kind))
                .with_hint("`kinglet models list` shows what each model is for")
        })
    }

    /// The SHA-256 that a file must have: the catalog's, or that of the file that was fetched first.
    fn sha256(&self, row: &ModelSpec, file: &ModelFile) -> Result<String> {
        let known = file.sha256.map(str::to_string).or_else(|| noted(&self.folder(row), file));
        known.ok_or_else(|| {
            Error::new(ErrorKind::Missing, format!("{} is not here yet", row.id))
                .with_hint(format!("kinglet models pull {}", row.id))
        })
    }

    fn stamp(&self, row: &ModelSpec) -> Result<String> {
        let mut stamp = String::new();
        for file in &row.files {
            let path = self.folder(row).join(file.name);
            let metadata = std::fs::metadata(&path).map_err(|cause| Error::io("read", &path, cause))?;
            let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let nanoseconds = modified.map_or(0, |time| time.as_nanos());
            stamp.push_str(&format!("{} {} {} {nanoseconds}\n", file.name, self.sha256(row, file)?, metadata.len()));
        }
        Ok(stamp)
    }
}

/// The noted SHA-256 of a file that the catalog has no hash of.
pub(super) fn noted(folder: &Path, file: &ModelFile) -> Option<String> {
    let text = std::fs::read_to_string(note(folder, file)).ok()?;
    let text = text.trim();
    (text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit())).then(|| text.to_string())
}

/// Where the SHA-256 of such a file is noted.
pub(super) fn note(folder: &Path, file: &ModelFile) -> PathBuf {
    folder.join(format!("{}.sha256", file.name))
}

/// Holds the bytes at `path` against `sha256`.
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
