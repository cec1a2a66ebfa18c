//! What the reader of a long file is given, and what it gives: pieces.

use crate::document::Document;
use crate::limits;
use crate::skip::Skip;

/// How much is held of a long file.
#[derive(Debug, Clone, Copy)]
pub struct LongFileLimits {
    /// How many bytes are read and decoded at once.
    pub window: usize,
    /// About how many bytes of text a piece has.
    pub piece: usize,
    /// A record or a line that is longer is cut there.
    pub record: usize,
    /// What a letter of a mailbox has beyond is left out.
    pub letter: usize,
}

impl Default for LongFileLimits {
    fn default() -> Self {
        LongFileLimits {
            window: 1 << 20,
            piece: 1 << 20,
            record: limits::RECORD_BYTES.most,
            letter: limits::LETTER_BYTES.most,
        }
    }
}

/// How the reading of a long file ended.
#[derive(Debug, PartialEq, Eq)]
pub enum LongFile {
    /// All of it was given.
    ReadInPieces {
        /// What is doubtful about how it was read.
        warning: Option<String>,
    },
    /// Nothing of it was given: its kind is read at once.
    Indivisible,
}

/// Takes a piece, and how many lines of the file are before it where its places are its own lines.
pub type GivePiece<'g> = dyn FnMut(Document, u32) -> Result<(), Skip> + 'g;
