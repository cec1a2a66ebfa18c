//! Finds the exact things in a question: codes, numbers, dates and names of definitions.

use crate::index::lexical::{analyzer, stems};
use crate::language::Language;
use crate::text::Span;

/// A code or a number has at least so many digits.
const LEAST_DIGITS: usize = 3;
/// A code in groups has at least so many of them, with so many digits.
const LEAST_GROUPS: usize = 3;
const LEAST_DIGITS_IN_GROUPS: usize = 7;
/// The words that begin titles of definitions.
const KEYWORDS: [&str; 22] = [
    "struct",
    "enum",
    "trait",
    "fn",
    "const",
    "static",
    "type",
    "mod",
    "macro_rules",
    "union",
    "class",
    "def",
    "func",
    "function",
    "interface",
    "object",
    "module",
    "namespace",
    "record",
    "protocol",
    "val",
    "fun",
];

/// A thing of the question that a passage has whole or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExactThing {
    /// As it is written in the question.
    pub written: String,
    /// The terms of which a passage must have one if it has not the thing as it is written. A code
    /// in several groups, such as a telephone number, has none.
    pub terms: Vec<String>,
    /// How many words of the question it takes, with a keyword before it.
    pub words: usize,
    /// The title of a definition, if a keyword stands before the name.
    pub title: Option<String>,
    /// True if it may be the name of a definition.
    pub is_name: bool,
}

/// The exact things of `question`, in an index of texts in `language`.
pub(super) fn exact_things(question: &str, language: Language) -> Vec<ExactThing> {
    let words = stems(question, language);
    let compounds = analyzer::compounds(question);
    let thing = |span: Span, terms: Vec<String>| ExactThing {
        written: span.of(question).to_string(),
        terms,
        words: span.of(question).split_whitespace().count(),
        title: None,
        is_name: false,
    };
    let mut things: Vec<(Span, ExactThing)> = Vec::new();
    for span in codes_in_groups(question, &compounds) {
        things.push((span, thing(span, Vec::new())));
    }
    for figure in analyzer::exact_figures(question) {
        let is_part = |(span, _): &(Span, ExactThing)| span.start < figure.span.end && figure.span.start < span.end;
        if !things.iter().any(is_part) {
            things.push((figure.span, thing(figure.span, figure.forms)));
        }
    }
    for (at, &span) in compounds.iter().enumerate() {
        let written = span.of(question);
        let term = words.iter().find(|word| word.span == span).map(|word| word.stem.clone());
        if let Some((_, known)) =
            things.iter_mut().find(|(known, _)| known.start <= span.start && span.end <= known.end)
        {
            if known.written == written {
                known.terms.extend(term);
            }
            continue;
        }
        let keyword = at.checked_sub(1).map(|before| compounds[before].of(question));
        let keyword = keyword.filter(|keyword| KEYWORDS.contains(keyword));
        let is_name = is_identifier(written) && (keyword.is_some() || compounds.len() == 1 || is_exact(written));
        if let Some(term) = term.filter(|_| is_name || is_exact(written)) {
            let title = keyword.map(|keyword| format!("{keyword} {written}"));
            let words = 1 + usize::from(title.is_some());
            things.push((span, ExactThing { title, is_name, words, ..thing(span, vec![term]) }));
        }
    }
    things.into_iter().map(|(_, thing)| thing).collect()
}

/// The runs of groups with a space between them that make one code: a telephone or account number.
fn codes_in_groups(question: &str, compounds: &[Span]) -> Vec<Span> {
    let is_group = |text: &str| {
        text.chars().any(|c| c.is_ascii_digit()) || text.len() >= 2 && text.chars().all(|c| c.is_ascii_uppercase())
    };
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).count();
    let mut codes = Vec::new();
    let mut run: Vec<Span> = Vec::new();
    for &span in compounds.iter().chain([&Span { start: usize::MAX, end: usize::MAX }]) {
        let text = question.get(span.start..span.end).unwrap_or_default();
        let follows = run.last().is_some_and(|last| question.get(last.end..span.start) == Some(" "));
        if is_group(text) && (run.is_empty() || follows) {
            run.push(span);
            continue;
        }
        if let [first, .., last] = run[..] {
            let code = Span { start: first.start, end: last.end };
            let is_years = run.iter().all(|span| is_year(span.of(question)));
            if !is_years && run.len() >= LEAST_GROUPS && digits(code.of(question)) >= LEAST_DIGITS_IN_GROUPS {
                codes.push(code);
            }
        }
        run.clear();
        if is_group(text) {
            run.push(span);
        }
    }
    codes
}

fn is_year(group: &str) -> bool {
    group.len() == 4 && (group.starts_with("19") || group.starts_with("20"))
}

/// True for what is no common word: with several digits, `snake_case`, `camelCase`, an address, a
/// path.
pub(super) fn is_exact(written: &str) -> bool {
    let digits = written.chars().filter(char::is_ascii_digit).count();
    // Two small letters before a capital and one behind: `openIndex`, and not `mRNA`.
    let small = u8::is_ascii_lowercase;
    let is_hump = |four: &[u8]| small(&four[0]) && small(&four[1]) && four[2].is_ascii_uppercase() && small(&four[3]);
    let is_camel = written.as_bytes().windows(4).any(is_hump);
    digits >= LEAST_DIGITS || is_camel || written.contains(['_', '@'])
}

fn is_identifier(written: &str) -> bool {
    written.chars().all(|c| c.is_alphanumeric() || c == '_') && !written.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(question: &str) -> Vec<String> {
        exact_things(question, Language::English).into_iter().map(|it| it.written).collect()
    }

    #[test]
    fn codes_numbers_dates_and_names_are_exact_things_and_words_are_not() {
        for (question, things) in [
            ("what does error E0599 mean", &["E0599"][..]),
            ("PO-2026-0458 or po-2026-0471?", &["PO-2026-0458", "po-2026-0471"]),
            ("where is 17,606 from", &["17,606"]),
            ("4740 pieces", &["4740"]),
            ("the meeting of 12 March 2026 about v2", &["12 March 2026"]),
            ("call +44 1632 960174 today", &["44 1632 960174"]),
            ("GB00 KSTR 2090 4717 6060 47", &["GB00 KSTR 2090 4717 6060 47"]),
            ("how does open_or_create work", &["open_or_create"]),
            ("struct Segment", &["Segment"]),
            ("SegmentReader", &["SegmentReader"]),
            ("fuse", &["fuse"]),
            ("who pays for repairs of the IL-2 gene in 2 places", &[]),
        ] {
            assert_eq!(found(question), things, "{question}");
        }
    }
}
