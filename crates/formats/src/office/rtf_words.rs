//! RTF as a sequence of tokens: groups, control words, bytes of text.

/// A token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'b> {
    Open,
    Close,
    /// A control word and its number.
    Word(&'b str, Option<i32>),
    /// A control symbol other than an escaped byte.
    Symbol(u8),
    /// A byte of text, in the encoding of the font.
    Byte(u8),
}

/// Reads the tokens of an RTF file.
pub(super) struct Words<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Words<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Words { bytes, at: 0 }
    }

    fn after_backslash(&mut self) -> Option<Token<'b>> {
        let first = *self.bytes.get(self.at)?;
        if !first.is_ascii_alphabetic() {
            self.at += 1;
            return Some(match first {
                b'\'' => {
                    let digits = self.bytes.get(self.at..self.at + 2)?;
                    let value = std::str::from_utf8(digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok());
                    self.at += if value.is_some() { 2 } else { 0 };
                    Token::Byte(value.unwrap_or(b'?'))
                }
                b'\\' | b'{' | b'}' => Token::Byte(first),
                _ => Token::Symbol(first),
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
        Some(Token::Word(word, number))
    }
}

impl<'b> Iterator for Words<'b> {
    type Item = Token<'b>;

    fn next(&mut self) -> Option<Token<'b>> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            match byte {
                b'{' => return Some(Token::Open),
                b'}' => return Some(Token::Close),
                b'\\' => return self.after_backslash(),
                b'\r' | b'\n' | 0 => {}
                _ => return Some(Token::Byte(byte)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_symbols_and_bytes_are_told_apart() {
        let tokens: Vec<_> = Words::new(b"{\\rtf1\\b-0 x\\'e9\\~\\bin3 {{{\\u-5?}\n\\").collect();
        let expected = [
            Token::Open,
            Token::Word("rtf", Some(1)),
            Token::Word("b", Some(0)),
            Token::Byte(b'x'),
            Token::Byte(0xe9),
            Token::Symbol(b'~'),
            Token::Word("bin", Some(3)),
            Token::Word("u", Some(-5)),
            Token::Byte(b'?'),
            Token::Close,
        ];
        assert_eq!(tokens, expected);
    }
}
