//! Finds the files under the roots, and notices their changes.

pub mod walk;
pub mod watch;
