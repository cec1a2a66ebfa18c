//! An index of format 1 that lies in the repository: every later version opens it, or migrates it.

mod support;

use std::path::Path;
use std::sync::Arc;

use kinglet::index::Index;
use kinglet::search::{Fusion, IndexSources, Pipeline, Query, Retriever};

const DOCUMENTS: [(&str, &str); 3] = [
    ("birds.md", "# Birds\n\n## Kinglet\n\nA kinglet weighs five grams.\n\n## Wren\n\nA wren sings loudly.\n"),
    ("page.html", "<h1>Lease</h1>\n<p>The lease ends\non 31 May 2027.</p>\n"),
    ("notes/code.py", "def weigh(bird):\n    return bird.grams\n"),
];

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)
        } else {
            assert!(std::fs::copy(entry.path(), target).is_ok())
        }
    }
}

#[test]
fn an_index_of_format_1_is_opened_and_answers() {
    let temporary = tempfile::tempdir().unwrap();
    copy(&support::package().join("indexes/v1-tiny"), temporary.path());
    let index = Arc::new(Index::open(temporary.path()).unwrap());
    let contents: Vec<String> = support::contents(&index)
        .into_iter()
        .map(|(path, line, text)| format!("{}:{line} {}", path.display(), text.replace('\n', "⏎")))
        .collect();
    assert_eq!(
        contents,
        [
            "/documents/birds.md:1 # Birds⏎⏎## Kinglet⏎⏎A kinglet weighs five grams.⏎⏎## Wren⏎⏎A wren sings loudly.",
            "/documents/notes/code.py:1 def weigh(bird):⏎    return bird.grams",
            "/documents/page.html:1 Lease⏎⏎The lease ends⏎on 31 May 2027.",
        ]
    );
    let sources = IndexSources::new(index.clone());
    let retrievers = support::lexical_and_dense(&sources).unwrap();
    let pipeline = Pipeline::new(sources, retrievers, Fusion::MinMax);
    for (question, path) in
        [("how heavy are kinglets", "birds.md"), ("end of the lease", "page.html"), ("def weigh", "code.py")]
    {
        let hits = pipeline.retrieve(&Query::new(question), 1).unwrap();
        assert!(index.chunks(&[hits[0].chunk]).unwrap()[0].path.ends_with(path), "{question}");
    }
}

#[test]
fn an_index_of_a_later_format_is_refused_by_name() {
    let temporary = tempfile::tempdir().unwrap();
    copy(&support::package().join("indexes/v1-tiny"), temporary.path());
    let path = temporary.path().join("manifest.json");
    let manifest = std::fs::read_to_string(&path).unwrap();
    let later = manifest.replace("\"format\": 1", "\"format\": 9999");
    assert_ne!(manifest, later);
    std::fs::write(&path, later).unwrap();
    let error = Index::open(temporary.path()).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("format 9999") && error.hint().is_some(), "{error}");
}

/// GeneratedQuestions the fixture, and would make that of a new format: `cargo test --test index_format -- --ignored`.
#[test]
#[ignore = "writes indexes/v1-tiny"]
fn make_the_fixture() {
    let temporary = tempfile::tempdir().unwrap();
    support::write(temporary.path(), &DOCUMENTS);
    let target = support::package().join("indexes/v1-tiny");
    assert!(!target.exists(), "remove {} first", target.display());
    support::index(temporary.path(), &target);
    let store = rusqlite::Connection::open(target.join("documents.sqlite")).unwrap();
    store.execute("UPDATE roots SET path = '/documents'", []).unwrap();
    store.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}
