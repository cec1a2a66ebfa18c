//! Everything that a person or a script reads: results, notices and errors as lines of text, or as JSON.

use std::io::{Result, Write};
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, Table, presets};
use kinglet::SearchResponse;
use kinglet::SearchResult;
use kinglet::answer::{Answer, Timings, UNSUPPORTED_MARK};
use kinglet::chunking::Chunk;
use kinglet::corpus::questions::WrittenQuestion;
use kinglet::eval::Evaluation;
use kinglet::eval::comparison::Comparison;
use kinglet::eval::report::About;
use kinglet::experiment::question_generation::GeneratedQuestions;
use kinglet::experiment::tuning::TuningResult;
use kinglet::ingest::Summary;
use kinglet::search::PendingWork;
use kinglet::search::snippet::Snippet;
use serde_json::{Value, json};

use crate::terminal::{err, escaped, on_one_line, out, visible};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const PATH: Style = AnsiColor::Cyan.on_default();
const MATCH: Style = AnsiColor::Yellow.on_default().bold();
const ERROR: Style = AnsiColor::Red.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default();

/// So many files, in words.
pub fn count_of_files(count: usize) -> String {
    if count == 1 { "1 file".to_string() } else { format!("{count} files") }
}

/// A notice on standard error. Where nobody listens there, nothing is lost that a command is for.
pub fn notice(text: &str) {
    let _ = writeln!(err(), "{}", visible(text));
}

/// An error on standard error: one line, then what helps.
pub fn error(error: &kinglet::Error) {
    let _ = writeln!(err(), "{ERROR}error:{ERROR:#} {}", visible(&error.to_string()));
    if let Some(hint) = error.hint() {
        let _ = writeln!(err(), "{GOOD}hint:{GOOD:#} {}", visible(hint));
    }
}

/// The path as it can be typed here: relative below the current folder, whole elsewhere.
pub fn shown(path: &Path) -> String {
    let here = std::env::current_dir().and_then(|here| here.canonicalize()).unwrap_or_default();
    match path.strip_prefix(&here) {
        Ok(below) if !here.as_os_str().is_empty() && !below.as_os_str().is_empty() => below.display().to_string(),
        _ => path.display().to_string(),
    }
}

/// JSON on standard output, on one line and at once.
pub fn json_line(json: &str) -> Result<()> {
    let mut out = out();
    writeln!(out, "{}", escaped(json))?;
    out.flush()
}

/// A text on standard output.
pub fn text(text: &str) -> Result<()> {
    let mut out = out();
    text.lines().try_for_each(|line| writeln!(out, "{}", visible(line)))
}

/// JSON on standard output, indented.
pub fn json(value: &Value) -> Result<()> {
    writeln!(out(), "{}", escaped(&format!("{value:#}")))
}

pub fn hits_json(searched: &SearchResponse) -> Value {
    let rows: Vec<Value> = searched
        .results
        .iter()
        .map(|SearchResult { hit, path, chunk, duplicates, truncated, .. }| {
            let also = duplicates.iter().map(|other| json!({ "path": shown(&other.path), "place": other.chunk.after_path() }));
            let mut row = json!({
                "also": also.collect::<Vec<_>>(),
                "path": shown(path), "unit": chunk.unit, "first": chunk.first, "last": chunk.last, "place": chunk.after_path(),
                "headings": chunk.headings, "score": hit.score, "legs": hit.legs, "text": chunk.text,
            });
            if let Some(truncated) = truncated {
                row["truncated"] = json!(truncated);
            }
            row
        })
        .collect();
    match searched.pending {
        Some(lacking) => json!({ "hits": rows, "lacking": lacking }),
        None => json!({ "hits": rows }),
    }
}

pub fn hits(found: &[SearchResult], explain: bool) -> Result<()> {
    let mut out = out();
    for (at, SearchResult { hit, path, chunk, snippet, duplicates, truncated }) in found.iter().enumerate() {
        let stands = place(&path, &chunk);
        writeln!(
            out,
            "{BOLD}{:>2}{BOLD:#}  {PATH}{stands}{PATH:#}  {}  {DIM}{:.3}{DIM:#}",
            at + 1,
            visible(&chunk.headings.join(" › ")),
            hit.score
        )?;
        writeln!(out, "    {}", marked(&chunk.text, snippet))?;
        if let Some(other) = duplicates.first() {
            let more = if duplicates.len() > 1 { format!(" and {} more", duplicates.len() - 1) } else { String::new() };
            writeln!(out, "    {DIM}also {}{more}{DIM:#}", place(&other.path, &other.chunk))?;
        }
        if let Some(truncated) = truncated {
            writeln!(out, "    {DIM}this file was {}{DIM:#}", visible(truncated))?;
        }
        if explain {
            let parts = hit.legs.iter().map(|leg| {
                format!("{} rank {} score {:.3} adds {:.3}", leg.leg, leg.rank, leg.score, leg.contribution)
            });
            writeln!(out, "    {DIM}{}{DIM:#}", parts.collect::<Vec<_>>().join(" · "))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// `path:first-last` or `path#page=3`, as programs and people read it.
fn place(path: &Path, chunk: &Chunk) -> String {
    on_one_line(&format!("{}{}", shown(path), chunk.after_path()))
}

/// A size as people read it.
pub fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

fn marked(text: &str, snippet: &Snippet) -> String {
    let mut shown = String::new();
    let mut at = snippet.span.start;
    for word in &snippet.matches {
        shown.push_str(&visible(&text[at..word.start]));
        shown.push_str(&format!("{MATCH}{}{MATCH:#}", visible(word.of(text))));
        at = word.end;
    }
    shown.push_str(&visible(&text[at..snippet.span.end]));
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A sentence of an answer, at once.
pub fn sentence(text: &str) -> Result<()> {
    let mut out = out();
    write!(out, "{}", visible(text).replace(UNSUPPORTED_MARK, &format!("{DIM}{UNSUPPORTED_MARK}{DIM:#}")))?;
    out.flush()
}

/// Paths as they can be typed here.
pub fn show_paths(answer: &mut Answer) {
    let paths = answer.sources.iter_mut().map(|source| &mut source.path);
    for path in paths.chain(answer.citations.iter_mut().map(|citation| &mut citation.path)) {
        *path = shown(Path::new(path));
    }
}

/// The sources of an answer that has been shown; with `quotes`, what each is cited for.
pub fn sources(answer: &Answer, quotes: bool) -> Result<()> {
    let mut out = out();
    writeln!(out)?;
    if !answer.sources.is_empty() {
        writeln!(out)?;
    }
    for source in &answer.sources {
        let place = on_one_line(&format!("{}{}", source.path, source.place));
        writeln!(out, "{BOLD}[{}]{BOLD:#} {PATH}{place}{PATH:#}  {}", source.n, visible(&source.heading))?;
        if let Some(truncated) = &source.truncated {
            writeln!(out, "    {DIM}this file was {}{DIM:#}", visible(truncated))?;
        }
        for citation in answer.citations.iter().filter(|citation| quotes && citation.n == source.n) {
            let quote = citation.quote.split_whitespace().collect::<Vec<_>>().join(" ");
            writeln!(
                out,
                "    {DIM}{}{DIM:#}  {}",
                visible(citation.place.trim_start_matches([':', '#'])),
                visible(&quote)
            )?;
        }
    }
    Ok(())
}

/// What an index had not made yet when it was searched, on standard error.
pub fn lacking(lacking: Option<PendingWork>, name: &str) {
    let Some(PendingWork { lexical, vectors, sparse, passages, files }) = lacking else { return };
    let counts = [
        (lexical, "are not found by their words yet"),
        (vectors, "have no vector yet"),
        (sparse, "have no learned terms yet"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let mut what: Vec<String> = counts.map(|(count, lack)| format!("{count} of {passages} passages {lack}")).collect();
    if files {
        let all = if what.is_empty() { "not all files have been read yet" } else { "files may not have been read" };
        what.push(all.to_string());
    }
    let what = what.join(", and ");
    notice(&format!("note: {what}, so something may be missing; `kinglet index --name {name}` goes on"));
}

/// What a reader of an answer should know, on standard error.
pub fn remarks(answer: &Answer, timings: bool) {
    match answer.unsupported.len() {
        0 => {}
        1 => notice("note: the sentence marked [unsupported] is not in the passages that were found"),
        _ => notice("note: the sentences marked [unsupported] are not in the passages that were found"),
    }
    if !answer.unknown_citations.is_empty() {
        let marks: String = answer.unknown_citations.iter().map(|number| format!("[{number}]")).collect();
        notice(&format!("note: the model cited {marks}, which it was never given"));
    }
    if timings {
        let Timings { retrieve, load, read, write } = answer.timings_ms;
        notice(&format!("retrieve {retrieve} ms, load {load} ms, read {read} ms, write {write} ms"));
    }
}

pub fn summary(summary: &Summary, name: &str, verbose: bool) -> Result<()> {
    let mut out = out();
    let seconds = |ms: u64| format!("{:.1} s", ms as f64 / 1000.0);
    writeln!(out, "{BOLD}{}{BOLD:#}: {} chunks", on_one_line(name), summary.chunks)?;
    writeln!(
        out,
        "  files   {} read, {} unchanged, {} removed, {} skipped",
        summary.read,
        summary.unchanged,
        summary.removed,
        summary.skipped.len()
    )?;
    if let [first, others @ ..] = summary.truncated.as_slice() {
        let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
        let (file, reason) = (on_one_line(&shown(&first.path)), visible(&first.reason));
        writeln!(out, "  cut     {file}{more}: {reason}; see `kinglet status --verbose`")?;
    }
    if summary.mended > 0 {
        writeln!(
            out,
            "  mended  {} read again, because the index had damaged rows of them",
            count_of_files(summary.mended)
        )?;
    }
    writeln!(out, "  chunks  {} embedded in this run", summary.embedded)?;
    writeln!(
        out,
        "  time    reading {}, embedding {}, committing {}",
        seconds(summary.read_ms),
        seconds(summary.embed_ms),
        seconds(summary.commit_ms)
    )?;
    if verbose && !summary.skipped.is_empty() {
        writeln!(out, "skipped:")?;
        for file in &summary.skipped {
            writeln!(out, "  {PATH}{}{PATH:#}  {}", on_one_line(&shown(&file.path)), visible(&file.reason))?;
        }
    } else if !summary.skipped.is_empty() {
        writeln!(out, "{DIM}`--verbose` lists the skipped files with the reasons{DIM:#}")?;
    }
    Ok(())
}

/// Rows under headings, columns aligned; numbers to the right where `numeric` says so.
pub fn table(headings: &[&str], rows: Vec<Vec<String>>, numeric: &[usize]) -> Result<()> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if !headings.is_empty() {
        table.set_header(headings.to_vec());
    }
    for row in rows {
        table.add_row(row.iter().map(|cell| on_one_line(cell)));
    }
    for &column in numeric {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines = table.to_string();
    let trimmed: Vec<&str> = lines.lines().map(str::trim_end).collect();
    writeln!(out(), "{}", trimmed.join("\n"))
}

/// The measures of a search on a judged collection.
pub fn evaluation(name: &str, documents: usize, evaluation: &Evaluation) -> Result<()> {
    writeln!(out(), "{BOLD}{name}{BOLD:#}: {documents} documents, {} queries", evaluation.queries)?;
    let rows = evaluation.estimates.iter().map(|(measure, estimate)| {
        let [low, high] = estimate.interval;
        vec![measure.to_string(), format!("{:.4}", estimate.mean), format!("{low:.3} – {high:.3}")]
    });
    table(&["measure", "mean", "95 % interval"], rows.collect(), &[1])?;
    writeln!(
        out(),
        "half of the queries took {:.1} ms at most, 95 of 100 {:.1} ms",
        evaluation.p50_ms,
        evaluation.p95_ms
    )
}

/// Which system is better, how sure that is, and what it costs.
pub fn comparison(about: &About, comparisons: &[Comparison], report: &Path) -> Result<()> {
    for comparison in comparisons {
        let questions = comparison.questions.len();
        let origin = comparison.origin;
        writeln!(out(), "{BOLD}{}{BOLD:#}: {} documents, {questions} {origin} questions", about.name, about.documents)?;
        let rows = comparison.systems.iter().map(|system| {
            let mean = |at: usize| format!("{:.3}", system.estimates[at].1.mean);
            let [low, high] = system.estimates[0].1.interval;
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
            writeln!(out(), "  kinglet use {} --name {}", comparison.verdict.recommended, about.name)?;
        }
        writeln!(out())?;
    }
    writeln!(out(), "report: {PATH}{}{PATH:#}", shown(report))
}

/// Asks on standard error, on one line.
pub fn prompt(text: &str) {
    let mut err = err();
    let _ = write!(err, "{BOLD}{text}{BOLD:#}").and_then(|()| err.flush());
}

/// A question with what answers it, on standard error.
pub fn question(place: usize, total: usize, question: &WrittenQuestion) {
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

/// What was made of the documents.
pub fn made(name: &str, made: &GeneratedQuestions, file: &Path) -> Result<()> {
    writeln!(
        out(),
        "{BOLD}{name}{BOLD:#}: {} synthetic questions in {PATH}{}{PATH:#}",
        made.questions.len(),
        shown(file)
    )?;
    writeln!(
        out(),
        "thrown away: {} copied from their passage, {} asked before, {} that do not find it",
        made.copied,
        made.duplicates,
        made.not_found
    )?;
    writeln!(out(), "{DIM}`kinglet questions review {}` shows them one by one{DIM:#}", shown(file))
}

/// What tuning found.
pub fn tuned(name: &str, tuned: &TuningResult) -> Result<()> {
    let TuningResult { tuning, training_questions, held_out_questions, difference, .. } = tuned;
    writeln!(out(), "{BOLD}{name}{BOLD:#}: weights of hybrid mode for {}", tuned.embedder)?;
    let row = |what: &str, questions: usize, [default, tuned]: [f64; 2]| {
        vec![what.to_string(), questions.to_string(), format!("{default:.4}"), format!("{tuned:.4}")]
    };
    table(
        &["nDCG@10 on", "questions", "default", "tuned"],
        vec![
            row("training half", *training_questions, tuned.training_ndcg_at_10),
            row("held-out half", *held_out_questions, tuned.held_out_ndcg_at_10),
        ],
        &[1, 2, 3],
    )?;
    let [low, high] = difference.interval;
    writeln!(
        out(),
        "words 1, vectors {}, learned terms {}, reranker {}, neighbours {}, depth {}",
        tuning.dense,
        tuning.sparse,
        tuning.reranker,
        tuning.neighbours,
        tuning.depth
    )?;
    writeln!(out(), "on the held-out half {:+.4} ({low:+.4} to {high:+.4}), p = {:.3}", difference.mean, difference.p)?;
    match tuned.is_kept {
        true => writeln!(out(), "kept with the index; `--tuning none` leaves them out"),
        false => writeln!(out(), "not better there, so the index has the default weights"),
    }
}

/// The chunks of a file, with places and sizes.
pub fn chunks(path: &Path, rows: &[(Chunk, Option<usize>)]) -> Result<()> {
    let mut out = out();
    for (at, (chunk, tokens)) in rows.iter().enumerate() {
        let tokens = tokens.map_or("unknown".to_string(), |tokens| tokens.to_string());
        writeln!(
            out,
            "{BOLD}{:>3}{BOLD:#}  {PATH}{}{PATH:#}  bytes {}–{}  tokens {tokens}  {}",
            at + 1,
            place(&path, &chunk),
            chunk.span.start,
            chunk.span.end,
            visible(&chunk.headings.join(" › "))
        )?;
        for line in chunk.text.lines() {
            writeln!(out, "     {DIM}│{DIM:#} {}", visible(line))?;
        }
    }
    Ok(())
}

/// One finding of the doctor.
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// What was found, or the error.
    pub result: kinglet::Result<String>,
}

pub fn findings(findings: &[Finding]) -> Result<()> {
    let mut out = out();
    for finding in findings {
        match &finding.result {
            Ok(detail) => writeln!(out, "{GOOD}ok{GOOD:#}    {:12} {}", finding.what, visible(detail))?,
            Err(error) => {
                writeln!(out, "{ERROR}wrong{ERROR:#} {:12} {}", finding.what, visible(&error.to_string()))?;
                if let Some(hint) = error.hint() {
                    writeln!(out, "{:18} {GOOD}mend it:{GOOD:#} {}", "", visible(hint))?;
                }
            }
        }
    }
    Ok(())
}

/// Paths, one a line.
pub fn paths(paths: &[PathBuf]) -> Result<()> {
    paths.iter().try_for_each(|path| writeln!(out(), "{}", on_one_line(&path.display().to_string())))
}
