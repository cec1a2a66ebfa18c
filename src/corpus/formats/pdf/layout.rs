//! Headings told by how a PDF looks: letters that are larger, bolder or taller than those of its running text.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::Placed;
use super::blocks::is_bullet;
use crate::corpus::formats::outline::{Heading, on_one_line};

/// In larger letters than most of the text, by this factor; and enough for a short line.
const LARGER: f32 = 1.15;
const SLIGHTLY_LARGER: f32 = 1.07;
/// Letters of this share of a size and more are of that size.
const SAME_SIZE: f32 = 0.95;
const MAX_CHARACTERS: usize = 200;
const MAX_SHORT_CHARACTERS: usize = 120;
const MAX_LINES: usize = 3;
const MAX_WORDS: usize = 20;
const MAX_LEVELS: usize = 5;
/// Text of which more than this share is headings has none; nor does a look tell one that more than this share has.
const MAX_SHARE: usize = 4;
/// A title that stands at the edge of more pages than this is a running title.
const MAX_EDGES: usize = 3;

/// What letters look like, as far as it tells headings from text and from each other. The lesser one ranks higher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Look {
    /// In half points, how much smaller than the largest letters there are.
    smallness: u32,
    lowercase: bool,
    light: bool,
}

/// What has a look.
#[derive(Debug, Default)]
struct Use {
    bytes: usize,
    blocks: usize,
    /// Blocks that could be headings.
    titles: usize,
}

/// In the order of the text.
pub(super) fn headings(text: &str, blocks: &[Placed]) -> Vec<Heading> {
    let half_points = |placed: &Placed| (placed.block.size * 2.0).round() as u32;
    let largest = blocks.iter().map(half_points).max().unwrap_or(0);
    let look = |placed: &Placed| Look {
        smallness: largest - half_points(placed),
        lowercase: placed.span.of(text).contains(char::is_lowercase),
        light: !placed.block.bold,
    };
    let mut bytes: BTreeMap<u32, usize> = BTreeMap::new();
    let mut uses: BTreeMap<Look, Use> = BTreeMap::new();
    for placed in blocks {
        let length = placed.span.end - placed.span.start;
        *bytes.entry(half_points(placed)).or_default() += length;
        let of_look = uses.entry(look(placed)).or_default();
        of_look.bytes += length;
        of_look.blocks += 1;
        of_look.titles += usize::from(is_title(placed, text));
    }
    let Some((&most, _)) = bytes.iter().max_by_key(|&(&size, &bytes)| (bytes, size)) else { return Vec::new() };
    let stands_out = |placed: &Placed| {
        let (look, ratio) = (look(placed), half_points(placed) as f32 / most as f32);
        let of_look = &uses[&look];
        let tells = MAX_SHARE * of_look.bytes < text.len() && 2 * of_look.titles > of_look.blocks;
        let strong = !look.light || !look.lowercase;
        let slightly = ratio >= SLIGHTLY_LARGER || (ratio > SAME_SIZE && strong && tells);
        ratio >= LARGER || (slightly && is_short(placed, text))
    };
    let running = running_titles(text, blocks);
    let chosen: Vec<&Placed> = blocks
        .iter()
        .filter(|placed| is_title(placed, text) && stands_out(placed))
        .filter(|placed| !running.contains(&on_one_line(placed.span.of(text))))
        .collect();
    let share: usize = chosen.iter().map(|placed| placed.span.end - placed.span.start).sum();
    if share * MAX_SHARE > text.len() {
        return Vec::new();
    }
    let looks: BTreeSet<Look> = chosen.iter().map(|placed| look(placed)).collect();
    let level = |placed: &Placed| looks.range(..look(placed)).count().min(MAX_LEVELS - 1) as u8;
    chosen
        .iter()
        .map(|placed| {
            let title = on_one_line(placed.span.of(text));
            Heading { span: placed.span, level: 8 * level(placed) + depth(&title) + 1, title }
        })
        .collect()
}

/// Whether a block could be a heading: no item of a list, no sentence, no row of a table.
fn is_title(placed: &Placed, text: &str) -> bool {
    let (block, title) = (&placed.block, placed.span.of(text));
    !block.is_table
        && !block.aside
        && block.lines <= MAX_LINES
        && title.chars().count() <= MAX_CHARACTERS
        && title.split_whitespace().count() <= MAX_WORDS
        && title.chars().filter(|it| it.is_alphabetic()).count() >= 2
        && !title.lines().any(is_bullet)
        && !title.ends_with([',', ';'])
        && !has_sentences(title)
}

/// Whether a block is a line or two that could be a heading in letters like those around it.
fn is_short(placed: &Placed, text: &str) -> bool {
    let title = placed.span.of(text);
    placed.block.lines <= 2
        && title.chars().count() <= MAX_SHORT_CHARACTERS
        && !title.starts_with(char::is_lowercase)
        && !title.ends_with(['.', ':', '-'])
}

/// Whether a full stop after a word ends a sentence in it, or all of it that is longer than a title.
fn has_sentences(title: &str) -> bool {
    const MAX_TITLE_WORDS: usize = 7;
    let words: Vec<&str> = title.split_whitespace().collect();
    let ends = |word: &str| {
        let stem = word.trim_end_matches(['”', '"', ')', '’']);
        stem.strip_suffix(['.', '!', '?']).is_some_and(|stem| stem.chars().filter(|it| it.is_lowercase()).count() >= 3)
    };
    let (Some(last), count) = (words.last(), words.len()) else { return false };
    let inside = words.windows(2).any(|pair| ends(pair[0]) && pair[1].starts_with(char::is_uppercase) && pair[0] != words[0]);
    (inside && !title.contains('?')) || (count > MAX_TITLE_WORDS && last.ends_with('.'))
}

/// Titles at the top or the foot of so many pages that they name the document or a chapter, page by page.
fn running_titles(text: &str, blocks: &[Placed]) -> HashSet<String> {
    let mut edges: HashMap<String, usize> = HashMap::new();
    for page in blocks.chunk_by(|one, other| one.page == other.page) {
        let both = [page.first(), page.last().filter(|_| page.len() > 1)];
        for placed in both.into_iter().flatten().filter(|placed| placed.block.lines <= MAX_LINES) {
            *edges.entry(on_one_line(placed.span.of(text))).or_default() += 1;
        }
    }
    edges.into_iter().filter(|(_, pages)| *pages > MAX_EDGES).map(|(title, _)| title).collect()
}

/// Among headings that look the same, those with longer numbers lie deeper: "2.1" below "2"; and all below "Part II".
fn depth(title: &str) -> u8 {
    let first = title.split(' ').next().unwrap_or_default();
    if first.eq_ignore_ascii_case("part") {
        return 0;
    }
    let dots = first.trim_end_matches('.').matches('.').count();
    1 + if first.starts_with(|it: char| it.is_ascii_digit()) { dots.min(6) as u8 } else { 0 }
}
