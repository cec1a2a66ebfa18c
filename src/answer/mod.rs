//! Flow (b2): passages become an answer whose every sentence is held against them.

mod cite;
mod pack;
mod refusal;
mod sentences;
mod support;

use std::collections::HashSet;
use std::time::Instant;

use futures::StreamExt;
use serde::Serialize;

use crate::chunk::Chunk;
use crate::error::{Error, Result};
use crate::models::prompt::QUESTION_LABEL;
use crate::models::traits::Generator;
use crate::search::Lacking;

pub use cite::{Citation, Source};

use cite::{Ledger, take_marks};
use refusal::is_refusal;
use sentences::{Sentence, SentenceCutter};
use support::{Finding, Witnesses};

/// What stands after a sentence of an answer that the passages do not hold.
pub const UNSUPPORTED_MARK: &str = "[unsupported]";

/// What is answered when there are no passages; no generator is asked then.
pub const NOTHING_FOUND: &str = "Nothing was found for this question.";

/// What an answer may be made from: a chunk of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The file, as it shall be shown.
    pub path: String,
    /// The part of it.
    pub chunk: Chunk,
    /// What was left out of the file, if anything was.
    pub not_whole: Option<String>,
}

/// An answer with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The text with a mark after each sentence: `[n]` for the sources that it rests on, or [`UNSUPPORTED_MARK`].
    pub answer: String,
    /// The sentences of the sources that the sentences of the answer rest on, in the order of the answer.
    pub citations: Vec<Citation>,
    /// Whether the answer says only that the passages do not hold it.
    pub refused: bool,
    /// The sentences that no passage holds.
    pub unsupported: Vec<String>,
    /// Numbers that the generator cited though no passage had them, ascending; they are not in the text.
    pub unknown_citations: Vec<usize>,
    /// The passages that are cited, by number.
    pub sources: Vec<Source>,
    /// How long it took.
    pub timings_ms: Timings,
    /// What the index had not made yet when it was searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lacking: Option<Lacking>,
}

/// How long the stages of an answer took, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Timings {
    /// Finding the passages.
    pub retrieve: u64,
    /// Getting the generator ready.
    pub load: u64,
    /// Until the generator's first piece of text: it reads the prompt.
    pub read: u64,
    /// From there to the end.
    pub write: u64,
}

/// Answers `question` from `passages`, best first. As many of them as fit are given to the `generator`, which may write up to
/// `max_answer_tokens`. `show` gets each sentence as soon as it is written and checked; put together, what it gets is the answer.
/// Dropping the future stops the generator.
///
/// # Errors
/// When the question leaves no room for a passage, or the generator fails or writes nothing.
pub async fn answer(
    generator: &dyn Generator,
    question: &str,
    passages: &[Passage],
    max_answer_tokens: usize,
    show: &mut (dyn FnMut(&str) + Send),
) -> Result<Answer> {
    if passages.is_empty() {
        show(NOTHING_FOUND);
        return Ok(Check::new(question, passages).finish(NOTHING_FOUND.to_string()));
    }
    let prompt = pack::pack(generator, question, passages, max_answer_tokens)?;
    let mut check = Check::new(question, &passages[..prompt.passages.len()]);
    let mut cutter = SentenceCutter::default();
    let mut text = String::new();
    let mut said = HashSet::new();
    // Small models that have nothing more to say begin again, with what they have said or with the prompt: `false` then.
    let mut tell = |sentences: Vec<Sentence>, check: &mut Check| {
        for sentence in sentences {
            if !said.insert(sentence.text.clone()) || (!text.is_empty() && sentence.text.starts_with(QUESTION_LABEL)) {
                return false;
            }
            let before = if text.is_empty() { "" } else { &sentence.before };
            let piece = format!("{before}{}", check.sentence(&sentence.text));
            show(&piece);
            text.push_str(&piece);
        }
        true
    };
    let started = Instant::now();
    let mut read = None;
    let mut tokens = generator.generate(&prompt);
    while let Some(token) = tokens.next().await {
        let token = token?;
        read.get_or_insert_with(|| elapsed_ms(started));
        if !tell(cutter.push(&token.text), &mut check) {
            cutter = SentenceCutter::default();
            break;
        }
    }
    tell(cutter.finish(), &mut check);
    if text.is_empty() {
        return Err(Error::model(format!("{} wrote nothing", generator.name()))
            .hint("ask in other words, or choose another generator: --generator extractive"));
    }
    let read = read.unwrap_or_default();
    let timings_ms = Timings { read, write: elapsed_ms(started) - read, ..Timings::default() };
    Ok(Answer { timings_ms, ..check.finish(text) })
}

/// Whole milliseconds since `since`.
pub(crate) fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Holds sentences against the passages that the generator was given, and keeps what comes of it.
struct Check<'p> {
    passages: &'p [Passage],
    witnesses: Witnesses,
    ledger: Ledger,
    has_answered: bool,
    has_refused: bool,
    unsupported: Vec<String>,
    unknown_citations: Vec<usize>,
}

impl<'p> Check<'p> {
    fn new(question: &str, passages: &'p [Passage]) -> Self {
        Check {
            passages,
            witnesses: Witnesses::new(question, passages),
            ledger: Ledger::default(),
            has_answered: false,
            has_refused: passages.is_empty(),
            unsupported: Vec::new(),
            unknown_citations: Vec::new(),
        }
    }

    /// Gives the sentence as it is shown: without the generator's own marks, with those that the check found.
    fn sentence(&mut self, sentence: &str) -> String {
        let unmarked = take_marks(sentence, self.passages);
        let (given, unknown): (Vec<usize>, Vec<usize>) =
            unmarked.numbers.iter().partition(|&&number| (1..=self.passages.len()).contains(&number));
        self.unknown_citations.extend(unknown);
        if is_refusal(&unmarked.text) {
            self.has_refused = true;
            return unmarked.text;
        }
        let claimed: Vec<usize> = given.iter().map(|number| number - 1).collect();
        match self.witnesses.find(&unmarked.text, &claimed) {
            Finding::Nothing => unmarked.text,
            Finding::Unsupported => {
                let shown = format!("{} {UNSUPPORTED_MARK}", unmarked.text);
                self.unsupported.push(unmarked.text);
                shown
            }
            Finding::Supported(evidence) => {
                self.has_answered = true;
                let mut numbers: Vec<usize> = evidence
                    .iter()
                    .map(|found| self.ledger.cite(found.passage, &self.passages[found.passage], found.span))
                    .collect();
                numbers.sort_unstable();
                numbers.dedup();
                let marks: String = numbers.iter().map(|number| format!("[{number}]")).collect();
                format!("{} {marks}", unmarked.text)
            }
        }
    }

    fn finish(mut self, answer: String) -> Answer {
        self.unknown_citations.sort_unstable();
        self.unknown_citations.dedup();
        Answer {
            answer,
            citations: self.ledger.citations,
            refused: self.has_refused && !self.has_answered,
            unsupported: self.unsupported,
            unknown_citations: self.unknown_citations,
            sources: self.ledger.sources,
            timings_ms: Timings::default(),
            lacking: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use futures::FutureExt;
    use futures::stream::{self, BoxStream};
    use proptest::prelude::*;

    use super::*;
    use crate::models::extractive::ExtractiveGenerator;
    use crate::models::prompt::Prompt;
    use crate::models::traits::Token;
    use crate::text::{Span, line_starts};

    /// A passage from lines 10 and after of a file.
    pub fn passage(text: &str) -> Passage {
        let lines = u32::try_from(line_starts(text).len()).unwrap();
        let chunk = Chunk {
            span: Span { start: 0, end: text.len() },
            unit: kinglet_formats::LocationUnit::Line,
            first: 10,
            last: 9 + lines,
            places: None,
            headings: vec!["Guide".to_string()],
            inner_headings: Vec::new(),
            text: text.to_string(),
        };
        Passage { path: "guide.md".to_string(), chunk, not_whole: None }
    }

    /// Writes what it was made with, a few letters at a time.
    struct Scripted(&'static str);

    impl Generator for Scripted {
        fn name(&self) -> &str {
            "scripted"
        }
        fn context_tokens(&self) -> usize {
            4096
        }
        fn prompt_tokens(&self, prompt: &Prompt) -> Result<usize> {
            ExtractiveGenerator.prompt_tokens(prompt)
        }
        fn generate(&self, _: &Prompt) -> BoxStream<'static, Result<Token>> {
            let letters: Vec<char> = self.0.chars().collect();
            let pieces: Vec<_> = letters.chunks(3).map(|part| Ok(Token { text: part.iter().collect() })).collect();
            stream::iter(pieces).boxed()
        }
    }

    fn ask(generator: &dyn Generator, question: &str, passages: &[Passage]) -> Result<Answer> {
        let mut shown = String::new();
        let mut show = |piece: &str| shown.push_str(piece);
        let answered = answer(generator, question, passages, 100, &mut show)
            .now_or_never()
            .expect("these generators wait for nothing");
        if let Ok(answer) = &answered {
            assert_eq!(shown, answer.answer);
        }
        answered
    }

    const QUESTION: &str = "When does the lease end?";

    fn lease() -> [Passage; 2] {
        [
            passage("The house has two floors.\nThe rent is 900 euros a month."),
            passage("The lease was signed in Lyon.\nIt ends on 31 May 2027 unless\nboth sides renew it."),
        ]
    }

    #[test]
    fn each_sentence_is_cited_or_marked_whatever_the_generator_cites() {
        let written =
            Scripted("The lease ends on 31 May 2027. [7] The rent is 900 euros. The landlord lives in Peru [1].");
        let answer = ask(&written, QUESTION, &lease()).unwrap();
        assert_eq!(
            answer.answer,
            "The lease ends on 31 May 2027. [1] The rent is 900 euros. [2] The landlord lives in Peru. [unsupported]"
        );
        let quoted: Vec<_> = answer.citations.iter().map(|c| (c.n, c.first, c.last, c.quote.as_str())).collect();
        assert_eq!(
            quoted,
            [
                (1, 11, 12, "It ends on 31 May 2027 unless\nboth sides renew it."),
                (2, 11, 11, "The rent is 900 euros a month.")
            ]
        );
        assert_eq!(answer.unknown_citations, [7]);
        assert_eq!(answer.unsupported, ["The landlord lives in Peru."]);
        assert!(!answer.refused);
    }

    #[test]
    fn a_number_that_no_passage_has_is_not_supported() {
        let answer = ask(&Scripted("The lease ends on 31 May 2029."), QUESTION, &lease()).unwrap();
        assert_eq!(answer.answer, "The lease ends on 31 May 2029. [unsupported]");
        assert!(answer.citations.is_empty() && !answer.refused);
    }

    #[test]
    fn a_denial_that_no_passage_has_is_not_supported_and_what_is_said_twice_ends_the_answer() {
        let answer = ask(&Scripted("The lease does not end on 31 May 2027."), QUESTION, &lease()).unwrap();
        assert_eq!(answer.answer, "The lease does not end on 31 May 2027. [unsupported]");
        let again = Scripted("The rent is 900 euros. It is a house. The rent is 900 euros. It is a house. Never ends.");
        let answer = ask(&again, QUESTION, &lease()).unwrap();
        assert_eq!(answer.answer, "The rent is 900 euros. [1] It is a house. [1]");
        let prompt = Scripted("The rent is 900 euros.\n\nQuestion: When does the lease end?\nAnswer: It ends.");
        assert_eq!(ask(&prompt, QUESTION, &lease()).unwrap().answer, "The rent is 900 euros. [1]");
    }

    #[test]
    fn refusals_are_seen_and_nothing_is_made_up_without_passages() {
        let answer = ask(&Scripted("The passages do not say. [1]"), QUESTION, &lease()).unwrap();
        assert!(answer.refused && answer.sources.is_empty());
        assert_eq!(answer.answer, "The passages do not say.");
        let answer = ask(&Scripted("I was asked."), QUESTION, &[]).unwrap();
        assert_eq!((answer.answer.as_str(), answer.refused), (NOTHING_FOUND, true));
        assert!(ask(&Scripted(" "), QUESTION, &lease()).is_err());
    }

    #[test]
    fn quotes_are_cited_from_where_they_stand() {
        let answer = ask(&ExtractiveGenerator, QUESTION, &lease()).unwrap();
        let second = "It ends on 31 May 2027 unless\nboth sides renew it.";
        assert_eq!(answer.answer, format!("The lease was signed in Lyon. [1]\n\n{second} [1]"));
        assert_eq!(answer.citations.iter().map(|c| c.quote.as_str()).next_back(), Some(second));
    }

    proptest! {
        #[test]
        fn every_mark_has_its_source_and_every_quote_its_lines(
            texts in prop::collection::vec("[a-dA-D0-3 .!?\n#*-]{1,80}", 1..4),
            question in "[a-d ]{0,20}",
            written in prop::sample::select(vec![
                "Aa bb. [1] Cc 3 dd [2, 9].", "a b c d", "Abcd 12 [3]!\n\n- aa [0]\n- bb\n", "args[1] dd. ([2]) [unsupported]",
            ]),
        ) {
            let passages: Vec<Passage> = texts.iter().map(|text| passage(text)).collect();
            for generator in [&Scripted(written) as &dyn Generator, &ExtractiveGenerator] {
                let answer = ask(generator, &question, &passages).unwrap();
                let numbers: BTreeSet<usize> = answer.citations.iter().map(|citation| citation.n).collect();
                prop_assert_eq!(numbers, (1..=answer.sources.len()).collect::<BTreeSet<_>>());
                for citation in &answer.citations {
                    let lines = |text: &str| -> Vec<String> {
                        let from = citation.first as usize - 10;
                        text.lines().skip(from).take((citation.last - citation.first) as usize + 1).map(str::to_string).collect()
                    };
                    let mark = format!("[{}]", citation.n);
                    prop_assert!(answer.answer.contains(&mark));
                    prop_assert!(texts.iter().any(|text| lines(text).join("\n").contains(&citation.quote)));
                }
            }
        }
    }
}
