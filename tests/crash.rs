//! A process that is killed at any step of an indexing run loses nothing and doubles nothing.
//!
//! The test starts itself again as a child that aborts at a given moment, an event of the run or a piece of work of a derived part: a real
//! dead process with a real lock and real half-written files.

mod support;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use kinglet::chunking::Chunking;
use kinglet::index::Index;
use kinglet::index::derived_part::DerivedPart;
use kinglet::ingest::{Event, Progress};
use kinglet::search::{DenseLeg, LexicalLeg, Query, Retriever, SparseLeg};
use support::{Ask, Asking};

const FOLDER: &str = "KINGLET_CRASH_FOLDER";
const INDEX: &str = "KINGLET_CRASH_INDEX";
const EVENT: &str = "KINGLET_CRASH_EVENT";

struct Dies {
    at: usize,
    seen: Cell<usize>,
}

impl Dies {
    fn live_on(&self) {
        if self.seen.get() == self.at {
            std::process::abort();
        }
        self.seen.set(self.seen.get() + 1);
    }
}

impl Progress for Dies {
    fn event(&self, _: &Event<'_>) {
        self.live_on();
    }

    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Not a test of its own: the child process. Does nothing when nobody asked for it.
#[test]
fn child() {
    let (Ok(folder), Ok(index), Ok(event)) = (std::env::var(FOLDER), std::env::var(INDEX), std::env::var(EVENT)) else {
        return;
    };
    let dies = Rc::new(Dies { at: event.parse().unwrap(), seen: Cell::new(0) });
    let ask: Ask = {
        let dies = dies.clone();
        Rc::new(move || {
            dies.live_on();
            Ok(())
        })
    };
    let wrap = |part| Box::new(Asking { part, ask: ask.clone() }) as Box<dyn DerivedPart>;
    let (roots, chunking) = ([PathBuf::from(folder)], Chunking::default());
    support::index_through(&roots, Path::new(&index), chunking, &wrap, dies.as_ref()).unwrap();
}

/// Runs the child; `true` when it died at the event, `false` when the run had fewer events.
fn dies_at(event: usize, folder: &Path, index: &Path) -> bool {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(INDEX, index)
        .env(EVENT, event.to_string())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    !status.success()
}

fn answers(folder: &Path) -> (Vec<(PathBuf, u32, String)>, [usize; 3]) {
    let index = std::sync::Arc::new(Index::open(folder).unwrap());
    let query = Query::new("a kinglet weighs five grams");
    let lexical = LexicalLeg::new(index.clone()).retrieve(&query, 100).unwrap();
    let dense = DenseLeg::new(index.clone(), support::embedder()).unwrap().retrieve(&query, 100).unwrap();
    let sparse = SparseLeg::new(index.clone(), support::encoder()).unwrap().retrieve(&query, 100).unwrap();
    (support::contents(&index), [lexical.len(), dense.len(), sparse.len()])
}

#[test]
fn killed_at_any_event_the_next_run_finishes_the_work() {
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

    let mut event = 0;
    loop {
        for start in ["new", "update"] {
            let index = temporary.path().join(format!("{start}-{event}"));
            if start == "update" {
                support::copy(&old, &index);
            }
            let died = dies_at(event, &folder, &index);
            if start == "update" || index.join("manifest.json").exists() {
                let (contents, [words, vectors, _]) = answers(&index);
                let of = |answers: &(Vec<_>, [usize; 3])| contents == answers.0 && words == answers.1[0];
                assert!(of(&old_answers) || of(&new_answers), "killed at event {event}: a mixture is seen");
                let index = Index::open(&index).unwrap();
                let lacking = index.lacking(support::embedder().card()).unwrap();
                assert_eq!(vectors as u64 + lacking, contents.len() as u64, "what is lacking is told");
            }
            support::index(&folder, &index);
            assert_eq!(answers(&index), new_answers, "killed at event {event} of a run on a {start} index");
            if !died {
                assert!(event > 20, "the run had only {event} events");
                return;
            }
        }
        event += 1;
        assert!(event < 50, "the child never finishes");
    }
}
