//! Documents of word processors, presentations and spreadsheets, of Microsoft's and OpenDocument's
//! kinds, and tables in text.

mod biff;
mod deck;
pub(crate) mod delimited;
mod doc;
mod doc_settings;
mod doc_text;
mod document_writer;
mod docx;
mod docx_styles;
mod flow;
pub(crate) mod long_table;
mod ods;
mod ooxml;
mod opendocument;
mod ppt;
mod pptx;
mod rtf;
mod rtf_encodings;
mod rtf_words;
mod sheets;
mod table;
mod workbook;
mod xlsb;
mod xlsx;
mod xlsx_styles;
mod xml;

use crate::archive::Archive;
use crate::compound::Compound;
use crate::decode::{self, Decoded};
use crate::document::{Document, Format, join_warnings};
use crate::html;
use crate::skip::Skip;

pub(crate) use biff::is_one as is_bare_workbook;
pub(crate) use opendocument::{Kind as Flat, flat};

/// True if the bytes begin like a file that an office program writes, and not like text.
pub(crate) fn is_container(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK")
        || Compound::is_one(bytes)
        || doc::is_bare(bytes)
        || is_bare_workbook(bytes)
        || flat(bytes).is_some()
}

pub(crate) fn read_docx(bytes: &[u8]) -> Result<Document, Skip> {
    unless_compound(bytes, docx::read)
}

pub(crate) fn read_doc(bytes: &[u8]) -> Result<Document, Skip> {
    if !is_container(bytes) {
        return read_text(bytes, |text| Ok(Document::without_headings(Format::Text, text)));
    }
    unless_compound(bytes, |bytes| if doc::is_bare(bytes) { doc::read_bare(bytes) } else { Err(damaged()) })
}

pub(crate) fn read_odt(bytes: &[u8]) -> Result<Document, Skip> {
    unless_compound(bytes, |bytes| opendocument::read(opendocument::Kind::Text, bytes))
}

pub(crate) fn read_rtf(bytes: &[u8]) -> Result<Document, Skip> {
    unless_compound(bytes, rtf::read)
}

pub(crate) fn read_pptx(bytes: &[u8]) -> Result<Document, Skip> {
    unless_compound(bytes, pptx::read)
}

pub(crate) fn read_ppt(bytes: &[u8]) -> Result<Document, Skip> {
    unless_compound(bytes, |_| Err(damaged()))
}

pub(crate) fn read_odp(bytes: &[u8]) -> Result<Document, Skip> {
    unless_compound(bytes, |bytes| opendocument::read(opendocument::Kind::Slides, bytes))
}

/// Reads XLSX, XLSB, XLS or ODS.
pub(crate) fn read_workbook(bytes: &[u8]) -> Result<Document, Skip> {
    if !is_container(bytes) {
        return read_text(bytes, |text| delimited::read(text, '\t'));
    }
    unless_compound(bytes, |bytes| match bytes {
        _ if is_bare_workbook(bytes) => biff::read(bytes),
        _ if flat(bytes).is_some() => opendocument::read(opendocument::Kind::Sheets, bytes),
        _ => read_archived_workbook(bytes),
    })
}

/// Reads a text file with the name of an Office file: programs give such names to web pages and
/// tables, too.
fn read_text(bytes: &[u8], read: fn(String) -> Result<Document, Skip>) -> Result<Document, Skip> {
    let Decoded { text, warning } = decode::decode(bytes, decode::declared_encoding(bytes))?;
    let document = if html::is_page(&text) { html::read(&text) } else { read(text)? };
    Ok(Document { warning: join_warnings(document.warning, warning), ..document })
}

/// Reads a compound file by what it holds, whatever its name says, and other files with `read`.
fn unless_compound(bytes: &[u8], read: fn(&[u8]) -> Result<Document, Skip>) -> Result<Document, Skip> {
    if Compound::is_one(bytes) { read_compound(bytes) } else { read(bytes) }
}

fn damaged() -> Skip {
    Skip::because("damaged Office file")
}

/// Reads an Office file from before 2007, or finds that it only holds an encrypted one.
fn read_compound(bytes: &[u8]) -> Result<Document, Skip> {
    let file = Compound::open(bytes)?;
    let document = match &file {
        _ if file.exists("EncryptedPackage") => Err(Skip::needs_password()),
        _ if file.exists("WordDocument") => doc::read(&file),
        _ if file.exists("PowerPoint Document") => ppt::read(&file),
        _ if file.exists("Workbook") || file.exists("Book") => read_xls(bytes, &file),
        _ => Err(Skip::because("damaged, or of an office program that is not known here")),
    }?;
    Ok(Document { warning: document.warning.or_else(|| file.warning()), ..document })
}

fn read_xls(bytes: &[u8], file: &Compound) -> Result<Document, Skip> {
    let stream = file.stream("Workbook").or_else(|| file.stream("Book")).unwrap_or_default();
    if biff::is_one(&stream) { biff::read(&stream) } else { workbook::read_xls(bytes, &stream) }
}

fn read_archived_workbook(bytes: &[u8]) -> Result<Document, Skip> {
    let mut archive = Archive::open(bytes)?;
    let has = |member: &str| archive.names().any(|name| name == member);
    if has("content.xml") {
        return opendocument::read(opendocument::Kind::Sheets, bytes);
    }
    let usual = if has("xl/workbook.bin") { "xl/workbook.bin" } else { "xl/workbook.xml" };
    let main = ooxml::main_part(&mut archive, usual)?;
    if main.ends_with(".bin") { xlsb::read(archive, &main) } else { xlsx::read(archive, &main) }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use proptest::prelude::*;
    use zip::write::SimpleFileOptions;

    use crate::compound::tests::compound;
    use crate::document::Document;
    use crate::office::biff::tests::workbook;
    use crate::office::doc::tests::{doc, word_6};
    use crate::office::docx::tests::docx;
    use crate::office::opendocument::tests::opendocument;
    use crate::office::rtf::tests::RTF;
    use crate::read;

    pub(in crate::office) fn package(members: &[(&str, &str)]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in members {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    pub(in crate::office) fn relationships(targets: &[(&str, &str, &str)]) -> String {
        let one = |(id, kind, target): &(&str, &str, &str)| {
            format!("<Relationship Id='{id}' Type='http://schemas.example/relationships/{kind}' Target='{target}'/>")
        };
        format!("<Relationships>{}</Relationships>", targets.iter().map(one).collect::<String>())
    }

    /// Each line with its location.
    pub(in crate::office) fn lines(document: &Document) -> Vec<String> {
        let locations = document.locations.as_ref().unwrap();
        let lines: Vec<_> = document.text.split('\n').collect();
        assert_eq!(lines.len(), locations.len());
        let shown = lines.iter().zip(locations).filter(|(line, _)| !line.is_empty());
        shown.map(|(line, location)| format!("{location} {line}")).collect()
    }

    pub(in crate::office) fn headings(document: &Document) -> Vec<String> {
        let covered: String = document.sections.iter().map(|section| section.span.of(&document.text)).collect();
        assert_eq!(covered, document.text);
        document.sections.iter().map(|section| section.headings.join(" > ")).collect()
    }

    #[test]
    fn what_is_encrypted_says_so() {
        let bytes = compound(&[("EncryptedPackage", b"secret"), ("EncryptionInfo", b"how")]);
        for name in ["a.docx", "a.xlsx", "a.pptx", "a.xls", "a.doc"] {
            assert_eq!(read(name, &bytes).unwrap_err().reason, "needs a password", "{name}");
        }
    }

    #[test]
    fn presentations_of_keynote_are_no_keys() {
        let reason = |name, bytes: &[u8]| read(name, bytes).unwrap_err().reason;
        let keynote = package(&[("Index/Document.iwa", ""), ("Index/Slide-1.iwa", ""), ("preview.jpg", "")]);
        assert!(reason("talk.key", &keynote).starts_with("a Keynote presentation"));
        assert!(reason("talk.zip", &keynote).starts_with("a Keynote presentation"));
        let pages = package(&[("Index/Document.iwa", "")]);
        assert!(reason("letter.pages", &pages).starts_with("a document of Pages"));
        assert_eq!(reason("server.key", b"-----BEGIN PRIVATE KEY-----\n"), "key file");
        assert_eq!(reason("id.key", &package(&[("a", "b")])), "key file");
    }

    #[test]
    fn names_that_promise_an_office_file_may_lie() {
        let table = read("a.xls", b"Name\tAge\nAda\t36\n").unwrap();
        assert_eq!(lines(&table), ["1 Name | Age", "2 Name: Ada | Age: 36"]);
        assert_eq!(read("a.doc", b"<html><p>Hi").unwrap().text, "Hi");
        assert_eq!(read("a.doc", RTF.as_bytes()).unwrap().metadata.len(), 3);
    }

    #[test]
    fn what_is_nested_without_end_is_read_or_refused_soon() {
        let deep = |open: &str, close: &str| format!("{}x{}", open.repeat(20_000), close.repeat(20_000));
        for (open, close) in [
            ("<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>"),
            ("<w:p>", "</w:p>"),
            ("<w:p><w:txbxContent>", "</w:txbxContent></w:p>"),
            ("<w:txbxContent><w:tbl>", "</w:tbl></w:txbxContent>"),
        ] {
            let _ = read("a.docx", &docx(&deep(open, close).replace('x', "<w:p><w:r><w:t>x</w:t></w:r></w:p>")));
            let _ = read("a.docx", &docx(&open.repeat(20_000)));
        }
        let _ =
            read("a.odt", &opendocument("text", &deep("<table:table><table:table-row><table:table-cell><text:p>", "")));
        let _ = read("a.odt", &opendocument("text", &deep("<text:p><draw:text-box>", "</draw:text-box></text:p>")));
        assert_eq!(read("a.rtf", format!("{{\\rtf1 {}", deep("{", "}")).as_bytes()).unwrap().text, "x");
        let _ = read("a.rtf", format!("{{\\rtf1 {}", deep("{\\shptxt \\intbl a\\cell ", "}")).as_bytes());
    }

    #[test]
    fn any_byte_of_a_letter_may_be_a_line_end_or_a_mark() {
        for at in 0..RTF.len() {
            for byte in [b'\n', 0x0b, b'\\', b'{', b'}'] {
                let mut bytes = RTF.as_bytes().to_vec();
                bytes[at] = byte;
                if let Ok(document) = read("a.rtf", &bytes)
                    && document.locations.is_some()
                {
                    lines(&document);
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn damaged_files_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20), which in 0..5usize) {
            let (name, mut bytes) = match which {
                0 => ("a.rtf", RTF.as_bytes().to_vec()),
                1 => ("a.doc", doc("some text\r\u{7}cell\u{7}\r")),
                2 => ("a.doc", word_6(b"one\ra\x07b\x07\x07end\r")),
                3 => ("a.xls", workbook()),
                _ => ("a.csv", b"a,b\n\"1\n2\",\"3\"\n\n4;5,6\n".to_vec()),
            };
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if let Ok(document) = read(name, &bytes) {
                headings(&document);
                if document.locations.is_some() {
                    lines(&document);
                }
            }
        }

        #[test]
        fn any_row_of_elements_is_read(parts in prop::collection::vec((0..12usize, any::<bool>()), 0..60)) {
            const NAMES: [&str; 12] =
                ["w:p", "w:r", "w:t", "w:tbl", "w:tr", "w:tc", "w:txbxContent", "w:vMerge", "w:del", "w:gridSpan", "w:pPr", "w:numId"];
            let element = |(name, opens): &(usize, bool)| match opens {
                true => format!("<{0} w:val='3'>t", NAMES[*name]),
                false => format!("t</{}>", NAMES[*name]),
            };
            let body: String = parts.iter().map(element).collect();
            if let Ok(document) = read("a.docx", &docx(&body)) {
                lines(&document);
                headings(&document);
            }
            let body = body.replace("w:tbl", "table:table").replace("w:tr", "table:table-row").replace("w:tc", "table:table-cell");
            let body = body.replace("w:txbxContent", "draw:text-box").replace("w:", "text:");
            for media_type in ["text", "presentation", "spreadsheet"] {
                if let Ok(document) = read("a", &opendocument(media_type, &body)) {
                    lines(&document);
                    headings(&document);
                }
            }
        }
    }
}
