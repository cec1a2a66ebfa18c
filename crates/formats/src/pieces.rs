//! The pieces of a long file: how large they are, who takes them, how the reading ended.

use crate::document::Document;
use crate::limits;
use crate::skip::Skip;

/// How much of a long file is held in memory.
#[derive(Debug, Clone, Copy)]
pub struct LongFileLimits {
    /// The bytes that are read and decoded at once.
    pub window_bytes: usize,
    /// The bytes of text that a piece has, roughly.
    pub piece_bytes: usize,
    /// A record or a line with more bytes is cut in two.
    pub record_bytes: usize,
    /// What a letter of a mailbox has beyond these bytes is left out.
    pub letter_bytes: usize,
}

impl Default for LongFileLimits {
    fn default() -> Self {
        LongFileLimits {
            window_bytes: 1 << 20,
            piece_bytes: 1 << 20,
            record_bytes: limits::RECORD_BYTES.most,
            letter_bytes: limits::LETTER_BYTES.most,
        }
    }
}

/// How [`read_long_file`](crate::read_long_file) ended.
#[derive(Debug, PartialEq, Eq)]
pub enum LongFile {
    /// All pieces were given.
    ReadInPieces {
        /// What may be wrong with the text, see [`Document::warning`].
        warning: Option<String>,
    },
    /// No piece was given, because only the whole file can be read: use [`read`](crate::read).
    Indivisible,
}

/// Takes a piece, and the number of lines of the file before it if the piece has no locations of
/// its own. An error ends the reading.
pub type GivePiece<'g> = dyn FnMut(Document, u32) -> Result<(), Skip> + 'g;
