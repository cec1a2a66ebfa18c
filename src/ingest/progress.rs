//! What a run tells while it works, and how it is stopped.

use std::path::Path;

/// A step of a run, in order; a long run reaches the first three more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// What has been read is committed with its words; the other derived parts lag.
    TextCommitted,
    /// Every derived part matches the store as far as it has been made.
    Derived,
    /// The index says what it is, and can be searched.
    Searchable,
    /// All vectors and learned terms are made.
    Embedded,
    /// The manifest is in place: done.
    Finished,
}

/// What a run tells while it works.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'e> {
    /// The files have been found; reading begins.
    FilesFound {
        /// How many.
        files: usize,
    },
    /// A file has been read, or found to be unchanged, or skipped.
    FileDone {
        /// Which.
        path: &'e Path,
        /// How many so far.
        done: usize,
        /// How many there are.
        total: usize,
    },
    /// A part of a long file has been read.
    PartRead {
        /// Which file.
        path: &'e Path,
        /// How many bytes of text so far.
        done_bytes: u64,
        /// How many bytes the file has.
        total_bytes: u64,
    },
    /// Words of chunks have been indexed.
    WordsIndexed {
        /// Of how many chunks so far.
        done: usize,
        /// How many there are to do before they are committed.
        total: usize,
    },
    /// Chunks have been embedded.
    Embedded {
        /// By which embedder or encoder.
        model: &'e str,
        /// How many so far in this run.
        done: usize,
        /// How many there are to do in this run.
        total: usize,
    },
    /// Vectors have been put into the graph of near neighbours, which a large index gets when all
    /// else is done.
    Linked {
        /// The embedder that made them.
        model: &'e str,
        /// How many are in it.
        done: usize,
        /// How many there are.
        total: usize,
    },
    /// A step of the commit is done.
    Reached(Step),
}

/// Hears how a run gets on, and may stop it.
pub trait Progress {
    /// Called after each piece of work.
    fn event(&self, event: &Event<'_>);
    /// Asked between pieces of work; `true` ends the run with [`crate::ErrorKind::Interrupted`].
    fn is_cancelled(&self) -> bool;
}

/// Hears nothing and stops nothing.
pub struct NoProgress;

impl Progress for NoProgress {
    fn event(&self, _: &Event<'_>) {}
    fn is_cancelled(&self) -> bool {
        false
    }
}
