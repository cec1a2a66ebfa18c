//! Breaks up long headers, which no letter needs, before the parser of letters gets them: it would
//! use memory without bound.

use std::borrow::Cow;

use crate::limits::LETTERS_WITHIN;
use crate::skip::Skip;

/// Longer lines, and headers of more lines than this holds, are broken; those of base64 and HTML
/// may be.
const MAX_HEADER_BYTES: usize = 16 << 10;
/// More letters cannot be within one.
const MAX_LETTERS: usize = LETTERS_WITHIN.most;
/// Each of them needs one of these words.
const WORDS: &[&[u8]] = &[b"rfc822", b"message/global", b"digest"];

/// The same letter with bounded headers.
///
/// # Errors
/// The letter may contain too many letters.
pub(super) fn bounded(letter: &[u8]) -> Result<Cow<'_, [u8]>, Skip> {
    let is_word = |at: &usize| {
        WORDS.iter().any(|word| letter[*at..].get(..word.len()).is_some_and(|it| it.eq_ignore_ascii_case(word)))
    };
    let first = |byte: u8| matches!(byte | 0x20, b'r' | b'm' | b'd');
    if (0..letter.len()).filter(|&at| first(letter[at])).filter(is_word).take(MAX_LETTERS + 1).count() > MAX_LETTERS {
        return Err(Skip::because(format!("more than {MAX_LETTERS} letters within a letter")));
    }
    let mut header_bytes = 0;
    let mut is_long = |line: &[u8]| {
        header_bytes = if is_folded(line) { header_bytes + line.len() } else { line.len() };
        header_bytes > MAX_HEADER_BYTES
    };
    if !letter.split_inclusive(|&byte| byte == b'\n').any(&mut is_long) {
        return Ok(Cow::Borrowed(letter));
    }
    let mut broken = Vec::with_capacity(letter.len() + letter.len() / 64);
    let mut header_bytes = 0;
    for mut line in letter.split_inclusive(|&byte| byte == b'\n') {
        header_bytes = if is_folded(line) { header_bytes + line.len() } else { line.len() };
        if header_bytes > MAX_HEADER_BYTES && is_folded(line) {
            line = line.trim_ascii_start();
            header_bytes = line.len();
        }
        while line.len() > MAX_HEADER_BYTES {
            let (head, rest) = line.split_at(break_at(line));
            broken.extend_from_slice(head);
            broken.push(b'\n');
            line = rest.trim_ascii_start();
            header_bytes = line.len();
        }
        broken.extend_from_slice(line);
        // A line of nothing but spaces has lost its end, too.
        if line.is_empty() {
            broken.push(b'\n');
        }
    }
    Ok(Cow::Owned(broken))
}

fn is_folded(line: &[u8]) -> bool {
    line.starts_with(b" ") || line.starts_with(b"\t")
}

/// At a space if there is one, else not within a character.
fn break_at(line: &[u8]) -> usize {
    let window = &line[MAX_HEADER_BYTES / 2..MAX_HEADER_BYTES];
    let last = |wanted: fn(&u8) -> bool| window.iter().rposition(wanted).map(|at| MAX_HEADER_BYTES / 2 + at);
    last(u8::is_ascii_whitespace).or_else(|| last(u8::is_ascii)).unwrap_or(MAX_HEADER_BYTES - 1) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_too_long_is_broken() {
        let letter = format!("Subject: a\n b\nTo: {}\n\n{}\n", "a@b, ".repeat(20), "word ".repeat(2_000));
        assert!(matches!(bounded(letter.as_bytes()), Ok(Cow::Borrowed(_))));
        let folded = format!("Subject: a\n{}\nbody", " b\n".repeat(100_000));
        let broken = bounded(folded.as_bytes()).unwrap();
        assert!(broken.starts_with(b"Subject: a\n b\n") && broken.windows(3).any(|it| it == b"\nb\n"));
        let long = "ä".repeat(50_000);
        let broken = bounded(long.as_bytes()).unwrap();
        assert!(broken.split(|&byte| byte == b'\n').all(|line| line.len() <= MAX_HEADER_BYTES));
        let nested = "Content-Type: Message/RFC822\n\n".repeat(2_000);
        assert!(bounded(nested.as_bytes()).is_err());
    }
}
