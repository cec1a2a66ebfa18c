//! Helpers of several tests: folders of documents, and indexes of them with the deterministic
//! embedder.
#![allow(dead_code)] // each test file uses some of them

pub mod generators;
pub mod in_memory;
pub mod tiny;
pub mod tiny_gguf;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kinglet::chunking::Chunking;
use kinglet::index::derived_part::{DerivedPart, Prepared};
use kinglet::index::store::{ChunkId, Documents, StoredChunk};
use kinglet::index::{Index, IndexWriter, WorkProgress};
use kinglet::ingest::{IngestPlan, NoProgress, Progress, Summary, ingest_into};
use kinglet::models::contracts::{
    EmbeddedText, Embedder, EmbedderCard, Role, SparseCard, SparseEncoder, TokenEmbedder,
};
use kinglet::models::hashing::HashingEmbedder;
use kinglet::search::{DenseRetriever, IndexSources, LexicalRetriever, QueryEncoder, Retriever, SparseRetriever};
use kinglet::subprocess::Isolation;
use kinglet::text::Span;
use kinglet::vector::{SparseVector, Vector};

/// The folder of the package.
pub fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The embedder that needs no model.
pub fn embedder() -> Arc<dyn Embedder> {
    Arc::new(HashingEmbedder::new(256))
}

/// [`embedder`] with a vector for each word, which counts the questions that it embeds.
pub struct WordEmbedder {
    inner: HashingEmbedder,
    questions: AtomicUsize,
}

impl WordEmbedder {
    pub fn new() -> Self {
        WordEmbedder { inner: HashingEmbedder::new(256), questions: AtomicUsize::new(0) }
    }

    /// The number of questions that it has embedded since the last call.
    pub fn take_questions(&self) -> usize {
        self.questions.swap(0, Ordering::Relaxed)
    }

    fn count(&self, role: Role, texts: &[&str]) {
        if role == Role::Query {
            self.questions.fetch_add(texts.len(), Ordering::Relaxed);
        }
    }

    fn words(text: &str) -> Vec<(usize, &str)> {
        let start = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
        text.split_whitespace().map(|word| (start(word), word)).collect()
    }
}

impl Embedder for WordEmbedder {
    fn card(&self) -> &EmbedderCard {
        self.inner.card()
    }

    fn embed(&self, role: Role, texts: &[&str]) -> kinglet::Result<Vec<Vector>> {
        self.count(role, texts);
        self.inner.embed(role, texts)
    }

    fn token_embedder(&self) -> Option<&dyn TokenEmbedder> {
        Some(self)
    }
}

impl TokenEmbedder for WordEmbedder {
    fn embed_tokens(&self, role: Role, texts: &[&str]) -> kinglet::Result<Vec<EmbeddedText>> {
        self.count(role, texts);
        let embed = |text: &&str| {
            // The first token, with the vector of the whole text, stands for the special tokens.
            let tokens: Vec<&str> = [*text].into_iter().chain(Self::words(text).into_iter().map(|it| it.1)).collect();
            let vector = self.inner.embed(role, &[text])?.remove(0);
            Ok(EmbeddedText { vector, tokens: self.inner.embed(role, &tokens)? })
        };
        texts.iter().map(embed).collect()
    }

    fn token_spans(&self, _: Role, text: &str) -> kinglet::Result<Vec<Option<Span>>> {
        let span = |(start, word): (usize, &str)| Some(Span { start, end: start + word.len() });
        Ok([None].into_iter().chain(Self::words(text).into_iter().map(span)).collect())
    }
}

/// A sparse encoder that needs no model: it counts the words of a text.
struct WordCounts(SparseCard);

impl SparseEncoder for WordCounts {
    fn card(&self) -> &SparseCard {
        &self.0
    }

    fn encode(&self, _: Role, texts: &[&str]) -> kinglet::Result<Vec<SparseVector>> {
        let encode = |text: &&str| {
            let mut counts: BTreeMap<u32, f32> = BTreeMap::new();
            for word in kinglet::text::words(text) {
                let hash = blake3::hash(word.as_bytes());
                let number = u32::from_le_bytes(hash.as_bytes()[..4].try_into().unwrap());
                *counts.entry(number % self.0.vocabulary as u32).or_default() += 1.0;
            }
            SparseVector::new(counts.into_iter().map(|(term, count)| (term, count.ln_1p())).collect())
        };
        texts.iter().map(encode).collect()
    }
}

/// The sparse encoder that needs no model.
pub fn encoder() -> Arc<dyn SparseEncoder> {
    let card = SparseCard {
        id: "word-counts".to_string(),
        vocabulary: 30_000,
        max_tokens: usize::MAX,
        weights: "version 1".to_string(),
    };
    Arc::new(WordCounts(card))
}

/// Embeds questions with [`embedder`].
pub fn query_encoder() -> Arc<QueryEncoder> {
    Arc::new(QueryEncoder::new(embedder()))
}

/// The retrievers over an index that has vectors of [`embedder`].
pub fn lexical_and_dense(sources: &Arc<IndexSources>) -> kinglet::Result<Vec<Arc<dyn Retriever>>> {
    let vectors = sources.embedder(embedder().card())?;
    Ok(vec![Arc::new(LexicalRetriever::new(sources.clone())), Arc::new(DenseRetriever::new(vectors, query_encoder()))])
}

/// The retrievers over an index that has terms of [`encoder`] too.
pub fn all_retrievers(sources: &Arc<IndexSources>) -> kinglet::Result<Vec<Arc<dyn Retriever>>> {
    let mut retrievers = lexical_and_dense(sources)?;
    retrievers.push(Arc::new(SparseRetriever::new(sources.encoder(encoder().card())?, encoder())));
    Ok(retrievers)
}

/// Writes files and creates their folders.
pub fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// Copies a folder with everything in it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Indexes `roots` into `index`; `progress` observes the run.
pub fn index_observed(roots: &[PathBuf], index: &Path, progress: &dyn Progress) -> kinglet::Result<Summary> {
    index_with_chunking(roots, index, Chunking::default(), progress)
}

/// The same with this chunking.
pub fn index_with_chunking(
    roots: &[PathBuf],
    index: &Path,
    chunking: Chunking,
    progress: &dyn Progress,
) -> kinglet::Result<Summary> {
    index_with_parts(roots, index, chunking, &|part| part, progress)
}

/// The same with each part that a model makes wrapped by `wrap`.
pub fn index_with_parts(
    roots: &[PathBuf],
    index: &Path,
    chunking: Chunking,
    wrap: &dyn Fn(Box<dyn DerivedPart>) -> Box<dyn DerivedPart>,
    progress: &dyn Progress,
) -> kinglet::Result<Summary> {
    let plan = IngestPlan {
        roots,
        chunking,
        max_file_bytes: 1 << 20,
        dropped: &[],
        exclude: &[],
        embedders: &[embedder()],
        encoders: &[encoder()],
        language: None,
        keep_tokens: true,
        isolation: &Isolation::InProcess,
    };
    let mut writer = IndexWriter::open(index)?;
    let mut parts = writer.open_parts(plan.embedders, plan.encoders, plan.keep_tokens)?;
    parts.planned = parts.planned.into_iter().map(wrap).collect();
    ingest_into(&mut writer, parts, &plan, progress)
}

/// Called before each piece of work, which fails with its error.
pub type BeforeWork = Rc<dyn Fn() -> kinglet::Result<()>>;

/// A derived part that calls a function before each piece of work, which can be slow, fail, or end
/// the process.
pub struct CheckedPart {
    pub part: Box<dyn DerivedPart>,
    pub before_work: BeforeWork,
}

impl DerivedPart for CheckedPart {
    fn name(&self) -> &str {
        self.part.name()
    }

    fn missing(&self, store: &Documents) -> kinglet::Result<Vec<ChunkId>> {
        (self.before_work)()?;
        self.part.missing(store)
    }

    fn append(&mut self, chunks: &[StoredChunk]) -> kinglet::Result<()> {
        (self.before_work)()?;
        self.part.append(chunks)
    }

    fn prepare<'p>(
        &'p mut self,
        store: &'p Documents,
        generation: u64,
        progress: &WorkProgress<'_>,
    ) -> kinglet::Result<Prepared<'p>> {
        (self.before_work)()?;
        let put_in_place = self.part.prepare(store, generation, progress)?;
        let before_work = self.before_work.clone();
        Ok(Box::new(move || {
            before_work()?;
            put_in_place()
        }))
    }

    fn generation(&self) -> kinglet::Result<u64> {
        self.part.generation()
    }

    fn check(&self, store: &Documents) -> kinglet::Result<()> {
        self.part.check(store)
    }

    fn size_bytes(&self) -> u64 {
        self.part.size_bytes()
    }

    fn remove(self: Box<Self>) -> kinglet::Result<()> {
        self.part.remove()
    }
}

/// Indexes one folder into `index`.
pub fn index(folder: &Path, index: &Path) -> Summary {
    index_observed(&[folder.canonicalize().unwrap()], index, &NoProgress).unwrap()
}

/// All chunks of an index as (path, first line, text), sorted. They are equal for equal indexes.
pub fn contents(index: &Index) -> Vec<(PathBuf, u32, String)> {
    let mut rows: Vec<_> = index
        .chunks(&index.chunk_ids().unwrap())
        .unwrap()
        .into_iter()
        .map(|stored| (stored.path, stored.chunk.first, stored.chunk.text))
        .collect();
    rows.sort();
    rows
}

/// Reports that a test is skipped because something is missing. `make test` counts and lists these
/// at its end, because the output of a test that passes is not shown.
pub fn skipped(test: &str, needs: &str) {
    eprintln!("SKIPPED: {test} needs {needs}");
    if let Some(list) = std::env::var_os("KINGLET_TEST_SKIPPED") {
        let mut list = std::fs::File::options().create(true).append(true).open(list).unwrap();
        // In a single write, because other tests write too.
        list.write_all(format!("{test} needs {needs}\n").as_bytes()).unwrap();
    }
}

/// The home with the real models; `None`, after reporting the test as skipped, if they are missing.
pub fn home_with_models(test: &str) -> Option<PathBuf> {
    home_with(test, &["onnxruntime", "all-minilm-l6-v2", "smollm2-135m-instruct"])
}

/// The home with these models; `None`, after reporting the test as skipped, if they are missing.
pub fn home_with(test: &str, models: &[&str]) -> Option<PathBuf> {
    let home = PathBuf::from(std::env::var_os("KINGLET_TEST_HOME")?);
    let kinglet = kinglet::engine::Kinglet::new(home.clone(), kinglet::config::Config::default());
    let here = models.iter().all(|id| {
        let spec = kinglet.models().lookup(id).unwrap();
        kinglet.is_here(&spec)
    });
    if !here {
        skipped(test, "the real models; `make test` fetches them");
    }
    here.then_some(home)
}
