//! Test collections over a user's index: judgments, evaluation, tuning.

mod support;

use std::path::{Path, PathBuf};

use kinglet::config::Mode;
use kinglet::eval::judgments::{Granularity, QuestionOrigin};
use kinglet::experiment::TestCollection;
use kinglet::experiment::test_collection::CollectionSource;
use kinglet::index::Index;
use kinglet::{Config, Kinglet, NoProgress};

/// Makes a home with the index `handbook`.
fn handbook() -> (tempfile::TempDir, Kinglet) {
    let home = tempfile::tempdir().unwrap();
    let kinglet = Kinglet::new(home.path(), Config { embedder: "hashing-256".into(), ..Config::default() });
    kinglet.index("handbook", &[support::package().join("corpora/handbook")], &NoProgress).unwrap();
    (home, kinglet)
}

fn tiny() -> PathBuf {
    support::package().join("corpora/tiny/questions.jsonl")
}

fn collection(kinglet: &Kinglet, questions: &Path) -> kinglet::Result<TestCollection> {
    kinglet.test_collection(&CollectionSource::index("handbook", questions), &NoProgress)
}

#[test]
fn the_quotes_of_corpora_tiny_are_in_the_handbook_and_are_found() {
    let (_home, kinglet) = handbook();
    let collection = collection(&kinglet, &tiny()).unwrap();
    assert!(collection.questions().len() >= 30);
    assert!(
        collection
            .questions()
            .iter()
            .all(|question| question.granularity == Granularity::Passage && question.origin == QuestionOrigin::Human)
    );
    let lexical = kinglet.clone().with_config(Config { mode: Mode::Lexical, ..kinglet.config().clone() });
    let (run, evaluation) = lexical.evaluate(&collection, &|_| {}).unwrap();
    assert_eq!(run.rankings.len(), collection.questions().len());
    assert!(evaluation.means.recall_at_100 > 0.9 && evaluation.means.ndcg_at_10 > 0.4, "{evaluation:?}");
}

#[test]
fn a_table_names_documents_or_text_and_a_missing_one_is_an_error() {
    let (home, kinglet) = handbook();
    let table = home.path().join("questions.tsv");
    let over = |text: &str| {
        std::fs::write(&table, text).unwrap();
        collection(&kinglet, &table)
    };
    let collection = over("How do I install it?\tinstall.md\nWhich Rust?\tTo build kinglet you need Rust\n").unwrap();
    assert_eq!(collection.questions()[0].judgments.keys().collect::<Vec<_>>(), ["install.md"]);
    assert_eq!(
        (collection.questions()[0].granularity, collection.questions()[1].granularity),
        (Granularity::Document, Granularity::Passage)
    );
    assert!(collection.questions()[1].judgments.keys().all(|name| name.starts_with("install.md@")));
    let error = over("What?\twords that stand nowhere in it at all").err().unwrap();
    assert!(error.to_string().contains("line-1") && error.hint().is_some(), "{error}");
}

#[test]
fn tuned_weights_are_kept_only_if_they_are_better_on_held_out_questions() {
    let (_home, kinglet) = handbook();
    let collection = collection(&kinglet, &tiny()).unwrap();
    let tuned = kinglet.tune_weights(&collection, &|_| {}).unwrap();
    assert_eq!(tuned.training_questions + tuned.held_out_questions, collection.questions().len());
    assert!(tuned.training_ndcg_at_10[1] >= tuned.training_ndcg_at_10[0]);
    let [default, held_out] = tuned.held_out_ndcg_at_10;
    assert_eq!(tuned.is_kept, held_out > default);
    let index = Index::open(&kinglet.index_folder("handbook").unwrap()).unwrap();
    assert_eq!(index.manifest().fusion_weights.get("hashing-256").copied(), tuned.is_kept.then_some(tuned.weights));
    assert_eq!(kinglet.tune_weights(&collection, &|_| {}).unwrap(), tuned, "the same questions give the same weights");
    let dense = kinglet.clone().with_config(Config { mode: Mode::Dense, ..kinglet.config().clone() });
    assert!(dense.tune_weights(&collection, &|_| {}).is_err());
}
