//! Source code: a section for every function, type and module, with the comments over it.

mod definitions;
mod languages;

use std::ops::ControlFlow;

use tree_sitter::{ParseOptions, Parser, Tree};

use crate::corpus::{Document, Format, Section};
use crate::text::Span;
use definitions::{Definition, definitions};
use languages::Language;

/// Larger files are machine-made, or data.
const MAX_BYTES: usize = 2 << 20;
/// Files with longer lines, on average, are minified, or data.
const MAX_MEAN_LINE_BYTES: usize = 300;
/// How many times the parser may report progress; in steps rather than seconds, so that the same file is always read the same.
const MAX_STEPS: usize = 10_000;
const MAX_STEPS_PER_KILOBYTE: usize = 100;
/// What follows a definition on its last line still belongs to it, if the line ends within so many bytes.
const MAX_LINE_REST_BYTES: usize = 200;

/// Reads source code. Its text is the file; its sections are definitions where the language is known, else there is one.
pub(super) fn read(path_name: &str, text: String) -> Document {
    let found = languages::language_of(path_name, &text).and_then(|language| find(&text, language));
    let document = super::whole(Format::Code, text);
    match found {
        Some(found) => Document { sections: sections(&document.text, &found), ..document },
        None => document,
    }
}

fn find(text: &str, language: &Language) -> Option<Vec<Definition>> {
    let lines = text.bytes().filter(|&byte| byte == b'\n').count() + 1;
    if text.len() > MAX_BYTES || text.len() / lines > MAX_MEAN_LINE_BYTES {
        return None;
    }
    let tree = parse(text, language)?;
    Some(definitions(text, &mut tree.walk(), language)).filter(|found| !found.is_empty())
}

/// The syntax tree, also of broken code; `None` where that takes too long.
fn parse(text: &str, language: &Language) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&(language.grammar)()).ok()?;
    let mut steps_left = MAX_STEPS + text.len() / 1024 * MAX_STEPS_PER_KILOBYTE;
    let mut progress = |_: &tree_sitter::ParseState| {
        steps_left = steps_left.saturating_sub(1);
        if steps_left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    parser.parse_with_options(&mut |offset, _| text.as_bytes().get(offset..).unwrap_or_default(), None, Some(options))
}

/// Sections that cover the text: the definitions, and what is between them under the definition around it.
fn sections(text: &str, found: &[Definition]) -> Vec<Section> {
    let mut sections = Sections { text, covered: 0, path: Vec::new(), ends: Vec::new(), sections: Vec::new() };
    for definition in found {
        while sections.ends.last().is_some_and(|&end| end <= definition.start) {
            sections.close(definition.start);
        }
        sections.cover(definition.start);
        sections.path.push(definition.title.clone());
        sections.ends.push(definition.end);
    }
    while !sections.ends.is_empty() {
        sections.close(text.len());
    }
    sections.cover(text.len());
    sections.sections
}

struct Sections<'t> {
    text: &'t str,
    /// All before this is in a section.
    covered: usize,
    /// The titles of the open definitions, and where each ends.
    path: Vec<String>,
    ends: Vec<usize>,
    sections: Vec<Section>,
}

impl Sections<'_> {
    /// Ends the innermost open definition, with the rest of its line if that is before `next`.
    fn close(&mut self, next: usize) {
        if let Some(end) = self.ends.pop() {
            let window = &self.text.as_bytes()[end..(end + MAX_LINE_REST_BYTES).min(next.max(end))];
            let rest = window.iter().position(|&byte| byte == b'\n');
            self.cover(rest.map_or(end, |rest| end + rest + 1));
            self.path.pop();
        }
    }

    /// Puts all up to `end` into a section under the open definitions; what only closes things stays with what is before it.
    fn cover(&mut self, end: usize) {
        if end <= self.covered {
            return;
        }
        let span = Span { start: self.covered, end };
        let part = span.of(self.text);
        if !part.contains(char::is_alphanumeric) || part.trim() == "end" {
            match self.sections.last_mut() {
                Some(last) => last.span.end = end,
                // At the start of the file, it goes with what follows.
                None if end < self.text.len() => return,
                None => self.sections.push(Section { span, body_start: span.start, headings: Vec::new() }),
            }
        } else {
            self.sections.push(Section { span, body_start: span.start, headings: self.path.clone() });
        }
        self.covered = end;
    }
}
