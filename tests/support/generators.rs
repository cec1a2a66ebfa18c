//! One question for every generator behind a server.

use futures::StreamExt;
use kinglet::Error;
use kinglet::models::contracts::Generator;
use kinglet::models::prompt::{Prompt, Task};

/// A question with the passage that answers it.
pub fn prompt() -> Prompt {
    Prompt {
        is_read: false,
        task: Task::Answer,
        question: "What colour is the sky?".into(),
        passages: vec!["The sky is blue.".into()],
        max_answer_tokens: 50,
    }
}

/// The text before the end or the error, and the error.
pub async fn ask(generator: &dyn Generator) -> (String, Option<Error>) {
    let mut tokens = generator.generate(&prompt());
    let mut text = String::new();
    while let Some(token) = tokens.next().await {
        match token {
            Ok(token) => text.push_str(&token.text),
            Err(error) => {
                assert!(tokens.next().await.is_none(), "an error ends the stream");
                return (text, Some(error));
            }
        }
    }
    (text, None)
}
