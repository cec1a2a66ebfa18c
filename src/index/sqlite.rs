//! What the numbers of SQLite's errors mean.

/// Whether there was no room for the database, or for the memory that its readers share in a file.
pub(super) fn is_disk_full(cause: &rusqlite::Error) -> bool {
    let code = cause.sqlite_error().map(|error| error.extended_code);
    code.is_some_and(|code| code == rusqlite::ffi::SQLITE_FULL || code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}
