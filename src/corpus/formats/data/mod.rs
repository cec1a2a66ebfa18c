//! Data: JSON, lines of JSON, YAML and XML. Records stay together, and each stands under its name.

mod json;
mod records;
mod tree;
pub(super) mod xml;
mod yaml;

pub(super) use json::JsonLines;
pub(super) use tree::{Shape, Tree};

use super::kinds::Kind;
use super::whole;
use crate::corpus::{Document, Format};

/// Reads data of this kind; as text where it is not what its name says.
pub(super) fn read(kind: Kind, text: String) -> Document {
    let (name, document) = match kind {
        Kind::Json => ("JSON", json::read(&text).or_else(|| json::read_lines(&text))),
        Kind::JsonLines => ("lines of JSON", json::read_lines(&text).or_else(|| json::read(&text))),
        Kind::Yaml => ("YAML", yaml::read(&text)),
        _ => ("XML", xml::read(&text)),
    };
    document.unwrap_or_else(|| {
        let doubt = Some(format!("not valid {name}, or beyond its limits: read as text"));
        Document { doubt, ..whole(Format::Data, text) }
    })
}
