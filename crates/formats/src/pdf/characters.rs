//! Characters as they are searched for: logical order, no presentation forms, no control
//! characters.

use unicode_normalization::UnicodeNormalization;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    LeftToRight,
    RightToLeft,
}

/// The direction that most letters have.
pub(super) fn direction<'t>(texts: impl Iterator<Item = &'t str>) -> Direction {
    let mut balance = 0i64;
    for character in texts.flat_map(str::chars) {
        balance += match strong(character) {
            Some(Direction::LeftToRight) => 1,
            Some(Direction::RightToLeft) => -1,
            None => 0,
        };
    }
    if balance < 0 { Direction::RightToLeft } else { Direction::LeftToRight }
}

fn strong(character: char) -> Option<Direction> {
    match character {
        '\u{590}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}' | '\u{10800}'..='\u{10FFF}' => {
            let digit = matches!(character, '\u{660}'..='\u{669}' | '\u{6F0}'..='\u{6F9}');
            (!digit).then_some(Direction::RightToLeft)
        }
        _ if character.is_alphabetic() => Some(Direction::LeftToRight),
        _ => None,
    }
}

/// Puts the glyphs of a line, sorted by place in the direction of the page, in the order they are
/// read in.
pub(super) fn in_reading_order(mut units: Vec<&str>, mirrored: bool) -> String {
    // Runs against the direction of the page come out backwards; a number is read from left to
    // right everywhere.
    let against = |unit: &&str| {
        let direction = unit.chars().find_map(strong);
        match mirrored {
            true => direction == Some(Direction::LeftToRight) || unit.chars().any(char::is_numeric),
            false => direction == Some(Direction::RightToLeft),
        }
    };
    let along = |unit: &&str| {
        let direction = unit.chars().find_map(strong);
        direction.is_some_and(|it| (it == Direction::RightToLeft) == mirrored)
    };
    let mut at = 0;
    while at < units.len() {
        if !against(&units[at]) {
            at += 1;
            continue;
        }
        let until = units[at..].iter().position(along).map_or(units.len(), |length| at + length);
        let end = units[at..until].iter().rposition(against).map_or(at + 1, |last| at + last + 1);
        units[at..end].reverse();
        at = end;
    }
    units.concat()
}

/// A letter with an accent that is drawn over it as a glyph of its own.
pub(super) fn accented(letter: &str, accent: &str) -> Option<String> {
    const MARKS: [(&str, char); 12] = [
        ("`", '\u{300}'),
        ("´", '\u{301}'),
        ("ˆ", '\u{302}'),
        ("˜", '\u{303}'),
        ("¯", '\u{304}'),
        ("˘", '\u{306}'),
        ("˙", '\u{307}'),
        ("¨", '\u{308}'),
        ("˚", '\u{30A}'),
        ("˝", '\u{30B}'),
        ("ˇ", '\u{30C}'),
        ("¸", '\u{327}'),
    ];
    let mark = MARKS.iter().find(|(drawn, _)| *drawn == accent)?.1;
    // The letters without a dot are made to be accented.
    let letter = letter.chars().next().filter(|it| it.is_alphabetic() && letter.len() == it.len_utf8())?;
    let letter = if letter == 'ı' { 'i' } else { letter };
    Some([letter, mark].into_iter().nfc().collect())
}

/// True if a glyph's text is none: characters for private use, replacements, control characters.
pub(super) fn say_nothing(text: &str) -> bool {
    clean(text).is_empty() && text.chars().all(|it| !it.is_whitespace() && !is_format(it))
}

/// Directs how others are shown, and is not seen itself.
fn is_format(character: char) -> bool {
    matches!(character, '\u{AD}' | '\u{FEFF}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{2066}'..='\u{2069}')
}

/// Ligatures and other presentation forms taken apart, bullets of symbol fonts named, what no
/// reader sees left out; on one line, with single spaces.
pub(super) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\u{FB00}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}' | '\u{2F00}'..='\u{2FDF}' => {
                clean.extend(character.nfkc());
            }
            '\u{F0B7}' | '\u{F0A7}' | '\u{F0D8}' | '\u{F076}' | '\u{F0FC}' | '\u{F06E}' => clean.push('•'),
            '\u{E000}'..='\u{F8FF}' | '\u{FFFD}' | '\u{FEFF}' | '\u{200B}' | '\u{200E}' | '\u{200F}' => {}
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{F0000}'..='\u{10FFFF}' => {}
            _ if character.is_whitespace() => {
                if !clean.is_empty() && !clean.ends_with(' ') {
                    clean.push(' ');
                }
            }
            _ if character.is_control() => {}
            _ => clean.push(character),
        }
    }
    clean.truncate(clean.trim_end().len());
    without_leaders(clean)
}

/// The rows of dots in tables of contents become three.
fn without_leaders(text: String) -> String {
    if !text.contains("....") && !text.contains(". . . .") {
        return text;
    }
    let mut short = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('.') {
        let (before, dots) = rest.split_at(at);
        short.push_str(before);
        rest = dots.trim_start_matches(['.', ' ']);
        let dots = &dots[..dots.len() - rest.len()];
        match dots.matches('.').count() {
            ..4 => short.push_str(dots),
            _ => short.push_str(if rest.is_empty() { "..." } else { "... " }),
        }
    }
    short.push_str(rest);
    short
}

/// Adds the next line of a paragraph: a word that was parted at the end of the line is whole again.
pub(super) fn join(paragraph: &mut String, line: &str) {
    let word = paragraph.rsplit(' ').next().unwrap_or_default();
    let parted = ['-', '\u{2010}', '\u{AD}'].into_iter().find_map(|hyphen| word.strip_suffix(hyphen));
    let lowercase = line.starts_with(char::is_lowercase);
    match parted {
        // One with another hyphen in it keeps both: "state-of-the-art".
        Some(word) if word.ends_with(char::is_alphabetic) && (!word.contains('-') && lowercase) => {
            paragraph.pop();
        }
        Some(word) if word.ends_with(char::is_alphanumeric) => {}
        _ if paragraph.ends_with(unspaced) && line.starts_with(unspaced) => {}
        _ => paragraph.push(' '),
    }
    paragraph.push_str(line);
}

/// Written without spaces between words.
fn unspaced(character: char) -> bool {
    matches!(character, '\u{3000}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{FF00}'..='\u{FFEF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(drawn: &str, mirrored: bool) -> String {
        let mut units: Vec<String> = drawn.chars().map(|it| it.to_string()).collect();
        if mirrored {
            units.reverse();
        }
        in_reading_order(units.iter().map(String::as_str).collect(), mirrored)
    }

    #[test]
    fn right_to_left_is_in_logical_order() {
        assert_eq!(read("2.5 kg םולש", true), "שלום 2.5 kg");
        assert_eq!(read("(1990) םולש", true), "שלום )1990(");
        assert_eq!(read("say םולש, םלוע twice", false), "say עולם ,שלום twice");
        assert_eq!(direction(["ab", "שלום"].into_iter()), Direction::RightToLeft);
    }

    #[test]
    fn presentation_forms_are_letters() {
        assert_eq!(clean("ef\u{FB01}cient \u{FB03}x\u{0}\u{200B}  ½ \u{F0B7}\n"), "efficient ffix ½ •");
        assert_eq!(clean("Chapter 1 . . . . . . 2 ........"), "Chapter 1 ... 2 ...");
        assert_eq!(clean("etc. ... 1.5."), "etc. ... 1.5.");
        assert_eq!(accented("ı", "´").as_deref(), Some("í"));
        assert_eq!((accented("a", "x"), accented("(", "´")), (None, None));
        assert_eq!(clean("\u{FEB3}\u{FEFC}\u{FEE1}"), "سلام");
    }

    #[test]
    fn words_are_mended() {
        let cases = [
            ("a hyphen-", "ated word", "a hyphenated word"),
            ("state-of-the-", "art", "state-of-the-art"),
            ("Anglo-", "American", "Anglo-American"),
            ("one -", "two", "one - two"),
            ("soft\u{AD}", "ly", "softly"),
            ("日本", "語", "日本語"),
            ("한국", "어", "한국 어"),
        ];
        for (before, line, expected) in cases {
            let mut paragraph = before.to_owned();
            join(&mut paragraph, line);
            assert_eq!(paragraph, expected);
        }
    }
}
