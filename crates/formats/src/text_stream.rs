//! Decodes a file that is too long to be held in memory, window by window.

use std::io::Read;

use encoding_rs::{Decoder, ISO_2022_JP};

use crate::charset::Charset;
use crate::decode::{self, Characters, Choice};
use crate::document::join_warnings;
use crate::skip::Skip;

/// The decoded text of a file as far as it has been read and not been taken.
pub(crate) struct Source<'r> {
    file: &'r mut dyn Read,
    window_bytes: usize,
    declared: Option<Charset>,
    charset: Option<Charset>,
    decoder: Option<Decoder>,
    characters: Characters,
    warning: Option<String>,
    has_begun: bool,
    /// What has not been taken yet.
    pub(crate) text: String,
    /// True if `text` reaches the end of the file.
    pub(crate) is_done: bool,
}

impl<'r> Source<'r> {
    pub(crate) fn new(file: &'r mut dyn Read, window_bytes: usize, declared: Option<Charset>) -> Self {
        Source {
            file,
            window_bytes,
            declared,
            charset: None,
            decoder: None,
            characters: Characters::default(),
            warning: None,
            has_begun: false,
            text: String::new(),
            is_done: false,
        }
    }

    /// Reads on until there are at least so many bytes of text, or all.
    ///
    /// # Errors
    /// When the file cannot be read, or what it holds is no text.
    pub(crate) fn fill(&mut self, text_bytes: usize) -> Result<(), Skip> {
        while self.text.len() < text_bytes && !self.is_done {
            let window = window(self.file, self.window_bytes)?;
            self.is_done = window.len() < self.window_bytes;
            let before = self.text.len();
            let all_fit = self.decode(&window)?;
            let replaced = self.characters.replaced;
            self.characters.count(&self.text[before..])?;
            if all_fit {
                // The file itself has U+FFFD in it.
                self.characters.replaced = replaced;
            }
            if self.is_done {
                self.characters.are_text()?;
            }
        }
        Ok(())
    }

    /// The encoding is chosen by the first window that has more than ASCII in it: what every
    /// encoding reads alike tells none. Returns true if all bytes fitted the encoding.
    fn decode(&mut self, window: &[u8]) -> Result<bool, Skip> {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        let mut mark_bytes = 0;
        if self.charset.is_none() {
            let has_zeros = window.contains(&0);
            if !is_first && has_zeros {
                return Err(Skip::because("binary"));
            }
            let choice = decode::choose(without_unfinished_character(window), self.declared)?;
            // Escapes colour logs, too, and tell nothing then.
            if window.is_ascii() && !has_zeros && choice.charset != Charset::Standard(ISO_2022_JP) {
                self.text.push_str(&String::from_utf8_lossy(window));
                return Ok(true);
            }
            let Choice { charset, warning, .. } = choice;
            mark_bytes = if is_first { choice.mark_bytes } else { 0 };
            (self.charset, self.warning) = (Some(charset), warning);
        }
        Ok(self.charset.is_none_or(|charset| {
            charset.decode_more(&mut self.decoder, &window[mark_bytes..], self.is_done, &mut self.text)
        }))
    }

    /// Takes the first bytes of the text.
    pub(crate) fn take(&mut self, bytes: usize) -> String {
        let rest = self.text.split_off(bytes);
        std::mem::replace(&mut self.text, rest)
    }

    /// The warning about the decoding so far.
    pub(crate) fn warning(&self) -> Option<String> {
        let name = self.charset.map_or("ASCII", Charset::name);
        let misfits = self.characters.replaced;
        let unfit = (misfits > 0).then(|| format!("{misfits} characters could not be decoded as {name}"));
        join_warnings(self.warning.clone(), unfit)
    }
}

/// The next bytes of a file; fewer than `most` only at its end.
pub(crate) fn window(file: &mut dyn Read, most: usize) -> Result<Vec<u8>, Skip> {
    let mut window = Vec::with_capacity(most);
    file.take(most as u64).read_to_end(&mut window).map_err(|cause| Skip::unreadable(&cause))?;
    Ok(window)
}

/// Bytes without a character at their end that they only begin: of ISO-2022, which is ASCII, up to
/// a line end; of UTF-8.
fn without_unfinished_character(bytes: &[u8]) -> &[u8] {
    if bytes.is_ascii() {
        return bytes.iter().rposition(|&byte| byte == b'\n').map_or(bytes, |last| &bytes[..=last]);
    }
    match std::str::from_utf8(bytes) {
        Err(cause) if cause.error_len().is_none() => &bytes[..cause.valid_up_to()],
        _ => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8], window_bytes: usize) -> Result<(String, Option<String>), String> {
        let mut file = bytes;
        let mut source = Source::new(&mut file, window_bytes, None);
        let mut text = String::new();
        while !source.is_done || !source.text.is_empty() {
            source.fill(1).map_err(|skip| skip.reason)?;
            text.push_str(&source.take(source.text.len()));
        }
        Ok((text, source.warning()))
    }

    #[test]
    fn windows_cut_no_character_and_the_first_that_tells_the_encoding_decides() {
        let text = "plain words\nGrüße aus Köln, schöne Straßen und Bäume überall — „wirklich“.\n".repeat(3);
        let (western, ..) = encoding_rs::WINDOWS_1252.encode(&text);
        let utf16 = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        for bytes in [text.as_bytes().to_vec(), western.into_owned(), utf16] {
            for window_bytes in [64, 97, 1 << 10] {
                assert_eq!(decoded(&bytes, window_bytes), Ok((text.clone(), None)), "{window_bytes}");
            }
        }
        let replaced = "Grüße, \u{fffd} und weiter. ".repeat(30);
        assert_eq!(decoded(replaced.as_bytes(), 64), Ok((replaced.clone(), None)), "the file itself says so");
        let coloured = format!("{}{text}", "\x1b[31mred\x1b[0m words. ".repeat(200));
        assert_eq!(decoded(coloured.as_bytes(), 256), Ok((coloured.clone(), None)));
        let japanese = "日本語のテキストはひらがなと漢字で書かれています。\n".repeat(20);
        let (seven_bits, ..) = ISO_2022_JP.encode(&japanese);
        assert_eq!(decoded(&seven_bits, 500), Ok((japanese, None)));
        let late = [&b"plain words. ".repeat(200)[..], &encoding_rs::WINDOWS_1252.encode(&text).0].concat();
        assert!(decoded(&late, 256).unwrap().0.ends_with(&text));
    }

    #[test]
    fn what_does_not_fit_later_is_doubtful_or_no_text() {
        let bytes = ["žluťoučký kůň ".repeat(200).as_bytes(), b"\xff and \xfe"].concat();
        let (text, warning) = decoded(&bytes, 256).unwrap();
        assert!(text.ends_with("\u{fffd} and \u{fffd}"));
        assert_eq!(warning.as_deref(), Some("2 characters could not be decoded as UTF-8"));
        assert_eq!(decoded(&[&b"words ".repeat(200)[..], b"\0"].concat(), 256).unwrap_err(), "binary");
    }
}
