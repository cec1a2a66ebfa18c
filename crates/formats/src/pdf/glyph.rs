//! A glyph where it stands on its page, with the page turned so that it is read from left to right.

/// Degrees from an axis within which lines are those of a page that lies a little askew.
const NEAR_AXIS: f64 = 15.0;

/// The way glyphs follow each other, in degrees clockwise from left to right, below 360.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn(u16);

impl Turn {
    pub(super) const RIGHT: Turn = Turn(0);

    /// The turn of a direction, with y growing downwards.
    pub(super) fn of(x: f64, y: f64) -> Turn {
        let degrees = y.atan2(x).to_degrees();
        let axis = (degrees / 90.0).round() * 90.0;
        let turned = if (degrees - axis).abs() <= NEAR_AXIS { axis } else { degrees.round() };
        Turn(turned.rem_euclid(360.0) as u16)
    }

    /// Where a point lies after the page is turned so that the glyphs follow each other from left
    /// to right.
    pub(super) fn upright(self, x: f64, y: f64) -> (f64, f64) {
        let (sine, cosine) = f64::from(self.0).to_radians().sin_cos();
        (x * cosine + y * sine, y * cosine - x * sine)
    }
}

/// A glyph. Lengths are points, y grows downwards.
#[derive(Debug, Clone)]
pub(super) struct Glyph {
    pub(super) text: String,
    pub(super) left: f32,
    pub(super) right: f32,
    /// The height of the line it stands on.
    pub(super) base: f32,
    /// The size of its font.
    pub(super) size: f32,
    /// How wide a space of its font is, or would be.
    pub(super) space: f32,
    pub(super) turn: Turn,
    pub(super) bold: bool,
    /// True if the file does not say its text, and it is that of its code in ASCII.
    pub(super) guessed: bool,
}
