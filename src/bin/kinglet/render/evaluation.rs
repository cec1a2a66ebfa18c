//! Renders evaluations, tuning, comparisons and questions.

use std::io::{Result, Write};

use kinglet::eval::datasets::questions::WrittenQuestion;
use kinglet::eval::report::Report;
use kinglet::view::{AnswerEvaluationView, ComparisonView, EvaluationView, GeneratedQuestionsView, TuningView};

use super::{BOLD, DIM, PATH, display_path, table};
use crate::terminal::{err, on_one_line, out, visible};

/// Prints an evaluation: the metrics and the times.
pub fn evaluation(view: &EvaluationView) -> Result<()> {
    writeln!(out(), "{BOLD}{}{BOLD:#}: {} documents, {} questions", view.collection, view.documents, view.questions)?;
    let rows = view.estimates.iter().map(|estimate| {
        let [low, high] = estimate.interval;
        vec![estimate.metric.to_string(), format!("{:.4}", estimate.mean), format!("{low:.3} – {high:.3}")]
    });
    table(&["metric", "mean", "95 % interval"], rows.collect(), &[1])?;
    writeln!(out(), "time for a question: p50 {:.1} ms, p95 {:.1} ms", view.p50_ms, view.p95_ms)
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

/// Prints a comparison: quality, cost and verdict.
pub fn comparison(view: &ComparisonView) -> Result<()> {
    let Report { about, comparisons } = &view.report;
    for comparison in comparisons {
        let questions = comparison.questions.len();
        let origin = comparison.origin;
        writeln!(out(), "{BOLD}{}{BOLD:#}: {} documents, {questions} {origin} questions", about.name, about.documents)?;
        let rows = comparison.systems.iter().map(|system| {
            let mean = |at: usize| format!("{:.3}", system.estimates[at].mean);
            let [low, high] = system.estimates[0].interval;
            let cost = &system.cost;
            let mut row = vec![
                system.name.clone(),
                mean(0),
                format!("{low:.3} – {high:.3}"),
                mean(2),
                mean(3),
                mean(5),
                format!("{:.1} ms", cost.p95_ms),
                cost.peak_memory_bytes.map_or("?".to_string(), |bytes| format!("{} MiB", bytes >> 20)),
                format!("{:.0}", cost.index_bytes_per_chunk),
                format!("{:.0}", cost.chunks_per_second),
            ];
            let share = |share: f64| format!("{:.0} %", share * 100.0);
            row.extend(system.answers.iter().flat_map(|answers| [share(answers.refused), share(answers.supported)]));
            row
        });
        let mut headings = vec![
            "system",
            "nDCG@10",
            "95 % interval",
            "Recall@100",
            "MRR@10",
            "Success@5",
            "p95",
            "memory",
            "bytes/chunk",
            "chunks/s",
        ];
        if comparison.systems.iter().any(|system| system.answers.is_some()) {
            headings.extend(["refused", "supported"]);
        }
        table(&headings, rows.collect(), &[1, 3, 4, 5, 6, 7, 8, 9, 10, 11])?;
        writeln!(out())?;
        comparison.verdict.sentences.iter().try_for_each(|sentence| writeln!(out(), "{sentence}"))?;
        if about.can_be_used && comparison.systems.len() > 1 {
            writeln!(out(), "  kinglet use {} --index {}", comparison.verdict.recommended, about.name)?;
        }
        writeln!(out())?;
    }
    writeln!(out(), "report: {PATH}{}{PATH:#}", display_path(&view.page))
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
