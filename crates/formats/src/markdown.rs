//! Markdown: the text stays as it is in the file, its headings make the sections.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::document::{Document, Format, Section};
use crate::front_matter;
use crate::location::LocationUnit;
use crate::outline::{self, Heading, on_one_line};
use crate::span::Span;

/// Reads Markdown (CommonMark with tables). Headings inside lists, quotations and code blocks make
/// no sections. Front matter (YAML or TOML) is a section of its own; its title is the outermost
/// heading if no heading of level 1 is there.
pub(crate) fn read(text: String) -> Document {
    let front = front_matter(&text);
    let from = front.map_or(0, |span| span.end);
    let found = headings(&text, from);
    let metadata = front.map(|span| front_matter::values(span.of(&text))).unwrap_or_default();
    let has_title = found.iter().any(|heading| heading.level == 1);
    let title = front
        .filter(|_| !has_title)
        .and_then(|span| front_title(span.of(&text)))
        .map(|title| outline::shortened(&title));
    let front = front.map(|span| Section { span, body_start: 0, headings: title.iter().cloned().collect() });
    let sections = front.into_iter().chain(outline::sections(&text, from, title.as_deref(), &found)).collect();
    Document {
        format: Format::Markdown,
        text,
        sections,
        unit: LocationUnit::Line,
        locations: None,
        metadata,
        warning: None,
    }
}

pub(crate) fn headings(text: &str, from: usize) -> Vec<Heading> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_HEADING_ATTRIBUTES;
    let mut found: Vec<Heading> = Vec::new();
    let mut containers = 0usize;
    let mut open: Option<Heading> = None;
    for (event, range) in Parser::new_ext(&text[from..], options).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) if containers == 0 => {
                let start = text[from..from + range.start].rfind('\n').map_or(from, |at| from + at + 1);
                let span = Span { start, end: from + range.end };
                open = Some(Heading { span, level: level as u8, title: String::new() });
            }
            Event::End(TagEnd::Heading(_)) => found.extend(open.take()),
            Event::Start(Tag::BlockQuote(_) | Tag::List(_) | Tag::FootnoteDefinition(_)) => containers += 1,
            Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::FootnoteDefinition) => containers -= 1,
            Event::Text(part) | Event::Code(part) => {
                if let Some(heading) = &mut open {
                    heading.title.push_str(&part);
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some(heading) = &mut open {
                    heading.title.push(' ');
                }
            }
            _ => {}
        }
    }
    for heading in &mut found {
        heading.title = on_one_line(&heading.title);
    }
    found.retain(|heading| !heading.title.is_empty());
    found
}

/// A block of YAML between lines of `---`, or of TOML between lines of `+++`, that the text begins
/// with.
fn front_matter(text: &str) -> Option<Span> {
    let mut end = 0;
    let mut fence = "";
    for (number, line) in text.split_inclusive('\n').enumerate() {
        end += line.len();
        let body = line.trim_end();
        match number {
            0 if body == "---" || body == "+++" => fence = body,
            0 => return None,
            _ if body == fence || (fence == "---" && body == "...") => return Some(Span { start: 0, end }),
            // A rule followed by a paragraph: not front matter.
            1 if body.is_empty() => return None,
            _ => {}
        }
    }
    None
}

/// The value of `title` at the outermost level, where it stands on one line.
fn front_title(front: &str) -> Option<String> {
    front.lines().find_map(|line| {
        let value = line.strip_prefix("title")?.trim_start().strip_prefix([':', '='])?.trim();
        let quoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.split_once(*quote));
        let title = match quoted {
            Some((inside, _)) => inside.trim(),
            None => value.split(" #").next().unwrap_or(value).trim(),
        };
        (!title.is_empty() && !title.starts_with(['>', '|', '#'])).then(|| title.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<(String, Vec<String>)> {
        let document = read(text.to_owned());
        document.sections.iter().map(|it| (it.span.of(&document.text).to_owned(), it.headings.clone())).collect()
    }

    fn paths(text: &str) -> Vec<String> {
        parts(text).into_iter().map(|(_, headings)| headings.join(" > ")).collect()
    }

    #[test]
    fn headings_make_nested_sections() {
        let text =
            "before\n\n# One\ntext\n## *Two* `code`\n- # in a list\n\n> # quoted\n\n```\n# code\n```\nThree\n===\nend";
        assert_eq!(paths(text), ["", "One", "One > Two code", "Three"]);
        assert_eq!(parts(text).iter().map(|(part, _)| part.as_str()).collect::<String>(), text);
        assert_eq!(
            paths("### Deep\n# Top\n### Skipped {#id}\n## Second\n#\n"),
            ["Deep", "Top", "Top > Skipped", "Top > Second"]
        );
        assert_eq!(paths("\r\n\r\n# One\r\ntext\r\n## Two\r\n"), ["One", "One > Two"]);
    }

    #[test]
    fn front_matter_is_its_own_section_and_may_give_the_title() {
        let text = "---\ntags: [a]\ntitle: \"Guide: one\" # c\n---\nintro\n## Part\nbody\n";
        assert_eq!(paths(text), ["Guide: one", "Guide: one", "Guide: one > Part"]);
        assert_eq!(parts(text)[0].0, "---\ntags: [a]\ntitle: \"Guide: one\" # c\n---\n");
        assert_eq!(paths("+++\ntitle = 'T'\n+++\n# Own\n"), ["", "Own"]);
        assert_eq!(paths("---\n\nA rule, not front matter.\n\n---\n"), [""]);
        assert_eq!(paths("---\ntitle: never closed\n"), [""]);
    }

    #[test]
    fn a_section_knows_where_its_body_begins() {
        let document = read("# One\n\nbody\n\nTwo\n---\nmore".to_owned());
        let bodies: Vec<_> =
            document.sections.iter().map(|it| document.text[it.body_start..it.span.end].trim()).collect();
        assert_eq!(bodies, ["body", "more"]);
    }
}
