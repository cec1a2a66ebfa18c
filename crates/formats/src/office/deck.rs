//! Slides: each with its title, what stands on it, and what its speaker says.

use super::document_writer::DocumentWriter;
use super::flow::{Flow, Role};
use crate::clean::clean_lines;
use crate::document::{Document, Format, Section};
use crate::location::LocationUnit;
use crate::span::Span;
use crate::text_builder::Gap;

/// What is on a slide.
#[derive(Debug, Default)]
pub(super) struct Slide {
    pub(super) title: String,
    pub(super) body: Flow,
    pub(super) notes: String,
}

/// Writes slides one after the other; every one is a section of its own.
pub(super) fn document(slides: Vec<Slide>, metadata: Vec<(String, String)>) -> Document {
    let mut writer = DocumentWriter::of_slides();
    let mut starts: Vec<(usize, usize, String)> = Vec::new();
    for (index, slide) in slides.into_iter().enumerate() {
        writer.location = index as u32 + 1;
        let before = writer.lines.text().len();
        let title = clean_lines(&slide.title).replace('\n', " ");
        if !title.is_empty() {
            writer.paragraph(&Role::Body, &title, Gap::Blank);
        }
        let after_title = writer.lines.text().len();
        writer.write(&slide.body.into_blocks());
        let notes = clean_lines(&slide.notes);
        if !notes.is_empty() {
            writer.paragraph(&Role::Body, &format!("Notes: {notes}"), Gap::Blank);
        }
        if writer.lines.text().len() > before {
            starts.push((before, after_title, title));
        }
    }
    let (text, locations) = writer.lines.finish();
    let mut sections = Vec::new();
    for (index, (start, body_start, title)) in starts.iter().enumerate() {
        // The gap between two slides goes with the second.
        let end = starts.get(index + 1).map_or(text.len(), |next| next.0);
        let headings = Some(title.clone()).filter(|title| !title.is_empty()).into_iter().collect();
        let body_start = if title.is_empty() { *start } else { *body_start };
        sections.push(Section { span: Span { start: *start, end }, body_start, headings });
    }
    Document {
        format: Format::Slides,
        text,
        sections,
        unit: LocationUnit::Slide,
        locations: Some(locations),
        metadata,
        warning: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slide_is_a_section_with_its_title_text_and_notes() {
        let slide = |title: &str, text: &str, notes: &str| {
            let mut body = Flow::default();
            body.paragraph(Role::Body, text);
            Slide { title: title.to_owned(), body, notes: notes.to_owned() }
        };
        let document = document(vec![slide("One", "a", "say\nb"), slide("", "", ""), slide("", "c", "")], Vec::new());
        assert_eq!(document.text, "One\n\na\n\nNotes: say\nb\n\nc");
        assert_eq!(document.locations.unwrap(), [1, 1, 1, 1, 1, 1, 3, 3]);
        let sections: Vec<_> =
            document.sections.iter().map(|it| (it.span.of(&document.text), it.headings.len())).collect();
        assert_eq!(sections, [("One\n\na\n\nNotes: say\nb", 1), ("\n\nc", 0)]);
    }
}
