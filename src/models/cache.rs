//! The models' files on disk: `models/<id>/<file>`, put there by rename after their SHA-256 was checked.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

use super::catalog::{ModelFile, Row};
use crate::error::{Error, Fault, Result};

/// Notes the size and time of each file when it was last checked, so that 150 MB are not hashed at every start.
const STAMP: &str = ".checked";

/// The folder of all models.
#[derive(Debug, Clone)]
pub struct ModelCache {
    folder: PathBuf,
}

impl ModelCache {
    /// Uses `folder`, which need not exist yet.
    pub fn new(folder: PathBuf) -> Self {
        ModelCache { folder }
    }

    /// The folder of all models.
    pub fn root(&self) -> &Path {
        &self.folder
    }

    /// The folder of one model.
    pub fn folder(&self, row: &Row) -> PathBuf {
        self.folder.join(row.id)
    }

    /// Whether every file of the model is there, by name and size.
    pub fn is_complete(&self, row: &Row) -> bool {
        row.files.iter().all(|file| {
            std::fs::metadata(self.folder(row).join(file.name)).is_ok_and(|found| found.len() == file.size_bytes)
        })
    }

    /// The folder of a model whose files are all there and, if they have changed since they were last checked, still
    /// what the catalog says.
    ///
    /// # Errors
    /// [`Fault::Missing`] when a file is not there, [`Fault::Damaged`] when it is not the catalog's.
    pub fn require(&self, row: &Row) -> Result<PathBuf> {
        let folder = self.folder(row);
        if !self.is_complete(row) {
            return Err(Error::new(Fault::Missing, format!("{} is not here yet", row.id))
                .hint(format!("kinglet models pull {}", row.id)));
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
    pub fn verify(&self, row: &Row) -> Result<()> {
        for file in &row.files {
            let path = self.folder(row).join(file.name);
            if !path.is_file() {
                return Err(Error::new(Fault::Missing, format!("{} is not here yet", row.id))
                    .hint(format!("kinglet models pull {}", row.id)));
            }
            check(file, &path).map_err(|error| error.hint(format!("kinglet models pull --force {}", row.id)))?;
        }
        Ok(())
    }

    fn stamp(&self, row: &Row) -> Result<String> {
        let mut stamp = String::new();
        for file in &row.files {
            let path = self.folder(row).join(file.name);
            let metadata = std::fs::metadata(&path).map_err(|cause| Error::io("read", &path, cause))?;
            let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let nanoseconds = modified.map_or(0, |time| time.as_nanos());
            stamp.push_str(&format!("{} {} {} {nanoseconds}\n", file.name, file.sha256, metadata.len()));
        }
        Ok(stamp)
    }
}

/// Holds the bytes at `path` against the catalog's hash.
///
/// # Errors
/// [`Fault::Damaged`] with both hashes when they differ.
pub fn check(file: &ModelFile, path: &Path) -> Result<()> {
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
    let found: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if found == file.sha256 {
        return Ok(());
    }
    Err(Error::damaged(format!("{} has SHA-256 {found} where the catalog says {}", file.name, file.sha256)))
}
