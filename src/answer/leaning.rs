//! What a sentence cannot be understood without.

use std::collections::BTreeSet;

use super::Passage;
use crate::text::{estimated_tokens, is_list_item, is_table_row, words};

/// The most items of a list that are read together.
const MAX_ITEMS: usize = 12;

/// A section that answers a question in its heading is read whole up to this length.
const MAX_SECTION_TOKENS: usize = 80;

/// A heading with this share of the question's words, by rarity, asks the same.
const ASKS_THE_SAME: f32 = 0.6;

/// A sentence that begins so leans on the one before it.
const LEANING: [&str; 26] = [
    "it",
    "its",
    "this",
    "that",
    "these",
    "those",
    "they",
    "their",
    "them",
    "he",
    "his",
    "him",
    "she",
    "her",
    "such",
    "both",
    "another",
    "otherwise",
    "however",
    "but",
    "also",
    "instead",
    "then",
    "therefore",
    "thus",
    "so",
];

/// A sentence with one of these as its first or second word leans on the one before it, and limits
/// it.
const COMPARING: [&str; 6] = ["other", "others", "rest", "latter", "former", "same"];

/// A sentence that begins so limits what the one before it says.
const LIMITING: [&str; 7] = ["otherwise", "however", "but", "except", "unless", "exceptions", "instead"];

/// True if a few words answer: a name, a number, a date, a place. "What does X do?", "What is X?"
/// and "What happens if …?" ask for a sentence. The rules know English only.
pub(super) fn asks_for_a_fact(question: &str) -> bool {
    const MEASURES: [&str; 18] = [
        "many",
        "much",
        "long",
        "old",
        "far",
        "high",
        "tall",
        "large",
        "big",
        "often",
        "fast",
        "deep",
        "wide",
        "heavy",
        "soon",
        "late",
        "early",
        "expensive",
    ];
    const DETERMINERS: [&str; 11] = ["the", "a", "an", "his", "her", "their", "its", "your", "my", "our", "this"];
    let words: Vec<String> = words(question).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let asks = |at: usize| match words.get(at..).unwrap_or_default() {
        ["what", "do" | "does" | "did", .., "do" | "mean"] => false,
        ["what", "happens" | "should" | "can" | "must", ..] => false,
        ["what", "is" | "are", name, ..] => DETERMINERS.contains(name),
        ["who" | "whom" | "whose" | "when" | "where" | "which" | "what", ..] => true,
        ["how", measure, ..] => MEASURES.contains(measure),
        _ => false,
    };
    // "In what year …": a preposition or two may stand before.
    !asks_for_all(question) && (asks(0) || asks(1) || asks(2))
}

/// True if a whole list answers the question, and not one of its items.
pub(super) fn asks_for_all(question: &str) -> bool {
    let words: Vec<String> = words(question).take(3).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    matches!(
        words.as_slice(),
        ["list" | "enumerate" | "name", ..]
            | ["how", "do" | "does" | "can" | "could" | "to" | "should" | "would", ..]
            | ["what" | "which", "are" | "were" | "steps", ..]
    )
}

/// The sentence `main` with
/// * its header, if it is a row of a table without the names of the columns;
/// * the line that leads to its list if it is an item, and the other items if the question asks for
///   all of them, or the items that it leads to itself;
/// * the sentence after it, if that begins with a word like "otherwise" or "all other", because
///   without it the quote would say too much;
/// * the sentence before it, if it begins with a word like "it", or both are one comment of code;
/// * its section, if that is short and its heading asks the question.
pub(super) fn with_what_it_leans_on(passage: &Passage, main: usize, asks_for_all: bool) -> BTreeSet<usize> {
    let mut unit = BTreeSet::from([main]);
    let text = passage.sentence(main);
    let is_text = |&at: &usize| !passage.sentences[at].is_heading;
    if is_table_row(text) {
        unit.extend(run(passage, main, is_table_row).next().filter(|&first| is_header(passage, first, text)));
    } else if is_list_item(text) {
        let items = run(passage, main, is_list_item);
        let lead = items.clone().next().and_then(|first| first.checked_sub(1));
        unit.extend(lead.filter(is_text).filter(|&at| passage.sentence(at).ends_with(':')));
        if asks_for_all {
            unit.extend(items.take(MAX_ITEMS));
        }
    } else if text.ends_with(':') {
        let next = main + 1;
        let items = (next..passage.sentences.len()).take_while(|&at| is_list_item(passage.sentence(at)));
        let is_list = items.clone().next().is_some();
        unit.extend(items.take(MAX_ITEMS));
        unit.extend((!is_list && next < passage.sentences.len()).then_some(next).filter(is_text));
    }
    let after = Some(main + 1).filter(|&after| after < passage.sentences.len()).filter(is_text);
    unit.extend(after.filter(|&after| begins_with(passage.sentence(after), &LIMITING)));
    let before = main.checked_sub(1).filter(is_text);
    unit.extend(before.filter(|&before| begins_with(text, &LEANING) || is_one_comment(passage, before, main)));
    unit.extend(section_that_answers(passage, main));
    unit
}

/// The neighbours of `main` that are of the same kind, and `main`.
fn run(passage: &Passage, main: usize, is_one: fn(&str) -> bool) -> impl Iterator<Item = usize> + Clone {
    let is_one = |&at: &usize| is_one(passage.sentence(at));
    let before = (0..main).rev().take_while(is_one).count();
    let after = (main..passage.sentences.len()).take_while(is_one).count();
    main - before..main + after
}

/// True if the sentence `first` is the header of the table with `row`. A row of a sheet needs none,
/// because it has the name of the column in each cell; a table of Markdown that begins in another
/// chunk has none, which is known by the line of dashes below a header.
fn is_header(passage: &Passage, first: usize, row: &str) -> bool {
    let names_its_columns = row.matches(": ").count() > row.matches(" | ").count();
    let below = passage.chunk.text[passage.sentences[first].span.end..].trim_start().lines().next().unwrap_or_default();
    let is_ruled = below.contains('-') && below.chars().all(|character| "|-: ".contains(character));
    !names_its_columns && (is_ruled || !row.starts_with('|'))
}

/// True if both sentences stand in one line of a comment of code.
fn is_one_comment(passage: &Passage, before: usize, main: usize) -> bool {
    let between = passage.sentences[before].span.end..passage.sentences[main].span.start;
    passage.sentence(before).starts_with("//") && !passage.chunk.text[between].contains('\n')
}

/// True if the text begins with one of the words, or compares with what stands beside it.
fn begins_with(text: &str, beginnings: &[&str]) -> bool {
    let first: Vec<String> = words(text).take(2).collect();
    first.first().is_some_and(|word| beginnings.contains(&word.as_str()))
        || first.iter().any(|word| COMPARING.contains(&word.as_str()))
}

/// The section of the sentence, if its heading asks the question and it is short; else nothing.
fn section_that_answers(passage: &Passage, main: usize) -> impl Iterator<Item = usize> {
    let is_heading = |at: usize| passage.sentences[at].is_heading;
    let heading = (0..main).rev().find(|&at| is_heading(at));
    let asks = heading.filter(|&at| passage.sentences[at].coverage >= ASKS_THE_SAME);
    let first = asks.map_or(main, |heading| heading + 1);
    let section = (first..passage.sentences.len()).take_while(move |&at| asks.is_some() && !is_heading(at));
    let section: Vec<usize> = section.collect();
    let tokens: usize = section.iter().map(|&at| estimated_tokens(passage.sentence(at))).sum();
    section.into_iter().filter(move |_| tokens <= MAX_SECTION_TOKENS)
}

#[cfg(test)]
mod tests {
    use super::super::tests::passage;
    use super::*;

    /// What is read with each sentence that is no heading, as numbers of sentences.
    fn leaning(text: &str, asks_for_all: bool, heading_coverage: f32) -> Vec<Vec<usize>> {
        let mut passage = passage(text);
        for at in 0..passage.sentences.len() {
            passage.sentences[at].is_heading = passage.sentence(at).starts_with('#');
            passage.sentences[at].coverage = heading_coverage;
        }
        let mains = (0..passage.sentences.len()).filter(|&at| !passage.sentences[at].is_heading);
        mains.map(|main| with_what_it_leans_on(&passage, main, asks_for_all).into_iter().collect()).collect()
    }

    #[test]
    fn facts_and_explanations_are_told_apart() {
        for question in ["When does the lease end?", "In what year did it end?", "How many days?", "What is the bonus?"]
        {
            assert!(asks_for_a_fact(question), "{question}");
        }
        for question in [
            "What happens if I stop?",
            "What does open do?",
            "What is MAX_ROWS?",
            "How do I start it?",
            "Why?",
            "Are pets allowed?",
            "",
        ] {
            assert!(!asks_for_a_fact(question), "{question}");
        }
    }

    #[test]
    fn a_sentence_is_read_with_the_one_that_it_refers_to() {
        let text = "The tenant pays for small repairs. All other repairs are paid by the landlord. Cats are allowed.";
        assert_eq!(leaning(text, false, 0.0), [vec![0, 1], vec![0, 1], vec![2]]);
    }

    #[test]
    fn items_rows_and_sections_are_read_with_their_leads_headers_and_headings() {
        let list = "The steps are:\n\n1. Open it.\n2. Close it.\n\nDone.";
        assert_eq!(leaning(list, false, 0.0), [vec![0, 1, 2], vec![0, 1], vec![0, 2], vec![3]]);
        assert_eq!(leaning(list, true, 0.0)[1], [0, 1, 2]);
        let rows = "| Weber | 17 |\n| Klein | 18 |";
        assert_eq!(leaning(rows, false, 0.0), [[0], [1]], "the header is in another chunk");
        let table = format!("| name | number |\n|---|--:|\n{rows}");
        assert_eq!(leaning(&table, false, 0.0).last().unwrap()[0], 0);
        let sheet = "name | number\nname: Weber | number: 17";
        assert_eq!(leaning(sheet, false, 0.0), [[0], [1]]);
        let section = "# Leave\n\n25 days. Older people have 30.\n\n# Other";
        assert_eq!(leaning(section, false, 1.0), [vec![1, 2], vec![1, 2]]);
        assert_eq!(leaning(section, false, 0.3), [vec![1], vec![2]]);
    }
}
