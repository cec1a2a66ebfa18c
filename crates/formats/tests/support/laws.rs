//! The laws that hold for every file, whatever its bytes are. Fuzzing and tests share them.
#![allow(dead_code)] // each program that includes this file uses some of it

use kinglet_formats::{
    Document, LocationUnit, LongFile, LongFileLimits, line_starts, read, read_long_file, remove_boilerplate,
};

/// The families of formats that are fuzzed together: a name, and the names of files whose readers
/// get each input. Formats that are told by their first bytes need one name only.
pub const FAMILIES: &[(&str, &[&str])] = &[
    ("pdf", &["a.pdf"]),
    ("office_xml", &["a.docx"]),
    ("office_binary", &["a.doc", "a.ppt", "a.xls"]),
    ("opendocument", &["a.odt"]),
    ("rtf", &["a.rtf"]),
    ("mail", &["a.eml", "a.mbox", "a.mht", "a.msg"]),
    ("ebook", &["a.epub"]),
    ("html", &["a.html"]),
    ("markup", &["a.md", "a.rst", "a.org"]),
    ("tables", &["a.csv", "a.tsv"]),
    ("data", &["a.json", "a.jsonl", "a.yaml", "a.xml"]),
    ("notebook", &["a.ipynb"]),
    ("code", CODE),
    ("encodings", &["a.txt", "a"]),
];

/// A file name of each programming language that has a grammar, and of one that has none.
const CODE: &[&str] = &[
    "a.rs", "a.py", "a.js", "a.ts", "a.tsx", "a.go", "a.java", "a.c", "a.cpp", "a.cs", "a.rb", "a.php", "a.swift",
    "a.kt", "a.lua", "a.zig", "a.dart", "a.ex", "a.r", "a.sql",
];

/// Small pieces, so that a short file has many. Records are not cut.
const SMALL_PIECES: LongFileLimits =
    LongFileLimits { window_bytes: 64, piece_bytes: 256, record_bytes: 1 << 20, letter_bytes: 1 << 20 };

/// A file that is not an archive has at most this many bytes of text and headings...
const MAX_BYTES: usize = 1 << 20;
/// ...and as many more for each of its own.
const MAX_GROWTH: usize = 1024;

/// The families whose readers get decoded text: they are given text, because finding out the
/// encoding of other bytes takes most of the time, and is a family of its own.
const TEXT: &[&str] = &["html", "markup", "tables", "data", "notebook", "code"];

/// With more names than this, the length of the input chooses one of them: all would be slow.
const MAX_NAMES: usize = 4;

/// Reads `bytes` as a file of each name that the family has, and holds what comes of it to the
/// laws.
///
/// # Panics
/// If a law is broken, or the family is unknown.
pub fn hold(family: &str, bytes: &[u8]) {
    let text = TEXT.contains(&family).then(|| String::from_utf8_lossy(bytes));
    let bytes = text.as_ref().map_or(bytes, |text| text.as_bytes());
    let (_, names) = FAMILIES.iter().find(|(name, _)| *name == family).expect("a family of the table");
    let chosen = bytes.len() % names.len();
    let names = if names.len() > MAX_NAMES { &names[chosen..=chosen] } else { names };
    for name in names {
        let document = read(name, bytes);
        assert_eq!(document, read(name, bytes), "{name} is read in the same way twice");
        if let Ok(mut document) = document {
            of_a_document(&document);
            let most = MAX_BYTES + MAX_GROWTH * bytes.len();
            let is_archive = bytes.starts_with(b"PK");
            assert!(is_archive || size_bytes(&document) <= most, "a file does not grow when it is read");
            remove_boilerplate(&mut document);
            of_a_document(&document);
        }
        of_pieces(name, bytes);
    }
}

/// Sections follow each other and cover the text; each line has a location, and locations do not
/// decrease.
///
/// # Panics
/// If a law is broken.
pub fn of_a_document(document: &Document) {
    let mut end = 0;
    for section in &document.sections {
        assert_eq!(section.span.start, end, "sections follow each other");
        assert!((section.span.start..=section.span.end).contains(&section.body_start), "a body lies in its section");
        assert!(document.text.is_char_boundary(section.body_start), "a body starts with a character");
        assert!(document.text.is_char_boundary(section.span.end), "a section ends with a character");
        assert!(section.headings.iter().all(|heading| !heading.trim().is_empty()), "headings are not empty");
        end = section.span.end;
    }
    assert_eq!(end, document.text.len(), "sections cover the text");
    assert!(!document.text.starts_with('\u{feff}'), "no byte order mark");
    let Some(locations) = &document.locations else { return };
    let starts = line_starts(&document.text);
    assert_eq!(locations.len(), starts.len(), "each line has a location");
    assert!(locations.iter().all(|location| *location >= 1), "locations count from 1");
    // Each sheet of a workbook, which is a section, counts its rows from the start.
    let section = |start: &usize| document.sections.partition_point(|section| section.span.end <= *start);
    let counted: Vec<usize> = match document.unit {
        LocationUnit::Row => starts.iter().map(section).collect(),
        _ => vec![0; starts.len()],
    };
    let falls =
        (1..starts.len()).find(|&line| locations[line] < locations[line - 1] && counted[line] == counted[line - 1]);
    assert_eq!(falls, None, "locations never decrease");
}

/// The bytes of the text and of the headings over each section.
fn size_bytes(document: &Document) -> usize {
    let headings = document.sections.iter().flat_map(|section| &section.headings);
    document.text.len() + headings.map(String::len).sum::<usize>()
}

/// The pieces of a long file are documents, too.
fn of_pieces(name: &str, bytes: &[u8]) {
    let mut file = bytes;
    let mut text = String::new();
    let ended = read_long_file(name, &mut file, &SMALL_PIECES, &mut |piece, _| {
        of_a_document(&piece);
        text.push_str(&piece.text);
        Ok(())
    });
    if ended == Ok(LongFile::Indivisible) {
        assert_eq!(text, "", "a file that cannot be divided gives no pieces");
    }
}
