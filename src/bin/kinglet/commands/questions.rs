//! Making questions from documents, and looking them through.

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::StreamExt;
use kinglet::config::Config;
use kinglet::corpus::questions::{self, WrittenQuestion};
use kinglet::experiment::question_generation::GeneratedQuestions;
use kinglet::index::Index;
use kinglet::models::prompt::{Prompt, Task};
use kinglet::models::reference::GeneratorRef;
use kinglet::{Error, Result};
use serde_json::json;

use crate::args::{DEFAULT_SET, Over};
use crate::progress::{self, Bars};
use crate::render;
use crate::run::{DONE, Session, printed};

/// A question that a language model writes is cut off there.
const MOST_QUESTION_TOKENS: usize = 40;
/// A shorter or longer line is no question.
const QUESTION_CHARS: std::ops::Range<usize> = 12..200;

impl Session<'_> {
    pub fn questions_make(&self, over: &Over, count: usize, generator: Option<&str>, out: Option<&Path>) -> Result<u8> {
        if count == 0 {
            return Err(Error::input("no questions are wanted").with_hint("--count 100"));
        }
        let (name, index) = match &over.beir {
            Some(folder) => {
                self.fetch_missing(&self.kinglet.models_for_trial(folder)?)?;
                let trial = self.kinglet.prepare_trial(folder, DEFAULT_SET, &Bars::default())?;
                let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                (name, trial.index().clone())
            }
            None => {
                let name = self.index_called(over.named.name.as_deref())?;
                self.fetch_missing(&self.kinglet.models_for_searching(&name)?)?;
                let index = Arc::new(Index::open(&self.kinglet.index_folder(&name)?)?);
                (name, index)
            }
        };
        let out = out.map_or_else(|| PathBuf::from(format!("{name}-questions.jsonl")), Path::to_path_buf);
        if out.exists() {
            return Err(Error::input(format!("{} is there already", out.display()))
                .with_hint("remove it, or name another file by --out"));
        }
        let bar = progress::counted(count as u64, "making questions");
        let made = |done: usize| bar.set_position(done as u64);
        let made = match generator {
            None => self.kinglet.make_questions(&index, count, None, &made)?,
            Some(id) => {
                let writer = self.writer(id)?;
                self.kinglet.make_questions(&index, count, Some(&writer), &made)?
            }
        };
        bar.finish_and_clear();
        save(&out, &made.questions)?;
        let GeneratedQuestions { copied, not_found, duplicates, ref questions } = made;
        if self.global.json {
            return printed(render::json(&json!({
                "file": out, "questions": questions.len(), "copied": copied, "not_found": not_found, "duplicates": duplicates,
            })));
        }
        printed(render::made(&name, &made, &out))
    }

    /// Asks a language model for a question to a passage.
    fn writer(&self, id: &str) -> Result<impl Fn(&str) -> Result<Option<String>> + '_> {
        let generator = match GeneratorRef::from(id) {
            GeneratorRef::Extractive => {
                return Err(Error::input("extractive only quotes: it cannot write questions")
                    .with_hint("name a language model"));
            }
            generator => generator,
        };
        let kinglet = self.kinglet.clone().with_config(Config { generator, ..self.resolved.config.clone() });
        self.fetch_missing(&kinglet.models_for_answering()?)?;
        let generator = kinglet.open_generator()?;
        Ok(move |passage: &str| {
            let passages = vec![passage.to_string()];
            let prompt = Prompt {
                task: Task::Question,
                question: String::new(),
                passages,
                max_answer_tokens: MOST_QUESTION_TOKENS,
            };
            let written = self.runtime().block_on(async {
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
            let mut lines = written.lines().map(|line| line.trim().trim_start_matches("Question:").trim());
            let line = lines.find(|line| line.ends_with('?'));
            Ok(line.filter(|line| QUESTION_CHARS.contains(&line.chars().count())).map(str::to_string))
        })
    }

    /// Shows each question on the terminal; `k` keeps it, `d` drops it, `e` writes it anew, `q` leaves the rest as it is. Each decision is in
    /// the file at once, so that an interruption loses none.
    pub fn questions_review(&self, file: &Path) -> Result<u8> {
        if file.extension().is_none_or(|extension| extension != "jsonl") {
            return Err(Error::input(format!("{} is not of `kinglet questions make`", file.display()))
                .with_hint("review takes its .jsonl files; an editor shows others better"));
        }
        let all = questions::read(file, &|_| true)?;
        let mut input = std::io::stdin().lock().lines();
        let mut ask = |prompt: &str| -> Result<Option<String>> {
            render::prompt(prompt);
            match input.next() {
                None => Ok(None),
                Some(Ok(line)) => Ok(Some(line.trim().to_string())),
                Some(Err(cause)) => Err(Error::input(format!("the answer could not be read: {cause}"))),
            }
        };
        let (mut kept, mut dropped, mut edited) = (Vec::new(), 0, 0);
        let mut questions = all.into_iter();
        let total = questions.len();
        'questions: while let Some(mut question) = questions.next() {
            render::question(total - questions.len(), total, &question);
            loop {
                match ask("keep (k), drop (d), edit (e), stop (q)? ")?.as_deref() {
                    Some("" | "k") => kept.push(question),
                    Some("d") => dropped += 1,
                    Some("e") => {
                        let text = ask("new question: ")?.filter(|text| !text.is_empty());
                        edited += usize::from(text.is_some());
                        question.question = text.unwrap_or(question.question);
                        kept.push(question);
                    }
                    None | Some("q") => {
                        kept.push(question);
                        break 'questions;
                    }
                    Some(_) => continue,
                }
                break;
            }
            save(file, kept.iter().chain(questions.as_slice()))?;
        }
        kept.extend(questions);
        save(file, &kept)?;
        render::notice(&format!("{}: {} questions, {dropped} dropped, {edited} edited", file.display(), kept.len()));
        Ok(DONE)
    }
}

/// Writes the whole file or leaves the old one.
fn save<'q>(path: &Path, questions: impl IntoIterator<Item = &'q WrittenQuestion>) -> Result<()> {
    let lines: String = questions
        .into_iter()
        .map(|question| serde_json::to_string(question).expect("a question is plain data") + "\n")
        .collect();
    let beside = path.with_extension("jsonl.new");
    std::fs::write(&beside, lines).map_err(|cause| Error::io("write", &beside, cause))?;
    std::fs::rename(&beside, path).map_err(|cause| Error::io("write", path, cause))
}
