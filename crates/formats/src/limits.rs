//! The limits that shorten a text or decide how it is read. Each stands in the handbook's table,
//! and a file of which something was left out says so. Limits are met deep within readers, where no
//! document is at hand: so they are noted beside the reading.

use std::cell::RefCell;
use std::fmt;

use crate::document::{TRUNCATED, join_warnings};

/// The most that is read of something in a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Limit {
    /// The files that it concerns.
    pub of: &'static str,
    /// The largest number.
    pub most: usize,
    /// What is counted.
    pub what: &'static str,
    /// What happens beyond it.
    pub beyond: &'static str,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.what.strip_prefix("bytes"), self.most) {
            (Some(of), most) if most % (1 << 20) == 0 => write!(f, "{} MiB{of}", most >> 20),
            (Some(of), most) if most % (1 << 10) == 0 => write!(f, "{} KiB{of}", most >> 10),
            (_, most) => write!(f, "{} {}", with_separators(most), self.what),
        }
    }
}

/// The limits, under these names, and all of them in the order of the handbook.
macro_rules! limits {
    ($($name:ident: $of:literal, $most:expr, $what:literal, $beyond:literal;)*) => {
        $(pub(crate) const $name: Limit = Limit { of: $of, most: $most, what: $what, beyond: $beyond };)*
        /// All limits that shorten a text or decide how a file is read.
        pub static LIMITS: &[&Limit] = &[$(&$name),*];
    };
}

limits! {
    PDF_CHARACTERS: "PDF", 400_000, "characters on a page", "the rest of the page is left out";
    PDF_INSTRUCTIONS: "PDF", 10_000_000, "instructions on a page", "the rest of the page is left out";
    PDF_FORM_BYTES: "PDF", 128 << 20, "bytes of forms on a page", "the forms after them are left out";
    PDF_FORM_DEPTH: "PDF", 16, "forms within each other", "what lies deeper is left out";
    PDF_FAILURES: "PDF", 100, "pages that cannot be read", "the pages after them are left out";
    CELLS: "workbooks", 4_000_000, "cells", "the cells after them are left out";
    CELLS_BYTES: "workbooks", 48 << 20, "bytes of text in cells", "the cells after them are left out";
    CELL_BYTES: "workbooks", 128 << 10, "bytes of text in a cell", "the rest of the cell is left out";
    SLIDES: "presentations (PPTX)", 20_000, "slides", "the slides after them are left out";
    RECORD_DEPTH: "presentations (PPT)", 32, "records within each other", "what lies deeper is left out";
    CHAPTERS: "books", 5_000, "chapters", "the chapters after them are left out";
    OUTPUT_LINES: "notebooks", 60, "lines of a printed result", "the rest of the result is left out, and `…` stands there";
    OUTPUT_BYTES: "notebooks", 4_000, "bytes of a printed result", "the rest of the result is left out, and `…` stands there";
    LETTER_DEPTH: "mail", 4, "letters within each other", "what lies deeper is only named";
    LETTERS_WITHIN: "mail", 1_000, "letters within a letter", "the file is skipped; in a mailbox, the letter is left out";
    LETTER_BYTES: "mailboxes of more than 8 MiB", 64 << 20, "bytes of a letter", "the rest of the letter is left out";
    ATTACHED_BYTES: "mail", 1 << 20, "bytes of an attached text", "the rest of the attached text is left out";
    ADDRESSEES: "mail", 50, "addressees", "the others are counted, not named";
    OUTLOOK_PARTS: "mail (MSG)", 2_000, "addressees or attachments", "those after them are left out";
    RECORD_BYTES: "CSV, TSV, lines of JSON of more than 8 MiB", 4 << 20, "bytes of a record", "the record is cut in two; nothing is left out";
    PARTS: "JSON, YAML, XML", 3_000_000, "names and values", "the file is read as plain text";
    XML_DEPTH: "XML", 2_000, "elements within each other", "the file is read as plain text";
    YAML_DEPTH: "YAML", 200, "values within each other", "the file is read as plain text";
    ARCHIVE_BYTES: "archives that documents are made of", 256 << 20, "bytes after unpacking", "the file is skipped";
    ARCHIVE_MEMBERS: "archives that documents are made of", 50_000, "members", "the file is skipped";
    XLS_CELLS: "workbooks (XLS)", 8 << 20, "cells between the first and the last", "the file is skipped";
}

/// A number as people read it.
pub(crate) fn with_separators(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|it| std::str::from_utf8(it).ok()).collect();
    groups.join(",")
}

thread_local! {
    /// The limits that the file being read has met, in order.
    static MET: RefCell<Vec<&'static Limit>> = const { RefCell::new(Vec::new()) };
}

impl Limit {
    /// Notes that the file being read has more than this.
    pub(crate) fn met(&'static self) {
        MET.with_borrow_mut(|met| {
            if !met.contains(&self) {
                met.push(self);
            }
        });
    }
}

/// Forgets what an earlier file met.
pub(crate) fn begin() {
    MET.take();
}

/// The warning about a file that has been read since [`begin`], with the limits that it met.
pub(crate) fn with_met(warning: Option<String>) -> Option<String> {
    let met: Vec<String> = MET.take().iter().map(|limit| format!("more than {limit}")).collect();
    let shortened = (!met.is_empty()).then(|| format!("{TRUNCATED}: {}", met.join(", ")));
    join_warnings(shortened, warning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_met_is_a_doubt_of_that_file_alone() {
        begin();
        CELLS.met();
        CELLS.met();
        SLIDES.met();
        let warning = with_met(Some("the encoding was guessed: x".to_owned())).unwrap();
        assert_eq!(
            warning,
            "not read whole: more than 4,000,000 cells, more than 20,000 slides; the encoding was guessed: x"
        );
        assert!(crate::document::is_truncated(&warning));
        assert_eq!(with_met(None), None);
    }
}
