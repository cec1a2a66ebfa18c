//! One error type: what happened, where, whose fault it is and what to do next.

mod hint;

use std::error::Error as StdError;
use std::path::Path;

pub use hint::Hint;

/// The result of everything here that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Whose fault an [`Error`] is: for programs to decide by. People read the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller asked for something impossible: an unknown name, a bad value, a broken
    /// configuration.
    Input,
    /// A model or library must be downloaded first.
    Missing,
    /// A file of an index or model has changed since it was written.
    Damaged,
    /// The disk, the network or permissions: the machine, not kinglet's files.
    Machine,
    /// A model rejected its input or returned something unusable.
    Model,
    /// Another process is writing to the index.
    Busy,
    /// The caller stopped the work. What was finished is kept.
    Interrupted,
}

/// What went wrong, its cause, and what helps.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Error {
    what: String,
    kind: ErrorKind,
    hint: Option<Hint>,
    #[source]
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of this kind; `what` is one line that names the thing.
    pub fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        Error { what: what.into(), kind, hint: None, cause: None }
    }

    /// The caller's request cannot be fulfilled.
    pub fn input(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Input, what)
    }

    /// A stored file has changed since it was written.
    pub fn damaged(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Damaged, what)
    }

    /// A model failed.
    pub fn model(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Model, what)
    }

    /// The machine could not do `doing` (a verb phrase) at `path`. The message says so if the disk
    /// is full, whichever library reports it.
    pub fn io(doing: &str, path: &Path, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let cause = cause.into();
        let error = match is_disk_full(&cause.to_string()) {
            true => Self::disk_full(doing, path),
            false => Self::new(ErrorKind::Machine, format!("could not {doing} {}: {cause}", path.display())),
        };
        error.with_cause(cause)
    }

    /// The disk had no room for `doing` (a verb phrase) at `path`.
    pub(crate) fn disk_full(doing: &str, path: &Path) -> Self {
        Self::new(ErrorKind::Machine, format!("could not {doing} {}: the disk is full", path.display()))
            .with_hint("free some space and run the command again; what was there before is kept")
    }

    /// The caller stopped the work.
    pub fn interrupted() -> Self {
        Self::new(ErrorKind::Interrupted, "interrupted; what was finished is kept")
    }

    /// Names the part of an index that failed. An interrupt comes from the caller and keeps its
    /// message.
    #[must_use]
    pub(crate) fn in_part(mut self, name: &str) -> Self {
        if self.kind != ErrorKind::Interrupted {
            self.what = format!("{name}: {}", self.what);
        }
        self
    }

    /// Names the index in a hint that says to index, unless it is named already.
    #[must_use]
    pub(crate) fn in_index(mut self, name: &str) -> Self {
        if let Some(Hint::UpdateIndex { index, .. } | Hint::IndexFolder { index } | Hint::RootIsGone { index, .. }) =
            &mut self.hint
        {
            index.get_or_insert_with(|| name.to_string());
        }
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Hint>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Keeps the error that led to this one as its [`source`](StdError::source).
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What to do next, if anything is known to help.
    pub fn hint(&self) -> Option<&Hint> {
        self.hint.as_ref()
    }
}

/// True if a message says that a disk or a quota is full. Messages of operating systems have a
/// number, SQLite's has words.
pub(crate) fn is_disk_full(message: &str) -> bool {
    const SIGNS: [&str; 6] =
        ["(os error 28)", "(os error 112)", "(os error 122)", "StorageFull", "QuotaExceeded", "disk is full"];
    SIGNS.iter().any(|sign| message.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_keeps_its_cause_and_says_that_the_disk_is_full() {
        let cause = || std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let error = Error::io("read", Path::new("a.md"), cause());
        let kept = StdError::source(&error).and_then(|cause| cause.downcast_ref::<std::io::Error>());
        assert_eq!(kept.map(std::io::Error::kind), Some(std::io::ErrorKind::PermissionDenied));
        assert!(StdError::source(&Error::input("no cause")).is_none());

        let update = Error::damaged("a part").with_hint(Hint::derive_again()).in_index("notes").in_index("other");
        assert!(matches!(update.hint(), Some(Hint::UpdateIndex { index: Some(name), .. }) if name == "notes"));

        let full = Error::io("write", Path::new("a.log"), std::io::Error::from_raw_os_error(28));
        assert_eq!(full.to_string(), "could not write a.log: the disk is full");
        assert!(matches!(full.hint(), Some(Hint::Advice(text)) if text.contains("free some space")));
        assert!(StdError::source(&full).is_some());
    }
}
