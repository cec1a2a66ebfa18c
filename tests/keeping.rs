//! An index stays correct: whatever happens to a folder, and whenever a run is stopped, the index
//! equals a new one.

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kinglet::chunking::Chunking;
use kinglet::index::fusion_weights::FusionWeights;
use kinglet::index::{Index, IndexWriter};
use kinglet::ingest::{Event, NoProgress, Progress, move_root};
use kinglet::language::Language;
use kinglet::search::{Filter, Fusion, IndexSources, PassageScorer, Pipeline, Query, Retriever};
use kinglet::{Embedders, ErrorKind, Hint, SearchOptions};
use proptest::prelude::*;

/// Files in two folders, so that texts are moved and duplicated.
const FILES: [&str; 6] = ["0.md", "1.txt", "4.txt", "a.txt", "sub/2.md", "sub/3.md"];

#[derive(Debug, Clone)]
enum Edit {
    Write(usize, String),
    Remove(usize),
    Rename(usize, usize),
    /// An ignore file that excludes `sub` is written or removed.
    Ignore(bool),
    /// The chunk size changes.
    ChunkSize(usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    // Few words, so that texts repeat; capitals and line breaks, so that they repeat only nearly.
    let word = prop::sample::select(&["kinglet", "Kinglet", "wren", "five", "grams,", "sings.\n\n", "# Birds\n\n"][..]);
    let text = prop::collection::vec(word, 1..14).prop_map(|words| words.join(" "));
    // The same words in another order, which get the same score from every retriever.
    let tied = prop::sample::select(
        &["five kinglet grams", "grams five kinglet", "kinglet grams five", "Five\nkinglet grams"][..],
    );
    prop_oneof![
        6 => (0..FILES.len(), text).prop_map(|(file, text)| Edit::Write(file, text)),
        1 => (0..FILES.len()).prop_map(Edit::Remove),
        2 => (0..FILES.len(), tied).prop_map(|(file, text)| Edit::Write(file, text.to_owned())),
        2 => (0..FILES.len(), 0..FILES.len()).prop_map(|(from, to)| Edit::Rename(from, to)),
        1 => any::<bool>().prop_map(Edit::Ignore),
        1 => prop::sample::select(&[8usize, 200][..]).prop_map(Edit::ChunkSize),
    ]
}

/// Scores passages of the same length equally.
struct ByLength;

impl PassageScorer for ByLength {
    fn name(&self) -> &str {
        "by length"
    }

    fn score(&self, _: &Query, passages: &[&str]) -> kinglet::Result<Vec<f32>> {
        Ok(passages.iter().map(|passage| (passage.len() / 20) as f32).collect())
    }
}

/// All that an index answers: the place of each chunk, the chunk that is searched instead of it,
/// and the ranking with scores of each part of a search, for several numbers of hits.
fn answers_of(index: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let index = Arc::new(Index::open(index).unwrap());
    let outlines = index.outlines().unwrap();
    let place = |chunk: u64| {
        let outline = outlines.iter().find(|outline| outline.chunk == chunk).unwrap();
        format!("{}@{}", outline.path, outline.start_byte)
    };
    let stored = index.chunks(&index.chunk_ids().unwrap()).unwrap();
    let mut chunks: Vec<String> = stored
        .iter()
        .zip(&outlines)
        .map(|(stored, outline)| format!("{} {} {:?}", place(stored.id), place(outline.original), stored.chunk))
        .collect();
    chunks.sort();
    let sources = IndexSources::new(index.clone());
    let mut retrievers = support::all_retrievers(&sources).unwrap();
    for fusion in [Fusion::MinMax, Fusion::Rrf] {
        let fused = Pipeline::new(sources.clone(), retrievers[..3].to_vec(), fusion)
            .weighted(FusionWeights { depth: 3, ..FusionWeights::default() });
        let reranked = fused.clone().reranked(Arc::new(ByLength));
        let regularized = fused.clone().regularized(sources.embedder(support::embedder().card()).unwrap());
        retrievers.extend([fused, reranked, regularized].map(|it| Arc::new(it) as Arc<dyn Retriever>));
    }
    let found = retrievers.iter().flat_map(|retriever| {
        let ranking = |count: usize| {
            let hits = retriever.retrieve(&Query::new("five kinglet grams"), count).unwrap();
            hits.iter().map(|hit| format!("{} {:?}", place(hit.chunk), hit.score)).collect::<Vec<_>>()
        };
        [100, 2, 1].map(ranking)
    });
    (chunks, found.collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn an_updated_index_equals_one_made_from_scratch(runs in prop::collection::vec(prop::collection::vec(edit(), 1..5), 1..5)) {
        let temporary = tempfile::tempdir().unwrap();
        let (folder, updated) = (temporary.path().join("documents"), temporary.path().join("updated"));
        std::fs::create_dir_all(folder.join("sub")).unwrap();
        let roots = [folder.canonicalize().unwrap()];
        let mut chunking = Chunking::default();
        for (round, edits) in runs.iter().enumerate() {
            for edit in edits {
                match edit {
                    Edit::Write(file, text) => std::fs::write(folder.join(FILES[*file]), text).unwrap(),
                    Edit::Remove(file) => drop(std::fs::remove_file(folder.join(FILES[*file]))),
                    Edit::Rename(from, to) => drop(std::fs::rename(folder.join(FILES[*from]), folder.join(FILES[*to]))),
                    Edit::Ignore(true) => std::fs::write(folder.join(".gitignore"), "sub/\n").unwrap(),
                    Edit::Ignore(false) => drop(std::fs::remove_file(folder.join(".gitignore"))),
                    Edit::ChunkSize(target_tokens) => chunking = Chunking { target_tokens: *target_tokens },
                }
            }
            support::index_with_chunking(&roots, &updated, chunking, &NoProgress).unwrap();
            let fresh = temporary.path().join(format!("fresh-{round}"));
            support::index_with_chunking(&roots, &fresh, chunking, &NoProgress).unwrap();
            prop_assert_eq!(answers_of(&updated), answers_of(&fresh));
        }
    }
}

/// Stops a run after this many events.
struct StopsAfter(std::cell::Cell<usize>);

impl Progress for StopsAfter {
    fn event(&self, _: &Event<'_>) {
        self.0.set(self.0.get().saturating_sub(1));
    }

    fn is_cancelled(&self) -> bool {
        self.0.get() == 0
    }
}

#[test]
fn an_interrupted_run_keeps_its_work_reports_what_is_pending_and_continues() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("documents");
    let texts: Vec<(String, String)> = (0..90).map(|n| (format!("{n:02}.md"), format!("Bird number {n}."))).collect();
    support::write(&folder, &texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>());
    let roots = [folder.canonicalize().unwrap()];
    let whole = temporary.path().join("whole");
    support::index(&folder, &whole);
    // Stops while files are read, and while the second batch of vectors is embedded.
    for (events, documents, vectors) in [(40, 39, 0), (97, 90, 64)] {
        let index = temporary.path().join(format!("stopped-{events}"));
        let watcher = StopsAfter(std::cell::Cell::new(events));
        let stopped = support::index_observed(&roots, &index, &watcher).unwrap_err();
        assert_eq!(stopped.kind(), ErrorKind::Interrupted);
        let open = Index::open(&index).unwrap();
        assert_eq!(open.manifest().complete, documents == 90);
        let card = support::embedder().card().clone();
        assert_eq!((open.counts().unwrap().documents, open.dense(&card).unwrap().len()), (documents, vectors));
        assert_eq!(open.pending_dense(&card).unwrap(), documents - vectors as u64);
        assert_eq!(open.lexical().search("bird", 100, None).unwrap().len() as u64, documents);
        drop(open);
        let summary = support::index_observed(&roots, &index, &NoProgress).unwrap();
        assert_eq!((summary.read as u64, summary.unchanged as u64), (90 - documents, documents));
        assert_eq!(summary.embedded, 180 - vectors, "vectors and terms");
        assert_eq!(answers_of(&index), answers_of(&whole));
        assert!(Index::open(&index).unwrap().manifest().complete);
    }
}

#[test]
fn a_reader_beside_a_writer_takes_no_lock_and_sees_one_state_or_the_next() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, index) = (temporary.path().join("documents"), temporary.path().join("index"));
    let write = |round: usize| {
        let texts = (0..6).map(|n| (format!("{}.md", (round + n) % 9), format!("Bird number {n} of round {round}.")));
        let texts: Vec<(String, String)> = texts.collect();
        support::write(&folder, &texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>());
    };
    write(0);
    support::index(&folder, &index);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 1..20 {
                write(round);
                support::index(&folder, &index);
            }
        });
        let mut opened = 0;
        while !writer.is_finished() {
            let open = Index::open(&index).unwrap();
            let found = open.search_lexical("bird", 100, None).unwrap();
            let pending = open.pending_lexical().unwrap();
            assert_eq!(found.len() as u64 + pending, open.searchable() as u64, "what is missing is told");
            let ids: Vec<u64> = found.iter().map(|(chunk, _)| *chunk).collect();
            open.chunks(&ids).unwrap();
            opened += 1;
        }
        writer.join().unwrap();
        assert!(opened > 5, "only {opened} readers came to it");
    });
}

#[test]
fn duplicates_are_searched_once_and_all_their_locations_are_kept() {
    let temporary = tempfile::tempdir().unwrap();
    let home = temporary.path().join("home");
    let folder = temporary.path().join("documents");
    let text =
        "The licence lets you use, copy and change this program, and give it on, as long as this notice stays with it.";
    let nearly = format!(
        "{} It holds for every file here, in each of its versions. Copyright 2026 by the birds.",
        text.repeat(4)
    );
    support::write(
        &folder,
        &[
            ("a/one.md", text),
            ("b/two.md", &text.to_uppercase()),
            ("c/three.txt", &text.replace(' ', "\n")),
            ("d/near.txt", &nearly),
            ("e/near.txt", &nearly.replace("birds", "wrens")),
        ],
    );
    let config =
        kinglet::Config { embedder: "hashing-256".into(), generator: "extractive".into(), ..Default::default() };
    let kinglet = kinglet::Kinglet::new(&home, config);
    kinglet.index("notes", std::slice::from_ref(&folder), &NoProgress).unwrap();
    let index = Index::open(&kinglet.index_folder("notes").unwrap()).unwrap();
    let counts = index.counts().unwrap();
    assert_eq!((counts.chunks - counts.duplicates, index.searchable_ids().unwrap().len()), (3, 3), "{counts:?}");
    assert_eq!(index.near_duplicates().unwrap(), 1);

    let found = kinglet
        .open("notes")
        .unwrap()
        .search("may I copy and change this program", &SearchOptions::default())
        .unwrap()
        .results;
    assert_eq!(found.len(), 2, "the two that are nearly the same are shown as one");
    let places = |found: &kinglet::SearchResult| -> BTreeSet<String> {
        let all = found.duplicates.iter().map(|other| &other.path).chain([&found.path]);
        all.map(|path| path.strip_prefix(folder.canonicalize().unwrap()).unwrap().display().to_string()).collect()
    };
    let mut all: Vec<BTreeSet<String>> = found.iter().map(places).collect();
    all.sort();
    let expected = [vec!["a/one.md", "b/two.md", "c/three.txt"], vec!["d/near.txt", "e/near.txt"]];
    assert_eq!(all, expected.map(|paths| paths.into_iter().map(str::to_owned).collect()));

    let wanted = SearchOptions { filter: Some(Filter::parse("path=b/**").unwrap()), ..SearchOptions::default() };
    let filtered = kinglet.open("notes").unwrap().search("copy this program", &wanted).unwrap().results;
    assert_eq!(filtered.iter().map(places).collect::<Vec<_>>(), [BTreeSet::from(["b/two.md".to_owned()])]);
}

#[test]
fn a_single_file_is_indexed_beside_folders_and_under_its_own_name() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().canonicalize().unwrap();
    support::write(&folder, &[("docs/a.md", "Kinglets."), ("one.md", "Wrens sing.")]);
    let index = folder.join("index");
    let summary = support::index_observed(&[folder.join("docs"), folder.join("one.md")], &index, &NoProgress).unwrap();
    assert_eq!((summary.read, summary.skipped), (2, vec![]));
    let paths: Vec<_> = support::contents(&Index::open(&index).unwrap()).into_iter().map(|(path, ..)| path).collect();
    assert_eq!(paths, [folder.join("docs/a.md"), folder.join("one.md")]);
}

#[test]
fn the_index_of_a_moved_folder_equals_a_new_one_and_nothing_is_embedded_again() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().canonicalize().unwrap();
    // After the move the duplicate in `b` comes first.
    let files = [("a/one.md", "Five kinglet grams."), ("a/two.md", "Wrens sing."), ("b/one.md", "Five kinglet grams.")];
    support::write(&folder, &files);
    let (a, b, z) = (folder.join("a"), folder.join("b"), folder.join("z"));
    let index = folder.join("index");
    support::index_observed(&[a.clone(), b.clone()], &index, &NoProgress).unwrap();
    let moving = |from: Option<&Path>, to: &Path| {
        let writer = IndexWriter::open(&index).unwrap();
        let parts = writer.open_parts(&[], &[], false).unwrap().outgoing;
        move_root(&writer, parts, from, to, &NoProgress)
    };
    for (from, to, why) in [
        (None, &z, "several folders"),
        (Some(&z), &z, "does not cover"),
        (Some(&a), &b, "covers"),
        (Some(&a), &z, "has none of the files"),
    ] {
        let error = moving(from.map(PathBuf::as_path), to).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
    std::fs::rename(&a, &z).unwrap();
    assert_eq!(moving(Some(&a), &z).unwrap(), a);
    let fresh = folder.join("fresh");
    support::index_observed(&[b, z], &fresh, &NoProgress).unwrap();
    let is_as_new = || {
        assert_eq!(answers_of(&index), answers_of(&fresh));
        let [moved, new] = [&index, &fresh].map(|index| support::contents(&Index::open(index).unwrap()));
        assert_eq!(moved, new);
    };
    is_as_new();
    let summary = support::index_observed(&[], &index, &NoProgress).unwrap();
    assert_eq!((summary.embedded, summary.removed, summary.gone), (0, 0, vec![]));
    is_as_new();
}

#[test]
fn a_folder_that_is_gone_stays_in_the_index_until_it_is_dropped() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().canonicalize().unwrap();
    support::write(&folder, &[("old/one.md", "Kinglets weigh five grams."), ("old/two.md", "Wrens sing.")]);
    let config = kinglet::Config { embedder: "hashing-256".into(), ..Default::default() };
    let kinglet = kinglet::Kinglet::new(folder.join("home"), config);
    let (old, new) = (folder.join("old"), folder.join("new"));
    kinglet.index("notes", std::slice::from_ref(&old), &NoProgress).unwrap();
    std::fs::rename(&old, &new).unwrap();
    let index = |roots: &[&PathBuf], dropped: &[&PathBuf]| {
        let [roots, dropped] =
            [roots, dropped].map(|paths| paths.iter().map(|path| (*path).clone()).collect::<Vec<_>>());
        kinglet.index_without("notes", &roots, &dropped, &Embedders::Keep, &NoProgress)
    };
    let paths = || -> Vec<PathBuf> {
        let index = Index::open(&kinglet.index_folder("notes").unwrap()).unwrap();
        support::contents(&index).into_iter().map(|(path, ..)| path).collect()
    };
    let error = index(&[], &[]).unwrap_err();
    assert_eq!(error.hint(), Some(&Hint::RootIsGone { index: Some("notes".to_string()), root: old.clone() }));
    let summary = index(&[&new], &[]).unwrap();
    assert_eq!((summary.read, summary.embedded, &summary.gone), (2, 0, &vec![old.clone()]));
    assert_eq!(paths().len(), 4, "nothing is lost");
    let found = kinglet.open("notes").unwrap().search("kinglets", &SearchOptions::limited(1)).unwrap().results;
    assert_eq!((found[0].gone, &found[0].path), (false, &new.join("one.md")));

    assert!(index(&[], &[&folder]).unwrap_err().to_string().contains("does not cover"));
    let summary = index(&[], &[&old]).unwrap();
    assert_eq!((summary.removed, summary.embedded, paths()), (2, 0, vec![new.join("one.md"), new.join("two.md")]));
    assert!(index(&[], &[&new]).unwrap_err().to_string().contains("would cover nothing"));

    // The same in one run: the folder is read at its new place before it leaves the old one.
    std::fs::rename(&new, &old).unwrap();
    let summary = index(&[&old], &[&new]).unwrap();
    assert_eq!((summary.embedded, paths()), (0, vec![old.join("one.md"), old.join("two.md")]));
    std::fs::remove_file(old.join("two.md")).unwrap();
    let found = kinglet.open("notes").unwrap().search("wrens sing", &SearchOptions::limited(1)).unwrap().results;
    assert!(found[0].gone && found[0].path == old.join("two.md"));
}

#[cfg(unix)]
#[test]
fn a_file_moved_over_another_one_of_the_same_size_and_date_is_read() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, index) = (temporary.path().join("documents"), temporary.path().join("index"));
    support::write(&folder, &[("a.md", "Wrens sing."), ("b.md", "Swans swim.")]);
    let date = std::fs::metadata(folder.join("a.md")).unwrap().modified().unwrap();
    std::fs::File::options().write(true).open(folder.join("b.md")).unwrap().set_modified(date).unwrap();
    support::index(&folder, &index);
    std::fs::rename(folder.join("b.md"), folder.join("a.md")).unwrap();
    support::index(&folder, &index);
    let texts: Vec<String> =
        support::contents(&Index::open(&index).unwrap()).into_iter().map(|(_, _, text)| text).collect();
    assert_eq!(texts, ["Swans swim."]);
}

#[test]
fn an_index_that_begins_without_documents_takes_the_language_of_the_first_ones() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, index) = (temporary.path().join("documents"), temporary.path().join("index"));
    std::fs::create_dir(&folder).unwrap();
    support::index(&folder, &index);
    let german = "Die Wohnung hat drei Zimmer und eine Küche. Die Kündigung muss schriftlich erfolgen, und der Vermieter \
                  bestätigt sie innerhalb von vierzehn Tagen.";
    support::write(&folder, &[("vertrag.md", german)]);
    support::index(&folder, &index);
    let index = Index::open(&index).unwrap();
    assert_eq!(index.manifest().language, Language::of_code("de").unwrap());
    assert_eq!(index.lexical().search("Kündigungen", 5, None).unwrap().len(), 1);
}
