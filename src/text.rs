//! Plain text: spans, lines, sentences, words, and an estimate of tokens without a tokenizer.

pub use kinglet_formats::{Span, line_starts};
use unicode_segmentation::UnicodeSegmentation;

/// The sentences of `text` by Unicode's rules (UAX 29), each trimmed and none empty. A line end
/// inside a paragraph does not end a sentence; a blank line or a list item does.
pub fn sentences(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    for block in blocks(text) {
        // UAX 29 ends a sentence at every newline, but in wrapped text a newline is a space. The
        // length stays the same, so that spans stay valid.
        let flat = block.of(text).replace(['\n', '\r'], " ");
        let mut offset = block.start;
        let mut start = offset;
        for part in flat.split_sentence_bounds() {
            offset += part.len();
            if offset < block.end && ends_with_abbreviation(&flat[start - block.start..offset - block.start]) {
                continue;
            }
            let span = Span { start, end: offset }.trimmed(text);
            start = offset;
            if span.start < span.end {
                spans.push(span);
            }
        }
    }
    spans
}

/// True if the full stop at the end belongs to an abbreviation or to the number of a list item:
/// "Dr.", "J. R.", "U.S.", "e.g.", "2.". UAX 29 ends a sentence there when a capital follows.
fn ends_with_abbreviation(text: &str) -> bool {
    const TITLES: [&str; 17] = [
        "Mr", "Mrs", "Ms", "Dr", "Prof", "St", "Mt", "Gen", "Col", "Capt", "Lt", "Rev", "Gov", "Sen", "Fig", "vs", "cf",
    ];
    let Some(before) = text.trim_end().strip_suffix('.') else {
        return false;
    };
    let word = before.rsplit(|c: char| c.is_whitespace() || "([\"'".contains(c)).next().unwrap_or(before);
    let is_letters = !word.is_empty() && word.split('.').all(|part| part.len() == 1 && part.is_ascii() && part != "I");
    is_letters && !word.as_bytes()[0].is_ascii_digit()
        || TITLES.contains(&word)
        || word == before.trim_start() && !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Splits `text` into runs of lines that belong together: at blank lines, and before list items,
/// table rows and headings.
fn blocks(text: &str) -> Vec<Span> {
    let mut blocks: Vec<Span> = Vec::new();
    let mut is_open = false;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        let body = line.trim();
        let is_row = is_table_row(body);
        let starts_block = is_row || body.starts_with(['#', '*', '-', '+']) || is_numbered_item(body);
        if body.is_empty() {
            is_open = false;
        } else if is_open && !starts_block {
            blocks.last_mut().expect("a block is open").end = end;
        } else {
            blocks.push(Span { start, end });
            is_open = !is_row && !body.starts_with('#');
        }
        start = end;
    }
    blocks
}

/// True if the text is a row of a table, whose cells are separated by bars.
pub fn is_table_row(text: &str) -> bool {
    text.starts_with('|') || text.contains(" | ")
}

/// True if the text is an item of a list.
pub fn is_list_item(text: &str) -> bool {
    text.starts_with(['-', '*', '+', '•']) || is_numbered_item(text)
}

fn is_numbered_item(line: &str) -> bool {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    (1..=3).contains(&digits) && (line[digits..].starts_with(". ") || line[digits..].starts_with(") "))
}

/// The words of `text` by Unicode's rules, lower-cased.
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.unicode_words().map(str::to_lowercase)
}

/// The words of `text` that carry its meaning, in order, in a form in which `Indexes` and
/// `indexing` are equal: lower case, without the commonest English words, without most English
/// endings, numbers without thousands separators. Not meant to be shown.
pub fn content_words(text: &str) -> impl Iterator<Item = String> + '_ {
    words(text).filter_map(|word| {
        let word = word.replace('’', "'");
        let word = word.strip_suffix("'s").unwrap_or(&word);
        if is_stop_word(word) {
            return None;
        }
        if word.starts_with(|first: char| first.is_ascii_digit()) {
            return Some(word.replace(',', ""));
        }
        Some(stem(word))
    })
}

/// True if the lower-case English word does not tell what a text is about.
pub fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.binary_search(&word).is_ok()
}

/// Words that do not tell what a text is about; sorted.
const STOP_WORDS: [&str; 140] = [
    "a", "about", "above", "after", "again", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be",
    "because", "been", "before", "being", "below", "between", "both", "but", "by", "can", "could", "did", "do", "does",
    "doing", "done", "down", "during", "each", "either", "else", "etc", "ever", "every", "for", "from", "further",
    "had", "has", "have", "having", "he", "her", "here", "hers", "him", "his", "how", "however", "i", "if", "in",
    "into", "is", "it", "its", "itself", "just", "let", "like", "many", "may", "me", "might", "more", "most", "much",
    "must", "my", "nor", "of", "off", "on", "once", "only", "onto", "or", "other", "our", "ours", "out", "over", "own",
    "per", "same", "shall", "she", "should", "so", "some", "such", "than", "that", "the", "their", "theirs", "them",
    "then", "there", "these", "they", "this", "those", "though", "through", "thus", "to", "too", "under", "until",
    "up", "upon", "us", "very", "was", "we", "were", "what", "when", "where", "whether", "which", "while", "who",
    "whom", "whose", "why", "will", "with", "within", "without", "would", "you", "your", "yours",
];

/// Removes the commonest English endings from a word: a light form of Porter's first step, which
/// gives two words one stem only where a reader would.
fn stem(word: &str) -> String {
    if word.len() < 4 || !word.is_ascii() {
        return word.to_string();
    }
    let mut stem = word;
    if stem.ends_with('s') && !stem.ends_with("ss") && !stem.ends_with("us") && !stem.ends_with("is") {
        let shorter = stem.strip_suffix("es").filter(|rest| rest.ends_with(['x', 'h', 's', 'i']));
        stem = shorter.unwrap_or(&stem[..stem.len() - 1]);
    }
    for ending in ["ing", "ed"] {
        if let Some(rest) = stem.strip_suffix(ending).filter(|rest| rest.len() >= 3 && rest.contains(is_vowel)) {
            let last = rest.as_bytes()[rest.len() - 1];
            let doubled = last == rest.as_bytes()[rest.len() - 2] && !b"lsz".contains(&last);
            stem = if doubled { &rest[..rest.len() - 1] } else { rest };
            break;
        }
    }
    match stem.strip_suffix('y') {
        Some(rest) => format!("{rest}i"),
        None => stem.strip_suffix('e').filter(|rest| rest.len() >= 3).unwrap_or(stem).to_string(),
    }
}

fn is_vowel(letter: char) -> bool {
    "aeiouy".contains(letter)
}

/// Estimates the number of tokens that a small model's tokenizer makes of `text`. A longer text
/// never has fewer.
///
/// Fitted to the word pieces of BERT's English vocabulary, which most small embedders use, on
/// prose, code and text in other scripts: common words are one token, long and rare ones several,
/// the later parts of `camelCaseNames` fall into pieces of three letters, long numbers into pieces
/// of two digits, and punctuation, ideographs and most letters that are not Latin stand nearly
/// alone.
pub fn estimated_tokens(text: &str) -> usize {
    let mut quarters = 0;
    let mut run = CharacterRun::NONE;
    for character in text.chars() {
        let kind = match character {
            'a'..='z' => CharacterKind::Lower,
            'A'..='Z' => CharacterKind::Upper,
            '0'..='9' => CharacterKind::Digit,
            _ => CharacterKind::Other,
        };
        if run.length > 0 && (kind == run.kind || (run.kind == CharacterKind::Upper && kind == CharacterKind::Lower)) {
            run = CharacterRun { kind, length: run.length + 1, ..run };
            continue;
        }
        quarters += run.quarters();
        if kind == CharacterKind::Other {
            quarters += match character {
                _ if character.is_whitespace() => 0,
                '\u{ac00}'..='\u{d7a3}' => 8,
                '\u{250}'..='\u{2e7f}' if character.is_alphabetic() => 3,
                _ => 4,
            };
            run = CharacterRun::NONE;
        } else {
            run = CharacterRun { kind, length: 1, inside_word: run.length > 0 };
        }
    }
    (quarters + run.quarters()).div_ceil(4)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum CharacterKind {
    Lower,
    Upper,
    Digit,
    Other,
}

/// Consecutive characters of one kind that a tokenizer treats as one; upper-case letters may come
/// before lower-case ones.
#[derive(Clone, Copy)]
struct CharacterRun {
    kind: CharacterKind,
    length: usize,
    inside_word: bool,
}

impl CharacterRun {
    const NONE: CharacterRun = CharacterRun { kind: CharacterKind::Other, length: 0, inside_word: false };

    /// The size of the run in quarters of a token; a longer run is never smaller.
    fn quarters(self) -> usize {
        let length = self.length;
        match self.kind {
            CharacterKind::Other => 0,
            CharacterKind::Digit => match length {
                1..=2 => 4,
                3..=4 => length + 3,
                _ => 2 * length + 1,
            },
            CharacterKind::Lower | CharacterKind::Upper => match length {
                1..=3 => 4,
                _ if self.inside_word => length * 4 / 3,
                4 => 4,
                5..=8 => 5,
                9..=13 => length - 3,
                _ => 2 * length - 16,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sentences_are_in_order_trimmed_and_lose_no_letter(text in "[a-zA-Zé漢 .!?\n#*|-]{0,200}") {
            let spans = sentences(&text);
            let mut before = 0;
            for span in &spans {
                prop_assert!(span.start >= before && span.start < span.end);
                prop_assert_eq!(span.of(&text).trim(), span.of(&text));
                before = span.end;
            }
            let letters = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            let kept: String = spans.iter().map(|span| letters(span.of(&text))).collect();
            prop_assert_eq!(kept, letters(&text));
        }

        #[test]
        fn a_longer_text_never_has_fewer_tokens(text in "[a-zA-Z0-9éж漢한 _.-]{0,60}", more in "\\PC") {
            let longer = format!("{text}{more}");
            prop_assert!(estimated_tokens(&text) <= estimated_tokens(&longer));
        }
    }

    #[test]
    fn wrapped_lines_are_one_sentence_and_list_items_are_their_own() {
        let text = "One sentence that is\nwrapped. Another.\n\n- item one\n- item two\n1. first\n";
        let found: Vec<_> = sentences(text).iter().map(|span| span.of(text)).collect();
        assert_eq!(found, ["One sentence that is\nwrapped.", "Another.", "- item one", "- item two", "1. first"]);
    }

    #[test]
    fn abbreviations_do_not_end_sentences() {
        let text =
            "The U.S. Army met Dr. J. R. Smith, e.g. In May. It was he. So said I. Then they left.\n\n1. First this.";
        let found: Vec<_> = sentences(text).iter().map(|span| span.of(text)).collect();
        assert_eq!(
            found,
            [
                "The U.S. Army met Dr. J. R. Smith, e.g. In May.",
                "It was he.",
                "So said I.",
                "Then they left.",
                "1. First this."
            ]
        );
    }

    #[test]
    fn content_words_are_the_same_in_every_form() {
        let words = |text: &str| content_words(text).collect::<Vec<_>>();
        assert!(STOP_WORDS.is_sorted());
        for (one, other) in [
            ("The indexes", "indexing"),
            ("stored", "It stores"),
            ("running", "run"),
            ("city", "cities"),
            ("the bird's 1,200 eggs", "birds 1200 egg"),
            ("boxes", "box"),
            ("called", "calls"),
            ("make", "making"),
        ] {
            assert_eq!(words(one), words(other), "{one} and {other}");
        }
        assert_eq!(words("It is not the 1.0.21 of naïve cafés"), ["not", "1.0.21", "naïve", "cafés"]);
        assert_ne!(words("bus"), words("busy"));
        assert_eq!(words(""), [""; 0]);
    }

    #[test]
    fn tokens_are_estimated_for_words_punctuation_and_ideographs() {
        assert_eq!(estimated_tokens("a cat, sat."), 5);
        assert_eq!(estimated_tokens("estimatedTokens"), 4);
        assert_eq!(estimated_tokens("2026-11-23"), 6);
        assert_eq!(estimated_tokens("漢字"), 2);
        assert_eq!(estimated_tokens(""), 0);
    }
}
