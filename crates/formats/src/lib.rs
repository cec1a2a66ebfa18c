//! Reads files of some 40 formats: bytes become text with sections, and a location in the file for
//! every line.
//!
//! ```
//! use kinglet_formats::{Format, LocationUnit, line_starts, read};
//!
//! let page = "<h1>Lease</h1>\n<p>The lease ends on 31 May 2027.\n<h2>Rent</h2>\n<p>900 euros";
//! let document = read("lease.html", page.as_bytes())?;
//!
//! assert_eq!(document.format, Format::Html);
//! assert_eq!(document.text, "Lease\n\nThe lease ends on 31 May 2027.\n\nRent\n\n900 euros");
//! assert_eq!(document.sections[1].headings, ["Lease", "Rent"]);
//!
//! // Line 3 of the text comes from line 2 of the file.
//! let offset = document.text.find("31 May").unwrap();
//! let location = document.location(&line_starts(&document.text), offset);
//! assert_eq!((document.unit, location), (LocationUnit::Line, 2));
//! assert_eq!(document.unit.after_path(location, location, &document.sections[0].headings), ":2");
//!
//! let skip = read("photo.png", b"\x89PNG\r\n\x1a\n").unwrap_err();
//! assert_eq!(skip.reason, "image");
//! # Ok::<_, kinglet_formats::Skip>(())
//! ```
//!
//! | To | use |
//! |---|---|
//! | read a file from its bytes | [`read`], [`read_with_progress`] |
//! | read a file that is too long to be held in memory | [`read_long_file`] |
//! | remove running titles and page numbers | [`remove_boilerplate`] |
//! | tell the format by the name alone | [`format_of_name`] |
//! | know what was left out, and why | [`Document::warning`], [`is_truncated`], [`LIMITS`] |
//!
//! To add a format, write its reader and add a row to the table in `file_type.rs`.

mod archive;
mod boilerplate;
mod charset;
mod clean;
mod code;
mod compound;
mod data;
mod decode;
mod detect;
mod document;
mod epub;
mod file_type;
mod front_matter;
mod html;
mod html_limits;
mod limits;
mod location;
mod long_file;
mod mail;
mod main_text;
mod markdown;
mod notebook;
mod office;
mod org;
mod outline;
mod pdf;
mod pieces;
mod read;
mod restructured;
mod skip;
mod span;
mod text_builder;
mod text_stream;
mod web_page;

pub use boilerplate::remove_boilerplate;
pub use document::{Document, Format, Section, is_truncated};
pub use limits::{LIMITS, Limit};
pub use location::LocationUnit;
pub use long_file::read_long_file;
pub use pieces::{GivePiece, LongFile, LongFileLimits};
pub use read::{format_of_name, read, read_with_progress};
pub use skip::Skip;
pub use span::{Span, line_starts};
