//! YAML: the text stays as it is in the file, with its comments; sections begin where a record or a
//! large part begins.

use std::borrow::Cow;

use saphyr_parser::{Event, Parser};

use super::records::parts;
use super::tree::{Builder, Shape, Tree};
use crate::document::{Document, Format, Section};
use crate::limits::YAML_DEPTH;
use crate::span::{Span, line_starts};

const MAX_DEPTH: usize = YAML_DEPTH.most;

/// Reads one or several documents in a file; `None` if they are not valid. What `*` refers to is
/// not put in its place.
pub(super) fn read(text: &str) -> Option<Document> {
    let starts = line_starts(text);
    let mut sections: Vec<Section> = Vec::new();
    for tree in trees(text)? {
        for part in parts(&tree).into_iter().filter(|part| !part.nodes.is_empty()) {
            let line = with_comments(text, &starts, tree.node(part.nodes.start).line as usize - 1);
            let start = if sections.is_empty() { 0 } else { starts[line] };
            // Parts that begin on the same line are one section.
            if let Some(last) = sections.last_mut() {
                if last.span.start >= start {
                    continue;
                }
                last.span.end = start;
            }
            sections.push(Section {
                span: Span { start, end: text.len() },
                body_start: start,
                headings: part.headings,
            });
        }
    }
    if sections.is_empty() {
        return None;
    }
    Some(Document { sections, ..Document::without_headings(Format::Data, text.to_owned()) })
}

/// The first of the lines of comments, and the line that begins a document, directly above a line.
fn with_comments(text: &str, starts: &[usize], mut line: usize) -> usize {
    line = line.min(starts.len() - 1);
    while line > 0 {
        let above = text[starts[line - 1]..starts[line]].trim();
        if !(above.starts_with('#') || above == "---") {
            break;
        }
        line -= 1;
    }
    line
}

/// One whose next scalar is a key, or the value of this key; or a list.
enum Open<'t> {
    Table(Option<Cow<'t, str>>),
    List,
}

fn trees(text: &str) -> Option<Vec<Tree<'_>>> {
    let mut trees = Vec::new();
    let mut builder: Builder = Tree::builder(false);
    let mut open: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.ok()?;
        let line = span.start.line() as u32;
        let ended = match event {
            Event::MappingStart(..) => {
                builder.open(key(&mut open), Shape::Table, line).then_some(())?;
                open.push(Open::Table(None));
                false
            }
            Event::SequenceStart(..) => {
                builder.open(key(&mut open), Shape::List, line).then_some(())?;
                open.push(Open::List);
                false
            }
            Event::Scalar(value, ..) => match open.last_mut() {
                Some(Open::Table(key @ None)) => {
                    *key = Some(value);
                    false
                }
                _ => {
                    builder.leaf(key(&mut open), value, Shape::Leaf, line).then_some(())?;
                    true
                }
            },
            Event::Alias(_) => match open.last_mut() {
                Some(Open::Table(key @ None)) => {
                    *key = Some(Cow::Borrowed(""));
                    false
                }
                _ => {
                    builder.leaf(key(&mut open), Cow::Borrowed(""), Shape::Leaf, line).then_some(())?;
                    true
                }
            },
            Event::MappingEnd | Event::SequenceEnd => {
                open.pop();
                builder.close().then_some(())?;
                true
            }
            Event::DocumentEnd => {
                trees.extend(std::mem::replace(&mut builder, Tree::builder(false)).finish());
                false
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) => false,
        };
        if let (true, Some(Open::Table(key))) = (ended, open.last_mut()) {
            *key = None;
        }
        if open.len() > MAX_DEPTH {
            return None;
        }
    }
    Some(trees)
}

/// What the part that begins is called. A key that is no scalar has no name.
fn key<'t>(open: &mut [Open<'t>]) -> Cow<'t, str> {
    match open.last_mut() {
        Some(Open::Table(key)) => key.take().unwrap_or_default(),
        Some(Open::List) | None => Cow::Borrowed(""),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_text_stays_and_records_begin_sections() {
        let song = "tsip ".repeat(300);
        let text = format!(
            "# Birds.\nkind: small\n\n# The list.\nlist:\n  - name: wren\n    song: {song}\n  # Smaller.\n  - name: kinglet\n    song: {song}\nend: *x\n---\nid: second\n"
        );
        let text = text.replace("kind: small", "kind: &x small");
        let document = read(&text).unwrap();
        assert_eq!(document.text, text);
        let sections: Vec<_> = document
            .sections
            .iter()
            .map(|it| (it.headings.join(" > "), it.span.of(&text).lines().next().unwrap().to_owned()))
            .collect();
        let wanted = [
            ("", "# Birds."),
            ("list > wren", "  - name: wren"),
            ("list > kinglet", "  # Smaller."),
            ("", "end: *x"),
            ("second", "---"),
        ];
        assert_eq!(sections, wanted.map(|(path, line)| (path.to_owned(), line.to_owned())));
        assert!(read("a: [1").is_none() && read("# only a comment").is_none());
    }

    proptest! {
        #[test]
        fn sections_cover_the_text(text in "([a-c]: |- |[a-z]{1,3}|\n|\n  |\\[|\\]|\\{|\\}|&a |\\*a|#|---\n|\\? |,){0,40}") {
            if let Some(document) = read(&text) {
                let parts: String = document.sections.iter().map(|section| section.span.of(&text)).collect();
                prop_assert_eq!(parts, text);
            }
        }
    }
}
