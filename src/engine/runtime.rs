//! The tokio runtime of the caller: the library creates none.

use tokio::runtime::Handle;

use crate::error::{Error, ErrorKind, Result};

/// The tokio runtime that the caller must have entered.
pub(crate) fn runtime() -> Result<Handle> {
    Handle::try_current().map_err(|cause| {
        Error::new(ErrorKind::Input, "generators need a tokio runtime: enter one before this call").with_cause(cause)
    })
}
