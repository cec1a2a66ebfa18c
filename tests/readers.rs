//! An index that stays open beside a writer: each question sees one state, nobody waits, and a
//! question holds resources only while it runs.

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kinglet::chunking::Chunk;
use kinglet::extract::{Extraction, Request, read};
use kinglet::index::store::NewFile;
use kinglet::index::{Index, IndexReader, IndexWriter};
use kinglet::scan::walk::FileState;
use kinglet::search::{IndexSources, Query};
use kinglet::view::IndexView;
use tempfile::TempDir;

/// The largest allowed size of SQLite's log beside the store.
const LARGEST_LOG_BYTES: u64 = 8 << 20;
const COMMITS: usize = 1000;

/// A folder in memory if possible, because every commit waits for the disk.
fn quick_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// The largest size of the log beside the store during many small commits. `between` is called
/// after each.
fn log_bytes_after_commits(folder: &Path, index: &Path, mut between: impl FnMut(usize)) -> u64 {
    let path = folder.join("a.md");
    let request = Request { path, chunking: Default::default(), previous_hash: None, with_text: false };
    let Extraction::Read { hash, extracted } = read(&request, &|| {}, &mut |_| Ok(())) else { panic!("it is read") };
    let writer = IndexWriter::open(index).unwrap();
    let (root, _) = writer.documents().roots().unwrap()[0];
    let log = index.join("documents.sqlite-wal");
    let mut largest = 0;
    for number in 0..COMMITS {
        let change = writer.documents().change().unwrap();
        let path = format!("{}.md", number % 50);
        let content = Ok(&extracted);
        change.put(&NewFile { root, path: &path, state: FileState::default(), hash, tries: 0, content }).unwrap();
        change.commit().unwrap();
        between(number);
        largest = largest.max(std::fs::metadata(&log).unwrap().len());
        if largest > LARGEST_LOG_BYTES {
            break;
        }
    }
    largest
}

#[test]
fn the_log_beside_the_store_stays_small_while_questions_are_asked() {
    let temporary = quick_folder();
    let (folder, index) = (temporary.path().join("documents"), temporary.path().join("index"));
    let text: String = (0..400).map(|number| format!("Kinglet number {number} weighs five grams. ")).collect();
    support::write(&folder, &[("a.md", &text)]);
    support::index(&folder, &index);

    let reader = IndexReader::open(&index).unwrap();
    let ask = || {
        let found = reader.snapshot().unwrap();
        assert!(!found.search_lexical("kinglet", 5, None).unwrap().is_empty());
        found
    };
    let log = log_bytes_after_commits(&folder, &index, |number| {
        if number % 50 == 0 {
            ask();
        }
    });
    assert!(log < LARGEST_LOG_BYTES, "{log} bytes");

    let kept = ask();
    let log = log_bytes_after_commits(&folder, &index, |_| ());
    assert!(log > LARGEST_LOG_BYTES, "only {log} bytes: this test would not detect a question that never ends");
    drop(kept);
}

/// The round in which a text was written.
fn round(chunk: &Chunk) -> usize {
    chunk.text.rsplit(' ').next().unwrap().trim_end_matches('.').parse().unwrap()
}

/// Asks once, checks that all answers are from one round, and returns the round.
fn ask(reader: &IndexReader) -> usize {
    let index = reader.snapshot().unwrap();
    let all = index.chunks(&index.chunk_ids().unwrap()).unwrap();
    let rounds: BTreeSet<usize> = all.iter().map(|stored| round(&stored.chunk)).collect();
    assert_eq!(rounds.len(), 1, "a mixture");
    let pending = [
        index.pending_lexical().unwrap(),
        index.pending_dense(support::embedder().card()).unwrap(),
        index.pending_sparse(support::encoder().card()).unwrap(),
    ];
    let retrievers = support::all_retrievers(&IndexSources::new(index.clone())).unwrap();
    for (retriever, pending) in retrievers.iter().zip(pending) {
        let hits = retriever.retrieve(&Query::new("bird number"), 100).unwrap();
        assert_eq!(hits.len() as u64 + pending, all.len() as u64, "{}: what is missing is told", retriever.name());
        let ids: Vec<u64> = hits.iter().map(|hit| hit.chunk).collect();
        let found = index.chunks(&ids).unwrap();
        assert!(
            found.iter().all(|stored| rounds.contains(&round(&stored.chunk))),
            "{}: an older text",
            retriever.name()
        );
    }
    rounds.into_iter().next().unwrap()
}

#[test]
fn a_question_during_a_run_sees_one_state_or_the_next() {
    const ROUNDS: usize = 20;
    let temporary = tempfile::tempdir().unwrap();
    let (folder, index) = (temporary.path().join("documents"), temporary.path().join("index"));
    let write = |round: usize| {
        let texts: Vec<(String, String)> =
            (0..6).map(|n| (format!("{n}.md"), format!("Bird number {n} of round {round}."))).collect();
        support::write(&folder, &texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>());
    };
    write(0);
    support::index(&folder, &index);
    let (reader, is_done) = (IndexReader::open(&index).unwrap(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let askers: Vec<_> = (0..3)
            .map(|_| {
                let (reader, is_done) = (reader.clone(), &is_done);
                scope.spawn(move || {
                    let mut seen = vec![ask(&reader)];
                    while !is_done.load(Ordering::Relaxed) {
                        seen.push(ask(&reader));
                    }
                    seen
                })
            })
            .collect();
        for round in 1..=ROUNDS {
            write(round);
            support::index(&folder, &index);
            assert_eq!(ask(&reader), round, "what has been committed is seen by the next question");
        }
        is_done.store(true, Ordering::Relaxed);
        for asker in askers {
            let seen = asker.join().unwrap();
            assert!(seen.is_sorted(), "never an older state after a newer one: {seen:?}");
            assert!(seen.iter().collect::<BTreeSet<_>>().len() > 3, "it asked beside the runs: {seen:?}");
        }
    });
}

#[test]
fn after_an_index_was_removed_and_rebuilt_the_new_one_answers() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, index) = (temporary.path().join("documents"), temporary.path().join("index"));
    support::write(&folder, &[("a.md", "Kinglets weigh five grams."), ("b.md", "Wrens sing.")]);
    support::index(&folder, &index);
    let reader = IndexReader::open(&index).unwrap();
    let asked_before = reader.snapshot().unwrap();
    assert_eq!(asked_before.search_lexical("kinglets", 5, None).unwrap().len(), 1);

    IndexWriter::remove(&index).unwrap();
    let error = reader.snapshot().map(drop).unwrap_err();
    assert!(error.to_string().contains("holds no index"), "{error}");
    support::write(&folder, &[("a.md", "Goldcrests weigh six grams.")]);
    support::index(&folder, &index);
    let asked_after = reader.snapshot().unwrap();
    assert_eq!(asked_after.search_lexical("kinglets", 5, None).unwrap(), []);
    assert_eq!(asked_after.search_lexical("goldcrests", 5, None).unwrap().len(), 1);
    let texts = |index: &Index| support::contents(index).into_iter().map(|(_, _, text)| text).collect::<Vec<_>>();
    assert_eq!(texts(&asked_after), ["Goldcrests weigh six grams.", "Wrens sing."]);
    assert_eq!(texts(&asked_before), ["Kinglets weigh five grams.", "Wrens sing."]);
}

#[test]
fn a_lagging_part_finds_only_chunks_that_still_exist_and_reports_what_it_cannot_find_yet() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, index) = (temporary.path().join("documents"), temporary.path().join("index"));
    support::write(&folder, &[("a.md", "Kinglets weigh five grams."), ("b.md", "Wrens sing."), ("c.md", "Storks.")]);
    support::index(&folder, &index);
    let reader = IndexReader::open(&index).unwrap();
    // The state after a run that was killed just after it committed the text: a.md is removed, b.md
    // has become a duplicate, and c.md is new.
    let writer = IndexWriter::open(&index).unwrap();
    let store = writer.documents();
    let (root, _) = store.roots().unwrap()[0];
    let known = store.known_files(root).unwrap();
    let change = store.change().unwrap();
    change.remove(known["a.md"].id).unwrap();
    let path = folder.join("b.md");
    let request = Request { path, chunking: Default::default(), previous_hash: None, with_text: false };
    let Extraction::Read { hash, extracted } = read(&request, &|| {}, &mut |_| Ok(())) else { panic!("it is read") };
    let file = |path| NewFile { root, path, state: FileState::default(), hash, tries: 0, content: Ok(&extracted) };
    change.put(&file("a-copy.md")).unwrap();
    change.mark_duplicates().unwrap();
    change.commit().unwrap();
    drop(writer);

    for index in [reader.snapshot().unwrap(), Arc::new(Index::open(&index).unwrap())] {
        assert_eq!(index.searchable(), 2);
        assert_eq!(index.search_lexical("kinglets wrens storks", 5, None).unwrap().len(), 1);
        let (embedder, encoder) = (support::embedder(), support::encoder());
        let retrievers = support::all_retrievers(&IndexSources::new(index.clone())).unwrap();
        for retriever in &retrievers {
            let hits = retriever.retrieve(&Query::new("kinglets wrens storks"), 5).unwrap();
            assert_eq!(hits.len(), 1, "{}", retriever.name());
        }
        let pending =
            [index.pending_lexical(), index.pending_dense(embedder.card()), index.pending_sparse(encoder.card())];
        assert_eq!(pending.map(Result::unwrap), [1; 3]);
        assert!(!IndexView::new(&index, &folder).unwrap().complete);
    }
    support::index(&folder, &index);
    let index = reader.snapshot().unwrap();
    assert_eq!((index.searchable(), index.pending_lexical().unwrap()), (3, 0));
    assert_eq!(index.search_lexical("kinglets wrens storks", 5, None).unwrap().len(), 3);
}
