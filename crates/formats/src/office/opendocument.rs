//! ODT and ODP: what OpenDocument's text and presentations have in common, paragraphs in frames,
//! lists and tables.

use std::collections::HashSet;

use super::deck::{self, Slide};
use super::flow::Role;
use super::xml::{self, Element, Event, Xml};
use super::{document_writer, ods, ooxml};
use crate::archive::Archive;
use crate::document::Document;
use crate::skip::Skip;

/// Elements that nobody reads in the text: what was deleted, remarks, contents and indexes, fields
/// that only count pages.
#[rustfmt::skip]
const UNSEEN: &[&str] = &[
    "tracked-changes", "annotation", "table-of-content", "alphabetical-index", "illustration-index", "table-index", "forms",
    "note-citation", "page-number", "page-count", "ruby-text", "title", "desc", "scripts", "font-face-decls", "master-styles",
    "header-decl", "footer-decl", "date-time-decl", "hidden-text", "event-listeners", "settings", "binary-data",
];

/// An XML file that is a document says so in its first element, which names all its namespaces
/// first.
const FLAT_HEAD_BYTES: usize = 8 << 10;

/// The most paragraphs that are open at once: a paragraph in a frame in a paragraph.
const MAX_OPEN: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Slides,
    Sheets,
}

/// The kind of a document that is one XML file instead of an archive (FODT, FODP, FODS); `None` for
/// other files.
pub(crate) fn flat(bytes: &[u8]) -> Option<Kind> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(FLAT_HEAD_BYTES)]);
    let root = head.split_once("<office:document ")?.1;
    let root = root.split_once('>').map_or(root, |(root, _)| root);
    let media_type = root.split_once("application/vnd.oasis.opendocument.")?.1;
    let kinds = [("text", Kind::Text), ("presentation", Kind::Slides), ("spreadsheet", Kind::Sheets)];
    kinds.into_iter().find(|(name, _)| media_type.starts_with(name)).map(|(_, kind)| kind)
}

pub(super) fn read(kind: Kind, bytes: &[u8]) -> Result<Document, Skip> {
    if let Some(kind) = flat(bytes) {
        let content = xml::decode(bytes.to_vec())?;
        let described = content.split_once("<office:meta>").and_then(|(_, rest)| rest.split_once("</office:meta>"));
        let metadata = described.map_or_else(Vec::new, |(described, _)| ooxml::described(described));
        let document = read_content(kind, &content, metadata);
        let is_whole = content.trim_end().ends_with("</office:document>");
        let cut = (!is_whole).then(|| "cut short: read as far as it goes".to_owned());
        return Ok(Document { warning: document.warning.or(cut), ..document });
    }
    let mut archive = Archive::open(bytes)?;
    if let Some(manifest) = archive.member("META-INF/manifest.xml")?
        && is_encrypted(&xml::decode(manifest)?)
    {
        return Err(Skip::needs_password());
    }
    let content = archive.member("content.xml")?.ok_or_else(|| Skip::because("damaged: it has no content"))?;
    let content = xml::decode(content)?;
    let described = archive.member("meta.xml").ok().flatten().and_then(|it| xml::decode(it).ok());
    let metadata = described.map_or_else(Vec::new, |text| ooxml::described(&text));
    Ok(read_content(kind, &content, metadata))
}

fn read_content(kind: Kind, content: &str, metadata: Vec<(String, String)>) -> Document {
    if kind == Kind::Sheets {
        return ods::read(content, metadata);
    }
    let mut reader = Reader::default();
    reader.read(content);
    match kind {
        Kind::Slides => deck::document(reader.slides, metadata),
        _ => document_writer::document(reader.slide.body, metadata),
    }
}

fn is_encrypted(manifest: &str) -> bool {
    let mut xml = Xml::new(manifest);
    while let Some(event) = xml.next() {
        if matches!(&event, Event::Open(element) if element.name() == "encryption-data") {
            return true;
        }
    }
    false
}

#[derive(Debug, Default)]
struct Paragraph {
    text: String,
    role: Role,
    notes: Vec<String>,
}

#[derive(Default)]
struct Reader {
    /// The slide that is being read; of a text, its body is everything.
    slide: Slide,
    slides: Vec<Slide>,
    /// Styles made from that of titles.
    title_styles: HashSet<String>,
    open: Vec<Paragraph>,
    too_deep: usize,
    /// How many lists and frames in paragraphs are open.
    lists: usize,
    frames: usize,
    /// What the frame is on the slide: its title, its footer.
    frame_class: String,
    in_speaker_notes: bool,
    in_header_rows: bool,
}

impl Reader {
    fn read(&mut self, text: &str) {
        let mut xml = Xml::new(text);
        while let Some(event) = xml.next() {
            match event {
                Event::Open(element) if UNSEEN.contains(&element.name()) => xml.skip(),
                Event::Open(element) if element.name() == "note-body" => {
                    let note = note(&mut xml);
                    if let Some(paragraph) = self.open.last_mut() {
                        paragraph.notes.push(note);
                    }
                }
                Event::Open(element) => self.begin(&element),
                Event::Close(name) => self.end(&name),
                Event::Text(text) => self.push(&text),
            }
        }
        while !self.open.is_empty() {
            self.close_paragraph();
        }
    }

    fn push(&mut self, text: &str) {
        if let Some(paragraph) = self.open.last_mut() {
            paragraph.text.push_str(text);
        }
    }

    fn begin(&mut self, element: &Element) {
        let number = |name| element.attribute(name).and_then(|it| it.parse::<u32>().ok());
        let body = &mut self.slide.body;
        match element.name() {
            "style" if element.attribute("parent-style-name").as_deref() == Some("Title") => {
                self.title_styles.extend(element.attribute("name"));
            }
            "p" | "h" if self.open.len() >= MAX_OPEN => self.too_deep += 1,
            "h" => {
                let level = number("outline-level").unwrap_or(1).clamp(1, 100) as u8 + 1;
                self.open.push(Paragraph { role: Role::Heading(level), ..Paragraph::default() });
            }
            "p" => {
                let style = element.attribute("style-name").unwrap_or_default();
                let role = match style == "Title" || self.title_styles.contains(&style) {
                    true => Role::Heading(1),
                    false if self.lists > 0 => Role::Item(None),
                    false => Role::Body,
                };
                self.open.push(Paragraph { role, ..Paragraph::default() });
            }
            "s" | "tab" => self.push(" "),
            "line-break" => self.push("\n"),
            "list" => self.lists += 1,
            "text-box" if !self.open.is_empty() => {
                self.frames += 1;
                body.open_aside();
            }
            "table" => body.open_table(),
            "table-header-rows" => self.in_header_rows = true,
            "table-row" => {
                body.open_row();
                if self.in_header_rows {
                    body.row_is_header();
                }
            }
            "table-cell" => body.open_cell(number("number-columns-repeated").unwrap_or(1)),
            // A cell that covers others does not count them, they count themselves.
            "covered-table-cell" => {
                body.covered_cells(number("number-columns-repeated").unwrap_or(1));
            }
            "page" => self.end_slide(),
            "notes" => self.in_speaker_notes = true,
            "frame" | "custom-shape" => self.frame_class = element.attribute("class").unwrap_or_default(),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        let body = &mut self.slide.body;
        match name {
            "p" | "h" if self.too_deep > 0 => self.too_deep -= 1,
            "p" | "h" => self.close_paragraph(),
            "list" => self.lists = self.lists.saturating_sub(1),
            "text-box" if self.frames > 0 => {
                self.frames -= 1;
                body.close_aside();
            }
            "table" => body.close_table(),
            "table-header-rows" => self.in_header_rows = false,
            "table-row" => body.close_row(),
            "table-cell" => body.close_cell(),
            "frame" | "custom-shape" => self.frame_class.clear(),
            "notes" => self.in_speaker_notes = false,
            "page" => {
                let slide = std::mem::take(&mut self.slide);
                self.slides.push(slide);
            }
            _ => {}
        }
    }

    /// What stands before the first slide is on none.
    fn end_slide(&mut self) {
        self.slide = Slide::default();
        self.open.clear();
    }

    fn close_paragraph(&mut self) {
        let Some(Paragraph { text, role, notes }) = self.open.pop() else { return };
        let slide = &mut self.slide;
        if self.in_speaker_notes {
            if matches!(self.frame_class.as_str(), "notes" | "") {
                slide.notes.push('\n');
                slide.notes.push_str(&text);
            }
            return;
        }
        match self.frame_class.as_str() {
            "title" => {
                slide.title.push(' ');
                slide.title.push_str(&text);
            }
            "header" | "footer" | "date-time" | "page-number" => {}
            _ => slide.body.paragraph(role, &text),
        }
        for note in &notes {
            slide.body.paragraph(Role::Note, note);
        }
    }
}

/// The text of a foot- or endnote, to its end.
fn note(xml: &mut Xml) -> String {
    let mut text = String::new();
    let mut depth = 1;
    while depth > 0 {
        match xml.next() {
            Some(Event::Open(_)) => {
                depth += 1;
                text.push(' ');
            }
            Some(Event::Close(_)) => depth -= 1,
            Some(Event::Text(more)) => text.push_str(&more),
            None => break,
        }
    }
    text
}

#[cfg(test)]
pub(super) mod tests {
    use crate::office::tests::{headings, lines, package};
    use crate::read;

    pub(in crate::office) fn opendocument(media_type: &str, body: &str) -> Vec<u8> {
        let content = format!("<office:document-content><office:body>{body}</office:body></office:document-content>");
        let media_type = format!("application/vnd.oasis.opendocument.{media_type}");
        package(&[
            ("mimetype", &media_type),
            ("content.xml", &content),
            ("meta.xml", "<m><dc:creator>Bob</dc:creator><meta:initial-creator>Ada</meta:initial-creator></m>"),
        ])
    }

    #[test]
    fn opendocument_texts_slides_and_sheets_are_read() {
        let text = opendocument(
            "text",
            "<text:tracked-changes><text:p>gone</text:p></text:tracked-changes>\
             <text:h text:outline-level='1'>One</text:h><text:p>a<text:s/>b<text:note><text:note-citation>1</text:note-citation>\
             <text:note-body><text:p>A note.</text:p></text:note-body></text:note></text:p>\
             <text:list><text:list-item><text:p>item</text:p></text:list-item></text:list>\
             <table:table><table:table-row><table:table-cell><text:p>x</text:p></table:table-cell>\
             <table:table-cell><text:p>y</text:p></table:table-cell></table:table-row></table:table>",
        );
        let document = read("a.odt", &text).unwrap();
        assert_eq!(lines(&document), ["1 One", "2 a b", "2 A note.", "3 - item", "4 x | y"]);
        assert_eq!(headings(&document), ["One"]);
        assert_eq!(document.metadata, [("author".to_owned(), "Ada".to_owned())]);

        let slides = opendocument(
            "presentation",
            "<draw:page><draw:frame presentation:class='title'><draw:text-box><text:p>One</text:p></draw:text-box></draw:frame>\
             <draw:frame><draw:text-box><text:p>a</text:p></draw:text-box></draw:frame><presentation:notes><draw:frame presentation:class='notes'>\
             <draw:text-box><text:p>Say.</text:p></draw:text-box></draw:frame></presentation:notes></draw:page><draw:page><text:p>b</text:p></draw:page>",
        );
        let document = read("a.odp", &slides).unwrap();
        assert_eq!(lines(&document), ["1 One", "1 a", "1 Notes: Say.", "2 b"]);

        let sheets = opendocument(
            "spreadsheet",
            "<table:table table:name='S'><table:table-row><table:table-cell office:value-type='string'><text:p>Day</text:p></table:table-cell>\
             <table:table-cell><text:p>Sum</text:p></table:table-cell></table:table-row>\
             <table:table-row><table:table-cell office:value-type='date' office:date-value='2024-05-06'><text:p>06.05.24</text:p></table:table-cell>\
             <table:table-cell office:value-type='float' office:value='1200.5'><text:p>1.200,50</text:p></table:table-cell></table:table-row>\
             <table:table-row table:number-rows-repeated='1048573'><table:table-cell table:number-columns-repeated='16384'/></table:table-row>\
             <table:table-row><table:table-cell><text:p>end</text:p></table:table-cell></table:table-row></table:table>",
        );
        let document = read("a.ods", &sheets).unwrap();
        assert_eq!(lines(&document), ["1 Day | Sum", "2 Day: 2024-05-06 | Sum: 1200.5", "1048576 end"]);
        assert_eq!(headings(&document), ["S"]);
    }

    #[test]
    fn a_document_that_is_one_xml_file_is_read_as_its_archive_is() {
        let flat = |media_type: &str, body: &str| {
            format!(
                "<?xml version='1.0'?><office:document xmlns:office='urn:oasis:names:tc:opendocument:xmlns:office:1.0' \
                 office:mimetype='application/vnd.oasis.opendocument.{media_type}'><office:meta><dc:title>T</dc:title></office:meta>\
                 <office:styles><style:style style:name='x'/></office:styles><office:body>{body}</office:body></office:document>"
            )
        };
        let sheet = "<table:table table:name='S'><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell></table:table-row></table:table>";
        let document = read("a.fods", flat("spreadsheet", sheet).as_bytes()).unwrap();
        assert_eq!((lines(&document), headings(&document)), (vec!["1 a".to_owned()], vec!["S".to_owned()]));
        assert_eq!(document.warning, None);
        let cut = flat("text", "<text:p>a</text:p><text:p>b");
        let cut = read("a.fodt", cut.split("</office:body>").next().unwrap().as_bytes()).unwrap();
        assert_eq!((cut.text.as_str(), cut.warning.as_deref()), ("a\n\nb", Some("cut short: read as far as it goes")));
        let image = "<text:p>a<draw:frame><draw:image><office:binary-data>QUJD</office:binary-data></draw:image></draw:frame> b</text:p>";
        let document = read("a.xml", flat("text", image).as_bytes()).unwrap();
        assert_eq!(lines(&document), ["1 a b"]);
        assert_eq!(document.metadata, [("title".to_owned(), "T".to_owned())]);
        let slide = "<draw:page><text:p>b</text:p></draw:page>";
        assert_eq!(lines(&read("a.fodp", flat("presentation", slide).as_bytes()).unwrap()), ["1 b"]);
    }
}
