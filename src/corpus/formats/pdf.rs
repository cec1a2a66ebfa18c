//! PDF: the text of each page in reading order, with headings from the bookmarks or from sizes of letters.

mod blocks;
mod characters;
mod columns;
mod content;
mod file;
mod glyph;
mod headings;
mod pieces;

use std::cmp::Reverse;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::corpus::formats::lines::{Gap, Lines};
use crate::corpus::formats::{Skip, outline};
use crate::corpus::{Document, Format, Unit};
use crate::text::Span;
use blocks::Block;
use content::Shown;
use file::File;
use glyph::{Glyph, Turn};

/// The file is opened anew after so many pages: what the reader remembers of pages read before is given back.
const PAGES_A_TIME: usize = 200;
/// After so many pages that could not be read, the rest is not tried.
const MAX_FAILURES: usize = 100;

/// A block of a page in the text of the document.
#[derive(Debug)]
struct Placed {
    span: Span,
    /// From 0.
    page: usize,
    size: f32,
    lines: usize,
    is_table: bool,
}

/// What the pages so far gave.
#[derive(Default)]
struct Counts {
    pages: usize,
    failed: usize,
    cut: usize,
    images: usize,
    glyphs: usize,
    unknown: usize,
}

/// Reads a PDF page by page and calls `progress` after each.
///
/// # Errors
/// When it is damaged, protected by a password, or there is no text in it.
pub(super) fn read(bytes: &[u8], progress: &dyn Fn()) -> Result<Document, Skip> {
    let bytes = Arc::new(bytes.to_vec());
    let open = || catch_unwind(|| File::open(&bytes)).unwrap_or_else(|_| Err(Skip::because("damaged PDF")));
    let mut file = open()?;
    let (bookmarks, metadata) =
        catch_unwind(AssertUnwindSafe(|| (file.bookmarks(), file.metadata()))).unwrap_or_default();
    let mut counts = Counts { pages: file.page_count(), ..Counts::default() };
    let mut lines = Lines::new();
    let mut placed = Vec::new();
    let mut next = 0;
    while next < counts.pages && counts.failed <= MAX_FAILURES {
        let fonts = file.fonts();
        for page in next..counts.pages.min(next + PAGES_A_TIME) {
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
    counts.failed += counts.pages - next;
    let (text, places) = lines.finish();
    if text.is_empty() {
        return Err(counts.nothing());
    }
    let headings = headings::find(&text, &placed, &bookmarks);
    let sections = outline::sections(&text, 0, None, &headings);
    let doubt = counts.doubt();
    Ok(Document { format: Format::Pdf, text, sections, unit: Unit::Page, places: Some(places), metadata, doubt })
}

/// The text of a page in reading order: first what is turned like most of it, then what runs another way.
fn blocks_of(shown: Shown) -> Vec<Block> {
    let mut turned: Vec<(Turn, Vec<Glyph>)> = Turn::ALL.map(|turn| (turn, Vec::new())).into();
    for glyph in shown.glyphs {
        turned[glyph.turn as usize].1.push(glyph);
    }
    turned.sort_by_key(|(turn, glyphs)| (Reverse(glyphs.len()), *turn));
    let regions = turned.into_iter().flat_map(|(_, glyphs)| columns::regions(pieces::pieces(glyphs)));
    regions.flat_map(blocks::blocks).collect()
}

/// Writes the blocks of a page.
fn place(blocks: Vec<Block>, page: usize, lines: &mut Lines, placed: &mut Vec<Placed>) {
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
        placed.push(Placed { span, page, size: block.size, lines: block.lines, is_table: block.is_table });
    }
}

impl Counts {
    fn add(&mut self, shown: &Shown) {
        self.cut += usize::from(shown.cut);
        self.images += shown.images;
        self.glyphs += shown.glyphs.len();
        self.unknown += shown.unknown;
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

    fn doubt(&self) -> Option<String> {
        let mut doubts = Vec::new();
        if self.failed > 0 {
            doubts.push(format!("{} of {} pages could not be read", self.failed, self.pages));
        }
        if self.cut > 0 {
            doubts.push(format!("{} of {} pages are read in part", self.cut, self.pages));
        }
        if self.unknown > self.glyphs / 10 {
            let percent = 100 * self.unknown / (self.unknown + self.glyphs);
            doubts.push(format!("{percent} % of its characters are not known"));
        }
        (!doubts.is_empty()).then(|| doubts.join("; "))
    }
}
