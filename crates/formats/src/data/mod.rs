//! Data: JSON, lines of JSON, YAML and XML. Records stay together, and each stands under its name.

mod json;
mod records;
mod tree;
pub(crate) mod xml;
mod yaml;

pub(crate) use json::JsonLines;
pub(crate) use tree::{Shape, Tree};

use crate::document::{Document, Format};

pub(crate) fn read_json(text: String) -> Document {
    or_as_text("JSON", json::read(&text).or_else(|| json::read_lines(&text)), text)
}

pub(crate) fn read_json_lines(text: String) -> Document {
    or_as_text("lines of JSON", json::read_lines(&text).or_else(|| json::read(&text)), text)
}

pub(crate) fn read_yaml(text: String) -> Document {
    or_as_text("YAML", yaml::read(&text), text)
}

pub(crate) fn read_xml(text: String) -> Document {
    or_as_text("XML", xml::read(&text), text)
}

/// The document, or the plain text with a warning if there is none.
fn or_as_text(name: &str, document: Option<Document>, text: String) -> Document {
    document.unwrap_or_else(|| {
        let warning = Some(format!("not valid {name}, or beyond its limits: read as text"));
        Document { warning, ..Document::without_headings(Format::Data, text) }
    })
}
