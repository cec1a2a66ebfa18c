//! PPTX: slides in the order in which they are shown, hidden ones too.

use std::collections::HashMap;

use super::deck::{self, Slide};
use super::flow::Role;
use super::ooxml::{self, Target};
use super::xml::{Element, Event, Xml};
use crate::archive::Archive;
use crate::document::Document;
use crate::limits::SLIDES;
use crate::skip::Skip;

pub(super) fn read(bytes: &[u8]) -> Result<Document, Skip> {
    let mut archive = Archive::open(bytes)?;
    let main = ooxml::main_part(&mut archive, "ppt/presentation.xml")?;
    let presentation = ooxml::part(&mut archive, &main)?.ok_or_else(|| Skip::because("damaged: it has no slides"))?;
    let targets = ooxml::targets(&mut archive, &main)?;
    let mut slides = Vec::new();
    for id in slide_ids(&presentation) {
        // A slide that is missing or damaged keeps its number.
        let name = targets.get(&id).map(|target| target.name.clone()).unwrap_or_default();
        slides.push(slide(&mut archive, &name)?);
    }
    Ok(deck::document(slides, ooxml::metadata(&mut archive)))
}

fn slide_ids(presentation: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut xml = Xml::new(presentation);
    while let Some(event) = xml.next() {
        match event {
            Event::Open(element) if element.name() == "sldId" => match ids.len() < SLIDES.most {
                true => ids.extend(element.reference("id")),
                false => SLIDES.met(),
            },
            // Sections list the same slides again.
            Event::Open(element) if element.name() == "extLst" => xml.skip(),
            _ => {}
        }
    }
    ids
}

fn slide(archive: &mut Archive, name: &str) -> Result<Slide, Skip> {
    let targets = ooxml::targets(archive, name)?;
    let mut reader = Reader::default();
    if let Some(text) = ooxml::part(archive, name)? {
        reader.read(&text, archive, &targets)?;
    }
    let mut slide = reader.slide;
    let notes = targets.values().find(|target| target.kind == "notesSlide");
    if let Some(text) = notes.map(|notes| ooxml::part(archive, &notes.name)).transpose()?.flatten() {
        slide.notes = notes_text(&text);
    }
    Ok(slide)
}

/// Which placeholder of the layout a shape fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    #[default]
    Body,
    /// The layout's list, whose paragraphs have bullets unless they say otherwise.
    List,
    Title,
    /// Date, footer, slide number: the same on every slide.
    Furniture,
}

impl Place {
    fn of(placeholder: &Element) -> Self {
        match placeholder.attribute("type").as_deref() {
            Some("title" | "ctrTitle") => Place::Title,
            Some("dt" | "ftr" | "sldNum" | "hdr" | "sldImg") => Place::Furniture,
            Some("body" | "obj") | None => Place::List,
            Some(_) => Place::Body,
        }
    }
}

#[derive(Default)]
struct Reader {
    slide: Slide,
    place: Place,
    paragraph: Option<String>,
    is_item: bool,
}

impl Reader {
    fn read(&mut self, text: &str, archive: &mut Archive, targets: &HashMap<String, Target>) -> Result<(), Skip> {
        let mut xml = Xml::new(text);
        while let Some(event) = xml.next() {
            match event {
                Event::Open(element) if matches!(element.name(), "Fallback" | "extLst") => xml.skip(),
                Event::Open(element) if element.name() == "t" => {
                    let text = xml.text();
                    if let Some(paragraph) = &mut self.paragraph {
                        paragraph.push_str(&text);
                    }
                }
                Event::Open(element) if element.name() == "relIds" => {
                    let diagram = element.reference("dm").and_then(|id| targets.get(&id));
                    if let Some(text) = diagram.map(|it| ooxml::part(archive, &it.name)).transpose()?.flatten() {
                        self.diagram(&text);
                    }
                }
                Event::Open(element) => self.begin(&element),
                Event::Close(name) => self.end(&name),
                Event::Text(_) => {}
            }
        }
        Ok(())
    }

    /// The texts of a diagram that PowerPoint draws from a list.
    fn diagram(&mut self, text: &str) {
        let mut xml = Xml::new(text);
        while let Some(event) = xml.next() {
            match event {
                Event::Open(element) if element.name() == "t" => {
                    // The element of this name around paragraphs is not the one around characters.
                    if let Some(paragraph) = &mut self.paragraph {
                        paragraph.push_str(&xml.text());
                    }
                }
                Event::Open(element) if element.name() == "p" => self.paragraph = Some(String::new()),
                Event::Close(name) if name == "p" => {
                    let text = self.paragraph.take().unwrap_or_default();
                    self.slide.body.paragraph(Role::Item(None), &text);
                }
                _ => {}
            }
        }
        self.paragraph = None;
    }

    fn begin(&mut self, element: &Element) {
        let body = &mut self.slide.body;
        match element.name() {
            "sp" | "graphicFrame" => self.place = Place::Body,
            "ph" => self.place = Place::of(element),
            "p" => (self.paragraph, self.is_item) = (Some(String::new()), self.place == Place::List),
            "pPr" => self.is_item |= element.attribute("lvl").is_some_and(|level| level != "0"),
            "buChar" | "buAutoNum" | "buBlip" => self.is_item = true,
            "buNone" => self.is_item = false,
            "br" => self.push('\n'),
            "tab" => self.push('\t'),
            "tbl" => body.open_table(),
            "tr" => body.open_row(),
            "tc" => {
                body.open_cell(1);
                if element.attribute("vMerge").is_some_and(|merged| merged != "0") {
                    body.cell_continues_above();
                }
            }
            _ => {}
        }
    }

    fn push(&mut self, character: char) {
        if let Some(paragraph) = &mut self.paragraph {
            paragraph.push(character);
        }
    }

    fn end(&mut self, name: &str) {
        let body = &mut self.slide.body;
        match name {
            "p" => {
                let text = self.paragraph.take().unwrap_or_default();
                match self.place {
                    Place::Furniture => {}
                    Place::Title => {
                        self.slide.title.push(' ');
                        self.slide.title.push_str(&text);
                    }
                    Place::Body | Place::List if self.is_item => body.paragraph(Role::Item(None), &text),
                    Place::Body | Place::List => body.paragraph(Role::Body, &text),
                }
            }
            "sp" => self.place = Place::Body,
            "tbl" => body.close_table(),
            "tr" => body.close_row(),
            "tc" => body.close_cell(),
            _ => {}
        }
    }
}

/// What the speaker says: the notes page without the picture of the slide and the furniture.
fn notes_text(text: &str) -> String {
    let mut notes = String::new();
    let mut place = Place::Body;
    let mut xml = Xml::new(text);
    while let Some(event) = xml.next() {
        let Event::Open(element) = event else { continue };
        match element.name() {
            "Fallback" | "extLst" => xml.skip(),
            "sp" => place = Place::Body,
            "ph" => place = Place::of(&element),
            "p" | "br" => notes.push('\n'),
            "t" => {
                let text = xml.text();
                if matches!(place, Place::Body | Place::List) {
                    notes.push_str(&text);
                }
            }
            _ => {}
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use crate::office::tests::{headings, lines, package, relationships};
    use crate::read;

    fn slide(title: &str, text: &str) -> String {
        format!(
            "<p:sld><p:sp><p:nvPr><p:ph type='title'/></p:nvPr><a:p><a:r><a:t>{title}</a:t></a:r></a:p></p:sp>\
             <p:sp><p:nvPr><p:ph type='ftr'/></p:nvPr><a:p><a:r><a:t>footer</a:t></a:r></a:p></p:sp>\
             <p:grpSp><p:sp><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:sp></p:grpSp></p:sld>"
        )
    }

    #[test]
    fn slides_come_in_the_order_of_the_presentation_with_their_notes() {
        let bytes = package(&[
            (
                "ppt/presentation.xml",
                "<p><p:sldIdLst><p:sldId id='1' r:id='two'/><p:sldId id='2' r:id='one'/></p:sldIdLst></p>",
            ),
            (
                "ppt/_rels/presentation.xml.rels",
                &relationships(&[("one", "slide", "slides/1.xml"), ("two", "slide", "slides/2.xml")]),
            ),
            ("ppt/slides/1.xml", &slide("Later", "b")),
            ("ppt/slides/2.xml", &slide("First", "a")),
            ("ppt/slides/_rels/2.xml.rels", &relationships(&[("n", "notesSlide", "../notesSlides/1.xml")])),
            ("ppt/notesSlides/1.xml", "<p><p:sp><p:ph type='body'/><a:p><a:t>Say this.</a:t></a:p></p:sp></p>"),
        ]);
        let document = read("a.pptx", &bytes).unwrap();
        assert_eq!(lines(&document), ["1 First", "1 a", "1 Notes: Say this.", "2 Later", "2 b"]);
        assert_eq!(headings(&document), ["First", "Later"]);
    }
}
