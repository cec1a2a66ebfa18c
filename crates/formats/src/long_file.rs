//! Long files are read piece by piece, so that no more of them is held than a piece: plain text,
//! source code, CSV and TSV, lines of JSON, mailboxes. The texts of the pieces, one after the
//! other, are the text of the file read at once.

use std::io::{BufReader, Read};

use crate::detect;
use crate::document::{Document, Format, join_warnings};
use crate::file_type::FileType;
use crate::office::delimited::SAMPLE_BYTES;
use crate::office::long_table::LongTable;
use crate::pieces::{GivePiece, LongFile, LongFileLimits};
use crate::skip::Skip;
use crate::text_stream::{Source, window};
use crate::{data, decode, html, limits, mail, office};

/// Reads a long file piece by piece and hands each piece to `give`, in order, so that no more of
/// the file is held than a piece. Pieces may have no text.
///
/// # Errors
/// Why the file is not read. This may be found late: discard the pieces given before. Errors of
/// `give` are passed on.
pub fn read_long_file(
    path_name: &str,
    file: &mut dyn Read,
    sizes: &LongFileLimits,
    give: &mut GivePiece<'_>,
) -> Result<LongFile, Skip> {
    limits::begin();
    let first = window(file, sizes.window_bytes)?;
    // Only by all of an archive it is told which document it is.
    if first.starts_with(b"PK\x03\x04") {
        return Ok(LongFile::Indivisible);
    }
    let kind = detect::of(path_name, &first)?;
    let is_wide = first.starts_with(b"\xff\xfe") || first.starts_with(b"\xfe\xff") || first.contains(&0);
    let is_text = match kind {
        Some(FileType::Workbook) => !office::is_container(&first) && !is_wide,
        Some(FileType::Mbox) => !is_wide,
        Some(kind) => {
            matches!(kind, FileType::Text | FileType::Code | FileType::Csv | FileType::Tsv | FileType::JsonLines)
        }
        None => true,
    };
    if !is_text || decode::is_decoded_whole(&first) {
        return Ok(LongFile::Indivisible);
    }
    let first_letters = first.strip_prefix(b"\xef\xbb\xbf").filter(|_| kind == Some(FileType::Mbox));
    let mut file = first_letters.unwrap_or(&first).chain(file);
    let ended = match kind {
        Some(FileType::Mbox) => mail::long_mailbox::read(&mut BufReader::new(file), sizes, give)?,
        kind => {
            let declared =
                matches!(kind, Some(FileType::Code) | None).then(|| decode::declared_encoding(&first)).flatten();
            read_text(kind, Source::new(&mut file, sizes.window_bytes, declared), sizes, give)?
        }
    };
    Ok(match ended {
        LongFile::ReadInPieces { warning } => LongFile::ReadInPieces { warning: limits::with_met(warning) },
        LongFile::Indivisible => LongFile::Indivisible,
    })
}

fn read_text(
    kind: Option<FileType>,
    mut source: Source,
    sizes: &LongFileLimits,
    give: &mut GivePiece<'_>,
) -> Result<LongFile, Skip> {
    source.fill(sizes.piece_bytes)?;
    let is_page = || html::is_page(&source.text);
    match kind {
        None | Some(FileType::Workbook) if is_page() => Ok(LongFile::Indivisible),
        Some(FileType::Csv) => read_table(source, ',', sizes, give),
        Some(FileType::Tsv | FileType::Workbook) => read_table(source, '\t', sizes, give),
        Some(FileType::JsonLines) => read_json_lines(source, sizes, give),
        Some(kind) => read_plain(source, kind.format(), sizes, give),
        None => {
            let format = detect::by_content(&source.text).format();
            read_plain(source, format, sizes, give)
        }
    }
}

fn read_plain(
    mut source: Source,
    format: Format,
    sizes: &LongFileLimits,
    give: &mut GivePiece<'_>,
) -> Result<LongFile, Skip> {
    let mut lines_before = 0;
    loop {
        source.fill(sizes.piece_bytes)?;
        if source.text.is_empty() {
            return Ok(LongFile::ReadInPieces { warning: source.warning() });
        }
        let is_last = source.is_done && source.text.len() <= sizes.piece_bytes;
        let end = if is_last { source.text.len() } else { cut(&source.text, sizes.piece_bytes) };
        let text = source.take(end);
        let lines = text.bytes().filter(|byte| *byte == b'\n').count() as u32;
        give(Document::without_headings(format, text), lines_before)?;
        lines_before += lines;
    }
}

/// Where a text is cut that is longer than `most` bytes: behind a blank line if there is one in it,
/// else a line, else a space.
fn cut(text: &str, most: usize) -> usize {
    let window = &text[..text.ceil_char_boundary(most)];
    let behind = |at: &&str| window.rfind(*at).map(|found| found + at.len()).filter(|cut| cut * 4 > most);
    ["\n\n", "\n", " "].iter().find_map(behind).unwrap_or(window.len())
}

fn read_json_lines(mut source: Source, sizes: &LongFileLimits, give: &mut GivePiece<'_>) -> Result<LongFile, Skip> {
    let mut lines = data::JsonLines::default();
    let mut is_first = true;
    while !source.text.is_empty() {
        let end = match source.text.rfind('\n') {
            _ if source.is_done => source.text.len(),
            Some(at) => at + 1,
            None if source.text.len() >= sizes.record_bytes => source.text.floor_char_boundary(sizes.record_bytes),
            None => {
                source.fill(source.text.len() + sizes.window_bytes)?;
                continue;
            }
        };
        lines.add(&source.take(end));
        if std::mem::take(&mut is_first) && !lines.are_json() {
            return Ok(LongFile::Indivisible);
        }
        give(lines.take(), 0)?;
        source.fill(sizes.piece_bytes)?;
    }
    Ok(LongFile::ReadInPieces { warning: join_warnings(lines.warning(), source.warning()) })
}

fn read_table(
    mut source: Source,
    likely: char,
    sizes: &LongFileLimits,
    give: &mut GivePiece<'_>,
) -> Result<LongFile, Skip> {
    source.fill(SAMPLE_BYTES)?;
    let Some(mut table) = LongTable::new(&source.text, likely) else {
        return read_plain(source, Format::Table, sizes, give);
    };
    while !source.text.is_empty() {
        let read = table.add(&source.text, source.is_done, sizes.record_bytes);
        source.take(read);
        give(table.take(), 0)?;
        let more = if read == 0 { source.text.len() + sizes.window_bytes } else { sizes.piece_bytes };
        source.fill(more)?;
    }
    Ok(LongFile::ReadInPieces { warning: join_warnings(table.warning(), source.warning()) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::read as read_at_once;

    const SMALL: LongFileLimits =
        LongFileLimits { window_bytes: 100, piece_bytes: 400, record_bytes: 300, letter_bytes: 1000 };

    /// The text of all pieces, the lines that are not empty with their locations, and the warning.
    type Joined = (String, Vec<(String, u32)>, Option<String>);

    fn in_pieces(name: &str, bytes: &[u8], sizes: &LongFileLimits) -> Option<Joined> {
        let (mut text, mut shown) = (String::new(), Vec::new());
        let mut file = bytes;
        let ended = read_long_file(name, &mut file, sizes, &mut |piece, lines_before| {
            let parts: String = piece.sections.iter().map(|section| section.span.of(&piece.text)).collect();
            assert_eq!(parts, piece.text, "sections cover a piece");
            shown.extend(lines(&piece, lines_before));
            text.push_str(&piece.text);
            Ok(())
        });
        match ended.unwrap() {
            LongFile::Indivisible => None,
            LongFile::ReadInPieces { warning } => Some((text, shown, warning)),
        }
    }

    fn lines(document: &Document, lines_before: u32) -> Vec<(String, u32)> {
        let location =
            |at: usize| document.locations.as_ref().map_or(at as u32 + 1 + lines_before, |locations| locations[at]);
        let lines = document.text.split('\n').enumerate().map(|(at, line)| (line.to_owned(), location(at)));
        lines.filter(|(line, _)| !line.is_empty()).collect()
    }

    /// Both ways to read agree. Lines of JSON and letters are not cut within, so their lines are
    /// the same, too.
    fn check(name: &str, text: &str, sizes: &LongFileLimits) {
        let whole = read_at_once(name, text.as_bytes()).unwrap();
        let (joined, shown, warning) = in_pieces(name, text.as_bytes(), sizes).unwrap();
        assert_eq!(joined, whole.text);
        assert_eq!(warning, whole.warning);
        if whole.locations.is_some() {
            assert_eq!(shown, lines(&whole, 0));
        } else {
            // A line may be cut in two: each part is on its line.
            for (part, line) in shown {
                assert!(text.split('\n').nth(line as usize - 1).unwrap().contains(&part), "{line} {part:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn text_in_pieces_is_the_text(parts in prop::collection::vec("([a-zä ]{0,30}|x{100,600})(\n|\r\n|\n\n| )", 20..120)) {
            let text = format!("begin {}", parts.concat());
            for name in ["a.log", "a.sql", "b"] {
                check(name, &text, &SMALL);
            }
        }

        #[test]
        fn lines_of_json_in_pieces_are_the_lines(values in prop::collection::vec(("[a-z]{1,8}", "[a-zä\\\\n ]{1,40}", 0..9u8), 20..80)) {
            let line = |(key, value, kind): &(String, String, u8)| match kind {
                0 => "\n".to_owned(),
                1 => format!("{value}\n"),
                _ => format!("{{\"name\": \"{key}\", \"of\": {{\"{key}\": {}}}}}\n", serde_json::json!(value)),
            };
            let text: String = (0..4).map(|_| "{\"a\": 1}\n".to_owned()).chain(values.iter().map(line)).collect();
            check("a.jsonl", &text, &SMALL);
        }

        #[test]
        fn a_mailbox_in_pieces_is_the_mailbox(letters in prop::collection::vec(("[a-z ]{0,9}", "([a-z >\n]{0,300}|>From x\n)"), 3..20)) {
            let letter = |(subject, body): &(String, String)| {
                format!("From a@b Mon Jan  1 00:00:00 2024\nSubject: {subject}\nFrom: c@d\n\n{body}\n\n")
            };
            let text: String = letters.iter().map(letter).collect();
            check("a.mbox", &text, &SMALL);
            check("a.mbox", &format!("\u{feff}{text}"), &SMALL);
        }
    }

    #[test]
    fn what_is_too_long_to_be_held_is_cut_and_nothing_is_lost() {
        let word = "x".repeat(5000);
        let (text, shown, _) = in_pieces("a.txt", word.as_bytes(), &SMALL).unwrap();
        assert!(text == word && shown.len() > 10 && shown.iter().all(|(_, line)| *line == 1));
        let record = format!("a,b\n1,2\n{},3\n4,5\n", "word ".repeat(20_000));
        let (text, shown, warning) = in_pieces("a.csv", record.as_bytes(), &SMALL).unwrap();
        assert_eq!(text.replace(char::is_whitespace, "").matches("word").count(), 20_000);
        assert_eq!(shown.last(), Some(&("a: 4 | b: 5".to_owned(), 4)));
        assert!(warning.unwrap().contains("cut in two"));
        let lines = format!("{{\"a\": 1}}\n{{\"b\": \"{}\"}}\n{{\"c\": 3}}\n", "word ".repeat(500));
        let (text, shown, warning) = in_pieces("a.jsonl", lines.as_bytes(), &SMALL).unwrap();
        assert_eq!(text.replace(char::is_whitespace, "").matches("word").count(), 500);
        assert_eq!(shown.last(), Some(&("c: 3".to_owned(), 3)));
        assert!(warning.unwrap().contains("not valid JSON"));
    }

    #[test]
    fn a_letter_that_is_too_long_is_cut_and_the_file_says_so() {
        let letter = |body: &str| format!("From a@b Mon Jan  1 00:00:00 2024\nSubject: S\n\n{body}\n\n");
        let text = [letter("one"), letter(&"long line\n".repeat(300)), letter("three")].concat();
        let (text, shown, warning) = in_pieces("a.mbox", text.as_bytes(), &SMALL).unwrap();
        assert!(text.matches("long line").count() < 110 && shown.last() == Some(&("three".to_owned(), 3)));
        assert_eq!(warning.as_deref(), Some("not read whole: more than 64 MiB of a letter"));
    }

    #[test]
    fn what_only_the_whole_tells_is_read_at_once() {
        for (name, bytes) in [
            ("a.md", &b"# Title"[..]),
            ("a.html", b"<p>Text"),
            ("a", b"<!doctype html><p>Text"),
            ("a.pdf", b"%PDF-1.7"),
            ("a.docx", b"PK\x03\x04"),
            ("a.txt", b"%PDF-1.7"),
            ("a.jsonl", b"{\n\"a\":\n1,\n\"b\": 2}"),
        ] {
            assert_eq!(in_pieces(name, bytes, &SMALL), None, "{name}");
        }
        let mut picture = &b"\x89PNG\r\n"[..];
        assert!(read_long_file("a.txt", &mut picture, &SMALL, &mut |_, _| Ok(())).is_err());
    }
}
