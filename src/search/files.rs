//! All files that have the words of a question, with the number of passages in which they have
//! them: complete and unranked, unlike a search.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use super::asked_words::asked_words;
use super::phrase::{has_number, is_number};
use super::sources::{ChunkSource, LexicalSource};
use super::{Correction, Filter, PendingWork};
use crate::chunking::Chunk;
use crate::error::Result;
use crate::index::lexical::{Word, analyzer, stems};
use crate::text::Span;

/// The number of chunks that are read at once.
const BATCH: usize = 256;

/// All files that have the words of a question.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct FilesResponse {
    /// The files, those with the most passages first, ties by path.
    pub files: Vec<FileWithWords>,
    /// The words that were looked for, as they stand in the question. Empty if it has none but very
    /// common ones; then no file is found.
    pub words: Vec<String>,
    /// The words that were looked for in another spelling.
    pub corrections: Vec<Correction>,
    /// True if no passage meets what is in quotes and after dashes; then there are no files.
    pub is_unmet: bool,
    /// The phrases of the question that no passage has; then there are no files.
    pub absent_phrases: Vec<String>,
    /// What the lexical index has not finished yet; `None` if it is complete.
    pub pending: Option<PendingWork>,
}

/// A file that has the words of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileWithWords {
    /// The file.
    pub path: PathBuf,
    /// The number of its passages that have all of the words, in the text or in the headings above
    /// it, and at least one of them in the text.
    pub passages: usize,
}

/// Finds the files. Those of exact duplicates count too. Questions of nothing but words like "who"
/// are about these words.
pub(crate) fn files<S: LexicalSource + ChunkSource>(
    sources: &S,
    question: &str,
    filter: Option<&Filter>,
) -> Result<FilesResponse> {
    let language = ChunkSource::language(sources);
    let mut words = asked_words(question, language);
    if words.is_empty() {
        words = stems(question, language);
    }
    // A number or a date is one word, in the form that all of its usual forms share.
    let figures = analyzer::exact_figures(question);
    for figure in &figures {
        let is_inside = |word: &Word| figure.span.start <= word.span.start && word.span.end <= figure.span.end;
        words.retain(|word| !is_inside(word) || word.stem == figure.forms[0]);
    }
    let asked: HashSet<&str> = words.iter().map(|word| word.stem.as_str()).collect();
    let has_own = |chunk: &Chunk| {
        let has_any = |text: &str| stems(text, language).iter().any(|word| asked.contains(word.stem.as_str()));
        // Without headings in front, what was found stands in the text itself.
        chunk.context().is_empty() || has_any(&chunk.text)
    };
    let whole = analyzer::compounds(question).into_iter().chain(figures.iter().map(|figure| figure.span));
    let whole: Vec<Span> = whole.collect();
    let numbers = words.iter().filter(|word| whole.contains(&word.span) && is_number(&word.stem));
    let numbers: Vec<&str> = numbers.map(|word| word.stem.as_str()).collect();
    let has_numbers = |chunk: &Chunk| numbers.iter().all(|number| has_number(&chunk.passage(), number));
    let stems: Vec<String> = words.iter().map(|word| word.stem.clone()).collect();
    let mut passages: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for ids in sources.containing(&stems, filter)?.chunks(BATCH) {
        for location in sources.locations(ids, filter)?.into_iter().flatten() {
            if has_own(&location.chunk) && has_numbers(&location.chunk) {
                *passages.entry(location.path).or_default() += 1;
            }
        }
    }
    let mut files: Vec<_> = passages.into_iter().map(|(path, passages)| FileWithWords { path, passages }).collect();
    files.sort_by_key(|file| std::cmp::Reverse(file.passages)); // stable: ties by path
    Ok(FilesResponse { files, words: as_written(question, &words), ..FilesResponse::default() })
}

/// The words as they stand in the question, each once; a name stands for its parts.
fn as_written(question: &str, words: &[Word]) -> Vec<String> {
    let mut spans: Vec<Span> = Vec::new();
    for Word { span, .. } in words {
        match spans.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => spans.push(*span),
        }
    }
    spans.iter().map(|span| span.of(question).to_string()).collect()
}
