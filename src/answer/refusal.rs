//! Recognises sentences that say the passages hold no answer.

use crate::text::words;

/// The subjects of a refusal. A refusal has one of them, and one of [`SILENCES`] after it.
const SPEAKERS: [&str; 10] =
    ["passage", "passages", "text", "texts", "context", "document", "documents", "source", "sources", "information"];
const SILENCES: [&str; 22] = [
    "not say",
    "not state",
    "not mention",
    "not provide",
    "not specify",
    "not contain",
    "not include",
    "not give",
    "not answer",
    "not hold",
    "not discuss",
    "not address",
    "not explain",
    "not describe",
    "not indicate",
    "not tell",
    "no information",
    "no mention",
    "no answer",
    "not mentioned",
    "not specified",
    "not provided",
];

/// Phrases by which a model refuses without such a subject.
const ADMISSIONS: [&str; 9] = [
    "i do not know",
    "i don't know",
    "i cannot answer",
    "i can't answer",
    "i could not find",
    "i am unable to answer",
    "cannot be answered",
    "not possible to answer",
    "not possible to determine",
];

/// True if `sentence` says that the passages do not hold the answer. Only its words are considered:
/// a sentence that also gives an answer still counts as a refusal.
pub(super) fn is_refusal(sentence: &str) -> bool {
    let text = words(&sentence.replace('’', "'")).collect::<Vec<_>>().join(" ");
    let text = format!(" {} ", text.replace("n't ", " not ").replace("cannot ", "can not "));
    let has = |phrase: &str| text.find(&format!(" {} ", phrase.replace("n't", " not").replace("cannot", "can not")));
    let speaker = SPEAKERS.iter().filter_map(|speaker| has(speaker)).min();
    let silence = SILENCES.iter().filter_map(|silence| has(silence)).max();
    let says_nothing = matches!((speaker, silence), (Some(speaker), Some(silence)) if speaker < silence);
    says_nothing || ADMISSIONS.iter().any(|admission| has(admission).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_recognised() {
        for sentence in [
            crate::models::prompt::REFUSAL,
            "The passage does not mention who won.",
            "The provided text doesn't specify the year.",
            "The text doesn’t say.",
            "Based on the given context, the answer is not provided.",
            "I'm sorry, but I don't know.",
            "The passages contain no information about kinglets.",
            "This cannot be answered from the passages.",
        ] {
            assert!(is_refusal(sentence), "{sentence}");
        }
    }

    #[test]
    fn answers_are_not_taken_for_refusals() {
        for sentence in [
            "The lease does not say who pays.",
            "It is not possible to lose a file.",
            "The tenant must not give notice by e-mail.",
            "Plain text is read as it is.",
            "The command does not include hidden files.",
            "",
        ] {
            assert!(!is_refusal(sentence), "{sentence}");
        }
    }
}
