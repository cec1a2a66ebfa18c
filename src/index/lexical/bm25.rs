//! BM25 over the chunks of a tantivy index, with parameters of our own: the second of the two files that know tantivy.
//!
//! Source: Robertson & Zaragoza, *The Probabilistic Relevance Framework: BM25 and Beyond*, 2009, with Lucene's rarity, which is
//! never negative. The score of a chunk is the sum over the terms of the question of
//!
//! ```text
//! q · ln(1 + (N − n + 0.5) / (n + 0.5)) · f · (k1 + 1) / (f + k1 · (1 − b + b · l / L))
//! ```
//!
//! where the term stands `q` times in the question and `f` times in the chunk, `n` of `N` chunks have it, and `l` is the chunk's
//! length in terms and `L` the mean of all. Chunks that were deleted and are still in the files do not count, so that scores do not
//! depend on how an index came to be.

use std::collections::HashSet;
use std::sync::Arc;

use tantivy::columnar::Column;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::Postings;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet, InvertedIndexReader, Searcher, SegmentReader, TERMINATED, TantivyError, Term};

use crate::index::store::ChunkId;
use crate::index::top_k::top_k;

/// How slowly a term that is repeated stops counting.
const K1: f32 = 1.2;
/// How much longer chunks are held to be merely longer.
const B: f32 = 0.75;

/// The `k` best chunks for `terms` (each once, with how often the question has it), with all that score as the last of them, best
/// first; only those of `among`, if there is such a set. The scores are those of the whole index: what is left out still makes a term common.
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
        let rarity = rarity_of(chunks, postings.iter().map(Vec::len).sum::<usize>() as f32);
        for (segment, postings) in segments.iter_mut().zip(postings) {
            for (at, count) in postings {
                let length = segment.lengths.fieldnorm(at) as f32 / mean_length;
                let count = count as f32;
                let score = count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * length));
                segment.scores[at as usize] += times * rarity * score;
            }
        }
    }
    let mut found = Vec::new();
    for segment in &segments {
        for (at, &score) in segment.scores.iter().enumerate().filter(|(_, score)| **score > 0.0) {
            let chunk = segment.chunks.first(at as DocId);
            let chunk = chunk.ok_or_else(|| TantivyError::SchemaError("an entry without a chunk".to_string()))?;
            if among.is_none_or(|among| among.contains(&chunk)) {
                found.push((chunk, score));
            }
        }
    }
    Ok(top_k(found, k))
}

/// How rare `term` is, as above.
pub(super) fn rarity(searcher: &Searcher, field: Field, term: &str) -> tantivy::Result<f32> {
    let term = Term::from_field_text(field, term);
    let mut having = 0;
    for reader in searcher.segment_readers() {
        having += Segment::open(reader, field)?.postings(&term)?.len();
    }
    Ok(rarity_of(searcher.num_docs() as f32, having as f32))
}

fn rarity_of(chunks: f32, having: f32) -> f32 {
    (1.0 + (chunks - having + 0.5) / (having + 0.5)).ln()
}

struct Segment<'r> {
    reader: &'r SegmentReader,
    terms: Arc<InvertedIndexReader>,
    lengths: FieldNormReader,
    chunks: Column<u64>,
    /// By tantivy's number of the chunk.
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

    /// The length of all chunks together, in terms.
    fn length(&self) -> u64 {
        self.reader.doc_ids_alive().map(|at| u64::from(self.lengths.fieldnorm(at))).sum()
    }

    /// Which chunks have the term, and how often.
    fn postings(&self, term: &Term) -> tantivy::Result<Vec<(DocId, u32)>> {
        let mut found = Vec::new();
        if let Some(mut postings) = self.terms.read_postings(term, IndexRecordOption::WithFreqs)? {
            while postings.doc() != TERMINATED {
                if !self.reader.is_deleted(postings.doc()) {
                    found.push((postings.doc(), postings.term_freq()));
                }
                postings.advance();
            }
        }
        Ok(found)
    }
}
