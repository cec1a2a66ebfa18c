//! The definitions that begin in a chunk of source code: what defines a name, and where.

use std::path::Path;

use super::Chunk;
use crate::text::Span;
use kinglet_formats::{Format, format_of_name};

/// The first words of titles of definitions that contain others.
const CONTAINERS: [&str; 14] = [
    "impl",
    "struct",
    "enum",
    "trait",
    "class",
    "interface",
    "object",
    "mod",
    "module",
    "namespace",
    "record",
    "protocol",
    "extension",
    "type",
];

/// A definition that begins in a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// What it is and its name, as its parser wrote them: `struct SegmentReader`.
    pub title: String,
    /// Its name: `SegmentReader`.
    pub name: String,
    /// The place of the title in the text of the chunk.
    pub span: Span,
}

/// The definitions that begin in `chunk`, in the order of their titles' places; none if the file at
/// `path` is not source code.
///
/// The titles are the chunk's headings, which come from the parser of its language. A heading whose
/// title does not stand in the text is that of a definition that began in a chunk before.
pub fn definitions(path: &Path, chunk: &Chunk) -> Vec<Definition> {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    if format_of_name(&name) != Some(Format::Code) {
        return Vec::new();
    }
    let titles = chunk.headings.iter().chain(&chunk.inner_headings);
    let mut found: Vec<Definition> = titles.flat_map(|title| places(title, &chunk.text)).collect();
    found.sort_by_key(|definition| definition.span.start);
    found
}

/// Where a definition with this title begins: on a line with nothing but modifiers before it.
fn places(title: &str, text: &str) -> Vec<Definition> {
    let Some(name) = name_in(title) else { return Vec::new() };
    let is_part = |next: Option<char>| next.is_some_and(|next| next.is_alphanumeric() || next == '_');
    let is_modifier = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '\t' | '_' | '(' | ')' | ':');
    let begins = |at: usize| {
        let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
        text[line..at].chars().all(is_modifier)
            && !is_part(text[..at].chars().next_back())
            && !is_part(text[at + title.len()..].chars().next())
    };
    let starts = text.match_indices(title).map(|(at, _)| at).filter(|&at| begins(at));
    let definition = |start| Definition {
        title: title.to_string(),
        name: name.to_string(),
        span: Span { start, end: start + title.len() },
    };
    starts.map(definition).collect()
}

/// The title of the type or module that contains what stands at `offset` of a chunk: the last one
/// before it, else the innermost heading of the chunk.
pub fn container_at(chunk: &Chunk, offset: usize) -> Option<&str> {
    let is_container = |title: &&String| {
        let first = title.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        CONTAINERS.contains(&first)
    };
    let before = chunk.inner_headings.iter().chain(&chunk.headings).filter(is_container);
    let before = before.filter_map(|title| Some((chunk.text[..offset].rfind(title.as_str())?, title)));
    let last = before.max_by_key(|(at, _)| *at).map(|(_, title)| title);
    last.or_else(|| chunk.headings.iter().rfind(is_container)).map(String::as_str)
}

/// The last identifier of a title. An `impl` defines no name.
fn name_in(title: &str) -> Option<&str> {
    if title.starts_with("impl") && !title[4..].starts_with(|next: char| next.is_alphanumeric() || next == '_') {
        return None;
    }
    let is_separator = |c: char| !(c.is_alphanumeric() || c == '_' || c == '$');
    title.rsplit(is_separator).find(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunking::{Chunking, chunk};
    use kinglet_formats::read;

    fn found(name: &str, code: &str, target_tokens: usize) -> Vec<Vec<String>> {
        let document = read(name, code.as_bytes()).unwrap();
        let chunks = chunk(&document, &Chunking { target_tokens });
        let of = |chunk| definitions(Path::new(name), chunk).into_iter().map(|it| format!("{}|{}", it.title, it.name));
        chunks.iter().map(|chunk| of(chunk).collect()).collect()
    }

    #[test]
    fn a_chunk_defines_what_begins_in_it() {
        let code = format!(
            "pub struct Reader<T> {{\n    inner: T,\n}}\n\nimpl Reader<u8> {{\n    fn read(&self) {{\n{}    }}\n}}\n",
            "        call(one, two);\n".repeat(30)
        );
        let defined = found("a.rs", &code, 80);
        assert!(defined.len() > 2, "{defined:?}");
        assert_eq!(defined.concat(), ["struct Reader|Reader", "fn read|read"]);
        assert_eq!(
            found("a.py", "class Area:\n    def size(self):\n        return 1\n", 80).concat(),
            ["class Area|Area", "def size|size"]
        );
        assert_eq!(found("a.md", "# fn read\n\nfn read\n", 80).concat(), Vec::<String>::new());
    }
}
