//! Chooses the reader of a file by its name and its bytes, and reads its text.

use crate::decode::{self, Decoded};
use crate::detect;
use crate::document::{Document, Format, join_warnings};
use crate::file_type::{FileType, Reader};
use crate::limits;
use crate::skip::Skip;

/// The family of formats that a file's name tells; `None` if the name tells none, or one that is
/// not read.
pub fn format_of_name(name: &str) -> Option<Format> {
    detect::by_name(name).ok().flatten().map(FileType::format)
}

/// Reads the file named `path_name` (a path or only a name; its extension matters) with the content
/// `bytes`.
///
/// The time that this takes is proportional to the number of bytes. Some readers use other people's
/// libraries, which may panic on a damaged file: catch that if the files are not your own.
///
/// # Errors
/// Why the file is not read: it is empty, binary, needs a password, or has no known format or
/// encoding.
pub fn read(path_name: &str, bytes: &[u8]) -> Result<Document, Skip> {
    read_with_progress(path_name, bytes, &|| {})
}

/// Like [`read`]; readers that take long call `progress` now and then.
///
/// # Errors
/// As [`read`].
pub fn read_with_progress(path_name: &str, bytes: &[u8], progress: &dyn Fn()) -> Result<Document, Skip> {
    if bytes.trim_ascii().is_empty() {
        return Err(Skip::because("empty"));
    }
    limits::begin();
    let file_type = detect::of(path_name, bytes)?;
    let document = match file_type.map(FileType::reader) {
        Some(Reader::Bytes(read)) => read(bytes, progress)?,
        Some(Reader::Text(_)) | None => read_text(file_type, path_name, bytes, progress)?,
    };
    if document.text.trim().is_empty() {
        return Err(Skip::because("no text in it"));
    }
    Ok(Document { warning: limits::with_met(document.warning), ..document })
}

fn read_text(
    file_type: Option<FileType>,
    path_name: &str,
    bytes: &[u8],
    progress: &dyn Fn(),
) -> Result<Document, Skip> {
    let may_declare = matches!(file_type, Some(FileType::Html | FileType::Code | FileType::Xml) | None);
    let declared = if may_declare { decode::declared_encoding(bytes) } else { None };
    let Decoded { text, warning } = decode::decode(bytes, declared)?;
    let document = match file_type.unwrap_or_else(|| detect::by_content(&text)).reader() {
        Reader::Text(read) => read(path_name, text)?,
        Reader::Bytes(read) => read(bytes, progress)?,
    };
    Ok(Document { warning: join_warnings(document.warning, warning), ..document })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_bytes_tell_the_format_or_the_reason() {
        let cases: &[(&str, &[u8], Result<Format, &str>)] = &[
            ("a/b.md", b"# Hi", Ok(Format::Markdown)),
            ("README.MD", b"# Hi", Ok(Format::Markdown)),
            ("page.HTML", b"<p>Hi", Ok(Format::Html)),
            ("page", b"<!doctype html><p>Hi", Ok(Format::Html)),
            ("main.rs", b"fn main() {}", Ok(Format::Code)),
            ("Makefile", b"all:", Ok(Format::Code)),
            ("tool", b"#!/bin/sh\n", Ok(Format::Code)),
            ("LICENSE", b"Apache", Ok(Format::Text)),
            ("data.unheard-of", b"text", Ok(Format::Text)),
            ("utf16.txt", b"\xff\xfeH\0i\0", Ok(Format::Text)),
            ("empty.md", b"", Err("empty")),
            ("blank.md", b" \n\t\r\n", Err("empty")),
            ("blank.html", b"<html><script>x</script></html>", Err("no text in it")),
            ("a.pdf", b"%PDF-1.7", Err("damaged PDF")),
            ("renamed.txt", b"%PDF-1.7 \x00", Err("damaged PDF")),
            ("locked.pdf", b"%PDF-1.7\ntrailer<</Encrypt 5 0 R>>", Err("needs a password, or is damaged")),
            ("a.docx", b"PK\x03\x04", Err("damaged archive")),
            ("a.png", b"\x89PNG", Err("image")),
            ("renamed", b"\x89PNG\r\n\x1a\n\0\0", Err("image")),
            ("core", b"abc\0\0\0def", Err("binary")),
            ("controls.txt", b"\x01\x02\x03\x04text", Err("binary")),
        ];
        for (name, bytes, expected) in cases {
            let found = read(name, bytes).map(|document| document.format).map_err(|skip| skip.reason);
            assert_eq!(found, expected.map_err(str::to_owned), "{name}");
        }
    }
}
