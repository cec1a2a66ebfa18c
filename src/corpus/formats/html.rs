//! HTML: what a reader sees, as lines of text, with the headings that make its sections.

use html5gum::{DefaultEmitter, Token, Tokenizer, naive_next_state};

use super::lines::{Gap, Lines};
use crate::corpus::{Document, Format, Section};
use crate::text::{Span, line_starts};

/// Never shown: what is in these is not text.
const INVISIBLE: &[&str] = &[
    "script", "style", "noscript", "template", "svg", "math", "head", "iframe", "object", "canvas", "audio", "video",
    "select", "textarea", "button", "datalist", "noembed", "noframes",
];
/// Around the text rather than in it.
const FURNITURE: &[&str] = &["nav", "footer", "aside", "form"];
/// Their end closes what was left open in them.
const CONTAINERS: &[&str] = &[
    "html", "body", "main", "article", "section", "header", "div", "ul", "ol", "dl", "table", "blockquote", "details",
    "figure", "fieldset", "center",
];
/// Begin and end a paragraph or a line of their own.
const PARAGRAPHS: &[&str] =
    &["p", "address", "hgroup", "figcaption", "summary", "caption", "hr", "dialog", "legend", "thead", "tbody", "tfoot"];
/// What may stand in a head; anything else begins the body.
const IN_HEAD: &[&str] = &["title", "meta", "link", "base", "script", "style", "noscript", "template", "head", "html"];
/// Elements without content.
const VOID: &[&str] = &["br", "hr", "img", "input", "meta", "link", "base", "wbr", "col", "source", "track", "embed"];
/// Deeper nesting than this is not followed: what lies deeper is read as if it lay here.
const MAX_DEPTH: usize = 512;
/// A longer "heading" is a paragraph in the wrong element, or one that was never closed.
const MAX_HEADING_CHARS: usize = 300;
/// Less than this part of what is visible outside the furniture means that the furniture is the page.
const FURNITURE_IS_PAGE: usize = 10;

/// Reads HTML, however broken. Menus, footers, asides and forms are left out, unless nearly all of the text is in them.
/// The page's title is the outermost heading, unless it only repeats a heading of level 1.
pub(super) fn read(html: &str) -> Document {
    // The tokenizer reads line ends as one character; with CRLF gone, its positions are those of `html`.
    let html = html.replace("\r\n", "\n");
    let main = Reader::read(&html, true);
    if main.left_out * 1 == 0 || main.lines.len() * FURNITURE_IS_PAGE >= main.left_out {
        return main.finish();
    }
    Reader::read(&html, false).finish()
}

struct Heading {
    start: usize,
    end: usize,
    level: u8,
    title: String,
}

struct Reader<'h> {
    html: &'h str,
    line_starts: Vec<usize>,
    without_furniture: bool,
    /// Bytes of text that were left out because of the furniture that they are in.
    left_out: usize,
    open: Vec<String>,
    /// The depth of the outermost element that is left out.
    hidden_from: Option<usize>,
    lines: Lines,
    headings: Vec<Heading>,
    open_heading: Option<Heading>,
    title: Option<String>,
    in_title: bool,
    /// Open `pre` elements.
    verbatim: usize,
    /// The row has text in an earlier cell.
    row_has_text: bool,
    /// Where the text of the current cell begins, if a cell is open.
    cell_start: Option<usize>,
}
