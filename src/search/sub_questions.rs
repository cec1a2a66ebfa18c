//! Splits a question that asks for two things, because their answers may stand in two places.

/// The words that a part of a question begins with.
const ASKING: [&str; 22] = [
    "what", "when", "where", "which", "who", "whom", "whose", "why", "how", "is", "are", "was", "were", "do", "does",
    "did", "can", "could", "may", "must", "should", "will",
];

/// A part with one of these words cannot be understood without the part before it.
const REFERRING: [&str; 12] = ["it", "its", "he", "his", "him", "she", "her", "they", "their", "them", "this", "that"];

/// The shortest part, in words.
const LEAST_WORDS: usize = 3;

/// The questions that `question` consists of, in order: sentences that end with a question mark, two
/// questions joined by "and" or "or", and the two sides of "the difference between A and B" or
/// "compare A and B". Most questions are one. The rules know English only.
pub fn sub_questions(question: &str) -> Vec<String> {
    let parts: Vec<&str> = question.split_inclusive('?').map(str::trim).filter(|part| !part.is_empty()).collect();
    let parts: Vec<String> =
        parts.into_iter().flat_map(|part| compared(part).unwrap_or_else(|| joined(part))).collect();
    if parts.is_empty()
        || parts.iter().any(|part| words(part).len() < LEAST_WORDS)
        || parts.iter().skip(1).any(|part| refers(part))
    {
        return vec![question.to_string()];
    }
    parts
}

fn words(text: &str) -> Vec<String> {
    crate::text::words(text).collect()
}

fn asks(text: &str) -> bool {
    words(text).first().is_some_and(|first| ASKING.contains(&first.as_str()))
}

fn refers(part: &str) -> bool {
    words(part).iter().any(|word| REFERRING.contains(&word.as_str()))
}

/// Two questions joined by a conjunction.
fn joined(text: &str) -> Vec<String> {
    for conjunction in [" and ", " or ", ", "] {
        for (at, _) in text.match_indices(conjunction) {
            let (first, second) = (text[..at].trim_end_matches(','), &text[at + conjunction.len()..]);
            if asks(first) && asks(second) && words(first).len() >= LEAST_WORDS && words(second).len() >= LEAST_WORDS {
                return [vec![first.to_string()], joined(second)].concat();
            }
        }
    }
    vec![text.to_string()]
}

/// What is compared: "What is the difference in price between the lease and the sublease?" asks for
/// the price of both.
fn compared(text: &str) -> Option<Vec<String>> {
    let lower = text.to_ascii_lowercase();
    let (topic, both) = if let Some(rest) = lower.strip_prefix("compare ") {
        ("", &text[text.len() - rest.len()..])
    } else {
        let at = lower.find("difference")? + "difference".len();
        let (topic, both) = text[at..].split_once(" between ")?;
        (topic.trim_start_matches('s').trim_start_matches(" in"), both)
    };
    let sides = both.trim_end_matches(['?', '.', ' ']).split_once(" and ").or_else(|| both.split_once(" with "))?;
    Some([sides.0, sides.1].map(|side| format!("{topic} {}", side.trim()).trim().to_string()).to_vec())
}

#[cfg(test)]
mod tests {
    use super::sub_questions;

    #[test]
    fn a_question_that_asks_for_two_things_becomes_two() {
        let cases: [(&str, &[&str]); 11] = [
            ("Who pays for repairs?", &["Who pays for repairs?"]),
            ("Who pays for repairs and cleaning?", &["Who pays for repairs and cleaning?"]),
            (
                "When is the export and when are the servers sold?",
                &["When is the export", "when are the servers sold?"],
            ),
            ("Who signs the lease? When does the lease end?", &["Who signs the lease?", "When does the lease end?"]),
            ("Who is the landlord and what is his number?", &["Who is the landlord and what is his number?"]),
            ("Where is it, and who owns the house?", &["Where is it", "who owns the house?"]),
            (
                "What is the difference in price between the small flat and the large flat?",
                &["price the small flat", "price the large flat"],
            ),
            ("Compare the old lease with the new lease.", &["the old lease", "the new lease"]),
            ("Compare A and B", &["Compare A and B"]),
            ("Why and how?", &["Why and how?"]),
            ("", &[""]),
        ];
        for (question, parts) in cases {
            assert_eq!(sub_questions(question), parts, "{question}");
        }
    }
}
