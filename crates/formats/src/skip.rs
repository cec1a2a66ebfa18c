//! Why a file was not read.

use std::fmt;

/// Why a file was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    /// The reason in a few words: "empty", "binary", "needs a password".
    pub reason: String,
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the file was not read: {}", self.reason)
    }
}

impl std::error::Error for Skip {}

impl Skip {
    pub(crate) fn because(reason: impl Into<String>) -> Self {
        Skip { reason: reason.into() }
    }

    pub(crate) fn unreadable(cause: &std::io::Error) -> Self {
        Skip::because(format!("could not be read: {cause}"))
    }

    pub(crate) fn needs_password() -> Self {
        Skip::because("needs a password")
    }
}
