//! `kinglet check`: holds a text that somebody else wrote against the documents, and `kinglet
//! calibrate`: learns how sure the reader must be.

use std::io::Read;
use std::path::Path;

use kinglet::view::{CalibrationView, TextCheckView};
use kinglet::{Error, Result, SearchOptions};

use crate::args::IndexArg;
use crate::progress;
use crate::render::{self, base_folder};
use crate::run::{DONE, NOT_SUPPORTED, Session, printed};

/// The largest text to check: somebody has to read the result.
const MAX_TEXT_BYTES: u64 = 4 << 20;

impl Session<'_> {
    pub fn check(&self, file: &Path, index: &IndexArg, explain: bool) -> Result<u8> {
        let text = read_text(file)?;
        let name = self.index_name(index)?;
        let index = self.kinglet.open(&name)?;
        self.fetch_for_checks(&name)?;
        let sentences =
            progress::while_counting("checking", |done| index.check(&text, &SearchOptions::default(), done))?;
        let view = TextCheckView::new(&sentences, &base_folder());
        if view.sentences.is_empty() {
            return Err(Error::input(format!("{} has no sentence that could be checked", file.display()))
                .with_hint("headings, questions and words without content say nothing"));
        }
        printed(if self.global.json { render::json(&view) } else { render::text_check(&view, explain) })?;
        Ok(if view.unsupported == 0 { DONE } else { NOT_SUPPORTED })
    }

    pub fn calibrate(&self, index: &IndexArg, questions: Option<&Path>, count: usize) -> Result<u8> {
        let name = self.index_name(index)?;
        self.fetch_for_checks(&name)?;
        let report = progress::while_counting("asking", |done| self.kinglet.calibrate(&name, questions, count, done))?;
        let view = CalibrationView::new(&name, &report);
        printed(if self.global.json { render::json(&view) } else { render::calibration(&view) })
    }
}

/// The text of a file, or of standard input if it is called `-`.
fn read_text(file: &Path) -> Result<String> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(MAX_TEXT_BYTES + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|open| open.take(MAX_TEXT_BYTES + 1).read_to_string(&mut text))
    };
    read.map_err(|cause| match cause.kind() {
        std::io::ErrorKind::InvalidData => Error::input(format!("{} is not UTF-8 text", file.display()))
            .with_hint("`kinglet inspect FILE --text` gives the text of a document: pipe it to `kinglet check -`"),
        _ => Error::io("read", file, cause),
    })?;
    if text.len() as u64 > MAX_TEXT_BYTES {
        return Err(Error::input(format!("{} is larger than {} MiB", file.display(), MAX_TEXT_BYTES >> 20))
            .with_hint("check it in parts"));
    }
    Ok(text)
}
