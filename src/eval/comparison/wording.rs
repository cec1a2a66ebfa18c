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
