//! A large index: work that takes long reports its progress, can be stopped, and leaves an intact
//! index.

mod support;

use std::cell::RefCell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kinglet::chunking::Chunking;
use kinglet::extract::{Extraction, Request, read};
use kinglet::index::dense::Dense;
use kinglet::index::store::NewFile;
use kinglet::index::{EXACT_LIMIT, Index, IndexReader, IndexWriter};
use kinglet::ingest::{IngestPlan, NoProgress, ingest};
use kinglet::language::Language;
use kinglet::models::contracts::Role;
use kinglet::scan::walk::FileState;
use kinglet::subprocess::Isolation;
use kinglet::vector::Vector;
use kinglet::{Error, ErrorKind};

/// Makes an index of this many different chunks.
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

/// Updates the index of [`indexed`], with a graph if it has more than `exact_limit` chunks.
fn index_again(temporary: &Path, exact_limit: usize) {
    let plan = IngestPlan {
        roots: &[temporary.join("documents").canonicalize().unwrap()],
        chunking: Chunking::default(),
        max_file_bytes: 1 << 20,
        dropped: &[],
        exclude: &[],
        embedders: &[support::embedder()],
        encoders: &[support::encoder()],
        language: None,
        keep_tokens: false,
        isolation: &Isolation::InProcess,
    };
    let mut writer = IndexWriter::open(&temporary.join("index")).unwrap().with_exact_limit(exact_limit);
    ingest(&mut writer, &plan, &NoProgress).unwrap();
}

fn dense_folder(index: &Path) -> PathBuf {
    std::fs::read_dir(index.join("dense")).unwrap().next().unwrap().unwrap().path()
}

fn graph_file(folder: &Path) -> Option<PathBuf> {
    let mut paths = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    paths.find(|path| path.to_string_lossy().ends_with(".hnsw.graph"))
}

fn queries() -> Vec<Vector> {
    let texts = ["a wren over hills", "stork of garden 17", "which crane follows a swift"];
    support::embedder().embed(Role::Query, &texts).unwrap()
}

/// For each query, how many of the ten nearest chunks, by an exact search, the graph finds among
/// its ten.
fn recall(index: &Index) -> Vec<usize> {
    let card = support::embedder().card().clone();
    let all: Arc<HashSet<u64>> = Arc::new(index.searchable_ids().unwrap().into_iter().collect());
    let recall = |query: &Vector| {
        let mut exact = index.search_dense(&card, query, 10, Some(&all)).unwrap();
        let mut found = index.search_dense(&card, query, 10, None).unwrap();
        exact.truncate(10);
        found.truncate(10);
        assert_eq!(found.len(), 10);
        exact.iter().filter(|hit| found.contains(hit)).count()
    };
    queries().iter().map(recall).collect()
}

#[test]
fn search_is_exact_until_the_graph_is_built_and_the_graph_finds_the_nearest_chunks() {
    let temporary = tempfile::tempdir().unwrap();
    let index = indexed(temporary.path(), 600);
    let (card, folder) = (support::embedder().card().clone(), dense_folder(&index));
    let read = || IndexReader::open_with_exact_limit(&index, 100).and_then(|reader| reader.snapshot());

    let stopped = Dense::build_graph(&folder, &card, &|done, total| {
        assert_eq!(total, 600);
        if done > 200 { Err(Error::interrupted()) } else { Ok(()) }
    });
    assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!(graph_file(&folder), None);
    assert_eq!(recall(&read().unwrap()), [10; 3], "until there is a graph, every vector is looked at");

    let told = RefCell::new(Vec::new());
    let tell = |done: usize, _: usize| {
        told.borrow_mut().push(done);
        Ok(())
    };
    Dense::build_graph(&folder, &card, &tell).unwrap();
    assert!(told.borrow().len() > 2 && told.borrow().is_sorted(), "{told:?}");
    assert!(recall(&read().unwrap()).iter().all(|kept| *kept >= 9));
    told.borrow_mut().clear();
    Dense::build_graph(&folder, &card, &tell).unwrap();
    assert!(told.borrow().is_empty(), "it covers all: it is not built again");

    let graph = graph_file(&folder).unwrap();
    let mut bytes = std::fs::read(&graph).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&graph, bytes).unwrap();
    let damaged = read().map(drop).unwrap_err();
    assert_eq!(damaged.kind(), ErrorKind::Damaged, "{damaged}");
    assert!(Index::open(&index).is_ok(), "where every vector is looked at, no graph is read");
    Dense::build_graph(&folder, &card, &tell).unwrap();
    assert!(recall(&read().unwrap()).iter().all(|kept| *kept >= 9));
}

#[test]
fn the_graph_finds_the_nearest_chunks_while_documents_come_and_go() {
    let temporary = tempfile::tempdir().unwrap();
    let index = indexed(temporary.path(), 300);
    let documents = temporary.path().join("documents");
    let graph = || graph_file(&dense_folder(&index));
    index_again(temporary.path(), 20);
    let first = graph().expect("there are more than 20 chunks");
    let reader = IndexReader::open_with_exact_limit(&index, 20).unwrap();
    let built = reader.snapshot().unwrap();
    assert!(recall(&built).iter().all(|kept| *kept >= 9));
    let among = Arc::new(HashSet::from([7, 77]));
    let card = support::embedder().card().clone();
    let found = built.search_dense(&card, &queries()[0], 10, Some(&among)).unwrap();
    assert_eq!(found.len(), 2, "a filter leaves all that pass it, however far they are");

    // The graph is kept, and new chunks are searched beside it.
    for number in 0..20 {
        support::write(&documents, &[(&format!("new-{number}.md"), &format!("A wren over hills, the {number}th."))]);
    }
    index_again(temporary.path(), 20);
    assert_eq!(graph(), Some(first.clone()));
    let grown = reader.snapshot().unwrap();
    assert_eq!(grown.searchable(), 320);
    assert!(recall(&grown).iter().all(|kept| *kept >= 9));
    let nearest = grown.search_dense(&card, &queries()[0], 1, None).unwrap()[0].0;
    assert!(grown.chunks(&[nearest]).unwrap()[0].chunk.text.starts_with("A wren over hills"));

    // Most chunks of the graph are removed: those that are left are still found.
    for number in (0..300).filter(|number| number % 8 != 0) {
        std::fs::remove_file(documents.join(format!("{number}.md"))).unwrap();
    }
    index_again(temporary.path(), 20);
    assert_eq!(graph(), Some(first.clone()));
    let shrunk = reader.snapshot().unwrap();
    assert_eq!(shrunk.searchable(), 58);
    assert!(recall(&shrunk).iter().all(|kept| *kept >= 9));

    // More than a tenth of the chunks is not in the graph, so it is rebuilt.
    for number in 20..70 {
        support::write(&documents, &[(&format!("new-{number}.md"), &format!("A stork over gardens, the {number}th."))]);
    }
    index_again(temporary.path(), 20);
    assert!(graph().is_some_and(|graph| graph != first));
    assert!(recall(&reader.snapshot().unwrap()).iter().all(|kept| *kept >= 9));
    assert!(recall(&built).iter().all(|kept| *kept >= 9), "an earlier question still sees what it saw");
}

#[test]
fn an_interrupt_while_words_are_indexed_keeps_the_text_and_the_words_follow() {
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
    assert_eq!(opened.search_lexical("ortolan", 5, None).unwrap(), []);
    assert_eq!(opened.pending_lexical().unwrap(), 1, "what cannot be found yet is told");
    assert_eq!(opened.search_lexical("garden", 5, None).unwrap().len(), 2);
    index_again(temporary.path(), EXACT_LIMIT);
    assert_eq!(opened.pending_lexical().unwrap(), 1, "one question sees one state");
    let opened = Index::open(&index).unwrap();
    assert_eq!(opened.pending_lexical().unwrap(), 0);
    assert_eq!(opened.search_lexical("ortolan", 5, None).unwrap().len(), 1);
}
