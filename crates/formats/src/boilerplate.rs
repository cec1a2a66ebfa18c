//! Removes lines that stand on most pages of a document, such as running titles and page numbers.

use std::collections::{BTreeMap, HashSet};

use crate::document::{Document, Section};
use crate::location::LocationUnit;
use crate::span::{Span, line_starts};

/// With fewer pages nothing is called repeated.
const LEAST_PAGES: usize = 4;
/// Lines at the top and at the bottom of a page that are looked at.
const EDGE_LINES: usize = 3;
/// A line is repeated when it stands at the edge of this share of all pages...
const SHARE: f64 = 0.5;
/// ...or on this many pages that follow each other but for one: books change their running titles
/// with the chapter.
const RUN: usize = 6;

/// Removes the lines that are repeated from page to page, such as running titles and page numbers,
/// from a document that has pages or slides. Returns how many lines it removed.
pub fn remove_boilerplate(document: &mut Document) -> u32 {
    if !matches!(document.unit, LocationUnit::Page | LocationUnit::Slide) {
        return 0;
    }
    let Some(locations) = &document.locations else { return 0 };
    let starts = line_starts(&document.text);
    let line = |at: usize| {
        let end = starts.get(at + 1).copied().unwrap_or(document.text.len());
        Span { start: starts[at], end }
    };
    // The lines of each page that are not blank, its first and its last ones.
    let mut pages: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (at, page) in locations.iter().enumerate() {
        if !line(at).of(&document.text).trim().is_empty() {
            pages.entry(*page).or_default().push(at);
        }
    }
    let edges = |lines: &[usize]| -> HashSet<usize> {
        let last = lines.len().saturating_sub(EDGE_LINES);
        lines.iter().take(EDGE_LINES).chain(&lines[last..]).copied().collect()
    };
    let mut seen: BTreeMap<String, Vec<(u32, usize)>> = BTreeMap::new();
    for (page, lines) in &pages {
        for at in edges(lines) {
            for shape in shapes(line(at).of(&document.text), *page) {
                seen.entry(shape).or_default().push((*page, at));
            }
        }
    }
    let mut repeated: HashSet<usize> = HashSet::new();
    for lines in seen.values_mut() {
        lines.sort_unstable();
        let mut on: Vec<u32> = lines.iter().map(|(page, _)| *page).collect();
        on.dedup();
        let is_everywhere = on.len() >= LEAST_PAGES && on.len() as f64 >= SHARE * pages.len() as f64;
        let runs = on.chunk_by(|a, b| b - a <= 2).any(|run| run.len() >= RUN);
        if is_everywhere || runs {
            repeated.extend(lines.iter().map(|(_, at)| *at));
        }
    }
    // What is on every page may be all that there is.
    if repeated.is_empty() || pages.values().flatten().all(|at| repeated.contains(at)) {
        return 0;
    }
    cut(document, &starts, &repeated);
    repeated.len() as u32
}

/// A line as it would look on another page: the same; or the same but for its first or last number,
/// if that counts pages. Other numbers are not passed over: rows of figures are alike on every page
/// and yet the text.
fn shapes(line: &str, page: u32) -> Vec<String> {
    let plain = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_digit = |character: char| character.is_ascii_digit();
    let mut shapes = Vec::new();
    let first = plain.find(is_digit).map(|start| {
        let length = plain[start..].find(|c| !is_digit(c)).unwrap_or(plain.len() - start);
        (start, start + length)
    });
    let last = plain.rfind(is_digit).map(|end| {
        (
            plain[..end]
                .rfind(|c| !is_digit(c))
                .map_or(0, |at| at + plain[at..].chars().next().map_or(1, char::len_utf8)),
            end + 1,
        )
    });
    for (which, found) in [("first", first), ("last", last)] {
        if let Some((start, end)) = found
            && let Ok(number) = plain[start..end].parse::<i64>()
        {
            let ahead = number - i64::from(page);
            shapes.push(format!("{which} {}\u{0}{ahead}\u{0}{}", &plain[..start], &plain[end..]));
        }
    }
    shapes.push(plain);
    shapes
}

/// Takes whole lines away; sections and locations follow.
fn cut(document: &mut Document, starts: &[usize], lines: &HashSet<usize>) {
    let mut text = String::with_capacity(document.text.len());
    // Where each line begins in the text that is left.
    let mut moved = Vec::with_capacity(starts.len());
    for (at, &start) in starts.iter().enumerate() {
        moved.push(text.len());
        if !lines.contains(&at) {
            text.push_str(&document.text[start..starts.get(at + 1).copied().unwrap_or(document.text.len())]);
        }
    }
    let to = |offset: usize| {
        let at = starts.partition_point(|&start| start <= offset) - 1;
        let after = moved.get(at + 1).copied().unwrap_or(text.len());
        (moved[at] + offset - starts[at]).min(after)
    };
    let section = |section: &Section| Section {
        span: Span { start: to(section.span.start), end: to(section.span.end) },
        body_start: to(section.body_start),
        headings: section.headings.clone(),
    };
    let mut sections: Vec<Section> = document.sections.iter().map(section).collect();
    if let Some(last) = sections.last_mut() {
        last.span.end = text.len();
    }
    let left = document.locations.iter().flatten().enumerate().filter(|(at, _)| !lines.contains(at));
    let mut locations: Vec<u32> = left.map(|(_, location)| *location).collect();
    let wanted = line_starts(&text).len();
    if let Some(&last) = locations.last() {
        locations.resize(wanted, last);
    }
    sections.retain(|section| section.span.start < section.span.end);
    (document.text, document.sections, document.locations) = (text, sections, Some(locations));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Format;

    fn pages(of: &[String]) -> Document {
        let (mut text, mut locations) = (String::new(), Vec::new());
        for (page, lines) in of.iter().enumerate() {
            for line in lines.lines() {
                text.push_str(line);
                text.push('\n');
                locations.push(page as u32 + 1);
            }
        }
        locations.push(of.len() as u32);
        let half = Span { start: 0, end: text.find("body three").unwrap_or(0) };
        let rest = Span { start: half.end, end: text.len() };
        let section =
            |span: Span, heading: &str| Section { span, body_start: span.start, headings: vec![heading.into()] };
        Document {
            format: Format::Pdf,
            sections: vec![section(half, "one"), section(rest, "two")],
            text,
            unit: LocationUnit::Page,
            locations: Some(locations),
            metadata: Vec::new(),
            warning: None,
        }
    }

    #[test]
    fn running_titles_and_page_numbers_go_and_the_rest_keeps_its_place() {
        let words = ["one", "two", "three", "four", "five", "six"];
        let of: Vec<String> = words
            .iter()
            .zip(4..)
            .map(|(word, n)| format!("ACME report\nbody {word}\n{} 7 {}\n\nPage {n} of 60", 80 - n * n, n * n))
            .collect();
        let mut document = pages(&of);
        assert_eq!(remove_boilerplate(&mut document), 12);
        assert!(!document.text.contains("ACME") && !document.text.contains("Page"));
        assert_eq!(document.text.lines().next(), Some("body one"));
        assert_eq!(document.sections[1].span.of(&document.text).lines().next(), Some("body three"));
        assert_eq!(document.sections.last().unwrap().span.end, document.text.len());
        let starts = line_starts(&document.text);
        assert_eq!(document.locations.as_ref().unwrap().len(), starts.len());
        assert_eq!(document.location(&starts, document.text.find("16 7 64").unwrap()), 5);
    }

    #[test]
    fn few_pages_and_pages_that_are_all_alike_stay() {
        for count in [3, 8] {
            let of: Vec<String> = (0..count).map(|_| "the same".to_owned()).collect();
            let mut document = pages(&of);
            let before = document.clone();
            assert_eq!(remove_boilerplate(&mut document), 0);
            assert_eq!(document, before);
        }
    }
}
