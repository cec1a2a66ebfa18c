//! JSON, and files with a JSON value on each line, as lines of keys and values.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::records::Records;
use super::tree::{Builder, Shape, Tree};
use crate::document::Document;

/// Reads one value; `None` if it is not valid.
pub(super) fn read(text: &str) -> Option<Document> {
    let mut records = Records::default();
    records.add(&tree(text, 1)?);
    Some(records.finish())
}

/// Reads a value a line; `None` if most lines have none. A line that has none is read as text.
pub(super) fn read_lines(text: &str) -> Option<Document> {
    let mut lines = JsonLines::default();
    lines.add(text);
    lines.are_json().then(|| Document { warning: lines.warning(), ..lines.take() })
}

/// Lines of JSON that are being read.
#[derive(Default)]
pub(crate) struct JsonLines {
    records: Records,
    good: usize,
    bad: usize,
    /// Lines that have ended.
    ended: u32,
}

impl JsonLines {
    /// Writes the records of a text of whole lines.
    pub(crate) fn add(&mut self, text: &str) {
        for line in text.split_inclusive('\n') {
            let number = self.ended + 1;
            match tree(line, number) {
                Some(tree) => {
                    self.good += 1;
                    self.records.add(&tree);
                }
                None if line.trim().is_empty() => {}
                None => {
                    self.bad += 1;
                    self.records.add_text(line.trim(), number);
                }
            }
            self.ended += u32::from(line.ends_with('\n'));
        }
    }

    /// True if most lines so far are valid JSON.
    pub(crate) fn are_json(&self) -> bool {
        self.good > self.bad
    }

    pub(crate) fn warning(&self) -> Option<String> {
        let all = self.good + self.bad;
        (self.bad > 0).then(|| format!("{} of {all} lines are not valid JSON: read as text", self.bad))
    }

    /// What has been written since the last time.
    pub(crate) fn take(&mut self) -> Document {
        self.records.take()
    }
}

fn tree(text: &str, first_line: u32) -> Option<Tree<'_>> {
    // Checks everything, without recursion; below, all is as the grammar says.
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut reader = Reader { text, at: 0, line: first_line, builder: Tree::builder(false) };
    while let Some(begin) = reader.begin() {
        reader.part(begin)?;
    }
    reader.builder.finish()
}

/// Goes through valid JSON.
struct Reader<'t> {
    text: &'t str,
    at: usize,
    line: u32,
    builder: Builder<'t>,
}

impl<'t> Reader<'t> {
    /// The next byte that means something; commas and colons do not.
    fn begin(&mut self) -> Option<u8> {
        while let Some(&byte) = self.text.as_bytes().get(self.at) {
            match byte {
                b'\n' => self.line += 1,
                b' ' | b'\t' | b'\r' | b',' | b':' => {}
                byte => return Some(byte),
            }
            self.at += 1;
        }
        None
    }

    /// A value with its key, or the end of one; `None` when there are too many.
    fn part(&mut self, begin: u8) -> Option<()> {
        if matches!(begin, b'}' | b']') {
            self.at += 1;
            self.builder.close();
            return Some(());
        }
        let line = self.line;
        let in_table = self.builder.innermost().is_some_and(|node| node.shape == Shape::Table);
        let key = if in_table { decoded(self.string()) } else { Cow::Borrowed("") };
        let has_room = match self.begin()? {
            byte @ (b'{' | b'[') => {
                self.at += 1;
                let shape = if byte == b'{' { Shape::Table } else { Shape::List };
                self.builder.open(key, shape, line)
            }
            b'"' => {
                let value = decoded(self.string());
                self.builder.leaf(key, value, Shape::Leaf, line)
            }
            _ => {
                let rest = &self.text[self.at..];
                let length = rest.find(|c: char| c.is_ascii_whitespace() || ",]}".contains(c)).unwrap_or(rest.len());
                self.at += length;
                let value = Some(&rest[..length]).filter(|value| *value != "null").unwrap_or_default();
                self.builder.leaf(key, Cow::Borrowed(value), Shape::Leaf, line)
            }
        };
        has_room.then_some(())
    }

    /// A string with its quotes.
    fn string(&mut self) -> &'t str {
        let bytes = &self.text.as_bytes()[self.at..];
        let mut length = 1;
        while let Some(&byte) = bytes.get(length) {
            length += match byte {
                b'"' => break,
                b'\\' => 2,
                _ => 1,
            };
        }
        let quoted = self.text.get(self.at..self.at + length + 1).unwrap_or_default();
        self.at += length + 1;
        quoted
    }
}

fn decoded(quoted: &str) -> Cow<'_, str> {
    let bare = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    match bare.contains('\\') {
        // Halves of surrogate pairs have no character.
        true => Cow::Owned(serde_json::from_str(quoted).unwrap_or_else(|_| bare.to_owned())),
        false => Cow::Borrowed(bare),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::records::shown;

    #[test]
    fn keys_and_values_stand_on_lines_with_their_places() {
        let text = "{\"name\": \"wren\", \"size\": {\"length\": 9.5,\n\"of\": {\"wing\": 4}}, \"none\": null,\n\"in\": [\"Asia\", \"Europe\"],\
            \n\"eggs\": [{\"n\": 5}, {\"n\": 9}], \"note\": \"two\\nlines \\u00e9\"}";
        let wanted = [
            "1 name: wren",
            "1 size.length: 9.5",
            "2 size.of.wing: 4",
            "3 in: Asia, Europe",
            "4 eggs[0].n: 5",
            "4 eggs[1].n: 9",
            "4 note: two",
            "4 lines é",
        ];
        assert_eq!(shown(&read(text).unwrap()), wanted);
        assert_eq!(read(text).unwrap().sections[0].headings, ["wren"]);
    }

    #[test]
    fn records_of_a_large_file_stand_under_their_names() {
        let song = "tsip ".repeat(300);
        let text = format!(
            "{{\"kind\": \"birds\",\n\"list\": [\n{{\"name\": \"wren\", \"song\": \"{song}\"}},\n{{\"name\": \"kinglet\", \"song\": \"{song}\"}}],\n\"end\": true}}"
        );
        let document = read(&text).unwrap();
        let paths: Vec<_> = document.sections.iter().map(|section| section.headings.join(" > ")).collect();
        assert_eq!(paths, ["", "list > wren", "list > kinglet", ""]);
        let parts: Vec<_> = document.sections.iter().map(|section| section.span.of(&document.text)).collect();
        assert!(parts[1].starts_with("name: wren\nsong: tsip") && parts[3] == "end: true");
        assert_eq!(parts.concat(), document.text);
    }

    #[test]
    fn each_line_is_a_record() {
        let document = read_lines("{\"id\": 7, \"a\": 1}\n\noops\n{\"b\": \"x\"}\n").unwrap();
        assert_eq!(shown(&document), ["1 id: 7", "1 a: 1", "3 oops", "4 b: x"]);
        assert_eq!(document.sections.len(), 3);
        assert_eq!(document.sections[0].headings, ["7"]);
        assert_eq!(document.warning.as_deref(), Some("1 of 3 lines are not valid JSON: read as text"));
        assert!(read_lines("no\n{}").is_none() && read("{\"a\": 1").is_none() && read("{'a': 1}").is_none());
    }

    #[test]
    fn depth_costs_no_more_than_length() {
        let deep = 200_000;
        let text = format!("{}1{}", "[1,".repeat(deep), "]".repeat(deep));
        assert!(read(&text).unwrap().text.len() < 400 * deep);
        let text = format!("{}1{}", "{\"a\":".repeat(deep), "}".repeat(deep));
        assert!(read(&text).unwrap().text.ends_with(": 1"));
    }

    proptest! {
        #[test]
        fn anything_is_read_or_not(text in "([\\[\\]{},:]|\"[a-z\\\\\"é]{0,3}\"|[0-9]|null|\n){0,40}") {
            let documents = [read(&text), read_lines(&text)];
            for document in documents.into_iter().flatten() {
                let locations = document.locations.as_ref().unwrap();
                prop_assert_eq!(locations.len(), document.text.split('\n').count());
                prop_assert!(locations.is_sorted());
            }
        }
    }
}
