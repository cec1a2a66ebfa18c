//! Chooses what a generator reads: the sentences that answer the question best, with those that
//! they lean on.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::Passage;
use crate::error::{Error, Result};
use crate::models::contracts::Generator;
use crate::models::prompt::{Prompt, PromptPassage, Quote, Task};
use crate::text::{estimated_tokens, words};

/// Two sentences with this share of common words say the same; the better one is read.
const SAME_WORDS: f32 = 0.8;

/// The most items of a list that are read with the sentence that leads to it.
const MAX_ITEMS: usize = 12;

/// A sentence that begins so cannot be understood without the one before it.
const LEANING: [&str; 30] = [
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
    "other",
    "others",
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
    "here",
    "there",
];

/// What a generator reads.
#[derive(Debug, Clone, Copy)]
pub struct AnswerLimits {
    /// The most tokens of passages that are read, by [`estimated_tokens`]. The best sentence is
    /// read whatever its length.
    pub budget_tokens: usize,
    /// The most tokens of the answer, by the generator's count.
    pub answer_tokens: usize,
}

/// A prompt, and the passages that are in it, by number.
#[derive(Debug)]
pub(super) struct Packed {
    pub prompt: Prompt,
    pub passages: Vec<Passage>,
}

/// Builds the prompt from the best sentences of `passages` within the limits and the generator's
/// context. The passage with the best sentence is the first one.
///
/// # Errors
/// When not even the best sentence fits into the context, or the generator cannot count.
pub(super) fn pack(
    generator: &dyn Generator,
    question: &str,
    passages: &[Passage],
    limits: AnswerLimits,
) -> Result<Packed> {
    let mut chosen = choose(passages, limits.budget_tokens);
    let room = generator.context_tokens().saturating_sub(limits.answer_tokens);
    loop {
        let packed = packed(question, passages, &chosen, limits.answer_tokens);
        if generator.prompt_tokens(&packed.prompt)? <= room {
            return Ok(packed);
        }
        chosen.pop();
        if chosen.is_empty() {
            break;
        }
    }
    Err(Error::input(format!(
        "the question leaves no room for a passage: {} reads {} tokens, {} of them for its answer",
        generator.name(),
        generator.context_tokens(),
        limits.answer_tokens
    ))
    .with_hint("ask a shorter question, or lower answer_tokens"))
}

/// A sentence with those that it cannot be understood without.
#[derive(Debug)]
struct Unit<'p> {
    passage: usize,
    /// The sentence.
    main: usize,
    /// The sentence and those that it leans on, ascending.
    sentences: BTreeSet<usize>,
    words: HashSet<String>,
    text: &'p Passage,
}

impl Unit<'_> {
    fn score(&self) -> f32 {
        self.text.sentences[self.main].score
    }
}

/// The units to read, best first.
fn choose(passages: &[Passage], budget_tokens: usize) -> Vec<Unit<'_>> {
    let units = passages.iter().enumerate().flat_map(|(at, passage)| units(at, passage));
    let mut ranked: Vec<Unit> = units.collect();
    ranked.sort_by(|one, other| {
        other.score().total_cmp(&one.score()).then((one.passage, one.main).cmp(&(other.passage, other.main)))
    });
    let mut chosen: Vec<Unit> = Vec::new();
    let mut read: BTreeSet<(usize, usize)> = BTreeSet::new();
    let mut tokens = 0;
    for unit in ranked {
        if chosen.iter().any(|other| says_the_same(other, &unit)) {
            continue;
        }
        let new = unit.sentences.iter().filter(|&&sentence| !read.contains(&(unit.passage, sentence)));
        let cost: usize = new.map(|&sentence| estimated_tokens(text_of(unit.text, sentence))).sum();
        if tokens + cost > budget_tokens && !chosen.is_empty() {
            break;
        }
        tokens += cost;
        read.extend(unit.sentences.iter().map(|&sentence| (unit.passage, sentence)));
        chosen.push(unit);
    }
    chosen
}

/// The sentences that can answer. Headings do so only where there is nothing else.
fn units(at: usize, passage: &Passage) -> impl Iterator<Item = Unit<'_>> {
    let has_only_headings = passage.sentences.iter().all(|sentence| sentence.is_heading);
    let answers = move |&sentence: &usize| has_only_headings || !passage.sentences[sentence].is_heading;
    (0..passage.sentences.len()).filter(answers).map(move |main| Unit {
        passage: at,
        main,
        sentences: with_what_it_leans_on(passage, main),
        words: words(text_of(passage, main)).collect(),
        text: passage,
    })
}

fn text_of(passage: &Passage, sentence: usize) -> &str {
    passage.sentences[sentence].span.of(&passage.chunk.text)
}

fn says_the_same(one: &Unit, other: &Unit) -> bool {
    let common = one.words.intersection(&other.words).count() as f32;
    let all = one.words.union(&other.words).count() as f32;
    all > 0.0 && common / all >= SAME_WORDS
}

/// The sentence, the one before it if it begins with a word like "it", the line that leads to a
/// list if it is an item of one or the list if it leads to one, and the header if it is a row.
fn with_what_it_leans_on(passage: &Passage, main: usize) -> BTreeSet<usize> {
    let mut unit = BTreeSet::from([main]);
    let is_heading = |at: usize| passage.sentences[at].is_heading;
    let text = |at: usize| text_of(passage, at);
    let before = |is_part: fn(&str) -> bool| {
        let run = (0..main).rev().take_while(|&at| is_part(text(at)) && !is_heading(at));
        run.last().unwrap_or(main)
    };
    if is_row(text(main)) {
        unit.insert(before(is_row));
    } else if is_item(text(main)) {
        let first = before(is_item);
        unit.extend(first.checked_sub(1).filter(|&at| !is_heading(at)));
    } else {
        let first = words(text(main)).next().unwrap_or_default();
        if LEANING.contains(&first.as_str()) {
            unit.extend(main.checked_sub(1).filter(|&at| !is_heading(at)));
        }
        if text(main).ends_with(':') {
            let items = (main + 1..passage.sentences.len()).take_while(|&at| !is_heading(at));
            let is_list = items.clone().next().is_some_and(|at| is_item(text(at)));
            unit.extend(items.take_while(|&at| !is_list || is_item(text(at))).take(if is_list {
                MAX_ITEMS
            } else {
                1
            }));
        }
    }
    unit
}

fn is_row(text: &str) -> bool {
    text.starts_with('|') || text.contains(" | ")
}

fn is_item(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text.starts_with(['-', '*', '+', '•']) || (digits > 0 && text[digits..].starts_with(['.', ')']))
}

fn packed(question: &str, passages: &[Passage], chosen: &[Unit], max_answer_tokens: usize) -> Packed {
    let mut numbers: Vec<usize> = Vec::new();
    let mut read: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for unit in chosen {
        if !numbers.contains(&unit.passage) {
            numbers.push(unit.passage);
        }
        read.entry(unit.passage).or_default().extend(&unit.sentences);
    }
    let passage = |&number: &usize| {
        let passage = &passages[number];
        let quotes = chosen.iter().filter(|unit| unit.passage == number).map(|unit| Quote {
            text: joined(passage, &unit.sentences),
            score: unit.score(),
            coverage: passage.sentences[unit.main].coverage,
        });
        PromptPassage { text: with_headings(passage, &read[&number]), quotes: quotes.collect() }
    };
    let prompt = Prompt {
        task: Task::Answer,
        question: question.to_string(),
        passages: numbers.iter().map(passage).collect(),
        max_answer_tokens,
    };
    Packed { prompt, passages: numbers.iter().map(|&number| passages[number].clone()).collect() }
}

/// The sentences under their headings: those of the chunk, and the last one in the text before
/// each.
fn with_headings(passage: &Passage, sentences: &BTreeSet<usize>) -> String {
    let heading = |at: &usize| (0..*at).rev().find(|&before| passage.sentences[before].is_heading);
    let all: BTreeSet<usize> = sentences.iter().copied().chain(sentences.iter().filter_map(heading)).collect();
    match passage.chunk.context() {
        context if context.is_empty() => joined(passage, &all),
        context => format!("# {context}\n\n{}", joined(passage, &all)),
    }
}

/// Neighbours as they stand in the text; others on lines of their own.
fn joined(passage: &Passage, sentences: &BTreeSet<usize>) -> String {
    let mut text = String::new();
    let mut last: Option<usize> = None;
    for &at in sentences {
        let span = passage.sentences[at].span;
        match last {
            Some(before) if before + 1 == at => {
                text.push_str(&passage.chunk.text[passage.sentences[before].span.end..span.start]);
            }
            Some(_) => text.push('\n'),
            None => {}
        }
        text.push_str(span.of(&passage.chunk.text));
        last = Some(at);
    }
    text
}
