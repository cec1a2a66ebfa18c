//! RTF as a row of pieces: groups, control words, bytes of text.

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'b> {
    Open,
    Close,
    /// A control word and its number.
    Word(&'b str, Option<i32>),
    /// A control symbol other than an escaped byte.
    Symbol(u8),
    /// A byte of text, in the encoding of the font.
    Byte(u8),
}

/// Reads the pieces of an RTF file.
pub(super) struct Words<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Words<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Words { bytes, at: 0 }
    }

    fn after_backslash(&mut self) -> Option<Piece<'b>> {
        let first = *self.bytes.get(self.at)?;
        if !first.is_ascii_alphabetic() {
            self.at += 1;
            return Some(match first {
                b'\'' => {
                    let digits = self.bytes.get(self.at..self.at + 2)?;
                    let value = std::str::from_utf8(digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok());
                    self.at += if value.is_some() { 2 } else { 0 };
                    Piece::Byte(value.unwrap_or(b'?'))
                }
                b'\\' | b'{' | b'}' => Piece::Byte(first),
                _ => Piece::Symbol(first),
            });
        }
        let rest = &self.bytes[self.at..];
        // No word is longer than 32 letters.
        let letters = rest.iter().take(32).take_while(|byte| byte.is_ascii_alphabetic()).count();
        let word = std::str::from_utf8(&rest[..letters]).unwrap_or_default();
        let sign = usize::from(rest.get(letters) == Some(&b'-'));
        let digits = rest[letters + sign..].iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
        let end = if digits == 0 { letters } else { letters + sign + digits };
        let number = std::str::from_utf8(&rest[letters..end]).ok().and_then(|number| number.parse().ok());
        self.at += end + usize::from(rest.get(end) == Some(&b' '));
        if word == "bin" {
            // What follows is not text, if it is there.
            let end = self.at.saturating_add(usize::try_from(number.unwrap_or(0)).unwrap_or(0));
            self.at = if end <= self.bytes.len() { end } else { self.at };
        }
        Some(Piece::Word(word, number))
    }
}

impl<'b> Iterator for Words<'b> {
    type Item = Piece<'b>;

    fn next(&mut self) -> Option<Piece<'b>> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            match byte {
                b'{' => return Some(Piece::Open),
                b'}' => return Some(Piece::Close),
                b'\\' => return self.after_backslash(),
                b'\r' | b'\n' | 0 => {}
                _ => return Some(Piece::Byte(byte)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_symbols_and_bytes_are_told_apart() {
        let pieces: Vec<_> = Words::new(b"{\\rtf1\\b-0 x\\'e9\\~\\bin3 {{{\\u-5?}\n\\").collect();
        let expected = [
            Piece::Open,
            Piece::Word("rtf", Some(1)),
            Piece::Word("b", Some(0)),
            Piece::Byte(b'x'),
            Piece::Byte(0xe9),
            Piece::Symbol(b'~'),
            Piece::Word("bin", Some(3)),
            Piece::Word("u", Some(-5)),
            Piece::Byte(b'?'),
            Piece::Close,
        ];
        assert_eq!(pieces, expected);
    }
}
