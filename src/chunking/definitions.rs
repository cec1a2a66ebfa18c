//! The definitions that begin in a chunk of source code: what defines a name, and where.

use std::path::Path;

use super::Chunk;
use crate::text::Span;
use kinglet_formats::{Format, format_of_name};

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
    let mut found: Vec<Definition> = titles.filter_map(|title| definition(title, &chunk.text)).collect();
    found.sort_by_key(|definition| definition.span.start);
    found
}

fn definition(title: &str, text: &str) -> Option<Definition> {
    let name = name_in(title)?;
    let is_part = |next: Option<char>| next.is_some_and(|next| next.is_alphanumeric() || next == '_');
    let whole =
        |at: usize| !is_part(text[..at].chars().next_back()) && !is_part(text[at + title.len()..].chars().next());
    let start = text.match_indices(title).map(|(at, _)| at).find(|&at| whole(at))?;
    let span = Span { start, end: start + title.len() };
    Some(Definition { title: title.to_string(), name: name.to_string(), span })
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
