//! What is not read of the found passages: sentences that read like instructions to a model.

use super::{AnswerLimits, FoundPassages, Passage};
use crate::chunking::Chunk;
use crate::search::instructions::is_instruction;
use kinglet_formats::LocationUnit;

/// A passage of which sentences were not read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftOut {
    /// The file.
    pub path: String,
    /// The unit of `first` and `last`.
    pub unit: LocationUnit,
    /// Where the first of the sentences starts in the file, from 1.
    pub first: u32,
    /// Where the last of them ends.
    pub last: u32,
    /// The suffix of the path that names the place, such as `:3-7` or `#page=3`.
    pub place: String,
    /// How many they are.
    pub sentences: usize,
}

impl LeftOut {
    fn of(passage: &Passage) -> Option<LeftOut> {
        let chunk = &passage.chunk;
        let mut left_out = passage.sentences.iter().filter(|sentence| sentence.is_instruction);
        let first = left_out.next()?.span;
        let (sentences, last) = left_out.fold((1, first), |(count, _), sentence| (count + 1, sentence.span));
        let (first, last) = (chunk.place_at(first.start), chunk.place_at(last.end - 1));
        let place = chunk.unit.after_path(first, last, &chunk.headings);
        Some(LeftOut { path: passage.path.clone(), unit: chunk.unit, first, last, place, sentences })
    }
}

impl FoundPassages {
    /// What of it is read within the limits.
    pub(crate) fn readable(self, limits: AnswerLimits) -> Self {
        if limits.reads_instructions { self.read_whole() } else { self.without_instructions() }
    }

    /// Without the passages of which nothing is read, and with a note of what is not read. Done
    /// twice, it is the same as done once.
    fn without_instructions(mut self) -> Self {
        if self.instructions_left_out.is_empty() {
            self.instructions_left_out = self.passages.iter().filter_map(LeftOut::of).collect();
        }
        self.passages.retain(|passage| {
            passage.sentences.is_empty() || passage.sentences.iter().any(|sentence| !sentence.is_instruction)
        });
        self
    }

    /// With every sentence to be read.
    fn read_whole(mut self) -> Self {
        let sentences = self.passages.iter_mut().flat_map(|passage| &mut passage.sentences);
        sentences.for_each(|sentence| sentence.is_instruction = false);
        self
    }
}

/// The passage as it is read, and where the text of its chunk begins in it. Headings that read like
/// instructions to a model are left out, and such sentences are blanks.
pub(super) fn read_text(passage: &Passage) -> (String, usize) {
    let chunk = with_read_headings(&passage.chunk);
    let mut text = chunk.passage();
    let start = text.len() - chunk.text.len();
    for sentence in passage.sentences.iter().filter(|sentence| sentence.is_instruction) {
        let place = start + sentence.span.start..start + sentence.span.end;
        text.replace_range(place.clone(), &" ".repeat(place.len()));
    }
    (text, start)
}

/// The chunk without the headings that read like instructions to a model.
pub(super) fn with_read_headings(chunk: &Chunk) -> Chunk {
    let mut chunk = chunk.clone();
    chunk.headings.retain(|heading| !is_instruction(heading));
    chunk
}
