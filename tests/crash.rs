//! A process that is killed at any step of an indexing run loses nothing and duplicates nothing.
//!
//! The test starts itself as a child that aborts at a given moment, an event of the run or a piece
//! of work of a derived part. So it leaves a real lock and real half-written files.

mod support;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use kinglet::Hint;
use kinglet::chunking::Chunking;
use kinglet::index::derived_part::DerivedPart;
use kinglet::index::{Index, IndexWriter};
use kinglet::ingest::{Event, NoProgress, Progress, move_root};
use kinglet::search::{IndexSources, Query};
use support::{BeforeWork, CheckedPart};

const FOLDER: &str = "KINGLET_CRASH_FOLDER";
const INDEX: &str = "KINGLET_CRASH_INDEX";
/// Set if the run only moves the folder of the index there.
const MOVED_TO: &str = "KINGLET_CRASH_MOVED_TO";
const EVENT: &str = "KINGLET_CRASH_EVENT";

/// Aborts the process at the event with this number.
struct Killer {
    at: usize,
    seen: Cell<usize>,
}

impl Killer {
    fn count_event(&self) {
        if self.seen.get() == self.at {
            std::process::abort();
        }
        self.seen.set(self.seen.get() + 1);
    }
}

impl Progress for Killer {
    fn event(&self, _: &Event<'_>) {
        self.count_event();
    }

    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Not a test but the child process. Does nothing unless its variables are set.
#[test]
fn child() {
    let (Ok(folder), Ok(index), Ok(event)) = (std::env::var(FOLDER), std::env::var(INDEX), std::env::var(EVENT)) else {
        return;
    };
    let killer = Rc::new(Killer { at: event.parse().unwrap(), seen: Cell::new(0) });
    let before_work: BeforeWork = {
        let killer = killer.clone();
        Rc::new(move || {
            killer.count_event();
            Ok(())
        })
    };
    let wrap = |part| Box::new(CheckedPart { part, before_work: before_work.clone() }) as Box<dyn DerivedPart>;
    if let Ok(to) = std::env::var(MOVED_TO) {
        return move_folder(Path::new(&index), Path::new(&to), &wrap, killer.as_ref());
    }
    let (roots, chunking) = ([PathBuf::from(folder)], Chunking::default());
    support::index_with_parts(&roots, Path::new(&index), chunking, &wrap, killer.as_ref()).unwrap();
}

fn move_folder(
    index: &Path,
    to: &Path,
    wrap: &dyn Fn(Box<dyn DerivedPart>) -> Box<dyn DerivedPart>,
    progress: &dyn Progress,
) {
    let writer = IndexWriter::open(index).unwrap();
    let parts = writer.open_parts(&[], &[], false).unwrap().outgoing.into_iter().map(wrap).collect();
    move_root(&writer, parts, None, to, progress).unwrap();
}

/// Runs the child. `true` if it died at the event, `false` if the run had fewer events.
fn dies_at(event: usize, folder: &Path, index: &Path, moved_to: Option<&Path>) -> bool {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(INDEX, index)
        .env(EVENT, event.to_string())
        .envs(moved_to.map(|to| (MOVED_TO, to)))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    !status.success()
}

fn answers(folder: &Path) -> (Vec<(PathBuf, u32, String)>, [usize; 3]) {
    let index = std::sync::Arc::new(Index::open(folder).unwrap());
    // A word of each text, so that every chunk is found.
    let query = Query::new("a kinglet or goldcrest weighs five grams, wrens sing");
    let retrievers = support::all_retrievers(&IndexSources::new(index.clone())).unwrap();
    let found: Vec<usize> = retrievers.iter().map(|it| it.retrieve(&query, 100).unwrap().len()).collect();
    (support::contents(&index), found.try_into().unwrap())
}

#[test]
fn after_a_kill_at_any_event_the_next_run_finishes_the_work() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("documents");
    std::fs::create_dir(&folder).unwrap();
    let folder = folder.canonicalize().unwrap();
    let before = [("a.md", "# Kinglets\n\nA kinglet weighs five grams."), ("b.txt", "Wrens sing.")];
    support::write(&folder, &before);
    let old = temporary.path().join("old");
    support::index(&folder, &old);
    let old_answers = answers(&old);

    support::write(&folder, &[("a.md", "# Kinglets\n\nA goldcrest weighs six grams."), ("c.md", "Five kinglets.")]);
    std::fs::remove_file(folder.join("b.txt")).unwrap();
    let fresh = temporary.path().join("fresh");
    support::index(&folder, &fresh);
    let new_answers = answers(&fresh);
    assert_ne!(old_answers, new_answers);

    let (mut event, mut was_pending) = (0, false);
    loop {
        for start in ["new", "update"] {
            let index = temporary.path().join(format!("{start}-{event}"));
            if start == "update" {
                support::copy(&old, &index);
            }
            let died = dies_at(event, &folder, &index, None);
            if start == "update" || index.join("manifest.json").exists() {
                let (contents, found) = answers(&index);
                assert!(
                    contents == old_answers.0 || contents == new_answers.0,
                    "killed at event {event}: a mixture of two states"
                );
                let index = Index::open(&index).unwrap();
                let pending = [
                    index.pending_lexical().unwrap(),
                    index.pending_dense(support::embedder().card()).unwrap(),
                    index.pending_sparse(support::encoder().card()).unwrap(),
                ];
                let all = found.iter().zip(pending).map(|(found, pending)| *found as u64 + pending);
                assert_eq!(all.collect::<Vec<_>>(), [contents.len() as u64; 3], "killed at event {event}: {pending:?}");
                was_pending = was_pending || pending != [0; 3];
            } else {
                let error = Index::open(&index).map(drop).unwrap_err();
                let is_update = matches!(error.hint(), Some(Hint::IndexFolder { index: Some(_) }));
                assert!(is_update, "killed at event {event}: {error}");
            }
            support::index(&folder, &index);
            assert_eq!(answers(&index), new_answers, "killed at event {event} of a run on a {start} index");
            if !died {
                assert!(event > 20, "the run had only {event} events");
                assert!(was_pending, "no kill left a part behind");
                return;
            }
        }
        event += 1;
        assert!(event < 50, "the child never finishes");
    }
}

#[test]
fn a_kill_while_a_folder_moves_leaves_it_at_the_old_place_or_the_new_one() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().canonicalize().unwrap();
    let (from, to) = (folder.join("from"), folder.join("to"));
    support::write(&from, &[("a.md", "# Kinglets\n\nA kinglet weighs five grams."), ("b.txt", "Wrens sing.")]);
    let old = folder.join("old");
    support::index(&from, &old);
    let old_answers = answers(&old);
    std::fs::rename(&from, &to).unwrap();
    let fresh = folder.join("fresh");
    support::index(&to, &fresh);
    let new_answers = answers(&fresh);
    for event in 0.. {
        let index = folder.join(format!("moved-{event}"));
        support::copy(&old, &index);
        let died = dies_at(event, &from, &index, Some(&to));
        let now = answers(&index);
        assert!(now == old_answers || now == new_answers, "killed at event {event}: a mixture of two places");
        if now == old_answers {
            move_folder(&index, &to, &|part| part, &NoProgress);
        }
        let summary = support::index_observed(&[], &index, &NoProgress).unwrap();
        assert_eq!((summary.embedded, answers(&index)), (0, new_answers.clone()), "killed at event {event}");
        if !died {
            assert!(event > 3, "the move had only {event} events");
            return;
        }
    }
}
