//! XML as a sequence of events: elements by their local names, text with only the predefined
//! entities resolved, nothing fetched, nothing declared. Damage ends it.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{self, BytesStart};

use crate::decode;
use crate::skip::Skip;

/// An event.
#[derive(Debug)]
pub(super) enum Event<'x> {
    /// An element begins. An empty one ends with the next event.
    Open(Element<'x>),
    /// An element with this local name ends.
    Close(String),
    /// Characters as they stand in the file; a run of them may come as several events.
    Text(Cow<'x, str>),
}

/// The start of an element.
#[derive(Debug)]
pub(super) struct Element<'x>(BytesStart<'x>);

impl Element<'_> {
    /// Its name without the prefix.
    pub(super) fn name(&self) -> &str {
        unprefixed(self.0.name().into_inner())
    }

    /// The value of the attribute with this name, whatever its prefix; one without a prefix comes
    /// first.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        let mut with_prefix = None;
        for attribute in self.0.attributes().with_checks(false).flatten() {
            let key = attribute.key.into_inner();
            if key == name {
                return Some(unescaped(&attribute.value));
            }
            if with_prefix.is_none() && unprefixed(key) == name && key != name {
                with_prefix = Some(unescaped(&attribute.value));
            }
        }
        with_prefix
    }

    /// The value of the attribute that has this name and a prefix, as references to other parts
    /// have.
    pub(super) fn reference(&self, name: &str) -> Option<String> {
        for attribute in self.0.attributes().with_checks(false).flatten() {
            let key = attribute.key.into_inner();
            if key != name && unprefixed(key) == name {
                return Some(unescaped(&attribute.value));
            }
        }
        None
    }

    /// True unless an attribute `val` switches off the property that this element is.
    pub(super) fn is_on(&self) -> bool {
        !matches!(self.attribute("val").as_deref(), Some("0" | "false" | "off" | "none"))
    }
}

fn unprefixed(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

fn unescaped(value: &str) -> String {
    quick_xml::escape::unescape(value).map_or_else(|_| value.to_owned(), Cow::into_owned)
}

/// The characters of an XML file.
pub(super) fn decode(bytes: Vec<u8>) -> Result<String, Skip> {
    String::from_utf8(bytes).or_else(|damage| {
        let bytes = damage.as_bytes();
        decode::text(bytes, decode::declared_encoding(bytes)).map_err(|_| Skip::because("damaged: its XML is not text"))
    })
}

/// Reads the events of an XML text.
pub(super) struct Xml<'x> {
    reader: Reader<&'x [u8]>,
    ended: bool,
}

impl<'x> Xml<'x> {
    pub(super) fn new(text: &'x str) -> Self {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        Xml { reader, ended: false }
    }

    /// The next event; `None` at the end, or where the file is damaged.
    pub(super) fn next(&mut self) -> Option<Event<'x>> {
        while !self.ended {
            match self.reader.read_event() {
                Ok(events::Event::Start(start)) => return Some(Event::Open(Element(start))),
                Ok(events::Event::End(end)) => {
                    return Some(Event::Close(unprefixed(end.name().into_inner()).to_owned()));
                }
                Ok(events::Event::Text(text)) => return Some(Event::Text(text.into_inner())),
                Ok(events::Event::CData(text)) => return Some(Event::Text(text.into_inner())),
                Ok(events::Event::GeneralRef(reference)) => {
                    if let Ok(Some(character)) = reference.resolve_char_ref() {
                        return Some(Event::Text(character.to_string().into()));
                    }
                    if let Some(known) = quick_xml::escape::resolve_predefined_entity(&reference) {
                        return Some(Event::Text(known.into()));
                    }
                }
                Ok(events::Event::Eof) | Err(_) => self.ended = true,
                Ok(_) => {}
            }
        }
        None
    }

    /// Leaves out everything to the end of the element that just began.
    pub(super) fn skip(&mut self) {
        let mut depth = 1;
        while depth > 0 {
            match self.next() {
                Some(Event::Open(_)) => depth += 1,
                Some(Event::Close(_)) => depth -= 1,
                Some(Event::Text(_)) => {}
                None => return,
            }
        }
    }

    /// The characters from here to the end of the element that just began.
    pub(super) fn text(&mut self) -> String {
        let mut text = String::new();
        let mut depth = 1;
        while depth > 0 {
            match self.next() {
                Some(Event::Open(_)) => depth += 1,
                Some(Event::Close(_)) => depth -= 1,
                Some(Event::Text(more)) => text.push_str(&more),
                None => break,
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &str) -> String {
        let mut xml = Xml::new(text);
        let mut shown = String::new();
        while let Some(event) = xml.next() {
            match event {
                Event::Open(element) => shown += &format!("<{}>", element.name()),
                Event::Close(name) => shown += &format!("</{name}>"),
                Event::Text(text) => shown += &text,
            }
        }
        shown
    }

    #[test]
    fn only_the_predefined_entities_are_resolved() {
        let bomb =
            "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b SYSTEM \"file:///etc/passwd\">]><x>&a;&b;&lt;&#233;&amp;</x>";
        assert_eq!(events(bomb), "<x><é&</x>");
        assert_eq!(events("<a:x><b/><![CDATA[<&]]> & y</a:x>"), "<x><b></b><& & y</x>");
    }

    #[test]
    fn damage_ends_it() {
        assert_eq!(events("<x><y>text"), "<x><y>text");
        assert_eq!(events("<x>text</y></z><"), "<x>text</y></z>");
        let mut xml = Xml::new("<x><y><z>");
        xml.next();
        xml.skip();
        assert!(xml.next().is_none());
    }

    #[test]
    fn attributes_are_found_by_their_names() {
        let mut xml = Xml::new("<p:a r:id='r1' id='7' w:val='&quot;x' y:w='0'/>");
        let Some(Event::Open(element)) = xml.next() else { panic!() };
        assert_eq!(element.attribute("id").as_deref(), Some("7"));
        assert_eq!(element.reference("id").as_deref(), Some("r1"));
        assert_eq!(element.attribute("val").as_deref(), Some("\"x"));
        assert_eq!(element.attribute("none"), None);
    }
}
