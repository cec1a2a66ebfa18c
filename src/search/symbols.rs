//! Finds where a name is defined.

use std::sync::Arc;

use super::results::SearchResult;
use super::snippet::Snippet;
use super::sources::{ChunkSource, LexicalSource};
use super::{Filter, Hit, IndexSources};
use crate::chunking::definitions::{container_at, definitions};
use crate::error::Result;
use crate::index::store::StoredChunk;
use crate::text::Span;

/// The most characters of a definition that are shown.
const SHOWN_CHARS: usize = 240;

/// All definitions of `symbol`, a name or a title such as `struct SegmentReader`: those with the
/// same capitals first, then by path and place.
///
/// # Errors
/// When the index fails, or nothing passes the filter.
pub fn symbols(sources: &Arc<IndexSources>, symbol: &str, filter: Option<&Filter>) -> Result<Vec<SearchResult>> {
    // `Config::new` and `Store.get` are a definition inside another one.
    let (inside, symbol) = match symbol.rsplit_once("::").or_else(|| symbol.rsplit_once('.')) {
        Some((inside, symbol)) if !symbol.is_empty() => (inside.rsplit(['.', ':']).next(), symbol),
        _ => (None, symbol),
    };
    let mut ids: Vec<_> = sources.defining(symbol)?.into_iter().collect();
    ids.sort_unstable();
    if let Some(filtered) = sources.filtered(filter)? {
        ids.retain(|id| filtered.originals.contains(id));
    }
    let mut found = Vec::new();
    for StoredChunk { id, path, chunk } in sources.locations(&ids, filter)?.into_iter().flatten() {
        for definition in definitions(&path, &chunk) {
            let is_same = definition.name == symbol || definition.title == symbol;
            let names = [&definition.name, &definition.title];
            if !names.iter().any(|name| name.to_lowercase() == symbol.to_lowercase()) {
                continue;
            }
            let headings = chunk.headings_at(definition.span.start);
            let container = container_at(&chunk, definition.span.start);
            if !inside.is_none_or(|inside| container.is_some_and(|title| has_word(title, inside))) {
                continue;
            }
            let place = (!is_same, path.clone(), definition.span.start + chunk.span.start);
            let snippet =
                Snippet { span: shown(&chunk.text, definition.span), headings, matches: vec![definition.span] };
            let result = SearchResult {
                hit: Hit::of_one_leg("definition", 1, id, if is_same { 1.0 } else { 0.5 }),
                path: path.clone(),
                chunk: chunk.clone(),
                snippet,
                truncated: sources.truncated(id)?,
                gone: sources.is_gone(&path),
                index: None,
                partial: Vec::new(),
                instructions: Vec::new(),
                duplicates: Vec::new(),
                more_in_file: None,
            };
            found.push((place, result));
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(found.into_iter().map(|(_, result)| result).collect())
}

/// True if an identifier in `heading` is `name`.
fn has_word(heading: &str, name: &str) -> bool {
    heading.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word.eq_ignore_ascii_case(name))
}

/// The lines from the title on, as many as can be shown.
fn shown(text: &str, title: Span) -> Span {
    let start = text[..title.start].rfind('\n').map_or(0, |end| end + 1);
    let mut end = text[title.end..].find('\n').map_or(text.len(), |length| title.end + length);
    while let Some(line) = text.get(end + 1..) {
        let next = end + 1 + line.find('\n').unwrap_or(line.len());
        if text[start..next].chars().count() > SHOWN_CHARS || next == end + 1 && line.is_empty() {
            break;
        }
        end = next;
    }
    Span { start, end }
}
