//! Chooses the reader of a file by its name and its bytes, and reads its text.

use crate::decode::{self, Decoded};
use crate::document::{Document, Format, join_warnings};
use crate::file_type::{self, FileType};
use crate::office::{self, delimited};
use crate::skip::Skip;
use crate::{code, data, epub, html, limits, mail, markdown, notebook, org, pdf, restructured, web_page};

/// The format that a file's name tells; `None` if the name tells none, or one that is not read.
pub fn format_of_name(name: &str) -> Option<Format> {
    file_type::by_name(name).ok().flatten().map(FileType::format)
}

/// Reads the file named `path_name` (a path or only a name; its extension is looked at) with the content `bytes`.
///
/// Takes time in proportion to the number of bytes. Readers that stand on other people's libraries may panic.
///
/// # Errors
/// Why the file is not read: it is empty, binary, of a kind not read yet, or in no encoding known here.
pub fn read(path_name: &str, bytes: &[u8]) -> Result<Document, Skip> {
    read_with_progress(path_name, bytes, &|| {})
}

/// As [`read`]; readers of long files call `progress` now and then.
///
/// # Errors
/// As [`read`].
pub fn read_with_progress(path_name: &str, bytes: &[u8], progress: &dyn Fn()) -> Result<Document, Skip> {
    if bytes.trim_ascii().is_empty() {
        return Err(Skip::because("empty"));
    }
    limits::begin();
    let document = match file_type::of(path_name, bytes)? {
        Some(kind) if !kind.is_text() => read_binary(kind, bytes, progress)?,
        kind => read_text(kind, path_name, bytes)?,
    };
    if document.text.trim().is_empty() {
        return Err(Skip::because("no text in it"));
    }
    Ok(Document { warning: limits::with_met(document.warning), ..document })
}

fn read_text(kind: Option<FileType>, path_name: &str, bytes: &[u8]) -> Result<Document, Skip> {
    let declared = match kind {
        Some(FileType::Html | FileType::Code | FileType::Xml) | None => decode::declared_encoding(bytes),
        Some(_) => None,
    };
    let Decoded { text, warning } = decode::decode(bytes, declared)?;
    let kind = kind.unwrap_or_else(|| file_type::by_content(&text));
    let mut document = match kind {
        FileType::Markdown => markdown::read(text),
        FileType::Html => web_page::read(&text),
        FileType::Code => code::read(path_name, text),
        FileType::Restructured => restructured::read(text),
        FileType::Org => org::read(text),
        FileType::Csv => delimited::read(text, ',')?,
        FileType::Tsv => delimited::read(text, '\t')?,
        FileType::Json | FileType::JsonLines | FileType::Yaml | FileType::Xml => data::read(kind, text),
        FileType::Notebook => notebook::read(&text)?,
        kind => Document::without_headings(kind.format(), text),
    };
    document.warning = join_warnings(document.warning, warning);
    Ok(document)
}

fn read_binary(kind: FileType, bytes: &[u8], progress: &dyn Fn()) -> Result<Document, Skip> {
    match kind {
        // Programs give these names to web pages and to tables in text too.
        FileType::Doc | FileType::Workbook if !office::is_container(bytes) => {
            let Decoded { text, warning } = decode::decode(bytes, decode::declared_encoding(bytes))?;
            let document = match (file_type::by_content(&text), kind) {
                (FileType::Html, _) => html::read(&text),
                (_, FileType::Workbook) => delimited::read(text, '\t')?,
                _ => Document::without_headings(Format::Text, text),
            };
            Ok(Document { warning: join_warnings(document.warning, warning), ..document })
        }
        FileType::Pdf => pdf::read(bytes, progress),
        FileType::Eml => mail::internet::read(bytes),
        FileType::Mhtml => mail::saved_page::read(bytes),
        FileType::Mbox => mail::internet::read_mailbox(bytes),
        FileType::Msg => mail::outlook::read(bytes),
        FileType::Epub => epub::read(bytes),
        kind => office::read(kind, bytes),
    }
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
