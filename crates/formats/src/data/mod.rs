//! Data: JSON, lines of JSON, YAML and XML. Records stay together, and each stands under its name.

mod json;
mod records;
mod tree;
pub(crate) mod xml;
mod yaml;

pub(crate) use json::JsonLines;
pub(crate) use tree::{Shape, Tree};

use crate::document::{Document, Format};
use crate::file_type::FileType;

/// Reads data of this kind; as text where it is not what its name says.
pub(crate) fn read(kind: FileType, text: String) -> Document {
    let (name, document) = match kind {
        FileType::Json => ("JSON", json::read(&text).or_else(|| json::read_lines(&text))),
        FileType::JsonLines => ("lines of JSON", json::read_lines(&text).or_else(|| json::read(&text))),
        FileType::Yaml => ("YAML", yaml::read(&text)),
        _ => ("XML", xml::read(&text)),
    };
    document.unwrap_or_else(|| {
        let warning = Some(format!("not valid {name}, or beyond its limits: read as text"));
        Document { warning, ..Document::without_headings(Format::Data, text) }
    })
}
