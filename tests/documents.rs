//! Laws that hold for every document that is read and chunked: generated ones and real files,
//! intact and broken.

#[path = "../crates/formats/tests/support/laws.rs"]
mod laws;
mod support;

use std::path::{Path, PathBuf};

use kinglet::chunking::{Chunking, chunk};
use kinglet::extract::{self, Extraction, Request};
use kinglet::scan::walk::{Limits, walk};
use kinglet::text::{estimated_tokens, line_starts};
use kinglet_formats::{Document, read};
use proptest::prelude::*;

/// Chunks are in order, trimmed and within the target, and together they cover the text.
fn check_chunks(document: &Document, target_tokens: usize) {
    let chunks = chunk(document, &Chunking { target_tokens });
    let starts = line_starts(&document.text);
    let mut end = 0;
    for chunk in &chunks {
        assert!(chunk.span.start >= end, "in order and without overlap");
        assert_eq!(chunk.span.of(&document.text), chunk.text);
        assert_eq!(chunk.text.trim(), chunk.text);
        assert!(!chunk.text.is_empty());
        assert!(document.text[end..chunk.span.start].trim().is_empty(), "nothing lies between chunks");
        let tokens = estimated_tokens(&chunk.text);
        assert!(tokens <= target_tokens || chunk.text.chars().count() == 1, "{tokens} tokens: {:?}", chunk.text);
        assert!(1 <= chunk.first && chunk.first <= chunk.last);
        if document.locations.is_none() {
            let line_at = |offset: usize| starts.partition_point(|&start| start <= offset) as u32;
            assert_eq!((chunk.first, chunk.last), (line_at(chunk.span.start), line_at(chunk.span.end)));
        }
        assert!(estimated_tokens(&chunk.context()) <= 40);
        assert!(chunk.passage().ends_with(&chunk.text));
        end = chunk.span.end;
    }
    assert!(document.text[end..].trim().is_empty(), "nothing lies after the last chunk");
}

fn check(name: &str, bytes: &[u8], targets: &[usize]) {
    if let Ok(document) = read(name, bytes) {
        laws::of_a_document(&document);
        for &target in targets {
            check_chunks(&document, target);
        }
    }
}

/// Texts composed of pieces that are difficult for readers and splitters.
fn pieces(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(pieces), 0..60).prop_map(|chosen| chosen.concat())
}

const MARKDOWN: &[&str] = &[
    "# One\n",
    "## Two `x`\n",
    "### \n",
    "Title\n===\n",
    "Sub\n---\n",
    "---\n",
    "title: T\n",
    "+++\n",
    "```\n",
    "~~~\n",
    "> # q\n",
    "- item\n",
    "  1. deep\n",
    "| a | b |\n|---|---|\n",
    "\n",
    "\r\n",
    "    code\n",
    "[l]: <x>\n",
    "word ",
    "漢字かな ",
    "e\u{301} ",
    "👩‍👩‍👧 ",
    "A long line of text that is wrapped somewhere in the middle\nof it. ",
    "\t",
    "<div>\n",
    "*",
    "\u{a0}",
    "\u{200b}",
    "internationalisation",
];
const HTML: &[&str] = &[
    "<p>",
    "</p>",
    "<div>",
    "</div>",
    "<h1>",
    "</h1>",
    "<h2>",
    "</h3>",
    "<ul>",
    "</ul>",
    "<li>",
    "<table>",
    "<tr>",
    "<td>",
    "</td>",
    "</table>",
    "<pre>",
    "</pre>",
    "<br>",
    "<nav>",
    "</nav>",
    "<script>",
    "</script>",
    "<title>",
    "</title>",
    "<head>",
    "<body>",
    "<svg/>",
    "<!--",
    "-->",
    "<",
    "&amp;",
    "&#x0;",
    "&nbsp;",
    "\n",
    "\r\n",
    "word ",
    "Ärger ",
    "漢字",
    "<form>",
    "</form>",
    "<dd>",
    "\u{ad}",
];

proptest! {
    #[test]
    fn laws_hold_for_markdown(text in pieces(MARKDOWN), target in prop::sample::select(&[1usize, 5, 20, 200][..])) {
        check("a.md", text.as_bytes(), &[target]);
        check("a.txt", text.as_bytes(), &[target]);
        check("a.rs", text.as_bytes(), &[target]);
    }

    #[test]
    fn laws_hold_for_html(text in pieces(HTML), target in prop::sample::select(&[1usize, 5, 20, 200][..])) {
        check("a.html", text.as_bytes(), &[target]);
    }

    #[test]
    fn any_text_and_any_bytes_are_read_or_skipped(text in "\\PC{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for name in ["a.md", "a.html", "a.txt", "a"] {
            check(name, text.as_bytes(), &[3, 50]);
            check(name, &bytes, &[3, 50]);
        }
        for (name, start) in FAMILIES {
            check(name, text.as_bytes(), &[50]);
            check(name, &[start, bytes.as_slice()].concat(), &[50]);
        }
    }
}

/// A file name of each family of formats, with the first bytes of such files.
const FAMILIES: &[(&str, &[u8])] = &[
    ("a.pdf", b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"),
    ("a.docx", b"PK\x03\x04\x14\0\0\0\x08\0"),
    ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ("a.rtf", b"{\\rtf1\\ansi\\trowd a\\cell\\row "),
    ("a.csv", b"name;age\n\"Ada\";36\n"),
    ("a.eml", b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"),
    ("a.mbox", b"From a@b Thu Jan  1 00:00:00 1970\nSubject: x\n\n"),
    ("a.ipynb", b"{\"nbformat\": 4, \"cells\": [{\"cell_type\": \"code\", \"source\": \""),
    ("a.json", b"{\"a\": [{\"title\": \"x\", \"b\": "),
    ("a.jsonl", b"{\"a\": 1}\n"),
    ("a.yaml", b"a:\n  - &b c\n  - *b\nd: |\n"),
    ("a.xml", b"<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"c\">]><a><b>&b;"),
    ("a.rst", b"Title\n=====\n\n.. note::\n\n"),
    ("a.org", b"#+TITLE: x\n* TODO One :tag:\n** Two\n"),
    ("a.rs", b"impl A { fn b() { "),
    ("a.py", b"class A:\n    def b(self):\n        "),
    ("a.cpp", b"namespace a { template <class T> class B { void c() { "),
];

#[test]
fn huge_lines_and_deep_nesting_are_chunked_like_any_other_text() {
    let texts = [
        ("a.js", "var a=1;".repeat(4_000)),
        ("a.txt", "x".repeat(40_000)),
        ("a.txt", "漢".repeat(5_000)),
        ("a.txt", "word\n".repeat(10_000)),
        ("a.md", ">".repeat(5_000)),
        ("a.md", "- a\n".repeat(5_000)),
        ("a.md", "# h\n\n".repeat(10_000)),
        ("a.md", "[".repeat(5_000)),
        ("a.html", "<div>".repeat(20_000) + "text"),
        ("a.html", "<p>a".repeat(20_000)),
        ("a.html", "<table><tr><td>".repeat(10_000) + "text"),
        ("a.html", "<h1>".repeat(20_000) + "text"),
    ];
    for (name, text) in texts {
        check(name, text.as_bytes(), &[200]);
    }
}

/// A real file with some bytes changed, removed or duplicated.
fn damaged(bytes: &[u8], mut seed: u64) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below.max(1)
    };
    for _ in 0..1 + next(8) {
        let at = next(bytes.len());
        let length = next(64).min(bytes.len() - at);
        match next(3) {
            0 => drop(bytes.drain(at..at + length)),
            1 => bytes[at..at + length].reverse(),
            _ => bytes[at..at + length].iter_mut().for_each(|byte| *byte = next(256) as u8),
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

/// The contract of [`kinglet::extract::read`]: whatever a reader does affects only its file.
#[test]
fn damaged_real_files_are_read_or_skipped() {
    let Some(folder) = real_files() else { return };
    let walked = walk(std::slice::from_ref(&folder), &[], &Limits::default()).expect("the folder exists");
    let place = tempfile::tempdir().unwrap();
    std::panic::set_hook(Box::new(|_| {}));
    let mut read = 0;
    for (seed, file) in walked.files.iter().enumerate().filter(|(_, file)| file.state.size_bytes < 200_000) {
        let name = file.path.rsplit('/').next().unwrap_or(&file.path);
        let path = place.path().join(name);
        let bytes = std::fs::read(folder.join(&file.path)).expect("a file that was found can be read");
        std::fs::write(&path, damaged(&bytes, seed as u64)).unwrap();
        let request = Request { path, chunking: Chunking::default(), previous_hash: None, with_text: true };
        if let Extraction::Read { extracted: cut, .. } = extract::read(&request, &|| {}, &mut |_| Ok(())) {
            let text = cut.text.expect("it was requested");
            assert!(cut.chunks.iter().all(|chunk| chunk.span.of(&text) == chunk.text), "{}", file.path);
            read += 1;
        }
    }
    assert!(read > 150, "only {read} of them still have a text");
}

#[test]
fn line_breaks_that_are_not_line_ends_of_the_file_never_make_its_line_numbers_decrease() {
    check("a.html", b"<p><pre>\n--><br><p></nav><br>-->", &[1]);
}

fn real_files() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/documents");
    if folder.is_dir() {
        return Some(folder);
    }
    support::skipped("real documents, damaged", &format!("the folder {}", folder.display()));
    None
}

#[test]
fn laws_hold_for_real_files_intact_and_broken() {
    let Some(folder) = real_files() else { return };
    let walked = walk(std::slice::from_ref(&folder), &[], &Limits::default()).expect("the folder exists");
    assert!(walked.files.len() > 400, "only {} files", walked.files.len());
    for file in walked.files {
        let bytes = std::fs::read(folder.join(&file.path)).expect("a file that was found can be read");
        check(&file.path, &bytes, &[200]);
    }
}
