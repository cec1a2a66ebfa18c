//! One error type: what happened, where, whose fault it is and what to do next.

use std::fmt::Display;
use std::path::Path;

/// The result of everything here that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Whose fault an [`Error`] is; a program decides by it, a person reads the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// What the caller asked for cannot be: an unknown name, a bad value, a broken configuration.
    Input,
    /// A model or library that has to be fetched first.
    Missing,
    /// A file of an index or model is not what was written there.
    Damaged,
    /// The disk, the network, permissions: the machine, not kinglet's files.
    Machine,
    /// A model refused its input or gave something unusable.
    Model,
    /// Another process holds the index.
    Busy,
    /// The caller stopped the work; what was finished is kept.
    Interrupted,
}

/// What went wrong, and the command or step that helps.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Error {
    what: String,
    kind: ErrorKind,
    hint: Option<String>,
}

impl Error {
    /// An error of this kind; `what` is one line that names the thing.
    pub fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        Error { what: what.into(), kind, hint: None }
    }

    /// The caller's request cannot be met as it stands.
    pub fn input(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Input, what)
    }

    /// A stored file is not what was written there.
    pub fn damaged(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Damaged, what)
    }

    /// A model failed.
    pub fn model(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Model, what)
    }

    /// The machine refused `doing` (a verb phrase) at `path`. A disk that is full is called so, whoever found that it is.
    pub fn io(doing: &str, path: &Path, cause: impl Display) -> Self {
        let cause = cause.to_string();
        match is_disk_full(&cause) {
            true => Self::disk_full(doing, path),
            false => Self::new(ErrorKind::Machine, format!("could not {doing} {}: {cause}", path.display())),
        }
    }

    /// There was no room on the disk for `doing` (a verb phrase) at `path`.
    pub(crate) fn disk_full(doing: &str, path: &Path) -> Self {
        Self::new(ErrorKind::Machine, format!("could not {doing} {}: the disk is full", path.display()))
            .with_hint("free some space and run the command again; what was there before is kept")
    }

    /// The caller asked to stop.
    pub fn interrupted() -> Self {
        Self::new(ErrorKind::Interrupted, "interrupted; what was finished is kept")
    }

    /// Names the part of an index in which it happened. An interrupt comes from the caller and stays what it is.
    #[must_use]
    pub(crate) fn in_part(mut self, name: &str) -> Self {
        if self.kind != ErrorKind::Interrupted {
            self.what = format!("{name}: {}", self.what);
        }
        self
    }

    /// Adds what to do next: a command or a step.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What to do next, if anything is known to help.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

/// Whether a message comes from a disk or a quota that is full: those of systems carry a number, SQLite's a word.
pub(crate) fn is_disk_full(message: &str) -> bool {
    const SIGNS: [&str; 6] =
        ["(os error 28)", "(os error 112)", "(os error 122)", "StorageFull", "QuotaExceeded", "disk is full"];
    SIGNS.iter().any(|sign| message.contains(sign))
}
