//! Answers without a language model: quotes what fits the question best.

use futures::stream::{self, BoxStream, StreamExt};

use super::contracts::{Generator, Token};
use super::prompt::{Prompt, Quote, REFUSAL};
use crate::error::Result;
use crate::text::{estimated_tokens, sentences};

/// The most quotes for one part of a question after the best one.
const MAX_FURTHER: usize = 2;

/// A further sentence is quoted if its score is within this of the best one's.
const WORTH_QUOTING: f32 = 0.01;

/// Quotes the sentence that answers the question best, or the words of it that answer alone, and
/// other sentences that score nearly as high, each on lines of its own and followed by ` [n]`, in
/// the order of the passages. Writes [`REFUSAL`] if none covers enough of the question.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExtractiveGenerator;

impl ExtractiveGenerator {
    /// The name of this generator.
    pub const ID: &str = "extractive";
}

impl Generator for ExtractiveGenerator {
    fn name(&self) -> &str {
        Self::ID
    }

    /// There is no limit; the number only keeps sums from overflowing.
    fn context_tokens(&self) -> usize {
        1 << 30
    }

    fn prompt_tokens(&self, prompt: &Prompt) -> Result<usize> {
        let passages: usize = prompt.passages.iter().map(|passage| estimated_tokens(&passage.text)).sum();
        Ok(estimated_tokens(&prompt.question) + passages + 1)
    }

    fn generate(&self, prompt: &Prompt) -> BoxStream<'static, Result<Token>> {
        let mut pieces: Vec<String> = best_quotes(prompt)
            .into_iter()
            .map(|(passage, quote)| marked(quote.answer.as_ref().unwrap_or(&quote.text), passage + 1))
            .collect();
        if pieces.is_empty() {
            pieces.push(REFUSAL.to_string());
        }
        // A blank line separates sentences without a full stop: list items, table rows, code.
        pieces.iter_mut().skip(1).for_each(|piece| piece.insert_str(0, "\n\n"));
        stream::iter(pieces.into_iter().map(|text| Ok(text.into()))).boxed()
    }
}

/// The quote with the passage's mark after each of its sentences.
fn marked(quote: &str, number: usize) -> String {
    let mut text = String::new();
    let mut from = 0;
    for sentence in sentences(quote) {
        text.push_str(&format!("{} [{number}]", &quote[from..sentence.end]));
        from = sentence.end;
    }
    text + &quote[from..]
}

/// The best quotes for each part of the question with the indexes of their passages, in the order
/// of parts and passages, within the prompt's limit of answer tokens. The best one is quoted
/// whatever its length.
fn best_quotes(prompt: &Prompt) -> Vec<(usize, &Quote)> {
    let mut tokens_left = prompt.max_answer_tokens;
    let mut chosen: Vec<(usize, &Quote)> = Vec::new();
    for quotes in prompt.answering_quotes() {
        let least = quotes[0].1.score - WORTH_QUOTING;
        if quotes[0].1.answer.is_some() {
            chosen.push(quotes[0]);
            continue;
        }
        for (passage, quote) in quotes.into_iter().take_while(|(_, quote)| quote.score >= least).take(1 + MAX_FURTHER) {
            let needed = estimated_tokens(&quote.text) + 4;
            let is_new =
                chosen.iter().all(|(_, other)| !other.text.contains(&quote.text) && !quote.text.contains(&other.text));
            if chosen.is_empty() || (is_new && needed <= tokens_left) {
                chosen.push((passage, quote));
                tokens_left = tokens_left.saturating_sub(needed);
            }
        }
    }
    chosen.sort_by_key(|(passage, quote)| (quote.part, *passage));
    chosen
}

#[cfg(test)]
mod tests {
    use super::super::prompt::{PromptPassage, Task};
    use super::*;
    use futures::FutureExt;
    use proptest::prelude::*;

    /// What is written from passages whose quotes are (text, score, coverage).
    fn write(passages: &[&[(&str, f32, f32)]], max_answer_tokens: usize) -> String {
        let quote = |&(text, score, coverage): &(&str, f32, f32)| Quote {
            text: text.to_string(),
            score,
            coverage,
            part: 0,
            answer: None,
        };
        let passage = |quotes: &&[(&str, f32, f32)]| PromptPassage {
            text: quotes.iter().map(|(text, ..)| *text).collect::<Vec<_>>().join(" "),
            quotes: quotes.iter().map(quote).collect(),
        };
        let prompt = Prompt {
            task: Task::Answer,
            question: "When does the lease end?".to_string(),
            passages: passages.iter().map(passage).collect(),
            is_read: false,
            max_answer_tokens,
        };
        let tokens = ExtractiveGenerator.generate(&prompt).collect::<Vec<_>>().now_or_never();
        tokens.expect("it waits for nothing").into_iter().map(|token| token.expect("it never fails").text).collect()
    }

    #[test]
    fn the_best_quote_is_written_with_its_passage_and_those_that_are_nearly_as_good() {
        let first = [("The lease is long.", 0.5, 0.5), ("It was signed. It ends in May.", 0.9, 0.5)];
        assert_eq!(write(&[&first], 100), "It was signed. [1] It ends in May. [1]");
        let second = [("The lease ends on 31 May.", 0.905, 0.5)];
        let both = "It was signed. [1] It ends in May. [1]\n\nThe lease ends on 31 May. [2]";
        assert_eq!(write(&[&first, &second], 100), both);
        assert_eq!(write(&[&first, &second], 5), "The lease ends on 31 May. [2]");
    }

    #[test]
    fn a_question_that_no_quote_covers_is_refused() {
        assert_eq!(write(&[&[("Kinglets nest in firs.", 0.9, 0.1)]], 100), REFUSAL);
        assert_eq!(write(&[], 100), REFUSAL);
        assert_eq!(write(&[&[]], 100), REFUSAL);
    }

    proptest! {
        #[test]
        fn every_quote_is_written_word_for_word(
            quotes in prop::collection::vec(("[a-dA-D .!?\n#*-]{0,40}", 0.0f32..1.0, 0.0f32..1.0), 0..6),
            max_answer_tokens in 0usize..40,
        ) {
            let given: Vec<(&str, f32, f32)> = quotes.iter().map(|(text, score, coverage)| (text.as_str(), *score, *coverage)).collect();
            let answer = write(&[&given], max_answer_tokens);
            if answer != REFUSAL {
                let bare = answer.replace(" [1]", "");
                let mut rest = bare.as_str();
                let mut texts: Vec<&str> = given.iter().map(|(text, ..)| *text).collect();
                texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
                while !rest.is_empty() {
                    let next = texts.iter().find(|text| !text.is_empty() && rest.starts_with(**text));
                    prop_assert!(next.is_some() || rest.starts_with("\n\n"), "{rest:?}");
                    rest = &rest[next.map_or(2, |next| next.len())..];
                }
            }
        }
    }
}
