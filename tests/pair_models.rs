//! The trained low-rank models against the outputs of the program that trained them.

mod support;

use kinglet::config::Config;
use kinglet::engine::Kinglet;
use kinglet::models::contracts::{Reader, SupportChecker};
use kinglet::models::pair_model::PairModel;

/// The largest difference from the trained model, for any output.
const TOLERANCE: f32 = 1e-4;

fn open(name: &str) -> Option<PairModel> {
    let kinglet = Kinglet::new(support::home_with_models(name)?, Config::default());
    let spec = kinglet.models().lookup(name).unwrap();
    Some(PairModel::open(kinglet.models(), &spec, 0).unwrap())
}

/// Each line of the golden file has two texts and the outputs that torch gave for them.
#[test]
fn merged_weights_give_what_the_trained_models_gave() {
    let golden = include_str!("../training/golden.jsonl");
    let rows: Vec<serde_json::Value> = golden.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (task, name) in [("reader", "kinglet-reader"), ("support", "kinglet-support")] {
        let Some(model) = open(name) else { return };
        let rows: Vec<_> = rows.iter().filter(|row| row["task"] == task).collect();
        assert_eq!(rows.len(), 7);
        for row in rows {
            let found = model.outputs(row["first"].as_str().unwrap(), row["second"].as_str().unwrap()).unwrap();
            let mut wanted = Vec::new();
            numbers(&row["logits"], &mut wanted);
            assert_eq!(found.len(), wanted.len());
            let difference = found.iter().zip(&wanted).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max);
            assert!(difference <= TOLERANCE, "{name}: {difference} for {}", row["first"]);
        }
    }
}

fn numbers(value: &serde_json::Value, into: &mut Vec<f32>) {
    match value {
        serde_json::Value::Array(values) => values.iter().for_each(|value| numbers(value, into)),
        value => into.push(value.as_f64().unwrap() as f32),
    }
}

const TEXTS: [&str; 5] = [
    "The lease ends on 31 May 2027. The rent is 900 euros a month.",
    "",
    " \n\t",
    "naïve café 漢字 🐦 \u{0}",
    "Repairs are paid by the landlord.",
];

#[test]
fn the_reader_keeps_its_contract() {
    let Some(reader) = open("kinglet-reader") else { return };
    let question = "When does the lease end?";
    assert_eq!(reader.read(question, &[]).unwrap(), []);
    let long = "The rent is due in May. ".repeat(2000);
    let texts: Vec<&str> = TEXTS.iter().copied().chain([long.as_str()]).collect();
    let together = reader.read(question, &texts).unwrap();
    assert_eq!(together.len(), texts.len());
    for (text, read) in texts.iter().zip(&together) {
        assert_eq!(reader.read(question, &[text]).unwrap()[0], *read, "a passage alone and among others");
        assert_eq!(read.span.is_none(), text.trim().is_empty());
        if let Some(span) = read.span {
            assert!(!span.of(text).is_empty());
        }
    }
    assert_eq!(together[0].span.unwrap().of(TEXTS[0]), "31 May 2027");
    assert!(together[0].answerable > together[4].answerable);
    assert!(reader.read("", &[TEXTS[0]]).is_ok() && reader.read(&long, &[TEXTS[0]]).is_ok());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| reader.read(question, &texts).unwrap())).collect();
        threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), together));
    });
}

#[test]
fn the_support_checker_keeps_its_contract() {
    let Some(checker) = open("kinglet-support") else { return };
    let claim = "The lease ends in May 2027.";
    assert_eq!(checker.check(claim, &[]).unwrap(), []);
    let together = checker.check(claim, &TEXTS).unwrap();
    for (text, scores) in TEXTS.iter().zip(&together) {
        assert_eq!(checker.check(claim, &[text]).unwrap()[0], *scores, "a text alone and among others");
        assert!((scores.supported + scores.partly + scores.not - 1.0).abs() < 1e-5);
        assert!((0.0..=1.0).contains(&scores.contradicted));
    }
    assert!(together[0].margin() > 0.0 && together[4].margin() < 0.0);
    assert!(checker.check("", &[""]).is_ok());
}
