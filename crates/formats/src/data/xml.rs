//! XML: elements with nothing but text in them are keys and values, elements with text between
//! elements are paragraphs. Entities are not looked up, beyond those that XML itself defines.

use std::borrow::Cow;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::records::Records;
use super::tree::{Builder, Shape, Tree};
use crate::document::Document;
use crate::limits::XML_DEPTH;
use crate::span::line_starts;

/// What lies deeper is not XML that anybody wrote.
const MAX_DEPTH: usize = XML_DEPTH.most;

/// Reads XML; `None` if it is not well-formed.
pub(super) fn read(text: &str) -> Option<Document> {
    let mut records = Records::default();
    records.add(&tree(text)?);
    Some(records.finish())
}

/// The elements of a file; `None` if it is not well-formed.
pub(crate) fn tree(text: &str) -> Option<Tree<'_>> {
    let starts = line_starts(text);
    let mut reader = Reader::from_str(text);
    reader.config_mut().allow_dangling_amp = true;
    let mut elements = Elements { builder: Tree::builder(true), text: None, depth: 0 };
    loop {
        let at = reader.buffer_position() as usize;
        let event = reader.read_event().ok()?;
        let line = || starts.partition_point(|&start| start <= at) as u32;
        match event {
            Event::Text(part) => elements.text(part.into_inner(), line()),
            Event::CData(part) => elements.text(part.into_inner(), line()),
            Event::GeneralRef(entity) => match entity.resolve_char_ref() {
                Ok(Some(character)) => elements.text(Cow::Owned(character.to_string()), line()),
                _ => match predefined(&entity) {
                    Some(known) => elements.text(Cow::Borrowed(known), line()),
                    None => elements.text(Cow::Owned(format!("&{};", &*entity)), line()),
                },
            },
            Event::Start(tag) => elements.start(&tag, line())?,
            Event::Empty(tag) => {
                elements.start(&tag, line())?;
                elements.end()?;
            }
            Event::End(_) => elements.end()?,
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    elements.builder.finish()
}

fn predefined(entity: &str) -> Option<&'static str> {
    // The last is not XML's own, but in much that calls itself XML.
    resolve_predefined_entity(entity).or((entity == "nbsp").then_some(" "))
}

struct Elements<'t> {
    builder: Builder<'t>,
    /// Text that no tag has ended yet, and the line it begins on.
    text: Option<(Cow<'t, str>, u32)>,
    depth: usize,
}

impl<'t> Elements<'t> {
    fn text(&mut self, part: Cow<'t, str>, line: u32) {
        match &mut self.text {
            Some((text, _)) => text.to_mut().push_str(&part),
            None => self.text = Some((part, line)),
        }
    }

    fn start(&mut self, tag: &BytesStart, line: u32) -> Option<()> {
        self.write_text(false)?;
        if let Some(parent) = self.builder.innermost().filter(|parent| parent.shape == Shape::Leaf) {
            // Text came before the first element, or nothing did.
            parent.shape = if parent.value.trim().is_empty() { Shape::Table } else { Shape::Prose };
            let text = std::mem::take(&mut parent.value);
            if !text.trim().is_empty() {
                self.builder.leaf(Cow::Borrowed(""), text, Shape::Leaf, line).then_some(())?;
            }
        }
        self.depth += 1;
        let name = Cow::Owned(tag.local_name().as_ref().to_owned());
        (self.builder.open(name, Shape::Leaf, line) && self.depth <= MAX_DEPTH).then_some(())?;
        for attribute in tag.attributes().with_checks(false).flatten() {
            let key = attribute.key.local_name();
            let prefix = attribute.key.prefix().map(|prefix| prefix.as_ref().to_owned());
            if key.as_ref() == "xmlns"
                || prefix.is_some_and(|prefix| matches!(prefix.as_str(), "xmlns" | "xsi" | "xml"))
            {
                continue;
            }
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_or_else(|_| attribute.value.to_string(), Cow::into_owned);
            let name = Cow::Owned(key.as_ref().to_owned());
            self.builder.leaf(name, Cow::Owned(value), Shape::Attribute, line).then_some(())?;
        }
        Some(())
    }

    fn end(&mut self) -> Option<()> {
        self.write_text(true)?;
        self.depth = self.depth.checked_sub(1)?;
        self.builder.close().then_some(())
    }

    /// Gives the text so far to the element that it is in.
    fn write_text(&mut self, at_end: bool) -> Option<()> {
        let Some((text, line)) = self.text.take() else { return Some(()) };
        let is_blank = text.trim().is_empty();
        let Some(parent) = self.builder.innermost() else {
            return is_blank.then_some(());
        };
        match parent.shape {
            Shape::Leaf => parent.value = text,
            // Space between words, rather than between elements that stand on lines of their own.
            Shape::Prose if !is_blank || !at_end && !text.contains('\n') => {
                self.builder.leaf(Cow::Borrowed(""), text, Shape::Leaf, line).then_some(())?;
            }
            _ if is_blank => {}
            _ => {
                parent.shape = Shape::Prose;
                self.builder.leaf(Cow::Borrowed(""), text, Shape::Leaf, line).then_some(())?;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::records::shown;

    #[test]
    fn elements_become_keys_and_values_and_paragraphs() {
        let text = "<?xml version='1.0'?>\n<!DOCTYPE birds [<!ENTITY lol \"lollol\">]>\n<birds xmlns='urn:x'>\n\
            <bird class=\"small\"><name lang='en'>wren</name>\n<weight unit='g' value='9'/><note>a &amp; b&#33; &lol;</note></bird>\n\
            <bird>\n<p>Of <b>great</b> <i>song</i>,\n and small.</p><pre>x\n  y</pre></bird>\n</birds>";
        let wanted = [
            "4 bird.class: small",
            "4 bird.name: wren (lang=en)",
            "5 bird.weight: unit=g, value=9",
            "5 bird.note: a & b! &lol;",
            "7 Of great song, and small.",
            "8 x",
            "8   y",
        ];
        assert_eq!(shown(&read(text).unwrap()), wanted);
        assert!(read("<a><b></a>").is_none() && read("<a>").is_none() && read("words").is_none());
    }

    #[test]
    fn records_of_a_large_file_stand_under_their_titles() {
        let song = "tsip ".repeat(300);
        let text = format!(
            "<book><title>Birds</title><part><title>Wren</title><p>{song}</p></part><part><p>{song}</p></part></book>"
        );
        let document = read(&text).unwrap();
        let paths: Vec<_> = document.sections.iter().map(|section| section.headings.join(" > ")).collect();
        assert_eq!(paths, ["Birds", "Birds > Wren", "Birds > part"]);
    }

    #[test]
    fn depth_and_entities_cost_no_more_than_length() {
        let deep = 1_900;
        let text = format!("{}x{}", "<a>".repeat(deep), "</a>".repeat(deep));
        assert!(read(&text).unwrap().text.len() < 400);
        assert!(read(&"<a>".repeat(100_000)).is_none());
    }

    proptest! {
        #[test]
        fn anything_is_read_or_not(text in "(<a>|</a>|<b c='d'>|</b>|<e/>|&amp;|&x;|&|[a-z \n<>]){0,40}") {
            if let Some(document) = read(&format!("<r>{text}</r>")) {
                let locations = document.locations.as_ref().unwrap();
                prop_assert_eq!(locations.len(), document.text.split('\n').count());
                prop_assert!(locations.is_sorted());
            }
        }
    }
}
