//! Lets a language model write questions that a passage answers.

use std::sync::Arc;

use futures::StreamExt;

use super::question_generation::QuestionWriter;
use crate::config::{Config, GeneratorChoice};
use crate::engine::{Kinglet, runtime};
use crate::error::{Error, Result};
use crate::models::catalog::ModelSpec;
use crate::models::prompt::{Prompt, Task};
use crate::models::reference::GeneratorRef;

/// The most tokens of a question.
const MAX_QUESTION_TOKENS: usize = 40;
/// A shorter or longer line is no question.
const QUESTION_CHARS: std::ops::Range<usize> = 12..200;

impl Kinglet {
    /// The models that [`Kinglet::question_writer`] needs.
    ///
    /// # Errors
    /// When there is no such generator.
    pub fn models_for_question_writer(&self, generator: &GeneratorRef) -> Result<Vec<Arc<ModelSpec>>> {
        self.for_question_writing(generator)?.models_for_answering()
    }

    /// Opens a generator that writes questions. Needs a tokio runtime, which the caller must have
    /// entered.
    ///
    /// # Errors
    /// When there is no such generator, it only quotes, or it is not installed.
    pub fn question_writer(&self, generator: &GeneratorRef) -> Result<Box<QuestionWriter<'static>>> {
        let generator = self.for_question_writing(generator)?.open_generator()?;
        let runtime = runtime()?;
        Ok(Box::new(move |passage: &str| {
            let prompt = Prompt {
                task: Task::Question,
                question: String::new(),
                passages: vec![passage.into()],
                is_read: false,
                max_answer_tokens: MAX_QUESTION_TOKENS,
            };
            let written = runtime.block_on(async {
                let mut stream = generator.generate(&prompt);
                let mut written = String::new();
                while let Some(token) = stream.next().await {
                    written.push_str(&token?.text);
                    if written.contains('?') {
                        break;
                    }
                }
                Ok::<_, Error>(written)
            })?;
            Ok(question_in(&written))
        }))
    }

    fn for_question_writing(&self, generator: &GeneratorRef) -> Result<Kinglet> {
        let generator = match generator {
            GeneratorRef::Extractive => {
                return Err(Error::input("extractive only quotes, so it cannot write questions")
                    .with_hint("name a language model"));
            }
            generator => GeneratorChoice::Use(generator.clone()),
        };
        Ok(self.clone().with_config(Config { generator, ..self.config().clone() }))
    }
}

/// The first line that is a question.
fn question_in(written: &str) -> Option<String> {
    let mut lines = written.lines().map(|line| line.trim().trim_start_matches("Question:").trim());
    let line = lines.find(|line| line.ends_with('?'))?;
    QUESTION_CHARS.contains(&line.chars().count()).then(|| line.to_string())
}

#[cfg(test)]
mod tests {
    use super::question_in;

    #[test]
    fn only_a_line_that_is_a_question_of_some_length_is_taken() {
        assert_eq!(
            question_in("Sure.\nQuestion: Who pays for small repairs?").as_deref(),
            Some("Who pays for small repairs?")
        );
        assert_eq!(question_in("Why?\nWho pays for small repairs?"), None);
        assert_eq!(question_in("The tenant pays for small repairs."), None);
    }
}
