//! `kinglet eval`: measures search quality on a test collection, or tunes the fusion weights on it.

use std::path::Path;

use kinglet::experiment::TestCollection;
use kinglet::experiment::test_collection::{CollectionSource, DocumentSource};
use kinglet::view::{AnswerEvaluationView, EvaluationView, TuningView};
use kinglet::{Error, ErrorKind, Result, eval};

use crate::args::{CollectionArgs, IndexArg};
use crate::progress::{self, Bars, CountedBar};
use crate::render;
use crate::run::{Session, printed};

impl Session<'_> {
    pub fn eval(&self, collection: &CollectionArgs, trec: Option<&Path>) -> Result<u8> {
        let (name, collection) = self.test_collection(collection)?;
        let total = collection.questions().len();
        let bar = CountedBar::new("asking", total);
        let (run, evaluation) = self.kinglet.evaluate(&collection, &|done| bar.set(done, total))?;
        bar.clear();
        if let Some(path) = trec {
            std::fs::write(path, eval::trec(&run, "kinglet")).map_err(|cause| Error::io("write", path, cause))?;
        }
        let view = EvaluationView::new(&name, &collection, &evaluation);
        printed(if self.global.json { render::json(&view) } else { render::evaluation(&view) })
    }

    pub fn eval_answers(&self, collection: &CollectionArgs) -> Result<u8> {
        let CollectionArgs { questions: Some(questions), index, .. } = collection else {
            return Err(Error::input("answers are measured on questions").with_hint("--questions questions.jsonl"));
        };
        for generator in self.resolved.config.generators() {
            self.check_generator_is_reachable(&generator)?;
        }
        let name = self.index_name(index)?;
        self.fetch_for_checks(&name)?;
        self.fetch_missing(&self.kinglet.models_for_answering()?)?;
        let evaluation =
            progress::while_counting("asking", |done| self.kinglet.evaluate_answers(&name, questions, done))?;
        let generator = self.resolved.config.generator().to_string();
        let view = AnswerEvaluationView::new(&name, &generator, &evaluation);
        printed(if self.global.json { render::json(&view) } else { render::answer_evaluation(&view) })
    }

    pub fn measure_confidence(&self, collection: &CollectionArgs) -> Result<u8> {
        let (_, collection) = self.test_collection(collection)?;
        let foreign = std::io::read_to_string(std::io::stdin().lock())
            .map_err(|cause| Error::new(ErrorKind::Machine, format!("questions could not be read: {cause}")))?;
        let foreign: Vec<String> = foreign.lines().map(str::to_string).collect();
        printed(render::json(&self.kinglet.measure_confidence(&collection, &foreign)?))
    }

    pub fn tune(&self, collection: &CollectionArgs) -> Result<u8> {
        let (name, collection) = self.test_collection(collection)?;
        let spinner = progress::spinner("trying weights");
        let tried = |tried| spinner.set_message(format!("trying weights: {tried}"));
        let tuning = self.kinglet.tune_weights(&collection, &tried)?;
        spinner.finish_and_clear();
        let view = TuningView::new(&name, &tuning);
        printed(if self.global.json { render::json(&view) } else { render::tuning(&view) })
    }

    /// Opens the test collection that the arguments name; returns its name with it.
    fn test_collection(&self, collection: &CollectionArgs) -> Result<(String, TestCollection)> {
        let source = self.collection_source(collection)?;
        self.fetch_missing(&self.kinglet.models_for_documents(&source.documents)?)?;
        Ok((source.documents.name(), self.kinglet.test_collection(&source, &Bars::default())?))
    }

    pub(crate) fn collection_source(&self, collection: &CollectionArgs) -> Result<CollectionSource> {
        let CollectionArgs { questions, index, beir, split } = collection;
        let documents = self.document_source(beir.as_deref(), split, index)?;
        Ok(CollectionSource { documents, questions: questions.clone() })
    }

    pub(crate) fn document_source(&self, beir: Option<&Path>, split: &str, index: &IndexArg) -> Result<DocumentSource> {
        Ok(match beir {
            Some(folder) => DocumentSource::Beir { folder: folder.to_path_buf(), split: split.to_string() },
            None => DocumentSource::Index(self.index_name(index)?),
        })
    }
}
