//! Tells by the metadata of a file whether it has been changed or replaced.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::error::{Error, ErrorKind, Result};

/// How many times files are read before giving up because a writer keeps replacing them.
pub(super) const ATTEMPTS: usize = 100;

/// The metadata by which a file is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileStamp {
    identity: Identity,
    /// Its size and the time of its last change; `None` for a file that writers change in place.
    content: Option<(u64, Option<SystemTime>)>,
}

/// The device and the inode of a file.
#[cfg(unix)]
type Identity = (u64, u64);

/// The time when a file was created.
#[cfg(not(unix))]
type Identity = Option<SystemTime>;

impl FileStamp {
    /// The stamp of a file that writers only append to or replace as a whole; `None` if there is no
    /// file.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(FileStamp { identity: identity(&metadata), content: Some((metadata.len(), metadata.modified().ok())) })
    }

    /// The stamp of a database, which stays the same until another file takes its place.
    pub(super) fn of_database(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(FileStamp { identity: identity(&metadata), content: None })
    }
}

#[cfg(unix)]
fn identity(metadata: &std::fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity(metadata: &std::fs::Metadata) -> Identity {
    metadata.created().ok()
}

/// Takes the stamp of a file.
pub(super) type TakeStamp = fn(&Path) -> Option<FileStamp>;

/// A value that was read from files, with the stamps that the files had.
pub(super) struct Stamped<T> {
    pub(super) value: Arc<T>,
    files: Arc<[PathBuf]>,
    take_stamp: TakeStamp,
    stamps: Vec<Option<FileStamp>>,
}

impl<T> Clone for Stamped<T> {
    fn clone(&self) -> Self {
        Stamped {
            value: self.value.clone(),
            files: self.files.clone(),
            take_stamp: self.take_stamp,
            stamps: self.stamps.clone(),
        }
    }
}

impl<T> Stamped<T> {
    /// Reads a value from `files` with `open`; takes `before` instead if the files have not changed
    /// since it was read.
    ///
    /// # Errors
    /// Those of `open`; [`ErrorKind::Busy`] when a writer replaces the files during every attempt.
    pub(super) fn open(
        files: Vec<PathBuf>,
        take_stamp: TakeStamp,
        before: Option<&Self>,
        open: impl Fn() -> Result<T>,
    ) -> Result<Self> {
        until_undisturbed(&files[0], || {
            let stamps = stamps(&files, take_stamp);
            if let Some(before) = before.filter(|before| before.stamps == stamps) {
                return Ok(Some(before.clone()));
            }
            let opened = open();
            if stamps != self::stamps(&files, take_stamp) {
                return Ok(None);
            }
            Ok(Some(Stamped { value: Arc::new(opened?), files: files.as_slice().into(), take_stamp, stamps }))
        })
    }

    /// True if the files are still those that were read.
    pub(super) fn is_current(&self) -> bool {
        self.stamps == stamps(&self.files, self.take_stamp)
    }

    /// The one of `values` that was read from `files`.
    pub(super) fn find<'v>(values: &'v [Self], files: &[PathBuf]) -> Option<&'v Self> {
        values.iter().find(|value| *value.files == *files)
    }
}

fn stamps(files: &[PathBuf], take_stamp: TakeStamp) -> Vec<Option<FileStamp>> {
    files.iter().map(|file| take_stamp(file)).collect()
}

/// Repeats `work` until it returns a value. It returns `None` if a writer replaced what it read.
///
/// # Errors
/// Those of `work`; [`ErrorKind::Busy`] when no attempt returns a value.
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
