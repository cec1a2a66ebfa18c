//! Text that other programs wrote: what no reader sees is taken out of it.

/// With line ends as `\n`, no-break spaces as spaces, and none of the other characters that control something or that
/// newsletters pad their previews with.
pub(crate) fn without_controls(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let kept = text.chars().filter(|&c| matches!(c, '\n' | '\t') || !(c.is_control() || is_invisible(c)));
    kept.map(|c| if c == '\u{a0}' { ' ' } else { c }).collect()
}

/// Without the sequences that colour the output of programs.
pub(crate) fn without_colours(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.find(|c: char| !(c.is_ascii_digit() || matches!(c, ';' | '?'))).unwrap_or(part.len());
        // The letter after the digits belongs to the code.
        clean.extend(part[code..].chars().skip(1));
    }
    clean
}

/// Whether it is bytes that were written as letters: an image, a key, a checksum of many.
pub(crate) fn is_encoded_bytes(text: &str) -> bool {
    const SHORTEST: usize = 256;
    let payload = text.trim();
    let payload = match payload.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
        Some((_, payload)) => return !payload.is_empty(),
        None => payload,
    };
    payload.len() >= SHORTEST
        && payload.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_' | b'\n' | b'\r')
        })
        && payload.split('\n').next().is_some_and(|line| line.len() >= 60)
}

fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{34f}' | '\u{200b}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_reader_sees_is_taken_out() {
        assert_eq!(without_controls("a\r\nb\u{a0}c\u{200b}\x07\rd"), "a\nb c\nd");
        assert_eq!(without_colours("\x1b[0;31mError\x1b[0m: é\x1b["), "Error: é");
        assert!(is_encoded_bytes(&"QUJD".repeat(100)) && is_encoded_bytes("data:image/png;base64,QUJD"));
        assert!(!is_encoded_bytes(&"abcd efgh ".repeat(100)) && !is_encoded_bytes("QUJD"));
    }
}
