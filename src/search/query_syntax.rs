//! What is typed becomes words to rank by and conditions: `"two words"` stand next to each other,
//! `-word` does not occur. All else is plain text.

use std::collections::HashSet;

use super::Filter;

/// What was typed, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedQuery {
    /// The words to rank by: all but what is excluded, without the quotes.
    pub text: String,
    /// The words in quotes.
    pub phrases: Vec<String>,
    /// What passages must have and must not have.
    pub conditions: Vec<Filter>,
}

/// Nobody types a longer phrase.
const MOST_PHRASE_BYTES: usize = 400;
/// The most different conditions that somebody types.
const MOST_CONDITIONS: usize = 16;
const QUOTES: [(char, &[char]); 4] = [('"', &['"']), ('“', &['”']), ('„', &['“', '”']), ('«', &['»'])];

impl TypedQuery {
    /// All of `typed` as plain text.
    pub fn literal(typed: &str) -> Self {
        TypedQuery { text: typed.to_string(), phrases: Vec::new(), conditions: Vec::new() }
    }

    /// Takes `typed` apart. A quote that nothing closes, a dash alone, `--flag` and `-5` are plain
    /// text. So is everything that has more conditions than anybody types: it was pasted.
    pub fn parse(typed: &str) -> Self {
        let mut parsed = TypedQuery::literal("");
        let mut rest = typed;
        let mut before = None;
        while let Some(first) = rest.chars().next() {
            let begins = before.is_none_or(|before: char| !before.is_alphanumeric() && before != '-');
            let after_dash = rest.strip_prefix('-').filter(|_| before.is_none_or(char::is_whitespace));
            let taken = if let Some((phrase, length)) = begins.then(|| quoted(rest)).flatten() {
                parsed.text.push_str(phrase);
                parsed.phrases.push(phrase.to_string());
                parsed.conditions.push(Filter::Phrase(phrase.to_string()));
                length
            } else if let Some((phrase, length)) = after_dash.and_then(quoted) {
                parsed.conditions.push(Filter::Not(Box::new(Filter::Phrase(phrase.to_string()))));
                1 + length
            } else if let Some(word) = after_dash.and_then(excluded_word) {
                // An identifier or a compound is left out as it is, a plain word in all its forms.
                let is_plain = word.chars().all(char::is_alphanumeric);
                let excluded = if is_plain { Filter::Words } else { Filter::Phrase }(word.to_string());
                parsed.conditions.push(Filter::Not(Box::new(excluded)));
                1 + word.len()
            } else {
                // Nothing in quotes is no phrase, nor is what follows it.
                let length = if rest.starts_with("\"\"") { 2 } else { first.len_utf8() };
                parsed.text.push_str(&rest[..length]);
                length
            };
            before = rest[..taken].chars().next_back();
            rest = &rest[taken..];
        }
        let mut seen = HashSet::new();
        parsed.conditions.retain(|condition| seen.insert(condition.to_string()));
        parsed.phrases.sort_unstable();
        parsed.phrases.dedup();
        parsed.text = parsed.text.split_whitespace().collect::<Vec<_>>().join(" ");
        if parsed.conditions.is_empty() || parsed.conditions.len() > MOST_CONDITIONS {
            return TypedQuery::literal(typed);
        }
        parsed
    }
}

/// The words in quotes at the start of `text`, and the bytes that they take with the quotes.
fn quoted(text: &str) -> Option<(&str, usize)> {
    let first = text.chars().next()?;
    let (_, closing) = QUOTES.iter().find(|(opening, _)| *opening == first)?;
    let inside = &text[first.len_utf8()..];
    let end = inside[..inside.floor_char_boundary(MOST_PHRASE_BYTES)].find(*closing)?;
    let close = inside[end..].chars().next()?;
    let after = inside[end + close.len_utf8()..].chars().next();
    let phrase = inside[..end].trim();
    let is_closed = after.is_none_or(|after| !after.is_alphanumeric());
    (is_closed && phrase.contains(char::is_alphanumeric)).then_some((phrase, first.len_utf8() + end + close.len_utf8()))
}

/// The word up to the next space, if it begins with a letter.
fn excluded_word(text: &str) -> Option<&str> {
    let word = text.split(char::is_whitespace).next()?;
    let word = word.trim_end_matches(|last: char| !last.is_alphanumeric());
    word.starts_with(char::is_alphabetic).then_some(word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(typed: &str) -> (String, String) {
        let parsed = TypedQuery::parse(typed);
        let conditions: Vec<String> = parsed.conditions.iter().map(ToString::to_string).collect();
        (parsed.text, conditions.join(" and "))
    }

    #[test]
    fn quotes_and_dashes_make_conditions() {
        for (typed, text, conditions) in [
            ("\"cold start\" time", "cold start time", "\"cold start\""),
            ("(\"cold start\")", "(cold start)", "\"cold start\""),
            ("„kalter Start“ «à froid»", "kalter Start à froid", "\"kalter Start\" and \"à froid\""),
            ("lease -deposit", "lease", "-deposit"),
            ("lease -deposit, -well-known", "lease ,", "-deposit and -\"well-known\""),
            ("lease -\"two months\" end", "lease end", "-\"two months\""),
        ] {
            assert_eq!(parsed(typed), (text.to_string(), conditions.to_string()), "{typed}");
        }
    }

    #[test]
    fn all_else_is_plain_text() {
        for typed in [
            "",
            "\"",
            "a \" b",
            "5\" pipe and 3\" pipe",
            "a - b",
            "--no-correct",
            "-5 degrees",
            "well-known",
            "\"\"",
            "path:docs type=pdf",
            "say \"yes\"no",
            "don't 'quote' me",
            "a -- b",
        ] {
            assert_eq!(TypedQuery::parse(typed), TypedQuery::literal(typed), "{typed}");
        }
    }

    #[test]
    fn a_condition_counts_once_and_pasted_text_has_none() {
        assert_eq!(TypedQuery::parse("\"a b\" \"a b\" -c -c").conditions.len(), 2);
        assert_eq!(parsed("-deposit"), (String::new(), "-deposit".to_string()));
        let pasted: String = (0..40).map(|at| format!("say(\"line {at}\"); ")).collect();
        assert!(TypedQuery::parse("name = \"\" and title = \"\" in it").conditions.is_empty());
        assert_eq!(TypedQuery::parse(&pasted), TypedQuery::literal(&pasted));
    }

    proptest! {
        #[test]
        fn anything_can_be_typed(typed in ".{0,60}|[-a \"“”„5]{0,20}") {
            let parsed = TypedQuery::parse(&typed);
            prop_assert!(parsed.conditions.len() <= MOST_CONDITIONS);
            prop_assert!(parsed.conditions.len() >= parsed.phrases.len());
        }
    }
}
