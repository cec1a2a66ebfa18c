//! What a very small model may write: one of the best quotes for each part of the question. In
//! GBNF, <https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md>.

/// The name of the rule that an answer follows.
pub(super) const ROOT: &str = "root";

/// The grammar of the answers that consist of one of the quotes for each part of the question.
pub(super) fn of_choices(parts: &[Vec<&str>]) -> String {
    let one_of = |quotes: &Vec<&str>| quotes.iter().map(|quote| literal(quote)).collect::<Vec<_>>().join(" | ");
    let parts: Vec<String> = parts.iter().map(|quotes| format!("({})", one_of(quotes))).collect();
    format!("{ROOT} ::= {}", parts.join(&format!(" {} ", literal("\n\n"))))
}

/// The text as a literal of GBNF. Characters that mean something there are written by their
/// numbers.
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
    use super::*;

    #[test]
    fn an_answer_is_one_of_the_quotes_for_each_part() {
        let expected = r#"root ::= ("A \U00000022b\U00000022 c" | "d") "\U0000000A\U0000000A" ("f")"#;
        assert_eq!(of_choices(&[vec!["A \"b\" c", "d"], vec!["f"]]), expected);
    }
}
