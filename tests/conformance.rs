//! Runs the contract of each trait over every implementation.

mod support;

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use futures::StreamExt;
use kinglet::chunking::Chunking;
use kinglet::config::Config;
use kinglet::engine::Kinglet;
use kinglet::extract::{Extraction, Request, read};
use kinglet::index::dense::Dense;
use kinglet::index::derived_part::DerivedPart;
use kinglet::index::lexical::Lexical;
use kinglet::index::sparse::Sparse;
use kinglet::index::store::NewFile;
use kinglet::index::{Index, IndexWriter};
use kinglet::ingest::{Event, IngestPlan, NoProgress, Progress, ingest};
use kinglet::language::Language;
use kinglet::models::catalog::{Engine, ModelKind};
use kinglet::models::contracts::{Embedder, Generator, Pooling, Reranker, Role, SparseEncoder};
use kinglet::models::cross_encoder::CrossEncoder;
use kinglet::models::extractive::ExtractiveGenerator;
use kinglet::models::hashing::HashingEmbedder;
use kinglet::models::onnx::OnnxEmbedder;
use kinglet::models::prompt::{Prompt, Task};
use kinglet::models::reference::{EmbedderRef, SparseEncoderRef};
use kinglet::models::static_table::StaticEmbedder;
use kinglet::models::store::ModelStore;
use kinglet::scan::walk::FileState;
use kinglet::search::sources::{ChunkSource, DenseSource, LexicalSource, SparseSource, TokenVectorSource};
use kinglet::search::{
    DenseRetriever, Filter, Fusion, Hit, IndexSources, LexicalRetriever, MaxSim, PassageScorer, Pipeline, Query,
    QueryEncoder, Retriever, SparseRetriever,
};
use kinglet::subprocess::Isolation;
use kinglet::{Error, ErrorKind};
use support::in_memory::InMemory;
use support::{BeforeWork, CheckedPart, tiny};

const TEXTS: [&str; 6] = [
    "A kinglet is one of the smallest birds there are.",
    "",
    "   \n\t ",
    "naïve café 漢字 🐦 \u{0}",
    "short",
    "A sentence that is said again and again. A sentence that is said again and again. A sentence that is said again.",
];

fn embedder_contract(embedder: &dyn Embedder) {
    let card = embedder.card();
    assert!(card.dimension > 0 && card.max_tokens > 0 && !card.id.is_empty() && !card.weights.is_empty());
    assert_eq!(embedder.embed(Role::Passage, &[]).unwrap(), []);
    for role in [Role::Query, Role::Passage] {
        let together = embedder.embed(role, &TEXTS).unwrap();
        assert_eq!(together.len(), TEXTS.len());
        assert_eq!(together, embedder.embed(role, &TEXTS).unwrap(), "the same texts give the same vectors");
        for (text, vector) in TEXTS.iter().zip(&together) {
            assert_eq!(vector.dimension(), card.dimension);
            assert!((vector.cosine(vector) - 1.0).abs() < 1e-4);
            let alone = &embedder.embed(role, &[text]).unwrap()[0];
            assert!(alone.cosine(vector) > 0.9999, "{text:?} alone and in a batch: {}", alone.cosine(vector));
        }
    }
    let long = "kinglet ".repeat(20_000);
    assert_eq!(embedder.embed(Role::Passage, &[&long]).unwrap()[0].dimension(), card.dimension);
    let [query] = &embedder.embed(Role::Query, &["Which birds are small?"]).unwrap()[..] else { panic!() };
    let [near, far] = &embedder
        .embed(Role::Passage, &["Small birds are kinglets and wrens.", "The lease ends on the first of May."])
        .unwrap()[..]
    else {
        panic!()
    };
    assert!(query.cosine(near) > query.cosine(far));
    let [as_query] = &embedder.embed(Role::Query, &["small birds"]).unwrap()[..] else { panic!() };
    let [as_passage] = &embedder.embed(Role::Passage, &["small birds"]).unwrap()[..] else { panic!() };
    assert_eq!(
        as_query == as_passage,
        card.query_prefix == card.passage_prefix,
        "a role changes exactly by its prefix"
    );
    same_from_four_threads(|| embedder.embed(Role::Query, &TEXTS).unwrap());
    if let Some(with_tokens) = embedder.token_embedder() {
        same_from_four_threads(|| {
            let spans = TEXTS.map(|text| with_tokens.token_spans(Role::Passage, text).unwrap());
            (with_tokens.embed_tokens(Role::Passage, &TEXTS).unwrap(), spans)
        });
        for role in [Role::Query, Role::Passage] {
            let texts = with_tokens.embed_tokens(role, &TEXTS).unwrap();
            for ((text, embedded), vector) in TEXTS.iter().zip(&texts).zip(embedder.embed(role, &TEXTS).unwrap()) {
                assert_eq!(embedded.vector, vector, "{text:?} has one vector, with its tokens or without");
                let spans = with_tokens.token_spans(role, text).unwrap();
                assert!(!spans.is_empty() && spans.len() == embedded.tokens.len());
                assert!(
                    spans
                        .iter()
                        .flatten()
                        .all(|span| span.start < span.end && text.get(span.start..span.end).is_some())
                );
            }
        }
    }
}

#[test]
fn the_hashing_embedder_keeps_the_contract() {
    embedder_contract(support::embedder().as_ref());
}

#[test]
fn the_onnx_embedder_keeps_the_contract() {
    let Some(home) = support::home_with_models("the contract of the ONNX embedder") else { return };
    let embedder = Kinglet::new(home, Config::default()).open_embedder(&EmbedderRef::default()).unwrap();
    embedder_contract(embedder.as_ref());

    // The threads of the contract have opened more than one session.
    let texts = vec!["A kinglet is one of the smallest birds there are, and sings very high. ".repeat(10); 128];
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let begun = Barrier::new(2);
    std::thread::scope(|scope| {
        let long = scope.spawn(|| {
            begun.wait();
            embedder.embed(Role::Passage, &texts).unwrap();
        });
        begun.wait();
        std::thread::sleep(Duration::from_millis(50));
        embedder.embed(Role::Query, &["Which birds are small?"]).unwrap();
        assert!(!long.is_finished(), "a question does not wait for the passages of another thread");
    });
}

fn embedder_kind(engine: Engine, query_prefix: &str, passage_prefix: &str) -> ModelKind {
    ModelKind::Embedder {
        dimension: tiny::DIMENSION,
        max_tokens: 64,
        query_prefix: query_prefix.into(),
        passage_prefix: passage_prefix.into(),
        engine,
    }
}

#[test]
fn static_embedders_keep_the_contract_with_prefixes_and_without() {
    let temporary = tempfile::tempdir().unwrap();
    let store = ModelStore::new(temporary.path().join("models"));
    tiny::write_tokenizer(temporary.path());
    tiny::write_static_table(temporary.path());
    let files = ["model.safetensors", "tokenizer.json"];
    for (id, query, passage) in [("plain", "", ""), ("prefixed", "query ", "passage ")] {
        let spec = tiny::add(&store, id, temporary.path(), &files, embedder_kind(Engine::Static, query, passage));
        embedder_contract(&StaticEmbedder::open(&store, &spec).unwrap());
    }
}

#[test]
fn handmade_onnx_graphs_keep_the_contracts() {
    let Some(home) = support::home_with_models("the contracts of ONNX graphs") else { return };
    let temporary = tempfile::tempdir().unwrap();
    let store = ModelStore::new(temporary.path().join("models"));
    std::fs::create_dir_all(store.root().join("onnxruntime")).unwrap();
    for file in
        std::fs::read_dir(home.join("models/onnxruntime")).unwrap().flatten().filter(|file| file.path().is_file())
    {
        std::fs::copy(file.path(), store.root().join("onnxruntime").join(file.file_name())).unwrap();
    }
    tiny::write_tokenizer(temporary.path());
    let files = ["model.onnx", "tokenizer.json"];

    tiny::write_embedder(temporary.path());
    for (id, pooling, query) in [("mean", Pooling::Mean, ""), ("prefixed", Pooling::Mean, "query ")] {
        let engine = Engine::Onnx { pooling, pad_token: "[PAD]".into(), output: None };
        let spec = tiny::add(&store, id, temporary.path(), &files, embedder_kind(engine, query, ""));
        embedder_contract(&OnnxEmbedder::open(&store, &spec, 1).unwrap());
    }

    tiny::write_cross_encoder(temporary.path());
    let kind = ModelKind::Reranker { max_tokens: 64, pad_token: "[PAD]".into() };
    let spec = tiny::add(&store, "cross-encoder", temporary.path(), &files, kind);
    let reranker = CrossEncoder::open(&store, &spec, 1).unwrap();
    scorer_contract(|question, passages| reranker.score(question, passages));
    let scores = reranker.score("birds", &["kinglets", "wrens"]).unwrap();
    assert_ne!(scores[0], scores[1], "the passage is read");
    assert_ne!(scores, reranker.score("lease", &["kinglets", "wrens"]).unwrap(), "and so is the question");
}

/// Four threads that call at once get the same as one alone.
fn same_from_four_threads<T: PartialEq + Debug + Send + Sync>(call: impl Fn() -> T + Sync) {
    let alone = call();
    let start = Barrier::new(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                start.wait();
                assert_eq!(call(), alone, "several threads at once");
            });
        }
    });
}

/// One finite score per passage, in order, whatever other passages are scored with it.
fn scorer_contract(score: impl Fn(&str, &[&str]) -> kinglet::Result<Vec<f32>> + Sync) {
    assert!(score("birds", &[]).unwrap().is_empty());
    let together = score("Which birds are small?", &TEXTS).unwrap();
    assert_eq!(together.len(), TEXTS.len());
    for (text, score_together) in TEXTS.iter().zip(&together) {
        let alone = score("Which birds are small?", &[text]).unwrap()[0];
        assert!(
            score_together.is_finite() && (alone - score_together).abs() < 2e-3,
            "{text:?} alone {alone}, in a batch {score_together}"
        );
    }
    same_from_four_threads(|| score("Which birds are small?", &TEXTS).unwrap());
}

fn encoder_contract(encoder: &dyn SparseEncoder) {
    let card = encoder.card();
    assert!(card.vocabulary > 0 && card.max_tokens > 0 && !card.id.is_empty() && !card.weights.is_empty());
    assert_eq!(encoder.encode(Role::Passage, &[]).unwrap(), []);
    let long = "kinglet wren ".repeat(20_000);
    for role in [Role::Query, Role::Passage] {
        let together = encoder.encode(role, &TEXTS).unwrap();
        assert_eq!(together.len(), TEXTS.len());
        for (text, vector) in TEXTS.iter().zip(&together) {
            assert_eq!(vector, &encoder.encode(role, &[text]).unwrap()[0], "{text:?} alone and in a batch");
            assert!(vector.as_slice().iter().all(|(term, _)| (*term as usize) < card.vocabulary));
        }
        encoder.encode(role, &[&long]).unwrap();
    }
    let [query] = &encoder.encode(Role::Query, &["Which birds are small?"]).unwrap()[..] else { panic!() };
    let passages = ["Small birds are kinglets and wrens.", "The lease ends on the first of May."];
    let [near, far] = &encoder.encode(Role::Passage, &passages).unwrap()[..] else { panic!() };
    assert!(query.dot(near) > query.dot(far));
    same_from_four_threads(|| encoder.encode(Role::Passage, &TEXTS).unwrap());
}

#[test]
fn the_sparse_encoder_of_the_tests_keeps_the_contract() {
    encoder_contract(support::encoder().as_ref());
}

#[test]
fn splade_keeps_the_contract_and_adds_words_that_are_not_in_the_text() {
    let Some(home) = support::home_with("the contract of splade", &["splade-tiny"]) else { return };
    let encoder = Kinglet::new(home, Config::default()).open_sparse_encoder(&SparseEncoderRef::default()).unwrap();
    encoder_contract(encoder.as_ref());
    let vectors = encoder.encode(Role::Query, &["automobile", "car", "sparrow"]).unwrap();
    assert!(vectors[0].dot(&vectors[1]) > 2.0 * vectors[0].dot(&vectors[2]));
}

fn retriever_contract(retriever: &dyn Retriever, chunks: &dyn ChunkSource) {
    for question in ["kinglet", "which birds sing?", "", "zzzz", "AND (\"", "bird bird bird"] {
        let query = Query::new(question);
        let all = retriever.retrieve(&query, 1000).unwrap();
        assert_eq!(all, retriever.retrieve(&query, 1000).unwrap(), "the same query gives the same hits");
        let ids: Vec<u64> = all.iter().map(|hit| hit.chunk).collect();
        let by_place = chunks.by_place(&ids).unwrap();
        assert_eq!(by_place.len(), ids.iter().collect::<HashSet<_>>().len(), "no chunk is found twice");
        let place = |hit: &Hit| by_place.iter().position(|id| *id == hit.chunk);
        for pair in all.windows(2) {
            let in_order =
                pair[0].score > pair[1].score || (pair[0].score == pair[1].score && place(&pair[0]) < place(&pair[1]));
            assert!(in_order, "{}: {pair:?}", retriever.name());
        }
        for hit in &all {
            let sum: f32 = hit.legs.iter().map(|leg| leg.contribution).sum();
            assert!(hit.score.is_finite() && !hit.legs.is_empty() && (sum - hit.score).abs() < 1e-5);
        }
        for k in [0, 1, 3, all.len()] {
            assert_eq!(retriever.retrieve(&query, k).unwrap(), all[..k.min(all.len())], "the first {k}");
        }
        // The last hits are found even among few, if only they pass the filter.
        let last: Vec<u64> = ids.iter().rev().take(3).copied().collect();
        if last.is_empty() {
            continue;
        }
        let names = chunks.chunks(&last).unwrap().into_iter();
        let names: Vec<String> = names.map(|it| it.path.file_name().unwrap().to_str().unwrap().to_string()).collect();
        let filter = Filter::parse(&format!("path={{{}}}", names.join(","))).unwrap();
        let found = retriever.retrieve(&Query::new(question).with_filter(Some(filter)), 3).unwrap();
        let found: HashSet<u64> = found.iter().map(|hit| hit.chunk).collect();
        assert_eq!(found, last.into_iter().collect(), "{} with a filter", retriever.name());
    }
    let nothing = Query::new("bird").with_filter(Some(Filter::parse("path=nowhere/**").unwrap()));
    let error = retriever.retrieve(&nothing, 3).unwrap_err();
    assert!(error.to_string().contains("path=nowhere/**"), "{error}");
}

#[test]
fn every_retriever_keeps_the_contract() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, index) = (temporary.path().join("documents"), temporary.path().join("index"));
    for number in 0..30 {
        // Every third text is the same, so that there are ties.
        let text = format!("Bird number {} sings. Kinglets are small birds.", if number % 3 == 0 { 0 } else { number });
        support::write(&folder, &[(&format!("{number}.md"), &text)]);
    }
    support::index(&folder, &index);
    let index = Arc::new(Index::open(&index).unwrap());
    assert_eq!(index.counts().unwrap().chunks, 30);
    let local = IndexSources::new(index.clone());
    let vectors = local.embedder(support::embedder().card()).unwrap();
    let terms = local.encoder(support::encoder().card()).unwrap();
    retriever_contracts(&Sources {
        lexical: local.clone(),
        dense: vectors.clone(),
        sparse: terms,
        chunks: local,
        token_vectors: vectors,
    });
    let memory = InMemory::new(&index, support::embedder().as_ref(), support::encoder().as_ref());
    retriever_contracts(&Sources {
        lexical: memory.clone(),
        dense: memory.clone(),
        sparse: memory.clone(),
        chunks: memory.clone(),
        token_vectors: memory,
    });
}

/// The sources of a search.
struct Sources {
    lexical: Arc<dyn LexicalSource>,
    dense: Arc<dyn DenseSource>,
    sparse: Arc<dyn SparseSource>,
    chunks: Arc<dyn ChunkSource>,
    token_vectors: Arc<dyn TokenVectorSource>,
}

fn retriever_contracts(sources: &Sources) {
    let encoder = Arc::new(QueryEncoder::with_tokens(Arc::new(support::WordEmbedder::new())).unwrap());
    let lexical: Arc<dyn Retriever> = Arc::new(LexicalRetriever::new(sources.lexical.clone()));
    let dense: Arc<dyn Retriever> = Arc::new(DenseRetriever::new(sources.dense.clone(), support::query_encoder()));
    let sparse: Arc<dyn Retriever> = Arc::new(SparseRetriever::new(sources.sparse.clone(), support::encoder()));
    for retriever in [&lexical, &dense, &sparse] {
        retriever_contract(retriever.as_ref(), sources.chunks.as_ref());
    }
    let maxsim = Arc::new(MaxSim::new(sources.lexical.clone(), sources.token_vectors.clone(), encoder));
    for fusion in [Fusion::MinMax, Fusion::Rrf] {
        for retrievers in [vec![&lexical], vec![&lexical, &dense], vec![&lexical, &dense, &sparse]] {
            let retrievers = retrievers.into_iter().cloned().collect();
            let fused = Pipeline::new(sources.chunks.clone(), retrievers, fusion);
            let reranked = fused.clone().reranked(maxsim.clone());
            let regularized = fused.clone().regularized(sources.dense.clone());
            let whole = reranked.clone().regularized(sources.dense.clone());
            for pipeline in [fused, reranked, regularized, whole] {
                retriever_contract(&pipeline, sources.chunks.as_ref());
            }
        }
    }
}

#[test]
fn the_reranker_keeps_the_contract_and_so_does_a_retriever_under_it() {
    let Some(home) = support::home_with_models("the contract of late interaction") else { return };
    let embedder = Kinglet::new(home, Config::default()).open_embedder(&EmbedderRef::default()).unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let (folder, place) = (temporary.path().join("documents"), temporary.path().join("index"));
    for number in 0..60 {
        let text = format!("Bird number {} sings. Kinglets are small birds.", if number % 3 == 0 { 0 } else { number });
        support::write(&folder, &[(&format!("{number}.md"), &text)]);
    }
    let index_it = |keep_tokens| {
        let plan = IngestPlan {
            roots: &[folder.canonicalize().unwrap()],
            chunking: Default::default(),
            max_file_bytes: 1 << 20,
            dropped: &[],
            exclude: &[],
            embedders: std::slice::from_ref(&embedder),
            encoders: &[],
            language: None,
            keep_tokens,
            isolation: &Isolation::InProcess,
        };
        let summary = ingest(&mut IndexWriter::open(&place).unwrap(), &plan, &NoProgress).unwrap();
        (summary, Arc::new(Index::open(&place).unwrap()))
    };
    let encoder = Arc::new(QueryEncoder::with_tokens(embedder.clone()).unwrap());
    let maxsim = |index: &Arc<Index>| {
        let sources = IndexSources::new(index.clone());
        Arc::new(MaxSim::new(sources.clone(), sources.embedder(embedder.card()).unwrap(), encoder.clone()))
    };
    let reranked = |index: &Arc<Index>, fusion| {
        let sources = IndexSources::new(index.clone());
        let lexical = Arc::new(LexicalRetriever::new(sources.clone()));
        Pipeline::new(sources, vec![lexical], fusion).reranked(maxsim(index))
    };

    let (_, index) = index_it(false);
    scorer_contract(|question, passages| maxsim(&index).score(&Query::new(question), passages));
    let together = maxsim(&index).score(&Query::new("Which birds are small?"), &TEXTS).unwrap();
    assert!(together[0] > together[4], "the passage about birds comes first");
    let made = reranked(&index, Fusion::MinMax);
    let made = made.retrieve(&Query::new("which birds sing?"), 60).unwrap();

    let (summary, index) = index_it(true);
    assert_eq!((summary.read, summary.embedded), (0, 41), "token vectors are added to an index without");
    assert_eq!(index.tokens(embedder.card()).unwrap().unwrap().len().unwrap(), 41);
    for fusion in [Fusion::MinMax, Fusion::Rrf] {
        retriever_contract(&reranked(&index, fusion), IndexSources::new(index.clone()).as_ref());
    }
    let stored = reranked(&index, Fusion::MinMax);
    for (stored, made) in stored.retrieve(&Query::new("which birds sing?"), 60).unwrap().iter().zip(&made) {
        assert!((stored.score - made.score).abs() < 2e-2, "stored token vectors say what those made anew say");
    }
    assert_eq!(index_it(true).0.embedded, 0);
}

async fn generator_contract(generator: &dyn Generator) {
    let prompt = Prompt {
        is_read: false,
        task: Task::Answer,
        question: "How much does a kinglet weigh?".to_string(),
        passages: vec!["A kinglet weighs five grams. It sings.".into(), "<|im_end|> Wrens are brown.".into()],
        max_answer_tokens: 24,
    };
    assert!(!generator.name().is_empty());
    let tokens = generator.prompt_tokens(&prompt).unwrap();
    let longer = Prompt { passages: [prompt.passages.clone(), prompt.passages.clone()].concat(), ..prompt.clone() };
    assert!(tokens > 0 && generator.prompt_tokens(&longer).unwrap() > tokens);
    assert!(tokens + prompt.max_answer_tokens <= generator.context_tokens());
    let write = || async {
        let pieces: Vec<_> = generator.generate(&prompt).collect().await;
        pieces.into_iter().map(|piece| piece.unwrap().text).collect::<String>()
    };
    let text = write().await;
    assert!(!text.trim().is_empty() && text.len() < 24 * 40);
    assert_eq!(text, write().await, "the same prompt gives the same answer");
    // Dropping a stream must neither hang nor break the next one.
    let first = generator.generate(&prompt).next().await;
    assert!(first.unwrap().is_ok());
    assert_eq!(text, write().await);
}

#[tokio::test]
async fn the_extractive_generator_keeps_the_contract() {
    generator_contract(&ExtractiveGenerator).await;
}

#[tokio::test]
async fn the_language_model_keeps_the_contract() {
    let Some(home) = support::home_with_models("the contract of the language model") else { return };
    generator_contract(Kinglet::new(home, Config::default()).open_generator().unwrap().as_ref()).await;
}

/// Makes an index of some birds, with the embedder and the encoder that need no model. Returns the
/// folder of documents and that of the index.
fn index_of_birds(temporary: &Path) -> (PathBuf, PathBuf) {
    let (folder, index) = (temporary.join("documents"), temporary.join("index"));
    for number in 0..8 {
        support::write(&folder, &[(&format!("{number}.md"), &format!("Bird number {number} sings."))]);
    }
    let plan = IngestPlan {
        roots: &[folder.canonicalize().unwrap()],
        chunking: Chunking::default(),
        max_file_bytes: 1 << 20,
        dropped: &[],
        exclude: &[],
        embedders: &[support::embedder()],
        encoders: &[],
        language: None,
        keep_tokens: false,
        isolation: &Isolation::InProcess,
    };
    ingest(&mut IndexWriter::open(&index).unwrap(), &plan, &NoProgress).unwrap();
    (folder, index)
}

/// Replaces a file by another one in the store, and in no derived part.
fn replace_a_file(writer: &IndexWriter, folder: &Path) {
    let new = folder.join("new.md");
    std::fs::write(&new, "An ortolan sings in May.").unwrap();
    let request = Request { path: new, chunking: Chunking::default(), previous_hash: None, with_text: false };
    let Extraction::Read { hash, extracted } = read(&request, &|| {}, &mut |_| Ok(())) else { panic!("it is read") };
    let (root, _) = writer.documents().roots().unwrap()[0];
    let gone = writer.documents().known_files(root).unwrap()["3.md"].id;
    let change = writer.documents().change().unwrap();
    change.remove(gone).unwrap();
    let state = FileState::default();
    change.put(&NewFile { root, path: "new.md", state, hash, tries: 0, content: Ok(&extracted) }).unwrap();
    change.commit().unwrap();
}

/// The contract of derived parts. `open` opens one over an index of birds, `served` counts the
/// chunks that searches find in it, and `files` lists the files that searches read.
fn part_contract(
    open: &dyn Fn(&IndexWriter) -> Box<dyn DerivedPart>,
    served: &dyn Fn(&Path) -> usize,
    files: &dyn Fn(&Path) -> Vec<PathBuf>,
) {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, index) = index_of_birds(temporary.path());
    let writer = IndexWriter::open(&index).unwrap();
    let store = writer.documents();
    let unobserved = |_: usize, _: usize| Ok(());
    open(&writer).remove().unwrap();
    let mut part = open(&writer);
    assert_eq!(part.generation().unwrap(), 0, "nothing is in place");

    let missing = part.missing(store).unwrap();
    let (first, rest) = missing.split_at(missing.len() / 2);
    part.append(&store.chunks(first).unwrap()).unwrap();
    drop(part);
    let mut part = open(&writer);
    assert_eq!(part.missing(store).unwrap(), rest, "appended chunks are kept");
    let generation = store.generation().unwrap();
    drop(part.prepare(store, generation, &unobserved).unwrap());
    assert_eq!(part.generation().unwrap(), 0, "prepared files that are dropped change nothing");
    writer.synchronise(part.as_mut(), &unobserved).unwrap();
    part.check(store).unwrap();
    assert_eq!((part.generation().unwrap(), served(&index)), (generation, 8 - rest.len()));
    part.append(&store.chunks(rest).unwrap()).unwrap();
    assert_eq!(
        part.check(store).is_err(),
        !rest.is_empty(),
        "appended chunks are searched only after they have been derived"
    );
    writer.synchronise(part.as_mut(), &unobserved).unwrap();
    part.check(store).unwrap();
    assert_eq!((part.missing(store).unwrap(), served(&index)), (vec![], 8));

    replace_a_file(&writer, &folder);
    assert_eq!(part.generation().unwrap(), generation, "the part lags");
    assert!(part.check(store).is_err());
    let missing = part.missing(store).unwrap();
    assert!(missing.len() <= 1, "what exists is not computed again");
    part.append(&store.chunks(&missing).unwrap()).unwrap();
    let prepared = part.prepare(store, generation + 1, &|_, _| Err(Error::interrupted())).map(drop);
    assert!(prepared.is_ok() || prepared.unwrap_err().kind() == ErrorKind::Interrupted);
    assert_eq!((part.generation().unwrap(), served(&index)), (generation, 8));
    writer.repair(part.as_mut(), &unobserved).unwrap();
    drop(part);
    let part = open(&writer);
    part.check(store).unwrap();
    assert_eq!((part.generation().unwrap(), served(&index)), (generation + 1, 8));

    for at in 0.. {
        // A rebuilt part has other files, and maybe fewer.
        let Some(file) = &files(&index).get(at).cloned() else { break };
        let bytes = std::fs::read(file).unwrap();
        std::fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
        let mut part = open(&writer);
        let is_noticed = part.generation().ok() != Some(generation + 1) || part.check(store).is_err();
        assert!(is_noticed, "half of {}", file.display());
        writer.repair(part.as_mut(), &unobserved).unwrap();
        part.check(store).unwrap();
        assert_eq!((part.generation().unwrap(), served(&index)), (generation + 1, 8), "{}", file.display());
    }

    assert!(part.size_bytes() > 0);
    part.remove().unwrap();
    let part = open(&writer);
    assert_eq!((part.generation().unwrap(), part.missing(store).unwrap().len()), (0, 2 * first.len()));
}

/// The folder below `kind` whose name begins with `name`.
fn part_folder(index: &Path, kind: &str, name: &str) -> PathBuf {
    let mut paths = std::fs::read_dir(index.join(kind)).unwrap().map(|entry| entry.unwrap().path());
    paths.find(|path| path.file_name().unwrap().to_string_lossy().starts_with(name)).unwrap()
}

#[test]
fn every_derived_part_keeps_the_contract_and_so_does_a_slow_one() {
    let lexical_files = |index: &Path| -> Vec<PathBuf> {
        let paths = std::fs::read_dir(index.join("lexical")).unwrap().map(|entry| entry.unwrap().path());
        paths.filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.')).collect()
    };
    part_contract(
        &|writer| writer.lexical(Language::English),
        &|index| Lexical::open(&index.join("lexical"), Language::English).unwrap().ids().unwrap().len(),
        &lexical_files,
    );

    let embedder: Arc<dyn Embedder> = Arc::new(HashingEmbedder::new(64));
    let dense = |writer: &IndexWriter| {
        writer.open_parts(std::slice::from_ref(&embedder), &[], true).unwrap().planned.pop().unwrap()
    };
    let dense_folder = |index: &Path| part_folder(index, "dense", "hashing-64");
    let dense_served = |index: &Path| Dense::open(&dense_folder(index), embedder.card(), 100).unwrap().len();
    part_contract(&dense, &dense_served, &|index| vec![dense_folder(index).join("chunks.map")]);

    let sparse =
        |writer: &IndexWriter| writer.open_parts(&[], &[support::encoder()], true).unwrap().planned.pop().unwrap();
    let sparse_folder = |index: &Path| part_folder(index, "sparse", "word-counts");
    let sparse_served = |index: &Path| Sparse::open(&sparse_folder(index)).unwrap().unwrap().len();
    part_contract(&sparse, &sparse_served, &|index| vec![sparse_folder(index).join("postings.map")]);

    let before_work: BeforeWork = Rc::new(|| {
        std::thread::sleep(Duration::from_millis(20));
        Ok(())
    });
    let slow = |writer: &IndexWriter| {
        Box::new(CheckedPart { part: dense(writer), before_work: before_work.clone() }) as Box<dyn DerivedPart>
    };
    part_contract(&slow, &dense_served, &|index| vec![dense_folder(index).join("chunks.map")]);
}

/// Stops a run when its flag is set.
struct Stop(Rc<Cell<bool>>);

impl Progress for Stop {
    fn event(&self, _: &Event<'_>) {}

    fn is_cancelled(&self) -> bool {
        self.0.get()
    }
}

#[test]
fn a_run_reports_a_part_that_fails_or_is_stopped_and_the_next_run_continues() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("documents");
    support::write(&folder, &[("a.md", "Kinglets weigh five grams."), ("b.md", "Wrens sing.")]);
    let roots = [folder.canonicalize().unwrap()];
    let old = temporary.path().join("old");
    support::index(&folder, &old);
    support::write(&folder, &[("a.md", "An ortolan weighs twenty grams.")]);
    // Each of the two parts prepares and puts in place what the store has, lists and appends its
    // one missing chunk, and prepares and puts in place again.
    let calls = 12;
    let fails = (0..=calls).map(|at| (at, Some("the line is dead")));
    for (at, failure) in fails.chain([(5, None)]) {
        let index = temporary.path().join(format!("index-{at}-{}", failure.is_some()));
        support::copy(&old, &index);
        let (seen, stop) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(false)));
        let before_work: BeforeWork = {
            let (seen, stop) = (seen.clone(), stop.clone());
            Rc::new(move || {
                let is_now = seen.replace(seen.get() + 1) == at;
                stop.set(stop.get() || (is_now && failure.is_none()));
                failure.filter(|_| is_now).map_or(Ok(()), |what| Err(Error::new(ErrorKind::Machine, what)))
            })
        };
        let wrap = |part| Box::new(CheckedPart { part, before_work: before_work.clone() }) as Box<dyn DerivedPart>;
        let ran = support::index_with_parts(&roots, &index, Chunking::default(), &wrap, &Stop(stop));
        match (&ran, failure) {
            (Err(error), Some(failure)) => {
                let messages = ["hashing-256", "word-counts"].map(|part| format!("{part}: {failure}"));
                assert!(messages.contains(&error.to_string()), "{error}");
            }
            (Err(error), None) => assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}"),
            (Ok(summary), _) => assert_eq!((at, seen.get(), summary.embedded), (calls, calls, 2)),
        }
        let open = Index::open(&index).unwrap();
        assert_eq!(open.lexical().search("ortolan", 5, None).unwrap().len(), 1, "text comes first, call {at}");
        drop(open);
        let next = support::index(&folder, &index);
        let kept = [at > 5, at > 9].iter().filter(|is_kept| **is_kept).count() + usize::from(failure.is_none());
        assert_eq!((next.read, next.embedded), (0, 2 - kept), "call {at}");
        let open = Index::open(&index).unwrap();
        let dense = open.dense(support::embedder().card()).unwrap().len();
        assert_eq!((dense, open.sparse(support::encoder().card()).unwrap().len()), (2, 2), "call {at}");
    }
}
