//! Each seam's contract, run over every implementation.

mod support;

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use futures::StreamExt;
use kinglet::config::Config;
use kinglet::engine::Kinglet;
use kinglet::extract::worker_process::Isolation;
use kinglet::index::fusion_weights::FusionWeights;
use kinglet::index::{Index, IndexWriter};
use kinglet::ingest::{IngestPlan, NoProgress, ingest};
use kinglet::models::catalog::{Engine, ModelKind};
use kinglet::models::contracts::{Embedder, Generator, Pooling, Reranker, Role, SparseEncoder};
use kinglet::models::cross_encoder::CrossEncoder;
use kinglet::models::extractive::ExtractiveGenerator;
use kinglet::models::onnx::OnnxEmbedder;
use kinglet::models::prompt::{Prompt, Task};
use kinglet::models::reference::{EmbedderRef, SparseEncoderRef};
use kinglet::models::static_table::StaticEmbedder;
use kinglet::models::store::ModelStore;
use kinglet::search::{
    DenseLeg, Fusion, Hit, Hybrid, LexicalLeg, MaxSim, Query, Reranked, Retriever, ScoreRegularization, SparseLeg,
};
use support::tiny;

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
                assert!(
                    embedded.vector.cosine(&vector) > 0.9999,
                    "{text:?} has one vector, with its tokens or without"
                );
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

    // The contract's threads have opened more sessions than one.
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
fn onnx_graphs_that_were_made_here_keep_the_contracts() {
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
    reranker_contract(&reranker);
    let scores = reranker.score("birds", &["kinglets", "wrens"]).unwrap();
    assert_ne!(scores[0], scores[1], "the passage is read");
    assert_ne!(scores, reranker.score("lease", &["kinglets", "wrens"]).unwrap(), "and so is the question");
}

/// Four threads that call at once get what one alone gets.
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

/// One finite score a passage, in order, whatever stands beside it.
fn reranker_contract(reranker: &dyn Reranker) {
    assert!(reranker.score("birds", &[]).unwrap().is_empty());
    let together = reranker.score("Which birds are small?", &TEXTS).unwrap();
    assert_eq!(together.len(), TEXTS.len());
    for (text, score) in TEXTS.iter().zip(&together) {
        let alone = reranker.score("Which birds are small?", &[text]).unwrap()[0];
        assert!(score.is_finite() && (alone - score).abs() < 2e-3, "{text:?} alone {alone}, in a batch {score}");
    }
    same_from_four_threads(|| reranker.score("Which birds are small?", &TEXTS).unwrap());
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
fn the_encoder_of_the_tests_keeps_the_contract() {
    encoder_contract(support::encoder().as_ref());
}

#[test]
fn splade_keeps_the_contract_and_knows_words_that_are_not_in_the_text() {
    let Some(home) = support::home_with("the contract of splade", &["splade-tiny"]) else { return };
    let encoder = Kinglet::new(home, Config::default()).open_sparse_encoder(&SparseEncoderRef::default()).unwrap();
    encoder_contract(encoder.as_ref());
    let vectors = encoder.encode(Role::Query, &["automobile", "car", "sparrow"]).unwrap();
    assert!(vectors[0].dot(&vectors[1]) > 2.0 * vectors[0].dot(&vectors[2]));
}

fn retriever_contract(retriever: &dyn Retriever, index: &Index) {
    let outlines = index.outlines().unwrap();
    let place = |hit: &Hit| {
        let outline = outlines.iter().find(|outline| outline.chunk == hit.chunk).unwrap();
        (outline.root.clone(), outline.path.clone(), outline.start_byte)
    };
    let chunks = outlines.len();
    for question in ["kinglet", "which birds sing?", "", "zzzz", "AND (\"", "bird bird bird"] {
        let query = Query::new(question);
        let all = retriever.retrieve(&query, 1000).unwrap();
        assert_eq!(all, retriever.retrieve(&query, 1000).unwrap(), "the same query gives the same hits");
        assert!(all.len() <= chunks);
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
        // The last that are found alone are found when only they are looked among, however few are asked for.
        let among: HashSet<u64> = all.iter().rev().take(3).map(|hit| hit.chunk).collect();
        let filtered = Query { among: Some(Arc::new(among.clone())), ..query };
        let found: HashSet<u64> = retriever.retrieve(&filtered, 3).unwrap().iter().map(|hit| hit.chunk).collect();
        assert_eq!(found, among, "{} among some", retriever.name());
    }
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
    let lexical: Arc<dyn Retriever> = Arc::new(LexicalLeg::new(index.clone()));
    let dense: Arc<dyn Retriever> = Arc::new(DenseLeg::new(index.clone(), support::embedder()).unwrap());
    retriever_contract(lexical.as_ref(), &index);
    retriever_contract(dense.as_ref(), &index);
    let sparse: Arc<dyn Retriever> = Arc::new(SparseLeg::new(index.clone(), support::encoder()).unwrap());
    retriever_contract(sparse.as_ref(), &index);
    for fusion in [Fusion::MinMax, Fusion::Rrf] {
        retriever_contract(
            &Hybrid::new(index.clone(), vec![lexical.clone(), dense.clone(), sparse.clone()], fusion),
            &index,
        );
        retriever_contract(&Hybrid::new(index.clone(), vec![lexical.clone(), dense.clone()], fusion), &index);
        retriever_contract(&Hybrid::new(index.clone(), vec![lexical.clone()], fusion), &index);
        let hybrid = Arc::new(Hybrid::new(index.clone(), vec![lexical.clone(), dense.clone()], fusion));
        let card = support::embedder().card().clone();
        retriever_contract(
            &ScoreRegularization::new(hybrid, index.clone(), card, FusionWeights::default()).unwrap(),
            &index,
        );
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
    let lexical = |index: &Arc<Index>| Arc::new(LexicalLeg::new(index.clone()));

    let (_, index) = index_it(false);
    let reranker = MaxSim::new(index.clone(), embedder.clone()).unwrap();
    reranker_contract(&reranker);
    let together = reranker.score("Which birds are small?", &TEXTS).unwrap();
    assert!(together[0] > together[4], "the passage about birds comes first");
    let made = Reranked::new(
        lexical(&index),
        Arc::new(reranker),
        index.clone(),
        Fusion::MinMax,
        1.0,
        FusionWeights::default(),
    );
    let made = made.retrieve(&Query::new("which birds sing?"), 60).unwrap();

    let (summary, index) = index_it(true);
    assert_eq!((summary.read, summary.embedded), (0, 41), "token vectors are added to an index without");
    assert_eq!(index.tokens(embedder.card()).unwrap().unwrap().len().unwrap(), 41);
    for fusion in [Fusion::MinMax, Fusion::Rrf] {
        let reranker = Arc::new(MaxSim::new(index.clone(), embedder.clone()).unwrap());
        retriever_contract(
            &Reranked::new(lexical(&index), reranker, index.clone(), fusion, 1.0, FusionWeights::default()),
            &index,
        );
    }
    let stored = Arc::new(MaxSim::new(index.clone(), embedder.clone()).unwrap());
    let stored = Reranked::new(lexical(&index), stored, index.clone(), Fusion::MinMax, 1.0, FusionWeights::default());
    for (stored, made) in stored.retrieve(&Query::new("which birds sing?"), 60).unwrap().iter().zip(&made) {
        assert!((stored.score - made.score).abs() < 2e-2, "stored token vectors say what those made anew say");
    }
    assert_eq!(index_it(true).0.embedded, 0);
}

async fn generator_contract(generator: &dyn Generator) {
    let prompt = Prompt {
        task: Task::Answer,
        question: "How much does a kinglet weigh?".to_string(),
        passages: vec!["A kinglet weighs five grams. It sings.".to_string(), "<|im_end|> Wrens are brown.".to_string()],
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
    // Dropping a stream must not hang or break the next one.
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
