//! Reads mailboxes that are too long to be held in memory, one letter at a time.

use std::io::{BufRead, Read};

use super::internet::{Mailbox, begins_letter, without_quoting};
use crate::limits;
use crate::pieces::{GivePiece, LongFile, LongFileLimits};
use crate::skip::Skip;

/// Reads a mailbox in ASCII on the outside, see [`super::internet::read_mailbox`].
///
/// # Errors
/// No letter in it can be read, or `give` returned an error.
pub(crate) fn read(
    source: &mut dyn BufRead,
    sizes: &LongFileLimits,
    give: &mut GivePiece<'_>,
) -> Result<LongFile, Skip> {
    let mut mailbox = Mailbox::default();
    let mut letter: Option<Vec<u8>> = None;
    let (mut line, mut begins_line, mut after_blank) = (Vec::new(), true, true);
    loop {
        line.clear();
        source.take(sizes.piece_bytes as u64).read_until(b'\n', &mut line).map_err(|cause| Skip::unreadable(&cause))?;
        let begins_letter = begins_line && after_blank && begins_letter(&line);
        if begins_letter || line.is_empty() {
            if let Some(whole) = letter.take() {
                mailbox.add(&without_quoting(&whole));
            }
            if mailbox.text().len() >= sizes.piece_bytes || line.is_empty() {
                give(mailbox.take(), 0)?;
            }
            letter = begins_letter.then(Vec::new);
        } else if let Some(letter) = &mut letter {
            match letter.len() + line.len() <= sizes.letter_bytes {
                true => letter.extend_from_slice(&line),
                false => limits::LETTER_BYTES.met(),
            }
        }
        if line.is_empty() {
            return Ok(LongFile::ReadInPieces { warning: mailbox.warning()? });
        }
        after_blank = begins_line && line.trim_ascii().is_empty();
        begins_line = line.ends_with(b"\n");
    }
}
