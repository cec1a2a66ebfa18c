//! A glyph where it stands on its page, with the page turned so that it is read from left to right.

/// The way glyphs follow each other, clockwise from left to right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    Right,
    Down,
    Left,
    Up,
}

impl Turn {
    pub(super) const ALL: [Turn; 4] = [Turn::Right, Turn::Down, Turn::Left, Turn::Up];

    /// The turn nearest to a direction, with y growing downwards.
    pub(super) fn of(x: f64, y: f64) -> Turn {
        match (x.abs() >= y.abs(), x >= 0.0, y >= 0.0) {
            (true, true, _) => Turn::Right,
            (true, false, _) => Turn::Left,
            (false, _, true) => Turn::Down,
            (false, _, false) => Turn::Up,
        }
    }

    /// Where a point lies after the page is turned so that the glyphs follow each other from left to right.
    pub(super) fn upright(self, x: f64, y: f64) -> (f64, f64) {
        match self {
            Turn::Right => (x, y),
            Turn::Down => (y, -x),
            Turn::Left => (-x, -y),
            Turn::Up => (-y, x),
        }
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
    pub(super) turn: Turn,
    pub(super) bold: bool,
    /// Whether the file does not say its text, and it is that of its code in ASCII.
    pub(super) guessed: bool,
}
