//! The only way to the terminal. Text of documents, names of files and messages about them are
//! shown there, never obeyed: nothing in them steers the terminal, and nothing in them is hidden
//! from the reader or turned around.

use std::io::{Result, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Stands where something was that would steer the terminal or turn the direction of writing.
const MARK: char = '\u{fffd}';

/// Whether the last line of standard output has no end yet: a sentence of an answer is shown before
/// the next one is known.
static LINE_IS_OPEN: AtomicBool = AtomicBool::new(false);

/// Standard output, with colours where the terminal takes them.
pub fn out() -> impl Write {
    Guarded { inner: anstream::stdout(), before: None, is_output: true }
}

/// Standard error, the same way.
pub fn err() -> impl Write {
    Guarded { inner: anstream::stderr(), before: None, is_output: false }
}

/// Ends the last line of standard output if it has no end.
pub fn end_line() {
    if LINE_IS_OPEN.load(Ordering::Relaxed) {
        let _ = writeln!(out());
    }
}

/// The same for a process that ends now: another thread may hold standard output, and the terminal
/// shows both streams.
pub fn leave_line() {
    if LINE_IS_OPEN.load(Ordering::Relaxed) {
        let _ = writeln!(err());
    }
}

/// The text with a mark for each character that controls something. Whoever puts text that is not
/// kinglet's own among styles calls this, so that the styles are all that is left for [`out`] to
/// let pass.
pub fn visible(text: &str) -> String {
    text.chars().map(without_control).collect()
}

/// The same for names, which have no lines. What is hidden in them is marked, since two names that
/// differ must look different.
pub fn on_one_line(name: &str) -> String {
    let one_line: Vec<char> =
        name.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { MARK } else { c }).collect();
    let mut before = None;
    let shown = one_line.iter().enumerate().map(|(at, &c)| {
        let kept = if is_shown(before, c, one_line.get(at + 1).copied()) { c } else { MARK };
        before = Some(kept);
        kept
    });
    shown.collect()
}

/// JSON in which everything that a terminal would obey or hide is escaped: whoever parses it gets
/// the text as it is.
pub fn escaped(json: &str) -> String {
    let is_plain = |c: char| {
        matches!(c, '\n' | '\t') || !(c.is_control() || is_hidden(c) || turns(c) || is_joiner(c) || selects(c))
    };
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        match is_plain(c) {
            true => escaped.push(c),
            false => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| escaped.push_str(&format!("\\u{unit:04x}"))),
        }
    }
    escaped
}

struct Guarded<W> {
    inner: W,
    /// The last character that was shown.
    before: Option<char>,
    is_output: bool,
}

impl<W: Write> Write for Guarded<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.inner.write_all(guarded(&text, &mut self.before).as_bytes())?;
        if self.is_output && !text.is_empty() {
            LINE_IS_OPEN.store(!text.ends_with('\n'), Ordering::Relaxed);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        self.inner.flush()
    }
}

/// The text as it is shown after the character `before`: with styles, and with nothing else that is
/// not seen.
fn guarded(text: &str, before: &mut Option<char>) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (style, after) = split_style(rest);
        if !style.is_empty() {
            shown.push_str(style);
            rest = after;
            continue;
        }
        rest = &rest[c.len_utf8()..];
        let c = without_control(c);
        if turns(c) {
            shown.push(MARK);
            *before = Some(MARK);
        } else if is_shown(*before, c, next(rest)) {
            shown.push(c);
            *before = Some(c);
        }
    }
    shown
}

/// The first character behind styles.
fn next(mut text: &str) -> Option<char> {
    loop {
        match split_style(text) {
            ("", _) => return text.chars().next(),
            (_, after) => text = after,
        }
    }
}

/// A sequence that only changes colours or weight, and what follows it; empty if the text does not
/// begin with one.
fn split_style(text: &str) -> (&str, &str) {
    let Some(codes) = text.strip_prefix("\x1b[") else { return ("", text) };
    let length = codes.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b';').count();
    match codes.as_bytes().get(length) {
        Some(b'm') => text.split_at("\x1b[".len() + length + 1),
        _ => ("", text),
    }
}

/// A carriage return would write over the line.
fn without_control(c: char) -> char {
    match c {
        '\n' | '\t' => c,
        '\r' | '\x0b' | '\x0c' | '\u{85}' => ' ',
        c if c.is_control() => MARK,
        c => c,
    }
}

/// Embeddings, overrides and isolates of the direction of writing.
fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Characters without width that no script needs to be read: soft hyphens, marks of direction, of
/// words and of order, tags.
fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2060}'..='\u{2065}'
            | '\u{206a}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Chooses how the character before it looks.
fn selects(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Joiners stay between letters of scripts that change their form by them, and within emoji;
/// selectors stay behind a character: a row of either could carry a hidden text.
fn is_shown(before: Option<char>, c: char, next: Option<char>) -> bool {
    match c {
        c if is_joiner(c) => before.is_some_and(is_joined) && next.is_some_and(is_joined),
        c if selects(c) => {
            before.is_some_and(|before| !before.is_whitespace() && !selects(before) && !is_joiner(before))
        }
        c => !is_hidden(c) && !turns(c),
    }
}

/// Arabic to Mongolian scripts, and emoji with what may stand behind them.
fn is_joined(c: char) -> bool {
    matches!(
        c,
        '\u{600}'..='\u{61b}'
            | '\u{61d}'..='\u{109f}'
            | '\u{1780}'..='\u{180d}'
            | '\u{180f}'..='\u{1aff}'
            | '\u{2190}'..='\u{2bff}'
            | '\u{a8e0}'..='\u{a9ff}'
            | '\u{fb50}'..='\u{fdff}'
            | '\u{fe0f}'
            | '\u{fe70}'..='\u{fefc}'
            | '\u{11000}'..='\u{11fff}'
            | '\u{1f000}'..='\u{1faff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        guarded(&visible(text), &mut None)
    }

    #[test]
    fn nothing_is_hidden_or_turned_and_nothing_steers() {
        assert_eq!(shown("a\u{202e}b\u{2066}c\u{2069}"), "a\u{fffd}b\u{fffd}c\u{fffd}");
        assert_eq!(shown("in\u{ad}vis\u{200b}ible\u{200e}\u{feff}\u{e0041}\u{e007f}\u{2063}!"), "invisible!");
        assert_eq!(shown("\x1b[31mred\x1b[2J\x07\rx\ty\n"), "\u{fffd}[31mred\u{fffd}[2J\u{fffd} x\ty\n");
        assert_eq!(shown("a\u{200d}\u{200c}b\u{fe00}\u{fe01}\u{e0100}"), "ab\u{fe00}");
        assert_eq!(on_one_line("a\u{200b}b\nc\u{202e}"), "a\u{fffd}b\u{fffd}c\u{fffd}");
    }

    #[test]
    fn scripts_and_emoji_stay_as_they_are() {
        for text in
            ["می\u{200c}خواهم", "क्\u{200d}ष", "👩\u{200d}👧", "❤\u{fe0f}\u{200d}🔥", "שלום", "مرحبا", "e\u{301}"]
        {
            assert_eq!(shown(text), text);
            assert_eq!(on_one_line(text), text);
        }
        assert_eq!(
            guarded("\x1b[1mمی\x1b[0m\u{200c}\x1b[2mخ\x1b[0m", &mut None),
            "\x1b[1mمی\x1b[0m\u{200c}\x1b[2mخ\x1b[0m"
        );
    }

    #[test]
    fn json_says_the_same_when_it_is_parsed() {
        let text = "a\u{202e}\u{200b}\u{e0041}\u{9b}\u{7f}é👩\u{200d}👧";
        let json = escaped(&serde_json::json!({ "text": text }).to_string());
        assert!(json.chars().all(|c| shown(&c.to_string()) == c.to_string()), "{json}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["text"], text);
    }
}
