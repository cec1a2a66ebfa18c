//! MHTML: a page of the web with its images in one letter, as browsers save it. The page is read as
//! one that is saved alone; its locations are lines of the letter.

use super::internet::{self, Page, Transfer};
use crate::charset::Charset;
use crate::decode::{self, Decoded};
use crate::document::Document;
use crate::skip::Skip;
use crate::web_page;

/// Reads the page that the letter is about.
///
/// # Errors
/// The file holds neither a page nor other readable text.
pub(crate) fn read(bytes: &[u8]) -> Result<Document, Skip> {
    let Some(Page { first_line, body, transfer, charset, is_cut }) = internet::page(bytes)? else {
        return internet::read(bytes);
    };
    let (html, lines) = decoded(&body, transfer, first_line);
    let declared = charset.and_then(|label| encoding_rs::Encoding::for_label(label.as_bytes())).map(Charset::Standard);
    let Decoded { text, warning } = decode::decode(&html, declared.or_else(|| decode::declared_encoding(&html)))?;
    let mut document = web_page::read(&text);
    document.warning = document.warning.or(warning).or(is_cut.then(|| "cut short: read as far as it goes".to_owned()));
    for location in document.locations.iter_mut().flatten() {
        *location = lines.get(*location as usize - 1).or(lines.last()).copied().unwrap_or(1);
    }
    Ok(document)
}

/// The bytes of a part of a letter, and for each line of them the line of the letter that it begins
/// in; the part begins in `line`.
fn decoded(body: &[u8], transfer: Transfer, mut line: u32) -> (Vec<u8>, Vec<u32>) {
    let (mut bytes, mut lines) = (Vec::with_capacity(body.len()), vec![line]);
    let mut base64 = (0u32, 0);
    for raw in body.split_inclusive(|&byte| byte == b'\n') {
        let before = bytes.len();
        match transfer {
            Transfer::Plain => bytes.extend_from_slice(raw),
            Transfer::QuotedPrintable => unquote(raw, &mut bytes),
            Transfer::Base64 => unpack(raw, &mut base64, &mut bytes),
        }
        // After a line end within a line of the letter the next line of the page begins in that
        // same line.
        let ends = bytes[before..].iter().filter(|&&byte| byte == b'\n').count();
        lines.resize(lines.len() + ends, line);
        line += 1;
        if ends > 0 && bytes.ends_with(b"\n") && transfer != Transfer::Base64 {
            lines.pop();
            lines.push(line);
        }
    }
    (bytes, lines)
}

/// Decodes a line of quoted-printable.
fn unquote(line: &[u8], bytes: &mut Vec<u8>) {
    let text = line.trim_ascii_end();
    let (text, is_soft) = text.strip_suffix(b"=").map_or((text, false), |text| (text, true));
    let digit = |at: usize| text.get(at).and_then(|digit| char::from(*digit).to_digit(16));
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'=', Some(high), Some(low)) => {
                bytes.push((high << 4 | low) as u8);
                at += 3;
            }
            _ => {
                bytes.push(byte);
                at += 1;
            }
        }
    }
    if !is_soft {
        bytes.extend_from_slice(if line.ends_with(b"\n") { b"\n" } else { b"" });
    }
}

/// Decodes a line of base64; `waiting` keeps the bits of a byte that the next line completes.
fn unpack(line: &[u8], waiting: &mut (u32, u32), bytes: &mut Vec<u8>) {
    let (bits, count) = waiting;
    for &byte in line {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        *bits = *bits << 6 | u32::from(value);
        *count += 6;
        if *count >= 8 {
            *count -= 8;
            bytes.push((*bits >> *count) as u8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(headers: &str, body: &str) -> Vec<u8> {
        format!(
            "From: <Saved by a browser>\r\nSubject: A page\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n\
             \ttype=\"text/html\"; boundary=\"x\"\r\n\r\n--x\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n\
             QUJD\r\n--x\r\nContent-ID: <root>\r\nContent-Type: text/html{headers}\r\n\r\n{body}\r\n--x--\r\n"
        )
        .into_bytes()
    }

    #[test]
    fn the_page_is_read_at_the_lines_of_the_letter() {
        let quoted = letter(
            "\r\nContent-Transfer-Encoding: quoted-printable",
            "<meta charset=3Dwindows-1251><h1>=CF=F0=E8</h1>\r\n<p>One =\r\nline</p>=0A<p>a =3D b</p>",
        );
        let document = read(&quoted).unwrap();
        let lines = |document: &Document| {
            let locations = document.locations.clone().unwrap();
            let shown = document.text.lines().zip(locations).filter(|it| !it.0.is_empty());
            shown.map(|(line, location)| format!("{location} {line}")).collect::<Vec<_>>()
        };
        assert_eq!(lines(&document), ["17 При", "18 One line", "19 a = b"]);
        assert_eq!((document.format, document.warning), (crate::document::Format::Html, None));
        let cut = read(&quoted[..quoted.len() - 20]).unwrap();
        assert_eq!(cut.warning.as_deref(), Some("cut short: read as far as it goes"));
        let packed =
            letter("; charset=iso-8859-1\r\nContent-Transfer-Encoding: base64", "PHA+R3L232\r\nU8L3A+DQo8cD54");
        assert_eq!(lines(&read(&packed).unwrap()), ["17 Größe", "18 x"]);
    }

    #[test]
    fn a_letter_without_a_page_is_read_as_a_letter() {
        assert!(read(b"Subject: S\n\nJust text.").unwrap().text.contains("Just text."));
    }
}
