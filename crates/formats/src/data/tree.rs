//! The tree that JSON, YAML and XML have in common: names, values and nesting.

use std::borrow::Cow;
use std::ops::Range;

use crate::limits::PARTS;

/// A file with more parts is read as plain text.
const MAX_NODES: usize = PARTS.most;

/// The parts of a file, in its order; what is within a part follows it.
#[derive(Debug)]
pub(crate) struct Tree<'t> {
    nodes: Vec<Node<'t>>,
    /// True if names denote kinds of things, as in XML; false if they denote the things themselves,
    /// as in JSON.
    pub(super) named_by_kind: bool,
}

#[derive(Debug)]
pub(crate) struct Node<'t> {
    /// A key or the name of an element; empty for what is in a list, and for text between elements.
    pub(crate) name: Cow<'t, str>,
    /// What a leaf says.
    pub(crate) value: Cow<'t, str>,
    pub(crate) shape: Shape,
    /// Where in the file it begins.
    pub(super) line: u32,
    /// How many bytes of names and values are in it.
    pub(super) weight: u32,
    /// The number of the first part that is not within it.
    end: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Has parts with names.
    Table,
    /// Has parts without names.
    List,
    /// Has a value; may have attributes.
    Leaf,
    Attribute,
    /// An element with text between the elements in it.
    Prose,
}

impl<'t> Tree<'t> {
    pub(super) fn builder(named_by_kind: bool) -> Builder<'t> {
        Builder { tree: Tree { nodes: Vec::new(), named_by_kind }, open: Vec::new() }
    }

    pub(crate) fn node(&self, number: usize) -> &Node<'t> {
        &self.nodes[number]
    }

    /// The numbers of all parts.
    pub(crate) fn all(&self) -> Range<usize> {
        0..self.nodes.len()
    }

    /// The numbers of all that is within this part.
    pub(crate) fn inside(&self, number: usize) -> Range<usize> {
        number + 1..self.nodes[number].end as usize
    }

    /// The numbers of those in `range` that are not within another one there.
    pub(crate) fn outermost(&self, range: Range<usize>) -> impl Iterator<Item = usize> + '_ {
        let next = move |number: usize| Some(number).filter(|&it| it < range.end);
        std::iter::successors(next(range.start), move |&number| next(self.nodes[number].end as usize))
    }

    /// All that this part says.
    pub(crate) fn text(&self, number: usize) -> String {
        let mut text = String::new();
        let mut line = self.nodes[number].line;
        let end = self.nodes[number].end as usize;
        for node in self.nodes[number..end].iter().filter(|node| node.shape != Shape::Attribute) {
            // White space with line ends between elements is not kept.
            if node.line > line {
                text.push(' ');
                line = node.line;
            }
            text.push_str(&node.value);
        }
        text
    }

    /// The numbers of what is directly within this part.
    pub(crate) fn children(&self, number: usize) -> impl Iterator<Item = usize> + '_ {
        self.outermost(self.inside(number))
    }
}

pub(super) struct Builder<'t> {
    tree: Tree<'t>,
    open: Vec<usize>,
}

impl<'t> Builder<'t> {
    /// Begins a part that others are within, and says whether there is room for it.
    #[must_use]
    pub(super) fn open(&mut self, name: Cow<'t, str>, shape: Shape, line: u32) -> bool {
        self.open.push(self.tree.nodes.len());
        self.push(name, Cow::Borrowed(""), shape, line)
    }

    #[must_use]
    pub(super) fn leaf(&mut self, name: Cow<'t, str>, value: Cow<'t, str>, shape: Shape, line: u32) -> bool {
        self.push(name, value, shape, line)
    }

    fn push(&mut self, name: Cow<'t, str>, value: Cow<'t, str>, shape: Shape, line: u32) -> bool {
        let number = self.tree.nodes.len();
        let weight = own_weight(&name, &value);
        self.tree.nodes.push(Node { name, value, shape, line, weight, end: number as u32 + 1 });
        number < MAX_NODES
    }

    /// The innermost part that is open.
    pub(super) fn innermost(&mut self) -> Option<&mut Node<'t>> {
        self.open.last().map(|&number| &mut self.tree.nodes[number])
    }

    /// Ends the innermost part that is open; `false` if there is none.
    pub(super) fn close(&mut self) -> bool {
        let Some(number) = self.open.pop() else { return false };
        let end = self.tree.nodes.len();
        let inside = self.tree.outermost(number + 1..end).map(|child| self.tree.nodes[child].weight);
        let inside = inside.fold(0, u32::saturating_add);
        let node = &mut self.tree.nodes[number];
        let weight = own_weight(&node.name, &node.value).saturating_add(inside);
        (node.end, node.weight) = (end as u32, weight);
        true
    }

    /// The tree, if all that was begun has ended.
    pub(super) fn finish(self) -> Option<Tree<'t>> {
        (self.open.is_empty() && !self.tree.nodes.is_empty()).then_some(self.tree)
    }
}

fn own_weight(name: &str, value: &str) -> u32 {
    (name.len() + value.len()).try_into().unwrap_or(u32::MAX)
}
