//! Indexes folders: reads only what changed, and embeds only new chunks.
//!
//! Text comes first: what has been read is committed together with the lexical part and can be
//! searched. Vectors follow, durable by chunk hash after each batch and searchable from time to
//! time. Wherever a run is interrupted, the next one sees by generation which parts lag and derives
//! them again, and by hash which vectors are missing.

mod description;
mod embed;
mod plan;
mod progress;
mod read_files;
mod roots;
mod summary;

use std::time::{Duration, Instant};

pub use plan::IngestPlan;
pub use progress::{Event, FasterEmbedder, NoProgress, Progress, Step};
pub use roots::move_root;
pub use summary::{FileNote, Summary};

use crate::error::{Error, ErrorKind, Result};
use crate::index::IndexWriter;
use crate::index::derived_part::{DerivedPart, DerivedParts};
use crate::index::manifest::Manifest;
use crate::index::store::Change;
use kinglet_formats::is_truncated;

/// The time after which what has been read or embedded becomes searchable.
const CHECKPOINT: Duration = Duration::from_secs(30);

/// An interrupted run still adds up to this many chunks to the lexical part, which takes a second
/// or two, and leaves more to the next run.
const MAX_CHUNKS_AFTER_INTERRUPT: usize = 20_000;

/// Brings an index up to date with `plan`.
///
/// # Errors
/// When a root does not exist, an embedder fails, the disk refuses, or `progress` cancels. What was
/// read and embedded until then is kept and searchable, and the next run continues there.
pub fn ingest(writer: &mut IndexWriter, plan: &IngestPlan<'_>, progress: &dyn Progress) -> Result<Summary> {
    let parts = writer.open_parts(plan.embedders, plan.encoders, plan.keep_tokens)?;
    ingest_into(writer, parts, plan, progress)
}

/// As [`ingest()`], into parts that the caller has opened.
///
/// # Errors
/// As [`ingest()`].
pub fn ingest_into(
    writer: &mut IndexWriter,
    parts: DerivedParts,
    plan: &IngestPlan<'_>,
    progress: &dyn Progress,
) -> Result<Summary> {
    let is_replaced = writer.replace_damaged_store()?;
    let had_chunks = writer.documents().searchable()? > 0;
    let mut run = IngestRun { writer, plan, progress, parts, had_chunks };
    let mut summary = Summary::default();

    let started = Instant::now();
    let changed = run.read_files(&mut summary)?;
    if is_replaced {
        summary.repaired = summary.read;
    }
    summary.read_ms = elapsed_ms(started);

    let started = Instant::now();
    for at in 0..run.parts.planned.len() {
        summary.embedded += embed::embed(run.parts.planned[at].as_mut(), run.writer, progress)?;
        run.begin_to_answer(at)?;
    }
    summary.embed_ms = elapsed_ms(started);

    let started = Instant::now();
    progress.event(&Event::Reached(Step::Embedded));
    if !changed {
        run.repair()?;
    }
    let manifest = run.finished_manifest(run.language()?);
    let DerivedParts { planned, outgoing } = run.parts;
    finish(writer, manifest, outgoing)?;
    // Last, because it takes long and nothing waits for it: a run that is stopped here leaves a
    // complete index.
    planned.into_iter().try_for_each(|part| optimise(part, writer, progress))?;
    progress.event(&Event::Reached(Step::Finished));
    let doubtful = writer.documents().doubtful_files()?.into_iter().filter(|(_, doubt)| is_truncated(doubt));
    summary.truncated = doubtful.map(|(path, reason)| FileNote { path, reason }).collect();
    summary.chunks = writer.documents().counts()?.chunks;
    summary.commit_ms = elapsed_ms(started);
    Ok(summary)
}

/// A run under way.
struct IngestRun<'r> {
    writer: &'r IndexWriter,
    plan: &'r IngestPlan<'r>,
    progress: &'r dyn Progress,
    parts: DerivedParts,
    /// True if the index had chunks before this run.
    had_chunks: bool,
}

impl<'r> IngestRun<'r> {
    /// Commits what has been read, and makes it searchable; `complete` if there is no more to read.
    fn publish(&mut self, change: Change<'_>, complete: bool) -> Result<()> {
        let language = self.language()?;
        let manifest = self.interim_manifest(language, complete);
        self.writer.commit(change, language, &self.lexical_progress()).or_else(|error| {
            if error.kind() == ErrorKind::Interrupted {
                self.writer.describe(&manifest)?;
            }
            Err(error)
        })?;
        self.progress.event(&Event::Reached(Step::TextCommitted));
        for part in self.parts.planned.iter_mut().chain(&mut self.parts.outgoing) {
            self.writer.synchronise(part.as_mut(), &|_, _| Ok(()))?;
        }
        self.progress.event(&Event::Reached(Step::Derived));
        self.writer.describe(&manifest)?;
        self.progress.event(&Event::Reached(Step::Searchable));
        Ok(())
    }

    /// When the embedder that is to answer has embedded all chunks and others have not, lets
    /// searches use it already. Those that answered before stay until the run ends.
    fn begin_to_answer(&mut self, embedded: usize) -> Result<()> {
        let Some(answering) = self.plan.embedders.first().map(|embedder| embedder.card()) else { return Ok(()) };
        let is_answering = self.parts.planned[embedded].name() == answering.id;
        if !is_answering || embedded + 1 == self.parts.planned.len() {
            return Ok(());
        }
        let Some(manifest) = self.writer.stored_manifest()?.filter(|it| it.embedders.first() != Some(answering)) else {
            return Ok(());
        };
        // A manifest names only what readers can open.
        self.parts.planned.iter_mut().try_for_each(|part| self.writer.synchronise(part.as_mut(), &|_, _| Ok(())))?;
        let mut embedders: Vec<_> = self.plan.embedders.iter().map(|embedder| embedder.card().clone()).collect();
        embedders
            .extend(manifest.embedders.iter().filter(|card| !embedders.contains(card)).cloned().collect::<Vec<_>>());
        self.writer.describe(&Manifest { embedders, ..manifest })
    }

    /// Repairs what an earlier run left undone or what was damaged since. A run that changed
    /// anything has derived every part already.
    fn repair(&mut self) -> Result<()> {
        let mut lexical = self.writer.lexical(self.language()?);
        self.writer.repair(lexical.as_mut(), &self.lexical_progress())?;
        self.parts.planned.iter_mut().try_for_each(|part| self.writer.repair(part.as_mut(), &|_, _| Ok(())))
    }

    /// Reports the progress of the lexical part. An interrupt stops it if much is left to do.
    fn lexical_progress(&self) -> impl Fn(usize, usize) -> Result<()> + use<'r> {
        let progress = self.progress;
        move |done, total| {
            progress.event(&Event::WordsIndexed { done, total });
            match total - done > MAX_CHUNKS_AFTER_INTERRUPT && progress.is_cancelled() {
                true => Err(Error::interrupted()),
                false => Ok(()),
            }
        }
    }
}

/// Writes the final manifest, and removes the outgoing parts.
fn finish(writer: &mut IndexWriter, manifest: Manifest, outgoing: Vec<Box<dyn DerivedPart>>) -> Result<()> {
    if writer.stored_manifest()?.as_ref() == Some(&manifest) {
        return Ok(());
    }
    writer.finish(manifest)?;
    outgoing.into_iter().try_for_each(DerivedPart::remove)?;
    writer.remove_leftovers()
}

/// Builds what makes searching a large index faster.
fn optimise(mut part: Box<dyn DerivedPart>, writer: &IndexWriter, progress: &dyn Progress) -> Result<()> {
    let name = part.name().to_string();
    let report = |done, total| {
        progress.event(&Event::Linked { model: &name, done, total });
        if progress.is_cancelled() { Err(Error::interrupted()) } else { Ok(()) }
    };
    part.optimise(writer.documents(), &report).map_err(|error| error.in_part(&name))
}

fn elapsed_ms(since: Instant) -> u64 {
    since.elapsed().as_millis() as u64
}
