//! Answers without a language model: quotes the sentences that fit the question best.

use std::collections::{HashMap, HashSet};

use futures::stream::{self, BoxStream, StreamExt};

use super::contracts::{Generator, Token};
use super::prompt::{Prompt, REFUSAL};
use crate::error::Result;
use crate::text::{content_words, estimated_tokens, sentences};

/// The most sentences that are quoted.
const MAX_SENTENCES: usize = 3;

/// A sentence is quoted after the best one only if it scores at least this share of the best one's
/// score.
const WORTH_QUOTING: f32 = 0.6;

/// The factor by which a sentence's score shrinks for each place that its passage is further down.
const NEXT_PASSAGE: f32 = 0.95;

/// Quotes at most three sentences, each on lines of its own and followed by ` [n]`, in the order of
/// the passages. The score of a sentence depends on the words that it shares with the question,
/// each weighted by how few sentences have it (BM25's idf), and slightly on the rank of its
/// passage; long sentences score lower, as in BM25. Writes [`REFUSAL`] if no sentence shares a word
/// with the question other than stop words.
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
        let passages: usize = prompt.passages.iter().map(|passage| estimated_tokens(passage)).sum();
        Ok(estimated_tokens(&prompt.question) + passages + 1)
    }

    fn generate(&self, prompt: &Prompt) -> BoxStream<'static, Result<Token>> {
        let quotes = best_sentences(prompt);
        let mut pieces: Vec<String> =
            quotes.iter().map(|quote| format!("{} [{}]", quote.text, quote.passage + 1)).collect();
        if pieces.is_empty() {
            pieces.push(REFUSAL.to_string());
        }
        // A blank line separates sentences without a full stop: list items, table rows, code.
        pieces.iter_mut().skip(1).for_each(|piece| piece.insert_str(0, "\n\n"));
        stream::iter(pieces.into_iter().map(|text| Ok(Token { text }))).boxed()
    }
}

/// A sentence of a passage.
struct Quote<'p> {
    passage: usize,
    text: &'p str,
    words: HashSet<String>,
    length: usize,
}

/// The best sentences for the question, in the order of the passages, within the prompt's limit of
/// answer tokens.
fn best_sentences(prompt: &Prompt) -> Vec<Quote<'_>> {
    let question_words: HashSet<String> = content_words(&prompt.question).collect();
    let quotes: Vec<Quote> = prompt
        .passages
        .iter()
        .enumerate()
        .flat_map(|(passage, text)| {
            sentences(text)
                .into_iter()
                .map(move |span| (passage, span.of(text)))
                .filter(|(_, text)| !text.starts_with('#'))
        })
        .map(|(passage, text)| {
            let words: Vec<String> = content_words(text).collect();
            Quote { passage, text, length: words.len(), words: words.into_iter().collect() }
        })
        .collect();
    let mut frequency: HashMap<&str, usize> = HashMap::new();
    for word in quotes.iter().flat_map(|quote| &quote.words) {
        *frequency.entry(word).or_default() += 1;
    }
    let mean_length = quotes.iter().map(|quote| quote.length).sum::<usize>() as f32 / quotes.len().max(1) as f32;
    let score = |quote: &Quote| -> f32 {
        let mut shared: Vec<&String> = question_words.intersection(&quote.words).collect();
        shared.sort_unstable(); // sums of floats depend on the order
        let weights = shared.into_iter().map(|word| {
            let frequency = frequency.get(word.as_str()).copied().unwrap_or_default() as f32;
            (1.0 + (quotes.len() as f32 - frequency + 0.5) / (frequency + 0.5)).ln()
        });
        let length = 1.0 + 0.3 * (quote.length as f32 / mean_length - 1.0).max(-0.5);
        weights.sum::<f32>() / length * NEXT_PASSAGE.powi(i32::try_from(quote.passage).unwrap_or(i32::MAX))
    };
    let mut ranked: Vec<(f32, usize)> = quotes.iter().enumerate().map(|(index, quote)| (score(quote), index)).collect();
    ranked.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
    let best = ranked.first().map_or(0.0, |(score, _)| *score);

    let mut chosen: Vec<usize> = Vec::new();
    let mut tokens_left = prompt.max_answer_tokens;
    for (score, index) in ranked {
        let needed = estimated_tokens(quotes[index].text) + 4;
        let is_new = chosen.iter().all(|&other| quotes[other].text != quotes[index].text);
        if score > 0.0 && score >= WORTH_QUOTING * best && is_new && needed <= tokens_left {
            chosen.push(index);
            tokens_left -= needed;
        }
        if chosen.len() == MAX_SENTENCES {
            break;
        }
    }
    chosen.sort_unstable();
    quotes.into_iter().enumerate().filter(|(index, _)| chosen.contains(index)).map(|(_, quote)| quote).collect()
}

#[cfg(test)]
mod tests {
    use super::super::prompt::Task;
    use super::*;
    use futures::FutureExt;
    use proptest::prelude::*;

    fn write(question: &str, passages: &[&str], max_answer_tokens: usize) -> String {
        let prompt = Prompt {
            task: Task::Answer,
            question: question.to_string(),
            passages: passages.iter().map(ToString::to_string).collect(),
            max_answer_tokens,
        };
        let tokens = ExtractiveGenerator.generate(&prompt).collect::<Vec<_>>().now_or_never();
        tokens.expect("it waits for nothing").into_iter().map(|token| token.expect("it never fails").text).collect()
    }

    #[test]
    fn the_sentence_with_the_rarest_shared_words_is_quoted_with_its_passage() {
        let passages = [
            "The lease is long. The lease was signed in March. It has four parts.",
            "The deposit is two months' rent. It is paid back\nwhen the lease ends.",
        ];
        assert_eq!(write("How much is the deposit?", &passages, 100), "The deposit is two months' rent. [2]");
        let ends = write("When is the deposit paid back?", &passages, 100);
        assert!(ends.contains("It is paid back\nwhen the lease ends. [2]"), "{ends}");
    }

    #[test]
    fn a_question_without_shared_words_is_refused() {
        assert_eq!(write("Where do kinglets nest?", &["The lease ends in May."], 100), REFUSAL);
        assert_eq!(write("What is it?", &["What it is."], 100), REFUSAL);
        assert_eq!(write("lease", &[], 100), REFUSAL);
        assert_eq!(write("lease", &["The lease ends in May."], 3), REFUSAL);
    }

    proptest! {
        #[test]
        fn every_quote_is_in_its_passage(
            passages in prop::collection::vec("[a-dA-D .!?\n#*-]{0,80}", 0..4),
            question in "[a-d ]{0,20}",
        ) {
            let given: Vec<&str> = passages.iter().map(String::as_str).collect();
            let answer = write(&question, &given, 200);
            if answer != REFUSAL {
                let quotes: Vec<_> = answer.split("]\n\n").collect();
                prop_assert!(quotes.len() <= MAX_SENTENCES);
                for quote in quotes {
                    let (text, number) = quote.trim_end_matches(']').rsplit_once(" [").expect("each has its number");
                    let number: usize = number.parse().expect("a number");
                    prop_assert!(passages[number - 1].contains(text));
                }
            }
        }
    }
}
