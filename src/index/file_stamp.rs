//! Whether a file has been changed or replaced, told by its folder: no byte of it is read.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::error::{Error, ErrorKind, Result};

/// How often files are read again because a writer has replaced them meanwhile.
pub(super) const ATTEMPTS: usize = 100;

/// A file as its folder describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileStamp {
    identity: Identity,
    /// `None` for a file that its users change in place.
    content: Option<(u64, Option<SystemTime>)>,
}

/// Device and number of a file.
#[cfg(unix)]
type Identity = (u64, u64);

/// When a file was made.
#[cfg(not(unix))]
type Identity = Option<SystemTime>;

impl FileStamp {
    /// The stamp of a file that is only replaced as a whole or appended to; `None` where there is
    /// none.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let found = std::fs::metadata(path).ok()?;
        Some(FileStamp { identity: identity(&found), content: Some((found.len(), found.modified().ok())) })
    }

    /// The stamp of a database, which stays the same until another file lies in its place.
    pub(super) fn of_database(path: &Path) -> Option<Self> {
        let found = std::fs::metadata(path).ok()?;
        Some(FileStamp { identity: identity(&found), content: None })
    }
}

#[cfg(unix)]
fn identity(found: &std::fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (found.dev(), found.ino())
}

#[cfg(not(unix))]
fn identity(found: &std::fs::Metadata) -> Identity {
    found.created().ok()
}

/// Takes the stamp of a file.
pub(super) type Look = fn(&Path) -> Option<FileStamp>;

/// Something that was read from files, and the files' stamps at that time.
pub(super) struct Stamped<T> {
    pub(super) value: Arc<T>,
    files: Arc<[PathBuf]>,
    look: Look,
    stamps: Vec<Option<FileStamp>>,
}

impl<T> Clone for Stamped<T> {
    fn clone(&self) -> Self {
        Stamped { value: self.value.clone(), files: self.files.clone(), look: self.look, stamps: self.stamps.clone() }
    }
}

impl<T> Stamped<T> {
    /// Reads `files` by `open`, unless `before` was read from them and they have not been changed
    /// since.
    ///
    /// # Errors
    /// As `open`; [`ErrorKind::Busy`] when a writer replaces the files each time that they are
    /// read.
    pub(super) fn open(
        files: Vec<PathBuf>,
        look: Look,
        before: Option<&Self>,
        open: impl Fn() -> Result<T>,
    ) -> Result<Self> {
        until_undisturbed(&files[0], || {
            let stamps = stamps(&files, look);
            if let Some(before) = before.filter(|before| before.stamps == stamps) {
                return Ok(Some(before.clone()));
            }
            let opened = open();
            if stamps != self::stamps(&files, look) {
                return Ok(None);
            }
            Ok(Some(Stamped { value: Arc::new(opened?), files: files.as_slice().into(), look, stamps }))
        })
    }

    /// Whether the files are still those that were read.
    pub(super) fn is_current(&self) -> bool {
        self.stamps == stamps(&self.files, self.look)
    }

    /// The one of `known` that was read from `files`.
    pub(super) fn find<'k>(known: &'k [Self], files: &[PathBuf]) -> Option<&'k Self> {
        known.iter().find(|known| *known.files == *files)
    }
}

fn stamps(files: &[PathBuf], look: Look) -> Vec<Option<FileStamp>> {
    files.iter().map(|file| look(file)).collect()
}

/// Does `work` again while what it has read is replaced by a writer; `work` then gives `None`.
///
/// # Errors
/// As `work`; [`ErrorKind::Busy`] when that happens each time.
pub(super) fn until_undisturbed<T>(folder: &Path, mut work: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    for _ in 0..ATTEMPTS {
        if let Some(done) = work()? {
            return Ok(done);
        }
    }
    Err(busy(folder))
}

fn busy(path: &Path) -> Error {
    Error::new(ErrorKind::Busy, format!("{} is replaced faster than it can be read", path.display()))
        .with_hint("try again when `kinglet index` has finished")
}
