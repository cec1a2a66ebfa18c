//! Why a file was not read.

/// Why a file is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    /// In a few words: "empty", "binary", "PDF is not read yet".
    pub reason: String,
}

impl Skip {
    pub(crate) fn because(reason: impl Into<String>) -> Self {
        Skip { reason: reason.into() }
    }

    pub(crate) fn needs_password() -> Self {
        Skip::because("needs a password")
    }
}
