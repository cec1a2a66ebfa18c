//! Words → chunks, ranked by BM25: with `bm25.rs` the only files that know tantivy.
//!
//! Derived from the store: [`writer`] makes it hold exactly the store's chunks and stamps it with the store's generation.

pub mod analyzer;
mod bm25;
mod read_only_directory;
pub(crate) mod writer;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::{Debug, Display};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tantivy::directory::{Directory, MmapDirectory};
use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{
    AsciiFoldingFilter, Language as Stemmed, Stemmer, StopWordFilter, TextAnalyzer, Token, TokenStream, Tokenizer,
};
use tantivy::{IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, TantivyError, Term};

use super::WorkProgress;
use crate::error::{Error, Result, is_disk_full};
use crate::index::derived_part::Prepared;
use crate::index::lexical::read_only_directory::ReadOnlyDirectory;
use crate::index::store::{ChunkId, Documents};
use crate::language::Language;
use crate::text::Span;

const ANALYZER: &str = "kinglet-english"; // in the schema of format 1; which language it is stands in the stamp
/// Which files tantivy's index consists of.
const META: &str = "meta.json";
const WRITER_MEMORY_BYTES: usize = 64 << 20;
/// Chunks that are added between two reports of the progress.
const BATCH: usize = 256;
/// A question of thousands of words is cut to its first terms: more only cost time.
const MAX_QUERY_TERMS: usize = 512;

/// The inverted index.
pub struct Lexical {
    index: tantivy::Index,
    reader: IndexReader,
    body: Field,
    id: Field,
    path: PathBuf,
    language: Language,
    generation: u64,
    /// The files that were held against their checksums. No writer changes a file that it has finished.
    checked: BTreeSet<PathBuf>,
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
    /// Whether there is an index in `folder`.
    fn is_in(folder: &Path) -> bool {
        folder.join(META).is_file()
    }

    /// Opens the index in `folder` of texts in `language` for writing, making an empty one if there is none, and holds every byte
    /// against the checksums.
    ///
    /// # Errors
    /// When the files there are not such an index or not what was written, or the disk refuses.
    pub fn open(folder: &Path, language: Language) -> Result<Self> {
        guarded(folder, || {
            let is_new = !Self::is_in(folder);
            if is_new {
                std::fs::create_dir_all(folder).map_err(|cause| Error::io("make the folder", folder, cause))?;
            }
            let directory = MmapDirectory::open(folder).map_err(|cause| failed(folder, cause))?;
            let index = if is_new {
                tantivy::Index::create(directory, schema().0, Default::default())
            } else {
                tantivy::Index::open(directory)
            };
            Self::of(index, folder, Some(language), None)
        })
    }

    /// Opens the index in `folder` for reading, and holds every byte against the checksums, but for files that `before` has held against
    /// them. It writes nothing, and waits for no writer. Words are read in the language in which they were written.
    ///
    /// # Errors
    /// When the files there are not such an index, not what was written, or replaced by a writer meanwhile.
    pub(super) fn open_for_reading(folder: &Path, before: Option<&Self>) -> Result<Self> {
        if !Self::is_in(folder) {
            return Err(Error::damaged(format!("the word index in {} is missing", folder.display()))
                .with_hint("run `kinglet index` again: this part is derived and is made anew"));
        }
        guarded(folder, || {
            let directory = ReadOnlyDirectory::open(folder).map_err(|cause| failed(folder, cause))?;
            Self::of(tantivy::Index::open(directory), folder, None, before)
        })
    }

    /// The file in `folder` of which [`open_for_reading`](Self::open_for_reading) reads another index when it is replaced.
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
        let (schema, body, id) = schema();
        if index.schema() != schema {
            return Err(Error::damaged(format!("{} was made by another version of kinglet", folder.display()))
                .with_hint("run `kinglet index` again: this part is derived and is made anew"));
        }
        // First of all, because tantivy panics over some damaged files.
        let known = before.map(|before| &before.checked);
        let checked = check_files(&index, known).map_err(|cause| failed(folder, cause))?;
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
        let words = Lexical { index, reader, body, id, path: folder.to_path_buf(), language, generation, checked };
        words.check_counts()?;
        Ok(words)
    }

    /// Reads every byte and holds it against the checksums, as opening does.
    ///
    /// # Errors
    /// When something is not what was written.
    pub fn check(&self) -> Result<()> {
        guarded(&self.path, || check_files(&self.index, None).map(drop).map_err(|cause| self.failed(cause)))
    }

    /// Which files there are, and how many chunks are in each, has no checksum: what it says must be true of the files.
    fn check_counts(&self) -> Result<()> {
        for segment in self.reader.searcher().segment_readers() {
            let lengths = segment.get_fieldnorms_reader(self.body).map_err(|cause| self.failed(cause))?;
            let alive = segment.alive_bitset().map_or(segment.max_doc(), |alive| alive.num_alive_docs() as u32);
            if lengths.num_docs() != segment.max_doc() || alive != segment.num_docs() {
                return Err(self.failed(format!("{META} does not fit the other files")));
            }
        }
        Ok(())
    }

    /// The store's generation that this was last made to match when it was opened; 0 when never, or when its terms were made otherwise
    /// than those of questions are now.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The same of the index in `folder`, whatever state its files are in; 0 where there is none.
    ///
    /// # Errors
    /// When what says so is damaged.
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

    /// Whether no chunk is in it.
    pub fn is_empty(&self) -> bool {
        self.reader.searcher().num_docs() == 0
    }

    /// Adds what the store has and this has not, takes away what the store no longer has, and leaves it to the caller when that is
    /// committed under the store's `generation`. `progress` hears how many of the new chunks have been added, and how many there are.
    ///
    /// # Errors
    /// The first error of `progress`, which leaves this as it was; or when the disk refuses.
    pub(super) fn prepare(
        self,
        documents: &Documents,
        generation: u64,
        progress: &WorkProgress<'_>,
    ) -> Result<Prepared<'static>> {
        let wanted: BTreeSet<ChunkId> = documents.originals()?.into_iter().map(|(id, _)| id).collect();
        let have = self.ids()?;
        let mut writer: IndexWriter =
            self.index.writer_with_num_threads(1, WRITER_MEMORY_BYTES).map_err(|cause| self.failed(cause))?;
        for &gone in have.difference(&wanted) {
            writer.delete_term(Term::from_field_u64(self.id, gone));
        }
        let new: Vec<ChunkId> = wanted.difference(&have).copied().collect();
        for (batch, ids) in new.chunks(BATCH).enumerate() {
            progress(batch * BATCH, new.len())?;
            for stored in documents.chunks(ids)? {
                let mut document = TantivyDocument::default();
                document.add_u64(self.id, stored.id);
                document.add_text(self.body, stored.chunk.passage());
                add(&mut writer, document).map_err(|cause| self.failed(cause))?;
            }
        }
        // This writes all files. The same call below finds nothing left to write, so that little lies between the store's commit and this.
        writer.prepare_commit().map_err(|cause| self.failed(cause))?;
        Ok(Box::new(move || {
            let mut commit = writer.prepare_commit().map_err(|cause| self.failed(cause))?;
            commit.set_payload(&format!("{generation} {}", terms_stamp(self.language)));
            commit.commit().map_err(|cause| self.failed(cause))?;
            writer.wait_merging_threads().map_err(|cause| self.failed(cause))
        }))
    }

    /// The `k` best chunks that share a term with `question`, by BM25, with all that score as the last of them, best first; only those of
    /// `among`, if there is such a set. A word is as rare as in all chunks.
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
            bm25::search(&self.reader.searcher(), self.body, &terms, k, among.map(Arc::as_ref))
                .map_err(|cause| self.failed(cause))
        })
    }

    /// Where each word of `question` stands, with how rare it is here, see [`bm25`](super::bm25).
    pub fn rarities(&self, question: &str) -> Result<Vec<(Span, f32)>> {
        guarded(&self.path, || {
            let searcher = self.reader.searcher();
            let rarity = |word: Word| {
                let rarity = bm25::rarity(&searcher, self.body, &word.stem).map_err(|cause| self.failed(cause))?;
                Ok((word.span, rarity))
            };
            stems(question, self.language).into_iter().take(MAX_QUERY_TERMS).map(rarity).collect()
        })
    }

    /// The chunks that it knows.
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

/// Adds a document. When the thread that writes has ended, what it met is told only to whoever asks for a commit.
fn add(writer: &mut IndexWriter, document: TantivyDocument) -> tantivy::Result<()> {
    match writer.add_document(document) {
        Ok(_) => Ok(()),
        Err(cause) => Err(writer.prepare_commit().err().unwrap_or(cause)),
    }
}

/// The terms of a text in order, as an index of texts in `language` sees them: stop words are left out.
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

/// Stop words, then stems, then letters without accents: in that order, because stemmers know their language's accents.
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

/// [`analyzer::terms`] as tantivy wants them.
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

fn schema() -> (Schema, Field, Field) {
    let mut builder = Schema::builder();
    let id = builder.add_u64_field("chunk", INDEXED | FAST);
    let indexing = TextFieldIndexing::default().set_tokenizer(ANALYZER).set_index_option(IndexRecordOption::WithFreqs);
    let body = builder.add_text_field("body", TextOptions::default().set_indexing_options(indexing));
    (builder.build(), body, id)
}

/// Holds the index's files against their checksums, but for those in `known`, and gives their names.
fn check_files(index: &tantivy::Index, known: Option<&BTreeSet<PathBuf>>) -> tantivy::Result<BTreeSet<PathBuf>> {
    let files: BTreeSet<PathBuf> = index.load_metas()?.list_segment_files().into_iter().collect();
    let written = index.directory().list_managed_files();
    for file in files.iter().filter(|file| !known.is_some_and(|known| known.contains(*file))) {
        let is_there = written.contains(file) || index.directory().exists(file)?;
        if is_there && !index.directory().validate_checksum(file)? {
            return Err(TantivyError::InternalError(format!("{} fails its check", file.display())));
        }
    }
    Ok(files)
}

/// The generation in a stamp; 0 where the terms were made otherwise than those of questions are now.
fn generation_of(stamp: Option<&str>, language: Language) -> u64 {
    match stamp.and_then(|stamp| stamp.split_once(' ')) {
        Some((generation, terms)) if terms == terms_stamp(language) => generation.parse().unwrap_or(0),
        _ => 0,
    }
}

/// How terms are made now.
fn terms_stamp(language: Language) -> String {
    format!("{} {}", analyzer::VERSION, language.code())
}

fn failed(path: &Path, cause: impl Display + Debug) -> Error {
    // Some of tantivy's errors show what caused them to programmers only.
    if is_disk_full(&format!("{cause} {cause:?}")) {
        return Error::disk_full("write words to", path);
    }
    Error::damaged(format!("the word index in {} failed: {cause}", path.display()))
        .with_hint("run `kinglet index` again: this part is derived and is made anew")
}

/// tantivy panics over some damaged files.
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

    /// A folder on a disk with room for what lies there already.
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
    fn the_thread_that_writes_tells_why_it_ended() {
        let (schema, body, _) = schema();
        let index = tantivy::Index::create(Full::default(), schema, Default::default()).unwrap();
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
            "could not write words to lexical: the disk is full"
        );
    }

    #[test]
    fn a_full_disk_is_called_so_wherever_tantivy_meets_it() {
        let full = || std::sync::Arc::new(Io::from(StorageFull));
        let opening = OpenWriteError::IoError { io_error: full(), filepath: "a.idx".into() };
        for cause in [
            TantivyError::IoError(full()),
            TantivyError::IoError(std::sync::Arc::new(Io::other("No space left on device (os error 28)"))),
            TantivyError::OpenWriteError(opening),
            TantivyError::ErrorInThread(format!("{:?}", full())),
        ] {
            let error = failed(Path::new("lexical"), cause);
            assert_eq!(error.to_string(), "could not write words to lexical: the disk is full");
            assert_eq!(error.kind(), crate::ErrorKind::Machine);
            assert!(format!("{:?}", error.hint()).contains("free some space"));
        }
        assert_eq!(failed(Path::new("lexical"), TantivyError::Poisoned).kind(), crate::ErrorKind::Damaged);
    }

    proptest! {
        #[test]
        fn every_text_has_words_with_places_in_every_language(
            text in ".{0,120}", language in prop::sample::select(&Language::ALL[..])
        ) {
            for word in stems(&text, language) {
                prop_assert!(text.get(word.span.start..word.span.end).is_some_and(|part| !part.is_empty()));
            }
        }
    }
}
