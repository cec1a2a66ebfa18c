//! Finds the files under the roots, and waits for changes to them.

pub mod walk;
pub mod watch;
