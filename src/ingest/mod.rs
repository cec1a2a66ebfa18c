//! Flow (a): a folder becomes an index. Only what changed is read, and only new chunks are embedded.
//!
//! Text comes first: what has been read is committed together with its words and can be searched; vectors follow, durable by chunk
//! hash after each batch and searchable from time to time. Whatever is cut off, the next run (or the next reader) finds by
//! generation what lags and derives it again, and by hash which vectors are missing.

mod read_files;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::chunking::{Chunk, Chunking};
use crate::error::{Error, ErrorKind, Result};
use crate::extract;
use crate::extract::worker_process::Isolation;
use crate::index::IndexWriter;
use crate::index::dense::DenseWriter;
use crate::index::manifest::{FORMAT, Manifest};
use crate::index::sparse::SparseWriter;
use crate::index::store::row_checks::Damage;
use crate::index::store::{Change, ChunkHash, ChunkId};
use crate::index::token_vectors::TokenStore;
use crate::language::{Language, detect};
use crate::models::contracts::{Embedder, EmbedderCard, Role, SparseCard, SparseEncoder};
use crate::vector::signs;
use kinglet_formats::is_truncated;

/// How often what has been read or embedded so far becomes searchable.
const CHECKPOINT: Duration = Duration::from_secs(30);

/// Chunks that are embedded between two moments at which the work can be stopped and is durable.
const EMBEDDING_BATCH: usize = 64;

/// An interrupted run finishes the words of so many chunks, which takes a second or two, and leaves more to the next run.
const WORDS_AFTER_INTERRUPT: usize = 20_000;

/// Chunks that are looked at to tell the language of a new index.
const CHUNKS_FOR_LANGUAGE: usize = 200;

/// What is to be indexed, and how.
pub struct Plan<'p> {
    /// Folders and files; empty means those of the last run.
    pub roots: &'p [PathBuf],
    /// How documents are cut. Another chunking than the last run's cuts all of them again.
    pub chunking: Chunking,
    /// Larger files are skipped.
    pub max_file_bytes: u64,
    /// Folders that are never read, such as kinglet's own.
    pub exclude: &'p [PathBuf],
    /// Whose vectors the index shall hold; the first answers.
    pub embedders: &'p [Arc<dyn Embedder>],
    /// Whose learned terms the index shall hold.
    pub encoders: &'p [Arc<dyn SparseEncoder>],
    /// The language of the words; `None` for the index's own, or the one that a new index's documents are in.
    pub language: Option<Language>,
    /// Whether token vectors are kept too, where an embedder has them.
    pub keep_tokens: bool,
    /// Where files are read.
    pub reading: &'p Isolation,
}

/// A step of a run, in order; a long run reaches the first three more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// What has been read is committed with its words; the other derived parts lag.
    TextCommitted,
    /// Every derived part matches the store as far as it has been made.
    Derived,
    /// The index says what it is, and can be searched.
    Searchable,
    /// All vectors and learned terms are made.
    VectorsKept,
    /// The manifest is in place: done.
    Finished,
}

/// What a run tells while it works.
#[derive(Debug)]
pub enum Event<'e> {
    /// The files have been found; reading begins.
    FilesFound {
        /// How many.
        files: usize,
    },
    /// A file has been looked at.
    Looked {
        /// Which.
        path: &'e Path,
        /// How many so far.
        done: usize,
        /// How many there are.
        total: usize,
    },
    /// A part of a long file has been read.
    PartRead {
        /// Which file.
        path: &'e Path,
        /// How many bytes of text so far.
        done_bytes: u64,
        /// How many bytes the file has.
        total_bytes: u64,
    },
    /// Words of chunks have been indexed.
    WordsIndexed {
        /// Of how many chunks so far.
        done: usize,
        /// How many there are to do before they are committed.
        total: usize,
    },
    /// Chunks have been embedded.
    Embedded {
        /// By which embedder or encoder.
        embedder: &'e str,
        /// How many so far in this run.
        done: usize,
        /// How many there are to do in this run.
        total: usize,
    },
    /// Vectors have been put into the graph of near neighbours, which a large index gets when all else is done.
    Linked {
        /// The embedder that made them.
        embedder: &'e str,
        /// How many are in it.
        done: usize,
        /// How many there are.
        total: usize,
    },
    /// A step of the commit is done.
    Reached(Step),
}

/// Watches a run, and may stop it.
pub trait Progress {
    /// Called after each piece of work.
    fn event(&self, event: &Event<'_>);
    /// Asked between pieces of work; `true` ends the run with [`crate::ErrorKind::Interrupted`].
    fn is_cancelled(&self) -> bool;
}

/// Watches nothing.
pub struct NoProgress;

impl Progress for NoProgress {
    fn event(&self, _: &Event<'_>) {}
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Files read in this run.
    pub read: usize,
    /// Files that had not changed since the last run.
    pub unchanged: usize,
    /// Files that are gone since the last run.
    pub removed: usize,
    /// Files that the index knew and has read anew, because what it kept of them was damaged on disk.
    #[serde(skip_serializing_if = "is_zero")]
    pub mended: usize,
    /// Files found but not read, with the reasons.
    pub skipped: Vec<Skipped>,
    /// Files of which something was left out because of a limit, with what: all of the index.
    pub truncated: Vec<Skipped>,
    /// Chunks in the index now.
    pub chunks: u64,
    /// Chunks embedded in this run; those known from before cost nothing.
    pub embedded: usize,
    /// Milliseconds for finding and reading files.
    pub read_ms: u64,
    /// Milliseconds for embedding.
    pub embed_ms: u64,
    /// Milliseconds for committing and deriving.
    pub commit_ms: u64,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A file that was not read, or not whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// Brings an index up to date with `plan`.
///
/// # Errors
/// When a root does not exist, an embedder fails, the disk refuses, or the watcher cancels. What was read and embedded until then is
/// kept, and searchable; the next run goes on there.
pub fn ingest(writer: &mut IndexWriter, plan: &Plan<'_>, watcher: &dyn Progress) -> Result<Summary> {
    let renewed = writer.renew_damaged_store()?;
    let run = IngestRun::start(writer, plan, watcher)?;
    let mut summary = Summary::default();

    let started = Instant::now();
    let changed = run.read_files(&mut summary)?;
    if renewed {
        summary.mended = summary.read;
    }
    summary.read_ms = elapsed_ms(started);

    let started = Instant::now();
    summary.embedded = run.embed_all(changed)?;
    summary.embed_ms = elapsed_ms(started);

    let started = Instant::now();
    watcher.event(&Event::Reached(Step::VectorsKept));
    let manifest = run.last_manifest(changed)?;
    if writer.stored_manifest()?.as_ref() != Some(&manifest) {
        writer.finish(manifest)?;
    }
    // Last, because it takes long and nothing waits for it: a run that is stopped here leaves a whole index.
    writer.build_graphs(&|embedder, done, total| {
        watcher.event(&Event::Linked { embedder, done, total });
        if watcher.is_cancelled() { Err(Error::interrupted()) } else { Ok(()) }
    })?;
    watcher.event(&Event::Reached(Step::Finished));
    let doubtful = writer.documents().doubtful_files()?.into_iter().filter(|(_, doubt)| is_truncated(doubt));
    summary.truncated = doubtful.map(|(path, reason)| Skipped { path, reason }).collect();
    summary.chunks = writer.documents().counts()?.chunks;
    summary.commit_ms = elapsed_ms(started);
    Ok(summary)
}

/// A run under way.
struct IngestRun<'r> {
    writer: &'r IndexWriter,
    plan: &'r Plan<'r>,
    watcher: &'r dyn Progress,
    /// The vectors and learned terms that the index has or shall have. Those that it shall no longer have answer until the run is done.
    dense: Vec<(EmbedderCard, RefCell<DenseWriter>)>,
    sparse: Vec<(SparseCard, RefCell<SparseWriter>)>,
    /// Whether the index had chunks before this run.
    had_chunks: bool,
}

impl<'r> IngestRun<'r> {
    fn start(writer: &'r IndexWriter, plan: &'r Plan<'r>, watcher: &'r dyn Progress) -> Result<Self> {
        let mut cards: Vec<EmbedderCard> = plan.embedders.iter().map(|embedder| embedder.card().clone()).collect();
        let mut sparse_cards: Vec<SparseCard> = plan.encoders.iter().map(|encoder| encoder.card().clone()).collect();
        if let Some(manifest) = writer.manifest() {
            cards.extend(manifest.embedders.iter().filter(|card| !cards.contains(card)).cloned().collect::<Vec<_>>());
            let more = manifest.sparse.iter().filter(|card| !sparse_cards.contains(card)).cloned();
            sparse_cards.extend(more.collect::<Vec<_>>());
        }
        let dense = cards
            .into_iter()
            .map(|card| Ok((card.clone(), RefCell::new(writer.dense(&card)?))))
            .collect::<Result<_>>()?;
        let sparse = sparse_cards.into_iter().map(|card| Ok((card.clone(), RefCell::new(writer.sparse(&card)?))));
        let sparse = sparse.collect::<Result<_>>()?;
        let had_chunks = writer.documents().searchable()? > 0;
        Ok(IngestRun { writer, plan, watcher, dense, sparse, had_chunks })
    }

    /// What the index is while the run goes on, or when it is done.
    fn manifest(&self, language: Language, reading_is_done: bool, finished: bool) -> Manifest {
        let planned = Manifest {
            format: FORMAT,
            chunking: self.plan.chunking,
            reading: extract::VERSION,
            all_read: reading_is_done,
            language,
            embedders: self.plan.embedders.iter().map(|embedder| embedder.card().clone()).collect(),
            sparse: self.plan.encoders.iter().map(|encoder| encoder.card().clone()).collect(),
            chosen: Default::default(),
            tuned: Default::default(),
        };
        let Some(before) = self.writer.manifest().cloned() else { return planned };
        let mut tuned = before.tuned;
        if finished {
            tuned.retain(|embedder, _| planned.embedders.iter().any(|card| card.id == *embedder));
            return Manifest { chosen: before.chosen, tuned, ..planned };
        }
        // What answered before answers until the run is done. Files that are still to be read anew are told by the manifest's old
        // chunking and reading.
        let (chunking, reading) = match reading_is_done {
            true => (planned.chunking, planned.reading),
            false => (before.chunking, before.reading),
        };
        let (embedders, sparse) = (before.embedders, before.sparse);
        Manifest { chunking, reading, embedders, sparse, chosen: before.chosen, tuned, ..planned }
    }

    /// The language that the plan names, else the index's own. An index without chunks has none of its own yet: the documents tell it.
    fn language(&self) -> Result<Language> {
        let known = self.writer.manifest().filter(|_| self.had_chunks).map(|manifest| manifest.language);
        match self.plan.language.or(known) {
            Some(language) => Ok(language),
            None => language_of(self.writer),
        }
    }

    /// Commits what has been read, and makes it searchable.
    fn publish(&self, change: Change<'_>, reading_is_done: bool) -> Result<()> {
        let language = self.language()?;
        self.writer.commit(change, language, &self.words_progress()).or_else(|error| {
            if error.kind() == ErrorKind::Interrupted {
                self.writer.describe(&self.manifest(language, reading_is_done, false))?;
            }
            Err(error)
        })?;
        self.watcher.event(&Event::Reached(Step::TextCommitted));
        self.derive_rest()?;
        self.watcher.event(&Event::Reached(Step::Derived));
        self.writer.describe(&self.manifest(language, reading_is_done, false))?;
        self.watcher.event(&Event::Reached(Step::Searchable));
        Ok(())
    }

    /// Tells how far the words are; an interrupt ends them where they are far from done.
    fn words_progress(&self) -> impl Fn(usize, usize) -> Result<()> {
        |done, total| {
            self.watcher.event(&Event::WordsIndexed { done, total });
            match total - done > WORDS_AFTER_INTERRUPT && self.watcher.is_cancelled() {
                true => Err(Error::interrupted()),
                false => Ok(()),
            }
        }
    }

    /// Makes every derived part but the words match the store, as far as it has been made.
    fn derive_rest(&self) -> Result<()> {
        self.dense.iter().try_for_each(|(_, part)| self.writer.derive_dense(&part.borrow()))?;
        self.sparse.iter().try_for_each(|(_, part)| self.writer.derive_sparse(&part.borrow()))
    }

    /// The folders and files of the last run and of this one.
    fn roots(&self, damage: &Damage) -> Result<Vec<PathBuf>> {
        let documents = self.writer.documents();
        // Which folders the damaged ones are is said by this run, or nobody knows.
        let known = match self.plan.roots.is_empty() {
            true => documents.roots()?,
            false => documents.roots_but(&damage.roots)?,
        };
        let mut roots: Vec<PathBuf> = known.into_iter().map(|(_, path)| path).collect();
        for root in self.plan.roots {
            if !roots.contains(root) {
                roots.push(root.clone());
            }
        }
        if roots.is_empty() {
            return Err(Error::input("nothing was named to index").with_hint("kinglet index FOLDER"));
        }
        Ok(roots)
    }

    /// Embeds and encodes what has no vector yet, what is fastest first; gives how many.
    fn embed_all(&self, changed: bool) -> Result<usize> {
        let mut embedded = 0;
        let mut embedders: Vec<&Arc<dyn Embedder>> = self.plan.embedders.iter().collect();
        // Those without token vectors are tables and hashes: thousands of chunks a second.
        embedders.sort_by_key(|embedder| embedder.token_embedder().is_some());
        for embedder in embedders {
            let part = self.dense.iter().find(|(card, _)| card == embedder.card()).map(|(_, part)| part);
            let part = part.expect("there is a part for each planned embedder");
            let with_tokens = self.plan.keep_tokens && embedder.token_embedder().is_some();
            let tokens = if with_tokens { Some(self.writer.tokens(embedder.card())?) } else { None };
            embedded += self.embed(part, tokens.as_ref(), embedder.as_ref())?;
            if let Some(tokens) = tokens.filter(|_| changed) {
                tokens.retain(self.writer.documents())?;
            }
        }
        for encoder in self.plan.encoders {
            let part = self.sparse.iter().find(|(card, _)| card == encoder.card()).map(|(_, part)| part);
            embedded += self.encode(part.expect("there is a part for each planned encoder"), encoder.as_ref())?;
        }
        Ok(embedded)
    }

    /// Embeds the chunks that have no vector yet, durably after each batch; gives how many. Those that only lack their tokens'
    /// vectors are embedded for these.
    fn embed(
        &self,
        part: &RefCell<DenseWriter>,
        tokens: Option<&TokenStore>,
        embedder: &dyn Embedder,
    ) -> Result<usize> {
        let documents = self.writer.documents();
        let without_vector: BTreeSet<ChunkId> = part.borrow().missing(documents)?.into_iter().collect();
        let mut missing = without_vector.clone();
        if let Some(tokens) = tokens {
            missing.extend(tokens.missing(documents)?);
        }
        let missing: Vec<ChunkId> = missing.into_iter().collect();
        let name = &embedder.card().id;
        self.in_batches(name, &missing, &|| self.writer.derive_dense(&part.borrow()), &|ids, chunks, texts| {
            let hashes: Vec<ChunkHash> = chunks.iter().map(Chunk::hash).collect();
            let vectors = match (tokens, embedder.token_embedder()) {
                (Some(tokens), Some(embedder)) => {
                    let embedded = embedder.embed_tokens(Role::Passage, texts)?;
                    let signs = embedded.iter().map(|text| text.tokens.iter().flat_map(signs).collect());
                    tokens.put(&hashes.iter().copied().zip(signs).collect::<Vec<_>>())?;
                    embedded.into_iter().map(|text| text.vector).collect()
                }
                _ => embedder.embed(Role::Passage, texts)?,
            };
            complete(name, vectors.len(), texts.len())?;
            let keyed = ids.iter().zip(hashes.into_iter().zip(vectors)).filter(|(id, _)| without_vector.contains(id));
            part.borrow_mut().append(&keyed.map(|(_, keyed)| keyed).collect::<Vec<_>>())
        })
    }

    /// Encodes the chunks that have no sparse vector yet, durably after each batch; gives how many.
    fn encode(&self, part: &RefCell<SparseWriter>, encoder: &dyn SparseEncoder) -> Result<usize> {
        let missing = part.borrow().missing(self.writer.documents())?;
        let name = &encoder.card().id;
        self.in_batches(name, &missing, &|| self.writer.derive_sparse(&part.borrow()), &|_, chunks, texts| {
            let vectors = encoder.encode(Role::Passage, texts)?;
            complete(name, vectors.len(), texts.len())?;
            part.borrow_mut().append(&chunks.iter().map(Chunk::hash).zip(vectors).collect::<Vec<_>>())
        })
    }

    /// Puts `work` to the chunks in batches; `derive` makes what is done searchable from time to time and in the end.
    fn in_batches(
        &self,
        name: &str,
        missing: &[ChunkId],
        derive: &dyn Fn() -> Result<()>,
        work: &Batch<'_>,
    ) -> Result<usize> {
        let mut derived = Instant::now();
        for (batch, ids) in missing.chunks(EMBEDDING_BATCH).enumerate() {
            if self.watcher.is_cancelled() {
                derive()?;
                return Err(Error::interrupted());
            }
            if derived.elapsed() >= CHECKPOINT {
                derive()?;
                derived = Instant::now();
            }
            let stored = self.writer.documents().chunks(ids)?;
            let chunks: Vec<Chunk> = stored.into_iter().map(|stored| stored.chunk).collect();
            let passages: Vec<String> = chunks.iter().map(Chunk::passage).collect();
            let texts: Vec<&str> = passages.iter().map(String::as_str).collect();
            work(ids, &chunks, &texts)?;
            let done = batch * EMBEDDING_BATCH + ids.len();
            self.watcher.event(&Event::Embedded { embedder: name, done, total: missing.len() });
        }
        if !missing.is_empty() {
            derive()?;
        }
        Ok(missing.len())
    }

    /// What the index is when all is done, with every derived part whole.
    fn last_manifest(&self, changed: bool) -> Result<Manifest> {
        let language = self.language()?;
        let manifest = self.manifest(language, true, true);
        // What changed has been derived on the way. Without a change a run before this one may have been cut off, or a part damaged.
        if !changed && !self.writer.is_current(&manifest.embedders, &manifest.sparse, language)? {
            self.writer.derive_lexical(language, &self.words_progress())?;
            self.derive_rest()?;
        }
        Ok(manifest)
    }
}

/// Work on a batch: the chunks' ids, the chunks, and what a model reads of each.
type Batch<'b> = dyn Fn(&[ChunkId], &[Chunk], &[&str]) -> Result<()> + 'b;

/// A model gives one vector for each text, or is at fault.
fn complete(name: &str, vectors: usize, texts: usize) -> Result<()> {
    match vectors == texts {
        true => Ok(()),
        false => Err(Error::model(format!("{name} gave {vectors} vectors for {texts} texts"))),
    }
}

/// The language of the documents, by chunks from all over the store.
fn language_of(writer: &IndexWriter) -> Result<Language> {
    let ids = writer.documents().chunk_ids()?;
    let step = ids.len().div_ceil(CHUNKS_FOR_LANGUAGE).max(1);
    let sample: Vec<ChunkId> = ids.into_iter().step_by(step).collect();
    let chunks = writer.documents().chunks(&sample)?;
    Ok(detect(chunks.iter().map(|stored| stored.chunk.text.as_str())))
}

fn elapsed_ms(since: Instant) -> u64 {
    since.elapsed().as_millis() as u64
}
