//! Tells from the tags of an HTML page how large its tree would be and which elements it hides,
//! without building the tree.

use std::collections::HashMap;

use html5gum::StartTag;

/// Elements without content.
const WITHOUT_END: &[&[u8]] = &[
    b"area", b"base", b"br", b"col", b"embed", b"hr", b"img", b"input", b"link", b"meta", b"source", b"track", b"wbr",
];
/// Elements whose end tag is often left out.
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
/// Elements that are nested deeper are read as if they were at this depth.
pub(crate) const MAX_DEPTH: usize = 512;
/// The main text of pages with more elements or attributes is not looked for.
const MAX_ELEMENTS: usize = 50_000;
const MAX_ATTRIBUTES: usize = 1_000;

/// The size of the tree. Trees of deep, wide or broken pages may take time out of proportion to the
/// page.
#[derive(Debug, Default)]
pub(crate) struct TreeSize {
    elements: usize,
    attributes: usize,
    /// The number of open elements by name, without those whose end tag is often left out.
    open: HashMap<Vec<u8>, usize>,
    depth: usize,
    deepest: usize,
}

impl TreeSize {
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

    pub(crate) fn is_small_enough(&self) -> bool {
        self.elements <= MAX_ELEMENTS && self.deepest <= MAX_DEPTH && self.attributes <= MAX_ATTRIBUTES
    }
}

/// Follows the elements that the page hides, be it only until something is clicked.
#[derive(Debug, Default)]
pub(crate) struct HiddenElements {
    name: Vec<u8>,
    /// How many elements of this name are open, from the hidden one on.
    pub(crate) inside: usize,
}

impl HiddenElements {
    pub(crate) fn start(&mut self, tag: &StartTag<usize>) {
        if self.inside > 0 {
            self.inside += usize::from(*self.name == *tag.name);
        } else if !tag.self_closing && !WITHOUT_END.contains(&tag.name.as_slice()) && HiddenElements::hides(tag) {
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
