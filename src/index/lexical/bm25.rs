//! BM25 over the chunks of a tantivy index, with kinglet's own parameters.
//!
//! Source: Robertson & Zaragoza, *The Probabilistic Relevance Framework: BM25 and Beyond*, 2009,
//! with Lucene's inverse document frequency, which is never negative. The score of a chunk is the
//! sum over the terms of the question of
//!
//! ```text
//! q · ln(1 + (N − n + 0.5) / (n + 0.5)) · f · (k1 + 1) / (f + k1 · (1 − b + b · l / L))
//! ```
//!
//! where the term occurs `q` times in the question and `f` times in the chunk, `n` of `N` chunks
//! contain it, `l` is the length of the chunk in terms, and `L` the mean length. Deleted chunks
//! that are still in the files do not count, so that scores do not depend on the history of an
//! index.

use std::collections::HashSet;
use std::sync::Arc;

use tantivy::columnar::Column;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::Postings;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet, InvertedIndexReader, Searcher, SegmentReader, TERMINATED, TantivyError, Term};

use crate::index::store::ChunkId;
use crate::index::top_k::top_k;

/// How slowly repetitions of a term saturate.
const K1: f32 = 1.2;
/// How strongly the length of a chunk is normalised.
const B: f32 = 0.75;

/// The `k` best chunks for `terms` (each once, with its count in the question) and all that tie
/// with the last of them, best first; only chunks in `among`, if there is such a set. Scores are
/// those of the whole index: chunks outside `among` still count for how common a term is.
pub(super) fn search(
    searcher: &Searcher,
    field: Field,
    terms: &[(String, f32)],
    k: usize,
    among: Option<&HashSet<ChunkId>>,
) -> tantivy::Result<Vec<(ChunkId, f32)>> {
    let mut segments =
        searcher.segment_readers().iter().map(|it| Segment::open(it, field)).collect::<tantivy::Result<Vec<_>>>()?;
    let chunks = segments.iter().map(|it| u64::from(it.reader.num_docs())).sum::<u64>() as f32;
    let mean_length = segments.iter().map(Segment::length).sum::<u64>() as f32 / chunks.max(1.0);
    for (term, times) in terms {
        let term = Term::from_field_text(field, term);
        let postings = segments.iter().map(|it| it.postings(&term)).collect::<tantivy::Result<Vec<_>>>()?;
        let idf = idf_of(chunks, postings.iter().map(Vec::len).sum::<usize>() as f32);
        for (segment, postings) in segments.iter_mut().zip(postings) {
            for (at, count) in postings {
                let length = segment.lengths.fieldnorm(at) as f32 / mean_length;
                let count = count as f32;
                let score = count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * length));
                segment.scores[at as usize] += times * idf * score;
            }
        }
    }
    let mut hits = Vec::new();
    for segment in &segments {
        for (at, &score) in segment.scores.iter().enumerate().filter(|(_, score)| **score > 0.0) {
            let chunk = segment.chunks.first(at as DocId);
            let chunk = chunk.ok_or_else(|| TantivyError::SchemaError("a document without a chunk".to_string()))?;
            if among.is_none_or(|among| among.contains(&chunk)) {
                hits.push((chunk, score));
            }
        }
    }
    Ok(top_k(hits, k))
}

/// The inverse document frequency of `term`, as in the formula above.
pub(super) fn idf(searcher: &Searcher, field: Field, term: &str) -> tantivy::Result<f32> {
    let term = Term::from_field_text(field, term);
    let mut matching = 0;
    for reader in searcher.segment_readers() {
        matching += Segment::open(reader, field)?.postings(&term)?.len();
    }
    Ok(idf_of(searcher.num_docs() as f32, matching as f32))
}

fn idf_of(chunks: f32, matching: f32) -> f32 {
    (1.0 + (chunks - matching + 0.5) / (matching + 0.5)).ln()
}

struct Segment<'r> {
    reader: &'r SegmentReader,
    terms: Arc<InvertedIndexReader>,
    lengths: FieldNormReader,
    chunks: Column<u64>,
    /// Indexed by tantivy's number of the chunk.
    scores: Vec<f32>,
}

impl<'r> Segment<'r> {
    fn open(reader: &'r SegmentReader, field: Field) -> tantivy::Result<Self> {
        Ok(Segment {
            reader,
            terms: reader.inverted_index(field)?,
            lengths: reader.get_fieldnorms_reader(field)?,
            chunks: reader.fast_fields().u64("chunk")?,
            scores: vec![0.0; reader.max_doc() as usize],
        })
    }

    /// The total length of all chunks, in terms.
    fn length(&self) -> u64 {
        self.reader.doc_ids_alive().map(|at| u64::from(self.lengths.fieldnorm(at))).sum()
    }

    /// The chunks that contain the term, with the number of times.
    fn postings(&self, term: &Term) -> tantivy::Result<Vec<(DocId, u32)>> {
        let mut counts = Vec::new();
        if let Some(mut postings) = self.terms.read_postings(term, IndexRecordOption::WithFreqs)? {
            while postings.doc() != TERMINATED {
                if !self.reader.is_deleted(postings.doc()) {
                    counts.push((postings.doc(), postings.term_freq()));
                }
                postings.advance();
            }
        }
        Ok(counts)
    }
}
