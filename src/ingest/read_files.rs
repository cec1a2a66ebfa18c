//! Reads what changed below the roots into the store.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::roots::root_at;
use super::{CHECKPOINT, Event, FileNote, IngestRun, Summary};
use crate::error::{Error, ErrorKind, Hint, Result};
use crate::extract::worker_process::read_all;
use crate::extract::{self, Extraction, Request};
use crate::index::store::row_checks::Damage;
use crate::index::store::{Change, KnownFile, NewFile};
use crate::scan::walk::{FileState, FoundFile, Limits, walk};

/// After this many failed attempts in a row, a file is not read again until it changes: it may have
/// been made to cost time.
const MAX_TRIES: u32 = 3;

/// A file to read.
struct ReadJob<'j> {
    file: &'j FoundFile,
    /// The row of its root.
    row: i64,
    path: PathBuf,
    before: Option<KnownFile>,
}

impl ReadJob<'_> {
    /// How many times in a row reading this file, as it is now, was given up.
    fn tries(&self) -> u32 {
        self.before.as_ref().filter(|before| before.state == self.file.state).map_or(0, |before| before.tries)
    }

    fn note(&self, reason: &str) -> FileNote {
        FileNote { path: self.path.clone(), reason: reason.to_string() }
    }
}

impl<'r> IngestRun<'r> {
    /// Reads what changed below the roots into the store; returns true if anything did.
    pub(super) fn read_files(&mut self, summary: &mut Summary) -> Result<bool> {
        let documents = self.writer.documents();
        let damage = documents.damage()?;
        let rereads_all = self
            .writer
            .manifest()
            .is_some_and(|manifest| manifest.chunking != self.plan.chunking || manifest.extraction != extract::VERSION);
        let dropped = self.plan.dropped.iter().map(|root| root_at(documents, root)).collect::<Result<Vec<_>>>()?;
        let (roots, gone): (Vec<PathBuf>, _) = self.roots(&damage)?.into_iter().partition(|root| !is_gone(root));
        // What cannot be read again keeps what was read of it, as long as that is still right.
        if let Some(first) = gone.first().filter(|_| roots.is_empty() || rereads_all) {
            return Err(Error::input(format!("there is no file or folder {}", first.display()))
                .with_hint(Hint::RootIsGone { index: None, root: first.clone() }));
        }
        summary.gone = gone;
        summary.repaired = damage.files.len();
        let limits = Limits { max_file_bytes: self.plan.max_file_bytes };
        let walked = walk(&roots, self.plan.exclude, &limits)?;
        self.progress.event(&Event::FilesFound { files: walked.files.len() });

        let change = documents.change()?;
        // Damaged files are removed, so that they are read like new ones.
        damage.roots.iter().try_for_each(|root| change.remove_root(*root))?;
        damage.files.keys().try_for_each(|file| change.remove(*file))?;
        let mut rows = Vec::new();
        let mut known = Vec::new();
        for root in &roots {
            let row = change.root(root)?;
            known.push(documents.known_files(row)?);
            rows.push(row);
        }
        let mut changed = !damage.is_none() || !self.plan.dropped.is_empty();
        for skipped in &walked.skipped {
            let before = known[skipped.root].remove(&skipped.path);
            if before.and_then(|file| file.skipped).as_deref() != Some(&skipped.reason) {
                change.put(&NewFile::skipped(rows[skipped.root], &skipped.path, &skipped.reason))?;
                changed = true;
            }
            let path = whole_path(&roots[skipped.root], &skipped.path);
            summary.skipped.push(FileNote { path, reason: skipped.reason.clone() });
        }
        let mut jobs: Vec<ReadJob<'_>> = Vec::new();
        for file in &walked.files {
            let before = known[file.root].remove(&file.path);
            let path = whole_path(&roots[file.root], &file.path);
            match before.filter(|_| !rereads_all) {
                Some(before) if before.state == file.state && !(1..MAX_TRIES).contains(&before.tries) => {
                    summary.unchanged += usize::from(before.skipped.is_none());
                    summary.skipped.extend(before.skipped.map(|reason| FileNote { path, reason }));
                }
                before => jobs.push(ReadJob { file, row: rows[file.root], path, before }),
            }
        }
        let done_before = walked.files.len() - jobs.len();
        changed |= !jobs.is_empty();
        let change = self.read_jobs(change, &jobs, done_before, summary)?;
        for gone in known.iter().flat_map(HashMap::values) {
            change.remove(gone.id)?;
            changed = true;
            summary.removed += usize::from(gone.skipped.is_none());
        }
        for root in dropped {
            summary.removed += documents.known_files(root)?.values().filter(|file| file.skipped.is_none()).count();
            change.remove_root(root)?;
        }
        summary.skipped.sort_by(|a, b| a.path.cmp(&b.path));
        // A first run that was interrupted after its commit leaves nothing to read, but no manifest
        // either.
        if changed || self.writer.manifest().is_none() {
            self.publish(change, true)?;
        }
        Ok(changed)
    }

    /// Reads files into the store. What has been read becomes searchable from time to time, and
    /// when the run is interrupted.
    fn read_jobs(
        &mut self,
        change: Change<'r>,
        jobs: &[ReadJob<'_>],
        done_before: usize,
        summary: &mut Summary,
    ) -> Result<Change<'r>> {
        let requests: Vec<Request> = jobs
            .iter()
            .map(|job| Request {
                path: job.path.clone(),
                chunking: self.plan.chunking,
                // A file that was given up is read again, even if its bytes are the same.
                previous_hash: job.before.as_ref().filter(|before| before.tries == 0).map(|before| before.hash),
                with_text: false,
            })
            .collect();
        let total = done_before + jobs.len();
        let mut published = Instant::now();
        let mut open = Some(change);
        // The row of the file whose parts are being written: the store gets all of them or none.
        let mut begun: Option<i64> = None;
        let result = read_all(self.plan.isolation, &requests, |at, outcome| {
            if self.progress.is_cancelled() {
                if let (Some(_), Some(change)) = (begun, &open) {
                    change.undo()?;
                }
                return Err(Error::interrupted());
            }
            if begun.is_none() && published.elapsed() >= CHECKPOINT {
                let change = open.take().expect("there is always one between two files");
                self.publish(change, false)?;
                open = Some(self.writer.documents().change()?);
                published = Instant::now();
            }
            let change = open.as_ref().expect("there is always one between two files");
            let job = &jobs[at];
            let part_ends = match &outcome {
                Extraction::Part(part) => part.chunks.last().map(|chunk| chunk.span.end as u64),
                _ => None,
            };
            self.put(change, job, &mut begun, outcome, summary)?;
            let total_bytes = job.file.state.size_bytes;
            self.progress.event(&match part_ends {
                Some(done_bytes) => Event::PartRead { path: &job.path, done_bytes, total_bytes },
                None => Event::FileDone { path: &job.path, done: done_before + at + 1, total },
            });
            Ok(())
        });
        match (result, open) {
            (Ok(()), Some(change)) => Ok(change),
            (Err(error), Some(change)) => {
                if error.kind() == ErrorKind::Interrupted {
                    self.publish(change, false)?;
                }
                Err(error)
            }
            (Err(error), None) => Err(error),
            (Ok(()), None) => self.writer.documents().change(),
        }
    }

    /// The folders and files of the last run and of this one.
    fn roots(&self, damage: &Damage) -> Result<Vec<PathBuf>> {
        let documents = self.writer.documents();
        // If roots are damaged, only the roots of this run can replace them.
        let previous = match self.plan.roots.is_empty() {
            true => documents.roots()?,
            false => documents.roots_except(&damage.roots)?,
        };
        let mut roots: Vec<PathBuf> = previous.into_iter().map(|(_, path)| path).collect();
        for root in self.plan.roots {
            if !roots.contains(root) {
                roots.push(root.clone());
            }
        }
        if roots.is_empty() {
            return Err(Error::input("nothing was named to index").with_hint(Hint::IndexFolder { index: None }));
        }
        roots.retain(|root| !self.plan.dropped.contains(root));
        if roots.is_empty() {
            return Err(Error::input("the index would cover nothing").with_hint("`kinglet rm` removes a whole index"));
        }
        Ok(roots)
    }

    /// Writes the outcome of a file, or a part of it. `begun` is the row of a file whose parts are
    /// being written.
    fn put(
        &self,
        change: &Change<'_>,
        job: &ReadJob<'_>,
        begun: &mut Option<i64>,
        outcome: Extraction,
        summary: &mut Summary,
    ) -> Result<()> {
        let &ReadJob { file, row, .. } = job;
        let (path, hash, tries) = (file.path.as_str(), [0; 32], 0);
        let state = file.state;
        let new = |content| NewFile { root: row, path, state, hash, tries, content };
        let is_read = matches!(outcome, Extraction::Part(_) | Extraction::Read { .. });
        if begun.is_some() && !is_read {
            *begun = None;
            change.undo()?;
        }
        let document = || begun.map_or_else(|| change.begin(row, path), Ok);
        match outcome {
            Extraction::Part(part) => {
                let document = document()?;
                *begun = Some(document);
                change.add(document, &part.chunks)
            }
            Extraction::Read { hash, extracted } => {
                summary.read += 1;
                let document = document()?;
                *begun = None;
                change.finish(document, &NewFile { hash, ..new(Ok(&extracted)) })
            }
            Extraction::Unchanged => {
                let before = job.before.as_ref().expect("only what is known can be the same");
                summary.read += usize::from(before.skipped.is_none());
                summary.skipped.extend(before.skipped.iter().map(|reason| job.note(reason)));
                change.touch(before.id, state)
            }
            Extraction::Skipped { hash, reason } => {
                summary.skipped.push(job.note(&reason));
                let new = NewFile { hash, ..new(Err(&reason)) };
                // The next run tries again to read a file that could not even be opened.
                let is_unread = hash == [0; 32];
                change.put(&if is_unread { NewFile { state: FileState::default(), ..new } } else { new })
            }
            Extraction::GivenUp { reason } => {
                let tries = job.tries() + 1;
                let next = match tries < MAX_TRIES {
                    true => "the next run tries again".to_string(),
                    false => format!("after {tries} tries, it is tried again when it changes"),
                };
                let reason = format!("{reason}; {next}");
                summary.skipped.push(job.note(&reason));
                change.put(&NewFile { tries, ..new(Err(&reason)) })
            }
        }
    }
}

/// True if there is certainly nothing at `path`.
pub(super) fn is_gone(path: &Path) -> bool {
    matches!(path.try_exists(), Ok(false))
}

fn whole_path(root: &Path, path: &str) -> PathBuf {
    if path.is_empty() { root.to_path_buf() } else { root.join(path) }
}
