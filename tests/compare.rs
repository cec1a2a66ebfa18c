//! Comparing systems on one's own index: measured once, kept, compared; questions made from documents; the winner used.

mod support;

use std::cell::RefCell;
use std::path::Path;

use kinglet::SearchOptions;
use kinglet::config::Mode;
use kinglet::engine::Embedders;
use kinglet::error::ErrorKind;
use kinglet::eval::comparison::BASELINE;
use kinglet::eval::judged::QuestionOrigin;
use kinglet::experiment::TestCollection;
use kinglet::experiment::compare::ComparedSystem;
use kinglet::experiment::measure_system::{MeasureJob, Measurement, measure};
use kinglet::experiment::systems::System;
use kinglet::index::Index;
use kinglet::models::reference::EmbedderRef;
use kinglet::{Config, Error, Kinglet, NoProgress};
use support::tiny;

/// A home with the index `handbook`, which has vectors of hashing-256 and of an added static model.
fn handbook(home: &Path) -> Kinglet {
    let model = home.join("tiny");
    std::fs::create_dir_all(&model).unwrap();
    tiny::write_tokenizer(&model);
    tiny::write_static_table(&model);
    let described = format!(
        "id = \"tiny\"\nkind = \"embedder\"\nengine = \"static\"\nmax_tokens = 64\ndimension = {}",
        tiny::DIMENSION
    );
    std::fs::write(model.join("model.toml"), described).unwrap();
    let kinglet = Kinglet::new(home.join("home"), Config::default());
    kinglet.add_model(&model).unwrap();
    let embedders = Embedders::Only(embedders(&["hashing-256", "tiny"]));
    kinglet.index_with("handbook", &[support::package().join("corpora/handbook")], &embedders, &NoProgress).unwrap();
    kinglet
}

fn names(systems: &[System]) -> Vec<&str> {
    systems.iter().map(|system| system.name.as_str()).collect()
}

fn over<'e>(systems: &'e [System], trial: &'e TestCollection) -> Vec<ComparedSystem<'e>> {
    systems.iter().map(|system| ComparedSystem { system, trial }).collect()
}

fn embedders(list: &[&str]) -> Vec<EmbedderRef> {
    list.iter().map(|&id| id.into()).collect()
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

#[test]
fn each_system_is_measured_once_and_a_broken_off_comparison_goes_on() {
    let temporary = tempfile::tempdir().unwrap();
    let (kinglet, out) = (handbook(temporary.path()), temporary.path().join("out"));
    let trial = kinglet.trial_over("handbook", &support::package().join("corpora/tiny/questions.jsonl")).unwrap();
    let systems =
        kinglet.systems(&embedders(&["hashing-256", "tiny"]), &strings(&["dense", "default"]), &[]).unwrap().systems;
    assert_eq!(
        names(&systems),
        [BASELINE, "hashing-256:dense", "hashing-256:hybrid+neighbours", "tiny:dense", "tiny:hybrid+neighbours"]
    );
    let ran = RefCell::new(Vec::new());
    let stop_at = |stop: &'static str| {
        let ran = &ran;
        move |system: &System, job: &MeasureJob| -> kinglet::Result<Measurement> {
            if system.name == stop {
                return Err(Error::interrupted());
            }
            ran.borrow_mut().push(system.name.clone());
            measure(job, &|_| {})
        }
    };
    let broken = kinglet.compare(&over(&systems, &trial), &out, &stop_at("tiny:dense"));
    assert_eq!(broken.unwrap_err().kind(), ErrorKind::Interrupted);
    let comparisons = kinglet.compare(&over(&systems, &trial), &out, &stop_at("")).unwrap();
    assert_eq!(*ran.borrow(), names(&systems), "none ran twice");
    let again = kinglet.compare(&over(&systems, &trial), &out, &stop_at(BASELINE)).unwrap();
    assert_eq!(
        (&again[0].pairs, &again[0].verdict),
        (&comparisons[0].pairs, &comparisons[0].verdict),
        "nothing had to run"
    );

    let [comparison] = comparisons.as_slice() else { panic!("people asked, and nobody else") };
    assert_eq!((comparison.origin, comparison.systems.len(), comparison.pairs.len()), (QuestionOrigin::Human, 5, 10));
    let dense = comparison.systems.iter().find(|system| system.name == "hashing-256:dense").unwrap();
    assert_eq!(dense.cost.dimension, Some(256));
    assert!(dense.cost.chunks_per_second > 0.0 && dense.cost.index_bytes_per_chunk > 1024.0 && dense.cost.p95_ms > 0.0);
    let stages: Vec<&str> = dense.cost.stages.iter().map(|stage| stage.name.as_str()).collect();
    assert_eq!(stages, ["embedding the question", "dense", "fusion"]);
    let extreme = &comparison.extremes[0];
    assert!(extreme.answer.is_some() && extreme.found.iter().all(|found| found.texts.len() == found.top.len()));
    let run = std::fs::read_to_string(out.join("runs/bm25.run")).unwrap();
    assert!(run.lines().all(|line| line.split(' ').count() == 6));

    // Another index is another comparison.
    kinglet.index("handbook", &[support::package().join("corpora/tiny")], &NoProgress).unwrap();
    let trial = kinglet.trial_over("handbook", &support::package().join("corpora/tiny/questions.jsonl")).unwrap();
    let changed = kinglet.compare(&over(&systems[..1], &trial), &out, &stop_at(BASELINE));
    assert!(changed.is_err(), "what was measured before does not count");
}

#[test]
fn systems_are_what_their_names_say() {
    let temporary = tempfile::tempdir().unwrap();
    let kinglet = Kinglet::new(temporary.path(), Config::default());
    let systems = |ids: &[&str], modes: &[&str], vary: &[(String, Vec<String>)]| {
        kinglet.systems(&embedders(ids), &strings(modes), vary)
    };
    let found = systems(&["all-minilm-l6-v2", "wordllama-256"], &["hybrid+maxsim", "default"], &[]).unwrap();
    assert_eq!(
        names(&found.systems),
        [
            BASELINE,
            "all-minilm-l6-v2:hybrid+maxsim",
            "all-minilm-l6-v2:hybrid+maxsim+neighbours",
            "wordllama-256:hybrid+neighbours"
        ]
    );
    assert!(found.left_out[0].contains("wordllama-256 has no token vectors"));
    let vary = [("reranker".to_string(), strings(&["none", "maxsim"]))];
    let found = systems(&["wordllama-256"], &["dense"], &vary).unwrap();
    assert_eq!((found.systems.len(), found.left_out.len()), (2, 1), "what cannot be is left out with the reason");
    let vary = [("fusion".to_string(), strings(&["min-max", "rrf"])), ("reranker".to_string(), strings(&["none"]))];
    let found = systems(&["hashing-256"], &["hybrid"], &vary).unwrap();
    assert_eq!(names(&found.systems)[2], "hashing-256:hybrid,fusion=rrf,reranker=none");
    for (embedder, mode, vary) in [
        ("no-such", "dense", ("fusion", "rrf")),
        ("hashing-256", "vectors", ("fusion", "rrf")),
        ("hashing-256", "hybrid+onnxruntime", ("fusion", "rrf")),
        ("hashing-256", "dense", ("colour", "red")),
        ("hashing-256", "dense", ("fusion", "best")),
    ] {
        let error = systems(&[embedder], &[mode], &[(vary.0.to_string(), strings(&[vary.1]))]).unwrap_err();
        assert!(error.hint().is_some(), "{error}");
    }
}

#[test]
fn generators_are_compared_by_what_their_answers_cite() {
    let temporary = tempfile::tempdir().unwrap();
    let kinglet = handbook(temporary.path());
    let trial = kinglet.trial_over("handbook", &support::package().join("corpora/tiny/questions.jsonl")).unwrap();
    let vary = [("generator".to_string(), strings(&["extractive"]))];
    let systems = kinglet.systems(&embedders(&["hashing-256"]), &strings(&["hybrid"]), &vary).unwrap().systems;
    let out = temporary.path().join("out");
    let comparison = &kinglet.compare(&over(&systems, &trial), &out, &|_, job| measure(job, &|_| {})).unwrap()[0];
    for system in &comparison.systems {
        let answers = system.answers.expect("all answer, words alone too");
        assert!(answers.refused < 1.0, "{}: {answers:?}", system.name);
        assert_eq!(answers.supported, 1.0, "{} only quotes", system.name);
        assert_eq!(system.cost.stages.iter().filter(|stage| stage.name == "answering").count(), 1);
    }
    assert!(comparison.systems[0].quality() > 0.2, "some answers rest on the right passage");
    assert!(comparison.extremes.iter().flat_map(|extreme| &extreme.found).all(|found| found.answer.is_some()));
}

#[test]
fn questions_are_made_from_all_documents_and_find_what_they_were_made_from() {
    let temporary = tempfile::tempdir().unwrap();
    let kinglet = handbook(temporary.path());
    let index = std::sync::Arc::new(Index::open(&kinglet.index_folder("handbook").unwrap()).unwrap());
    let made = kinglet.make_questions(&index, 48, None, &|_| {}).unwrap();
    assert_eq!(
        made,
        kinglet.make_questions(&index, 48, None, &|_| {}).unwrap(),
        "the same documents give the same questions"
    );
    assert_eq!(made.questions.len(), 48);
    let mut paths: Vec<&str> = made.questions.iter().filter_map(|it| it.answers[0].path.as_deref()).collect();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), index.counts().unwrap().documents as usize, "each document is asked about");
    let file = temporary.path().join("made.jsonl");
    let lines: Vec<String> = made.questions.iter().map(|question| serde_json::to_string(question).unwrap()).collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    let trial = kinglet.trial_over("handbook", &file).unwrap();
    assert!(trial.questions().iter().all(|question| question.origin == QuestionOrigin::Synthetic));
    let writer = |passage: &str| {
        Ok(Some(format!("What about {}?", passage.split_whitespace().take(9).collect::<Vec<_>>().join(" "))))
    };
    let written = kinglet.make_questions(&index, 20, Some(&writer), &|_| {}).unwrap();
    assert!(written.copied > 0, "what copies its passage is thrown away");
}

#[test]
fn what_is_used_answers_until_somebody_says_otherwise() {
    let temporary = tempfile::tempdir().unwrap();
    let kinglet = handbook(temporary.path());
    let manifest =
        |kinglet: &Kinglet| Index::open(&kinglet.index_folder("handbook").unwrap()).unwrap().manifest().clone();
    let legs = |kinglet: &Kinglet| -> Vec<String> {
        let found =
            kinglet.open("handbook").unwrap().search("which embedder", &SearchOptions::limited(1)).unwrap().results;
        found[0].hit.legs.iter().map(|leg| leg.leg.clone()).collect()
    };
    kinglet.use_system("handbook", "tiny:dense").unwrap();
    let cards: Vec<String> = manifest(&kinglet).embedders.iter().map(|card| card.id.clone()).collect();
    assert_eq!(cards, ["tiny", "hashing-256"], "it comes first, and nothing is gone");
    assert_eq!(legs(&kinglet), ["dense"]);
    kinglet.index("handbook", &[], &NoProgress).unwrap();
    assert_eq!(legs(&kinglet), ["dense"], "indexing again keeps the choice");
    let said = kinglet.clone().with_config(Config { mode: Mode::Lexical, ..Config::default() });
    assert_eq!(legs(&said), ["lexical"], "what is said counts more");
    kinglet.use_system("handbook", BASELINE).unwrap();
    assert_eq!(legs(&kinglet), ["lexical"]);
    kinglet.use_system("handbook", "hashing-256").unwrap();
    assert!(manifest(&kinglet).defaults.is_empty() && legs(&kinglet).len() >= 2);
    kinglet.use_system("handbook", "hashing-256:hybrid,fusion=rrf,reranker=none").unwrap();
    let chosen = manifest(&kinglet).defaults;
    assert_eq!((chosen["fusion"].as_str(), chosen["rerank"].as_str()), ("rrf", "none"));
    for wrong in [
        "wordllama-256",
        "tiny:hybrid+maxsim",
        "tiny:best",
        "",
        "tiny:hybrid,fusion",
        "tiny:hybrid,chunking=long",
        "tiny:hybrid,generator=extractive",
    ] {
        assert!(kinglet.use_system("handbook", wrong).is_err(), "{wrong}");
    }
}
