//! Files of questions with where each is answered: lines of JSON as in `corpora/tiny`, or a table
//! of two columns.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Larger files are no questions that somebody wrote.
const MOST_BYTES: u64 = 64 << 20;

/// Where a question is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerLocation {
    /// The file, or the end of its path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Text of that file, or of any, that holds the answer; without it the whole file does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// How good an answer it is: 1, or more for better ones.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub grade: u32,
}

fn one() -> u32 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn is_one(grade: &u32) -> bool {
    *grade == 1
}

/// A question as a file holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenQuestion {
    /// Names it; no white space.
    pub id: String,
    /// The question.
    pub question: String,
    /// Where it is answered; each of these answers it. None: the documents do not answer it.
    pub answers: Vec<AnswerLocation>,
    /// How a program generated it; `None` for a question that a person wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synthetic: Option<String>,
}

/// Reads a file of questions. A file whose name ends in `.jsonl` has one object a line, see
/// [`WrittenQuestion`]; any other is a table: the question, a tab, and a path or some text of the
/// answer. A table may repeat a question with another answer; empty lines and lines that begin with
/// `#` are left out; `is_path` decides whether the second column is a path.
///
/// # Errors
/// When the file cannot be read or is too large, a line is wrong (the error has its number), an id
/// stands twice, or there is no question at all.
pub fn read(path: &Path, is_path: &dyn Fn(&str) -> bool) -> Result<Vec<WrittenQuestion>> {
    let size = std::fs::metadata(path).map_err(|cause| Error::io("open", path, cause))?.len();
    if size > MOST_BYTES {
        return Err(Error::input(format!("{} is too large for a file of questions", path.display()))
            .with_hint("it should have a line for each question"));
    }
    let text = std::fs::read_to_string(path).map_err(|cause| Error::io("read", path, cause))?;
    let wrong = |number: usize, why: &str| {
        Error::input(format!("{}:{number}: {why}", path.display()))
            .with_hint("a line is a question, a tab, and the path or some text of what answers it; or JSON in a file that ends in .jsonl")
    };
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let mut questions: Vec<WrittenQuestion> = Vec::new();
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            let question: WrittenQuestion =
                serde_json::from_str(line).map_err(|cause| wrong(number, &cause.to_string()))?;
            if question.id.is_empty() || question.id.contains(char::is_whitespace) {
                return Err(wrong(number, "the id is empty or has white space"));
            }
            if questions.iter().any(|other| other.id == question.id) {
                return Err(wrong(number, &format!("the id {} stands twice", question.id)));
            }
            questions.push(question);
        } else if !line.starts_with('#') {
            let (question, place) = line.split_once('\t').ok_or_else(|| wrong(number, "there is no tab in it"))?;
            let (question, place) = (question.trim(), place.trim());
            if question.is_empty() || place.is_empty() || place.contains('\t') {
                return Err(wrong(number, "it has not two columns"));
            }
            let (path, quote) = if is_path(place) { (Some(place), None) } else { (None, Some(place)) };
            let answer = AnswerLocation { path: path.map(str::to_string), quote: quote.map(str::to_string), grade: 1 };
            match questions.iter_mut().find(|other| other.question == question) {
                Some(known) => known.answers.push(answer),
                None => questions.push(WrittenQuestion {
                    id: format!("line-{number}"),
                    question: question.to_string(),
                    answers: vec![answer],
                    synthetic: None,
                }),
            }
        }
    }
    if questions.is_empty() {
        return Err(wrong(1, "there is no question in it"));
    }
    Ok(questions)
}

/// Writes questions as lines of JSON: the whole file, or the old one stays.
///
/// # Errors
/// When the disk refuses.
pub fn write(path: &Path, questions: &[WrittenQuestion]) -> Result<()> {
    let line = |question| serde_json::to_string(question).expect("a question is plain data") + "\n";
    let beside = path.with_extension("jsonl.new");
    std::fs::write(&beside, questions.iter().map(line).collect::<String>())
        .map_err(|cause| Error::io("write", &beside, cause))?;
    std::fs::rename(&beside, path).map_err(|cause| Error::io("write", path, cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(name: &str, text: &str) -> Result<Vec<WrittenQuestion>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        read(&path, &|place| place.ends_with(".md"))
    }

    #[test]
    fn a_table_and_lines_of_json_say_the_same() {
        let table = "\u{feff}# mine\nWho pays?\tlease.md\nWho pays?\tthe tenant pays\n\nWhen?\ta.md\r\n";
        let table = read_text("q.tsv", table).unwrap();
        assert_eq!((table.len(), table[0].id.as_str(), table[1].id.as_str()), (2, "line-2", "line-5"));
        assert_eq!(table[0].answers[1].quote.as_deref(), Some("the tenant pays"));
        let lines = r#"{"id": "line-2", "question": "Who pays?", "answers": [{"path": "lease.md"}, {"quote": "the tenant pays"}]}"#;
        assert_eq!(read_text("q.jsonl", lines).unwrap(), table[..1]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (name, text, wanted) in [
            ("q.tsv", "one\ta.md\nno tab", ":2: there is no tab"),
            ("q.tsv", "\ta.md", ":1:"),
            ("q.tsv", "a\tb\tc", "two columns"),
            ("q.tsv", "# nothing", "no question"),
            ("q.jsonl", "{\"id\": \"a\", \"question\": \"?\"}", ":1:"),
            ("q.jsonl", "{\"id\": \"a b\", \"question\": \"?\", \"answers\": []}", "white space"),
            (
                "q.jsonl",
                "{\"id\":\"a\",\"question\":\"?\",\"answers\":[]}\n{\"id\":\"a\",\"question\":\"?\",\"answers\":[]}",
                ":2: the id a",
            ),
        ] {
            let error = read_text(name, text).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
