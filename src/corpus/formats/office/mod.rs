//! Documents of word processors, presentations and spreadsheets, of Microsoft's and OpenDocument's kinds, and tables in text.

mod compound;
mod deck;
mod doc;
mod docx;
mod docx_styles;
mod flow;
mod ods;
mod ooxml;
mod opendocument;
mod ppt;
mod pptx;
mod rtf;
mod rtf_words;
pub(super) mod separated;
mod sheets;
mod table;
mod workbook;
mod xml;

use super::Skip;
use super::kinds::Kind;
use crate::corpus::Document;
use compound::Compound;

/// Whether the bytes begin like a file that an office program writes, and not like text.
pub(super) fn is_container(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK") || Compound::is_one(bytes)
}

/// Reads a file of one of the kinds that office programs write.
pub(super) fn read(kind: Kind, bytes: &[u8]) -> Result<Document, Skip> {
    let is_compound = Compound::is_one(bytes);
    match kind {
        Kind::Doc if is_compound => doc::read(bytes),
        Kind::Ppt if is_compound => ppt::read(bytes),
        Kind::Workbook if is_compound => workbook::read_xls(bytes),
        // What is encrypted lies in a container of the older kind.
        _ if is_compound => Compound::open(bytes).and_then(|_| Err(Skip::because("not what its name says"))),
        Kind::Docx => docx::read(bytes),
        Kind::Pptx => pptx::read(bytes),
        Kind::Odt => opendocument::read(opendocument::Kind::Text, bytes),
        Kind::Odp => opendocument::read(opendocument::Kind::Slides, bytes),
        Kind::Rtf => rtf::read(bytes),
        Kind::Workbook => workbook::read(bytes),
        _ => Err(Skip::because("damaged Office file")),
    }
}
