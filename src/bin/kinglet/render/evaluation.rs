//! Renders evaluations, tuning, comparisons and questions.

use std::io::{Result, Write};

use kinglet::eval::comparison::wording::{ANSWER_COLUMNS, commands_to_use, counted, duration};
use kinglet::eval::comparison::{AnswerShares, Comparison, Standing};
use kinglet::eval::datasets::questions::WrittenQuestion;
use kinglet::eval::metrics::Metrics;
use kinglet::eval::report::Report;
use kinglet::experiment::RestoredDefaults;
use kinglet::view::{AnswerEvaluationView, ComparisonView, EvaluationView, GeneratedQuestionsView, TuningView};

use super::{BOLD, DIM, PATH, display_path, notice, table};
use crate::terminal::{err, on_one_line, out, visible};

/// Prints an evaluation: the metrics and the times.
pub fn evaluation(view: &EvaluationView) -> Result<()> {
    writeln!(out(), "{BOLD}{}{BOLD:#}: {} documents, {} questions", view.collection, view.documents, view.questions)?;
    let rows = view.estimates.iter().zip(Metrics::MEANINGS).map(|(estimate, meaning)| {
        let [low, high] = estimate.interval;
        let (name, mean) = (estimate.metric.to_string(), format!("{:.4}", estimate.mean));
        vec![name, mean, format!("{low:.3} – {high:.3}"), meaning.to_string()]
    });
    table(&["metric", "mean", "95 % interval", ""], rows.collect(), &[1])?;
    let [half, most] = [view.p50_ms, view.p95_ms].map(duration);
    writeln!(
        out(),
        "time for a question once the models are loaded: half take at most {half} (p50), 95 % at most {most} (p95)"
    )
}

/// Prints an evaluation of answers.
pub fn answer_evaluation(view: &AnswerEvaluationView) -> Result<()> {
    let AnswerEvaluationView { index, generator, answerable, unanswerable, .. } = view;
    writeln!(
        out(),
        "{BOLD}{index}{BOLD:#}: {answerable} questions with an answer, {unanswerable} without, answered by {}",
        visible(generator)
    )?;
    let meaning = |metric: &str| match metric {
        "found" => "the answer is in the passages that were found",
        "answered" => "answered, of those with an answer",
        "said" => "the answer or its quotes have the known answer",
        "cited" => "cites a place that answers, of the answered",
        "citation_precision" => "citations that are of such a place",
        "supported" => "sentences that the sources support",
        _ => "refused, of those without an answer",
    };
    let rows = view.estimates.iter().map(|estimate| {
        let [low, high] = estimate.interval.map(|share| share * 100.0);
        let (name, mean) = (estimate.metric.to_string(), format!("{:.0} %", estimate.mean * 100.0));
        vec![name, mean, format!("{low:.0} – {high:.0}"), meaning(estimate.metric).to_string()]
    });
    table(&["measure", "mean", "95 % interval", ""], rows.collect(), &[1])
}

/// Prints a comparison: the verdict, then the table and what its columns say.
pub fn comparison(view: &ComparisonView) -> Result<()> {
    let Report { about, comparisons } = &view.report;
    for comparison in comparisons {
        let questions = counted(comparison.questions.len(), &format!("{} question", comparison.origin));
        writeln!(out(), "{BOLD}{}{BOLD:#}: {}, {questions}", about.name, counted(about.documents, "document"))?;
        comparison.verdict.sentences.iter().try_for_each(|sentence| writeln!(out(), "{}", visible(sentence)))?;
        if let Some(system) = comparison.system_to_use().filter(|_| about.can_be_used) {
            let commands = commands_to_use(system, &about.name);
            commands.iter().try_for_each(|command| writeln!(out(), "  {}", visible(command)))?;
        }
        writeln!(out())?;
        systems(comparison)?;
        writeln!(out())?;
    }
    writeln!(out(), "report: {PATH}{}{PATH:#}", display_path(&view.page))
}

/// Prints the table of systems, and below it the meaning of each column.
fn systems(comparison: &Comparison) -> Result<()> {
    let questions = comparison.questions.len();
    let share = |share: f64| format!("{:.0} %", share * 100.0);
    let row = |system: &Standing| {
        let (measure, cost) = (system.measure(), &system.cost);
        let [low, high] = measure.interval;
        let mut row = vec![system.label.clone()];
        row.extend(match &system.answers {
            Some(AnswerShares { answered, refused, supported, right, .. }) => vec![
                share(right.mean),
                format!("{:.0} – {:.0} %", low * 100.0, high * 100.0),
                share(*answered),
                share(*refused),
                share(*supported),
            ],
            None => vec![
                format!("{:.3}", measure.mean),
                format!("{low:.3} – {high:.3}"),
                format!("{} of {questions}", system.found_in_first_five()),
            ],
        });
        row.extend([
            duration(cost.cold_start_ms),
            duration(cost.p50_ms),
            cost.peak_memory_bytes.map_or("?".to_string(), |bytes| format!("{} MiB", bytes >> 20)),
        ]);
        row
    };
    let of_measure: &[(&str, &str)] = match comparison.is_of_answers() {
        true => &ANSWER_COLUMNS,
        false => &[
            ("nDCG@10", Metrics::MEANINGS[0]),
            ("95 % interval", "where nDCG@10 probably lies for all questions like these"),
            ("in first five", "questions with a right result among the first five"),
        ],
    };
    let of_cost = [
        ("as a command", "time for one question with starting kinglet and loading the models, as each command pays it"),
        ("in a server", "median time for a question once the models are loaded"),
        ("memory", "most memory while it answered"),
    ];
    let columns: Vec<(&str, &str)> = of_measure.iter().copied().chain(of_cost).collect();
    let headings: Vec<&str> = std::iter::once("system").chain(columns.iter().map(|(name, _)| *name)).collect();
    let numeric: Vec<usize> = (1..headings.len()).filter(|&at| headings[at] != "95 % interval").collect();
    table(&headings, comparison.systems.iter().map(row).collect(), &numeric)?;
    writeln!(out())?;
    let width = columns.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    columns.iter().try_for_each(|(name, meaning)| writeln!(out(), "{DIM}{name:width$}  {meaning}{DIM:#}"))
}

/// Says on standard error what `kinglet use default` has changed.
pub fn restored_defaults(name: &str, restored: &RestoredDefaults) {
    let RestoredDefaults { removed, embedders, system } = restored;
    let embedders = embedders.as_ref().map(|[from, to]| format!("the first embedder is {to} again, not {from}"));
    let removed: Vec<String> = removed.iter().map(|(key, value)| format!("{key} {value}")).collect();
    let removed = (!removed.is_empty()).then(|| format!("no longer set: {}", removed.join(", ")));
    let changes: Vec<String> = embedders.into_iter().chain(removed).collect();
    notice(&match changes.is_empty() {
        true => format!("{name} uses its built-in defaults already: {system}"),
        false => format!("{name} uses its built-in defaults again: {system} ({})", changes.join("; ")),
    });
}

/// Prints a question with its answers, on standard error.
pub fn question((place, total): (usize, usize), question: &WrittenQuestion) {
    let kind = question.synthetic.as_deref().unwrap_or("human");
    let mut err = err();
    let _ = writeln!(
        err,
        "\n{DIM}{place}/{total}  {}{DIM:#}\n{BOLD}{}{BOLD:#}",
        visible(kind),
        visible(&question.question)
    );
    for answer in &question.answers {
        let path = answer.path.as_deref().unwrap_or("any document");
        let quote = answer.quote.as_deref().map(|quote| quote.split_whitespace().collect::<Vec<_>>().join(" "));
        let _ = writeln!(err, "  {PATH}{}{PATH:#}  {}", on_one_line(path), visible(&quote.unwrap_or_default()));
    }
}

/// Prints how many questions were generated and discarded.
pub fn generated_questions(name: &str, view: &GeneratedQuestionsView) -> Result<()> {
    writeln!(
        out(),
        "{BOLD}{name}{BOLD:#}: {} synthetic questions in {PATH}{}{PATH:#}",
        view.questions,
        display_path(&view.file)
    )?;
    writeln!(
        out(),
        "discarded: {} copied from their passage, {} duplicates, {} that do not retrieve their passage",
        view.copied,
        view.duplicates,
        view.not_found
    )?;
    writeln!(out(), "{DIM}`kinglet questions review {}` shows them one by one{DIM:#}", display_path(&view.file))
}

/// Prints the tuned weights and what they gain.
pub fn tuning(view: &TuningView) -> Result<()> {
    let TuningView { weights, training_questions, held_out_questions, difference, .. } = view;
    writeln!(out(), "{BOLD}{}{BOLD:#}: weights of hybrid mode for {}", view.collection, view.embedder)?;
    let row = |what: &str, questions: usize, [default, tuned]: [f64; 2]| {
        vec![what.to_string(), questions.to_string(), format!("{default:.4}"), format!("{tuned:.4}")]
    };
    table(
        &["nDCG@10 on", "questions", "default", "tuned"],
        vec![
            row("training half", *training_questions, view.training_ndcg_at_10),
            row("held-out half", *held_out_questions, view.held_out_ndcg_at_10),
        ],
        &[1, 2, 3],
    )?;
    let [low, high] = difference.interval;
    writeln!(
        out(),
        "lexical 1, dense {}, sparse {}, reranker {}, neighbours {}, depth {}",
        weights.dense,
        weights.sparse,
        weights.reranker,
        weights.score_regularization,
        weights.depth
    )?;
    writeln!(
        out(),
        "gain on the held-out half: {:+.4} ({low:+.4} to {high:+.4}), p = {:.3}",
        difference.mean,
        difference.p
    )?;
    match view.is_kept {
        true => writeln!(out(), "the index now uses the tuned weights; `--tuning none` ignores them"),
        false => writeln!(out(), "no gain on the held-out half, so the index uses the default weights"),
    }
}
