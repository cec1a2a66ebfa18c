//! All chunks that contain every one of some terms, unranked.

use std::collections::HashSet;

use tantivy::collector::DocSetCollector;
use tantivy::query::{BooleanQuery, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Searcher, TantivyError, Term};

use crate::index::store::ChunkId;

/// The chunks that contain all of `terms`, by id; only those in `among`, if there is such a set.
/// No chunk contains all of no terms.
pub(super) fn containing(
    searcher: &Searcher,
    field: Field,
    terms: &[String],
    among: Option<&HashSet<ChunkId>>,
) -> tantivy::Result<Vec<ChunkId>> {
    let query = |term: &String| {
        let term = Term::from_field_text(field, term);
        Box::new(TermQuery::new(term, IndexRecordOption::Basic)) as Box<dyn Query>
    };
    let every = BooleanQuery::intersection(terms.iter().map(query).collect());
    let columns = searcher.segment_readers().iter().map(|reader| reader.fast_fields().u64("chunk"));
    let columns = columns.collect::<tantivy::Result<Vec<_>>>()?;
    let mut chunks = Vec::new();
    for found in searcher.search(&every, &DocSetCollector)? {
        let chunk = columns[found.segment_ord as usize].first(found.doc_id);
        let chunk = chunk.ok_or_else(|| TantivyError::SchemaError("a document without a chunk".to_string()))?;
        if among.is_none_or(|among| among.contains(&chunk)) {
            chunks.push(chunk);
        }
    }
    chunks.sort_unstable();
    Ok(chunks)
}
