//! Chooses the passages that fit into the generator's context.

use super::Passage;
use crate::error::{Error, Result};
use crate::models::contracts::Generator;
use crate::models::prompt::{Prompt, Task};
use crate::text::sentences;

/// Builds the prompt from the first passages that fit into the generator's context beside the
/// question and an answer of `max_answer_tokens`. The first passage is always in, if need be
/// without its last sentences.
///
/// # Errors
/// When not even one sentence of the first passage fits, or the generator cannot count.
pub(super) fn build_prompt(
    generator: &dyn Generator,
    question: &str,
    passages: &[Passage],
    max_answer_tokens: usize,
) -> Result<Prompt> {
    let mut prompt =
        Prompt { task: Task::Answer, question: question.to_string(), passages: Vec::new(), max_answer_tokens };
    let room = generator.context_tokens().saturating_sub(max_answer_tokens);
    for passage in passages {
        prompt.passages.push(with_headings(passage, &passage.chunk.text));
        if generator.prompt_tokens(&prompt)? > room {
            prompt.passages.pop();
            break;
        }
    }
    if prompt.passages.is_empty()
        && let Some(first) = passages.first()
    {
        let text = &first.chunk.text;
        let mut ends = sentences(text).into_iter().rev().map(|sentence| sentence.end);
        let longest = ends.find_map(|end| {
            let cut = Prompt { passages: vec![with_headings(first, &text[..end])], ..prompt.clone() };
            match generator.prompt_tokens(&cut) {
                Ok(tokens) if tokens > room => None,
                Ok(_) => Some(Ok(cut)),
                Err(error) => Some(Err(error)),
            }
        });
        return longest.unwrap_or_else(|| {
            Err(Error::input(format!(
                "the question leaves no room for a passage: {} reads {} tokens, {max_answer_tokens} of them for its answer",
                generator.name(),
                generator.context_tokens()
            ))
            .with_hint("ask a shorter question, or lower answer_tokens"))
        });
    }
    Ok(prompt)
}

/// A passage as the generator reads it: the headings that its text does not show, then the text.
fn with_headings(passage: &Passage, text: &str) -> String {
    match passage.chunk.context() {
        context if context.is_empty() => text.to_string(),
        context => format!("# {context}\n\n{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::passage;
    use super::*;
    use crate::models::contracts::Token;
    use futures::stream::{self, BoxStream, StreamExt};
    use proptest::prelude::*;

    /// Reads words: as many as it was made with.
    struct Small(usize);

    impl Generator for Small {
        fn name(&self) -> &str {
            "small"
        }
        fn context_tokens(&self) -> usize {
            self.0
        }
        fn prompt_tokens(&self, prompt: &Prompt) -> Result<usize> {
            Ok(prompt.passages.iter().chain([&prompt.question]).map(|text| text.split_whitespace().count()).sum())
        }
        fn generate(&self, _: &Prompt) -> BoxStream<'static, Result<Token>> {
            stream::empty().boxed()
        }
    }

    proptest! {
        #[test]
        fn as_many_passages_as_fit_are_taken_in_order(
            texts in prop::collection::vec("([a-z]{1,3}[ .]{1,2}){1,12}", 1..6),
            context_tokens in 0usize..60,
            answer_tokens in 0usize..10,
        ) {
            let passages: Vec<Passage> = texts.iter().map(|text| passage(text)).collect();
            let generator = Small(context_tokens);
            match build_prompt(&generator, "why so", &passages, answer_tokens) {
                Ok(prompt) => {
                    prop_assert!(generator.prompt_tokens(&prompt).unwrap() + answer_tokens <= context_tokens);
                    prop_assert!(!prompt.passages.is_empty());
                    for (packed, text) in prompt.passages.iter().zip(&texts) {
                        let rest = packed.strip_prefix("# Guide\n\n").unwrap();
                        prop_assert!(text.starts_with(rest) && (rest == text || prompt.passages.len() == 1));
                    }
                    if let Some(next) = passages.get(prompt.passages.len()).filter(|_| prompt.passages.len() > 1) {
                        let mut more = prompt.clone();
                        more.passages.push(with_headings(next, &next.chunk.text));
                        prop_assert!(generator.prompt_tokens(&more).unwrap() + answer_tokens > context_tokens);
                    }
                }
                Err(error) => prop_assert!(error.to_string().contains("no room")),
            }
        }
    }
}
