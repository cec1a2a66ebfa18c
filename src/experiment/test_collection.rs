//! Test collections: documents in an index, and questions with known relevant documents or
//! passages.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::beir_index;
use super::chunk_names::ChunkNames;
use super::question_set::with_questions;
use crate::engine::Kinglet;
use crate::error::{Error, Result};
use crate::eval::judgments::Question;
use crate::eval::{self, Evaluation, Run};
use crate::index::Index;
use crate::ingest::Progress;
use crate::models::catalog::ModelSpec;
use crate::search::{Query, Retriever};

/// The number of chunks to retrieve for a question, before they are collapsed to documents.
pub(super) const DEPTH: usize = 1000;

/// The default split of a collection in BEIR's layout.
pub const DEFAULT_SPLIT: &str = "test";

/// Where the documents come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentSource {
    /// The index with this name.
    Index(String),
    /// A collection in BEIR's layout, which gets an index of its own.
    Beir {
        /// Its folder.
        folder: PathBuf,
        /// The judgments to use: `qrels/SPLIT.tsv`.
        split: String,
    },
}

impl DocumentSource {
    /// The name of the index or collection.
    pub fn name(&self) -> String {
        match self {
            DocumentSource::Index(name) => name.clone(),
            DocumentSource::Beir { folder, .. } => {
                folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
            }
        }
    }
}

/// Where documents and questions come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionSource {
    /// The documents.
    pub documents: DocumentSource,
    /// A file of questions; it replaces those of a collection in BEIR's layout.
    pub questions: Option<PathBuf>,
}

impl CollectionSource {
    /// A user's index, with a file of questions.
    pub fn index(name: impl Into<String>, questions: impl Into<PathBuf>) -> Self {
        CollectionSource { documents: DocumentSource::Index(name.into()), questions: Some(questions.into()) }
    }
}

/// The error for documents without questions.
pub(super) fn no_questions() -> Error {
    Error::input("there are no questions").with_hint(
        "name a file with --questions (`kinglet questions make` generates one) or a test collection with --beir",
    )
}

/// Documents in an index, and questions with their judgments.
pub struct TestCollection {
    pub(super) questions: Vec<Question>,
    pub(super) index: Arc<Index>,
    pub(super) names: ChunkNames,
}

impl TestCollection {
    /// The questions.
    pub fn questions(&self) -> &[Question] {
        &self.questions
    }

    /// The index to search.
    pub fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// The number of searchable documents.
    pub fn documents(&self) -> usize {
        self.names.documents()
    }

    /// Runs `questions` through `retriever`, with `depth` chunks for each; calls `done` after each
    /// with the number so far.
    pub(super) fn run(
        &self,
        questions: &[Question],
        retriever: &dyn Retriever,
        depth: usize,
        done: &dyn Fn(usize),
    ) -> Result<Run> {
        let mut run = Run::default();
        for (at, question) in questions.iter().enumerate() {
            let started = Instant::now();
            let hits = retriever.retrieve(&Query::new(&question.text), depth)?;
            run.took_ms.push(started.elapsed().as_secs_f64() * 1000.0);
            let chunks = hits.into_iter().map(|hit| (hit.chunk, hit.score));
            run.rankings.push((question.id.clone(), self.names.ranking(question.granularity, chunks, usize::MAX)?));
            done(at + 1);
        }
        Ok(run)
    }
}

impl Kinglet {
    /// The models that a search in these documents needs.
    ///
    /// # Errors
    /// When there is no such index or collection, or the catalog lacks a configured model.
    pub fn models_for_documents(&self, source: &DocumentSource) -> Result<Vec<Arc<ModelSpec>>> {
        match source {
            DocumentSource::Index(name) => self.models_for_searching(name),
            DocumentSource::Beir { folder, .. } => self.models_for_beir(folder),
        }
    }

    /// Opens the index of these documents. Updates that of a collection in BEIR's layout first; it
    /// keeps the vectors of embedders that earlier runs used.
    ///
    /// # Errors
    /// When there is no such index or collection, or as [`Kinglet::index`].
    pub fn open_documents(&self, source: &DocumentSource, progress: &dyn Progress) -> Result<Arc<Index>> {
        match source {
            DocumentSource::Index(name) => Ok(Arc::new(Index::open(&self.index_folder(name)?)?)),
            DocumentSource::Beir { folder, split } => Ok(self.beir_collection(folder, split, progress)?.index),
        }
    }

    /// Opens the test collection with these documents and questions. Leaves out questions that the
    /// documents do not answer. The judgments of a question with a quote are of passages, those of
    /// one with paths alone are of documents.
    ///
    /// # Errors
    /// As [`Kinglet::open_documents`]; also when there are no questions, or an answer is not in the
    /// index.
    pub fn test_collection(&self, source: &CollectionSource, progress: &dyn Progress) -> Result<TestCollection> {
        match (&source.documents, &source.questions) {
            (DocumentSource::Beir { folder, split }, None) => self.beir_collection(folder, split, progress),
            (documents, Some(questions)) => with_questions(self.open_documents(documents, progress)?, questions),
            (DocumentSource::Index(_), None) => Err(no_questions()),
        }
    }

    /// Runs every question through the configured pipeline and evaluates the rankings; calls `done`
    /// after each question with the number so far.
    ///
    /// # Errors
    /// As [`Kinglet::search`].
    pub fn evaluate(&self, collection: &TestCollection, done: &dyn Fn(usize)) -> Result<(Run, Evaluation)> {
        let this =
            beir_index::for_evaluation(self, &collection.index).with_index_defaults(collection.index.manifest())?;
        let pipeline = this.pipeline(&collection.index)?;
        let run = collection.run(&collection.questions, &pipeline, DEPTH, done)?;
        let evaluation = eval::evaluate(&collection.questions, &run);
        Ok((run, evaluation))
    }
}
