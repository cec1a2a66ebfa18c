//! Renders all files that have the words of a question.

use std::io::{Result, Write};

use kinglet::FilesResponse;

use super::results::unmet;
use super::{PATH, count_of_files, display_path, notice};
use crate::terminal::{on_one_line, out};

/// Prints each file with the number of its passages; what was counted stands on standard error, so
/// that every line of the output is a file.
pub fn files(response: &FilesResponse) -> Result<()> {
    if response.is_unmet {
        notice(&unmet(&response.absent_phrases));
        return Ok(());
    }
    let words = response.words.join(", ");
    let what = match response.words.len() {
        0 => {
            notice("nothing found: the question has only very common words");
            return Ok(());
        }
        1 => format!("the word {words}"),
        _ => format!("all of these words: {words}"),
    };
    let passages: usize = response.files.iter().map(|file| file.passages).sum();
    let width = response.files.first().map_or(0, |file| file.passages.to_string().len());
    let mut out = out();
    for file in &response.files {
        let path = on_one_line(&display_path(&file.path));
        writeln!(out, "{:>width$}  {PATH}{path}{PATH:#}", file.passages)?;
    }
    notice(&match passages {
        0 => format!("nothing found: no passage has {what}"),
        1 => format!("1 file, 1 passage with {what}"),
        _ => format!("{}, {passages} passages with {what}", count_of_files(response.files.len())),
    });
    Ok(())
}
