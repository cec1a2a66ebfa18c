//! Reads a file into chunks, in a process that can be killed if the file is hostile.

mod long_file;
mod timeouts;
pub mod worker_process;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::chunking::{Chunk, Chunking, chunk};
use kinglet_formats::{Document, Skip, read_with_progress, remove_boilerplate};
pub use timeouts::Timeouts;

/// Increases with every change in how files are read or cut, so that indexes read all files again.
pub const VERSION: u32 = 4;

/// A request to read one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The file.
    pub path: PathBuf,
    /// How its text is cut.
    pub chunking: Chunking,
    /// The BLAKE3 hash of its bytes when it was last read: a file with the same bytes is not read
    /// again.
    pub previous_hash: Option<[u8; 32]>,
    /// True if the whole text is returned as well.
    pub with_text: bool,
}

/// The chunks of a file, and what else was read from it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extracted {
    /// Its chunks, in order; at least one.
    pub chunks: Vec<Chunk>,
    /// The metadata in the file, as keys and values.
    pub metadata: Vec<(String, String)>,
    /// The reason why the text may be wrong or incomplete, if there is one.
    pub warning: Option<String>,
    /// The number of lines that were left out because they repeat from page to page.
    pub repeated_lines: u32,
    /// The whole text, if it was requested.
    pub text: Option<String>,
}

/// A part of the chunks of a file that has too many to hold in memory at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The next chunks, in order; at least one.
    pub chunks: Vec<Chunk>,
    /// The next part of its text, if that was requested.
    pub text: Option<String>,
}

impl Part {
    /// Appends the next part.
    pub fn add(&mut self, next: Part) {
        self.chunks.extend(next.chunks);
        if let Some(text) = next.text {
            self.text.get_or_insert_default().push_str(&text);
        }
    }
}

impl Extracted {
    /// Prepends the parts that came before.
    pub fn follow(&mut self, mut before: Part) {
        before.add(Part { chunks: std::mem::take(&mut self.chunks), text: self.text.take() });
        (self.chunks, self.text) = (before.chunks, before.text);
    }
}

/// The outcome of a request, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Extraction {
    /// The bytes have the previous hash.
    Unchanged,
    /// A part of a large file. It counts only if the file's outcome is [`Read`](Self::Read).
    Part(Part),
    /// The file was read.
    Read {
        /// The BLAKE3 hash of its bytes.
        hash: [u8; 32],
        /// Its content, without the parts that came before.
        extracted: Extracted,
    },
    /// The reader took too long or too much memory, or crashed. It may succeed another time.
    GivenUp {
        /// The reason in a few words.
        reason: String,
    },
    /// The file was not read.
    Skipped {
        /// The BLAKE3 hash of its bytes; zeros if these could not be read.
        hash: [u8; 32],
        /// The reason in a few words.
        reason: String,
    },
}

/// The most chunks in a part.
const MAX_PART_CHUNKS: usize = 2_000;

/// Receives the parts of a file; an error stops reading.
pub type PartSink<'g> = dyn FnMut(Part) -> Result<(), Skip> + 'g;

/// Reads one file in this process. Calls `progress` about once a page of a long file, and `sink`
/// with the parts of a file that has many chunks. A panic of a reader affects only its file.
pub fn read(request: &Request, progress: &dyn Fn(), sink: &mut PartSink<'_>) -> Extraction {
    if let Some(outcome) = long_file::read(request, progress, sink) {
        return outcome;
    }
    let bytes = match std::fs::read(&request.path) {
        Ok(bytes) => bytes,
        Err(cause) => return Extraction::Skipped { hash: [0; 32], reason: format!("could not be read: {cause}") },
    };
    let hash = *blake3::hash(&bytes).as_bytes();
    if request.previous_hash == Some(hash) {
        return Extraction::Unchanged;
    }
    let extracted = || -> Result<Extracted, Skip> {
        let mut extracted = read_and_chunk(request, &bytes, progress)?;
        while extracted.chunks.len() > MAX_PART_CHUNKS {
            let rest = extracted.chunks.split_off(MAX_PART_CHUNKS);
            sink(Part { chunks: std::mem::replace(&mut extracted.chunks, rest), text: None })?;
        }
        Ok(extracted)
    };
    match catch_unwind(AssertUnwindSafe(extracted)) {
        Ok(Ok(extracted)) => Extraction::Read { hash, extracted },
        Ok(Err(Skip { reason })) => Extraction::Skipped { hash, reason },
        Err(_) => Extraction::GivenUp { reason: FAILED.to_string() },
    }
}

/// The reason for giving up a file whose reader panicked.
const FAILED: &str = "the reader of this format failed on it; please report the file";

/// The name of the file, which tells its format.
fn name(request: &Request) -> std::borrow::Cow<'_, str> {
    request.path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default()
}

/// Reads the text, removes lines that repeat from page to page, and cuts the rest.
fn read_and_chunk(request: &Request, bytes: &[u8], progress: &dyn Fn()) -> Result<Extracted, Skip> {
    let mut document = read_with_progress(&name(request), bytes, progress)?;
    let repeated_lines = remove_boilerplate(&mut document);
    let chunks = chunk(&document, &request.chunking);
    if chunks.is_empty() {
        return Err(no_text());
    }
    let Document { metadata, warning, text, .. } = document;
    Ok(Extracted { chunks, metadata, warning, repeated_lines, text: request.with_text.then_some(text) })
}

fn no_text() -> Skip {
    Skip { reason: "no text in it".to_string() }
}
