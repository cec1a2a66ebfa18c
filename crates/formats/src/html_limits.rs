//! How much of a tree an HTML page makes, and which of its elements it hides: told from its tags, without building one.

use std::collections::HashMap;

use html5gum::StartTag;

use crate::html::MAX_DEPTH;

/// Elements that have nothing in them.
const WITHOUT_END: &[&[u8]] = &[
    b"area", b"base", b"br", b"col", b"embed", b"hr", b"img", b"input", b"link", b"meta", b"source", b"track", b"wbr",
];
/// Elements that the next one closes.
const END_LEFT_OUT: &[&[u8]] = &[
    b"html",
    b"head",
    b"body",
    b"p",
    b"li",
    b"dt",
    b"dd",
    b"tr",
    b"td",
    b"th",
    b"thead",
    b"tbody",
    b"tfoot",
    b"colgroup",
    b"option",
    b"optgroup",
    b"rt",
    b"rp",
];
/// The main text of pages with more than this is not looked for.
const MAX_ELEMENTS: usize = 50_000;
const MAX_ATTRIBUTES: usize = 1_000;

/// How much there is to build a tree of: trees of deep, wide or broken pages may take time that is not in proportion.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    elements: usize,
    attributes: usize,
    /// The elements left open, by name, but for those whose end is often left out.
    open: HashMap<Vec<u8>, usize>,
    depth: usize,
    deepest: usize,
}

impl Shape {
    pub(crate) fn start(&mut self, tag: &StartTag<usize>) {
        self.elements += 1;
        self.attributes = self.attributes.max(tag.attributes.len());
        if ![WITHOUT_END, END_LEFT_OUT].iter().any(|list| list.contains(&tag.name.as_slice())) {
            *self.open.entry(tag.name.to_vec()).or_default() += 1;
            self.depth += 1;
            self.deepest = self.deepest.max(self.depth);
        }
    }

    pub(crate) fn end(&mut self, name: &[u8]) {
        if let Some(open) = self.open.get_mut(name).filter(|open| **open > 0) {
            *open -= 1;
            self.depth -= 1;
        }
    }

    pub(crate) fn is_sane(&self) -> bool {
        self.elements <= MAX_ELEMENTS && self.deepest <= MAX_DEPTH && self.attributes <= MAX_ATTRIBUTES
    }
}

/// Follows what the page itself does not show, until something on it is clicked or for good.
#[derive(Debug, Default)]
pub(crate) struct Unseen {
    name: Vec<u8>,
    /// How many elements of this name are open, from the hidden one on.
    pub(crate) inside: usize,
}

impl Unseen {
    pub(crate) fn start(&mut self, tag: &StartTag<usize>) {
        if self.inside > 0 {
            self.inside += usize::from(*self.name == *tag.name);
        } else if !tag.self_closing && !WITHOUT_END.contains(&tag.name.as_slice()) && Unseen::hides(tag) {
            self.name = tag.name.to_vec();
            self.inside = 1;
        }
    }

    pub(crate) fn end(&mut self, name: &[u8]) {
        self.inside -= usize::from(self.inside > 0 && self.name == name);
    }

    fn hides(tag: &StartTag<usize>) -> bool {
        let style = tag.attributes.get(b"style".as_slice()).map(|style| style.as_slice()).unwrap_or_default();
        let style: String = style.iter().map(|&byte| char::from(byte)).filter(|it| !it.is_ascii_whitespace()).collect();
        let hidden = ["display:none", "visibility:hidden"].iter().any(|hidden| style.contains(hidden));
        hidden || tag.attributes.contains_key(b"hidden".as_slice())
    }
}
