//! Notebooks (IPYNB): text, code and what the code put out, cell by cell.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::clean::{is_encoded_bytes, without_colours, without_controls};
use crate::document::{Document, Format};
use crate::limits::{OUTPUT_BYTES, OUTPUT_LINES};
use crate::location::LocationUnit;
use crate::outline::{self, Heading};
use crate::skip::Skip;
use crate::span::Span;
use crate::{html, markdown};

#[derive(Deserialize)]
struct Notebook {
    #[serde(default)]
    cells: Vec<Cell>,
    /// Before version 4.
    #[serde(default)]
    worksheets: Vec<Worksheet>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Worksheet {
    #[serde(default)]
    cells: Vec<Cell>,
}

#[derive(Deserialize, Default)]
struct Metadata {
    #[serde(default)]
    title: Joined,
    #[serde(default)]
    language_info: Language,
    #[serde(default)]
    kernelspec: Kernel,
}

#[derive(Deserialize, Default)]
struct Language {
    #[serde(default)]
    name: Joined,
}

#[derive(Deserialize, Default)]
struct Kernel {
    #[serde(default)]
    language: Joined,
}

#[derive(Deserialize)]
struct Cell {
    cell_type: String,
    #[serde(default)]
    source: Joined,
    /// The source of code, before version 4.
    #[serde(default)]
    input: Joined,
    /// Of a heading, before version 4.
    #[serde(default)]
    level: Option<u8>,
    #[serde(default)]
    outputs: Vec<Output>,
}

#[derive(Deserialize, Default)]
struct Output {
    #[serde(default)]
    data: Data,
    #[serde(default)]
    text: Joined,
    #[serde(default)]
    html: Joined,
    #[serde(default)]
    ename: Joined,
    #[serde(default)]
    evalue: Joined,
}

/// What was put out, in several forms; images are not kept.
#[derive(Deserialize, Default)]
struct Data {
    #[serde(default, rename = "text/plain")]
    plain: Joined,
    #[serde(default, rename = "text/markdown")]
    markdown: Joined,
    #[serde(default, rename = "text/html")]
    html: Joined,
}

/// A text, or the lines of one; empty if it is anything else.
#[derive(Default)]
struct Joined(String);

impl<'de> Deserialize<'de> for Joined {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Joined;
            fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
                out.write_str("a text or a list of lines")
            }
            fn visit_str<E>(self, text: &str) -> Result<Joined, E> {
                Ok(Joined(text.to_owned()))
            }
            fn visit_unit<E>(self) -> Result<Joined, E> {
                Ok(Joined::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut lines: A) -> Result<Joined, A::Error> {
                let mut joined = String::new();
                while let Some(line) = lines.next_element::<String>()? {
                    joined.push_str(&line);
                }
                Ok(Joined(joined))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

/// Reads a notebook of any version.
///
/// # Errors
/// When it is not a notebook.
pub(crate) fn read(text: &str) -> Result<Document, Skip> {
    let notebook: Notebook = serde_json::from_str(text).map_err(|_| Skip::because("not a valid notebook"))?;
    let mut pages = Pages::default();
    let cells = notebook.cells.into_iter().chain(notebook.worksheets.into_iter().flat_map(|sheet| sheet.cells));
    for (number, cell) in (1..).zip(cells) {
        pages.cell(&cell, number);
    }
    let metadata = notebook.metadata;
    let languages = [metadata.language_info.name.0, metadata.kernelspec.language.0];
    let language = languages.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    let mut found = vec![("title".to_owned(), metadata.title.0), ("language".to_owned(), language)];
    found.retain(|(_, value)| !value.is_empty());
    Ok(pages.finish(found))
}

#[derive(Default)]
struct Pages {
    text: String,
    locations: Vec<u32>,
    headings: Vec<Heading>,
}

impl Pages {
    fn cell(&mut self, cell: &Cell, number: u32) {
        let source = without_controls(if cell.source.0.is_empty() { &cell.input.0 } else { &cell.source.0 });
        match (cell.cell_type.as_str(), cell.level) {
            ("heading", level) => {
                let level = level.unwrap_or(1).clamp(1, 6);
                self.markdown(&format!("{} {}", "#".repeat(level.into()), outline::on_one_line(&source)), number);
            }
            ("markdown", _) => self.markdown(&source, number),
            _ => {
                self.block(&source, number);
            }
        }
        for output in &cell.outputs {
            self.block(&shown(output), number);
        }
    }

    fn markdown(&mut self, source: &str, number: u32) {
        let source = without_embedded_images(source);
        let Some(start) = self.block(&source, number) else { return };
        for heading in markdown::headings(&self.text[start..], 0) {
            let span = Span { start: heading.span.start + start, end: heading.span.end + start };
            self.headings.push(Heading { span, ..heading });
        }
    }

    /// Writes something and says where it begins; nothing where there is no text in it.
    fn block(&mut self, text: &str, number: u32) -> Option<usize> {
        let text = text.trim_end().trim_start_matches('\n');
        if text.trim().is_empty() {
            return None;
        }
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
            self.locations.push(number);
        }
        let start = self.text.len();
        self.text.push_str(text);
        self.locations.resize(self.locations.len() + text.split('\n').count(), number);
        Some(start)
    }

    fn finish(self, metadata: Vec<(String, String)>) -> Document {
        let sections = outline::sections(&self.text, 0, None, &self.headings);
        Document {
            format: Format::Notebook,
            text: self.text,
            sections,
            unit: LocationUnit::Cell,
            locations: Some(self.locations),
            metadata,
            warning: None,
        }
    }
}

/// What a person reads of what a cell put out.
fn shown(output: &Output) -> String {
    if !output.ename.0.is_empty() || !output.evalue.0.is_empty() {
        return shortened(&format!("{}: {}", output.ename.0, output.evalue.0));
    }
    let Output { data, text, html, .. } = output;
    let plain = if data.plain.0.is_empty() { &text.0 } else { &data.plain.0 };
    let page = if data.html.0.is_empty() { &html.0 } else { &data.html.0 };
    // `<Figure size 640x480 with 1 Axes>` and the like stand for what is not text.
    let stands_for_object =
        plain.trim().starts_with('<') && plain.trim().ends_with('>') && !plain.trim().contains('\n');
    let whole = if !data.markdown.0.is_empty() {
        data.markdown.0.clone()
    } else if !plain.trim().is_empty() && !stands_for_object {
        plain.clone()
    } else {
        html::read(page).text
    };
    match is_encoded_bytes(&whole) {
        true => String::new(),
        false => shortened(&whole),
    }
}

/// What a cell puts out, but for what is left out of it: mostly the rows of a table, or the
/// progress of something.
fn shortened(text: &str) -> String {
    let text = without_controls(&last_of_overwritten(&without_colours(text)));
    let mut kept = String::new();
    for (number, line) in text.trim_end().lines().enumerate() {
        let is_long = number >= OUTPUT_LINES.most;
        if is_long || kept.len() + line.len() > OUTPUT_BYTES.most {
            let limit = if is_long { &OUTPUT_LINES } else { &OUTPUT_BYTES };
            limit.met();
            if kept.is_empty() {
                kept.push_str(&line[..line.floor_char_boundary(OUTPUT_BYTES.most)]);
            }
            kept.push('…');
            break;
        }
        kept.push_str(line.trim_end());
        kept.push('\n');
    }
    kept
}

/// Progress bars go back to the start of their line; what was written last is what stands there.
fn last_of_overwritten(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let lines = text.split('\n').map(|line| line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// Without the bytes of images that are written into the text itself.
fn without_embedded_images(source: &str) -> String {
    let mut parts = source.split("](data:");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str("](");
        kept.push_str(part.find(')').map_or("", |end| &part[end..]));
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cells_are_text_code_and_output() {
        let text = r###"{"nbformat": 4, "metadata": {"language_info": {"name": "python"}}, "cells": [
            {"cell_type": "markdown", "metadata": {}, "source": ["# Wrens\n", "Small.\n", "![x](data:image/png;base64,QUJD)"]},
            {"cell_type": "code", "source": "print(1)\n# no heading", "outputs": [
                {"output_type": "stream", "text": ["10%\r", "100%\n", "one\n"]},
                {"data": {"image/png": "QUJD", "text/plain": ["<Figure size 1x1>"]}},
                {"data": {"text/html": "<b>two</b>", "text/plain": "2"}},
                {"ename": "ValueError", "evalue": "\u001b[31mbad\u001b[0m", "traceback": ["x"]}]},
            {"cell_type": "markdown", "source": "## Eggs\n\nNine."}]}"###;
        let document = read(text).unwrap();
        let wanted = "# Wrens\nSmall.\n![x]()\n\nprint(1)\n# no heading\n\n100%\none\n\n2\n\nValueError: bad\n\n## Eggs\n\nNine.";
        assert_eq!(document.text, wanted);
        assert_eq!(document.locations, Some(vec![1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3]));
        let paths: Vec<_> = document.sections.iter().map(|section| section.headings.join(" > ")).collect();
        assert_eq!(paths, ["Wrens", "Wrens > Eggs"]);
        assert_eq!(document.metadata, [("language".to_owned(), "python".to_owned())]);
    }

    #[test]
    fn older_notebooks_are_read_and_long_output_is_cut() {
        let rows = "row\\n".repeat(1000);
        let text = format!(
            r#"{{"nbformat": 3, "worksheets": [{{"cells": [{{"cell_type": "heading", "level": 2, "source": ["Old"]}},
            {{"cell_type": "code", "input": ["x = 1"], "outputs": [{{"text": ["{rows}"]}}]}}]}}]}}"#
        );
        let document = read(&text).unwrap();
        assert!(document.text.starts_with("## Old\n\nx = 1\n\nrow\nrow\n") && document.text.ends_with("row\n…"));
        assert_eq!(document.text.lines().count(), 4 + OUTPUT_LINES.most + 1);
        assert_eq!(read("{\"cells\": 1}").unwrap_err().reason, "not a valid notebook");
    }

    proptest! {
        #[test]
        fn output_of_any_kind_is_bounded(text in "(\\PC|\n|\r|\x1b\\[[0-9;]{0,3}m){0,200}") {
            prop_assert!(shortened(&text.repeat(40)).len() <= OUTPUT_BYTES.most + OUTPUT_LINES.most + 8);
        }
    }
}
