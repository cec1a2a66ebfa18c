//! Drives the four digits of the display through two shift registers in a row.

use crate::pins::{Clock, Data, Latch};

/// Digits that the display has.
pub const DIGITS: usize = 4;

/// Bits of a digit's segments, from `0` to `9`, without the point.
const FONT: [u8; 10] = [0x3f, 0x06, 0x5b, 0x4f, 0x66, 0x6d, 0x7d, 0x07, 0x7f, 0x6f];

const MINUS: u8 = 0x40;
const POINT: u8 = 0x80;

/// What cannot be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisplayError {
    /// The number has more digits than there are.
    TooLong,
    /// The latch did not answer.
    LatchStuck,
}

/// Shows numbers. It owns its pins, so that nobody else can move them while a number is written.
pub struct SegmentDriver {
    clock: Clock,
    data: Data,
    latch: Latch,
    shown: [u8; DIGITS],
}

impl SegmentDriver {
    /// All digits are dark until something is shown.
    pub fn new(clock: Clock, data: Data, latch: Latch) -> Self {
        Self { clock, data, latch, shown: [0; DIGITS] }
    }

    /// Shows a temperature with one decimal.
    pub fn show_tenths(&mut self, tenths: i32) -> Result<(), DisplayError> {
        let mut digits = [0u8; DIGITS];
        let mut rest = tenths.unsigned_abs();
        for (place, digit) in digits.iter_mut().rev().enumerate() {
            if rest == 0 && place > 1 {
                break;
            }
            *digit = FONT[(rest % 10) as usize] | if place == 1 { POINT } else { 0 };
            rest /= 10;
        }
        if rest > 0 || (tenths < 0 && digits[0] != 0) {
            return Err(DisplayError::TooLong);
        }
        if tenths < 0 {
            digits[0] = MINUS;
        }
        self.shown = digits;
        self.refresh()
    }

    /// Writes again what is shown, as after a disturbance.
    pub fn refresh(&mut self) -> Result<(), DisplayError> {
        for digit in self.shown {
            self.shift_out(digit);
        }
        self.latch.pulse().map_err(|_| DisplayError::LatchStuck)
    }

    /// Sends eight bits, the highest first.
    fn shift_out(&mut self, bits: u8) {
        for place in (0..8).rev() {
            self.data.set(bits >> place & 1 == 1);
            self.clock.pulse();
        }
    }
}
