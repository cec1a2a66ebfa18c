//! Headings told by how a PDF looks: letters that are larger, bolder or taller than those of its
//! running text.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::blocks::PlacedBlock;
use super::blocks::is_bullet;
use crate::outline::{Heading, on_one_line};

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
/// Text of which more than this share is headings has none; nor does a look tell one that more than
/// this share has.
const MAX_SHARE: usize = 4;
/// Of more lines that end with the number of a page, a page is one of a table of contents.
const MAX_NUMBERED: usize = 4;
/// A title that stands at the edge of more pages than this is a running title.
const MAX_EDGES: usize = 3;

/// What letters look like, as far as it tells headings from text and from each other. The lesser
/// one ranks higher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// Blocks, points of lists aside.
    blocks: usize,
    /// Blocks that could be headings.
    titles: usize,
}

/// In the order of the text.
pub(super) fn headings(text: &str, blocks: &[PlacedBlock]) -> Vec<Heading> {
    let half_points = |placed: &PlacedBlock| (placed.block.size * 2.0).round() as u32;
    let largest = blocks.iter().map(half_points).max().unwrap_or(0);
    let look = |placed: &PlacedBlock| Look {
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
        of_look.blocks += usize::from(!placed.span.of(text).lines().any(is_bullet));
        of_look.titles += usize::from(is_title(placed, text));
    }
    let Some((&most, _)) = bytes.iter().max_by_key(|&(&size, &bytes)| (bytes, size)) else { return Vec::new() };
    let stands_out = |placed: &PlacedBlock| {
        let (look, ratio) = (look(placed), half_points(placed) as f32 / most as f32);
        let of_look = &uses[&look];
        let tells = MAX_SHARE * of_look.bytes < text.len() && 2 * of_look.titles > of_look.blocks;
        let strong = !look.light || !look.lowercase;
        let slightly = ratio >= SLIGHTLY_LARGER || (ratio > SAME_SIZE && strong && tells);
        ratio >= LARGER || (slightly && is_short(placed, text))
    };
    let mut running = running_titles(text, blocks, look);
    let (contents, numbered) = (contents(text, blocks), with_page_numbers(text, blocks));
    let chosen: Vec<&PlacedBlock> = blocks
        .iter()
        .filter(|placed| is_title(placed, text) && stands_out(placed))
        .filter(|placed| {
            let (title, has_number) = without_page_number(placed.span.of(text));
            running.get_mut(&(look(placed), title)).is_none_or(|seen| !has_number && !std::mem::replace(seen, true))
        })
        .filter(|placed| !numbered.contains(&placed.span.start))
        .filter(|placed| !(contents.contains(&placed.page) && has_page_number(placed.span.of(text))))
        .collect();
    let share: usize = chosen.iter().map(|placed| placed.span.end - placed.span.start).sum();
    if share * MAX_SHARE > text.len() {
        return Vec::new();
    }
    let looks: BTreeSet<Look> = chosen.iter().map(|placed| look(placed)).collect();
    let level = |placed: &PlacedBlock| looks.range(..look(placed)).count().min(MAX_LEVELS - 1) as u8;
    chosen
        .iter()
        .map(|placed| {
            let title = on_one_line(placed.span.of(text));
            Heading { span: placed.span, level: 8 * level(placed) + depth(&title) + 1, title }
        })
        .collect()
}

/// True if a block could be a heading: no item of a list, no sentence, no row of a table.
fn is_title(placed: &PlacedBlock, text: &str) -> bool {
    let (block, title) = (&placed.block, placed.span.of(text));
    !block.is_table
        && !block.aside
        && block.lines <= MAX_LINES
        && title.chars().count() <= MAX_CHARACTERS
        && title.split_whitespace().count() <= MAX_WORDS
        && title.chars().filter(|it| it.is_alphabetic()).count() >= 2
        && !title.chars().all(|it| matches!(it, 'i' | 'v' | 'x'))
        && !title.contains("...")
        && !title.lines().any(is_bullet)
        && !title.ends_with([',', ';'])
        && !is_caption(title)
        && !has_sentences(title)
}

/// True if a title is that of a figure or a table.
fn is_caption(title: &str) -> bool {
    let mut words = title.split_whitespace();
    let named = words.next().is_some_and(|it| ["Figure", "Fig.", "FIGURE", "Table", "TABLE"].contains(&it));
    named && words.next().is_some_and(|it| it.contains(|it: char| it.is_ascii_digit()))
}

/// True if a block is a line or two that could be a heading in letters like those around it.
fn is_short(placed: &PlacedBlock, text: &str) -> bool {
    let title = placed.span.of(text);
    placed.block.lines <= 2
        && title.chars().count() <= MAX_SHORT_CHARACTERS
        && !title.starts_with(char::is_lowercase)
        && !title.ends_with(['.', ':', '-'])
}

/// True if a full stop after a word ends a sentence in it, or all of it that is longer than a
/// title.
fn has_sentences(title: &str) -> bool {
    const MAX_TITLE_WORDS: usize = 7;
    let words: Vec<&str> = title.split_whitespace().collect();
    let ends = |word: &str| {
        let stem = word.trim_end_matches(['”', '"', ')', '’']);
        stem.strip_suffix(['.', '!', '?']).is_some_and(|stem| stem.chars().filter(|it| it.is_lowercase()).count() >= 3)
    };
    let (Some(last), count) = (words.last(), words.len()) else { return false };
    let inside =
        words.windows(2).any(|pair| ends(pair[0]) && pair[1].starts_with(char::is_uppercase) && pair[0] != words[0]);
    title.contains('。') || (inside && !title.contains('?')) || (count > MAX_TITLE_WORDS && last.ends_with('.'))
}

/// The first and the last block of each page.
fn edges(blocks: &[PlacedBlock]) -> impl Iterator<Item = &PlacedBlock> {
    let pages = blocks.chunk_by(|one, other| one.page == other.page);
    let both = pages.flat_map(|page| [page.first(), page.last().filter(|_| page.len() > 1)]);
    both.flatten().filter(|placed| placed.block.lines <= MAX_LINES)
}

/// Titles at the top or the foot of so many pages that they name the document or a chapter, page by
/// page; the first of each may be its heading. None has been seen yet.
fn running_titles(
    text: &str,
    blocks: &[PlacedBlock],
    look: impl Fn(&PlacedBlock) -> Look,
) -> HashMap<(Look, String), bool> {
    let mut titles: HashMap<(Look, String), usize> = HashMap::new();
    for placed in edges(blocks) {
        *titles.entry((look(placed), without_page_number(placed.span.of(text)).0)).or_default() += 1;
    }
    titles.into_iter().filter(|(_, pages)| *pages > MAX_EDGES).map(|(title, _)| (title, false)).collect()
}

/// Where blocks start that hold the number of their page, as far ahead of the place of the page as
/// on most.
fn with_page_numbers(text: &str, blocks: &[PlacedBlock]) -> HashSet<usize> {
    let ahead = |placed: &PlacedBlock| {
        let title = placed.span.of(text);
        let words = [title.split_whitespace().next_back(), title.split_whitespace().next()];
        let number = words.into_iter().flatten().find_map(|word| word.parse::<i64>().ok())?;
        Some((placed.span.start, number - placed.page as i64))
    };
    let found: Vec<(usize, i64)> = edges(blocks).filter_map(ahead).collect();
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    for (_, ahead) in &found {
        *counts.entry(*ahead).or_default() += 1;
    }
    let usual = counts.into_iter().filter(|(_, count)| *count > MAX_EDGES).max_by_key(|(_, count)| *count);
    found
        .into_iter()
        .filter(|(_, ahead)| usual.is_some_and(|(usual, _)| usual == *ahead))
        .map(|(start, _)| start)
        .collect()
}

/// A title on one line without a number at its beginning or its end, and whether it has one.
fn without_page_number(title: &str) -> (String, bool) {
    let words: Vec<&str> = title.split_whitespace().collect();
    let is_number = |word: &&str| word.bytes().all(|it| it.is_ascii_digit());
    let start = usize::from(words.first().is_some_and(is_number));
    let end = words.len() - usize::from(words.len() > start && words.last().is_some_and(is_number));
    (words[start..end].join(" "), end - start < words.len())
}

/// Pages of a table of contents: those with several lines that end with the number of a page.
fn contents(text: &str, blocks: &[PlacedBlock]) -> HashSet<usize> {
    let numbered = |placed: &PlacedBlock| placed.span.of(text).lines().filter(|line| has_page_number(line)).count();
    let pages = blocks.chunk_by(|one, other| one.page == other.page);
    pages.filter(|page| page.iter().map(numbered).sum::<usize>() > MAX_NUMBERED).map(|page| page[0].page).collect()
}

/// True if a line ends with the number of a page, as those of a table of contents do.
fn has_page_number(line: &str) -> bool {
    let Some((title, last)) = line.trim_end().rsplit_once(' ') else { return false };
    let roman = last.chars().all(|it| matches!(it, 'i' | 'v' | 'x' | 'l'));
    title.contains(' ') && (roman || last.chars().all(|it| it.is_ascii_digit()))
}

/// Among headings that look the same, those with longer numbers lie deeper: "2.1" below "2"; and
/// all below "Part II".
fn depth(title: &str) -> u8 {
    let first = title.split(' ').next().unwrap_or_default();
    if first.eq_ignore_ascii_case("part") {
        return 0;
    }
    let dots = first.trim_end_matches('.').matches('.').count();
    1 + if first.starts_with(|it: char| it.is_ascii_digit()) { dots.min(6) as u8 } else { 0 }
}

#[cfg(test)]
mod tests {
    use crate::pdf::test_files::{document, pdf};

    const BOLD: &str = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/Encoding/WinAnsiEncoding>>";

    /// A page of an annual report: a running title, headings and points in bold, text below them,
    /// the number of the page.
    fn page(number: usize, bold: &[(i32, &str)]) -> String {
        let region = char::from(b'A' + (number / 3 % 26) as u8);
        let running = format!("BT /G 10 Tf 50 780 Td (SALES IN REGION {region} {number}) Tj ET ");
        let mut content = format!("{running} BT /F 10 Tf 300 20 Td ({number}) Tj ET ");
        let mut y = 750;
        for (size, title) in bold {
            content.push_str(&format!("BT /G {size} Tf 50 {y} Td ({title}) Tj ET "));
            y -= 24;
        }
        while y > 560 {
            let line =
                format!("On page {number} the company tells at length what it earned, owed and sold in {y} markets.");
            content.push_str(&format!("BT /F 10 Tf 50 {y} Td ({line}) Tj ET "));
            y -= if y % 5 == 0 { 24 } else { 12 };
        }
        content
    }

    #[test]
    fn points_and_sentences_of_an_annual_report_are_no_headings() {
        let point = "* The Company is subject to risks related to its plan to spin off its business";
        let sentence = "The Company depends on others for its components. Its costs may rise";
        let bold = |number: usize| match number {
            1 => vec![(18, "Annual report"), (10, "PART I"), (10, "ITEM 1. BUSINESS"), (10, "Overview")],
            9 => vec![(10, "ITEM 1A. RISK FACTORS")],
            16 => vec![(12, point), (12, sentence), (10, "\\225 Laws may change")],
            17..=39 if number.is_multiple_of(3) => vec![(10, "\\225 Prices of what the Company buys may rise")],
            40 => vec![(10, "PART II"), (10, "ITEM 7. MANAGEMENT\\222S DISCUSSION")],
            44 => vec![(10, "Results")],
            48 => vec![(10, "ITEM 8. FINANCIAL STATEMENTS")],
            _ => vec![],
        };
        let pages: Vec<String> = (1..=110).map(|number| page(number, &bold(number))).collect();
        let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
        let document = document(&pdf(&pages, "", &[BOLD]));
        let found: Vec<(&str, &[String])> = document
            .sections
            .iter()
            .map(|section| {
                (section.span.of(&document.text).lines().next().unwrap_or_default(), section.headings.as_slice())
            })
            .collect();
        let under = |line: &str| {
            let section = found.iter().find(|(first, _)| *first == line);
            section
                .map(|(_, headings)| headings.iter().skip(1).map(String::as_str).collect::<Vec<_>>())
                .unwrap_or_default()
        };
        assert!(found.iter().all(|(_, headings)| headings.first().is_none_or(|it| it == "Annual report")), "{found:?}");
        assert_eq!(under("Overview"), ["PART I", "ITEM 1. BUSINESS", "Overview"]);
        assert_eq!(under("ITEM 1A. RISK FACTORS"), ["PART I", "ITEM 1A. RISK FACTORS"]);
        assert_eq!(under("Results"), ["PART II", "ITEM 7. MANAGEMENT’S DISCUSSION", "Results"]);
        let named = found.iter().flat_map(|(_, headings)| *headings);
        assert!(named.clone().all(|it| !it.contains("Company") && !it.contains("Laws")), "{found:?}");
    }

    #[test]
    fn a_heading_over_all_that_follows_is_left_out() {
        let bold = |number: usize| match number {
            1 => vec![(18, "Annual report")],
            3 | 5 | 7 => vec![(12, "A part")],
            16 => vec![(12, "What looks like a heading")],
            _ => vec![],
        };
        let pages: Vec<String> = (1..=60).map(|number| page(number, &bold(number))).collect();
        let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
        let paths: Vec<_> = document(&pdf(&pages, "", &[BOLD])).sections.into_iter().map(|it| it.headings).collect();
        assert_eq!(paths.last().unwrap(), &["Annual report"]);
        assert_eq!(paths[2], ["Annual report", "A part"]);
    }
}
