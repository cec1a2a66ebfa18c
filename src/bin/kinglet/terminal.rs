//! The only way to the terminal. It shows text of documents, names of files and messages about them
//! but never obeys them: they cannot control the terminal, hide anything from the reader, or
//! reverse the direction of text.

use std::io::{Result, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Replaces characters that would control the terminal or change the direction of text.
const REPLACEMENT: char = '\u{fffd}';

/// True if the last line of standard output has no line end yet: a sentence of an answer is printed
/// before the next one is known.
static LINE_IS_OPEN: AtomicBool = AtomicBool::new(false);

/// Standard output, with colours if the terminal supports them.
pub fn out() -> impl Write {
    SanitizedWriter { inner: anstream::stdout(), before: None, is_output: true }
}

/// Standard error, likewise.
pub fn err() -> impl Write {
    SanitizedWriter { inner: anstream::stderr(), before: None, is_output: false }
}

/// Ends the last line of standard output if it is open.
pub fn end_line() {
    if LINE_IS_OPEN.load(Ordering::Relaxed) {
        let _ = writeln!(out());
    }
}

/// The same for a process that exits now: another thread may hold the lock of standard output, and
/// the terminal shows standard error too.
pub fn leave_line() {
    if LINE_IS_OPEN.load(Ordering::Relaxed) {
        let _ = writeln!(err());
    }
}

/// The text with each control character replaced. Call this for all text that is not kinglet's own
/// before adding styles, so that the only escape sequences that [`out`] lets pass are kinglet's
/// styles.
pub fn visible(text: &str) -> String {
    text.chars().map(without_control).collect()
}

/// The same for names, on one line. Invisible characters are replaced too, not removed, because
/// different names must look different.
pub fn on_one_line(name: &str) -> String {
    let one_line: Vec<char> = name
        .chars()
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { REPLACEMENT } else { c })
        .collect();
    let mut before = None;
    let visible = one_line.iter().enumerate().map(|(at, &c)| {
        let kept = if is_kept(before, c, one_line.get(at + 1).copied()) { c } else { REPLACEMENT };
        before = Some(kept);
        kept
    });
    visible.collect()
}

/// JSON with everything escaped that a terminal would obey or hide: a parser gets the text
/// unchanged.
pub fn escaped(json: &str) -> String {
    let is_plain = |c: char| {
        matches!(c, '\n' | '\t')
            || !(c.is_control() || is_invisible(c) || is_bidi_control(c) || is_joiner(c) || is_variation_selector(c))
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

struct SanitizedWriter<W> {
    inner: W,
    /// The last character written.
    before: Option<char>,
    is_output: bool,
}

impl<W: Write> Write for SanitizedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.inner.write_all(sanitized(&text, &mut self.before).as_bytes())?;
        if self.is_output && !text.is_empty() {
            LINE_IS_OPEN.store(!text.ends_with('\n'), Ordering::Relaxed);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        self.inner.flush()
    }
}

/// The text as it is written after the character `before`: styles pass, other control characters
/// are replaced, invisible characters are removed.
fn sanitized(text: &str, before: &mut Option<char>) -> String {
    let mut sanitized = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (style, after) = split_style(rest);
        if !style.is_empty() {
            sanitized.push_str(style);
            rest = after;
            continue;
        }
        rest = &rest[c.len_utf8()..];
        let c = without_control(c);
        if is_bidi_control(c) {
            sanitized.push(REPLACEMENT);
            *before = Some(REPLACEMENT);
        } else if is_kept(*before, c, next(rest)) {
            sanitized.push(c);
            *before = Some(c);
        }
    }
    sanitized
}

/// The first character after any styles.
fn next(mut text: &str) -> Option<char> {
    loop {
        match split_style(text) {
            ("", _) => return text.chars().next(),
            (_, after) => text = after,
        }
    }
}

/// Splits off a leading escape sequence that only changes colours or weight; the first part is
/// empty if the text does not begin with one.
fn split_style(text: &str) -> (&str, &str) {
    let Some(codes) = text.strip_prefix("\x1b[") else { return ("", text) };
    let length = codes.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b';').count();
    match codes.as_bytes().get(length) {
        Some(b'm') => text.split_at("\x1b[".len() + length + 1),
        _ => ("", text),
    }
}

/// Replaces a control character; those that move the cursor, such as a carriage return, which would
/// overwrite the line, become a space.
fn without_control(c: char) -> char {
    match c {
        '\n' | '\t' => c,
        '\r' | '\x0b' | '\x0c' | '\u{85}' => ' ',
        c if c.is_control() => REPLACEMENT,
        c => c,
    }
}

/// Bidirectional embeddings, overrides and isolates.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Zero-width characters that no script needs: soft hyphens, direction marks, word joiners, byte
/// order marks, tags.
fn is_invisible(c: char) -> bool {
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

/// Variation selectors: they choose how the character before them looks.
fn is_variation_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Joiners stay between letters of scripts that need them, and within emoji; a variation selector
/// stays after a character. A sequence of either could carry hidden text.
fn is_kept(before: Option<char>, c: char, next: Option<char>) -> bool {
    match c {
        c if is_joiner(c) => before.is_some_and(joins) && next.is_some_and(joins),
        c if is_variation_selector(c) => {
            before.is_some_and(|before| !before.is_whitespace() && !is_variation_selector(before) && !is_joiner(before))
        }
        c => !is_invisible(c) && !is_bidi_control(c),
    }
}

/// Arabic to Mongolian scripts, and emoji with their selectors.
fn joins(c: char) -> bool {
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
        sanitized(&visible(text), &mut None)
    }

    #[test]
    fn text_cannot_hide_anything_or_reverse_or_control_the_terminal() {
        assert_eq!(shown("a\u{202e}b\u{2066}c\u{2069}"), "a\u{fffd}b\u{fffd}c\u{fffd}");
        assert_eq!(shown("in\u{ad}vis\u{200b}ible\u{200e}\u{feff}\u{e0041}\u{e007f}\u{2063}!"), "invisible!");
        assert_eq!(shown("\x1b[31mred\x1b[2J\x07\rx\ty\n"), "\u{fffd}[31mred\u{fffd}[2J\u{fffd} x\ty\n");
        assert_eq!(shown("a\u{200d}\u{200c}b\u{fe00}\u{fe01}\u{e0100}"), "ab\u{fe00}");
        assert_eq!(on_one_line("a\u{200b}b\nc\u{202e}"), "a\u{fffd}b\u{fffd}c\u{fffd}");
    }

    #[test]
    fn scripts_and_emoji_stay_unchanged() {
        for text in
            ["می\u{200c}خواهم", "क्\u{200d}ष", "👩\u{200d}👧", "❤\u{fe0f}\u{200d}🔥", "שלום", "مرحبا", "e\u{301}"]
        {
            assert_eq!(shown(text), text);
            assert_eq!(on_one_line(text), text);
        }
        assert_eq!(
            sanitized("\x1b[1mمی\x1b[0m\u{200c}\x1b[2mخ\x1b[0m", &mut None),
            "\x1b[1mمی\x1b[0m\u{200c}\x1b[2mخ\x1b[0m"
        );
    }

    #[test]
    fn escaped_json_parses_to_the_same_text() {
        let text = "a\u{202e}\u{200b}\u{e0041}\u{9b}\u{7f}é👩\u{200d}👧";
        let json = escaped(&serde_json::json!({ "text": text }).to_string());
        assert!(json.chars().all(|c| shown(&c.to_string()) == c.to_string()), "{json}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["text"], text);
    }
}
