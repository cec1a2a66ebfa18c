//! A whole search: its calls to models and sources, and how hits become results.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kinglet::config::{Config, Mode};
use kinglet::index::Index;
use kinglet::models::contracts::{Role, SparseCard, SparseEncoder};
use kinglet::near_duplicate::Sketch;
use kinglet::search::{Filter, Fusion, Hit, IndexSources, Pipeline, Query, Retriever, SearchOptions, SparseRetriever};
use kinglet::vector::SparseVector;
use kinglet::{Kinglet, NoProgress};
use support::WordEmbedder;
use support::in_memory::InMemory;

/// Writes birds, each in several files that nearly repeat each other; some repeat each other
/// exactly.
fn write_birds(folder: &std::path::Path) {
    for bird in 0..6 {
        let song: String = (0..50).map(|note| format!("{}{note} ", ["a", "b", "c", "d", "e", "f"][bird])).collect();
        for copy in 0..8 {
            let text = format!("Bird number {bird} is a small kinglet. {song} seen {}.", copy.min(5));
            support::write(folder, &[(&format!("bird-{bird}/{copy}.md"), &text)]);
        }
    }
}

#[test]
fn a_question_is_embedded_once_for_all_parts_of_a_search() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("documents");
    write_birds(&folder);
    let embedder = Arc::new(WordEmbedder::new());
    let config = |mode, rerank: &str| Config {
        embedder: "hashing-256".into(),
        generator: "extractive".into(),
        rerank: rerank.into(),
        mode,
        ..Config::default()
    };
    let kinglet = |config| Kinglet::new(temporary.path().join("home"), config).with_embedder(embedder.clone());
    kinglet(config(Mode::Auto, "auto")).index("birds", &[folder], &NoProgress).unwrap();
    for (mode, rerank) in [
        (Mode::Auto, "auto"),
        (Mode::Auto, "none"),
        (Mode::Dense, "auto"),
        (Mode::Dense, "maxsim"),
        (Mode::Lexical, "maxsim"),
    ] {
        let kinglet = kinglet(config(mode, rerank));
        // The more results are requested, the more hits are folded.
        for (count, filter) in [(1, None), (4, None), (6, None), (40, None), (5, Some("path=bird-*/1.md"))] {
            let filter = filter.map(|it| Filter::parse(it).unwrap());
            for one_per_document in [false, true] {
                let (limit, filter) = (Some(count), filter.clone());
                let options = SearchOptions { limit, filter, one_per_document, ..SearchOptions::default() };
                embedder.take_questions();
                let response = kinglet.open("birds").unwrap().search("which kinglet sings at night", &options).unwrap();
                assert!(!response.results.is_empty());
                assert_eq!(embedder.take_questions(), 1, "{mode:?} with {rerank}, {count} results");
            }
        }
    }
}

struct CountingEncoder(Arc<dyn SparseEncoder>, AtomicUsize);

impl SparseEncoder for CountingEncoder {
    fn card(&self) -> &SparseCard {
        self.0.card()
    }

    fn encode(&self, role: Role, texts: &[&str]) -> kinglet::Result<Vec<SparseVector>> {
        self.1.fetch_add(texts.len(), Ordering::Relaxed);
        self.0.encode(role, texts)
    }
}

struct CountingRetriever(Arc<dyn Retriever>, AtomicUsize);

impl Retriever for CountingRetriever {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn score_of_absent(&self) -> Option<f32> {
        self.0.score_of_absent()
    }

    fn retrieve(&self, query: &Query, k: usize) -> kinglet::Result<Vec<Hit>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.retrieve(query, k)
    }
}

#[test]
fn each_part_of_a_search_runs_once_however_many_hits_are_folded() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, place) = (temporary.path().join("documents"), temporary.path().join("index"));
    write_birds(&folder);
    support::index(&folder, &place);
    let sources = IndexSources::new(Arc::new(Index::open(&place).unwrap()));
    let terms = sources.encoder(support::encoder().card()).unwrap();
    let encoder = Arc::new(CountingEncoder(support::encoder(), AtomicUsize::new(0)));
    let sparse = Arc::new(SparseRetriever::new(terms, encoder.clone()));
    let retrievers: Vec<Arc<dyn Retriever>> = support::lexical_and_dense(&sources)
        .unwrap()
        .into_iter()
        .chain([sparse.clone() as Arc<dyn Retriever>])
        .collect();
    let counting: Vec<_> =
        retrievers.into_iter().map(|it| Arc::new(CountingRetriever(it, AtomicUsize::new(0)))).collect();
    let as_retrievers = counting.iter().map(|it| it.clone() as Arc<dyn Retriever>).collect();
    let pipeline = Pipeline::new(sources.clone(), as_retrievers, Fusion::MinMax);
    let query = Query::new("kinglet").with_filter(Some(Filter::parse("type=md").unwrap()));
    let filtered = sources.filtered(query.filter()).unwrap().unwrap();
    assert_eq!(pipeline.search(&query, 6, false).unwrap().results.len(), 6);
    for retriever in &counting {
        assert_eq!(retriever.1.load(Ordering::Relaxed), 1, "{}", retriever.name());
    }
    let again = sources.filtered(query.filter()).unwrap().unwrap();
    assert!(Arc::ptr_eq(&filtered, &again), "the filter was evaluated once");
    sparse.retrieve(&query, 5).unwrap();
    assert_eq!(encoder.1.load(Ordering::Relaxed), 1, "the same query is encoded once, whoever asks");
}

#[test]
fn results_are_the_best_hits_that_do_not_repeat_a_better_one() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, place) = (temporary.path().join("documents"), temporary.path().join("index"));
    write_birds(&folder);
    support::index(&folder, &place);
    let index = Arc::new(Index::open(&place).unwrap());
    let sources = IndexSources::new(index.clone());
    let pipeline = Pipeline::new(sources.clone(), support::all_retrievers(&sources).unwrap(), Fusion::MinMax)
        .regularized(sources.embedder(support::embedder().card()).unwrap());
    let query = Query::new("kinglet number 3 or 4, seen 5 times");
    let mut different: Vec<(Hit, Sketch)> = Vec::new();
    for hit in pipeline.retrieve(&query, 1000).unwrap() {
        let sketch = index.sketches(&[hit.chunk]).unwrap()[0].unwrap();
        if different.iter().all(|(_, better)| better.likeness(&sketch) < 0.9) {
            different.push((hit, sketch));
        }
    }
    assert_eq!(different.len(), 6, "there are six birds");
    let mut places = 0;
    for count in 0..9 {
        let results = pipeline.search(&query, count, false).unwrap().results;
        let hits: Vec<&Hit> = results.iter().map(|result| &result.hit).collect();
        let expected: Vec<&Hit> = different.iter().take(count).map(|(hit, _)| hit).collect();
        assert_eq!(hits, expected, "the best {count}");
        places = results.iter().map(|result| 1 + result.duplicates.len()).sum();
    }
    assert_eq!(places, 48, "every file is the location of some result");
}

#[test]
fn a_search_over_other_sources_gives_the_same_results() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, place) = (temporary.path().join("documents"), temporary.path().join("index"));
    write_birds(&folder);
    support::index(&folder, &place);
    let index = Arc::new(Index::open(&place).unwrap());
    let local = IndexSources::new(index.clone());
    let vectors = local.embedder(support::embedder().card()).unwrap();
    let memory = InMemory::new(&index, support::embedder().as_ref(), support::encoder().as_ref());
    let dense = |source| Arc::new(kinglet::search::DenseRetriever::new(source, support::query_encoder()));
    let pipelines = [
        Pipeline::new(local, vec![dense(vectors.clone())], Fusion::MinMax).regularized(vectors),
        Pipeline::new(memory.clone(), vec![dense(memory.clone())], Fusion::MinMax).regularized(memory),
    ];
    for filter in [None, Some("path=bird-2/*"), Some("path=bird-*/7.md"), Some("path=nowhere")] {
        for one_per_document in [false, true] {
            let query =
                || Query::new("which bird was seen 3 times").with_filter(filter.map(|it| Filter::parse(it).unwrap()));
            let [local, memory] = pipelines.each_ref().map(|it| it.search(&query(), 5, one_per_document).ok());
            assert_eq!(local, memory, "{filter:?}");
            assert_eq!(local.is_none(), filter == Some("path=nowhere"));
        }
    }
}
