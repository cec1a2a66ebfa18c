//! How a run reports its progress, and how it is stopped.

use std::path::Path;
use std::time::Duration;

/// A step of a run, in order; a long run reaches the first three more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// What has been read is committed together with the lexical part; the other derived parts lag.
    TextCommitted,
    /// Every derived part matches the store, as far as chunks have been embedded.
    Derived,
    /// The manifest is written, and the index can be searched.
    Searchable,
    /// All chunks have been embedded and encoded.
    Embedded,
    /// The final manifest is in place, and the run is done.
    Finished,
}

/// A report of a run.
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
    /// Chunks have been added to the lexical part.
    WordsIndexed {
        /// How many so far.
        done: usize,
        /// How many there are before the next commit.
        total: usize,
    },
    /// Embedding takes long: said once for each model, when its first batches have been timed.
    LongEmbedding {
        /// The id of the embedder or sparse encoder.
        model: &'e str,
        /// How many chunks it has to embed in this run.
        chunks: usize,
        /// How long this takes, about.
        time: Duration,
        /// An embedder that would be much faster, if the index is to have none that is.
        faster: Option<FasterEmbedder>,
    },
    /// Chunks have been embedded; none yet, when a model begins.
    Embedded {
        /// The id of the embedder or sparse encoder.
        model: &'e str,
        /// How many so far in this run.
        done: usize,
        /// How many there are to do in this run.
        total: usize,
    },
    /// Vectors have been added to the graph that a large index gets at the end of a run.
    Linked {
        /// The id of the embedder.
        model: &'e str,
        /// How many so far.
        done: usize,
        /// How many there are.
        total: usize,
    },
    /// A step of the commit is done.
    Reached(Step),
}

/// An embedder that a run could use besides its own, to have vectors early.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FasterEmbedder {
    /// Its id.
    pub id: String,
    /// How long it would take for the same chunks, about, as timed on some of them; `None` if its
    /// files are not here.
    pub time: Option<Duration>,
}

/// Observes a run, and may stop it.
pub trait Progress {
    /// Called after each piece of work.
    fn event(&self, event: &Event<'_>);
    /// Called between pieces of work; `true` ends the run with [`crate::ErrorKind::Interrupted`].
    fn is_cancelled(&self) -> bool;
}

/// Ignores the reports and never stops a run.
pub struct NoProgress;

impl Progress for NoProgress {
    fn event(&self, _: &Event<'_>) {}
    fn is_cancelled(&self) -> bool {
        false
    }
}
