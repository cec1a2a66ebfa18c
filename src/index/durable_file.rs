//! Files that are whole or missing: written beside, synced, renamed, verified on reading.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

use crate::error::{Error, Hint, Result};

const SEAL_BYTES: usize = 32;

/// The size of a [`check`].
pub const CHECK_BYTES: usize = 8;

/// A short checksum of a record, to be stored after it.
pub fn check(content: &[u8]) -> [u8; CHECK_BYTES] {
    blake3::hash(content).as_bytes()[..CHECK_BYTES].try_into().expect("BLAKE3 gives 32 bytes")
}

/// The name in commands of the index in `folder`: the name of that folder.
pub(super) fn index_name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The size of the file at `path`, or of all files below it; 0 if there is none.
pub fn size_bytes(path: &Path) -> u64 {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
            entries.map(|entry| size_bytes(&entry.path())).sum()
        }
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    }
}

/// Removes a file, if there is one.
pub fn remove_file(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path, cause)),
        _ => Ok(()),
    }
}

/// Removes a folder with all that is in it, if there is one.
pub fn remove_folder(path: &Path) -> Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path, cause)),
        _ => Ok(()),
    }
}

/// Creates a folder for content of documents, with its missing parents. Only the user may read it.
///
/// # Errors
/// When the disk refuses.
pub fn make_private_folder(folder: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|cause| Error::io("make the folder", folder, cause))
}

/// Gives everything in `folder` the permissions of the folder. Libraries create their files with
/// other modes; the mode of its folder alone decides who may read an index.
#[cfg(unix)]
pub fn share_as_folder(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fn share(path: &Path, folder_mode: u32) {
        let Ok(metadata) = std::fs::symlink_metadata(path) else { return };
        let target = if metadata.is_dir() { folder_mode } else { folder_mode & 0o666 };
        let mode = metadata.permissions().mode();
        if !metadata.is_symlink() && mode & 0o777 != target {
            // This fails on a disk without modes, and for a file of another user, who decides about
            // it.
            let _ = std::fs::set_permissions(path, PermissionsExt::from_mode(mode & 0o7000 | target));
        }
        if metadata.is_dir() {
            let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
            entries.for_each(|entry| share(&entry.path(), folder_mode));
        }
    }
    if let Ok(metadata) = std::fs::metadata(folder) {
        share(folder, metadata.permissions().mode() & 0o777);
    }
}

/// On systems without modes, files take the permissions of their folder anyway.
#[cfg(not(unix))]
pub fn share_as_folder(_: &Path) {}

/// Writes `bytes` so that readers see the old file or the new one, never a part, even after a power
/// failure.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    write_streamed(path, |file| file.write_all(bytes))
}

/// Does the same for content that is too large to hold in memory.
pub fn write_streamed(path: &Path, content: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
    let folder = path.parent().ok_or_else(|| Error::input(format!("{} is not a file", path.display())))?;
    let write = move || -> std::io::Result<()> {
        let mut temporary = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
        let mut buffered = BufWriter::new(&mut temporary);
        content(&mut buffered)?;
        buffered.flush()?;
        drop(buffered);
        temporary.as_file().sync_all()?;
        temporary.persist(path)?;
        // A rename is durable once its folder is synced, which not every platform can do.
        if let Ok(folder) = File::open(folder) {
            let _ = folder.sync_all();
        }
        Ok(())
    };
    write().map_err(|cause| Error::io("write", path, cause))
}

/// A file that is mapped into memory: many threads may read it at once.
pub(super) struct MappedFile(Mmap);

impl MappedFile {
    /// Maps the open file at `path`. Writers may only append to it or put a new file in its place.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn new(file: &File, path: &Path) -> Result<Self> {
        // SAFETY: no writer of an index changes or truncates the bytes that the map covers.
        unsafe { Mmap::map(file) }.map(MappedFile).map_err(|cause| Error::io("map", path, cause))
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// Writes `bytes` followed by their BLAKE3 hash.
pub fn write_sealed(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole(path, &[bytes, blake3::hash(bytes).as_bytes()].concat())
}

/// Reads what [`write_sealed`] wrote.
///
/// # Errors
/// When the file is missing, cut short or changed.
pub fn read_sealed(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = std::fs::read(path).map_err(|cause| {
        Error::damaged(format!("could not read {}: {cause}", path.display())).with_hint(Hint::derive_again())
    })?;
    let seal = bytes.split_off(bytes.len().saturating_sub(SEAL_BYTES));
    if blake3::hash(&bytes).as_bytes()[..] != seal[..] {
        return Err(Error::damaged(format!("{} is damaged: its checksum does not match", path.display()))
            .with_hint(Hint::derive_again()));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_or_shortened_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sealed");
        write_sealed(&path, b"content").unwrap();
        assert_eq!(read_sealed(&path).unwrap(), b"content");
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(read_sealed(&path).is_err(), "{length} bytes were taken for the whole");
        }
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            assert!(read_sealed(&path).is_err(), "a change at byte {at} was not noticed");
        }
    }
}
