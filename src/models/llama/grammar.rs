//! What a very small model may write: one of the best quotes for each part of the question. In GBNF,
//! <https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md>.

use crate::models::prompt::{Prompt, REFUSAL, Task};

/// The name of the rule that an answer follows.
pub(super) const ROOT: &str = "root";

/// The grammar of the answers to `prompt`; `None` if it asks for no answer.
pub(super) fn of_quotes(prompt: &Prompt) -> Option<String> {
    if prompt.task != Task::Answer {
        return None;
    }
    let one_of = |quotes: Vec<&str>| format!("({})", quotes.into_iter().map(literal).collect::<Vec<_>>().join(" | "));
    let parts: Vec<String> = prompt.choices().into_iter().map(one_of).collect();
    let answer = if parts.is_empty() { literal(REFUSAL) } else { parts.join(&format!(" {} ", literal("\n\n"))) };
    Some(format!("{ROOT} ::= {answer}"))
}

/// The text as a literal of GBNF. Characters that mean something there are written by their numbers.
fn literal(text: &str) -> String {
    let plain = |character: char| character == ' ' || (character.is_alphanumeric() && character.is_ascii());
    let escaped = text.chars().map(|character| match character {
        character if plain(character) => character.to_string(),
        character => format!("\\U{:08X}", u32::from(character)),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::super::super::prompt::{PromptPassage, Quote};
    use super::*;

    #[test]
    fn an_answer_is_one_of_the_quotes_that_fit_or_a_refusal() {
        let quote = |text: &str, coverage, part| Quote { text: text.to_string(), score: 1.0, coverage, part };
        let quotes = vec![quote("A \"b\" c", 1.0, 0), quote("d\n", 1.0, 0), quote("e", 0.1, 0), quote("f", 1.0, 1)];
        let passage = PromptPassage { text: String::new(), quotes };
        let mut prompt =
            Prompt { task: Task::Answer, question: String::new(), passages: vec![passage], max_answer_tokens: 9 };
        let expected = r#"root ::= ("A \U00000022b\U00000022 c" | "d") "\U0000000A\U0000000A" ("f")"#;
        assert_eq!(of_quotes(&prompt).as_deref(), Some(expected));
        prompt.passages.clear();
        assert_eq!(of_quotes(&prompt), Some(format!("root ::= {}", literal(REFUSAL))));
        prompt.task = Task::Question;
        assert_eq!(of_quotes(&prompt), None);
    }
}
