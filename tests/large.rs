//! A large index: what takes long is told while it goes on, can be stopped, and leaves a whole index.

mod support;

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use kinglet::chunking::Chunking;
use kinglet::extract::{Extraction, Request, read};
use kinglet::index::dense::Dense;
use kinglet::index::store::NewFile;
use kinglet::index::{Index, IndexWriter};
use kinglet::language::Language;
use kinglet::models::contracts::Role;
use kinglet::scan::walk::FileState;
use kinglet::{Error, ErrorKind};

/// An index of so many chunks that say different things.
fn indexed(temporary: &Path, chunks: usize) -> PathBuf {
    let (folder, index) = (temporary.join("documents"), temporary.join("index"));
    let birds = ["kinglet", "wren", "goldcrest", "firecrest", "heron", "stork", "crane", "swift"];
    for number in 0..chunks {
        let (first, second) = (birds[number % 8], birds[number / 8 % 8]);
        let text = format!("The {first} of garden {number} follows a {second} over {} hills.", number / 3);
        support::write(&folder, &[(&format!("{number}.md"), &text)]);
    }
    support::index(&folder, &index);
    index
}

#[test]
fn a_graph_that_is_not_yet_built_costs_nothing_but_time_and_one_that_is_finds_what_is_near() {
    let temporary = tempfile::tempdir().unwrap();
    let index = indexed(temporary.path(), 600);
    let (embedder, folder) =
        (support::embedder(), std::fs::read_dir(index.join("dense")).unwrap().next().unwrap().unwrap().path());
    let open = || Dense::open(&folder, embedder.card(), 600, 100).unwrap();
    let queries = embedder
        .embed(Role::Query, &["a wren over hills", "stork of garden 17", "which crane follows a swift"])
        .unwrap();
    let exact: Vec<_> = queries.iter().map(|query| open().search_exactly(query, 10).unwrap()).collect();

    let stopped = Dense::build_graph(&folder, embedder.card(), &|done, total| {
        assert_eq!(total, 600);
        if done > 200 { Err(Error::interrupted()) } else { Ok(()) }
    });
    assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Interrupted);
    assert!(!open().is_approximate());
    let found: Vec<_> = queries.iter().map(|query| open().search(query, 10, None).unwrap()).collect();
    assert_eq!(found, exact, "until there is a graph, every vector is looked at");

    let told = RefCell::new(Vec::new());
    let tell = |done: usize, _: usize| {
        told.borrow_mut().push(done);
        Ok(())
    };
    Dense::build_graph(&folder, embedder.card(), &tell).unwrap();
    assert!(told.borrow().len() > 2 && told.borrow().is_sorted(), "{told:?}");
    assert!(open().is_approximate());
    for (query, exact) in queries.iter().zip(&exact) {
        let found = open().search(query, 10, None).unwrap();
        let kept = exact.iter().filter(|hit| found.contains(hit)).count();
        assert!(kept >= 9, "{kept} of 10");
    }
    told.borrow_mut().clear();
    Dense::build_graph(&folder, embedder.card(), &tell).unwrap();
    assert!(told.borrow().is_empty(), "it covers all: it is not built again");

    let graph = std::fs::read_dir(&folder)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().ends_with(".hnsw.graph"))
        .unwrap();
    let mut bytes = std::fs::read(&graph).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&graph, bytes).unwrap();
    let damaged = Dense::open(&folder, embedder.card(), 600, 100).map(|_| ()).unwrap_err();
    assert_eq!(damaged.kind(), ErrorKind::Damaged, "{damaged}");
    Dense::build_graph(&folder, embedder.card(), &tell).unwrap();
    assert!(open().is_approximate());
}

#[test]
fn an_interrupt_among_the_words_keeps_what_was_read_and_the_words_follow() {
    let temporary = tempfile::tempdir().unwrap();
    let index = indexed(temporary.path(), 2);
    let new = temporary.path().join("documents/new.md");
    std::fs::write(&new, "The ortolan sings in May.").unwrap();
    let request = Request { path: new, chunking: Chunking::default(), previous_hash: None, with_text: false };
    let Extraction::Read { hash, extracted: cut } = read(&request, &|| {}, &mut |_| Ok(())) else {
        panic!("it is read")
    };

    let writer = IndexWriter::open(&index).unwrap();
    let change = writer.documents().change().unwrap();
    let (root, _) = writer.documents().roots().unwrap()[0];
    change
        .put(&NewFile { root, path: "new.md", state: FileState::default(), hash, tries: 0, content: Ok(&cut) })
        .unwrap();
    let stopped = writer.commit(change, Language::English, &|_, _| Err(Error::interrupted())).unwrap_err();
    assert_eq!(stopped.kind(), ErrorKind::Interrupted);
    drop(writer);

    let opened = Index::open(&index).unwrap();
    assert_eq!(support::contents(&opened).len(), 3);
    assert_eq!(opened.lexical().search("ortolan", 5, None).unwrap().len(), 1);
}
