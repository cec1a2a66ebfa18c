//! Renders indexes, files, models, settings and checks.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{Result, Write};
use std::time::Duration;

use kinglet::ingest::{FasterEmbedder, FileNote, Summary};
use kinglet::view::{
    CheckView, ChecksView, FileInstructionsView, FileView, IndexEntryView, IndexListView, IndexView, ModelListView,
    ModelView, SettingsView, SpeedListView,
};

use super::{BOLD, DIM, ERROR, GOOD, PATH, count_of_files, display_path, gib, mib, notice, size, table};
use crate::hint::quoted;
use crate::pace::about;
use crate::progress::grouped;
use crate::terminal::{on_one_line, out, visible};

/// How many of a list of files are shown in one line.
const SHOWN_FILES: usize = 3;

/// Up to this many skipped files are listed, and the most frequent reasons of more of them.
const SHOWN_SKIPPED: usize = 5;

/// Says on standard error what embedding will take, and what else there is: to index again in
/// another way, if `index` names what is indexed.
pub fn long_embedding(
    model: &str,
    chunks: usize,
    time: Duration,
    faster: Option<&FasterEmbedder>,
    index: Option<&str>,
) {
    let takes = format!("{} chunks take about {} with {model}", grouped(chunks as u64), about(time));
    let (Some(FasterEmbedder { id, time, .. }), Some(index)) = (faster, index) else {
        return notice(&format!("note: {takes}"));
    };
    let faster = match time {
        Some(time) => format!("{} with {id}", about(*time)),
        None => format!("a small part of that with {id}, which kinglet fetches first"),
    };
    notice(&format!("note: {takes}, and {faster}, which finds a little less"));
    notice(&format!(
        "hint: to search with {id} while {model} is at work, press Ctrl-C and run `kinglet index --index {index} \
         --embedder {id},{model}`, which continues here"
    ));
}

/// Prints what an indexing run did.
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
    for root in &summary.gone {
        let (name, root) = (quoted(name), quoted(&root.display().to_string()));
        writeln!(out, "  gone    {} is not there now; what was read of it stays in the index", on_one_line(&root))?;
        writeln!(
            out,
            "          if it was moved: kinglet move {name} FOLDER --from {0}\n          \
             to take it out:  kinglet index --index {name} --drop {0}",
            on_one_line(&root)
        )?;
    }
    if let [first, others @ ..] = summary.truncated.as_slice() {
        let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
        let (file, reason) = (on_one_line(&display_path(&first.path)), visible(&first.reason));
        writeln!(out, "  cut     {file}{more}: {reason}; see `kinglet status --verbose`")?;
    }
    if summary.repaired > 0 {
        writeln!(
            out,
            "  repaired {} read again, because the index had damaged rows of them",
            count_of_files(summary.repaired)
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
    skipped(&summary.skipped, name, verbose)
}

/// Prints which files were skipped, and why; of many only the most frequent reasons.
fn skipped(files: &[FileNote], name: &str, verbose: bool) -> Result<()> {
    if files.is_empty() {
        return Ok(());
    }
    if verbose || files.len() <= SHOWN_SKIPPED {
        let mut out = out();
        return files.iter().try_for_each(|file| {
            writeln!(out, "  skipped {}: {}", on_one_line(&display_path(&file.path)), visible(&file.reason))
        });
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    files.iter().for_each(|file| *counts.entry(&file.reason).or_default() += 1);
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count)); // stable: ties by reason
    let others: usize = counts.iter().skip(SHOWN_SKIPPED).map(|(_, count)| count).sum();
    counts.truncate(SHOWN_SKIPPED);
    counts.extend((others > 0).then_some(("other reasons", others)));
    let rows = counts.into_iter().map(|(reason, count)| vec![count.to_string(), reason.to_string()]);
    table(&["skipped", "reason"], rows.collect(), &[0])?;
    writeln!(out(), "{DIM}`kinglet status --verbose --index {}` lists them{DIM:#}", on_one_line(name))
}

/// Prints what an index holds.
pub fn index(view: &IndexView, verbose: bool) -> Result<()> {
    let row = |key: &str, value: String| vec![key.to_string(), value];
    let searchable = view.searchable();
    let chunks = match view.exact_duplicates {
        0 => view.chunks.to_string(),
        duplicates => format!("{}, of which {duplicates} are exact duplicates", view.chunks),
    };
    let of = |embedded: u64| match embedded == searchable {
        true => "all".to_string(),
        false => format!("{embedded} of {searchable}"),
    };
    let vectors = view.embedders.iter().map(|id| format!("{id} ({})", of(view.vectors[id])));
    let mut rows = vec![row("name", view.name.clone()), row("folder", view.folder.display().to_string())];
    rows.extend(view.roots.iter().map(|root| row("indexes", root.display().to_string())));
    rows.extend([
        row("documents", format!("{} read, {} skipped", view.documents, view.skipped.len())),
        row("chunks", chunks),
        row("language", view.language.clone()),
        row("vectors", vectors.collect::<Vec<_>>().join(", ")),
    ]);
    let mut repetitions = Vec::new();
    if view.near_duplicates > 0 {
        repetitions
            .push(format!("{} passages are near-duplicates and are shown with their originals", view.near_duplicates));
    }
    if view.boilerplate_lines > 0 {
        repetitions.push(format!("{} lines that recur on many pages are left out", view.boilerplate_lines));
    }
    let truncated = view.warnings.iter().filter(|file| file.truncated).count();
    let defaults: Vec<String> = view.defaults.iter().map(|(key, value)| format!("{key} {value}")).collect();
    let optional = [
        ("repeated", (!repetitions.is_empty()).then(|| repetitions.join("; "))),
        ("truncated", (truncated > 0).then(|| format!("{} not read whole", count_of_files(truncated)))),
        ("instructions", instructions(&view.instructions)),
        ("warnings", (!view.warnings.is_empty()).then(|| count_of_files(view.warnings.len()))),
        ("incomplete", (!view.complete).then(|| format!("run `kinglet index --index {}` to continue", view.name))),
        ("defaults", (!defaults.is_empty()).then(|| defaults.join(", "))),
        ("sparse", (!view.sparse_encoders.is_empty()).then(|| view.sparse_encoders.join(", "))),
    ];
    rows.extend(optional.into_iter().filter_map(|(key, value)| Some(row(key, value?))));
    rows.push(row("size", mib(view.size_bytes)));
    table(&[], rows, &[])?;
    let skipped = view.skipped.iter().map(|file| vec![file.path.clone(), file.reason.clone()]).collect::<Vec<_>>();
    let warnings = view.warnings.iter().map(|file| vec![file.path.clone(), file.warning.clone()]).collect::<Vec<_>>();
    for (heading, rows) in [("skipped", skipped), ("warnings", warnings)] {
        if verbose && !rows.is_empty() {
            table(&[heading, "reason"], rows, &[])?;
        }
    }
    Ok(())
}

/// How many passages have text that reads like an instruction to a model, and the first files.
fn instructions(files: &[FileInstructionsView]) -> Option<String> {
    let passages: usize = files.iter().map(|file| file.passages).sum();
    let shown: Vec<&str> = files.iter().take(SHOWN_FILES).map(|file| file.path.as_str()).collect();
    let more =
        if files.len() > shown.len() { format!(" and {} more", files.len() - shown.len()) } else { String::new() };
    let has = if passages == 1 { "1 passage has" } else { &format!("{passages} passages have") };
    (passages > 0).then(|| format!("{has} text that reads like one to a model: {}{more}", shown.join(", ")))
}

/// Prints a table of all indexes.
pub fn indexes(view: &IndexListView) -> Result<()> {
    let row = |entry: &IndexEntryView| match entry {
        IndexEntryView::Searchable { name, documents, chunks, roots } => {
            let roots: Vec<_> = roots.iter().map(|root| root.display().to_string()).collect();
            vec![name.clone(), documents.to_string(), chunks.to_string(), roots.join(", ")]
        }
        IndexEntryView::Unreadable { name, error } => {
            vec![name.clone(), "?".to_string(), "?".to_string(), error.clone()]
        }
    };
    table(&["name", "documents", "chunks", "folders and files"], view.indexes.iter().map(row).collect(), &[1, 2])
}

/// Prints a table of all models.
pub fn models(view: &ModelListView) -> Result<()> {
    let row = |model: &ModelView| {
        let description = match model.parameters {
            Some(parameters) => format!("{}, {} M parameters", model.description, parameters / 1_000_000),
            None => model.description.clone(),
        };
        let description = description + &memory_and_speed(model);
        let installed = if model.installed { "yes" } else { "no" };
        let (id, kind, licence) = (model.id.clone(), model.kind.clone(), model.licence.clone());
        let size = match (model.size_bytes, model.estimated_bytes) {
            (None, Some(estimate)) => format!("~{:.0} MiB", estimate as f64 / f64::from(1 << 20)),
            (known, _) => size(known),
        };
        vec![id, kind, size, licence, installed.to_string(), description]
    };
    let headings = ["id", "kind", "size", "licence", "installed", "description"];
    table(&headings, view.models.iter().map(row).collect(), &[2])
}

/// What is known of a generator on this machine, as it follows its description.
fn memory_and_speed(model: &ModelView) -> String {
    let mut text = String::new();
    if let Some(bytes) = model.memory_bytes {
        let about = if model.installed { "" } else { "about " };
        let verdict = if model.fits == Some(false) { ", more than this machine has" } else { "" };
        text.push_str(&format!("; needs {about}{} of memory{verdict}", gib(bytes)));
    }
    if let Some(speed) = &model.speed {
        text.push_str(&format!("; {speed}"));
    }
    text
}

/// Prints measured speeds.
pub fn speeds(view: &SpeedListView) -> Result<()> {
    let mut out = out();
    view.speeds.iter().try_for_each(|measured| writeln!(out, "{} {}", on_one_line(&measured.generator), measured.speed))
}

/// Prints every setting with its value and origin.
pub fn settings(view: &SettingsView) -> Result<()> {
    let rows =
        view.settings.iter().map(|(key, setting)| vec![key.clone(), setting.value.to_string(), setting.source.clone()]);
    table(&["setting", "value", "origin"], rows.collect(), &[])
}

/// Prints the chunks of a file, with their locations and sizes.
pub fn file(view: &FileView) -> Result<()> {
    let mut out = out();
    for (at, chunk) in view.chunks.iter().enumerate() {
        let tokens = chunk.tokens.map_or("unknown".to_string(), |tokens| tokens.to_string());
        writeln!(
            out,
            "{BOLD}{:>3}{BOLD:#}  {PATH}{}{PATH:#}  bytes {}–{}  tokens {tokens}  {}",
            at + 1,
            on_one_line(&format!("{}{}", view.path, chunk.location.suffix)),
            chunk.start_byte,
            chunk.end_byte,
            visible(&chunk.headings.join(" › "))
        )?;
        for line in chunk.text.lines() {
            writeln!(out, "     {DIM}│{DIM:#} {}", visible(line))?;
        }
    }
    Ok(())
}

/// Prints the outcomes of all checks.
pub fn checks(view: &ChecksView) -> Result<()> {
    let mut out = out();
    for CheckView { part, ok, detail, hint, .. } in &view.checks {
        if *ok {
            writeln!(out, "{GOOD}ok{GOOD:#}    {part:12} {}", visible(detail))?;
            continue;
        }
        writeln!(out, "{ERROR}wrong{ERROR:#} {part:12} {}", visible(detail))?;
        if let Some(hint) = hint {
            writeln!(out, "{:18} {GOOD}hint:{GOOD:#} {}", "", visible(hint))?;
        }
    }
    Ok(())
}
