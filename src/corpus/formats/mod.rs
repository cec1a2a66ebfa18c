//! Tells what a file is by its name and its bytes, and reads its text.

mod archive;
mod clean;
mod code;
mod compound;
mod data;
mod decoding;
mod epub;
mod front_matter;
mod guess;
mod html;
mod kinds;
pub mod limits;
mod lines;
mod mail;
mod main_text;
mod markdown;
mod notebook;
mod office;
mod org;
mod outline;
mod page;
mod pdf;
pub mod pieces;
mod plain;
mod restructured;
mod shape;

use crate::corpus::{Document, Format, Section, Unit, doubts};
use crate::text::Span;
use kinds::Kind;
use plain::Decoded;

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

    fn needs_password() -> Self {
        Skip::because("needs a password")
    }
}

/// The format that a file's name tells; `None` where it tells none, or one that is not read.
pub fn format_of(name: &str) -> Option<Format> {
    kinds::by_name(name).ok().flatten().map(Kind::format)
}

/// Reads the file named `path_name` (a path or only a name; its extension is looked at) with the content `bytes`.
///
/// Takes time in proportion to the number of bytes. Readers that stand on other people's libraries may panic.
///
/// # Errors
/// Why the file is not read: it is empty, binary, of a kind not read yet, or in no encoding known here.
pub fn read(path_name: &str, bytes: &[u8]) -> Result<Document, Skip> {
    read_watched(path_name, bytes, &|| {})
}

/// As [`read`]; readers of long files call `progress` now and then.
///
/// # Errors
/// As [`read`].
pub fn read_watched(path_name: &str, bytes: &[u8], progress: &dyn Fn()) -> Result<Document, Skip> {
    if bytes.trim_ascii().is_empty() {
        return Err(Skip::because("empty"));
    }
    limits::begin();
    let document = match kinds::of(path_name, bytes)? {
        Some(kind) if !kind.is_text() => read_binary(kind, bytes, progress)?,
        kind => read_text(kind, path_name, bytes)?,
    };
    if document.text.trim().is_empty() {
        return Err(Skip::because("no text in it"));
    }
    Ok(Document { doubt: limits::with_met(document.doubt), ..document })
}

fn read_text(kind: Option<Kind>, path_name: &str, bytes: &[u8]) -> Result<Document, Skip> {
    let declared = match kind {
        Some(Kind::Html | Kind::Code | Kind::Xml) | None => plain::declared_encoding(bytes),
        Some(_) => None,
    };
    let Decoded { text, doubt } = plain::decode(bytes, declared)?;
    let kind = kind.unwrap_or_else(|| kinds::by_content(&text));
    let mut document = match kind {
        Kind::Markdown => markdown::read(text),
        Kind::Html => page::read(&text),
        Kind::Code => code::read(path_name, text),
        Kind::Restructured => restructured::read(text),
        Kind::Org => org::read(text),
        Kind::Csv => office::separated::read(text, ',')?,
        Kind::Tsv => office::separated::read(text, '\t')?,
        Kind::Json | Kind::JsonLines | Kind::Yaml | Kind::Xml => data::read(kind, text),
        Kind::Notebook => notebook::read(&text)?,
        kind => whole(kind.format(), text),
    };
    document.doubt = doubts(document.doubt, doubt);
    Ok(document)
}

fn read_binary(kind: Kind, bytes: &[u8], progress: &dyn Fn()) -> Result<Document, Skip> {
    match kind {
        // Programs give these names to web pages and to tables in text too.
        Kind::Doc | Kind::Workbook if !office::is_container(bytes) => {
            let Decoded { text, doubt } = plain::decode(bytes, plain::declared_encoding(bytes))?;
            let document = match (kinds::by_content(&text), kind) {
                (Kind::Html, _) => html::read(&text),
                (_, Kind::Workbook) => office::separated::read(text, '\t')?,
                _ => whole(Format::Text, text),
            };
            Ok(Document { doubt: doubts(document.doubt, doubt), ..document })
        }
        Kind::Pdf => pdf::read(bytes, progress),
        Kind::Eml => mail::internet::read(bytes),
        Kind::Mhtml => mail::saved_page::read(bytes),
        Kind::Mbox => mail::internet::read_mailbox(bytes),
        Kind::Msg => mail::outlook::read(bytes),
        Kind::Epub => epub::read(bytes),
        kind => office::read(kind, bytes),
    }
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
            ("a.pdf", b"%PDF-1.7", Err("damaged PDF")),
            ("renamed.txt", b"%PDF-1.7 \x00", Err("damaged PDF")),
            ("locked.pdf", b"%PDF-1.7\ntrailer<</Encrypt 5 0 R>>", Err("needs a password, or is damaged")),
            ("server.key", b"-----BEGIN PRIVATE KEY-----\n", Err("key file")),
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
