//! A file becomes chunks; hostile files do so in a process that can be given up.

mod long_file;
mod timeouts;
pub mod worker_process;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::chunking::{Chunk, Chunking, chunk};
use kinglet_formats::{Document, Skip, read_with_progress, remove_boilerplate};
pub use timeouts::Timeouts;

/// Counts up whenever files are read or cut in another way than before, so that an index reads them again.
pub const VERSION: u32 = 2;

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Where it is.
    pub path: PathBuf,
    /// How it is cut.
    pub chunking: Chunking,
    /// The BLAKE3 hash of its bytes when it was last read: with the same bytes nothing is read again.
    pub previous_hash: Option<[u8; 32]>,
    /// Whether the whole text is wanted too.
    pub with_text: bool,
}

/// What a file was read as and cut into.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extracted {
    /// Its chunks, in order; at least one.
    pub chunks: Vec<Chunk>,
    /// What it says of itself, as keys and values.
    pub metadata: Vec<(String, String)>,
    /// What is doubtful about how it was read.
    pub doubt: Option<String>,
    /// Lines that were left out because they stand on page after page.
    pub repeated_lines: u32,
    /// The whole text, if it was wanted.
    pub text: Option<String>,
}

/// Chunks of a file that has more of them than are held at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The next ones, in order; at least one.
    pub chunks: Vec<Chunk>,
    /// The next part of its text, if that was wanted.
    pub text: Option<String>,
}

impl Part {
    /// Adds what follows.
    pub fn add(&mut self, more: Part) {
        self.chunks.extend(more.chunks);
        if let Some(text) = more.text {
            self.text.get_or_insert_default().push_str(&text);
        }
    }
}

impl Extracted {
    /// Puts the parts that came before in front.
    pub fn follow(&mut self, mut before: Part) {
        before.add(Part { chunks: std::mem::take(&mut self.chunks), text: self.text.take() });
        (self.chunks, self.text) = (before.chunks, before.text);
    }
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Extraction {
    /// The bytes are those that are known.
    Unchanged,
    /// Chunks of a large file, before the rest: they count if at last it was read.
    Part(Part),
    /// It was read.
    Read {
        /// The BLAKE3 hash of its bytes.
        hash: [u8; 32],
        /// What it holds, without the parts before.
        extracted: Extracted,
    },
    /// Its reader took too long or too much memory, or broke down; another time it may not.
    GivenUp {
        /// Why, in a few words.
        reason: String,
    },
    /// It was not read.
    Skipped {
        /// The BLAKE3 hash of its bytes; zeros where not even these could be had.
        hash: [u8; 32],
        /// Why, in a few words.
        reason: String,
    },
}

/// A part holds no more chunks than this.
const PART_CHUNKS: usize = 2_000;

/// Takes a part; an error ends the reading.
pub type PartSink<'g> = dyn FnMut(Part) -> Result<(), Skip> + 'g;

/// Reads one file, here and now; `progress` is called after each page or so of a long one, `give` with parts of one that has many
/// chunks. A reader's panic costs that file only.
pub fn read(request: &Request, progress: &dyn Fn(), give: &mut PartSink<'_>) -> Extraction {
    if let Some(outcome) = long_file::read(request, progress, give) {
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
        while extracted.chunks.len() > PART_CHUNKS {
            let rest = extracted.chunks.split_off(PART_CHUNKS);
            give(Part { chunks: std::mem::replace(&mut extracted.chunks, rest), text: None })?;
        }
        Ok(extracted)
    };
    match catch_unwind(AssertUnwindSafe(extracted)) {
        Ok(Ok(extracted)) => Extraction::Read { hash, extracted },
        Ok(Err(Skip { reason })) => Extraction::Skipped { hash, reason },
        Err(_) => Extraction::GivenUp { reason: FAILED.to_string() },
    }
}

/// What is said of a file over which its reader broke down.
const FAILED: &str = "the reader of this format failed on it; please report the file";

/// The name of the file, which tells its kind.
fn name(request: &Request) -> std::borrow::Cow<'_, str> {
    request.path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default()
}

/// Reads the text, leaves out what is repeated from page to page, and cuts the rest.
fn read_and_chunk(request: &Request, bytes: &[u8], progress: &dyn Fn()) -> Result<Extracted, Skip> {
    let mut document = read_with_progress(&name(request), bytes, progress)?;
    let repeated_lines = remove_boilerplate(&mut document);
    let chunks = chunk(&document, &request.chunking);
    if chunks.is_empty() {
        return Err(no_text());
    }
    let Document { metadata, warning: doubt, text, .. } = document;
    Ok(Extracted { chunks, metadata, doubt, repeated_lines, text: request.with_text.then_some(text) })
}

fn no_text() -> Skip {
    Skip { reason: "no text in it".to_string() }
}
