//! Flow (a): a folder becomes an index. Only what changed is read, and only new chunks are embedded.
//!
//! The order is what makes an interruption harmless: vectors are appended durably by chunk hash while the store's change
//! is still open; then the store commits; then the derived parts follow; the manifest is last. Whatever is cut off, the
//! next run (or the next reader) finds by generation what lags and derives it again.

use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use crate::chunk::{Chunk, Chunking, chunk};
use crate::corpus::formats;
use crate::corpus::walk::{Found, Limits, walk};
use crate::error::{Error, Result};
use crate::index::IndexWriter;
use crate::index::dense::DenseWriter;
use crate::index::documents::{Change, ChunkHash, ChunkId, KnownFile, NewFile};
use crate::index::manifest::{FORMAT, Manifest};
use crate::index::sparse::SparseWriter;
use crate::index::tokens::TokenStore;
use crate::language::{Language, detect};
use crate::models::traits::{Embedder, Role, SparseEncoder};
use crate::vector::signs;

/// Chunks that are embedded between two moments at which the work can be stopped and is durable.
const EMBEDDING_BATCH: usize = 64;

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
}

/// A step of the commit, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// All vectors are durable; the store has not committed.
    VectorsKept,
    /// The store has committed; the derived parts lag.
    StoreCommitted,
    /// The words match the store.
    LexicalDerived,
    /// The vectors match the store.
    DenseDerived,
    /// The learned terms match the store.
    SparseDerived,
    /// The manifest is in place: done.
    Finished,
}

/// What a run tells while it works.
#[derive(Debug)]
pub enum Event<'e> {
    /// The files have been found; reading begins.
    Found {
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
    /// Chunks have been embedded.
    Embedded {
        /// By which embedder or encoder.
        embedder: &'e str,
        /// How many so far in this run.
        done: usize,
        /// How many there are to do in this run.
        total: usize,
    },
    /// A step of the commit is done.
    Reached(Step),
}

/// Watches a run, and may stop it.
pub trait Watcher {
    /// Called after each piece of work.
    fn event(&self, event: &Event<'_>);
    /// Asked between pieces of work; `true` ends the run with [`crate::Fault::Interrupted`].
    fn is_cancelled(&self) -> bool;
}

/// Watches nothing.
pub struct Unwatched;

impl Watcher for Unwatched {
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
    /// Files found but not read, with the reasons.
    pub skipped: Vec<Skipped>,
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

/// A file that was not read.
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
/// When a root does not exist, an embedder fails, the disk refuses, or the watcher cancels. Then the index is what it was
/// before, and the vectors made so far are kept for the next run.
pub fn ingest(writer: &mut IndexWriter, plan: &Plan<'_>, watcher: &dyn Watcher) -> Result<Summary> {
    let cards: Vec<_> = plan.embedders.iter().map(|embedder| embedder.card().clone()).collect();
    let sparse_cards: Vec<_> = plan.encoders.iter().map(|encoder| encoder.card().clone()).collect();
    let mut summary = Summary::default();

    let started = Instant::now();
    let change = writer.documents().change()?;
    let changed = read_files(&change, writer, plan, watcher, &mut summary)?;
    summary.read_ms = elapsed_ms(started);

    let started = Instant::now();
    let mut dense = Vec::new();
    for embedder in plan.embedders {
        let mut part = writer.dense(embedder.card())?;
        let with_tokens = plan.keep_tokens && embedder.token_embedder().is_some();
        let tokens = if with_tokens { Some(writer.tokens(embedder.card())?) } else { None };
        summary.embedded += embed(&mut part, tokens.as_ref(), writer, embedder.as_ref(), watcher)?;
        if let Some(tokens) = tokens.filter(|_| changed) {
            tokens.retain(writer.documents())?;
        }
        dense.push(part);
    }
    let mut sparse = Vec::new();
    for encoder in plan.encoders {
        let mut part = writer.sparse(encoder.card())?;
        summary.embedded += encode(&mut part, writer, encoder.as_ref(), watcher)?;
        sparse.push(part);
    }
    summary.embed_ms = elapsed_ms(started);

    let started = Instant::now();
    watcher.event(&Event::Reached(Step::VectorsKept));
    if changed {
        change.commit()?;
    } else {
        drop(change);
    }
    watcher.event(&Event::Reached(Step::StoreCommitted));
    let language = match plan.language.or(writer.manifest().map(|manifest| manifest.language)) {
        Some(language) => language,
        None => language_of(writer)?,
    };
    if changed || summary.embedded > 0 || !writer.is_current(&cards, &sparse_cards, language)? {
        writer.derive_lexical(language)?;
        watcher.event(&Event::Reached(Step::LexicalDerived));
        for part in &dense {
            writer.derive_dense(part)?;
        }
        watcher.event(&Event::Reached(Step::DenseDerived));
        for part in &sparse {
            writer.derive_sparse(part)?;
        }
        watcher.event(&Event::Reached(Step::SparseDerived));
    }
    summary.chunks = writer.documents().counts()?.chunks;
    let mut tuned = writer.manifest().map(|manifest| manifest.tuned.clone()).unwrap_or_default();
    tuned.retain(|embedder, _| cards.iter().any(|card| card.id == *embedder));
    let chosen = writer.manifest().map(|manifest| manifest.chosen.clone()).unwrap_or_default();
    let chunking = plan.chunking;
    let manifest =
        Manifest { format: FORMAT, chunking, language, embedders: cards, sparse: sparse_cards, chosen, tuned };
    if writer.manifest() != Some(&manifest) {
        writer.finish(manifest)?;
    }
    watcher.event(&Event::Reached(Step::Finished));
    summary.commit_ms = elapsed_ms(started);
    Ok(summary)
}

/// The language of the documents, by chunks from all over the store.
fn language_of(writer: &IndexWriter) -> Result<Language> {
    let ids: Vec<ChunkId> = writer.documents().chunk_hashes()?.into_iter().map(|(id, _)| id).collect();
    let step = ids.len().div_ceil(CHUNKS_FOR_LANGUAGE).max(1);
    let sample: Vec<ChunkId> = ids.into_iter().step_by(step).collect();
    let chunks = writer.documents().chunks(&sample)?;
    Ok(detect(chunks.iter().map(|stored| stored.chunk.text.as_str())))
}

/// Reads what changed below the roots into the store; `true` when anything did.
fn read_files(
    change: &Change<'_>,
    writer: &IndexWriter,
    plan: &Plan<'_>,
    watcher: &dyn Watcher,
    summary: &mut Summary,
) -> Result<bool> {
    let store = writer.documents();
    let mut roots: Vec<PathBuf> = store.roots()?.into_iter().map(|(_, path)| path).collect();
    for root in plan.roots {
        if !roots.contains(root) {
            roots.push(root.clone());
        }
    }
    if roots.is_empty() {
        return Err(Error::input("nothing was named to index").hint("kinglet index FOLDER"));
    }
    let walked = walk(&roots, plan.exclude, &Limits { max_file_bytes: plan.max_file_bytes })?;
    watcher.event(&Event::Found { files: walked.files.len() });

    let mut rows = Vec::new();
    let mut known = Vec::new();
    for root in &roots {
        let row = change.root(root)?;
        known.push(store.known_files(row)?);
        rows.push(row);
    }
    let mut changed = false;
    for skipped in &walked.skipped {
        let before = known[skipped.root].remove(&skipped.path);
        if before.and_then(|file| file.skipped).as_deref() != Some(&skipped.reason) {
            change.put(&NewFile::skipped(rows[skipped.root], &skipped.path, &skipped.reason))?;
            changed = true;
        }
        let path = whole_path(&roots[skipped.root], &skipped.path);
        summary.skipped.push(Skipped { path, reason: skipped.reason.clone() });
    }
    let cut_again = writer.manifest().is_some_and(|manifest| manifest.chunking != plan.chunking);
    for (done, file) in walked.files.iter().enumerate() {
        if watcher.is_cancelled() {
            return Err(Error::interrupted());
        }
        let path = whole_path(&roots[file.root], &file.path);
        let before = known[file.root].remove(&file.path).filter(|_| !cut_again);
        let same = before
            .as_ref()
            .is_some_and(|before| before.size_bytes == file.size_bytes && before.modified_ns == file.modified_ns);
        let skipped = match before {
            Some(before) if same => {
                summary.unchanged += usize::from(before.skipped.is_none());
                before.skipped
            }
            before => {
                changed = true;
                let skipped = read_file(change, rows[file.root], &path, file, before.as_ref(), plan)?;
                summary.read += usize::from(skipped.is_none());
                skipped
            }
        };
        if let Some(reason) = skipped {
            summary.skipped.push(Skipped { path: path.clone(), reason });
        }
        watcher.event(&Event::Looked { path: &path, done: done + 1, total: walked.files.len() });
    }
    for gone in known.iter().flat_map(HashMap::values) {
        change.remove(gone.id)?;
        changed = true;
        summary.removed += usize::from(gone.skipped.is_none());
    }
    summary.skipped.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(changed)
}

/// Reads one file into the store; gives the reason when it was skipped.
fn read_file(
    change: &Change<'_>,
    root: i64,
    path: &Path,
    file: &Found,
    before: Option<&KnownFile>,
    plan: &Plan<'_>,
) -> Result<Option<String>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(cause) => {
            let reason = format!("could not be read: {cause}");
            change.put(&NewFile::skipped(root, &file.path, &reason))?;
            return Ok(Some(reason));
        }
    };
    let hash = *blake3::hash(&bytes).as_bytes();
    if let Some(before) = before.filter(|before| before.hash == hash) {
        change.touch(before.id, file.size_bytes, file.modified_ns)?;
        return Ok(before.skipped.clone());
    }
    let (content, metadata) = match cut(path, &bytes, &plan.chunking) {
        Ok((chunks, metadata)) => (Ok(chunks), metadata),
        Err(reason) => (Err(reason), Vec::new()),
    };
    let skipped = content.as_ref().err().cloned();
    change.put(&NewFile {
        root,
        path: &file.path,
        size_bytes: file.size_bytes,
        modified_ns: file.modified_ns,
        hash,
        content: content.as_deref().map_err(String::as_str),
        metadata: &metadata,
    })?;
    Ok(skipped)
}

/// A file's chunks, and what it says of itself.
type Cut = (Vec<Chunk>, Vec<(String, String)>);

/// What a file is cut into, or why there is nothing. A reader's panic costs that file only.
fn cut(path: &Path, bytes: &[u8], chunking: &Chunking) -> std::result::Result<Cut, String> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let work = AssertUnwindSafe(|| {
        formats::read(&name, bytes).map(|document| (chunk(&document, chunking), document.metadata))
    });
    match catch_unwind(work) {
        Ok(Ok((chunks, _))) if chunks.is_empty() => Err("empty".to_string()),
        Ok(Ok(cut)) => Ok(cut),
        Ok(Err(skip)) => Err(skip.reason),
        Err(_) => Err("the reader of this format failed on it; please report the file".to_string()),
    }
}

/// Embeds the chunks that have no vector yet, durably after each batch; gives how many. Those that only lack their tokens'
/// vectors are embedded for these.
fn embed(
    dense: &mut DenseWriter,
    tokens: Option<&TokenStore>,
    writer: &IndexWriter,
    embedder: &dyn Embedder,
    watcher: &dyn Watcher,
) -> Result<usize> {
    let without_vector: BTreeSet<ChunkId> = dense.missing(writer.documents())?.into_iter().collect();
    let mut missing = without_vector.clone();
    if let Some(tokens) = tokens {
        missing.extend(tokens.missing(writer.documents())?);
    }
    let missing: Vec<ChunkId> = missing.into_iter().collect();
    let name = &embedder.card().id;
    for (batch, ids) in missing.chunks(EMBEDDING_BATCH).enumerate() {
        if watcher.is_cancelled() {
            return Err(Error::interrupted());
        }
        let chunks: Vec<Chunk> = writer.documents().chunks(ids)?.into_iter().map(|stored| stored.chunk).collect();
        let passages: Vec<String> = chunks.iter().map(Chunk::passage).collect();
        let texts: Vec<&str> = passages.iter().map(String::as_str).collect();
        let hashes: Vec<ChunkHash> = chunks.iter().map(Chunk::hash).collect();
        let vectors = match (tokens, embedder.token_embedder()) {
            (Some(tokens), Some(embedder)) => {
                let embedded = embedder.embed_tokens(Role::Passage, &texts)?;
                let signs = embedded.iter().map(|text| text.tokens.iter().flat_map(signs).collect());
                tokens.put(&hashes.iter().copied().zip(signs).collect::<Vec<_>>())?;
                embedded.into_iter().map(|text| text.vector).collect()
            }
            _ => embedder.embed(Role::Passage, &texts)?,
        };
        if vectors.len() != texts.len() {
            return Err(Error::model(format!("{name} gave {} vectors for {} texts", vectors.len(), texts.len())));
        }
        let keyed = ids.iter().zip(hashes.into_iter().zip(vectors)).filter(|(id, _)| without_vector.contains(id));
        dense.append(&keyed.map(|(_, keyed)| keyed).collect::<Vec<_>>())?;
        watcher.event(&Event::Embedded {
            embedder: name,
            done: batch * EMBEDDING_BATCH + ids.len(),
            total: missing.len(),
        });
    }
    Ok(missing.len())
}

/// Encodes the chunks that have no sparse vector yet, durably after each batch; gives how many.
fn encode(
    sparse: &mut SparseWriter,
    writer: &IndexWriter,
    encoder: &dyn SparseEncoder,
    watcher: &dyn Watcher,
) -> Result<usize> {
    let missing = sparse.missing(writer.documents())?;
    let name = &encoder.card().id;
    for (batch, ids) in missing.chunks(EMBEDDING_BATCH).enumerate() {
        if watcher.is_cancelled() {
            return Err(Error::interrupted());
        }
        let chunks: Vec<Chunk> = writer.documents().chunks(ids)?.into_iter().map(|stored| stored.chunk).collect();
        let passages: Vec<String> = chunks.iter().map(Chunk::passage).collect();
        let texts: Vec<&str> = passages.iter().map(String::as_str).collect();
        let vectors = encoder.encode(Role::Passage, &texts)?;
        if vectors.len() != texts.len() {
            return Err(Error::model(format!("{name} gave {} vectors for {} texts", vectors.len(), texts.len())));
        }
        sparse.append(&chunks.iter().map(Chunk::hash).zip(vectors).collect::<Vec<_>>())?;
        let done = batch * EMBEDDING_BATCH + ids.len();
        watcher.event(&Event::Embedded { embedder: name, done, total: missing.len() });
    }
    Ok(missing.len())
}

fn whole_path(root: &Path, path: &str) -> PathBuf {
    if path.is_empty() { root.to_path_buf() } else { root.join(path) }
}

fn elapsed_ms(since: Instant) -> u64 {
    since.elapsed().as_millis() as u64
}
