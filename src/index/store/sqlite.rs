//! Opens SQLite files, even where nothing can be written: on a read-only mount, in a backup, in a
//! folder of another user.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::{Error, ErrorKind, Result};
use crate::index::durable_file::remove_file;

/// How long to wait for another process that holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes one of kinglet's errors from the file, what was done with it, and SQLite's error.
type Failed = fn(&Path, &str, rusqlite::Error) -> Error;

/// Opens the file for writing, and creates it if it is missing.
pub(in crate::index) fn open_for_writing(path: &Path, failed: Failed) -> Result<Connection> {
    open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)
        .map_err(|cause| failed(path, "open", cause))
}

/// Opens the file for reading, and reads from it once to be sure that it can.
pub(in crate::index) fn open_for_reading(path: &Path, failed: Failed) -> Result<Connection> {
    // Opened for writing, if that is allowed, because only then SQLite reads what a killed process
    // left in the log beside the file.
    let cause = match open_and_read(path, OpenFlags::SQLITE_OPEN_READ_WRITE) {
        Ok(connection) => return Ok(connection),
        Err(cause) => cause,
    };
    let refused = matches!(cause.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly));
    // On a full disk there is no room for the memory that readers share in a file.
    if !is_disk_full(&cause) && (!refused || can_be_written_beside(path)) {
        return Err(failed(path, "open", cause));
    }
    let log = beside(path, "-wal");
    if std::fs::metadata(&log).is_ok_and(|found| found.len() > 0) {
        let message = format!("{} holds changes, which cannot be read where nothing can be written", log.display());
        return Err(Error::new(ErrorKind::Machine, message).with_hint(
            "run `kinglet status` once where the index can be written, and copy it again; or copy the `-shm` file too",
        ));
    }
    // SQLite creates files beside this one even to read it, unless it is told that nobody writes.
    // If that is wrong, because another machine writes, the checks of the rows find it.
    let uri = format!("file:{}?immutable=1", escaped(path));
    open_and_read(Path::new(&uri), OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI)
        .map_err(|cause| failed(path, "open", cause))
}

fn open_and_read(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = open(path, flags)?;
    connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
    Ok(connection)
}

fn open(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

fn can_be_written_beside(path: &Path) -> bool {
    path.parent().is_some_and(|folder| tempfile::tempfile_in(folder).is_ok())
}

/// Removes a database and the files that SQLite puts beside it.
pub(in crate::index) fn remove_database(path: &Path) -> Result<()> {
    ["", "-wal", "-shm"].iter().try_for_each(|ending| remove_file(&beside(path, ending)))
}

/// The file at `path`, or one that SQLite puts beside it, whose name has this ending.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(ending);
    PathBuf::from(name)
}

/// The path, escaped for a URI.
fn escaped(path: &Path) -> String {
    path.display().to_string().replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}

/// True if there was no room for the database, or for the file through which its readers share
/// memory.
pub(in crate::index) fn is_disk_full(cause: &rusqlite::Error) -> bool {
    let code = cause.sqlite_error().map(|error| error.extended_code);
    code.is_some_and(|code| code == rusqlite::ffi::SQLITE_FULL || code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}
