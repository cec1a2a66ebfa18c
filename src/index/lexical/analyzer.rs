//! Splits a text into terms: words, parts of identifiers, exact tokens, and pairs of characters.
//!
//! The pairs are for scripts that write words without spaces. Stop words and stems come afterwards,
//! see `lexical`.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

pub use super::figures::{exact_figures, figures};
use crate::text::Span;

/// Changes whenever the terms of some text change, so that old terms are never compared with new
/// ones.
pub const VERSION: u32 = 5;

/// Longer terms are left out: nobody types them.
const MAX_TERM_BYTES: usize = 64;

/// A term and its span in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The term in Unicode's NFKC form and in lower case.
    pub text: String,
    /// The span of the term in the text.
    pub span: Span,
}

/// The terms of `text`, ordered by their start, longer terms before their parts. `parseHttp` gives
/// `parsehttp`, `parse` and `http`; `1.0.21` gives itself and its numbers; 東京都 gives its characters
/// and its pairs. A number or a date that can be written in several ways also gives one form that
/// is the same for all of them, see [`figures`].
pub fn terms(text: &str) -> Vec<Term> {
    let mut terms = figures(text);
    for span in compounds(text) {
        push_compound(text, span, &mut terms);
    }
    terms.sort_by_key(|term| term.span.start); // stable: longer terms before their parts
    terms
}

/// The runs of words joined by single characters, as in `1.0.21`, `utf-8`, `a/b.c`,
/// `me@example.com`, `C++`; and the words that nothing joins.
pub fn compounds(text: &str) -> Vec<Span> {
    let mut compounds = Vec::new();
    let mut rest = 0;
    while let Some(start) = text[rest..].find(is_word).map(|at| at + rest) {
        let end = end_of_compound(text, start);
        compounds.push(Span { start, end });
        rest = end;
    }
    compounds
}

fn end_of_compound(text: &str, start: usize) -> usize {
    let mut end = start;
    loop {
        end += text[end..].find(|c| !is_word(c)).unwrap_or(text.len() - end);
        let mut after = text[end..].chars();
        match (after.next(), after.next()) {
            (Some(joint), Some(next)) if is_joint(joint) && is_word(next) => end += joint.len_utf8(),
            (Some('+'), Some('+')) => return end + 2,
            (Some('#'), _) => return end + 1,
            _ => return end,
        }
    }
}

fn push_compound(text: &str, span: Span, terms: &mut Vec<Term>) {
    let whole = span.of(text);
    let before = terms.len();
    let mut words = 0;
    let mut at = span.start;
    for piece in whole.split(|c| !is_word(c) || c == '_') {
        if !piece.is_empty() {
            words += 1;
            push_word(text, Span { start: at, end: at + piece.len() }, terms);
        }
        at += piece.len() + text[at + piece.len()..].chars().next().map_or(0, char::len_utf8);
    }
    let is_joined = words > 1 || whole.ends_with(['+', '#']);
    // `two-dimensional` is two words; `foo-2` is one name.
    let is_prose = whole.chars().all(|c| c.is_alphabetic() || c == '-');
    if is_joined && !is_prose && !whole.contains(is_unspaced) {
        let mut parts = terms.split_off(before);
        push_term(text, span, terms);
        terms.append(&mut parts);
    }
}

/// Adds the terms of a run of letters and digits: the run and its parts by case and digits, or the
/// characters and pairs of a script without spaces.
fn push_word(text: &str, span: Span, terms: &mut Vec<Term>) {
    for run in split(text, span, |before, c| is_unspaced(before) != is_unspaced(c)) {
        if run.of(text).starts_with(is_unspaced) {
            push_pairs(text, run, terms);
            continue;
        }
        push_term(text, run, terms);
        let parts = split_identifier(text, run);
        if parts.len() > 1 {
            parts.into_iter().for_each(|part| push_term(text, part, terms));
        }
    }
}

fn push_pairs(text: &str, run: Span, terms: &mut Vec<Term>) {
    let starts: Vec<usize> = run.of(text).char_indices().map(|(at, _)| run.start + at).chain([run.end]).collect();
    for at in 0..starts.len() - 1 {
        if let Some(&end) = starts.get(at + 2) {
            push_term(text, Span { start: starts[at], end }, terms);
        }
        let one = Span { start: starts[at], end: starts[at + 1] };
        if starts.len() == 2 || one.of(text).starts_with(is_han) {
            push_term(text, one, terms);
        }
    }
}

/// Cuts `readHTTPServer2` into `read`, `HTTP`, `Server` and `2`.
fn split_identifier(text: &str, span: Span) -> Vec<Span> {
    let mut parts = split(text, span, |before, c| {
        (before.is_lowercase() && c.is_uppercase())
            || (before.is_numeric() != c.is_numeric() && !is_combining_mark(c) && !is_combining_mark(before))
    });
    // The last capital of a run belongs to the word that follows it.
    parts = parts
        .into_iter()
        .flat_map(|part| {
            let letters: Vec<(usize, char)> = part.of(text).char_indices().collect();
            let capitals = letters.iter().take_while(|(_, c)| c.is_uppercase()).count();
            if capitals > 1 && capitals < letters.len() {
                let cut = part.start + letters[capitals - 1].0;
                vec![Span { start: part.start, end: cut }, Span { start: cut, end: part.end }]
            } else {
                vec![part]
            }
        })
        .collect();
    parts
}

/// Cuts `span` between any two neighbouring characters for which `cuts` returns true.
fn split(text: &str, span: Span, cuts: impl Fn(char, char) -> bool) -> Vec<Span> {
    let mut parts = Vec::new();
    let mut start = span.start;
    let mut before: Option<char> = None;
    for (at, c) in span.of(text).char_indices() {
        if before.is_some_and(|before| cuts(before, c)) {
            parts.push(Span { start, end: span.start + at });
            start = span.start + at;
        }
        before = Some(c);
    }
    parts.push(Span { start, end: span.end });
    parts
}

fn push_term(text: &str, span: Span, terms: &mut Vec<Term>) {
    if span.end - span.start <= MAX_TERM_BYTES {
        let normal: String = span.of(text).nfkc().collect::<String>().to_lowercase();
        if !normal.is_empty() {
            terms.push(Term { text: normal, span });
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || is_combining_mark(c)
}

fn is_joint(c: char) -> bool {
    matches!(c, '.' | '-' | '/' | '@' | ':' | '+' | '#')
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}')
}

/// True for letters of scripts that write words without spaces, or with endings that obscure the
/// word, as Korean does.
pub fn is_unspaced(c: char) -> bool {
    is_han(c)
        || matches!(c,
            '\u{0e00}'..='\u{0eff}' // Thai, Lao
            | '\u{1000}'..='\u{109f}' // Myanmar
            | '\u{1780}'..='\u{17ff}' // Khmer
            | '\u{3005}'..='\u{3007}'
            | '\u{3040}'..='\u{30ff}' // Hiragana, Katakana
            | '\u{31f0}'..='\u{31ff}'
            | '\u{ac00}'..='\u{d7af}' // Hangul
            | '\u{ff66}'..='\u{ff9f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(text: &str) -> Vec<String> {
        terms(text).into_iter().map(|term| term.text).collect()
    }

    #[test]
    fn identifiers_are_found_whole_and_by_their_parts() {
        assert_eq!(texts("parseHttpRequest"), ["parsehttprequest", "parse", "http", "request"]);
        assert_eq!(texts("HTTPServer2"), ["httpserver2", "http", "server", "2"]);
        assert_eq!(texts("read_file_at()"), ["read_file_at", "read", "file", "at"]);
        assert_eq!(texts("E0599"), ["e0599", "e", "0599"]);
        assert_eq!(texts("Kinglet"), ["kinglet"]);
    }

    #[test]
    fn exact_tokens_are_found_exactly() {
        assert_eq!(texts("v 1.0.21."), ["v", "1.0.21", "1", "0", "21"]);
        assert_eq!(texts("utf-8, two-dimensional"), ["utf-8", "utf", "8", "two", "dimensional"]);
        assert_eq!(texts("C++ or C#"), ["c++", "c", "or", "c#", "c"]);
        assert_eq!(texts("me@example.com"), ["me@example.com", "me", "example", "com"]);
        assert_eq!(texts("/etc/hosts"), ["etc/hosts", "etc", "hosts"]);
    }

    #[test]
    fn scripts_without_spaces_are_found_by_pairs() {
        assert_eq!(texts("東京都"), ["東京", "東", "京都", "京", "都"]);
        assert_eq!(texts("ไทย"), ["ไท", "ทย"]);
        assert_eq!(texts("GPU計算"), ["gpu", "計算", "計", "算"]);
        assert_eq!(texts("e\u{301}té ﬁn"), ["été", "fin"]);
    }

    proptest! {
        #[test]
        fn every_term_is_the_text_in_its_span(text in ".{0,200}") {
            let found = terms(&text);
            for term in &found {
                prop_assert!(!term.text.is_empty() && term.span.start < term.span.end);
                prop_assert!(text.get(term.span.start..term.span.end).is_some());
                let again: String = term.span.of(&text).nfkc().collect::<String>().to_lowercase();
                prop_assert_eq!(&term.text, &again);
            }
            prop_assert!(found.windows(2).all(|pair| pair[0].span.start <= pair[1].span.start));
        }

        #[test]
        fn a_term_as_a_text_has_itself_as_a_term(text in "[a-zA-Z0-9_.@/+#äÖßéИж東京ไทย한 -]{0,40}") {
            for term in texts(&text) {
                prop_assert!(texts(&term).contains(&term), "{term} alone gives {:?}", texts(&term));
            }
        }

        #[test]
        fn words_have_the_same_terms_alone_and_in_a_text(first in "[a-z]{1,12}", second in "[A-Z][a-z]{1,12}") {
            let together = texts(&format!("{first} {second}"));
            prop_assert_eq!(together, [texts(&first), texts(&second)].concat());
        }
    }
}
