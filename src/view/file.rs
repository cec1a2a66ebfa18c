//! The view of a file as chunks.

use std::path::Path;

use serde::Serialize;

use super::{Location, relative};
use crate::chunking::Chunk;

/// A file with its chunks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FileView {
    /// The file.
    pub path: String,
    /// Its chunks, in order.
    pub chunks: Vec<ChunkView>,
}

/// A chunk of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ChunkView {
    /// The location in the file.
    pub location: Location,
    /// The first byte in the extracted text, from 0.
    pub start_byte: usize,
    /// The end in that text.
    pub end_byte: usize,
    /// The headings above it, outermost first.
    pub headings: Vec<String>,
    /// Its size in the embedder's tokens; `None` if the embedder is not installed.
    pub tokens: Option<usize>,
    /// True if it has more tokens than the embedder reads.
    pub over_token_limit: bool,
    /// Its text.
    pub text: String,
}

impl FileView {
    /// `chunks` are the chunks with their tokens, if counted; the embedder reads at most
    /// `token_limit` of these. Makes the path relative to `base`.
    pub fn new(path: &Path, chunks: &[(Chunk, Option<usize>)], token_limit: Option<usize>, base: &Path) -> Self {
        let chunk = |(chunk, tokens): &(Chunk, Option<usize>)| ChunkView {
            location: Location::of(chunk),
            start_byte: chunk.span.start,
            end_byte: chunk.span.end,
            headings: chunk.headings.clone(),
            tokens: *tokens,
            over_token_limit: tokens.zip(token_limit).is_some_and(|(tokens, limit)| tokens > limit),
            text: chunk.text.clone(),
        };
        FileView { path: relative(path, base), chunks: chunks.iter().map(chunk).collect() }
    }
}
