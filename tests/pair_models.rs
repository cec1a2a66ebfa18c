//! The trained low-rank models against the outputs of the program that trained them.

mod support;

use kinglet::answer::{Conflict, SupportLabel};
use kinglet::config::Config;
use kinglet::models::contracts::{Reader, SupportChecker};
use kinglet::models::pair_model::PairModel;
use kinglet::{Kinglet, NoProgress, OpenIndex, SearchOptions, collect_answer};

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

const LEASE: &str = "# Lease\n\n## Repairs\n\nThe tenant pays for small repairs up to 150 euros per case. All other repairs are paid by the \
                     landlord.\n\n## Term\n\nThe lease begins on 1 June 2025. It ends on 31 May 2027 unless both sides renew it.\n";
const MINUTES: &str = "Minutes of the works council\n\nAfter a short discussion the committee did not approve a second tester.\n\
                       The budget of 4,200 euros for the summer party was approved.\n";

/// An index with the two documents, below the test's models.
fn opened(name: &str, folder: &std::path::Path) -> Option<(Kinglet, OpenIndex)> {
    let home = support::home_with_models(name)?;
    std::fs::write(folder.join("lease.md"), LEASE).unwrap();
    std::fs::write(folder.join("minutes.txt"), MINUTES).unwrap();
    let own = folder.join("home");
    std::fs::create_dir(&own).unwrap();
    std::os::unix::fs::symlink(home.join("models"), own.join("models")).unwrap();
    let kinglet = Kinglet::new(own, Config::default());
    let documents = [folder.join("lease.md"), folder.join("minutes.txt")];
    kinglet.index("documents", &documents, &NoProgress).unwrap();
    let index = kinglet.open("documents").unwrap();
    Some((kinglet, index))
}

#[tokio::test]
async fn facts_are_answered_in_their_words_and_what_is_not_there_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_, index)) = opened("answers that a reader finds", folder.path()) else { return };
    let ask = async |question| collect_answer(index.ask(question, &SearchOptions::default())).await.unwrap();
    let answer = ask("When does the lease end?").await;
    assert_eq!((answer.answer.as_str(), answer.refused), ("31 May 2027 [1]", false));
    let quote = &answer.sentences[0].quotes[0];
    assert_eq!(quote.quote, "It ends on 31 May 2027 unless both sides renew it.");
    assert_eq!(&LEASE[quote.span.start..quote.span.end], quote.quote);
    assert!(answer.readings[0].probability > 0.5);
    let refused = ask("Who is the president of France?").await;
    assert!(refused.refused && refused.answer.starts_with("The passages do not say") && !refused.nearest.is_empty());
    let explained = ask("Who pays for repairs?").await;
    assert!(
        explained.answer.contains("small repairs") && explained.answer.contains("landlord"),
        "{}",
        explained.answer
    );
}

#[test]
fn a_text_is_held_against_the_documents() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_, index)) = opened("a text against documents", folder.path()) else { return };
    let text = "# Summary\n\nThe lease ends on 31 May 2027. [1]\nThe tenant pays small repairs up to 150 euros.\n\n\
                The committee approved a second tester.\nThe party costs 5,200 euros. The moon is made of cheese.\n";
    let checked = index.check(text, &SearchOptions::default(), &|_, _| {}).unwrap();
    let labels: Vec<(u32, SupportLabel)> =
        checked.iter().map(|sentence| (sentence.line, sentence.checked.as_ref().unwrap().check.label)).collect();
    assert_eq!(labels[..2], [(3, SupportLabel::Supported), (3, SupportLabel::Supported)]);
    assert!(labels[2..].iter().all(|(_, label)| *label != SupportLabel::Supported), "{labels:?}");
    assert_eq!(labels.last(), Some(&(7, SupportLabel::NotFound)));
    let negation = &checked[2].checked.as_ref().unwrap().check;
    assert!(negation.conflicts.contains(&Conflict::Negation), "{negation:?}");
}

#[test]
fn a_calibration_is_learned_kept_and_used() {
    let folder = tempfile::tempdir().unwrap();
    let Some((kinglet, index)) = opened("calibration", folder.path()) else { return };
    let few = kinglet.calibrate("documents", None, 5, &|_, _| {}).unwrap_err();
    assert!(few.to_string().contains("too few questions"), "{few}");
    let questions = folder.path().join("questions.jsonl");
    let line = |at: usize| match at % 2 {
        0 => format!(
            r#"{{"id": "{at}", "question": "When does the lease end, number {at}?", "answers": [{{"quote": "31 May"}}]}}"#
        ),
        _ => format!(r#"{{"id": "{at}", "question": "Who painted picture number {at}?", "answers": []}}"#),
    };
    std::fs::write(&questions, (0..60).map(line).collect::<Vec<_>>().join("\n")).unwrap();
    let report = kinglet.calibrate("documents", Some(&questions), 0, &|_, _| {}).unwrap();
    assert_eq!(report.questions, [30, 30]);
    assert!(report.area > 0.95 && report.calibration.slope > 0.0, "{}", report.area);
    let found = index.search("lease", &SearchOptions::default()).unwrap();
    assert!(!found.results.is_empty());
    let manifest = index.snapshot().unwrap().manifest().calibration.clone();
    assert_eq!(manifest, Some(report.calibration));
}
