//! All output: results, notices and errors, as lines of text or as JSON.

mod checks;
mod evaluation;
mod files;
mod indexes;
mod results;

use std::io::{Result, Write};
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, Table, presets};
use kinglet::view;
use serde::Serialize;

pub use checks::{calibration, explanations, text_check};
pub use evaluation::{
    answer_evaluation, comparison, evaluation, generated_questions, question, restored_defaults, tuning,
};
pub use files::files;
pub use indexes::{checks, file, index, indexes, long_embedding, models, settings, speeds, summary};
pub use results::{corrections, hits, pending, remarks, sentence, sources, sureness};

use crate::hint::rendered;
use crate::terminal::{err, escaped, on_one_line, out, visible};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const PATH: Style = AnsiColor::Cyan.on_default();
const MATCH: Style = AnsiColor::Yellow.on_default().bold();
const ERROR: Style = AnsiColor::Red.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default();

/// The number of files, in words.
fn count_of_files(count: usize) -> String {
    if count == 1 { "1 file".to_string() } else { format!("{count} files") }
}

/// Prints a notice on standard error. A failure to write is ignored: the result of a command goes
/// to standard output.
pub fn notice(text: &str) {
    let _ = writeln!(err(), "{}", visible(text));
}

/// Prints an error on standard error: one line, then the hint.
pub fn error(error: &kinglet::Error) {
    let _ = writeln!(err(), "{ERROR}error:{ERROR:#} {}", visible(&error.to_string()));
    if let Some(hint) = error.hint() {
        let _ = writeln!(err(), "{GOOD}hint:{GOOD:#} {}", visible(&rendered(hint)));
    }
}

/// The current folder, which paths are shown relative to; an empty path if it is gone.
pub fn base_folder() -> PathBuf {
    std::env::current_dir().and_then(|folder| folder.canonicalize()).unwrap_or_default()
}

/// The path as the user can type it: relative below the current folder, absolute elsewhere.
fn display_path(path: &Path) -> String {
    view::relative(path, &base_folder())
}

/// Prints a text on standard output.
pub fn text(text: &str) -> Result<()> {
    let mut out = out();
    text.lines().try_for_each(|line| writeln!(out, "{}", visible(line)))
}

/// Prints JSON on standard output, indented, with keys in alphabetical order.
pub fn json(view: &impl Serialize) -> Result<()> {
    let value = serde_json::to_value(view).expect("a view is plain data");
    writeln!(out(), "{}", escaped(&format!("{value:#}")))
}

/// A size in MiB.
fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// A size in GiB.
fn gib(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

/// A size in MiB, or `?` if it is unknown.
pub fn size(bytes: Option<u64>) -> String {
    bytes.map_or("?".to_string(), mib)
}

/// Prints rows under headings with aligned columns; those in `numeric` are aligned to the right.
fn table(headings: &[&str], rows: Vec<Vec<String>>, numeric: &[usize]) -> Result<()> {
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

/// Prints a question on standard error, without a line end.
pub fn prompt(text: &str) {
    let mut err = err();
    let _ = write!(err, "{BOLD}{text}{BOLD:#}").and_then(|()| err.flush());
}

/// Prints paths, one a line.
pub fn paths(paths: &[PathBuf]) -> Result<()> {
    paths.iter().try_for_each(|path| writeln!(out(), "{}", on_one_line(&path.display().to_string())))
}
