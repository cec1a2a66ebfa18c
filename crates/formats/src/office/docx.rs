//! DOCX: paragraphs with headings, lists, tables, text boxes and notes, as a reader sees them with
//! all changes accepted.

use std::collections::HashMap;

use super::docx_styles::{Numbering, Standing, Styles};
use super::flow::{Flow, Role};
use super::xml::{Element, Event, Xml};
use super::{document_writer, ooxml};
use crate::archive::Archive;
use crate::document::Document;
use crate::skip::Skip;

/// Elements that nobody reads: what was deleted or moved away, field codes, the older copy of a
/// drawing.
#[rustfmt::skip]
const UNSEEN: &[&str] = &[
    "del", "moveFrom", "delText", "instrText", "delInstrText", "Fallback", "sdtPr", "sdtEndPr", "sectPr", "tblPr", "rubyPr", "rt",
    "pPrChange", "rPrChange", "trPrChange", "tcPrChange",
];

/// The most paragraphs that are open at once: a paragraph in a text box in a paragraph.
const MAX_OPEN: usize = 64;

pub(super) fn read(bytes: &[u8]) -> Result<Document, Skip> {
    let mut archive = Archive::open(bytes)?;
    let main = ooxml::main_part(&mut archive, "word/document.xml")?;
    let targets = ooxml::targets(&mut archive, &main)?;
    let mut part = |kind: &str| -> Result<String, Skip> {
        let target = targets.values().filter(|target| target.kind == kind).min_by_key(|target| &target.name);
        Ok(target.map_or(Ok(None), |target| ooxml::part(&mut archive, &target.name))?.unwrap_or_default())
    };
    let mut reader = Reader {
        styles: Styles::read(&part("styles")?),
        numbering: Numbering::read(&part("numbering")?),
        notes: notes(&part("footnotes")?, "footnote"),
        endnotes: notes(&part("endnotes")?, "endnote"),
        flow: Flow::default(),
        open: Vec::new(),
        too_deep: 0,
        hidden_run: false,
    };
    let text = ooxml::part(&mut archive, &main)?.ok_or_else(|| Skip::because("damaged: it has no text part"))?;
    reader.read(&text);
    Ok(document_writer::document(reader.flow, ooxml::metadata(&mut archive)))
}

/// The text of each note, by its number in the file.
fn notes(text: &str, name: &str) -> HashMap<String, String> {
    let mut notes = HashMap::new();
    let mut xml = Xml::new(text);
    let mut open: Option<(String, String)> = None;
    while let Some(event) = xml.next() {
        match event {
            Event::Open(element) if element.name() == name => {
                // Others separate the notes from the text.
                let is_text = element.attribute("type").is_none_or(|kind| kind == "normal");
                open = element.attribute("id").filter(|_| is_text).map(|id| (id, String::new()));
            }
            Event::Open(element) if UNSEEN.contains(&element.name()) => xml.skip(),
            Event::Open(element) => match (&mut open, element.name()) {
                (Some((_, text)), "t") => text.push_str(&xml.text()),
                (Some((_, text)), "p" | "tab" | "br" | "tc") => text.push(' '),
                _ => {}
            },
            Event::Close(closed) if closed == name => notes.extend(open.take()),
            _ => {}
        }
    }
    notes
}

/// A paragraph that is open.
#[derive(Debug, Default)]
struct Paragraph {
    text: String,
    style: Option<String>,
    own: Standing,
    notes: Vec<String>,
}

struct Reader {
    styles: Styles,
    numbering: Numbering,
    notes: HashMap<String, String>,
    endnotes: HashMap<String, String>,
    flow: Flow,
    open: Vec<Paragraph>,
    too_deep: usize,
    hidden_run: bool,
}

impl Reader {
    fn read(&mut self, text: &str) {
        let mut xml = Xml::new(text);
        while let Some(event) = xml.next() {
            match event {
                Event::Open(element) if UNSEEN.contains(&element.name()) => xml.skip(),
                Event::Open(element) if element.name() == "t" => {
                    let text = xml.text();
                    if !self.hidden_run {
                        self.push(&text);
                    }
                }
                Event::Open(element) => self.begin(&element),
                Event::Close(name) => self.end(&name),
                Event::Text(_) => {}
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
        let value = || element.attribute("val");
        match element.name() {
            "p" if self.open.len() < MAX_OPEN => self.open.push(Paragraph::default()),
            "p" => self.too_deep += 1,
            "r" => self.hidden_run = false,
            "vanish" => self.hidden_run = element.is_on() && !self.open.is_empty(),
            "tab" | "ptab" => self.push("\t"),
            "br" | "cr" => self.push("\n"),
            "noBreakHyphen" => self.push("-"),
            "txbxContent" => self.flow.open_aside(),
            "tbl" => self.flow.open_table(),
            "tr" => self.flow.open_row(),
            "tc" => self.flow.open_cell(1),
            "gridSpan" => self.flow.cell_width(value().and_then(|it| it.parse().ok()).unwrap_or(1)),
            "vMerge" if value().is_none_or(|it| it != "restart") => self.flow.cell_continues_above(),
            "tblHeader" if element.is_on() => self.flow.row_is_header(),
            "gridBefore" => self.flow.covered_cells(value().and_then(|it| it.parse().ok()).unwrap_or(0)),
            "footnoteReference" | "endnoteReference" => {
                let notes = if element.name() == "endnoteReference" { &self.endnotes } else { &self.notes };
                let note = element.attribute("id").and_then(|id| notes.get(&id));
                if let (Some(note), Some(paragraph)) = (note, self.open.last_mut()) {
                    paragraph.notes.push(note.clone());
                }
            }
            name => {
                let Some(paragraph) = self.open.last_mut() else { return };
                match name {
                    "pStyle" => paragraph.style = value(),
                    "outlineLvl" => paragraph.own.outline = value().and_then(|it| it.parse().ok()),
                    "numId" => paragraph.own.list = value(),
                    "ilvl" => paragraph.own.list_level = value().and_then(|it| it.parse().ok()),
                    _ => {}
                }
            }
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "p" if self.too_deep > 0 => self.too_deep -= 1,
            "p" => self.close_paragraph(),
            "rPr" if self.open.is_empty() => self.hidden_run = false,
            "pPr" => self.hidden_run = false,
            "txbxContent" => self.flow.close_aside(),
            "tbl" => self.flow.close_table(),
            "tr" => self.flow.close_row(),
            "tc" => self.flow.close_cell(),
            _ => {}
        }
    }

    fn close_paragraph(&mut self) {
        let Some(paragraph) = self.open.pop() else { return };
        let style = paragraph.style.as_deref().unwrap_or_default();
        if paragraph.text.trim().is_empty() || self.styles.is_contents(style) {
            return self.flow.paragraph(Role::Body, "");
        }
        let of_style = self.styles.standing(style);
        let outline = paragraph.own.outline.or(of_style.outline).filter(|level| *level < 9);
        let list = paragraph.own.list.or(of_style.list).filter(|list| list != "0");
        let level = paragraph.own.list_level.or(of_style.list_level).unwrap_or(outline.unwrap_or(0).into());
        let number = list.as_ref().and_then(|list| self.numbering.next(list, level));
        match (outline, list) {
            _ if self.styles.is_title(style) => self.flow.paragraph(Role::Heading(1), &paragraph.text),
            (Some(outline), _) => {
                let text =
                    number.map_or_else(|| paragraph.text.clone(), |number| format!("{number} {}", paragraph.text));
                self.flow.paragraph(Role::Heading(outline + 2), &text);
            }
            (None, Some(_)) => self.flow.paragraph(Role::Item(number), &paragraph.text),
            (None, None) => self.flow.paragraph(Role::Body, &paragraph.text),
        }
        for note in &paragraph.notes {
            self.flow.paragraph(Role::Note, note);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use crate::office::tests::{headings, lines, package, relationships};
    use crate::read;

    pub(in crate::office) fn docx(body: &str) -> Vec<u8> {
        let body = format!("<w:document><w:body>{body}</w:body></w:document>");
        let styles = "<w:styles><w:style w:type='paragraph' w:styleId='H1'><w:name w:val='heading 1'/></w:style>\
                      <w:style w:type='paragraph' w:styleId='V1'><w:name w:val='toc 1'/></w:style>\
                      <w:style w:type='paragraph' w:styleId='T'><w:name w:val='Title'/></w:style></w:styles>";
        let parts = relationships(&[("a", "styles", "styles.xml"), ("b", "footnotes", "footnotes.xml")]);
        let notes = "<w:footnotes><w:footnote w:type='separator' w:id='0'><w:p/></w:footnote>\
                     <w:footnote w:id='2'><w:p><w:r><w:t>A note.</w:t></w:r></w:p></w:footnote></w:footnotes>";
        package(&[
            ("word/document.xml", &body),
            ("word/styles.xml", styles),
            ("word/footnotes.xml", notes),
            ("word/_rels/document.xml.rels", &parts),
            ("docProps/core.xml", "<c><dc:title>The title</dc:title></c>"),
        ])
    }

    #[test]
    fn a_docx_is_read_as_it_is_seen() {
        let document = read(
            "a.docx",
            &docx(
                "<w:p><w:pPr><w:pStyle w:val='T'/></w:pPr><w:r><w:t>Report</w:t></w:r></w:p><w:p/>\
                 <w:p><w:pPr><w:pStyle w:val='V1'/></w:pPr><w:r><w:t>One 1</w:t></w:r></w:p>\
                 <w:p><w:pPr><w:pStyle w:val='H1'/></w:pPr><w:r><w:t>One</w:t></w:r></w:p>\
                 <w:p><w:r><w:t xml:space='preserve'>Kept </w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del>\
                 <w:ins><w:r><w:t>new</w:t><w:footnoteReference w:id='2'/></w:r></w:ins><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>\
                 <w:r><w:fldChar w:fldCharType='begin'/><w:instrText>PAGE</w:instrText></w:r>\
                 <w:hyperlink><w:r><w:t> li\u{ad}nk</w:t></w:r></w:hyperlink>\
                 <w:r><mc:AlternateContent><mc:Choice><wps:txbx><w:txbxContent><w:p><w:r><w:t>Box</w:t></w:r></w:p></w:txbxContent></wps:txbx></mc:Choice>\
                 <mc:Fallback><w:txbxContent><w:p><w:r><w:t>Box</w:t></w:r></w:p></w:txbxContent></mc:Fallback></mc:AlternateContent></w:r>\
                 <w:r><w:br/><w:t>line&amp;two</w:t></w:r></w:p>\
                 <w:tbl><w:tr><w:tc><w:p><w:r><w:t>Name</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Age</w:t></w:r></w:p></w:tc></w:tr>\
                 <w:tr><w:tc><w:tcPr><w:vMerge w:val='restart'/></w:tcPr><w:p><w:r><w:t>Ada</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>36</w:t></w:r></w:p></w:tc></w:tr>\
                 <w:tr><w:tc><w:tcPr><w:vMerge/></w:tcPr><w:p/></w:tc><w:tc><w:p><w:r><w:t>37</w:t></w:r></w:p></w:tc></w:tr></w:tbl>\
                 <w:p><w:r><w:t>End</w:t></w:r></w:p>",
            ),
        )
        .unwrap();
        assert_eq!(
            lines(&document),
            [
                "1 Report",
                "2 One",
                "3 Kept new link",
                "3 line&two",
                "4 Box",
                "4 A note.",
                "5 Name | Age",
                "6 Name: Ada | Age: 36",
                "7 Name: Ada | Age: 37",
                "8 End"
            ]
        );
        assert_eq!(headings(&document), ["Report", "Report > One"]);
        assert_eq!(document.metadata, [("title".to_owned(), "The title".to_owned())]);
    }
}
