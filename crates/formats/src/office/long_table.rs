//! CSV and TSV that are too long to be held in memory: rows are written as they come, the names of
//! the columns are kept.

use super::delimited::{End, Position, add_records, separator};
use super::sheets::Sheet;
use super::table::{Names, lines_below, lines_of_more};
use crate::document::{Document, Format};
use crate::limits::RECORD_BYTES;
use crate::text_builder::{Gap, TextBuilder};

/// After so many quotes that never end, quotes mean nothing in this file: each costs a look at the
/// longest record there may be.
const MAX_STRAY_QUOTES: usize = 16;

/// A table that is being read.
pub(crate) struct LongTable {
    separator: u8,
    stray_quotes_left: usize,
    at: Position,
    names: Names,
    has_begun: bool,
    /// True if a record was cut because it is too long.
    is_cut: bool,
    lines: TextBuilder,
}

impl LongTable {
    /// A table that begins with `sample`; `None` if no character separates its fields.
    pub(crate) fn new(sample: &str, likely: char) -> Option<Self> {
        let (separator, quotes) = separator(sample, likely)?;
        Some(LongTable {
            separator,
            stray_quotes_left: if quotes { MAX_STRAY_QUOTES } else { 0 },
            at: Position::default(),
            names: Names::default(),
            has_begun: false,
            is_cut: false,
            lines: TextBuilder::new(),
        })
    }

    /// Writes the rows of a text, which is the rest of the file if it `is_last`, and gives how many
    /// bytes they were: what is left belongs before the text that follows. A longer record than
    /// `most_bytes` ends at its first line's end, or there.
    pub(crate) fn add(&mut self, text: &str, is_last: bool, most_bytes: usize) -> usize {
        let mut sheet = Sheet::default();
        let mut from = 0;
        while from < text.len() {
            let quotes = self.stray_quotes_left > 0;
            let start = match add_records(&text[from..], self.separator, quotes, is_last, &mut self.at, &mut sheet) {
                End::Whole => {
                    from = text.len();
                    break;
                }
                End::Unfinished(start) if text.len() - from - start < most_bytes => {
                    from += start;
                    break;
                }
                End::Unfinished(start) | End::OpenQuote(start) => from + start,
            };
            let longest = text.floor_char_boundary(start + most_bytes);
            let line = text[start..longest].find('\n');
            match line {
                Some(_) => self.stray_quotes_left = self.stray_quotes_left.saturating_sub(1),
                None => self.is_cut |= longest < text.len() || !is_last,
            }
            from = line.map_or(longest, |line| start + line + 1);
            add_records(&text[start..from], self.separator, false, true, &mut self.at, &mut sheet);
        }
        self.write(&sheet);
        from
    }

    fn write(&mut self, sheet: &Sheet) {
        for rows in sheet.rows.chunk_by(|_, next| !next.is_parted) {
            let goes_on = self.has_begun && !rows[0].is_parted;
            let mut gap = if goes_on { Gap::Line } else { Gap::Blank };
            let lines = match goes_on {
                true => lines_of_more(rows, &self.names),
                false => lines_below(rows, 0, &mut self.names),
            };
            for (location, line) in lines {
                self.lines.part(gap);
                self.lines.open(location);
                line.chars().for_each(|character| self.lines.push(character));
                gap = Gap::Line;
            }
            self.has_begun = true;
        }
    }

    /// The warning about the text so far.
    pub(crate) fn warning(&self) -> Option<String> {
        self.is_cut.then(|| format!("a record is longer than {} MiB and was cut in two", RECORD_BYTES.most >> 20))
    }

    /// What has been written since the last time.
    pub(crate) fn take(&mut self) -> Document {
        let (text, locations) = self.lines.take();
        Document { locations: Some(locations), ..Document::without_headings(Format::Table, text) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::office::delimited;

    /// The text and locations of a table that is read in windows of these sizes.
    fn in_windows(text: &str, sizes: &[usize], most_bytes: usize) -> (String, Vec<u32>) {
        let mut table = LongTable::new(text, ',').unwrap();
        let (mut whole, mut locations) = (String::new(), Vec::new());
        let (mut from, mut to) = (0, 0);
        for size in sizes.iter().cycle() {
            to = text.ceil_char_boundary((to + size).min(text.len()));
            from += table.add(&text[from..to], to == text.len(), most_bytes);
            let piece = table.take();
            assert_eq!(piece.locations.as_ref().unwrap().len(), piece.text.split('\n').count());
            // The first line goes on where the last piece ended.
            locations.pop();
            locations.extend(piece.locations.unwrap());
            whole.push_str(&piece.text);
            if from == text.len() {
                return (whole, locations);
            }
        }
        unreachable!("sizes are not empty")
    }

    #[test]
    fn names_of_columns_reach_over_pieces_and_a_new_table_has_its_own() {
        let text = format!("name,age,town\n{}\n\nkind,size,weight\n\"a\nb\",1,2\nc,3,4\n", "Ada,36,Bath\n".repeat(30));
        let (whole, locations) = in_windows(&text, &[150], 1000);
        assert_eq!(whole.matches("\nname: Ada | age: 36 | town: Bath").count(), 30);
        assert!(whole.ends_with(
            "town: Bath\n\nkind | size | weight\nkind: a b | size: 1 | weight: 2\nkind: c | size: 3 | weight: 4"
        ));
        assert_eq!(locations.last(), Some(&37));
    }

    #[test]
    fn a_quote_that_never_ends_and_an_endless_record_are_cut() {
        let text = format!("a,b\n\"c,d\n{}", "e,f\n".repeat(500));
        let (whole, locations) = in_windows(&text, &[64], 200);
        assert_eq!(whole.lines().count(), 502);
        assert_eq!(locations.last(), Some(&502));
        let text = format!("a,b\n1,2\n{}\n3,4\n", "word ".repeat(1000));
        let (whole, locations) = in_windows(&text, &[64], 200);
        assert_eq!(whole.matches("word").count(), 1000);
        assert!(whole.ends_with("a: 3 | b: 4") && locations.last() == Some(&4));
        // Each of these lines closes the quote of the line before and opens another.
        let text = format!("a,b\n{}", "a\",\"b\n".repeat(2000));
        let (_, locations) = in_windows(&text, &[64], 200);
        assert_eq!(locations.last(), Some(&2001));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_table_in_windows_is_the_table(
            rows in prop::collection::vec(("[a-z]{1,9}", "[0-9]{1,4}", "([a-zäß ]{0,12}|\"[a-z,\n]{0,9}\")", 0..12u8), 20..80),
            sizes in prop::collection::vec(300..900usize, 1..4),
            end in "(\n|\r\n)",
        ) {
            let mut text = format!("name,size,note{end}");
            for (name, size, note, blank) in rows {
                text.push_str(&format!("{name},{size},{note}{end}{}", if blank == 0 { end.as_str() } else { "" }));
            }
            let whole = delimited::read(text.clone(), ',').unwrap();
            let (joined, locations) = in_windows(&text, &sizes, 1 << 20);
            prop_assert_eq!(&joined, &whole.text);
            // The blank line between two tables counts to the one or the other.
            let shown = |locations: &[u32]| -> Vec<(String, u32)> {
                let lines = joined.split('\n').map(str::to_owned).zip(locations.iter().copied());
                lines.filter(|(line, _)| !line.is_empty()).collect()
            };
            prop_assert_eq!(shown(&locations), shown(&whole.locations.unwrap()));
        }
    }
}
