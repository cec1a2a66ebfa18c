//! Leaves the thinking of a model out of its answer.

use futures::stream::{self, BoxStream, StreamExt};

use super::contracts::Token;
use crate::error::{Error, Result};

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// The answer in `tokens` without the thinking that it begins with: `<think>…</think>`, or only
/// `…</think>` if the prompt `has_begun` the thinking. Blanks after it are left out too; later
/// marks are text like any other. If the answer ends while `model` still thinks, the stream ends
/// with an error.
pub fn without_thinking(
    tokens: BoxStream<'static, Result<Token>>,
    model: &str,
    has_begun: bool,
) -> BoxStream<'static, Result<Token>> {
    let state =
        if has_begun { ThinkingState::Thinking(String::new()) } else { ThinkingState::Beginning(String::new()) };
    stream::unfold(Some((tokens, state, model.to_string())), |stream| async {
        let (mut tokens, mut state, model) = stream?;
        loop {
            match tokens.next().await {
                Some(Ok(token)) => {
                    let text;
                    (state, text) = state.after(token.text);
                    if !text.is_empty() {
                        return Some((Ok(Token { text, ..token }), Some((tokens, state, model))));
                    }
                }
                Some(Err(error)) => return Some((Err(error), None)),
                None => return state.end(&model).map(|last| (last, None)),
            }
        }
    })
    .boxed()
}

/// Where in an answer the last token was, with the text of which it is not yet known what it is.
enum ThinkingState {
    Beginning(String),
    Thinking(String),
    AfterThinking,
    Answering,
}

impl ThinkingState {
    /// The state after `text`, and the part of the answer that is known by it.
    fn after(self, text: String) -> (ThinkingState, String) {
        match self {
            ThinkingState::Beginning(before) => {
                let text = before + &text;
                match text.trim_start() {
                    begun if begun.starts_with(OPEN) => {
                        ThinkingState::Thinking(String::new()).after(begun[OPEN.len()..].into())
                    }
                    begun if OPEN.starts_with(begun) => (ThinkingState::Beginning(text), String::new()),
                    _ => (ThinkingState::Answering, text),
                }
            }
            ThinkingState::Thinking(before) => {
                let text = before + &text;
                match text.split_once(CLOSE) {
                    Some((_, answer)) => ThinkingState::AfterThinking.after(answer.to_string()),
                    None => {
                        // The mark's own beginning may be the end of this text.
                        let kept = text.char_indices().rev().nth(CLOSE.len() - 1).map_or(0, |(at, _)| at);
                        (ThinkingState::Thinking(text[kept..].to_string()), String::new())
                    }
                }
            }
            ThinkingState::AfterThinking => match text.trim_start() {
                "" => (ThinkingState::AfterThinking, String::new()),
                answer => (ThinkingState::Answering, answer.to_string()),
            },
            ThinkingState::Answering => (ThinkingState::Answering, text),
        }
    }

    /// What comes last when the answer ends in this state.
    fn end(self, model: &str) -> Option<Result<Token>> {
        match self {
            ThinkingState::Beginning(text) if !text.is_empty() => Some(Ok(Token::from(text))),
            ThinkingState::Thinking(_) => {
                Some(Err(Error::model(format!("{model} was still thinking at the longest answer"))
                    .with_hint("use a model without thinking, or one whose thinking its chat template can switch off")))
            }
            ThinkingState::Beginning(_) | ThinkingState::AfterThinking | ThinkingState::Answering => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shown(text: &str, has_begun: bool, piece_chars: usize) -> std::result::Result<String, String> {
        let characters: Vec<char> = text.chars().collect();
        let pieces: Vec<_> =
            characters.chunks(piece_chars).map(|it| Ok(Token::from(it.iter().collect::<String>()))).collect();
        let stream = without_thinking(stream::iter(pieces).boxed(), "tiny", has_begun);
        let tokens: Vec<_> = stream.collect().await;
        tokens.into_iter().map(|token| token.map(|token| token.text).map_err(|error| error.to_string())).collect()
    }

    #[tokio::test]
    async fn thinking_at_the_beginning_is_left_out_however_the_text_is_cut() {
        for piece_chars in 1..9 {
            let shown = |text, has_begun| shown(text, has_begun, piece_chars);
            for (text, answer) in [
                ("The lease ends in May.", "The lease ends in May."),
                ("<think>\n\n</think>\n\nIn May.", "In May."),
                (" \n<think>Über <b> </thin k> …</think> In May. <think>", "In May. <think>"),
                ("<thick> walls", "<thick> walls"),
                ("<th", "<th"),
                ("", ""),
            ] {
                assert_eq!(shown(text, false).await.unwrap(), answer);
            }
            assert_eq!(shown("Let me see.</think>\nIn May.", true).await.unwrap(), "In May.");
            assert!(shown("<think>Let me see", false).await.unwrap_err().contains("tiny was still thinking"));
            assert!(shown("Let me see", true).await.is_err());
        }
    }
}
