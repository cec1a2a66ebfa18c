//! Words → chunks, ranked by BM25: the only file that knows tantivy.
//!
//! Derived from the store: [`Lexical::synchronise`] makes it hold exactly the store's chunks and stamps it with the
//! store's generation.

use std::collections::{BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use tantivy::collector::TopDocs;
use tantivy::collector::sort_key::{SortBySimilarityScore, SortByStaticFastValue};
use tantivy::directory::MmapDirectory;
use tantivy::query::{BooleanQuery, Occur, Query, TermQuery};
use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{
    Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, StopWordFilter, TextAnalyzer, TokenStream,
};
use tantivy::{IndexReader, IndexWriter, Order, ReloadPolicy, TantivyDocument, Term};

use super::documents::{ChunkId, Documents};
use crate::error::{Error, Result};
use crate::text::Span;

const ANALYZER: &str = "kinglet-english";
const WRITER_MEMORY_BYTES: usize = 64 << 20;
/// A question of thousands of words is cut to its first terms: more only cost time.
const MAX_QUERY_TERMS: usize = 512;
const LONGEST_TERM_BYTES: usize = 64;

/// The inverted index.
pub struct Lexical {
    index: tantivy::Index,
    reader: IndexReader,
    body: Field,
    id: Field,
    path: PathBuf,
}

/// A word as the index sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Lower-cased and stemmed.
    pub stem: String,
    /// Where it stands in the text.
    pub span: Span,
}

impl Lexical {
    /// Opens the index in `folder`, making an empty one if there is none.
    ///
    /// # Errors
    /// When the files there are not such an index, or the disk refuses.
    pub fn open(folder: &Path) -> Result<Self> {
        guarded(folder, || Self::open_unguarded(folder))
    }

    fn open_unguarded(folder: &Path) -> Result<Self> {
        let (schema, body, id) = schema();
        let is_new = !folder.join("meta.json").is_file();
        if is_new {
            std::fs::create_dir_all(folder).map_err(|cause| Error::io("make the folder", folder, cause))?;
        }
        let directory = MmapDirectory::open(folder).map_err(|cause| failed(folder, cause))?;
        let index = if is_new {
            tantivy::Index::create(directory, schema, Default::default())
        } else {
            tantivy::Index::open(directory)
        }
        .map_err(|cause| failed(folder, cause))?;
        if index.schema() != schema_of_this_version() {
            return Err(Error::damaged(format!("{} was made by another version of kinglet", folder.display()))
                .hint("run `kinglet index` again: this part is derived and is made anew"));
        }
        index.tokenizers().register(ANALYZER, analyzer());
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()
            .map_err(|cause| failed(folder, cause))?;
        Ok(Lexical { index, reader, body, id, path: folder.to_path_buf() })
    }

    /// Reads every byte and holds it against the checksums.
    ///
    /// # Errors
    /// When something is not what was written.
    pub fn check(&self) -> Result<()> {
        guarded(&self.path, || {
            let damaged = self.index.validate_checksum().map_err(|cause| self.failed(cause))?;
            match damaged.into_iter().min() {
                Some(file) => Err(self.failed(format!("{} fails its check", file.display()))),
                None => Ok(()),
            }
        })
    }

    /// The store's generation that this was last made to match; 0 when never.
    pub fn generation(&self) -> Result<u64> {
        let meta = self.index.load_metas().map_err(|cause| self.failed(cause))?;
        Ok(meta.payload.and_then(|payload| payload.parse().ok()).unwrap_or(0))
    }

    /// Adds what the store has and this has not, takes away what the store no longer has, and commits under the store's
    /// generation. `generation` is the one that the store will have once its own change is committed.
    pub fn synchronise(&self, documents: &Documents, generation: u64) -> Result<()> {
        let wanted: BTreeSet<ChunkId> = documents.chunk_hashes()?.into_iter().map(|(id, _)| id).collect();
        let have = self.ids()?;
        let mut writer: IndexWriter =
            self.index.writer_with_num_threads(1, WRITER_MEMORY_BYTES).map_err(|cause| self.failed(cause))?;
        for &gone in have.difference(&wanted) {
            writer.delete_term(Term::from_field_u64(self.id, gone));
        }
        let new: Vec<ChunkId> = wanted.difference(&have).copied().collect();
        for ids in new.chunks(256) {
            for stored in documents.chunks(ids)? {
                let mut document = TantivyDocument::default();
                document.add_u64(self.id, stored.id);
                document.add_text(self.body, stored.chunk.passage());
                writer.add_document(document).map_err(|cause| self.failed(cause))?;
            }
        }
        let mut commit = writer.prepare_commit().map_err(|cause| self.failed(cause))?;
        commit.set_payload(&generation.to_string());
        commit.commit().map_err(|cause| self.failed(cause))?;
        writer.wait_merging_threads().map_err(|cause| self.failed(cause))?;
        self.reload()
    }

    /// Sees what has been committed since this was opened.
    pub fn reload(&self) -> Result<()> {
        self.reader.reload().map_err(|cause| self.failed(cause))
    }

    /// At most `k` chunks that share a term with `question`, by BM25, best first, ties by id.
    pub fn search(&self, question: &str, k: usize) -> Result<Vec<(ChunkId, f32)>> {
        let mut seen = HashSet::new();
        let terms: Vec<(Occur, Box<dyn Query>)> = terms(question)
            .into_iter()
            .filter(|term| seen.insert(term.stem.clone()))
            .take(MAX_QUERY_TERMS)
            .map(|term| {
                let term = Term::from_field_text(self.body, &term.stem);
                let query: Box<dyn Query> = Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs));
                (Occur::Should, query)
            })
            .collect();
        if terms.is_empty() || k == 0 {
            return Ok(Vec::new());
        }
        let by_score_then_id =
            ((SortBySimilarityScore, Order::Desc), (SortByStaticFastValue::<u64>::for_field("chunk"), Order::Asc));
        let found = guarded(&self.path, || {
            let searcher = self.reader.searcher();
            let top = TopDocs::with_limit(k).order_by(by_score_then_id);
            searcher.search(&BooleanQuery::new(terms), &top).map_err(|cause| self.failed(cause))
        })?;
        found
            .into_iter()
            .map(|((score, id), _)| match id {
                Some(id) if score.is_finite() => Ok((id, score)),
                _ => Err(failed(&self.path, "an entry without a chunk")),
            })
            .collect()
    }

    /// Where each word of `question` stands, with how rare it is here: `ln(1 + (N - n + 0.5) / (n + 0.5))` where `n` of `N` chunks
    /// have it, as in BM25.
    pub fn rarities(&self, question: &str) -> Result<Vec<(Span, f32)>> {
        guarded(&self.path, || {
            let searcher = self.reader.searcher();
            let all = searcher.num_docs() as f32;
            let rarity = |word: Word| {
                let term = Term::from_field_text(self.body, &word.stem);
                let having = searcher.doc_freq(&term).map_err(|cause| self.failed(cause))? as f32;
                Ok((word.span, (1.0 + (all - having + 0.5).max(0.0) / (having + 0.5)).ln()))
            };
            terms(question).into_iter().take(MAX_QUERY_TERMS).map(rarity).collect()
        })
    }

    fn ids(&self) -> Result<BTreeSet<ChunkId>> {
        let mut ids = BTreeSet::new();
        for segment in self.reader.searcher().segment_readers() {
            let column = segment.fast_fields().u64("chunk").map_err(|cause| self.failed(cause))?;
            ids.extend(segment.doc_ids_alive().filter_map(|document| column.first(document)));
        }
        Ok(ids)
    }

    fn failed(&self, cause: impl std::fmt::Display) -> Error {
        failed(&self.path, cause)
    }
}

/// The terms of a text in order, as the index sees them: stop words are left out.
pub fn terms(text: &str) -> Vec<Word> {
    let mut analyzer = analyzer();
    let mut stream = analyzer.token_stream(text);
    let mut terms = Vec::new();
    while let Some(token) = stream.next() {
        let span = Span { start: token.offset_from, end: token.offset_to };
        terms.push(Word { stem: token.text.clone(), span });
    }
    terms
}

fn analyzer() -> TextAnalyzer {
    TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(LONGEST_TERM_BYTES))
        .filter(LowerCaser)
        .filter(StopWordFilter::new(Language::English).expect("tantivy has English stop words"))
        .filter(Stemmer::new(Language::English))
        .build()
}

fn schema() -> (Schema, Field, Field) {
    let mut builder = Schema::builder();
    let id = builder.add_u64_field("chunk", INDEXED | FAST);
    let indexing = TextFieldIndexing::default().set_tokenizer(ANALYZER).set_index_option(IndexRecordOption::WithFreqs);
    let body = builder.add_text_field("body", TextOptions::default().set_indexing_options(indexing));
    (builder.build(), body, id)
}

fn schema_of_this_version() -> Schema {
    schema().0
}

fn failed(path: &Path, cause: impl std::fmt::Display) -> Error {
    Error::damaged(format!("the word index in {} failed: {cause}", path.display()))
        .hint("run `kinglet index` again: this part is derived and is made anew")
}

/// tantivy panics over some damaged files.
fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(failed(path, "its files are damaged")))
}
