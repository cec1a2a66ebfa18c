//! Data is written out as lines of keys and values, and cut where a record or a large part of it
//! begins.

use std::ops::Range;

use super::tree::{Node, Shape, Tree};
use crate::clean::{is_encoded_bytes, without_controls};
use crate::document::{Document, Format, Section};
use crate::html;
use crate::outline::on_one_line;
use crate::span::Span;
use crate::text_builder::{Gap, TextBuilder};

/// What has more names and values than this is no single record.
const LARGE_BYTES: u32 = 2_000;
/// Headings beyond this depth only make paths longer.
const MAX_LEVELS: usize = 8;
const MAX_LABEL_BYTES: usize = 80;
/// A path that is longer does not grow.
const MAX_PATH_BYTES: usize = 160;
/// The line of a list of values is not continued beyond this.
const MAX_LIST_LINE_BYTES: usize = 160;
/// Text between elements of larger ones is a paragraph of its own; in smaller ones the elements are
/// within the text.
const MAX_PROSE_BYTES: u32 = 16 << 10;
/// What a record is called by, best first.
const TITLES: &[&str] = &["title", "name", "label", "heading", "subject", "id"];
/// So many parts of a record are looked at for its title.
const MAX_LOOKED_AT: usize = 50;
/// Elements whose names say nothing about the text in them.
const PARAGRAPHS: &[&str] = &[
    "p",
    "para",
    "simpara",
    "text",
    "li",
    "line",
    "l",
    "s",
    "seg",
    "item",
    "entry",
    "td",
    "th",
    "content",
    "paragraph",
];
/// Elements whose line ends mean something.
const VERBATIM: &[&str] = &["programlisting", "screen", "pre", "code", "literallayout", "verse", "poem"];

/// A run of parts that stand under the same headings.
pub(super) struct Part {
    pub(super) headings: Vec<String>,
    /// Numbers of nodes.
    pub(super) nodes: Range<usize>,
}

/// Cuts data into records.
pub(super) fn parts(tree: &Tree) -> Vec<Part> {
    let mut parts = Vec::new();
    let root = tree.node(0);
    let headings: Vec<String> = title(tree, 0).into_iter().collect();
    match root.shape {
        Shape::Leaf | Shape::Attribute => parts.push(Part { headings, nodes: tree.all() }),
        Shape::Prose if root.weight <= MAX_PROSE_BYTES => parts.push(Part { headings, nodes: tree.all() }),
        _ if root.weight <= LARGE_BYTES => parts.push(Part { headings, nodes: tree.inside(0) }),
        _ => split(tree, 0, &headings, 1, &mut parts),
    }
    parts
}

fn split(tree: &Tree, number: usize, headings: &[String], level: usize, parts: &mut Vec<Part>) {
    let mut in_run = false;
    for child in tree.children(number) {
        let node = tree.node(child);
        let has_parts = match node.shape {
            Shape::Table | Shape::List => true,
            Shape::Prose => node.weight > MAX_PROSE_BYTES,
            Shape::Leaf | Shape::Attribute => false,
        };
        let is_large = node.weight > LARGE_BYTES;
        let is_record = node.shape == Shape::Table && (tree.named_by_kind || node.name.is_empty());
        if has_parts && (is_large || is_record) {
            let headings: Vec<String> = headings.iter().cloned().chain(label(tree, child)).collect();
            match is_large && level < MAX_LEVELS {
                true => split(tree, child, &headings, level + 1, parts),
                false => parts.push(Part { headings, nodes: tree.inside(child) }),
            }
            in_run = false;
            continue;
        }
        let end = tree.inside(child).end;
        match parts.last_mut().filter(|_| in_run) {
            Some(part) => part.nodes.end = end,
            None => parts.push(Part { headings: headings.to_vec(), nodes: child..end }),
        }
        in_run = true;
    }
}

/// What a part is called: by its key, or by its title, or by what kind of element it is.
fn label(tree: &Tree, number: usize) -> Option<String> {
    let name = Some(on_one_line(&without_controls(&tree.node(number).name))).filter(|it| is_label(it));
    match tree.named_by_kind {
        true => title(tree, number).or(name.filter(|name| !is_paragraph(name))),
        false => name.or_else(|| title(tree, number)),
    }
}

fn title(tree: &Tree, number: usize) -> Option<String> {
    let mut best: Option<(usize, String)> = None;
    for child in tree.children(number).take(MAX_LOOKED_AT) {
        let node = tree.node(child);
        let Some(rank) = TITLES.iter().position(|title| node.name.eq_ignore_ascii_case(title)) else { continue };
        if matches!(node.shape, Shape::Leaf | Shape::Attribute) && best.as_ref().is_none_or(|(found, _)| rank < *found)
        {
            let value = on_one_line(&without_controls(&node.value));
            best = is_label(&value).then_some((rank, value)).or(best);
        }
    }
    best.map(|(_, title)| title)
}

fn is_paragraph(name: &str) -> bool {
    PARAGRAPHS.iter().any(|paragraph| name.eq_ignore_ascii_case(paragraph))
}

fn is_label(text: &str) -> bool {
    (1..=MAX_LABEL_BYTES).contains(&text.len())
}

/// A document that records are written into.
pub(super) struct Records {
    lines: TextBuilder,
    /// Where sections begin.
    starts: Vec<(usize, Vec<String>)>,
    /// The headings of the part that is being written, until it has any text.
    begun: Option<Vec<String>>,
}

impl Default for Records {
    fn default() -> Self {
        Records { lines: TextBuilder::new(), starts: Vec::new(), begun: None }
    }
}

impl Records {
    /// Writes all of a file, or one of many records in it.
    pub(super) fn add(&mut self, tree: &Tree) {
        for part in parts(tree) {
            self.begin(part.headings);
            self.part(tree, part.nodes);
        }
    }

    /// Writes a line that is no data.
    pub(super) fn add_text(&mut self, text: &str, line: u32) {
        self.begin(Vec::new());
        self.value("", text, line);
    }

    pub(super) fn finish(mut self) -> Document {
        self.take()
    }

    /// What has been written since the last time.
    pub(super) fn take(&mut self) -> Document {
        let mut starts = std::mem::take(&mut self.starts);
        if let Some((start, _)) = starts.first_mut() {
            *start = 0;
        }
        let (text, locations) = self.lines.take();
        let ends: Vec<usize> = starts.iter().skip(1).map(|(start, _)| *start).chain([text.len()]).collect();
        let section = |((start, headings), end)| Section { span: Span { start, end }, body_start: start, headings };
        let sections = starts.into_iter().zip(ends).map(section).collect();
        Document { sections, locations: Some(locations), ..Document::without_headings(Format::Data, text) }
    }

    fn begin(&mut self, headings: Vec<String>) {
        self.lines.part(Gap::Blank);
        self.begun = Some(headings);
    }

    fn part(&mut self, tree: &Tree, nodes: Range<usize>) {
        /// A part whose parts are being written: its end, how long the path over it is, how many of
        /// its parts are written.
        struct Open {
            end: usize,
            path_bytes: usize,
            written: usize,
        }
        let mut open: Vec<Open> = Vec::new();
        let mut path = String::new();
        let mut number = nodes.start;
        while number < nodes.end {
            while let Some(done) = open.pop_if(|it| it.end <= number) {
                path.truncate(done.path_bytes);
            }
            let node = tree.node(number);
            let path_bytes = path.len();
            let end = tree.inside(number).end;
            extend(
                &mut path,
                &node.name,
                open.last_mut().map(|it| {
                    it.written += 1;
                    it.written - 1
                }),
            );
            if node.shape == Shape::Table && (node.name.is_empty() || tree.named_by_kind) && open.len() < 2 {
                self.lines.part(Gap::Blank);
            }
            let written = match node.shape {
                Shape::Leaf | Shape::Attribute => {
                    self.leaf(tree, number, &path);
                    true
                }
                Shape::Prose if node.weight <= MAX_PROSE_BYTES => {
                    self.prose(tree, number);
                    true
                }
                Shape::List => self.list_of_values(tree, number, &path),
                Shape::Table | Shape::Prose => false,
            };
            if written {
                path.truncate(path_bytes);
                number = end;
            } else {
                open.push(Open { end, path_bytes, written: 0 });
                number += 1;
            }
        }
    }

    fn leaf(&mut self, tree: &Tree, number: usize, path: &str) {
        let node = tree.node(number);
        let attributes: Vec<_> =
            tree.children(number).map(|it| tree.node(it)).map(|it| format!("{}={}", it.name, it.value)).collect();
        let attributes = attributes.join(", ");
        if !tree.named_by_kind {
            return self.value(path, &node.value, node.line);
        }
        let name = node.name.to_lowercase();
        let value = match VERBATIM.contains(&name.as_str()) {
            true => node.value.trim_matches('\n').to_owned(),
            false if looks_like_html(&node.value) => node.value.clone().into_owned(),
            false => on_one_line(&node.value),
        };
        if node.name.is_empty() || is_paragraph(&name) || VERBATIM.contains(&name.as_str()) {
            self.lines.part(Gap::Blank);
            self.value("", &value, node.line);
            self.lines.part(Gap::Blank);
        } else if attributes.is_empty() {
            self.value(path, &value, node.line);
        } else if value.is_empty() {
            self.value(path, &attributes, node.line);
        } else {
            self.value(path, &format!("{value} ({attributes})"), node.line);
        }
    }

    /// A paragraph with elements in it.
    fn prose(&mut self, tree: &Tree, number: usize) {
        self.lines.part(Gap::Blank);
        self.value("", &on_one_line(&tree.text(number)), tree.node(number).line);
        self.lines.part(Gap::Blank);
    }

    /// A list that has nothing but values in it, as few lines; `false` if it has other parts.
    fn list_of_values(&mut self, tree: &Tree, number: usize, path: &str) -> bool {
        let is_value = |node: &Node| node.shape == Shape::Leaf;
        if !tree.children(number).all(|child| is_value(tree.node(child))) {
            return false;
        }
        let (mut joined, mut line) = (String::new(), tree.node(number).line);
        for node in tree.children(number).map(|child| tree.node(child)).filter(|node| !node.value.trim().is_empty()) {
            if !joined.is_empty() && joined.len() + node.value.len() > MAX_LIST_LINE_BYTES {
                self.value(path, &joined, line);
                joined.clear();
            }
            if joined.is_empty() {
                line = node.line;
            } else {
                joined.push_str(", ");
            }
            joined.push_str(&node.value);
        }
        self.value(path, &joined, line);
        true
    }

    /// A line, or several where the value has several.
    fn value(&mut self, path: &str, value: &str, line: u32) {
        if value.trim().is_empty() || is_encoded_bytes(value) {
            return;
        }
        let page;
        let value = match looks_like_html(value) {
            true => {
                page = html::read(value).text;
                page.as_str()
            }
            false => value,
        };
        let clean = without_controls(value);
        let mut gap = Gap::Line;
        for (number, text) in clean.trim().lines().map(str::trim_end).enumerate() {
            if text.is_empty() {
                gap = Gap::Blank;
                continue;
            }
            self.lines.part(gap);
            gap = Gap::Line;
            self.lines.open(line);
            if let Some(headings) = self.begun.take() {
                self.starts.push((self.lines.text().len(), headings));
            }
            let prefix = if number == 0 && !path.is_empty() { format!("{path}: ") } else { String::new() };
            prefix.chars().chain(text.chars()).for_each(|character| self.lines.push(character));
        }
        self.lines.part(Gap::Line);
    }
}

/// Adds a name, or a number in a list, to a path.
fn extend(path: &mut String, name: &str, number: Option<usize>) {
    if path.len() > MAX_PATH_BYTES {
        return;
    }
    if name.is_empty() {
        path.extend(number.map(|number| format!("[{number}]")));
        return;
    }
    if !path.is_empty() {
        path.push('.');
    }
    let name = on_one_line(&without_controls(&name[..name.floor_char_boundary(MAX_PATH_BYTES)]));
    path.push_str(&name);
}

fn looks_like_html(value: &str) -> bool {
    const TAGS: &[&str] = &["</p>", "</div>", "</table>", "</li>", "</a>", "</b>", "</h2>", "<br>", "<br/>", "<br />"];
    value.contains('<') && TAGS.iter().any(|tag| value.contains(tag))
}

/// The lines of a document that have text, each with its location.
#[cfg(test)]
pub(super) fn shown(document: &Document) -> Vec<String> {
    let locations = document.locations.clone().unwrap_or_default();
    let lines = document.text.split('\n').zip(locations).filter(|(line, _)| !line.is_empty());
    lines.map(|(line, location)| format!("{location} {line}")).collect()
}
