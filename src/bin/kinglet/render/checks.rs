//! Renders checked sentences and calibrations.

use std::io::{Result, Write};

use anstyle::Style;
use kinglet::answer::SupportLabel;
use kinglet::view::{AnswerView, CalibrationView, QuoteView, SentenceView, TextCheckView};

use super::{BOLD, DIM, ERROR, GOOD, MATCH, PATH};
use crate::terminal::{on_one_line, out, visible};

/// Prints each sentence of a text with what the documents say of it; with `explain`, why.
pub fn text_check(view: &TextCheckView, explain: bool) -> Result<()> {
    let mut out = out();
    for checked in &view.sentences {
        let sentence = &checked.sentence;
        let (mark, style) = mark(sentence.label);
        let text = sentence.text.split_whitespace().collect::<Vec<_>>().join(" ");
        writeln!(out, "{style}{mark:<12}{style:#} {DIM}{:>4}{DIM:#}  {}", checked.line, visible(&text))?;
        quotes(sentence, "                   ")?;
        if explain {
            reasons(sentence, "                   ")?;
        }
    }
    writeln!(out, "\n{BOLD}{} of {} sentences are supported{BOLD:#}", view.supported, view.sentences.len())
}

fn mark(label: SupportLabel) -> (&'static str, Style) {
    match label {
        SupportLabel::Supported => ("supported", GOOD),
        SupportLabel::Partly => ("partly", MATCH),
        SupportLabel::NotFound => ("not found", MATCH),
        SupportLabel::Contradicted => ("contradicted", ERROR),
    }
}

fn quotes(sentence: &SentenceView, indent: &str) -> Result<()> {
    let mut out = out();
    for QuoteView { quote, path, place, .. } in &sentence.quotes {
        let location = on_one_line(&format!("{path}{}", place.suffix));
        let quote = quote.split_whitespace().collect::<Vec<_>>().join(" ");
        writeln!(out, "{indent}{PATH}{location}{PATH:#}  {}", visible(&quote))?;
    }
    Ok(())
}

/// Prints why each sentence of an answer counts as supported or not, and whether the passages
/// answer.
pub fn explanations(answer: &AnswerView) -> Result<()> {
    let mut out = out();
    writeln!(out)?;
    for part in &answer.answerable {
        let judged = if part.answered { "answered" } else { "not answered" };
        writeln!(
            out,
            "{DIM}{judged}: probability {:.2} · passage {:.1}, place {:.1}, lead {:.1}{DIM:#}",
            part.probability, part.scores.answerable, part.scores.span_margin, part.lead
        )?;
    }
    for sentence in &answer.sentences {
        let (mark, style) = mark(sentence.label);
        let text = sentence.text.split_whitespace().collect::<Vec<_>>().join(" ");
        writeln!(out, "{style}{mark:<12}{style:#} {}", visible(&text))?;
        reasons(sentence, "             ")?;
    }
    Ok(())
}

/// Prints the parts of the score of a sentence.
fn reasons(sentence: &SentenceView, indent: &str) -> Result<()> {
    let mut out = out();
    let mut parts = vec![format!("probability {:.2}", sentence.score)];
    match &sentence.model {
        Some(model) => {
            parts.push(format!("{:.0} % of its words stand there", sentence.overlap * 100.0));
            parts.push(format!(
                "model: supported {:.2}, partly {:.2}, not {:.2}, contradicted {:.2}",
                model.supported, model.partly, model.not, model.contradicted
            ));
        }
        None if sentence.label == SupportLabel::Supported && sentence.overlap == 1.0 => {
            parts.push("stands there word for word".to_string());
        }
        None => parts.push("checked by words in common".to_string()),
    }
    parts.extend(sentence.conflicts.iter().map(ToString::to_string));
    writeln!(out, "{indent}{DIM}{}{DIM:#}", visible(&parts.join(" · ")))
}

/// Prints what a calibration found.
pub fn calibration(view: &CalibrationView) -> Result<()> {
    let percent = |share: f32| format!("{:.0} %", share * 100.0);
    let mut out = out();
    writeln!(out, "{BOLD}{}{BOLD:#}: learned from {}", view.index, visible(&view.learned_from))?;
    let rows = [
        ("questions with an answer", view.answerable.to_string()),
        ("questions without", view.unanswerable.to_string()),
        ("told apart (area under the curve)", format!("{:.3}", view.area)),
        ("calibration error before", format!("{:.3}", view.error_before)),
        ("calibration error now", format!("{:.3}", view.error)),
        ("refused below the probability", format!("{:.2}", view.refuse_below)),
        ("of the refused, without an answer", percent(view.refusal_precision)),
        ("of those without an answer, refused", percent(view.refusal_recall)),
        ("of those with an answer, refused", percent(view.needlessly_refused)),
    ];
    let rows = rows.into_iter().map(|(what, value)| vec![what.to_string(), value]).collect();
    super::table(&[], rows, &[1])
}
