//! Idle connections, for the next thread that needs one.

use std::sync::{Mutex, PoisonError};

/// Connections, each used by one thread at a time. The lock is held while one is taken or put back,
/// never while it is used.
pub(in crate::index) struct Pool<T>(Mutex<Vec<T>>);

impl<T> Pool<T> {
    /// A pool with its first connection.
    pub(in crate::index) fn new(connection: T) -> Self {
        Pool(Mutex::new(vec![connection]))
    }

    /// An idle connection, or else a new one.
    pub(in crate::index) fn take<E>(&self, open: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let idle = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(open, Ok)
    }

    /// Puts a connection back.
    pub(in crate::index) fn put(&self, connection: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}
