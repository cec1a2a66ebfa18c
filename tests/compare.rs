//! Comparing systems on a user's own index: each is measured once and compared, questions are
//! generated, and the winner is used.

mod support;

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

use kinglet::SearchOptions;
use kinglet::config::Mode;
use kinglet::engine::Embedders;
use kinglet::error::ErrorKind;
use kinglet::eval::comparison::BASELINE;
use kinglet::eval::judgments::QuestionOrigin;
use kinglet::experiment::compare::{ComparisonRequest, FinishedComparison, MeasuringProgress};
use kinglet::experiment::systems::System;
use kinglet::experiment::test_collection::CollectionSource;
use kinglet::index::Index;
use kinglet::ingest::{Event, Progress};
use kinglet::models::reference::EmbedderRef;
use kinglet::subprocess::Isolation;
use kinglet::{Config, Kinglet, NoProgress};
use support::tiny;

/// Makes the index `handbook`, with vectors of hashing-256 and of an added static model.
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

fn tiny_questions() -> PathBuf {
    support::package().join("corpora/tiny/questions.jsonl")
}

fn request(ids: &[&str], modes: &[&str], folder: &Path) -> ComparisonRequest {
    ComparisonRequest {
        collection: CollectionSource::index("handbook", tiny_questions()),
        embedders: embedders(ids),
        modes: strings(modes),
        vary: Vec::new(),
        folder: Some(folder.to_path_buf()),
    }
}

/// Stops a run when its flag is set.
#[derive(Default)]
struct StopAt(Cell<bool>);

impl Progress for StopAt {
    fn event(&self, _: &Event<'_>) {}
    fn is_cancelled(&self) -> bool {
        self.0.get()
    }
}

fn embedders(list: &[&str]) -> Vec<EmbedderRef> {
    list.iter().map(|&id| id.into()).collect()
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

#[test]
fn each_system_is_measured_once_and_an_interrupted_comparison_continues() {
    let temporary = tempfile::tempdir().unwrap();
    let (kinglet, out) = (handbook(temporary.path()), temporary.path().join("out"));
    let plan = kinglet.plan_comparison(request(&["hashing-256", "tiny"], &["dense", "default"], &out)).unwrap();
    assert_eq!(
        names(plan.systems()),
        [BASELINE, "hashing-256:dense", "hashing-256:hybrid+neighbours", "tiny:dense", "tiny:hybrid+neighbours"]
    );
    let measured: RefCell<Vec<String>> = RefCell::default();
    // Stops as soon as the last question of the system `stop_after` is answered.
    let run = |plan, stop_after: &str| -> kinglet::Result<FinishedComparison> {
        let stop = StopAt::default();
        let measuring = |progress: MeasuringProgress<'_>| {
            let mut measured = measured.borrow_mut();
            if measured.last().is_none_or(|last| last != progress.system) {
                measured.push(progress.system.to_string());
            }
            let questions = progress.total / 5;
            stop.0.set(progress.system == stop_after && progress.answered.is_multiple_of(questions));
        };
        kinglet.run_comparison(plan, &Isolation::InProcess, &stop, &measuring)
    };
    let broken = run(&plan, "hashing-256:hybrid+neighbours").unwrap_err();
    assert_eq!(broken.kind(), ErrorKind::Interrupted);
    assert!(broken.to_string().contains("3 systems were measured"), "{broken}");
    let comparisons = run(&plan, "").unwrap().report.comparisons;
    assert_eq!(*measured.borrow(), names(plan.systems()), "none was measured twice");
    let again = run(&plan, "").unwrap().report.comparisons;
    assert_eq!(
        (&again[0].pairs, &again[0].verdict),
        (&comparisons[0].pairs, &comparisons[0].verdict),
        "nothing had to be measured"
    );
    assert_eq!(measured.borrow().len(), 5);

    let [comparison] = comparisons.as_slice() else { panic!("people asked, and nobody else") };
    assert_eq!((comparison.origin, comparison.systems.len(), comparison.pairs.len()), (QuestionOrigin::Human, 5, 10));
    let dense = comparison.systems.iter().find(|system| system.name == "hashing-256:dense").unwrap();
    assert_eq!(dense.cost.dimension, Some(256));
    assert!(dense.cost.chunks_per_second > 0.0 && dense.cost.index_bytes_per_chunk > 1024.0 && dense.cost.p95_ms > 0.0);
    let stages: Vec<&str> = dense.cost.stages.iter().map(|stage| stage.name.as_str()).collect();
    assert_eq!(stages, ["embedding the question", "dense", "fusion"]);
    let contrasting = &comparison.contrasting_questions[0];
    assert!(contrasting.answer.is_some() && contrasting.found.iter().all(|found| found.texts.len() == found.top.len()));
    let lines = std::fs::read_to_string(out.join("runs/bm25.run")).unwrap();
    assert!(lines.lines().all(|line| line.split(' ').count() == 6));

    // Another index is another comparison.
    kinglet.index("handbook", &[support::package().join("corpora/tiny")], &NoProgress).unwrap();
    run(&plan, "").unwrap();
    assert_eq!(measured.borrow().len(), 10, "what was measured before does not count");
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
fn generators_are_compared_by_the_citations_of_their_answers() {
    let temporary = tempfile::tempdir().unwrap();
    let kinglet = handbook(temporary.path());
    let vary = vec![("generator".to_string(), strings(&["extractive"]))];
    let out = temporary.path().join("out");
    let request = |modes| ComparisonRequest { vary: vary.clone(), ..request(&["hashing-256"], modes, &out) };
    let several = kinglet.plan_comparison(request(&["dense", "hybrid"])).unwrap_err();
    assert!(several.to_string().contains("one search") && several.hint().is_some(), "{several}");
    let request = request(&[]);
    let plan = kinglet.plan_comparison(request).unwrap();
    let run = || kinglet.run_comparison(&plan, &Isolation::InProcess, &NoProgress, &|_| {});
    assert!(run().unwrap_err().to_string().contains("tokio runtime"), "nobody has entered one");
    assert_eq!(
        names(plan.systems()),
        ["hashing-256:hybrid+neighbours,generator=extractive"],
        "no retriever is a rival"
    );
    assert_eq!(plan.default_system(), Some(plan.systems()[0].name.as_str()), "it is what answers without a setting");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    let comparison = &run().unwrap().report.comparisons[0];
    for system in &comparison.systems {
        let answers = system.answers.as_ref().expect("every system answers");
        assert!(answers.answered > 0.0 && answers.answered + answers.refused == 1.0, "{answers:?}");
        assert_eq!((answers.supported, system.label.as_str()), (1.0, "extractive"), "it only quotes");
        assert_eq!(system.cost.stages.iter().filter(|stage| stage.name == "answering").count(), 1);
    }
    assert!(comparison.systems[0].quality() > 0.2, "some answers have the words of the known answer");
    assert_eq!(comparison.system_to_use(), None, "a generator is no default of an index");
    assert!(
        comparison
            .contrasting_questions
            .iter()
            .flat_map(|question| &question.found)
            .all(|found| found.answer.is_some())
    );
}

#[test]
fn questions_are_generated_from_all_documents_and_find_their_passages() {
    let temporary = tempfile::tempdir().unwrap();
    let kinglet = handbook(temporary.path());
    let index = std::sync::Arc::new(Index::open(&kinglet.index_folder("handbook").unwrap()).unwrap());
    let generated = kinglet.generate_questions(&index, 48, None, &|_| {}).unwrap();
    assert_eq!(
        generated,
        kinglet.generate_questions(&index, 48, None, &|_| {}).unwrap(),
        "the same documents give the same questions"
    );
    assert_eq!(generated.questions.len(), 48);
    let mut paths: Vec<&str> = generated.questions.iter().filter_map(|it| it.answers[0].path.as_deref()).collect();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), index.counts().unwrap().documents as usize, "each document is asked about");
    let file = temporary.path().join("generated.jsonl");
    let lines: Vec<String> =
        generated.questions.iter().map(|question| serde_json::to_string(question).unwrap()).collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    let collection = kinglet.test_collection(&CollectionSource::index("handbook", &file), &NoProgress).unwrap();
    assert!(collection.questions().iter().all(|question| question.origin == QuestionOrigin::Synthetic));
    let writer = |passage: &str| {
        Ok(Some(format!("What about {}?", passage.split_whitespace().take(9).collect::<Vec<_>>().join(" "))))
    };
    let written = kinglet.generate_questions(&index, 20, Some(&writer), &|_| {}).unwrap();
    assert!(written.copied > 0, "what copies its passage is thrown away");
}

#[test]
fn the_system_that_is_used_answers_until_a_setting_overrides_it() {
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
    kinglet.use_system("handbook", "words alone").unwrap();
    assert_eq!(legs(&kinglet), ["lexical"], "what people see is understood");
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

#[test]
fn what_was_used_can_be_undone_and_is_always_compared() {
    let temporary = tempfile::tempdir().unwrap();
    let (kinglet, out) = (handbook(temporary.path()), temporary.path().join("out"));
    let manifest = || Index::open(&kinglet.index_folder("handbook").unwrap()).unwrap().manifest().clone();
    let default = || {
        let plan = kinglet.plan_comparison(request(&["tiny"], &["dense"], &out)).unwrap();
        let default = plan.default_system().unwrap().to_string();
        assert!(names(plan.systems()).contains(&default.as_str()), "{default}");
        default
    };
    let untouched = manifest();
    assert_eq!(default(), "hashing-256:hybrid+neighbours");
    kinglet.use_system("handbook", "tiny dense").unwrap();
    assert_eq!(default(), "tiny:dense");
    kinglet.use_system("handbook", "tiny:hybrid,fusion=rrf").unwrap();
    assert_eq!(default(), "tiny:hybrid,fusion=rrf");
    kinglet.use_system("handbook", BASELINE).unwrap();
    assert_eq!(default(), BASELINE);
    let restored = kinglet.use_built_in_defaults("handbook").unwrap();
    assert_eq!(restored.removed["mode"], "lexical");
    assert_eq!(restored.embedders, Some(["tiny".to_string(), "hashing-256".to_string()]));
    assert_eq!((manifest(), restored.system.as_str()), (untouched.clone(), "hashing-256 default"));
    let again = kinglet.use_built_in_defaults("handbook").unwrap();
    assert!(again.removed.is_empty() && again.embedders.is_none() && manifest() == untouched, "{again:?}");

    // Whoever names the embedders anew has chosen later.
    kinglet.use_system("handbook", "tiny").unwrap();
    kinglet.index("handbook", &[], &NoProgress).unwrap();
    assert_eq!(manifest().displaced_embedder.as_deref(), Some("hashing-256"), "indexing keeps it");
    kinglet.index_with("handbook", &[], &Embedders::Only(embedders(&["hashing-256", "tiny"])), &NoProgress).unwrap();
    assert_eq!(manifest().displaced_embedder, None);
}
