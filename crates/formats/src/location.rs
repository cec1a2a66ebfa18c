//! Locations in a file, counted and written as people and programs open them.

use serde::{Deserialize, Serialize};

/// What the locations in a document count, from 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LocationUnit {
    /// Lines of the file.
    #[default]
    Line,
    /// Pages of a PDF.
    Page,
    /// Slides of a presentation.
    Slide,
    /// Rows of a sheet; the outermost heading is the sheet's name.
    Row,
    /// Cells of a notebook.
    Cell,
    /// Paragraphs of a word processor's document, empty ones not counted.
    Paragraph,
    /// Messages of a mailbox.
    Message,
    /// Chapters of a book: the files it is made of, in reading order.
    Chapter,
}

impl LocationUnit {
    /// The name in the singular, in small letters.
    pub fn name(self) -> &'static str {
        match self {
            LocationUnit::Line => "line",
            LocationUnit::Page => "page",
            LocationUnit::Slide => "slide",
            LocationUnit::Row => "row",
            LocationUnit::Cell => "cell",
            LocationUnit::Paragraph => "paragraph",
            LocationUnit::Message => "message",
            LocationUnit::Chapter => "chapter",
        }
    }

    /// The suffix of a file's path that names the locations from `first` to `last`: `:3-7` for
    /// lines, `#page=3` as PDF viewers open it (RFC 8118), `#Budget!12:18` as spreadsheets write
    /// whole rows. `headings` are the headings above these locations; the first one names the
    /// sheet.
    pub fn after_path(self, first: u32, last: u32, headings: &[String]) -> String {
        let from_to = |separator: &str| match first == last {
            true => first.to_string(),
            false => format!("{first}{separator}{last}"),
        };
        match (self, headings.first()) {
            (LocationUnit::Line, _) => format!(":{}", from_to("-")),
            (LocationUnit::Row, Some(sheet)) => {
                let plain = sheet.chars().all(|c| c.is_alphanumeric() || c == '_');
                let sheet = if plain { sheet.clone() } else { format!("'{}'", sheet.replace('\'', "''")) };
                format!("#{sheet}!{first}:{last}")
            }
            _ => format!("#{}={}", self.name(), from_to("-")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_as_programs_open_it() {
        let sheet = ["Q1 'a'".to_owned(), "x".to_owned()];
        assert_eq!(LocationUnit::Line.after_path(3, 7, &[]), ":3-7");
        assert_eq!(LocationUnit::Line.after_path(3, 3, &sheet), ":3");
        assert_eq!(LocationUnit::Page.after_path(3, 3, &sheet), "#page=3");
        assert_eq!(LocationUnit::Row.after_path(2, 9, &sheet), "#'Q1 ''a'''!2:9");
        assert_eq!(LocationUnit::Row.after_path(2, 9, &[]), "#row=2-9");
    }
}
