//! An index on disk: the store is the truth, and the other parts are derived from it.
//!
//! ```text
//! manifest.json       what the index holds; written last, by rename
//! documents.sqlite    documents and chunks: the truth
//! lexical/            terms → chunks (tantivy)
//! dense/<embedder>/   chunks → vectors, and a graph over them once there are many
//! tokens/<embedder>   chunks → token vectors, a cache
//! sparse/<encoder>/   learned terms → chunks
//! writer.lock         held by the one process that writes
//! ```

pub mod calibration;
pub mod dense;
pub mod derived_part;
pub mod durable_file;
mod file_stamp;
pub mod fusion_weights;
pub mod lexical;
pub mod manifest;
mod parts;
mod reader;
mod snapshot;
pub mod sparse;
pub mod store;
pub mod token_vectors;
mod top_k;
mod writer;

use std::path::{Path, PathBuf};

pub use reader::IndexReader;
pub use snapshot::Index;
pub use writer::IndexWriter;

use crate::error::Result;
use crate::models::contracts::{EmbedderCard, SparseCard};

/// Up to this many chunks a search compares every vector; beyond, it uses the graph. `make
/// bench-dense` measures both: comparing 100,000 vectors takes 14 ms, while a graph over them takes
/// seconds to open and many minutes to build.
pub const EXACT_LIMIT: usize = 1_000_000;

/// Called with the amount of work done and the total. Its error ends the work.
pub type WorkProgress<'p> = dyn Fn(usize, usize) -> Result<()> + 'p;

/// The file name of the store.
const STORE: &str = "documents.sqlite";

fn lexical_folder(folder: &Path) -> PathBuf {
    folder.join("lexical")
}

fn dense_folder(folder: &Path, card: &EmbedderCard) -> PathBuf {
    folder.join("dense").join(format!("{}-{}", card.id, &card.fingerprint()[..8]))
}

fn tokens_file(folder: &Path, card: &EmbedderCard) -> PathBuf {
    folder.join("tokens").join(format!("{}-{}.sqlite", card.id, &card.fingerprint()[..8]))
}

fn sparse_folder(folder: &Path, card: &SparseCard) -> PathBuf {
    folder.join("sparse").join(format!("{}-{}", card.id, &card.fingerprint()[..8]))
}
