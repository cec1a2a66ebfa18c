//! Citations: the marks that a model wrote itself, the numbers of the sources, and the quotes with
//! their exact places.

use super::Passage;
use crate::text::Span;
use kinglet_formats::LocationUnit;

/// A passage that the answer cites.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CitedSource {
    /// The `[n]` of the answer, from 1 in the order of first citation.
    pub n: usize,
    /// The file.
    pub path: String,
    /// The unit of `first` and `last`.
    pub unit: LocationUnit,
    /// Where the passage starts in the file, from 1.
    pub first: u32,
    /// Where the passage ends.
    pub last: u32,
    /// The suffix of the path that names the place, such as `:3-7` or `#page=3`.
    pub place: String,
    /// The headings over the passage, outermost first, joined by ` > `.
    pub heading: String,
    /// What a limit left out of the file, if anything.
    pub truncated: Option<String>,
    /// True if the file is not there any more.
    pub gone: bool,
}

impl CitedSource {
    pub(super) fn new(n: usize, passage: &Passage) -> Self {
        CitedSource {
            n,
            path: passage.path.clone(),
            unit: passage.chunk.unit,
            first: passage.chunk.first,
            last: passage.chunk.last,
            place: passage.chunk.after_path(),
            heading: passage.chunk.headings.join(" > "),
            truncated: passage.truncated.clone(),
            gone: passage.gone,
        }
    }
}

/// A sentence of a source that supports a sentence of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Citation {
    /// The source's number; 0 if it is no source of the answer.
    pub n: usize,
    /// The file.
    pub path: String,
    /// The unit of `first` and `last`.
    pub unit: LocationUnit,
    /// Where the quote starts in the file, from 1.
    pub first: u32,
    /// Where the quote ends.
    pub last: u32,
    /// The suffix of the path that names the place.
    pub place: String,
    /// The sentence, word for word.
    pub quote: String,
    /// Its place in the text of the file, in bytes.
    pub span: Span,
}

/// Numbers the sources and collects the citations.
#[derive(Debug, Default)]
pub(super) struct CitationBuilder {
    pub sources: Vec<CitedSource>,
    pub citations: Vec<Citation>,
    /// The passage of each source.
    passages: Vec<usize>,
}

impl CitationBuilder {
    /// Cites `span` of the passage with this index.
    pub fn cite(&mut self, index: usize, passage: &Passage, span: Span) -> Citation {
        let citation = self.quote(index, passage, span);
        if !self.citations.contains(&citation) {
            self.citations.push(citation.clone());
        }
        citation
    }

    /// Quotes `span` of the passage with this index, which becomes a source.
    pub fn quote(&mut self, index: usize, passage: &Passage, span: Span) -> Citation {
        let known = self.passages.iter().position(|&other| other == index);
        let n = known.map_or(self.passages.len() + 1, |place| place + 1);
        if known.is_none() {
            self.passages.push(index);
            self.sources.push(CitedSource::new(n, passage));
        }
        Citation::new(n, passage, span)
    }
}

impl Citation {
    /// The sentence of the passage that comes nearest to an answer; `None` if none of it is read.
    pub(super) fn of_best_sentence(n: usize, passage: &Passage) -> Option<Self> {
        let read = passage.sentences.iter().filter(|sentence| !sentence.is_instruction);
        let best = read
            .max_by(|one, other| (!one.is_heading).cmp(&!other.is_heading).then(one.score.total_cmp(&other.score)))?;
        Some(Citation::new(n, passage, best.span))
    }

    pub(super) fn new(n: usize, passage: &Passage, span: Span) -> Self {
        let chunk = &passage.chunk;
        let (first, last) = (chunk.place_at(span.start), chunk.place_at(span.end - 1));
        Citation {
            n,
            path: passage.path.clone(),
            unit: chunk.unit,
            first,
            last,
            place: chunk.unit.after_path(first, last, &chunk.headings),
            quote: span.of(&chunk.text).to_string(),
            span: Span { start: chunk.span.start + span.start, end: chunk.span.start + span.end },
        }
    }
}

/// A sentence without the marks that the model wrote, and the numbers in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WithoutMarks {
    pub text: String,
    pub numbers: Vec<usize>,
}

/// Removes the citation marks from `sentence`. Something that only looks like a mark does not
/// count: `args[0]` that stands so in a passage is code and stays; the mark of a footnote that the
/// model copied together with the words before it is removed and not reported.
pub(super) fn take_marks(sentence: &str, passages: &[Passage]) -> WithoutMarks {
    let mut cleaned = WithoutMarks { text: String::new(), numbers: Vec::new() };
    let mut rest = sentence;
    while let Some(at) = rest.find('[') {
        let Some(length) = mark_length(&rest[at..]) else {
            cleaned.text.push_str(&rest[..=at]);
            rest = &rest[at + 1..];
            continue;
        };
        cleaned.text.push_str(&rest[..at]);
        let mark = &rest[at..at + length];
        let before = cleaned.text.trim_end();
        let word_start = before.rfind(char::is_whitespace).map_or(0, |space| space + 1);
        let copied = [&cleaned.text[word_start..], mark].concat();
        let is_copied =
            copied.len() > mark.len() && passages.iter().any(|passage| passage.chunk.text.contains(&copied));
        rest = &rest[at + length..];
        if is_copied && cleaned.text.ends_with(|last: char| last.is_alphanumeric() || last == '_') {
            cleaned.text.push_str(mark);
            continue;
        }
        if !is_copied {
            cleaned.numbers.extend(numbers_of(mark));
        }
        cleaned.text.truncate(before.len());
        if cleaned.text.is_empty() {
            rest = rest.trim_start();
        }
    }
    cleaned.text.push_str(rest);
    cleaned.text.truncate(cleaned.text.trim_end().len());
    cleaned
}

/// The length in bytes of the citation mark at the start of `text`: `[1]`, `[2, 3]`, `[4-6]`.
/// `None` if there is none.
pub(super) fn mark_length(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('[')?.split_once(']')?.0;
    let is_mark = inside.split([',', '-', '–', ';']).all(|number| {
        let number = number.trim();
        (1..=4).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    is_mark.then_some(inside.len() + 2)
}

/// The numbers in a mark; of a range only its two ends.
fn numbers_of(mark: &str) -> impl Iterator<Item = usize> + '_ {
    mark.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::super::tests::passage;
    use super::*;

    #[test]
    fn marks_are_removed_and_parsed() {
        let passages = [passage("Read args[0] first. It was so [7] in May.")];
        for (sentence, text, numbers) in [
            ("The sky is blue [1].", "The sky is blue.", vec![1]),
            ("The sky is blue.[1][2, 30]", "The sky is blue.", vec![1, 2, 30]),
            ("[2] The sky [4-6] is blue. [x]", "The sky is blue. [x]", vec![2, 4, 6]),
            ("Then args[0] is read. [1]", "Then args[0] is read.", vec![1]),
            ("Then argv[0] is read.", "Then argv is read.", vec![0]),
            ("It was so [7] in May. [9999]", "It was so in May.", vec![9999]),
            ("An open [1", "An open [1", vec![]),
            ("[3]", "", vec![3]),
            ("[see] [12345]", "[see] [12345]", vec![]),
        ] {
            assert_eq!(take_marks(sentence, &passages), WithoutMarks { text: text.into(), numbers }, "{sentence}");
        }
    }

    #[test]
    fn sources_are_numbered_as_they_are_cited_and_quotes_have_their_lines() {
        let (first, second) = (passage("One.\nTwo is\nlong.\nThree."), passage("Four."));
        let mut builder = CitationBuilder::default();
        assert_eq!(builder.cite(1, &second, Span { start: 0, end: 5 }).n, 1);
        assert_eq!(builder.cite(0, &first, Span { start: 5, end: 17 }).n, 2);
        assert_eq!(builder.cite(0, &first, Span { start: 5, end: 17 }).n, 2);
        assert_eq!(builder.cite(0, &first, Span { start: 0, end: 4 }).n, 2);
        let seen: Vec<_> =
            builder.citations.iter().map(|c| (c.n, c.first - 10, c.last - 10, c.quote.as_str())).collect();
        assert_eq!(seen, [(1, 0, 0, "Four."), (2, 1, 2, "Two is\nlong."), (2, 0, 0, "One.")]);
        assert_eq!(builder.sources.len(), 2);
    }
}
