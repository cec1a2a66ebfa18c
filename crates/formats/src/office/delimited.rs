//! CSV and TSV. The file itself tells which character separates its fields; locations are the lines
//! on which records begin.

use super::sheets::{self, Sheet};
use crate::clean::clean_lines;
use crate::document::{Document, Format};
use crate::location::LocationUnit;
use crate::skip::Skip;

/// The part of the file that tells the separator.
pub(crate) const SAMPLE_BYTES: usize = 64 << 10;
const SAMPLE_RECORDS: usize = 200;
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Reads decoded text; `likely` is the separator that the file's name promises.
pub(crate) fn read(text: String, likely: char) -> Result<Document, Skip> {
    let Some((separator, quotes)) = separator(&text, likely) else {
        return Ok(Document::without_headings(Format::Table, text));
    };
    let records = |quotes| {
        let mut sheet = Sheet::default();
        let end = add_records(&text, separator, quotes, true, &mut Position::default(), &mut sheet);
        matches!(end, End::Whole).then_some(sheet)
    };
    // A quote that never ends is not one.
    let sheet = records(quotes).or_else(|| records(false)).unwrap_or_default();
    let mut document = sheets::document(vec![sheet], Vec::new(), None);
    document.unit = LocationUnit::Line;
    document.sections.iter_mut().for_each(|section| section.headings.clear());
    Ok(document)
}

/// How far the records of a text were read.
pub(super) enum End {
    Whole,
    /// The last one, from this offset on, may go on in the text that follows.
    Unfinished(usize),
    /// The last one, from this offset on, begins with a quote that never ends.
    OpenQuote(usize),
}

/// The lines, from 0, of what is read next and of the end of the last row.
#[derive(Debug, Default)]
pub(super) struct Position {
    line: u32,
    last_row: u32,
}

/// Adds the records of a text, which is the rest of the file if it `is_last`, as rows of a sheet.
pub(super) fn add_records(
    text: &str,
    separator: u8,
    quotes: bool,
    is_last: bool,
    at: &mut Position,
    sheet: &mut Sheet,
) -> End {
    let mut record = csv::StringRecord::new();
    let mut reader = reader(text, separator, quotes);
    let mut lines = LineCount { offset: 0, line: at.line };
    while reader.read_record(&mut record).unwrap_or(false) {
        let start = record.position().map_or(0, csv::Position::byte) as usize;
        let line = lines.at(text, start);
        let end = (reader.position().byte() as usize).clamp(lines.offset, text.len());
        let written = text.as_bytes()[lines.offset..end].trim_ascii_end();
        at.line = line;
        if end == text.len() && !is_last {
            return End::Unfinished(lines.offset);
        }
        let is_open = || record.iter().next_back().is_some_and(|last| last.contains('\n'));
        if quotes && end == text.len() && !written.ends_with(b"\"") && is_open() {
            return End::OpenQuote(lines.offset);
        }
        for (column, field) in (0..).zip(&record) {
            let field = clean_lines(field).replace('\n', " ");
            if !field.is_empty() {
                sheet.add(line, column, field);
            }
        }
        if let Some(row) = sheet.rows.last_mut().filter(|row| row.location == line + 1) {
            row.is_parted = line > at.last_row + 1;
            at.last_row = line + written.iter().filter(|byte| **byte == b'\n').count() as u32;
        }
    }
    at.line = lines.at(text, text.len());
    End::Whole
}

fn reader(text: &str, separator: u8, quotes: bool) -> csv::Reader<&[u8]> {
    let mut options = csv::ReaderBuilder::new();
    options.delimiter(separator).quoting(quotes).flexible(true).has_headers(false);
    options.from_reader(text.as_bytes())
}

/// Counts lines up to offsets that never fall.
struct LineCount {
    offset: usize,
    line: u32,
}

impl LineCount {
    /// The line, from 0, of the first character at or after `offset` that is not a line end.
    fn at(&mut self, text: &str, offset: usize) -> u32 {
        let bytes = text.as_bytes();
        let mut end = offset.clamp(self.offset, bytes.len());
        while bytes.get(end).is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
            end += 1;
        }
        self.line += bytes[self.offset..end].iter().filter(|byte| **byte == b'\n').count() as u32;
        self.offset = end;
        self.line
    }
}

/// The character that parts most records of the sample into the same number of fields, the larger
/// number first, and whether quotes keep it from doing so; `None` if no character does.
pub(super) fn separator(text: &str, likely: char) -> Option<(u8, bool)> {
    let by_records = |quotes| by_records(text, likely, quotes).map(|separator| (separator, quotes));
    by_records(true).or_else(|| by_records(false))
}

fn by_records(text: &str, likely: char, quotes: bool) -> Option<u8> {
    let sample = &text[..text.floor_char_boundary(SAMPLE_BYTES)];
    let mut best: Option<((usize, bool, usize), u8)> = None;
    for candidate in SEPARATORS {
        let mut counts: Vec<usize> = Vec::new();
        let mut reader = reader(sample, candidate, quotes);
        let mut record = csv::ByteRecord::new();
        while counts.len() < SAMPLE_RECORDS && reader.read_byte_record(&mut record).unwrap_or(false) {
            counts.push(record.len());
        }
        // The end of the sample cuts a record.
        if sample.len() < text.len() && counts.len() > 1 {
            counts.pop();
        }
        let Some((fields, alike)) = most_common(&counts) else { continue };
        if fields < 2 || alike * 4 < counts.len() * 3 {
            continue;
        }
        let tenths = alike * 10 / counts.len();
        let score = (tenths, candidate == likely as u8, fields);
        if best.is_none_or(|(before, _)| score > before) {
            best = Some((score, candidate));
        }
    }
    best.map(|(_, separator)| separator)
}

fn most_common(counts: &[usize]) -> Option<(usize, usize)> {
    let mut counts = counts.to_vec();
    counts.sort_unstable();
    counts
        .chunk_by(|one, next| one == next)
        .map(|run| (run[0], run.len()))
        .max_by_key(|(fields, alike)| (*alike, *fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let document = read(text.to_owned(), ',').unwrap();
        let locations = document.locations.unwrap_or_default();
        assert_eq!(
            document.sections.iter().map(|section| section.span.of(&document.text)).collect::<String>(),
            document.text
        );
        document.text.split('\n').zip(locations).map(|(line, location)| format!("{location} {line}")).collect()
    }

    #[test]
    fn records_know_their_lines_and_the_names_of_their_fields() {
        let text = "name,age,town\r\n\"Ada, \"\"L\"\"\nof B\",36,Bath\r\n\r\nBob,,\"Ely\"\r\n";
        assert_eq!(
            shown(text),
            ["1 name | age | town", "2 name: Ada, \"L\" of B | age: 36 | town: Bath", "5 ", "5 name: Bob | town: Ely"]
        );
    }

    #[test]
    fn the_separator_is_told_from_the_file() {
        let separator = |text, likely| separator(text, likely).map(|(separator, _)| separator);
        assert_eq!(separator("a;b;c\n1,5;2,5;3,5\n", ','), Some(b';'));
        assert_eq!(separator("Year;Sum;\n1;-814,38;\n2;143,1;\n", ','), Some(b';'));
        assert_eq!(separator("a|b\nc|d\n", ','), Some(b'|'));
        assert_eq!(separator("a\tb, c\nd\te\n", ','), Some(b'\t'));
        assert_eq!(separator("a,b\nc,d\n", ','), Some(b','));
        assert_eq!(separator("One, two\nthree\nfour\nfive; six\n", ','), None);
    }

    #[test]
    fn quotes_that_never_end_do_no_harm() {
        assert_eq!(shown("a,b\n\"c,d\n"), ["1 a | b", "2 \"c | d"]);
        let long = format!("a,b\n\"c,d\n{}", "e,f\n".repeat(30_000));
        assert_eq!(shown(&long).len(), 30_002);
    }
}
