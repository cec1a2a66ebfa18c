//! What a search found, and an answer with its sources.

use std::io::{Result, Write};
use std::path::Path;

use kinglet::SearchResult;
use kinglet::answer::UNSUPPORTED_MARK;
use kinglet::chunking::Chunk;
use kinglet::search::PendingWork;
use kinglet::search::snippet::Snippet;
use kinglet::view::{AnswerView, TimingsView};

use super::{BOLD, DIM, MATCH, PATH, notice, shown};
use crate::terminal::{on_one_line, out, visible};

pub fn hits(found: &[SearchResult], explain: bool) -> Result<()> {
    let mut out = out();
    for (at, SearchResult { hit, path, chunk, snippet, duplicates, truncated, .. }) in found.iter().enumerate() {
        let stands = place(path, chunk);
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

/// The sources of an answer that has been shown; with `quotes`, what each is cited for.
pub fn sources(answer: &AnswerView, quotes: bool) -> Result<()> {
    let mut out = out();
    writeln!(out)?;
    if !answer.sources.is_empty() {
        writeln!(out)?;
    }
    for source in &answer.sources {
        let place = on_one_line(&format!("{}{}", source.path, source.location.suffix));
        writeln!(out, "{BOLD}[{}]{BOLD:#} {PATH}{place}{PATH:#}  {}", source.n, visible(&source.heading))?;
        if let Some(truncated) = &source.truncated {
            writeln!(out, "    {DIM}this file was {}{DIM:#}", visible(truncated))?;
        }
        for citation in answer.citations.iter().filter(|citation| quotes && citation.n == source.n) {
            let quote = citation.quote.split_whitespace().collect::<Vec<_>>().join(" ");
            writeln!(
                out,
                "    {DIM}{}{DIM:#}  {}",
                visible(citation.location.suffix.trim_start_matches([':', '#'])),
                visible(&quote)
            )?;
        }
    }
    Ok(())
}

/// What an index had not made yet when it was searched, on standard error.
pub fn pending(pending: Option<PendingWork>, name: &str) {
    let Some(PendingWork { lexical, vectors, sparse, passages, files, .. }) = pending else { return };
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
    notice(&format!("note: {what}, so something may be missing; `kinglet index --index {name}` goes on"));
}

/// What a reader of an answer should know, on standard error.
pub fn remarks(answer: &AnswerView, timings: bool) {
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
        let TimingsView { retrieve, load, read, write, .. } = answer.timings_ms;
        notice(&format!("retrieve {retrieve} ms, load {load} ms, read {read} ms, write {write} ms"));
    }
}
