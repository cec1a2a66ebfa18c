//! What a font tells of its letters beside their shapes: their characters, their weight, how large
//! they are, how wide a space is.

use hayro_cmap::BfString;
use hayro_font::kurbo::Shape;
use hayro_font::{Font, FontGlyph};
use hayro_syntax::object::{Array, Dict, Name};

/// Font units in the size of a font.
pub(super) const UNITS: f64 = 1000.0;
/// Codes that fonts have their space at, and how wide it is in sizes of the font.
const SPACE_CODES: [u32; 3] = [32, 3, 1];
const PLAUSIBLE_SPACE: std::ops::Range<f64> = 0.1..0.8;
const USUAL_SPACE: f64 = 0.28;
/// How large the letters of a font are, in its size; others are given in units of their own.
const PLAUSIBLE_EM: std::ops::Range<f64> = 0.4..2.5;

#[derive(Clone)]
pub(super) struct Face<'a> {
    /// None where it cannot be read.
    pub(super) font: Option<Font<'a>>,
    pub(super) bold: bool,
    /// How large its letters are, in sizes of the font.
    pub(super) em: f64,
    /// How wide its space is, in sizes of the font; that of most fonts where it has none.
    pub(super) space: f64,
}

impl<'a> Face<'a> {
    pub(super) fn none() -> Self {
        Face { font: None, bold: false, em: 1.0, space: USUAL_SPACE }
    }

    pub(super) fn new(dictionary: &Dict<'a>, font: Option<Font<'a>>) -> Self {
        let em = em(dictionary).filter(|em| em.is_finite() && *em > 0.0 && !PLAUSIBLE_EM.contains(em)).unwrap_or(1.0);
        let width = font.as_ref().and_then(space_width).filter(|width| PLAUSIBLE_SPACE.contains(&(width / em)));
        Face { font, bold: is_bold(dictionary), em, space: width.unwrap_or(USUAL_SPACE * em) }
    }
}

pub(super) fn unicode(font: &Font<'_>, code: u32) -> Option<BfString> {
    match font.glyph(font.map_code(code), code) {
        FontGlyph::Outline(glyph) => glyph.as_unicode(),
        FontGlyph::Type3(glyph) => glyph.as_unicode(),
    }
}

/// How far a glyph reaches to the right, in font units: for fonts that do not say how wide it is.
pub(super) fn ink_width(font: &Font<'_>, code: u32) -> f64 {
    match font.glyph(font.map_code(code), code) {
        FontGlyph::Outline(glyph) => glyph.outline().bounding_box().x1.clamp(0.0, UNITS),
        FontGlyph::Type3(_) => 0.0,
    }
}

fn space_width(font: &Font<'_>) -> Option<f64> {
    let is_space = |code: &u32| matches!(unicode(font, *code), Some(BfString::Char(' ')));
    SPACE_CODES.into_iter().find(is_space).map(|code| font.code_advance(code).x / UNITS)
}

/// As the name of a font tells.
fn is_bold(font: &Dict<'_>) -> bool {
    let name = font.get::<Name<'_>>("BaseFont").map(|name| name.as_str().to_owned()).unwrap_or_default();
    ["Bold", "bold", "BOLD", "Black", "Heavy", "CMBX", "Medi"].iter().any(|weight| name.contains(weight))
        && !name.contains("Medium")
}

/// A font of drawings has units of its own: its letters are as high as their bounds, or as wide as
/// the widest.
fn em(font: &Dict<'_>) -> Option<f64> {
    font.get::<Name<'_>>("Subtype").filter(|subtype| subtype.as_ref() == b"Type3")?;
    let [across, _, _, up, _, _] = font.get::<[f64; 6]>("FontMatrix")?;
    let [_, bottom, _, top] = font.get::<[f64; 4]>("FontBBox")?;
    let widths = font.get::<Array<'_>>("Widths")?;
    let widest = widths.iter::<f64>().fold(0.0, f64::max);
    Some(if top > bottom { (top - bottom) * up.abs() } else { widest * across.abs() })
}
