//! An index that stays open: what its questions see, and what an answer's events are.

mod support;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use futures::{FutureExt, StreamExt};
use kinglet::{AnswerEvent, Config, ErrorKind, Hint, Kinglet, NoProgress, SearchOptions, SentenceSupport};

/// A kinglet whose models need no files.
fn kinglet(home: &Path) -> Kinglet {
    let config = Config { embedder: "hashing-256".into(), generator: "extractive".into(), ..Config::default() };
    Kinglet::new(home, config)
}

fn write_count(notes: &Path, count: usize) {
    support::write(notes, &[("count.md", &format!("# Count\n\nWe are at {count}."))]);
}

fn last_number(text: &str) -> usize {
    text.rsplit(' ').next().unwrap().trim_end_matches('.').parse().unwrap()
}

#[test]
fn the_next_question_sees_a_commit_and_a_snapshot_does_not() {
    let temporary = tempfile::tempdir().unwrap();
    let (kinglet, notes) = (kinglet(&temporary.path().join("home")), temporary.path().join("notes"));
    assert_eq!(kinglet.open("notes").err().map(|error| error.kind()), Some(ErrorKind::Input));
    write_count(&notes, 1);
    kinglet.index("notes", std::slice::from_ref(&notes), &NoProgress).unwrap();

    let index = kinglet.open("notes").unwrap();
    let count = || last_number(&index.search("the count", &SearchOptions::default()).unwrap().results[0].chunk.text);
    assert_eq!(count(), 1);
    let (snapshot, generation) = (index.snapshot().unwrap(), index.refresh().unwrap());
    write_count(&notes, 2);
    kinglet.index("notes", &[], &NoProgress).unwrap();
    assert_eq!((snapshot.generation(), index.refresh().unwrap()), (generation, generation + 1));
    assert_eq!(count(), 2);
    let in_snapshot = snapshot.chunks(&snapshot.chunk_ids().unwrap()).unwrap();
    assert_eq!(last_number(&in_snapshot[0].chunk.text), 1);
}

#[test]
fn a_thousand_questions_from_four_threads_beside_a_writer_never_go_back_and_the_log_stays_small() {
    const QUESTIONS: usize = 250;
    let temporary = tempfile::tempdir().unwrap();
    let (home, notes) = (temporary.path().join("home"), temporary.path().join("notes"));
    let kinglet = kinglet(&home);
    write_count(&notes, 0);
    kinglet.index("notes", std::slice::from_ref(&notes), &NoProgress).unwrap();
    let index = kinglet.open("notes").unwrap();
    let is_done = AtomicBool::new(false);
    let commits = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let index = index.clone();
                scope.spawn(move || {
                    let mut newest = 0;
                    for _ in 0..QUESTIONS {
                        let response = index.search("Where is the count?", &SearchOptions::default()).unwrap();
                        // A commit may have replaced the passage whose words and vectors are not in
                        // place yet.
                        let Some(best) = response.results.first() else {
                            assert!(response.pending.is_some(), "what is missing is told");
                            continue;
                        };
                        let count = last_number(&best.chunk.text);
                        assert!(count >= newest, "{count} after {newest}");
                        newest = count;
                    }
                })
            })
            .collect();
        let writer = scope.spawn(|| {
            let mut commits = 0;
            while !is_done.load(Ordering::Relaxed) {
                commits += 1;
                write_count(&notes, commits);
                kinglet.index("notes", &[], &NoProgress).unwrap();
            }
            commits
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        is_done.store(true, Ordering::Relaxed);
        writer.join().unwrap()
    });
    let last = index.search("Where is the count?", &SearchOptions::default()).unwrap();
    assert_eq!(last_number(&last.results[0].chunk.text), commits);
    let log: PathBuf = home.join("indexes/notes/documents.sqlite-wal");
    let log_bytes = std::fs::metadata(&log).map_or(0, |file| file.len());
    assert!(log_bytes < 8 << 20, "{log_bytes} bytes after {commits} commits");
}

#[tokio::test]
async fn an_answer_is_a_stream_of_events() {
    let temporary = tempfile::tempdir().unwrap();
    let (kinglet, notes) = (kinglet(&temporary.path().join("home")), temporary.path().join("notes"));
    support::write(&notes, &[("lease.md", "# Lease\n\nThe lease ends on 31 May 2027. The rent is 900 euros.")]);
    kinglet.index("notes", &[notes], &NoProgress).unwrap();
    let index = kinglet.open("notes").unwrap();

    let events: Vec<_> = index.ask("When does the lease end?", &SearchOptions::default()).collect().await;
    let events: Vec<AnswerEvent> = events.into_iter().collect::<Result<_, _>>().unwrap();
    let [AnswerEvent::PassagesFound { passages, pending: None }, sentences @ .., AnswerEvent::Finished(answer)] =
        events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert!(passages[0].path.ends_with("lease.md"));
    let texts = sentences.iter().map(|event| match event {
        AnswerEvent::Sentence(sentence) => {
            assert!(matches!(sentence.support, SentenceSupport::Cited(_)), "{sentence:?}");
            sentence.text.as_str()
        }
        event => panic!("{event:?} in the middle"),
    });
    assert_eq!(texts.collect::<String>(), answer.answer);
    assert_eq!((answer.sources.len(), answer.citations[0].n), (1, 1));

    let filter = kinglet::Filter::parse("path=nowhere/**").unwrap();
    let options = SearchOptions { filter: Some(filter), ..SearchOptions::default() };
    let events: Vec<_> = index.ask("When does the lease end?", &options).collect().await;
    assert!(matches!(events.as_slice(), [Err(_)]), "a search that fails is one error");
}

#[test]
fn without_a_runtime_an_answer_is_an_error() {
    let temporary = tempfile::tempdir().unwrap();
    let (kinglet, notes) = (kinglet(&temporary.path().join("home")), temporary.path().join("notes"));
    write_count(&notes, 1);
    kinglet.index("notes", &[notes], &NoProgress).unwrap();
    let mut events = kinglet.open("notes").unwrap().ask("Where is the count?", &SearchOptions::default());
    let first = events.next().now_or_never().expect("it waits for nothing");
    assert!(matches!(&first, Some(Err(error)) if error.to_string().contains("tokio runtime")), "{first:?}");
}

#[test]
fn before_its_first_commit_an_index_says_so_and_how_to_go_on() {
    let temporary = tempfile::tempdir().unwrap();
    let home = temporary.path().join("home");
    let folder = home.join("indexes/notes");
    std::fs::create_dir_all(&folder).unwrap();
    // What a run that was killed at once leaves: a store without tables.
    std::fs::write(folder.join("documents.sqlite"), "").unwrap();
    let error = kinglet(&home).open("notes").err().unwrap();
    assert!(error.to_string().contains("nothing can be searched"), "{error}");
    assert_eq!(error.hint(), Some(&Hint::IndexFolder { index: Some("notes".to_string()) }));
    std::fs::create_dir(home.join("indexes/.hidden")).unwrap();
    assert_eq!(kinglet(&home).indexes().unwrap(), ["notes"]);
}
