//! Question sets: files of questions with the locations of their answers, as JSON lines like those
//! in `corpora/tiny`, or as a table of two columns.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The largest file to accept: nobody writes more questions.
const MAX_BYTES: u64 = 64 << 20;

/// The location of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerLocation {
    /// The file, or the end of its path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Text of that file, or of any file, that contains the answer; `None` means the whole file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// The grade of the answer: 1, or more for better ones.
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

/// A question in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenQuestion {
    /// Its id, without white space.
    pub id: String,
    /// The question.
    pub question: String,
    /// The locations of its answers, each sufficient; empty if the documents do not answer it.
    pub answers: Vec<AnswerLocation>,
    /// The method that generated it; `None` for a human question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synthetic: Option<String>,
}

/// Reads a file of questions. A file whose name ends in `.jsonl` has one object a line, see
/// [`WrittenQuestion`]; any other is a table: the question, a tab, and a path or some text of the
/// answer. A table may repeat a question with another answer. Skips empty lines and lines that
/// begin with `#`. `is_path` decides whether the second column is a path.
///
/// # Errors
/// When the file cannot be read or is too large, a line is malformed (the error has its number), an
/// id occurs twice, or there are no questions.
pub fn read(path: &Path, is_path: &dyn Fn(&str) -> bool) -> Result<Vec<WrittenQuestion>> {
    let size = std::fs::metadata(path).map_err(|cause| Error::io("open", path, cause))?.len();
    if size > MAX_BYTES {
        return Err(Error::input(format!("{} is too large for a file of questions", path.display()))
            .with_hint("a question set has one line for each question"));
    }
    let text = std::fs::read_to_string(path).map_err(|cause| Error::io("read", path, cause))?;
    let wrong = |number: usize, why: &str| {
        Error::input(format!("{}:{number}: {why}", path.display()))
            .with_hint("a line is a question, a tab, and the path or some text of its answer; or JSON in a file that ends in .jsonl")
    };
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let mut questions: Vec<WrittenQuestion> = Vec::new();
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            let question: WrittenQuestion =
                serde_json::from_str(line).map_err(|cause| wrong(number, &cause.to_string()))?;
            if question.id.is_empty() || question.id.contains(char::is_whitespace) {
                return Err(wrong(number, "the id is empty or contains white space"));
            }
            if questions.iter().any(|other| other.id == question.id) {
                return Err(wrong(number, &format!("the id {} occurs twice", question.id)));
            }
            questions.push(question);
        } else if !line.starts_with('#') {
            let (question, answer) = line.split_once('\t').ok_or_else(|| wrong(number, "there is no tab"))?;
            let (question, answer) = (question.trim(), answer.trim());
            if question.is_empty() || answer.is_empty() || answer.contains('\t') {
                return Err(wrong(number, "it does not have two columns"));
            }
            let (path, quote) = if is_path(answer) { (Some(answer), None) } else { (None, Some(answer)) };
            let answer = AnswerLocation { path: path.map(str::to_string), quote: quote.map(str::to_string), grade: 1 };
            match questions.iter_mut().find(|other| other.question == question) {
                Some(other) => other.answers.push(answer),
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
        return Err(wrong(1, "there are no questions"));
    }
    Ok(questions)
}

/// Writes questions as JSON lines: replaces the file as a whole, or leaves the old one.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, questions: &[WrittenQuestion]) -> Result<()> {
    let line = |question| serde_json::to_string(question).expect("a question is plain data") + "\n";
    let temporary = path.with_extension("jsonl.new");
    std::fs::write(&temporary, questions.iter().map(line).collect::<String>())
        .map_err(|cause| Error::io("write", &temporary, cause))?;
    std::fs::rename(&temporary, path).map_err(|cause| Error::io("write", path, cause))
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
    fn a_table_and_json_lines_give_the_same_questions() {
        let table = "\u{feff}# mine\nWho pays?\tlease.md\nWho pays?\tthe tenant pays\n\nWhen?\ta.md\r\n";
        let table = read_text("q.tsv", table).unwrap();
        assert_eq!((table.len(), table[0].id.as_str(), table[1].id.as_str()), (2, "line-2", "line-5"));
        assert_eq!(table[0].answers[1].quote.as_deref(), Some("the tenant pays"));
        let lines = r#"{"id": "line-2", "question": "Who pays?", "answers": [{"path": "lease.md"}, {"quote": "the tenant pays"}]}"#;
        assert_eq!(read_text("q.jsonl", lines).unwrap(), table[..1]);
    }

    #[test]
    fn errors_name_the_line() {
        for (name, text, expected) in [
            ("q.tsv", "one\ta.md\nno tab", ":2: there is no tab"),
            ("q.tsv", "\ta.md", ":1:"),
            ("q.tsv", "a\tb\tc", "two columns"),
            ("q.tsv", "# nothing", "no questions"),
            ("q.jsonl", "{\"id\": \"a\", \"question\": \"?\"}", ":1:"),
            ("q.jsonl", "{\"id\": \"a b\", \"question\": \"?\", \"answers\": []}", "white space"),
            (
                "q.jsonl",
                "{\"id\":\"a\",\"question\":\"?\",\"answers\":[]}\n{\"id\":\"a\",\"question\":\"?\",\"answers\":[]}",
                ":2: the id a",
            ),
        ] {
            let error = read_text(name, text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
