//! Lists, counts and durations in words.

/// The columns of a comparison of answers, each with what it says.
pub const ANSWER_COLUMNS: [(&str, &str); 5] = [
    (
        "right",
        "questions whose answer, or a quote that it cites, has the words of the known answer; without such words, questions whose answer cites a right document",
    ),
    ("95 % interval", "where this share probably lies for all questions like these"),
    ("answered", "questions with an answer"),
    ("refused", "questions without one"),
    ("supported", "answers of which the documents support every sentence"),
];

/// The commands that make a system the default of an index: chunks of another size come first.
pub fn commands_to_use(system: &str, index: &str) -> Vec<String> {
    let size = system.split(',').find_map(|setting| setting.strip_prefix("chunking="));
    let cut_anew = size.map(|size| format!("kinglet index --index {index} --chunking {size}"));
    cut_anew.into_iter().chain([format!("kinglet use {system} --index {index}")]).collect()
}

/// The names as a list, with at most three before `and N more`.
pub fn listed(names: &[&str]) -> String {
    match names {
        [first, second, third, rest @ ..] if rest.len() > 1 => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        names => listed_in_full(names),
    }
}

/// All names as a list.
pub fn listed_in_full(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_string(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A number with its noun.
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// A time in milliseconds or, from one second on, in seconds.
pub fn duration(milliseconds: f64) -> String {
    match milliseconds {
        short if short < 9.95 => format!("{short:.1} ms"),
        middle if middle < 999.5 => format!("{middle:.0} ms"),
        long => format!("{:.1} s", long / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_of_another_size_are_cut_before_a_system_is_used() {
        assert_eq!(commands_to_use("bm25", "notes"), ["kinglet use bm25 --index notes"]);
        let commands = commands_to_use("all-minilm-l6-v2:hybrid,chunking=long", "notes");
        assert_eq!(
            commands,
            [
                "kinglet index --index notes --chunking long",
                "kinglet use all-minilm-l6-v2:hybrid,chunking=long --index notes"
            ]
        );
    }
}
