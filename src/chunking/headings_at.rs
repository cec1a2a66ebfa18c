//! Which headings a place inside a chunk stands under: a chunk may hold several short sections.

use super::Chunk;
use crate::text::Span;

impl Chunk {
    /// The headings above the byte at `offset` of the text, outermost first: those above the whole
    /// chunk, then those of the part that it is in, as far as lines of the text show them. A
    /// heading stands under itself.
    pub fn headings_at(&self, offset: usize) -> Vec<String> {
        let inner = &self.inner_headings;
        let (mut start, mut part): (usize, Option<Vec<(usize, usize)>>) = (0, None);
        let mut first_shown = None;
        for line in self.text.split_inclusive('\n') {
            let is_before = start <= offset;
            start += line.len();
            let Some(at) = self.inner_heading_of(line) else { continue };
            first_shown = first_shown.or(Some(at));
            if !is_before {
                break;
            }
            // Only Markdown shows levels; elsewhere a heading ends what is under the one before.
            let level = line.trim_start().bytes().take_while(|&byte| byte == b'#').count();
            let open = part.get_or_insert_default();
            open.retain(|(above, _)| *above < level);
            open.push((level, at));
        }
        let part = match part {
            Some(open) => open.iter().map(|(_, at)| &inner[*at]).collect(),
            // The text before the first heading that stands in it is under those that do not.
            None => inner[..first_shown.unwrap_or_default()].iter().collect::<Vec<_>>(),
        };
        self.headings.iter().chain(part).cloned().collect()
    }

    /// True if the line or sentence at `span` of the text is a heading of the chunk or of a part.
    pub fn is_heading_at(&self, span: Span) -> bool {
        let line = span.of(&self.text);
        let is_line = |heading: &String| is_heading_line(line.trim(), &bare(heading));
        self.headings.iter().chain(&self.inner_headings).any(is_line)
    }

    /// Which of the inner headings `line` is.
    fn inner_heading_of(&self, line: &str) -> Option<usize> {
        let title = bare(line.trim().trim_start_matches('#').trim_start());
        let inner = || self.inner_headings.iter().map(|heading| bare(heading));
        inner()
            .position(|heading| heading == title)
            .or_else(|| inner().position(|it| is_heading_line(line.trim(), &it)))
    }
}

/// True if the trimmed `line` is the [`bare`] `heading`: the same apart from emphasis, or a
/// Markdown heading with all of its words.
pub(super) fn is_heading_line(line: &str, heading: &str) -> bool {
    if line.len() < heading.len() {
        return false;
    }
    let line = bare(line);
    let mut words = heading.split(|character: char| !character.is_alphanumeric());
    line == heading || (line.starts_with('#') && words.all(|word| line.contains(word)))
}

/// The text without emphasis.
pub(super) fn bare(text: &str) -> String {
    text.replace(['`', '*', '_', '\\'], "")
}

#[cfg(test)]
mod tests {
    use super::super::{Chunk, Chunking, chunk};
    use kinglet_formats::read;

    fn only_chunk(name: &str, text: &str) -> Chunk {
        let mut chunks = chunk(&read(name, text.as_bytes()).unwrap(), &Chunking::default());
        assert_eq!(chunks.len(), 1, "{chunks:?}");
        chunks.remove(0)
    }

    fn path_at(chunk: &Chunk, word: &str) -> String {
        chunk.headings_at(chunk.text.find(word).unwrap()).join(" > ")
    }

    #[test]
    fn a_place_stands_under_the_heading_of_its_own_section() {
        let text = "# Lease\n\nAn intro.\n\n## Deposit\n\nTwo rents.\n\n### Back\n\nIn a month.\n\n## *Repairs* now\n\nAll paid.\n";
        let chunk = only_chunk("a.md", text);
        for (word, path) in [
            ("intro", "Lease"),
            ("Two", "Lease > Deposit"),
            ("### Back", "Lease > Deposit > Back"),
            ("month", "Lease > Deposit > Back"),
            ("paid", "Lease > Repairs now"),
        ] {
            assert_eq!(path_at(&chunk, word), path, "{word}");
        }
        let heading = chunk.text.find("## *").unwrap();
        assert!(chunk.is_heading_at(crate::text::Span { start: heading, end: heading + "## *Repairs* now".len() }));

        let page = only_chunk(
            "a.html",
            "<body><h1>Lease</h1><h2>Deposit</h2><p>Two rents.</p><h2>Repairs</h2><p>All paid.</p></body>",
        );
        assert_eq!(path_at(&page, "paid"), "Lease > Repairs");
        assert_eq!(path_at(&page, "Two"), "Lease > Deposit");
        // A piece of a long file may begin within a section.
        let rest = Chunk {
            headings: vec!["Lease".into()],
            inner_headings: vec!["Deposit".into(), "Repairs".into()],
            text: "Two rents.\n\n## Repairs\n\nAll paid.".into(),
            ..chunk
        };
        assert_eq!(
            (path_at(&rest, "Two").as_str(), path_at(&rest, "paid").as_str()),
            ("Lease > Deposit", "Lease > Repairs")
        );
    }
}
