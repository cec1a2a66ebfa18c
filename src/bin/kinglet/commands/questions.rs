//! `kinglet questions`: generates questions from documents, and reviews them.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use kinglet::eval::datasets::questions;
use kinglet::experiment::question_review::{Decision, QuestionReview};
use kinglet::experiment::test_collection::DEFAULT_SPLIT;
use kinglet::models::reference::GeneratorRef;
use kinglet::view::GeneratedQuestionsView;
use kinglet::{Error, Result};

use crate::args::DocumentArgs;
use crate::progress::{Bars, CountedBar};
use crate::render;
use crate::run::{DONE, Session, printed};

impl Session<'_> {
    pub fn questions_make(
        &self,
        documents: &DocumentArgs,
        count: usize,
        generator: Option<&str>,
        out: Option<&Path>,
    ) -> Result<u8> {
        if count == 0 {
            return Err(Error::input("--count is 0").with_hint("--count 100"));
        }
        let source = self.document_source(documents.beir.as_deref(), DEFAULT_SPLIT, &documents.index)?;
        self.fetch_missing(&self.kinglet.models_for_documents(&source)?)?;
        let index = self.kinglet.open_documents(&source, &Bars::default())?;
        let name = source.name();
        let out = out.map_or_else(|| PathBuf::from(format!("{name}-questions.jsonl")), Path::to_path_buf);
        if out.exists() {
            return Err(Error::input(format!("{} already exists", out.display()))
                .with_hint("remove it, or name another file with --out"));
        }
        let writer = generator.map(|generator| {
            let generator = GeneratorRef::from(generator);
            self.check_generator_is_reachable(&generator)?;
            self.fetch_missing(&self.kinglet.models_for_question_writer(&generator)?)?;
            self.kinglet.question_writer(&generator)
        });
        let writer = writer.transpose()?;
        let bar = CountedBar::new("generating questions", count);
        let done = |done: usize| bar.set(done, count);
        let generated = self.kinglet.generate_questions(&index, count, writer.as_deref(), &done)?;
        bar.clear();
        questions::write(&out, &generated.questions)?;
        let view = GeneratedQuestionsView::new(&out, &generated);
        printed(if self.global.json { render::json(&view) } else { render::generated_questions(&name, &view) })
    }

    /// Shows each question on the terminal: `k` keeps it, `d` drops it, `e` edits it, `q` stops and
    /// leaves the rest as it is.
    pub fn questions_review(&self, file: &Path) -> Result<u8> {
        let mut review = QuestionReview::open(file)?;
        let mut input = std::io::stdin().lock().lines();
        let mut ask = |prompt: &str| -> Result<Option<String>> {
            render::prompt(prompt);
            match input.next() {
                None => Ok(None),
                Some(Ok(line)) => Ok(Some(line.trim().to_string())),
                Some(Err(cause)) => Err(Error::input(format!("could not read the answer: {cause}"))),
            }
        };
        'questions: while let Some(question) = review.current() {
            render::question(review.place(), question);
            let decision = loop {
                match ask("keep (k), drop (d), edit (e), stop (q)? ")?.as_deref() {
                    Some("" | "k") => break Decision::Keep,
                    Some("d") => break Decision::Drop,
                    Some("e") => {
                        let text = ask("new question: ")?.filter(|text| !text.is_empty());
                        break text.map_or(Decision::Keep, Decision::Edit);
                    }
                    None | Some("q") => break 'questions,
                    Some(_) => {}
                }
            };
            review.decide(decision)?;
        }
        let [kept, dropped, edited] = review.counts();
        render::notice(&format!("{}: {kept} questions, {dropped} dropped, {edited} edited", file.display()));
        Ok(DONE)
    }
}
