//! Org: the text stays as it is in the file, its headlines make the sections.

use crate::document::{Document, Format};
use crate::location::LocationUnit;
use crate::outline::{self, Heading, on_one_line};
use crate::span::Span;

/// Words before a headline that say how far it is; files may define others, in `#+TODO:`.
const STATES: &[&str] = &["TODO", "DONE", "NEXT", "WAITING", "HOLD", "CANCELED", "CANCELLED", "STARTED", "DOING"];
const KEYWORDS: &[&str] = &["title", "subtitle", "author", "date", "filetags", "language", "description", "keywords"];
const MAX_VALUES: usize = 1_000;

/// Reads org. The file's `#+TITLE:` is the outermost heading.
pub(crate) fn read(text: String) -> Document {
    let mut found = Vec::new();
    let mut metadata: Vec<(String, String)> = Vec::new();
    let mut states: Vec<&str> = STATES.to_vec();
    let mut block: Option<String> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        let bare = line.trim();
        if let Some(closing) = &block {
            if bare.eq_ignore_ascii_case(closing) {
                block = None;
            }
        } else if let Some(name) = after(bare, "#+begin_") {
            block = Some(format!("#+end_{}", name.split_whitespace().next().unwrap_or_default()));
        } else if let Some((key, value)) = bare.strip_prefix("#+").and_then(|rest| rest.split_once(':')) {
            let (key, value) = (key.to_lowercase(), value.trim());
            if matches!(key.as_str(), "todo" | "seq_todo" | "typ_todo") {
                states.extend(value.split_whitespace().map(|state| state.split('(').next().unwrap_or(state)));
            } else if KEYWORDS.contains(&key.as_str()) && !value.is_empty() && metadata.len() < MAX_VALUES {
                metadata.push((key, value.to_owned()));
            }
        } else if let Some((level, title)) = headline(line, &states) {
            found.push(Heading { span: Span { start, end }, level, title });
        }
        start = end;
    }
    // A block that is never closed is none; that is rare enough to read the headlines after it as
    // text.
    let title = metadata.iter().find(|(key, _)| key == "title").map(|(_, title)| on_one_line(title));
    let sections = outline::sections(&text, 0, title.as_deref(), &found);
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

/// `** TODO [#A] Title [2/3] :tag:` is the title at level 2.
fn headline(line: &str, states: &[&str]) -> Option<(u8, String)> {
    let rest = line.trim_start_matches('*');
    let stars = line.len() - rest.len();
    if stars == 0 || !rest.starts_with(' ') {
        return None;
    }
    let mut title = rest.trim();
    if let Some(after_state) = states.iter().find_map(|state| title.strip_prefix(state)?.strip_prefix(' ')) {
        title = after_state.trim_start();
    }
    if let Some((_, after)) = title.strip_prefix("[#").and_then(|rest| rest.split_once("] ")) {
        title = after.trim_start();
    }
    title = title.strip_prefix("COMMENT ").unwrap_or(title);
    if let Some((before, tags)) = title.rsplit_once(char::is_whitespace)
        && tags.len() > 2
        && tags.starts_with(':')
        && tags.ends_with(':')
    {
        title = before.trim_end();
    }
    if let Some((before, count)) = title.rsplit_once(" [")
        && count.strip_suffix(']').is_some_and(|count| count.chars().all(|c| c.is_ascii_digit() || "/%".contains(c)))
    {
        title = before;
    }
    let title = on_one_line(&without_links(title));
    (!title.is_empty()).then_some((stars.min(u8::MAX.into()) as u8, title))
}

/// `[[link][words]]` as the words.
fn without_links(title: &str) -> String {
    let mut parts = title.split("[[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (link, rest) = part.split_once("]]").unwrap_or((part, ""));
        plain.push_str(link.split_once("][").map_or(link, |(_, words)| words));
        plain.push_str(rest);
    }
    plain.replace(['~', '='], "")
}

fn after<'t>(line: &'t str, prefix: &str) -> Option<&'t str> {
    let (start, rest) = line.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headlines_make_nested_sections() {
        let text = "#+TITLE: Birds\n#+TODO: SEEN(s) | LOST\nbefore\n* TODO [#A] Small [1/2]  :small:bird:\n** SEEN [[file:a.org][The wren]]\n\
            *bold* text\n#+BEGIN_SRC org\n* no headline\n#+end_src\n* ~Kinglet~\n";
        let document = read(text.to_owned());
        let paths: Vec<_> = document.sections.iter().map(|section| section.headings.join(" > ")).collect();
        assert_eq!(paths, ["Birds", "Birds > Small", "Birds > Small > The wren", "Birds > Kinglet"]);
        let parts: String = document.sections.iter().map(|section| section.span.of(text)).collect();
        assert_eq!(parts, text);
        assert_eq!(document.metadata, [("title".to_owned(), "Birds".to_owned())]);
    }
}
