//! Removes what no reader sees from text that other programs wrote.

/// With line ends as `\n`, no-break spaces as spaces, and none of the other characters that control
/// something or that newsletters pad their previews with.
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

/// True if the text is bytes written as letters: an image, a key, many checksums.
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

/// With single spaces, without control characters and soft hyphens, its lines trimmed and none of
/// them empty.
pub(crate) fn clean_lines(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for line in text.split(['\n', '\r', '\x0b', '\x0c', '\u{2028}', '\u{2029}', '\u{85}']) {
        let mut between_words = false;
        let mut in_line = false;
        for character in line.chars() {
            match character {
                _ if character.is_whitespace() => between_words = true,
                '\u{ad}' | '\u{feff}' | '\u{200b}' | '\u{fffc}' | '\u{e000}'..='\u{f8ff}' => {}
                _ if character.is_control() => {}
                _ => {
                    if in_line && between_words {
                        clean.push(' ');
                    } else if !in_line && !clean.is_empty() {
                        clean.push('\n');
                    }
                    (in_line, between_words) = (true, false);
                    clean.push(character);
                }
            }
        }
    }
    clean
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

    #[test]
    fn text_is_clean_lines() {
        assert_eq!(clean_lines(" a \u{a0}\t b\u{ad}c\u{7}\n\n \u{f0b7} d\r\ne\u{feff}"), "a bc\nd\ne");
    }
}
