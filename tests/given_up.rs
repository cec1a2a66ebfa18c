//! A file whose reader fails is tried again, but not for ever. A file that is read in parts is
//! indexed whole or not at all.

mod support;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use kinglet::chunking::Chunking;
use kinglet::index::{Index, IndexWriter};
use kinglet::ingest::{Event, IngestPlan, NoProgress, Progress, Summary, ingest};
use kinglet::subprocess::Isolation;

/// A child process shares the files that are open while it starts, and so it would hold another
/// test's lock on its index.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn index(folder: &Path, index: &Path, isolation: &Isolation, progress: &dyn Progress) -> kinglet::Result<Summary> {
    let roots: [PathBuf; 1] = [folder.canonicalize().unwrap()];
    let plan = IngestPlan {
        roots: &roots,
        chunking: Chunking { target_tokens: 10 },
        max_file_bytes: 1 << 30,
        dropped: &[],
        exclude: &[],
        embedders: &[support::embedder()],
        encoders: &[],
        language: None,
        keep_tokens: false,
        isolation,
    };
    ingest(&mut IndexWriter::open(index)?, &plan, progress)
}

#[cfg(unix)]
#[test]
fn a_file_that_was_given_up_is_tried_again_three_times_and_after_it_was_touched() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let temporary = tempfile::tempdir().unwrap();
    let (folder, at) = (temporary.path().join("documents"), temporary.path().join("index"));
    let log = temporary.path().join("log");
    support::write(&folder, &[("a.txt", "Wrens are small.")]);
    // Records each try, then exits.
    let script = format!("read line && echo tried >> '{}'", log.display());
    let breaks = Isolation::Subprocess("/bin/sh".into(), vec!["-c".into(), script]);
    let tries = || std::fs::read_to_string(&log).unwrap_or_default().lines().count();
    for run in 1..=5 {
        let summary = index(&folder, &at, &breaks, &NoProgress).unwrap();
        assert_eq!((summary.read, summary.skipped.len(), tries()), (0, 1, run.min(3)), "run {run}");
        let outlook = if run < 3 { "the next run tries again" } else { "tried again when it changes" };
        assert!(summary.skipped[0].reason.contains(outlook), "{}", summary.skipped[0].reason);
    }
    let touch = || {
        let file = std::fs::File::options().append(true).open(folder.join("a.txt")).unwrap();
        let before = file.metadata().unwrap().modified().unwrap();
        file.set_modified(before + std::time::Duration::from_secs(1)).unwrap();
    };
    // The same bytes with another time are tried again, and their tries count from the start.
    touch();
    for run in 4..=8 {
        index(&folder, &at, &breaks, &NoProgress).unwrap();
        assert_eq!(tries(), run.min(6));
    }
    touch();
    let summary = index(&folder, &at, &Isolation::InProcess, &NoProgress).unwrap();
    assert_eq!((summary.read, summary.skipped.len()), (1, 0));
    let summary = index(&folder, &at, &breaks, &NoProgress).unwrap();
    assert_eq!((summary.unchanged, tries()), (1, 6));
}

/// Cancels the run when it was asked this many times.
struct After(Cell<usize>);

impl Progress for After {
    fn event(&self, _: &Event<'_>) {}
    fn is_cancelled(&self) -> bool {
        self.0.set(self.0.get().saturating_sub(1));
        self.0.get() == 0
    }
}

#[test]
fn a_file_in_parts_is_indexed_whole_or_not_at_all() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let temporary = tempfile::tempdir().unwrap();
    let (folder, at) = (temporary.path().join("documents"), temporary.path().join("index"));
    let long = |word: &str| -> String { (0..2600).map(|at| format!("The {word} {at} is small.\n\n")).collect() };
    support::write(&folder, &[("a.txt", "Wrens are small."), ("b.txt", &long("wren"))]);
    let stored = || -> Vec<String> {
        let index = Index::open(&at).unwrap();
        let contents = support::contents(&index);
        contents.into_iter().filter(|(path, ..)| path.ends_with("b.txt")).map(|(_, _, text)| text).collect()
    };
    // It is asked once before a.txt, then before each of the two parts of b.txt.
    let stopped = index(&folder, &at, &Isolation::InProcess, &After(Cell::new(3)));
    assert_eq!(stopped.unwrap_err().kind(), kinglet::ErrorKind::Interrupted);
    assert_eq!(stored(), Vec::<String>::new());
    index(&folder, &at, &Isolation::InProcess, &NoProgress).unwrap();
    let first = stored();
    assert!(first.len() > 2000);
    support::write(&folder, &[("b.txt", &long("kinglet"))]);
    // This time a.txt is not read again.
    let stopped = index(&folder, &at, &Isolation::InProcess, &After(Cell::new(2)));
    assert_eq!(stopped.unwrap_err().kind(), kinglet::ErrorKind::Interrupted);
    assert!(stored() == first, "the old text stays until the new one is complete");
    index(&folder, &at, &Isolation::InProcess, &NoProgress).unwrap();
    assert!(stored().iter().all(|text| !text.contains("wren")));
}
