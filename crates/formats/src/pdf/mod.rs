//! PDF: the text of each page in reading order, with headings from the bookmarks or from sizes of
//! letters.

mod blocks;
mod characters;
mod columns;
mod content;
mod face;
mod file;
mod glyph;
mod headings;
mod segments;
#[cfg(test)]
mod test_files;
mod text_string;
mod visual_headings;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::document::{Document, Format};
use crate::limits::PDF_FAILURES;
use crate::location::LocationUnit;
use crate::skip::Skip;
use crate::span::Span;
use crate::text_builder::{Gap, TextBuilder};
use blocks::{Block, PlacedBlock};
use content::Shown;
use file::{Bookmark, File};
use glyph::{Glyph, Turn};

/// The file is opened anew after so many pages: what the reader remembers of pages read before is
/// given back.
const PAGES_A_TIME: usize = 200;
/// After so many pages that could not be read, the rest is not tried.
const MAX_FAILURES: usize = PDF_FAILURES.most;

/// A file that loses this share of its characters gets a warning. Two pages that face each other
/// often hold the text of both, so that half of it lies outside of each.
const MIN_PERCENT_LOST: usize = 10;
const MIN_PERCENT_OUTSIDE: usize = 75;

/// What the pages so far gave.
#[derive(Default)]
struct Counts {
    pages: usize,
    failed: usize,
    cut: usize,
    images: usize,
    glyphs: usize,
    unknown: usize,
    outside: usize,
}

/// What the pages of a file hold, before headings are found in it.
struct Content {
    text: String,
    /// The page, from 1, of each line of the text.
    locations: Vec<u32>,
    blocks: Vec<PlacedBlock>,
    bookmarks: Vec<Bookmark>,
    metadata: Vec<(String, String)>,
    counts: Counts,
}

/// Reads a PDF page by page and calls `progress` after each.
///
/// # Errors
/// When it is damaged, needs a password, or there is no text in it.
pub(crate) fn read(bytes: &[u8], progress: &dyn Fn()) -> Result<Document, Skip> {
    let Content { text, locations, blocks, bookmarks, metadata, counts } = content(bytes, progress)?;
    let sections = headings::sections(&text, &blocks, &bookmarks);
    let warning = counts.warning();
    Ok(Document {
        format: Format::Pdf,
        text,
        sections,
        unit: LocationUnit::Page,
        locations: Some(locations),
        metadata,
        warning,
    })
}

fn content(bytes: &[u8], progress: &dyn Fn()) -> Result<Content, Skip> {
    let bytes = Arc::new(bytes.to_vec());
    let open = || catch_unwind(|| File::open(&bytes)).unwrap_or_else(|_| Err(Skip::because("damaged PDF")));
    let mut file = open()?;
    let (bookmarks, metadata) =
        catch_unwind(AssertUnwindSafe(|| (file.bookmarks(), file.metadata()))).unwrap_or_default();
    let mut counts = Counts { pages: file.page_count(), ..Counts::default() };
    let mut lines = TextBuilder::new();
    let mut placed = Vec::new();
    let mut next = 0;
    while next < counts.pages && counts.failed <= MAX_FAILURES {
        let fonts = file.fonts();
        let first = next;
        for page in first..counts.pages.min(next + PAGES_A_TIME) {
            next = page + 1;
            let read = catch_unwind(AssertUnwindSafe(|| {
                let shown = file.page(page, &fonts);
                counts.add(&shown);
                blocks_of(shown)
            }));
            progress();
            match read {
                Ok(blocks) => place(blocks, page, &mut lines, &mut placed),
                Err(_) => {
                    counts.failed += 1;
                    break;
                }
            }
        }
        // What was open during a panic is not used again, nor kept for too long.
        drop(fonts);
        if next < counts.pages {
            file = open()?;
        }
    }
    if next < counts.pages {
        PDF_FAILURES.met();
    }
    counts.failed += counts.pages - next;
    let (text, locations) = lines.finish();
    if text.is_empty() {
        return Err(counts.nothing());
    }
    Ok(Content { text, locations, blocks: placed, bookmarks, metadata, counts })
}

/// The text of a page in reading order: first what is turned like most of it, then what runs
/// another way.
fn blocks_of(shown: Shown) -> Vec<Block> {
    let mut turned: BTreeMap<Turn, Vec<Glyph>> = BTreeMap::new();
    for glyph in shown.glyphs {
        turned.entry(glyph.turn).or_default().push(glyph);
    }
    let mut turned: Vec<(Turn, Vec<Glyph>)> = turned.into_iter().collect();
    turned.sort_by_key(|(turn, glyphs)| (Reverse(glyphs.len()), *turn));
    let mut found = Vec::new();
    for (index, (_, glyphs)) in turned.into_iter().enumerate() {
        for region in columns::regions(segments::segments(glyphs)) {
            // What stands across in the margin is no heading, however large.
            found.extend(blocks::blocks(region).into_iter().map(|block| Block { aside: index > 0, ..block }));
        }
    }
    found
}

/// Writes the blocks of a page.
fn place(blocks: Vec<Block>, page: usize, lines: &mut TextBuilder, placed: &mut Vec<PlacedBlock>) {
    let number = page as u32 + 1;
    for block in blocks {
        lines.part(Gap::Blank);
        lines.open(number);
        let start = lines.text().len();
        for character in block.text.chars() {
            match character {
                '\n' => lines.new_line(number),
                '\u{AD}' => {}
                _ => lines.push(character),
            }
        }
        let span = Span { start, end: lines.text().len() };
        placed.push(PlacedBlock { span, page, block: Block { text: String::new(), ..block } });
    }
}

impl Counts {
    fn add(&mut self, shown: &Shown) {
        self.cut += usize::from(shown.cut);
        self.images += shown.images;
        self.glyphs += shown.glyphs.len();
        self.unknown += shown.unknown;
        self.outside += shown.outside;
    }

    fn nothing(&self) -> Skip {
        let pages = if self.pages == 1 { "1 page".to_owned() } else { format!("{} pages", self.pages) };
        Skip::because(match self {
            _ if self.failed > 0 => "damaged PDF".to_owned(),
            _ if self.unknown > 0 => format!("{pages} in fonts that do not say their characters"),
            _ if self.images > 0 => format!("scanned: no text in it ({pages})"),
            _ => format!("no text in it ({pages})"),
        })
    }

    fn warning(&self) -> Option<String> {
        let mut doubts = Vec::new();
        if self.failed > 0 {
            doubts.push(format!("{} of {} pages could not be read", self.failed, self.pages));
        }
        if self.cut > 0 {
            doubts.push(format!("{} of {} pages are read in part", self.cut, self.pages));
        }
        let percent = |lost: usize| 100 * lost / (lost + self.glyphs).max(1);
        if percent(self.unknown) >= MIN_PERCENT_LOST {
            let percent = percent(self.unknown);
            doubts.push(format!(
                "{percent} % of what is written in it is lost: its fonts do not say which characters it is"
            ));
        }
        if percent(self.outside) >= MIN_PERCENT_OUTSIDE {
            let percent = percent(self.outside);
            doubts.push(format!("{percent} % of what is written in it is left out: it lies outside of its pages"));
        }
        (!doubts.is_empty()).then(|| doubts.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;
    use crate::pdf::test_files::{at, document, pdf};

    #[test]
    fn pages_headings_paragraphs_and_tables_are_found() {
        let first = at(&[
            (50, 750, 20, "The report"),
            (50, 700, 10, "A paragraph with a line that is long enough to reach the bor-"),
            (50, 688, 10, "der and goes on."),
            (50, 640, 10, "Name"),
            (150, 640, 10, "Size"),
            (250, 640, 10, "Colour"),
            (50, 626, 10, "Wren"),
            (250, 626, 10, "brown"),
            (50, 612, 10, "Kinglet"),
            (150, 612, 10, "9 cm"),
            (250, 612, 10, "green"),
        ]);
        let second = at(&[(50, 750, 10, "\\225 one"), (50, 738, 10, "\\225 two"), (50, 700, 10, "2. three")]);
        let calls = Cell::new(0);
        let document = read(&pdf(&[&first, &second], "", &[]), &|| calls.set(calls.get() + 1)).unwrap();
        assert_eq!(
            document.text,
            "The report\n\nA paragraph with a line that is long enough to reach the border and goes on.\n\n\
             Name | Size | Colour\nWren |  | brown\nKinglet | 9 cm | green\n\n- one\n- two\n\n2. three"
        );
        assert_eq!(document.locations.unwrap(), [1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2]);
        assert_eq!(document.sections[0].headings, ["The report"]);
        assert_eq!(document.unit, LocationUnit::Page);
        let expected = [("title", "A (small) title"), ("author", "Zoë"), ("date", "2024-03-05")];
        assert_eq!(document.metadata, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert_eq!((document.warning, calls.get()), (None, 2));
    }

    #[test]
    fn columns_are_read_one_after_the_other() {
        let mut lines =
            vec![(50, 780, 10, "A title that goes over all of the width of the page and both of its two columns")];
        for line in 0..6 {
            lines.push((50, 740 - 12 * line, 10, "left column has lines as long as this"));
            lines.push((320, 740 - 12 * line, 10, "right column has lines as long as it"));
        }
        let text = document(&pdf(&[&at(&lines)], "", &[])).text;
        let (last_left, first_right) = (text.rfind("left").unwrap(), text.find("right").unwrap());
        assert!(text.starts_with("A title") && last_left < first_right, "{text}");
        assert!(text.contains("as this left column"), "{text}");
    }

    #[test]
    fn bookmarks_are_headings_where_they_are_in_the_text() {
        let lines =
            at(&[(50, 750, 10, "1 Birds"), (50, 700, 10, "Text."), (50, 650, 10, "1.1 Wrens"), (50, 600, 10, "More.")]);
        let outline = [
            "<</First 6 0 R/Last 6 0 R>>",
            "<</Title(Birds)/Dest[9 0 R/Fit]/First 7 0 R/Next 6 0 R>>",
            "<</Title(Wrens)/A<</S/GoTo/D(wrens)>>/Parent 6 0 R>>",
            "<</Names[(wrens)<</D[9 0 R/XYZ 0 0 0]>>]>>",
        ];
        let bytes = pdf(&[&lines], "/Outlines 5 0 R/Names<</Dests 8 0 R>>", &outline);
        let paths: Vec<_> = document(&bytes).sections.into_iter().map(|section| section.headings).collect();
        assert_eq!(paths, [vec!["Birds"], vec!["Birds", "Wrens"]]);
    }

    #[test]
    fn what_is_turned_or_drawn_twice_is_read_once() {
        let turned = "BT /F 10 Tf 0 1 -1 0 590 100 Tm (turned) Tj ET ";
        let bold = at(&[(50, 700, 10, "Shadow text"), (51, 700, 10, "Shadow text"), (50, 600, 10, "T e s t")]);
        assert_eq!(document(&pdf(&[&format!("{turned}{bold}")], "", &[])).text, "Shadow text\n\nT e s t\n\nturned");
    }

    #[test]
    fn what_is_not_read_says_why() {
        let reason = |bytes: &[u8]| read(bytes, &|| {}).unwrap_err().reason;
        let image = "q BI /W 1 /H 1 /BPC 8 /CS /G ID x EI Q";
        assert_eq!(reason(&pdf(&[image, image], "", &[])), "scanned: no text in it (2 pages)");
        assert_eq!(reason(&pdf(&[""], "", &[])), "no text in it (1 page)");
        assert_eq!(reason(b"%PDF-1.7"), "damaged PDF");
    }

    #[test]
    fn a_text_that_is_mostly_lost_is_doubtful() {
        let seen = at(&[(50, 700, 10, "Four words are read")]);
        let warning = |more: &str| document(&pdf(&[&format!("{seen}{more}")], "", &[])).warning.unwrap_or_default();
        let many = "Words that nobody can read. ".repeat(20);
        let unknown = warning(&format!("BT /Lost 10 Tf 50 600 Td ({many}) Tj ET"));
        assert_eq!(unknown, "96 % of what is written in it is lost: its fonts do not say which characters it is");
        let outside = warning(&format!("BT /F 1 Tf 50 6000 Td ({many}) Tj ET"));
        assert_eq!(outside, "96 % of what is written in it is left out: it lies outside of its pages");
        assert_eq!(warning(&at(&[(2000, 700, 10, "x")])), "");
    }

    #[test]
    fn a_text_that_stands_for_others_is_believed_unless_it_hides_them() {
        let text = |replacement: &str| {
            let shown = "BT /F 10 Tf 50 700 Td (Many letters of a line that is read) Tj ET";
            let more = at(&[(50, 600, 10, "The rest.")]);
            document(&pdf(&[&format!("/Span <</ActualText({replacement})>> BDC {shown} EMC {more}")], "", &[])).text
        };
        assert_eq!(text("What it says instead"), "What it says instead\n\nThe rest.");
        assert_eq!(text(" "), "Many letters of a line that is read\n\nThe rest.");
    }

    #[test]
    fn a_form_in_itself_ends() {
        let form = "<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 5 0 R>>>>/Length 12>>stream\n/X Do /X Do \nendstream";
        let bytes = pdf(&["BT /F 9 Tf 9 9 Td (text) Tj ET /X Do"], "", &[form]);
        assert_eq!(document(&bytes).text, "text");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_change_of_bytes_makes_it_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)) {
            let mut bytes = pdf(&[&at(&[(50, 700, 10, "Some text"), (50, 600, 12, "more")])], "", &[]);
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if let Ok(document) = read(&bytes, &|| {}) {
                prop_assert_eq!(document.text.split('\n').count(), document.locations.unwrap().len());
            }
        }
    }
}
