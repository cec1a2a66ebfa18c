//! The lexical part of an index: terms → chunks, ranked by BM25. Only this room names tantivy.
//!
//! Derived from the store: [`writer`] makes it hold exactly the chunks of the store and stamps it
//! with the store's generation.

pub mod analyzer;
mod bm25;
mod containing;
mod figures;
mod read_only_directory;
mod vocabulary;
pub(crate) mod writer;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::{Debug, Display};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tantivy::directory::{Directory, MmapDirectory};
use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, Schema, SchemaBuilder, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{
    AsciiFoldingFilter, Language as Stemmed, Stemmer, StopWordFilter, TextAnalyzer, Token, TokenStream, Tokenizer,
};
use tantivy::{IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, TantivyError, Term};

use super::WorkProgress;
use crate::chunking::definitions::definitions;
use crate::error::{Error, Hint, Result, is_disk_full};
use crate::index::derived_part::Prepared;
use crate::index::lexical::read_only_directory::ReadOnlyDirectory;
use crate::index::store::{ChunkId, Documents, StoredChunk};
use crate::language::Language;
use crate::text::Span;

/// The field of the names and titles of the definitions that begin in a chunk.
const DEFINITION: &str = "definition";
/// The field of a chunk's words as they are written, in lower case.
const WORD: &str = "word";
const ANALYZER: &str = "kinglet-english"; // in the schema of format 1; the stamp says which language it is
/// Lists the files of tantivy's index.
const META: &str = "meta.json";
const WRITER_MEMORY_BYTES: usize = 64 << 20;
/// The number of chunks added between two reports of progress.
const BATCH: usize = 256;
/// The most terms of a question that are searched: in a question of thousands of words, more only
/// cost time.
const MAX_QUERY_TERMS: usize = 512;

/// The inverted index.
pub struct Lexical {
    index: tantivy::Index,
    reader: IndexReader,
    fields: Fields,
    path: PathBuf,
    language: Language,
    generation: u64,
    /// The files whose checksums were verified. No writer changes a finished file.
    verified: BTreeSet<PathBuf>,
}

/// The fields of a chunk. An index of an earlier version has neither definitions nor words.
#[derive(Debug, Clone, Copy)]
struct Fields {
    body: Field,
    id: Field,
    definition: Option<Field>,
    word: Option<Field>,
}

/// A word in the form in which the index holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Lower-cased and stemmed.
    pub stem: String,
    /// The span of the word in the text.
    pub span: Span,
}

impl Lexical {
    /// True if there is an index in `folder`.
    fn is_in(folder: &Path) -> bool {
        folder.join(META).is_file()
    }

    /// Opens the index in `folder` of texts in `language` for writing, creates an empty one if
    /// there is none, and verifies all checksums.
    ///
    /// # Errors
    /// When the files are not such an index or have changed since they were written, or the disk
    /// refuses.
    pub fn open(folder: &Path, language: Language) -> Result<Self> {
        guarded(folder, || {
            let is_new = !Self::is_in(folder);
            if is_new {
                std::fs::create_dir_all(folder).map_err(|cause| Error::io("make the folder", folder, cause))?;
            }
            let directory = MmapDirectory::open(folder).map_err(|cause| failed(folder, cause))?;
            let index = if is_new {
                tantivy::Index::create(directory, schema(), Default::default())
            } else {
                tantivy::Index::open(directory)
            };
            Self::of(index, folder, Some(language), None)
        })
    }

    /// Opens the index in `folder` for reading and verifies the checksums of all files, except
    /// those that `before` has verified. It writes nothing and waits for no writer. The index
    /// itself says in which language it was written.
    ///
    /// # Errors
    /// When the files are not such an index, have changed since they were written, or are replaced
    /// by a writer meanwhile.
    pub(super) fn open_for_reading(folder: &Path, before: Option<&Self>) -> Result<Self> {
        if !Self::is_in(folder) {
            return Err(Error::damaged(format!("the lexical index in {} is missing", folder.display()))
                .with_hint(Hint::derive_again()));
        }
        guarded(folder, || {
            let directory = ReadOnlyDirectory::open(folder).map_err(|cause| failed(folder, cause))?;
            Self::of(tantivy::Index::open(directory), folder, None, before)
        })
    }

    /// The file in `folder` that a writer replaces to make
    /// [`open_for_reading`](Self::open_for_reading) open a new index.
    pub(super) fn deciding_file(folder: &Path) -> PathBuf {
        folder.join(META)
    }

    fn of(
        index: tantivy::Result<tantivy::Index>,
        folder: &Path,
        language: Option<Language>,
        before: Option<&Self>,
    ) -> Result<Self> {
        let index = index.map_err(|cause| failed(folder, cause))?;
        let fields = fields_of(&index.schema()).ok_or_else(|| {
            Error::damaged(format!("{} was made by another version of kinglet", folder.display()))
                .with_hint(Hint::derive_again())
        })?;
        // Files are verified first, because tantivy panics on some damaged ones.
        let verified = before.map(|before| &before.verified);
        let verified = check_files(&index, verified).map_err(|cause| failed(folder, cause))?;
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()
            .map_err(|cause| failed(folder, cause))?;
        let meta = index.load_metas().map_err(|cause| failed(folder, cause))?;
        let stamp = meta.payload.unwrap_or_default();
        let (generation, terms) = stamp.split_once(' ').unwrap_or((&stamp, ""));
        let written_in = || terms.split_once(' ').and_then(|(_, code)| Language::of_code(code)).unwrap_or_default();
        let language = language.unwrap_or_else(written_in);
        index.tokenizers().register(ANALYZER, analyzer(language));
        let generation = if terms == terms_stamp(language) { generation.parse().unwrap_or(0) } else { 0 };
        let words = Lexical { index, reader, fields, path: folder.to_path_buf(), language, generation, verified };
        words.check_counts()?;
        Ok(words)
    }

    /// Reads every byte and verifies all checksums, as opening does.
    ///
    /// # Errors
    /// When a file has changed since it was written.
    pub fn check(&self) -> Result<()> {
        guarded(&self.path, || check_files(&self.index, None).map(drop).map_err(|cause| self.failed(cause)))
    }

    /// Compares tantivy's list of files and of the number of chunks in each, which has no checksum,
    /// with the files.
    fn check_counts(&self) -> Result<()> {
        for segment in self.reader.searcher().segment_readers() {
            let lengths = segment.get_fieldnorms_reader(self.fields.body).map_err(|cause| self.failed(cause))?;
            let alive = segment.alive_bitset().map_or(segment.max_doc(), |alive| alive.num_alive_docs() as u32);
            if lengths.num_docs() != segment.max_doc() || alive != segment.num_docs() {
                return Err(self.failed(format!("{META} does not fit the other files")));
            }
        }
        Ok(())
    }

    /// The store's generation that the index matched when it was opened; 0 if it never did, or if
    /// another version of the analyzer or another language made its terms.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The [`generation`](Self::generation) of the index in `folder`, whatever the state of its
    /// other files; 0 if there is no index.
    ///
    /// # Errors
    /// When the file that holds the generation is damaged.
    pub(super) fn generation_in(folder: &Path, language: Language) -> Result<u64> {
        if !Self::is_in(folder) {
            return Ok(0);
        }
        guarded(folder, || {
            let index = tantivy::Index::open_in_dir(folder).map_err(|cause| failed(folder, cause))?;
            let meta = index.load_metas().map_err(|cause| failed(folder, cause))?;
            Ok(generation_of(meta.payload.as_deref(), language))
        })
    }

    /// True if the index has no chunks.
    pub fn is_empty(&self) -> bool {
        self.reader.searcher().num_docs() == 0
    }

    /// Adds the chunks that only the store has, deletes those that the store no longer has, and
    /// returns the commit under the store's `generation`, which the caller runs when it is time.
    /// Calls `progress` with the numbers of added and of new chunks.
    ///
    /// # Errors
    /// The first error of `progress`, which leaves the index as it was; or when the disk refuses.
    pub(super) fn prepare(
        self,
        documents: &Documents,
        generation: u64,
        progress: &WorkProgress<'_>,
    ) -> Result<Prepared<'static>> {
        let in_store: BTreeSet<ChunkId> = documents.originals()?.into_iter().map(|(id, _)| id).collect();
        let in_index = self.ids()?;
        let mut writer: IndexWriter =
            self.index.writer_with_num_threads(1, WRITER_MEMORY_BYTES).map_err(|cause| self.failed(cause))?;
        for &gone in in_index.difference(&in_store) {
            writer.delete_term(Term::from_field_u64(self.fields.id, gone));
        }
        let new: Vec<ChunkId> = in_store.difference(&in_index).copied().collect();
        for (batch, ids) in new.chunks(BATCH).enumerate() {
            progress(batch * BATCH, new.len())?;
            for stored in documents.chunks(ids)? {
                add(&mut writer, self.fields.document(&stored)).map_err(|cause| self.failed(cause))?;
            }
        }
        // This writes all files. The same call below finds nothing left to write, so that little
        // time passes between the store's commit and this one.
        writer.prepare_commit().map_err(|cause| self.failed(cause))?;
        Ok(Box::new(move || {
            let mut commit = writer.prepare_commit().map_err(|cause| self.failed(cause))?;
            commit.set_payload(&format!("{generation} {}", terms_stamp(self.language)));
            commit.commit().map_err(|cause| self.failed(cause))?;
            writer.wait_merging_threads().map_err(|cause| self.failed(cause))
        }))
    }

    /// The `k` best chunks that share a term with `question`, by BM25, and all that tie with the
    /// last of them, best first; only chunks in `among`, if there is such a set. How rare a word is
    /// depends on all chunks.
    pub fn search(
        &self,
        question: &str,
        k: usize,
        among: Option<&Arc<HashSet<ChunkId>>>,
    ) -> Result<Vec<(ChunkId, f32)>> {
        let mut terms: Vec<(String, f32)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for word in stems(question, self.language) {
            match places.get(&word.stem) {
                Some(&at) => terms[at].1 += 1.0,
                None if terms.len() < MAX_QUERY_TERMS => {
                    places.insert(word.stem.clone(), terms.len());
                    terms.push((word.stem, 1.0));
                }
                None => {}
            }
        }
        guarded(&self.path, || {
            bm25::search(&self.reader.searcher(), self.fields.body, &terms, k, among.map(Arc::as_ref))
                .map_err(|cause| self.failed(cause))
        })
    }

    /// All chunks that contain every one of `stems`, by id; only chunks in `among`, if there is
    /// such a set. None if there are no stems.
    pub fn containing(&self, stems: &[String], among: Option<&Arc<HashSet<ChunkId>>>) -> Result<Vec<ChunkId>> {
        guarded(&self.path, || {
            containing::containing(&self.reader.searcher(), self.fields.body, stems, among.map(Arc::as_ref))
                .map_err(|cause| self.failed(cause))
        })
    }

    /// The span of each word of `question`, with its inverse document frequency in this index.
    pub fn rarities(&self, question: &str) -> Result<Vec<(Span, f32)>> {
        guarded(&self.path, || {
            let searcher = self.reader.searcher();
            let rarity = |word: Word| {
                let rarity = bm25::idf(&searcher, self.fields.body, &word.stem).map_err(|cause| self.failed(cause))?;
                Ok((word.span, rarity))
            };
            stems(question, self.language).into_iter().take(MAX_QUERY_TERMS).map(rarity).collect()
        })
    }

    /// The ids of the chunks in the index.
    pub fn ids(&self) -> Result<BTreeSet<ChunkId>> {
        let mut ids = BTreeSet::new();
        for segment in self.reader.searcher().segment_readers() {
            let column = segment.fast_fields().u64("chunk").map_err(|cause| self.failed(cause))?;
            ids.extend(segment.doc_ids_alive().filter_map(|document| column.first(document)));
        }
        Ok(ids)
    }

    fn failed(&self, cause: impl Display + Debug) -> Error {
        failed(&self.path, cause)
    }
}

/// Adds a document. If the writing thread has ended, only a commit returns the error that ended it.
fn add(writer: &mut IndexWriter, document: TantivyDocument) -> tantivy::Result<()> {
    match writer.add_document(document) {
        Ok(_) => Ok(()),
        Err(cause) => Err(writer.prepare_commit().err().unwrap_or(cause)),
    }
}

/// The terms of a text in order, in the form in which an index of texts in `language` holds them,
/// without stop words.
pub fn stems(text: &str, language: Language) -> Vec<Word> {
    let mut analyzer = analyzer(language);
    let mut stream = analyzer.token_stream(text);
    let mut words = Vec::new();
    while let Some(token) = stream.next() {
        let span = Span { start: token.offset_from, end: token.offset_to };
        words.push(Word { stem: token.text.clone(), span });
    }
    words
}

/// Stop words, then stems, then letters without accents: in that order, because stemmers know their
/// language's accents.
fn analyzer(language: Language) -> TextAnalyzer {
    let terms = TextAnalyzer::builder(Terms::default()).dynamic();
    let Some(stemmed) = stemmed(language) else {
        return terms.filter_dynamic(AsciiFoldingFilter).build();
    };
    match StopWordFilter::new(stemmed) {
        Some(stop_words) => terms.filter_dynamic(stop_words),
        None => terms,
    }
    .filter_dynamic(Stemmer::new(stemmed))
    .filter_dynamic(AsciiFoldingFilter)
    .build()
}

fn stemmed(language: Language) -> Option<Stemmed> {
    Some(match language {
        Language::None => return None,
        Language::English => Stemmed::English,
        Language::Arabic => Stemmed::Arabic,
        Language::Danish => Stemmed::Danish,
        Language::Dutch => Stemmed::Dutch,
        Language::Finnish => Stemmed::Finnish,
        Language::French => Stemmed::French,
        Language::German => Stemmed::German,
        Language::Greek => Stemmed::Greek,
        Language::Hungarian => Stemmed::Hungarian,
        Language::Italian => Stemmed::Italian,
        Language::Norwegian => Stemmed::Norwegian,
        Language::Portuguese => Stemmed::Portuguese,
        Language::Romanian => Stemmed::Romanian,
        Language::Russian => Stemmed::Russian,
        Language::Spanish => Stemmed::Spanish,
        Language::Swedish => Stemmed::Swedish,
        Language::Tamil => Stemmed::Tamil,
        Language::Turkish => Stemmed::Turkish,
    })
}

/// Adapts [`analyzer::terms`] to tantivy.
#[derive(Clone, Default)]
struct Terms {
    token: Token,
}

struct TermStream<'t> {
    terms: std::vec::IntoIter<analyzer::Term>,
    token: &'t mut Token,
}

impl Tokenizer for Terms {
    type TokenStream<'t> = TermStream<'t>;

    fn token_stream<'t>(&'t mut self, text: &'t str) -> TermStream<'t> {
        self.token.reset();
        TermStream { terms: analyzer::terms(text).into_iter(), token: &mut self.token }
    }
}

impl TokenStream for TermStream<'_> {
    fn advance(&mut self) -> bool {
        let Some(term) = self.terms.next() else { return false };
        self.token.position = self.token.position.wrapping_add(1);
        (self.token.offset_from, self.token.offset_to) = (term.span.start, term.span.end);
        self.token.text = term.text;
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

impl Fields {
    fn document(&self, stored: &StoredChunk) -> TantivyDocument {
        let passage = stored.chunk.passage();
        let mut document = TantivyDocument::default();
        document.add_u64(self.id, stored.id);
        if let Some(definition) = self.definition {
            definition_terms(stored).iter().for_each(|term| document.add_text(definition, term));
        }
        if let Some(word) = self.word {
            vocabulary::written_words(&passage).iter().for_each(|written| document.add_text(word, written));
        }
        document.add_text(self.body, passage);
        document
    }
}

/// For each definition that begins in a chunk of code its title and its name, in lower case.
fn definition_terms(stored: &StoredChunk) -> BTreeSet<String> {
    let defined = definitions(&stored.path, &stored.chunk);
    defined.into_iter().flat_map(|it| [it.name.to_lowercase(), it.title.to_lowercase()]).collect()
}

fn schema() -> Schema {
    let mut builder = first_schema();
    let raw = TextFieldIndexing::default().set_tokenizer("raw").set_index_option(IndexRecordOption::Basic);
    let raw = TextOptions::default().set_indexing_options(raw.set_fieldnorms(false));
    builder.add_text_field(DEFINITION, raw.clone());
    builder.add_text_field(WORD, raw);
    builder.build()
}

/// The schema of the first versions of kinglet.
fn first_schema() -> SchemaBuilder {
    let mut builder = Schema::builder();
    builder.add_u64_field("chunk", INDEXED | FAST);
    let indexing = TextFieldIndexing::default().set_tokenizer(ANALYZER).set_index_option(IndexRecordOption::WithFreqs);
    builder.add_text_field("body", TextOptions::default().set_indexing_options(indexing));
    builder
}

/// The fields of this schema; `None` if it is not one of kinglet's.
fn fields_of(found: &Schema) -> Option<Fields> {
    if *found != schema() && *found != first_schema().build() {
        return None;
    }
    let field = |name| found.get_field(name).ok();
    Some(Fields { body: field("body")?, id: field("chunk")?, definition: field(DEFINITION), word: field(WORD) })
}

/// Verifies the checksums of the index's files, except those in `verified`, and returns the names
/// of all files.
fn check_files(index: &tantivy::Index, verified: Option<&BTreeSet<PathBuf>>) -> tantivy::Result<BTreeSet<PathBuf>> {
    let files: BTreeSet<PathBuf> = index.load_metas()?.list_segment_files().into_iter().collect();
    let written = index.directory().list_managed_files();
    for file in files.iter().filter(|file| !verified.is_some_and(|verified| verified.contains(*file))) {
        let is_there = written.contains(file) || index.directory().exists(file)?;
        if is_there && !index.directory().validate_checksum(file)? {
            return Err(TantivyError::InternalError(format!("{} does not match its checksum", file.display())));
        }
    }
    Ok(files)
}

/// The generation in a stamp; 0 if another version of the analyzer or another language made the
/// terms.
fn generation_of(stamp: Option<&str>, language: Language) -> u64 {
    match stamp.and_then(|stamp| stamp.split_once(' ')) {
        Some((generation, terms)) if terms == terms_stamp(language) => generation.parse().unwrap_or(0),
        _ => 0,
    }
}

/// Identifies how terms are made now: the version of the analyzer and the language.
fn terms_stamp(language: Language) -> String {
    format!("{} {}", analyzer::VERSION, language.code())
}

fn failed(path: &Path, cause: impl Display + Debug) -> Error {
    // Some of tantivy's errors name their cause only in their debug form.
    if is_disk_full(&format!("{cause} {cause:?}")) {
        return Error::disk_full("write the lexical index to", path);
    }
    Error::damaged(format!("the lexical index in {} failed: {cause}", path.display())).with_hint(Hint::derive_again())
}

/// Turns a panic of tantivy, which some damaged files cause, into an error.
fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(failed(path, "its files are damaged")))
}

#[cfg(test)]
mod tests {
    use std::io::{Error as Io, ErrorKind::StorageFull};

    use proptest::prelude::*;
    use tantivy::TantivyError;
    use tantivy::directory::error::{DeleteError, OpenReadError, OpenWriteError};
    use tantivy::directory::{Directory, FileHandle, RamDirectory, WatchCallback, WatchHandle, WritePtr};

    use super::*;

    /// A directory on a full disk: only lock files can be written.
    #[derive(Debug, Clone, Default)]
    struct Full(RamDirectory);

    impl Directory for Full {
        fn get_file_handle(&self, path: &Path) -> std::result::Result<Arc<dyn FileHandle>, OpenReadError> {
            self.0.get_file_handle(path)
        }
        fn delete(&self, path: &Path) -> std::result::Result<(), DeleteError> {
            self.0.delete(path)
        }
        fn exists(&self, path: &Path) -> std::result::Result<bool, OpenReadError> {
            self.0.exists(path)
        }
        fn open_write(&self, path: &Path) -> std::result::Result<WritePtr, OpenWriteError> {
            match path.extension() {
                Some(extension) if extension == "lock" => self.0.open_write(path),
                _ => Err(OpenWriteError::wrap_io_error(StorageFull.into(), path.into())),
            }
        }
        fn atomic_read(&self, path: &Path) -> std::result::Result<Vec<u8>, OpenReadError> {
            self.0.atomic_read(path)
        }
        fn atomic_write(&self, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
            self.0.atomic_write(path, bytes)
        }
        fn sync_directory(&self) -> std::io::Result<()> {
            self.0.sync_directory()
        }
        fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
            self.0.watch(callback)
        }
    }

    #[test]
    fn the_error_of_the_writing_thread_reaches_the_caller() {
        let index = tantivy::Index::create(Full::default(), schema(), Default::default()).unwrap();
        let body = index.schema().get_field("body").unwrap();
        index.tokenizers().register(ANALYZER, analyzer(Language::None));
        let mut writer: IndexWriter = index.writer_with_num_threads(1, 15_000_000).unwrap();
        let added = (0..100_000).try_for_each(|_| {
            let mut document = TantivyDocument::default();
            document.add_text(body, "a");
            add(&mut writer, document)
        });
        let cause = added.expect_err("nothing can be written");
        assert_eq!(
            failed(Path::new("lexical"), cause).to_string(),
            "could not write the lexical index to lexical: the disk is full"
        );
    }

    #[test]
    fn a_full_disk_is_reported_wherever_tantivy_meets_it() {
        let full = || Arc::new(Io::from(StorageFull));
        let opening = OpenWriteError::IoError { io_error: full(), filepath: "a.idx".into() };
        for cause in [
            TantivyError::IoError(full()),
            TantivyError::IoError(Arc::new(Io::other("No space left on device (os error 28)"))),
            TantivyError::OpenWriteError(opening),
            TantivyError::ErrorInThread(format!("{:?}", full())),
        ] {
            let error = failed(Path::new("lexical"), cause);
            assert_eq!(error.to_string(), "could not write the lexical index to lexical: the disk is full");
            assert_eq!(error.kind(), crate::ErrorKind::Machine);
            assert!(format!("{:?}", error.hint()).contains("free some space"));
        }
        assert_eq!(failed(Path::new("lexical"), TantivyError::Poisoned).kind(), crate::ErrorKind::Damaged);
    }

    proptest! {
        #[test]
        fn every_word_has_a_span_in_its_text_in_every_language(
            text in ".{0,120}", language in prop::sample::select(&Language::ALL[..])
        ) {
            for word in stems(&text, language) {
                prop_assert!(text.get(word.span.start..word.span.end).is_some_and(|part| !part.is_empty()));
            }
        }
    }
}
