//! Tells what a file is by its name and its bytes, and reads its text.

mod archive;
mod code;
mod front_matter;
mod html;
mod kinds;
mod lines;
mod markdown;
mod outline;
mod plain;

use crate::corpus::{Document, Format, Section, Unit};
use crate::text::Span;
use kinds::Kind;

/// Why a file is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    /// In a few words: "empty", "binary", "PDF is not read yet".
    pub reason: String,
}

impl Skip {
    fn because(reason: impl Into<String>) -> Self {
        Skip { reason: reason.into() }
    }
}

/// The format that a file's name tells; `None` where it tells none, or one that is not read.
pub fn format_of(name: &str) -> Option<Format> {
    kinds::by_name(name).ok().flatten().map(Kind::format)
}

/// Reads the file named `path_name` (a path or only a name; its extension is looked at) with the content `bytes`.
///
/// Never panics, whatever the bytes are, and takes time in proportion to their number.
///
/// # Errors
/// Why the file is not read: it is empty, binary, of a kind not read yet, or in no encoding known here.
pub fn read(path_name: &str, bytes: &[u8]) -> Result<Document, Skip> {
    if bytes.trim_ascii().is_empty() {
        return Err(Skip::because("empty"));
    }
    let by_name = kinds::by_name(path_name)?;
    let kind = kinds::by_bytes(bytes)?.or(by_name);
    let document = match kind {
        Some(kind) if !kind.is_text() => read_binary(kind, bytes)?,
        kind => read_text(kind, path_name, bytes)?,
    };
    if document.text.trim().is_empty() {
        return Err(Skip::because("no text in it"));
    }
    Ok(document)
}

fn read_text(kind: Option<Kind>, path_name: &str, bytes: &[u8]) -> Result<Document, Skip> {
    let declared = match kind {
        Some(Kind::Html | Kind::Code | Kind::Xml) | None => plain::declared_encoding(bytes),
        Some(_) => None,
    };
    let text = plain::decode(bytes, declared)?;
    let kind = kind.unwrap_or_else(|| kinds::by_content(&text));
    match kind {
        Kind::Markdown => Ok(markdown::read(text)),
        Kind::Html => Ok(html::read(&text)),
        Kind::Code => Ok(code::read(path_name, text)),
        kind => Ok(whole(kind.format(), text)),
    }
}

fn read_binary(kind: Kind, _bytes: &[u8]) -> Result<Document, Skip> {
    Err(Skip::because(format!("{kind:?} is not read yet")))
}

/// A document without headings.
fn whole(format: Format, text: String) -> Document {
    let sections = vec![Section { span: Span { start: 0, end: text.len() }, body_start: 0, headings: Vec::new() }];
    Document { format, text, sections, unit: Unit::Line, places: None, metadata: Vec::new(), doubt: None }
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
            ("a.pdf", b"%PDF-1.7", Err("PDF is not read yet")),
            ("renamed.txt", b"%PDF-1.7 \x00", Err("PDF is not read yet")),
            ("a.docx", b"PK\x03\x04", Err("word processor documents are not read yet")),
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
