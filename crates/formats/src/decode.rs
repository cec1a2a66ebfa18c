//! Bytes become text: which encoding, and whether it is text at all.

use encoding_rs::{EUC_KR, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::charset::{self, Charset, Guess};
use crate::skip::Skip;

/// What bytes say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub(crate) text: String,
    /// What may be wrong with the decoding, in a few words.
    pub(crate) warning: Option<String>,
}

/// Decodes `bytes`: by a byte order mark, as UTF-8 if they are, as UTF-16 or UTF-32 if their zeros
/// lie so, as `declared`, else in the encoding that their statistics suggest. The text has no byte
/// order mark.
///
/// # Errors
/// "binary" for bytes that no text has, and a reason where more than 1 % of the characters cannot
/// be decoded, or where what comes out reads like no language.
pub(crate) fn decode(bytes: &[u8], declared: Option<Charset>) -> Result<Decoded, Skip> {
    let other = decode_utf32(bytes).or_else(|| decode_iso_2022_kr(bytes));
    let (text, warning) = match other {
        Some(text) => (text, None),
        None => {
            let Choice { charset, mark_bytes, warning } = choose(bytes, declared)?;
            (charset.decode(&bytes[mark_bytes..]), warning)
        }
    };
    let mut characters = Characters::default();
    characters.count(&text)?;
    characters.are_text()?;
    Ok(Decoded { text, warning })
}

/// True if bytes that begin like this are in an encoding that only [`decode`] knows.
pub(crate) fn is_decoded_whole(bytes: &[u8]) -> bool {
    decode_utf32(&bytes[..bytes.len().min(1 << 16) & !3]).is_some() || decode_iso_2022_kr(bytes).is_some()
}

/// How bytes are to be decoded.
pub(crate) struct Choice {
    pub(crate) charset: Charset,
    /// The length of the byte order mark.
    pub(crate) mark_bytes: usize,
    pub(crate) warning: Option<String>,
}

/// Chooses the encoding of bytes that are neither in UTF-32 nor in ISO-2022-KR.
///
/// # Errors
/// As [`decode`].
pub(crate) fn choose(bytes: &[u8], declared: Option<Charset>) -> Result<Choice, Skip> {
    let sure = |encoding, mark_bytes| Choice { charset: Charset::Standard(encoding), mark_bytes, warning: None };
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        return Ok(sure(encoding, length));
    }
    if let Some(encoding) = utf16_by_zeros(bytes) {
        return Ok(sure(encoding, 0));
    }
    if bytes.contains(&0) {
        return Err(Skip::because("binary"));
    }
    // ISO-2022 is 7-bit: its bytes are valid UTF-8 and mean something else.
    let seven_bit_escapes = bytes.contains(&0x1b) && bytes.is_ascii();
    if !seven_bit_escapes && is_nearly_utf8(bytes) {
        return Ok(sure(UTF_8, 0));
    }
    if let Some(charset) = declared
        && charset != Charset::Standard(UTF_8)
    {
        return Ok(Choice { charset, mark_bytes: 0, warning: None });
    }
    let Guess { charset, doubtful } = charset::guess(bytes).ok_or_else(no_encoding)?;
    let warning = doubtful.then(|| format!("the encoding was guessed: {}", charset.name()));
    Ok(Choice { charset, mark_bytes: 0, warning })
}

/// The text of `bytes` for those who have no place for a warning: parts of a file, such as a page
/// of a book.
///
/// # Errors
/// As [`decode`].
pub(crate) fn text(bytes: &[u8], declared: Option<Charset>) -> Result<String, Skip> {
    decode(bytes, declared).map(|decoded| decoded.text)
}

/// The encoding that an HTML or XML file says it is in, if its first kilobyte says so.
pub(crate) fn declared_encoding(bytes: &[u8]) -> Option<Charset> {
    let head: String = bytes.iter().take(1024).map(|&byte| char::from(byte).to_ascii_lowercase()).collect();
    ["charset=", "encoding="].iter().find_map(|key| {
        let label = head.split(key).nth(1)?.trim_start_matches(['"', '\'', ' ']);
        let end = label.find(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c))).unwrap_or(label.len());
        // A file whose label could be read byte by byte is not in UTF-16.
        let utf16 = [UTF_16LE, UTF_16BE].map(Charset::Standard);
        Charset::for_label(&label[..end]).filter(|charset| !utf16.contains(charset))
    })
}

fn no_encoding() -> Skip {
    Skip::because("not text in any encoding known here")
}

/// What decoded characters there are.
#[derive(Debug, Default)]
pub(crate) struct Characters {
    all: usize,
    controls: usize,
    /// Those that could not be decoded.
    pub(crate) replaced: usize,
}

impl Characters {
    /// Counts those of a text.
    ///
    /// # Errors
    /// "binary" where one is zero.
    pub(crate) fn count(&mut self, text: &str) -> Result<(), Skip> {
        for character in text.chars() {
            if character == '\0' {
                return Err(Skip::because("binary"));
            }
            self.all += 1;
            self.replaced += usize::from(character == '\u{fffd}');
            // Back space and escape are in terminal logs, vertical tab and form feed in old text.
            self.controls += usize::from(character < ' ' && !"\t\n\r\x08\x0b\x0c\x1b".contains(character));
        }
        Ok(())
    }

    /// True if it is text, as far as it has been counted.
    ///
    /// # Errors
    /// Why it is not.
    pub(crate) fn are_text(&self) -> Result<(), Skip> {
        if self.controls * 50 > self.all {
            return Err(Skip::because("binary"));
        }
        if self.replaced * 100 > self.all {
            return Err(no_encoding());
        }
        Ok(())
    }
}

/// Valid UTF-8, or UTF-8 with a few damaged places among many good ones.
fn is_nearly_utf8(bytes: &[u8]) -> bool {
    let (mut good, mut bad) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().bytes().filter(|byte| *byte >= 0xc0).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    bad == 0 || good > 20 * bad
}

/// UTF-16 without a mark: every second byte of Latin text is zero, all on the same side. In other
/// alphabets the zeros of spaces are, and few other bytes stand beside them.
fn utf16_by_zeros(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(4096) & !1];
    let zeros = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let pairs = sample.len() / 2;
    let many = |count: usize| count > 0 && count * 3 >= pairs;
    let few = |count: usize| count * 50 <= pairs;
    let alphabet = |offset: usize| {
        let mut found: Vec<u8> = sample.iter().skip(offset).step_by(2).copied().collect();
        found.sort_unstable();
        found.dedup();
        found.len() <= 4
    };
    if (many(odd) && few(even)) || (odd > 0 && even == 0 && alphabet(1)) {
        Some(UTF_16LE)
    } else if (many(even) && few(odd)) || (even > 0 && odd == 0 && alphabet(0)) {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// ISO-2022-KR, which is no longer in the Encoding Standard: seven bits, and EUC-KR without the
/// eighth between the shifts.
fn decode_iso_2022_kr(bytes: &[u8]) -> Option<String> {
    const DESIGNATION: &[u8] = b"\x1b$)C";
    const SHIFT_OUT: u8 = 0x0e;
    const SHIFT_IN: u8 = 0x0f;
    let head = &bytes[..bytes.len().min(1024)];
    if !bytes.is_ascii() || !head.windows(DESIGNATION.len()).any(|window| window == DESIGNATION) {
        return None;
    }
    let mut shifted = false;
    let mut with_eighth_bit = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            SHIFT_OUT | SHIFT_IN => shifted = byte == SHIFT_OUT,
            0x21..=0x7e if shifted => with_eighth_bit.push(byte | 0x80),
            _ => with_eighth_bit.push(byte),
        }
    }
    Some(Charset::Standard(EUC_KR).decode(&with_eighth_bit).replace("\u{1b}$)C", ""))
}

/// UTF-32, with or without a mark. Every character has a zero byte at one end and a plane below 17
/// beside it.
fn decode_utf32(bytes: &[u8]) -> Option<String> {
    if bytes.len() < 8 || !bytes.len().is_multiple_of(4) {
        return None;
    }
    let decode = |value: fn([u8; 4]) -> u32| -> Option<String> {
        let units = bytes.chunks_exact(4).map(|unit| value([unit[0], unit[1], unit[2], unit[3]]));
        let text: Option<String> = units.map(|unit| char::from_u32(unit).filter(|&c| c != '\0')).collect();
        text.map(|text| text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
    };
    decode(u32::from_le_bytes).or_else(|| decode(u32::from_be_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_decoded_from_every_common_encoding() {
        let text = "Grüße aus Köln, schöne Straßen und Bäume überall — „wirklich“.";
        let utf16 = |big: bool| -> Vec<u8> {
            text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
        };
        let utf32: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        let with_mark = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
        let cases = [
            text.as_bytes().to_vec(),
            with_mark(b"\xef\xbb\xbf", text.as_bytes()),
            encoding_rs::WINDOWS_1252.encode(text).0.into_owned(),
            utf16(false),
            utf16(true),
            with_mark(b"\xff\xfe", &utf16(false)),
            with_mark(b"\xfe\xff", &utf16(true)),
            with_mark(b"\xff\xfe\0\0", &utf32),
            utf32,
        ];
        for (number, bytes) in cases.iter().enumerate() {
            assert_eq!(decode(bytes, None).map(|decoded| decoded.text).as_deref(), Ok(text), "case {number}");
        }
    }

    #[test]
    fn utf16_is_told_in_other_alphabets() {
        let text = "В гимназии он не был в числе первых учеников.";
        for big in [false, true] {
            let bytes = text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
            assert_eq!(decode(&bytes.collect::<Vec<u8>>(), None).map(|decoded| decoded.text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn iso_2022_kr_is_decoded_by_its_shifts() {
        let (korean, ..) = EUC_KR.encode("한국어");
        let seven_bits: Vec<u8> = korean.iter().map(|byte| byte & 0x7f).collect();
        let bytes = [b"\x1b$)C\nKorean: \x0e", seven_bits.as_slice(), b"\x0f.\n"].concat();
        assert_eq!(decode(&bytes, None).unwrap().text, "\nKorean: 한국어.\n");
    }

    #[test]
    fn a_guess_from_little_is_doubtful() {
        let (bytes, ..) = encoding_rs::WINDOWS_1252.encode("El ni\u{f1}o come.");
        let decoded = decode(&bytes, None).unwrap();
        assert_eq!(decoded.text, "El ni\u{f1}o come.");
        assert_eq!(decoded.warning.as_deref(), Some("the encoding was guessed: windows-1252"));
        assert_eq!(decode(b"plain", None).unwrap().warning, None);
    }

    #[test]
    fn one_damaged_place_does_not_make_utf8_something_else() {
        let mut bytes = "žluťoučký kůň ".repeat(20).into_bytes();
        bytes[140] = 0xff;
        let text = decode(&bytes, None).unwrap().text;
        assert!(text.starts_with("žluťoučký kůň") && text.contains('\u{fffd}'));
    }

    #[test]
    fn a_declared_encoding_is_used_when_the_bytes_are_not_utf8() {
        let page = b"<meta charset=\"ISO-8859-2\"><p>\xb1\xe6\xea";
        assert_eq!(decode(page, declared_encoding(page)).unwrap().text, "<meta charset=\"ISO-8859-2\"><p>ąćę");
        let beyond_the_standard = b"<?xml version='1.0' encoding='IBM855'?>\xa8\xd6";
        let text = decode(beyond_the_standard, declared_encoding(beyond_the_standard)).unwrap().text;
        assert!(text.ends_with("ео"), "{text}");
        let wrong = "<meta charset=latin1><p>ąćę".as_bytes();
        assert_eq!(decode(wrong, declared_encoding(wrong)).unwrap().text, "<meta charset=latin1><p>ąćę");
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(500))]
        #[test]
        fn any_bytes_are_text_or_a_reason(bytes: Vec<u8>) {
            if let Ok(decoded) = decode(&bytes, declared_encoding(&bytes)) {
                assert!(!decoded.text.contains('\0'));
            }
        }
    }
}
