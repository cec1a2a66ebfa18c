//! reStructuredText: the text stays as it is in the file, its underlined titles make the sections.

use crate::document::{Document, Format};
use crate::location::LocationUnit;
use crate::outline::{self, Heading, on_one_line};
use crate::span::{Span, line_starts};

const MAX_VALUES: usize = 1_000;

/// Reads reStructuredText. Which line under a title means which level, the order in which they come
/// first says; a title with lines above and below it is another level than one with a line below
/// it.
pub(crate) fn read(text: String) -> Document {
    let starts = line_starts(&text);
    let lines: Vec<&str> = text.split('\n').map(str::trim_end).collect();
    let offset = |line: usize| starts.get(line).copied().unwrap_or(text.len());
    let mut styles: Vec<(char, bool)> = Vec::new();
    let mut found = Vec::new();
    let mut number = 0;
    while number < lines.len() {
        let Some(title) = title(&lines, number) else {
            number += 1;
            continue;
        };
        let level = styles.iter().position(|style| *style == title.style).unwrap_or_else(|| {
            styles.push(title.style);
            styles.len() - 1
        });
        let span = Span { start: offset(number), end: offset(number + title.lines) };
        number += title.lines;
        let text = plain(title.text);
        if !text.is_empty() {
            found.push(Heading { span, level: level.min(u8::MAX.into()) as u8, title: text });
        }
    }
    let sections = outline::sections(&text, 0, None, &found);
    let metadata = fields(&lines, found.first().map_or(0, |heading| heading.span.end), &starts);
    Document {
        format: Format::Text,
        text,
        sections,
        unit: LocationUnit::Line,
        locations: None,
        metadata,
        warning: None,
    }
}

struct Title<'t> {
    text: &'t str,
    style: (char, bool),
    lines: usize,
}

/// The title that begins on this line, if one does.
fn title<'t>(lines: &[&'t str], number: usize) -> Option<Title<'t>> {
    let line = |number: usize| lines.get(number).copied().unwrap_or_default();
    let after_text = number > 0 && !line(number - 1).is_empty();
    if let Some((mark, width)) = adornment(line(number)) {
        let text = line(number + 1);
        let below = adornment(line(number + 2));
        let fits = !text.trim().is_empty() && width >= width_of(text.trim()) && adornment(text).is_none();
        return (below == Some((mark, width)) && fits && !after_text).then(|| Title {
            text: text.trim(),
            style: (mark, true),
            lines: 3,
        });
    }
    let text = line(number);
    let (mark, width) = adornment(line(number + 1))?;
    // Shorter lines are allowed from four characters on, with a warning; a rule under a paragraph
    // is no title.
    let fits = width >= width_of(text) || width >= 4 && width + 3 >= width_of(text);
    let is_title =
        !text.is_empty() && !text.starts_with([' ', '\t']) && !after_text && fits && !text.starts_with(".. ");
    is_title.then_some(Title { text, style: (mark, false), lines: 2 })
}

/// A line of one and the same punctuation character, and how long it is.
fn adornment(line: &str) -> Option<(char, usize)> {
    let mark = line.chars().next().filter(char::is_ascii_punctuation)?;
    let width = line.len();
    (width >= 2 && line.bytes().all(|byte| char::from(byte) == mark) && line != "::" && line != "..")
        .then_some((mark, width))
}

/// In columns: most ideographs take two.
fn width_of(text: &str) -> usize {
    text.chars().map(|c| if matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}') { 2 } else { 1 }).sum()
}

/// Without the marks of literals, references and roles: ``:ref:`The wren <wren>` `` is `The wren`.
fn plain(title: &str) -> String {
    let mut plain = String::new();
    for (number, part) in title.split('`').enumerate() {
        if number % 2 == 0 {
            let role = part.rsplit_once(':').and_then(|(before, _)| before.rfind(':')).filter(|_| part.ends_with(':'));
            plain.push_str(role.map_or(part, |at| &part[..at]));
        } else {
            plain.push_str(part.split_once(" <").map_or(part, |(words, _)| words));
        }
    }
    on_one_line(&plain.replace(['*', '|', '\\'], ""))
}

/// The fields (`:Author: Ann`) that stand before everything else, or directly under the first
/// title.
fn fields(lines: &[&str], title_end: usize, starts: &[usize]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for from in [0, starts.partition_point(|&start| start < title_end)] {
        for line in lines.iter().skip(from).skip_while(|line| line.is_empty()) {
            let Some((key, value)) = line.strip_prefix(':').and_then(|rest| rest.split_once(':')) else { break };
            if !value.trim().is_empty() && found.len() < MAX_VALUES {
                found.push((key.to_lowercase(), value.trim().to_owned()));
            }
        }
        if !found.is_empty() {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn paths(text: &str) -> Vec<String> {
        let document = read(text.to_owned());
        let parts: String = document.sections.iter().map(|section| section.span.of(text)).collect();
        assert_eq!(parts, text);
        document.sections.iter().map(|section| section.headings.join(" > ")).collect()
    }

    #[test]
    fn titles_make_nested_sections_by_their_lines() {
        let text = ".. _x:\n\n=======\n Birds\n=======\n:Author: Ann\n\nSmall\n=====\n\n:ref:`Wren <a>` ``x``\n---------------------\ntext\n\n----\n\n\
            ::\n\n  code\n  ----\n\nLarge\n=====\r\n\r\nText that goes on\n---\n\n=== ===\na   b\n=== ===\n";
        assert_eq!(paths(text), ["", "Birds", "Birds > Small", "Birds > Small > Wren x", "Birds > Large"]);
        assert_eq!(read(text.to_owned()).metadata, [("author".to_owned(), "Ann".to_owned())]);
        assert_eq!(paths("Title\n~~~~~\n\nOne\n...\n\nTwo\n...\n"), ["Title", "Title > One", "Title > Two"]);
        assert_eq!(paths("=====  =====\na      b\n=====  =====\n"), [""]);
        assert_eq!(paths("para\ngraph\n=====\n"), [""]);
    }

    proptest! {
        #[test]
        fn sections_cover_anything(text in "(==|--|=|a|é|:|`|\n|\r\n| |\t){0,60}") {
            paths(&text);
        }
    }
}
