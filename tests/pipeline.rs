//! From a folder to hits: incremental runs, embedders beside each other, damage, and the questions
//! that the handbook answers.

mod support;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kinglet::SearchOptions;
use kinglet::config::{Config, Mode};
use kinglet::engine::{Embedders, Kinglet};
use kinglet::index::sparse::Sparse;
use kinglet::index::{Index, IndexWriter};
use kinglet::ingest::{Event, IngestPlan, NoProgress, Progress, ingest};
use kinglet::models::contracts::{Embedder, Role, SparseEncoder};
use kinglet::models::hashing::HashingEmbedder;
use kinglet::models::reference::EmbedderRef;
use kinglet::search::{Fusion, IndexSources, LexicalRetriever, Pipeline, Query, Retriever, SparseRetriever};
use kinglet::subprocess::Isolation;
use kinglet::{Error, ErrorKind, Hint};
use support::WordEmbedder;

fn found(index: &Path, question: &str) -> Vec<String> {
    let index = Arc::new(Index::open(index).unwrap());
    let sources = IndexSources::new(index.clone());
    let retrievers = support::all_retrievers(&sources).unwrap();
    let hits = Pipeline::new(sources, retrievers, Fusion::MinMax).retrieve(&Query::new(question), 5).unwrap();
    let ids: Vec<_> = hits.iter().map(|hit| hit.chunk).collect();
    index.chunks(&ids).unwrap().into_iter().map(|stored| stored.chunk.text).collect()
}

#[test]
fn only_what_changed_is_read_and_only_new_chunks_are_embedded() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, index) = (temporary.path().join("documents"), temporary.path().join("index"));
    support::write(
        &folder,
        &[
            ("a.md", "# Weight\n\nA kinglet weighs five grams."),
            ("sub/b.txt", "Wrens sing loudly."),
            ("picture.png", "\u{89}PNG\0\0"),
            (".gitignore", "hidden.md\n"),
            ("hidden.md", "must not be read"),
        ],
    );
    let first = support::index(&folder, &index);
    assert_eq!((first.read, first.skipped.len(), first.embedded), (2, 1, 4), "two chunks, vectors and terms");
    assert!(found(&index, "how heavy is a kinglet, in grams?")[0].contains("five grams"));

    let second = support::index(&folder, &index);
    assert_eq!((second.read, second.unchanged, second.embedded, second.removed), (0, 2, 0, 0));

    std::fs::rename(folder.join("a.md"), folder.join("renamed.md")).unwrap();
    std::fs::remove_file(folder.join("sub/b.txt")).unwrap();
    let third = support::index(&folder, &index);
    assert_eq!((third.read, third.removed, third.embedded), (1, 2, 0), "a renamed file is not embedded again");
    assert_eq!(support::contents(&Index::open(&index).unwrap()).len(), 1);
}

#[test]
fn a_question_is_never_parsed_as_a_query_language() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, index) = (temporary.path().join("documents"), temporary.path().join("index"));
    support::write(&folder, &[("a.md", "Version 1.0.21 mends \"error: E0599\" (see #42).")]);
    support::index(&folder, &index);
    let long = "kinglet ".repeat(1250);
    for question in
        ["1.0.21", "what: is \"E0599\"?", "AND OR NOT (", "body:* ~2 ^3", "🐦 kinglet's", "\\ / \0", "", "的", &long]
    {
        found(&index, question);
    }
    assert!(found(&index, "1.0.21")[0].contains("1.0.21"));
}

#[test]
fn several_embedders_share_the_chunks_of_an_index() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, home) = (temporary.path().join("documents"), temporary.path().join("home"));
    support::write(&folder, &[("a.md", "A kinglet weighs five grams."), ("b.md", "Wrens sing loudly.")]);
    let kinglet = |embedder: &str| {
        Kinglet::new(&home, Config { embedder: embedder.into(), mode: Mode::Dense, ..Config::default() })
    };
    let other = Arc::new(HashingEmbedder::new(64));
    let index_folder = kinglet("auto").index_folder("notes").unwrap();
    let ids = |folder: &Path| -> Vec<String> {
        Index::open(folder).unwrap().manifest().embedders.iter().map(|card| card.id.clone()).collect()
    };

    kinglet("hashing-256").index("notes", &[folder], &NoProgress).unwrap();
    let chunks = support::contents(&Index::open(&index_folder).unwrap());
    let mut writer = IndexWriter::open(&index_folder).unwrap();
    let plan = IngestPlan {
        roots: &[],
        chunking: writer.manifest().unwrap().chunking,
        max_file_bytes: u64::MAX,
        dropped: &[],
        exclude: &[],
        embedders: &[Arc::new(HashingEmbedder::new(256)), other.clone()],
        encoders: &[],
        language: None,
        keep_tokens: true,
        isolation: &Isolation::InProcess,
    };
    let summary = ingest(&mut writer, &plan, &NoProgress).unwrap();
    drop(writer);
    assert_eq!((summary.read, summary.embedded), (0, 2), "only the new embedder embeds, and nothing is read");
    assert_eq!(ids(&index_folder), ["hashing-256", "hashing-64"]);
    assert_eq!(support::contents(&Index::open(&index_folder).unwrap()), chunks);

    let question = "how heavy is a kinglet?";
    let search = |kinglet: &Kinglet| {
        kinglet::Result::Ok(kinglet.open("notes")?.search(question, &SearchOptions::limited(1))?.results)
    };
    let by_first = search(&kinglet("auto")).unwrap();
    let by_second = search(&kinglet("hashing-64").with_embedder(other.clone())).unwrap();
    assert_eq!(by_first[0].chunk.text, by_second[0].chunk.text);
    assert_ne!(by_first[0].hit.legs[0].score, by_second[0].hit.legs[0].score, "each answers with its own vectors");
    let unknown = search(&kinglet("all-minilm-l6-v3")).unwrap_err();
    assert!(unknown.to_string().contains("all-minilm-l6-v3"));

    let exactly = Embedders::Only(vec![EmbedderRef::Hashing]);
    let summary = kinglet("auto").index_with("notes", &[], &exactly, &NoProgress).unwrap();
    assert_eq!((summary.embedded, ids(&index_folder)), (0, vec!["hashing-256".to_string()]));
}

/// Looks at an index when the last model begins to embed.
struct LooksAt<'l>(&'l str, &'l dyn Fn());

impl Progress for LooksAt<'_> {
    fn event(&self, event: &Event<'_>) {
        if matches!(event, Event::Embedded { model, done: 0, .. } if *model == self.0) {
            (self.1)();
        }
    }

    fn is_cancelled(&self) -> bool {
        false
    }
}

#[test]
fn the_embedder_that_is_to_answer_does_so_while_another_one_embeds() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, place) = (temporary.path().join("documents"), temporary.path().join("index"));
    support::write(&folder, &[("a.md", "A kinglet weighs five grams."), ("b.md", "Wrens sing loudly.")]);
    let hashing = |dimension| Arc::new(HashingEmbedder::new(dimension)) as Arc<dyn Embedder>;
    let (former, first, second) = (hashing(128), hashing(64), hashing(256));
    let index_it = |embedders: &[Arc<dyn Embedder>], progress: &dyn Progress| {
        let plan = IngestPlan {
            roots: &[folder.canonicalize().unwrap()],
            dropped: &[],
            chunking: Default::default(),
            max_file_bytes: 1 << 20,
            exclude: &[],
            embedders,
            encoders: &[],
            language: None,
            keep_tokens: true,
            isolation: &Isolation::InProcess,
        };
        ingest(&mut IndexWriter::open(&place).unwrap(), &plan, progress).unwrap()
    };
    let pending = || {
        let index = Index::open(&place).unwrap();
        let cards = &index.manifest().embedders;
        cards.iter().map(|card| (card.clone(), index.pending_dense(card).unwrap())).collect::<Vec<_>>()
    };
    let seen = RefCell::new(Vec::new());
    let look = || *seen.borrow_mut() = pending();
    index_it(std::slice::from_ref(&former), &NoProgress);
    index_it(&[first.clone(), second.clone()], &LooksAt(&second.card().id, &look));
    let (first, second, former) = (first.card().clone(), second.card().clone(), former.card().clone());
    assert_eq!(*seen.borrow(), [(first.clone(), 0), (second.clone(), 2), (former, 0)]);
    assert_eq!(pending(), [(first, 0), (second, 0)]);
}

#[test]
fn a_search_beside_a_run_makes_few_token_vectors_and_says_that_it_ranks_without_them() {
    for (files, is_ranked_early) in [(8, true), (9, false)] {
        let temporary = tempfile::tempdir().unwrap();
        let (folder, home) = (temporary.path().join("documents"), temporary.path().join("home"));
        for number in 1..=files {
            support::write(&folder, &[(&format!("{number}.md"), &format!("Kinglet {number} weighs {number} grams."))]);
        }
        let kinglet = Kinglet::new(&home, Config::default()).with_embedder(Arc::new(WordEmbedder::new()));
        let search = || {
            let found = kinglet.open("notes").unwrap().search("kinglet", &SearchOptions::limited(3)).unwrap();
            let scored = found.results.iter().flat_map(|result| &result.hit.legs).filter(|leg| leg.leg == "maxsim");
            (scored.count(), found.pending.map(|pending| (pending.dense, pending.without_late_interaction)))
        };
        let seen = RefCell::new(None);
        let look = || *seen.borrow_mut() = Some(search());
        let id = support::embedder().card().id.clone();
        kinglet.index("notes", &[folder], &LooksAt(&id, &look)).unwrap();
        let ranked = if is_ranked_early { 3 } else { 0 };
        assert_eq!(seen.take(), Some((ranked, Some((files, !is_ranked_early)))));
        assert_eq!(search(), (3, None));
    }
}

struct StopsAt(&'static str);

impl Progress for StopsAt {
    fn event(&self, _: &Event<'_>) {}
    fn is_cancelled(&self) -> bool {
        !self.0.is_empty()
    }
}

#[test]
fn an_interrupt_is_an_error_that_loses_nothing_and_a_second_writer_learns_who_writes() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, index) = (temporary.path().join("documents"), temporary.path().join("index"));
    support::write(&folder, &[("a.md", "One.")]);
    support::index(&folder, &index);
    support::write(&folder, &[("a.md", "Two.")]);
    let stopped = support::index_observed(&[folder.canonicalize().unwrap()], &index, &StopsAt("now")).unwrap_err();
    assert_eq!(stopped.kind(), ErrorKind::Interrupted);
    assert_eq!(support::contents(&Index::open(&index).unwrap())[0].2, "One.");

    let writer = IndexWriter::open(&index).unwrap();
    let busy: Error = IndexWriter::open(&index).map(|_| ()).unwrap_err();
    assert_eq!(busy.kind(), ErrorKind::Busy);
    assert!(busy.to_string().contains(&std::process::id().to_string()), "{busy}");
    assert!(Index::open(&index).is_ok(), "readers do not wait for a writer");
    drop(writer);
}

#[test]
fn damage_is_an_error_that_names_what_helps() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, index) = (temporary.path().join("documents"), temporary.path().join("index"));
    support::write(&folder, &[("a.md", "One sentence."), ("b.md", "Another one.")]);
    support::index(&folder, &index);
    let dense = std::fs::read_dir(index.join("dense")).unwrap().next().unwrap().unwrap().path();
    let sparse = std::fs::read_dir(index.join("sparse")).unwrap().next().unwrap().unwrap().path();
    let files = ["chunks.map", "vectors.log"].map(|name| dense.join(name));
    for file in files.into_iter().chain([sparse.join("postings.map"), index.join("manifest.json")]) {
        let whole = std::fs::read(&file).unwrap();
        std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
        let error = Index::open(&index).map(|_| ()).unwrap_err();
        assert!(error.hint().is_some(), "{error} has no hint");
        std::fs::write(&file, &whole).unwrap();
    }
    std::fs::write(dense.join("vectors.log"), b"garbage that is no log of vectors").unwrap();
    assert!(Index::open(&index).is_err());
}

#[test]
fn the_inverted_index_ranks_like_the_sparse_vectors_except_for_rounding() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, index) = (temporary.path().join("documents"), temporary.path().join("index"));
    for number in 0..40 {
        let text: Vec<String> = (0..number + 3).map(|at| format!("word{}", at * number % 17)).collect();
        support::write(&folder, &[(&format!("{number}.txt"), &text.join(" "))]);
    }
    support::index(&folder, &index);
    let (index, encoder) = (Index::open(&index).unwrap(), support::encoder());
    let ids = index.chunk_ids().unwrap();
    let passages: Vec<String> = index.chunks(&ids).unwrap().iter().map(|stored| stored.chunk.passage()).collect();
    let texts: Vec<&str> = passages.iter().map(String::as_str).collect();
    let vectors = encoder.encode(Role::Passage, &texts).unwrap();
    for question in ["word1", "word0 word3 word3 word16", "word2 word5 word7 word11 zzzz", "zzzz", ""] {
        let query = &encoder.encode(Role::Query, &[question]).unwrap()[0];
        let exact: BTreeMap<_, f32> =
            ids.iter().zip(&vectors).map(|(id, it)| (*id, it.dot(query))).filter(|(_, score)| *score > 0.0).collect();
        let found = index.sparse(encoder.card()).unwrap().search(query, 100, None).unwrap();
        assert_eq!(found.iter().map(|(id, _)| *id).collect::<BTreeSet<_>>(), exact.keys().copied().collect());
        // A stored weight is off by at most one of the 255 steps up to the largest weight of its
        // term.
        let largest = |term| {
            let weights =
                vectors.iter().flat_map(kinglet::vector::SparseVector::as_slice).filter(|pair| pair.0 == term);
            weights.map(|pair| pair.1).fold(0.0, f32::max)
        };
        let bound: f32 = query.as_slice().iter().map(|(term, weight)| weight * largest(*term) / 255.0).sum();
        for (id, score) in found {
            assert!((score - exact[&id]).abs() <= bound + 1e-5, "{question}: {score} instead of {}", exact[&id]);
        }
    }
}

#[test]
fn learned_terms_join_an_index_that_has_none_and_leave_it_again() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, place) = (temporary.path().join("documents"), temporary.path().join("index"));
    support::write(&folder, &[("a.md", "Kinglets weigh five grams."), ("b.md", "Wrens sing.")]);
    let index_it = |encoders: &[Arc<dyn SparseEncoder>]| {
        let plan = IngestPlan {
            roots: &[folder.canonicalize().unwrap()],
            chunking: Default::default(),
            max_file_bytes: 1 << 20,
            dropped: &[],
            exclude: &[],
            embedders: &[support::embedder()],
            encoders,
            language: None,
            keep_tokens: false,
            isolation: &Isolation::InProcess,
        };
        ingest(&mut IndexWriter::open(&place).unwrap(), &plan, &NoProgress).unwrap()
    };
    assert_eq!(index_it(&[]).embedded, 2);
    let terms = || IndexSources::new(Arc::new(Index::open(&place).unwrap())).encoder(support::encoder().card());
    let missing = terms().map(|_| ()).unwrap_err();
    assert!(matches!(missing.hint(), Some(Hint::AddEncoder { encoder, .. }) if encoder == "word-counts"), "{missing}");

    assert_eq!(index_it(&[support::encoder()]).embedded, 2, "the vectors are left alone");
    let retriever = SparseRetriever::new(terms().unwrap(), support::encoder());
    assert_eq!(retriever.retrieve(&Query::new("wrens"), 5).unwrap().len(), 1);
    assert_eq!(index_it(&[support::encoder()]).embedded, 0);

    index_it(&[]);
    assert_eq!(files_under(&place.join("sparse")), Vec::<PathBuf>::new());
    Index::open(&place).unwrap();
}

#[test]
fn a_change_to_any_byte_of_the_inverted_index_is_an_error() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, index) = (temporary.path().join("documents"), temporary.path().join("index"));
    support::write(&folder, &[("a.md", "Kinglets weigh five grams."), ("b.md", "Wrens weigh ten.")]);
    support::index(&folder, &index);
    let sparse = std::fs::read_dir(index.join("sparse")).unwrap().next().unwrap().unwrap().path();
    let query = &support::encoder().encode(Role::Query, &["kinglets weigh five grams wrens ten"]).unwrap()[0];
    let search = || Sparse::open(&sparse)?.unwrap().search(query, 5, None);
    assert_eq!(search().unwrap().len(), 2);
    let path = sparse.join("postings.map");
    let whole = std::fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x81;
        for damaged in [&whole[..at], &changed] {
            std::fs::write(&path, damaged).unwrap();
            let error = search().unwrap_err();
            assert!(error.hint().is_some(), "{error} has no hint");
        }
    }
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_under(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

#[test]
fn damage_to_any_derived_file_is_detected_and_repaired_by_indexing_again() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, good) = (temporary.path().join("documents"), temporary.path().join("good"));
    support::write(
        &folder,
        &[("a.md", "Kinglets weigh five grams."), ("b.md", "Wrens sing."), ("c.md", "The lease ends.")],
    );
    let roots = [folder.canonicalize().unwrap()];
    support::index(&folder, &good);
    let expected = found(&good, "how much do kinglets weigh?");
    let derived = files_under(&good).into_iter().map(|path| path.strip_prefix(&good).unwrap().to_path_buf());
    let derived: Vec<PathBuf> = derived
        .filter(|path| !["documents.sqlite", ".lock"].iter().any(|kept| path.to_string_lossy().contains(kept)))
        .collect();
    assert!(derived.len() >= 8, "{derived:?}");
    for (at, file) in derived.iter().enumerate() {
        for damage in ["cut", "changed", "gone"] {
            let index = temporary.path().join(format!("{damage}-{at}"));
            for path in files_under(&good) {
                let copy = index.join(path.strip_prefix(&good).unwrap());
                std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
                std::fs::copy(path, copy).unwrap();
            }
            let path = index.join(file);
            let mut bytes = std::fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            match damage {
                "cut" => std::fs::write(&path, &bytes[..middle]).unwrap(),
                "gone" => std::fs::remove_file(&path).unwrap(),
                _ => {
                    bytes[middle] ^= 0x55;
                    std::fs::write(&path, &bytes).unwrap();
                }
            }
            if let Err(error) = Index::open(&index) {
                assert!(error.hint().is_some(), "{file:?} {damage}: {error} has no hint");
            }
            if file == Path::new("manifest.json") && damage != "gone" {
                let error = support::index_observed(&roots, &index, &NoProgress).unwrap_err();
                assert!(matches!(error.hint(), Some(Hint::DeleteAndUpdateIndex { .. })), "{error}");
                std::fs::remove_file(&path).unwrap();
            }
            let mended = support::index_observed(&roots, &index, &NoProgress);
            assert!(mended.is_ok(), "{file:?} {damage}: {}", mended.unwrap_err());
            assert_eq!(found(&index, "how much do kinglets weigh?"), expected, "{file:?} {damage}");
        }
    }
}

#[test]
fn parts_derived_from_a_lost_store_are_not_used() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, index) = (temporary.path().join("documents"), temporary.path().join("index"));
    support::write(&folder, &[("a.md", "Kinglets weigh five grams.")]);
    support::index(&folder, &index);
    for path in files_under(&index).iter().filter(|path| path.to_string_lossy().contains("documents.sqlite")) {
        std::fs::remove_file(path).unwrap();
    }
    support::write(&folder, &[("a.md", "Wrens sing.")]);
    support::index(&folder, &index);
    let index = Index::open(&index).unwrap();
    assert_eq!(index.lexical().search("kinglets", 5, None).unwrap(), []);
    assert_eq!(index.lexical().search("wrens", 5, None).unwrap().len(), 1);
}

/// The share of the answerable questions of corpora/tiny for which one of the first `depth` hits
/// contains the quoted answer.
fn answered(retriever: &dyn Retriever, index: &Index, depth: usize) -> (f64, Vec<String>) {
    let text = std::fs::read_to_string(support::package().join("corpora/tiny/questions.jsonl")).unwrap();
    let (mut good, mut all, mut missed) = (0, 0, Vec::new());
    for line in text.lines() {
        let question: serde_json::Value = serde_json::from_str(line).unwrap();
        let relevant = question["answers"].as_array().unwrap();
        if relevant.is_empty() {
            continue;
        }
        all += 1;
        let hits = retriever.retrieve(&Query::new(question["question"].as_str().unwrap()), depth).unwrap();
        let ids: Vec<_> = hits.iter().map(|hit| hit.chunk).collect();
        let holds = index.chunks(&ids).unwrap().iter().any(|stored| {
            relevant.iter().any(|answer| {
                stored.path.ends_with(answer["path"].as_str().unwrap())
                    && stored.chunk.text.contains(answer["quote"].as_str().unwrap())
            })
        });
        if holds { good += 1 } else { missed.push(question["question"].to_string()) }
    }
    assert!(all >= 30, "corpora/tiny has only {all} answerable questions");
    (f64::from(good) / f64::from(all), missed)
}

#[test]
fn the_handbook_answers_its_questions_by_words_alone() {
    let temporary = tempfile::tempdir().unwrap();
    support::index(&support::package().join("corpora/handbook"), temporary.path());
    let index = Arc::new(Index::open(temporary.path()).unwrap());
    let (share, missed) = answered(&LexicalRetriever::new(IndexSources::new(index.clone())), &index, 5);
    assert!(share >= 0.6, "only {share:.2} of the questions find their answer among five hits; missed: {missed:#?}");
}

#[test]
fn the_handbook_answers_its_questions_with_the_real_embedder() {
    let Some(home) = support::home_with_models("the handbook's questions with the real embedder") else { return };
    let temporary = tempfile::tempdir().unwrap();
    let kinglet = Kinglet::new(home, Config { mode: Mode::Hybrid, ..Config::default() });
    let roots = [support::package().join("corpora/handbook")];
    let plan = IngestPlan {
        roots: &roots,
        chunking: Default::default(),
        max_file_bytes: 1 << 20,
        dropped: &[],
        exclude: &[],
        embedders: &[kinglet.open_embedder(&EmbedderRef::default()).unwrap()],
        encoders: &[],
        language: None,
        keep_tokens: true,
        isolation: &Isolation::InProcess,
    };
    ingest(&mut IndexWriter::open(temporary.path()).unwrap(), &plan, &NoProgress).unwrap();
    let index = Arc::new(Index::open(temporary.path()).unwrap());
    let (share, missed) = answered(&kinglet.pipeline(&index).unwrap(), &index, 5);
    assert!(share >= 0.85, "only {share:.2} of the questions find their answer among five hits; missed: {missed:#?}");
}
