//! Renders search results, and answers with their sources.

use std::io::{Result, Write};
use std::path::{Path, PathBuf};

use kinglet::answer::UNSUPPORTED_MARK;
use kinglet::search::PendingWork;
use kinglet::search::snippet::Snippet;
use kinglet::view::{AnswerView, CascadeView, CitationView, CorrectionView, DisagreementView, SearchView, TimingsView};
use kinglet::{Filter, SearchResponse, SearchResult};

use super::{BOLD, DIM, MATCH, PATH, display_path, notice};
use crate::terminal::{on_one_line, out, visible};

/// So many absent phrases are named.
const SHOWN_PHRASES: usize = 3;
/// Said of a file of which only the index has the text.
const GONE: &str = "this file is gone; `kinglet index` updates the index";

/// Prints search results in an index of `roots`; with `explain`, what each retriever contributed.
pub fn hits(results: &[SearchResult], roots: &[PathBuf], explain: bool) -> Result<()> {
    let mut out = out();
    for (at, result) in results.iter().enumerate() {
        let SearchResult { hit, path, chunk, snippet, duplicates, truncated, gone, instructions, partial, .. } = result;
        let location = location(path, &snippet.after_path(chunk));
        writeln!(
            out,
            "{BOLD}{:>2}{BOLD:#}  {PATH}{location}{PATH:#}  {}  {DIM}{:.3}{}{DIM:#}",
            at + 1,
            visible(&snippet.headings.join(" › ")),
            hit.score,
            result.index.iter().map(|index| format!("  in {}", on_one_line(index))).collect::<String>()
        )?;
        writeln!(out, "    {}", marked(&chunk.text, snippet))?;
        if let Some(other) = duplicates.first() {
            let more = if duplicates.len() > 1 { format!(" and {} more", duplicates.len() - 1) } else { String::new() };
            writeln!(out, "    {DIM}also {}{more}{DIM:#}", self::location(&other.path, &other.chunk.after_path()))?;
        }
        if let Some(more @ 1..) = result.more_in_file {
            let filter = on_one_line(&shell_word(&filter_of_file(path, roots).to_string()));
            writeln!(out, "    {DIM}+ {more} more in this file: --filter {filter} shows them{DIM:#}")?;
        }
        if let Some(truncated) = truncated {
            writeln!(out, "    {DIM}this file was {}{DIM:#}", visible(truncated))?;
        }
        if *gone {
            writeln!(out, "    {DIM}{GONE}{DIM:#}")?;
        }
        if !partial.is_empty() {
            let lacks: Vec<String> = partial.iter().map(|thing| lack(thing, &chunk.text)).collect();
            writeln!(out, "    {DIM}{}{DIM:#}", visible(&lacks.join(", ")))?;
        }
        if !instructions.is_empty() {
            writeln!(out, "    {DIM}has text that reads like an instruction to a model{DIM:#}")?;
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

/// What a passage has not of a code, a number, a date or a name.
fn lack(thing: &str, text: &str) -> String {
    let text = text.to_lowercase();
    let parts = thing.split(|c: char| !c.is_alphanumeric()).filter(|part| part.len() > 1);
    match parts.map(str::to_lowercase).any(|part| text.contains(&part)) {
        true => format!("only parts of {thing}"),
        false => format!("without {thing}"),
    }
}

/// That no passage meets what is in quotes and after dashes.
pub(super) fn unmet(absent_phrases: &[String]) -> String {
    let shown = absent_phrases.iter().take(SHOWN_PHRASES).map(|phrase| format!("\"{}\"", on_one_line(phrase)));
    let mut shown: Vec<String> = shown.collect();
    if absent_phrases.len() > SHOWN_PHRASES {
        shown.push(format!("{} others", absent_phrases.len() - SHOWN_PHRASES));
    }
    let what = match shown.is_empty() {
        true => "no passage meets all that is in quotes and after dashes".to_string(),
        false => format!("nothing has {}", shown.join(" or ")),
    };
    format!("{what}; --literal searches the words alone")
}

/// Notes which words were searched in another spelling, on standard error.
pub fn corrections(corrections: &[CorrectionView]) {
    if corrections.is_empty() {
        return;
    }
    let searched: Vec<String> =
        corrections.iter().map(|CorrectionView { typed, searched, .. }| format!("{searched} (for {typed})")).collect();
    notice(&format!("searched for {}; --no-correct searches what was typed", searched.join(" and ")));
}

/// Notes, on standard error, that nothing was found or that no hit may fit; with `explain`, how
/// sure the search is.
pub fn sureness(response: &SearchResponse, view: &SearchView, explain: bool) {
    if let Some(confidence) = response.confidence.filter(|_| explain) {
        notice(&format!("confidence {confidence:.2}"));
    }
    let Some((best, others)) = view.hits.split_first() else {
        notice(&match response.confidence {
            // A search that has a confidence found something.
            Some(confidence) => format!("nothing found: the confidence is {confidence:.2}, less than --min-confidence"),
            None if response.is_unmet => unmet(&response.absent_phrases),
            None => "nothing found".to_string(),
        });
        return;
    };
    let is_nowhere = |thing: &&String| others.iter().all(|hit| hit.partial.contains(thing));
    let absent: Vec<&str> = best.partial.iter().filter(is_nowhere).map(String::as_str).collect();
    if !absent.is_empty() {
        notice(&format!("nothing found has {}; nearest:", absent.join(" and ")));
    } else if !response.matches_closely() {
        notice("nothing matches closely; nearest:");
    }
}

/// `path:first-last` or `path#page=3`: editors and browsers open these.
fn location(path: &Path, after_path: &str) -> String {
    on_one_line(&format!("{}{after_path}", display_path(path)))
}

/// The filter that passes this file of an index of `roots`.
fn filter_of_file(path: &Path, roots: &[PathBuf]) -> Filter {
    let below = roots.iter().filter_map(|root| path.strip_prefix(root).ok());
    let below = below.filter(|below| !below.as_os_str().is_empty()).min_by_key(|below| below.as_os_str().len());
    let name = || path.file_name().unwrap_or_default();
    Filter::of_file(&below.map_or_else(|| name().to_string_lossy(), Path::to_string_lossy))
}

/// The text as one word of a shell's command.
fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "=./_-+:@%,".contains(c);
    if text.chars().all(is_plain) { text.to_string() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// The snippet with its matches in colour.
fn marked(text: &str, snippet: &Snippet) -> String {
    let mut line = String::new();
    let mut at = snippet.span.start;
    for word in &snippet.matches {
        line.push_str(&visible(&text[at..word.start]));
        line.push_str(&format!("{MATCH}{}{MATCH:#}", visible(word.of(text))));
        at = word.end;
    }
    line.push_str(&visible(&text[at..snippet.span.end]));
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Prints a sentence of an answer and flushes it.
pub fn sentence(text: &str) -> Result<()> {
    let mut out = out();
    write!(out, "{}", visible(text).replace(UNSUPPORTED_MARK, &format!("{DIM}{UNSUPPORTED_MARK}{DIM:#}")))?;
    out.flush()
}

/// Prints the sources of an answer with the sentences that are cited, each with its place, and the
/// generator.
pub fn sources(answer: &AnswerView) -> Result<()> {
    let mut out = out();
    writeln!(out)?;
    if !answer.sources.is_empty() {
        writeln!(out)?;
    }
    for source in &answer.sources {
        let location = on_one_line(&format!("{}{}", source.path, source.location.suffix));
        writeln!(out, "{BOLD}[{}]{BOLD:#} {PATH}{location}{PATH:#}  {}", source.n, visible(&source.heading))?;
        if let Some(truncated) = &source.truncated {
            writeln!(out, "    {DIM}this file was {}{DIM:#}", visible(truncated))?;
        }
        if source.gone {
            writeln!(out, "    {DIM}{GONE}{DIM:#}")?;
        }
        for citation in answer.citations.iter().filter(|citation| citation.n == source.n) {
            let quote = citation.quote.split_whitespace().collect::<Vec<_>>().join(" ");
            writeln!(
                out,
                "    {DIM}{}{DIM:#}  {}",
                visible(citation.location.suffix.trim_start_matches([':', '#'])),
                visible(&quote)
            )?;
        }
    }
    for DisagreementView { answer: words, quote, .. } in answer.answerable.iter().flat_map(|part| &part.disagreements) {
        let location = on_one_line(&format!("{}{}", quote.path, quote.place.suffix));
        writeln!(out, "{MATCH}but{MATCH:#} {PATH}{location}{PATH:#} says: {}", visible(&on_one_line(words)))?;
        writeln!(out, "    {}", visible(&quote.quote.split_whitespace().collect::<Vec<_>>().join(" ")))?;
    }
    if !answer.nearest.is_empty() {
        writeln!(out, "\n{DIM}What comes nearest:{DIM:#}")?;
    }
    for CitationView { path, location, quote, .. } in &answer.nearest {
        let place = on_one_line(&format!("{path}{}", location.suffix));
        writeln!(
            out,
            "    {PATH}{place}{PATH:#}  {}",
            visible(&quote.split_whitespace().collect::<Vec<_>>().join(" "))
        )?;
    }
    writeln!(out, "{DIM}answered by {}{DIM:#}", visible(&answer.generator))
}

/// Notes on standard error what was pending in the index when it was searched.
pub fn pending(pending: Option<PendingWork>, name: &str) {
    let Some(pending) = pending else { return };
    let PendingWork { lexical, dense, sparse, passages, unread_files, without_late_interaction, .. } = pending;
    let counts = [
        (lexical, "are not in the lexical index yet"),
        (dense, "have no vector yet"),
        (sparse, "have no sparse vector yet"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let mut what: Vec<String> = counts.map(|(count, lack)| format!("{count} of {passages} passages {lack}")).collect();
    if unread_files {
        let all = if what.is_empty() { "not all files have been read yet" } else { "files may not have been read" };
        what.push(all.to_string());
    }
    let what = what.join(", and ");
    let ranking = if without_late_interaction { " and are ranked without late interaction" } else { "" };
    notice(&format!(
        "note: {what}, so results may be incomplete{ranking}; run `kinglet index --index {name}` to continue, unless it \
         is at work"
    ));
}

/// Prints notes on an answer, on standard error.
pub fn remarks(answer: &AnswerView, timings: bool) {
    corrections(&answer.corrections);
    match answer.unsupported.len() {
        0 => {}
        1 => notice("note: the sentence marked [unsupported] has no support in the passages"),
        _ => notice("note: the sentences marked [unsupported] have no support in the passages"),
    }
    if answer.answerable.iter().any(|part| part.shifted) {
        notice("note: the reader's scores are beyond all that the calibration has seen, so its judgement may be wrong");
    }
    if !answer.unknown_citations.is_empty() {
        let marks: String = answer.unknown_citations.iter().map(|number| format!("[{number}]")).collect();
        notice(&format!("note: the model cited {marks}, but there was no such passage"));
    }
    if let [first, others @ ..] = answer.instructions_left_out.as_slice() {
        let count: usize = answer.instructions_left_out.iter().map(|left_out| left_out.sentences).sum();
        let (sentences, was) = match count {
            1 => ("a sentence that reads".to_string(), "was"),
            _ => (format!("{count} sentences that read"), "were"),
        };
        let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
        let place = on_one_line(&format!("{}{}", first.path, first.location.suffix));
        notice(&format!("note: {sentences} like an instruction to a model {was} not read: {place}{more}"));
    }
    if let Some(cascade) = answer.cascade.as_ref().filter(|_| timings) {
        let CascadeView { small, confidence, doubt, small_ms, .. } = cascade;
        notice(&match doubt {
            Some(doubt) => {
                format!("the answer of {small} (confidence {confidence:.2}, {small_ms} ms) was doubtful: {doubt}")
            }
            None => format!("the answer of {small} was not doubtful (confidence {confidence:.2})"),
        });
    }
    if timings {
        let TimingsView { retrieve, load, read, write, .. } = answer.timings_ms;
        notice(&format!("retrieve {retrieve} ms, load {load} ms, read {read} ms, write {write} ms"));
    }
}
