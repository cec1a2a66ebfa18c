//! Compares systems on the same questions over the same documents. First a plan, which says what it
//! needs; then each system is measured, one after the other; then the statistics and the report.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::TestCollection;
use super::comparison_folder::ComparisonFolder;
use super::measure_process::measure;
use super::measure_system::{MeasureJob, Measurement, machine};
use super::question_set::with_questions;
use super::systems::{DEFAULT_MODES, System};
use super::test_collection::{CollectionSource, DocumentSource, no_questions};
use crate::config::{ChunkSize, Config, EmbedderChoice, RerankerChoice};
use crate::engine::{Embedders, Kinglet};
use crate::error::{Error, ErrorKind, Result};
use crate::eval::Run;
use crate::eval::comparison::agreement::ContrastingQuestion;
use crate::eval::comparison::{SystemRun, compare_runs};
use crate::eval::judgments::Granularity;
use crate::eval::report::{About, Report};
use crate::index::Index;
use crate::index::durable_file::make_private_folder;
use crate::index::store::ChunkId;
use crate::ingest::Progress;
use crate::models::catalog::ModelSpec;
use crate::models::reference::{EmbedderRef, RerankerRef};
use crate::subprocess::Isolation;

/// Places of a ranking that run files hold: as many as Recall@100 looks at.
const KEPT: usize = 100;
/// Letters of a text that show what it is about.
const MOST_SHOWN: usize = 140;

/// What shall be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparisonRequest {
    /// The documents and questions.
    pub collection: CollectionSource,
    /// The embedders; words alone are always compared too.
    pub embedders: Vec<EmbedderRef>,
    /// How each is searched with, see [`Kinglet::systems`]; none means [`DEFAULT_MODES`].
    pub modes: Vec<String>,
    /// Settings of which several values are compared, by key.
    pub vary: Vec<(String, Vec<String>)>,
    /// Where everything goes; `None` for `comparisons/NAME` in the home.
    pub folder: Option<PathBuf>,
}

/// A comparison that can be run.
#[derive(Debug)]
pub struct ComparisonPlan {
    request: ComparisonRequest,
    folder: PathBuf,
    systems: Vec<System>,
    left_out: Vec<String>,
    required_models: Vec<Arc<ModelSpec>>,
}

impl ComparisonPlan {
    /// The systems, words alone first.
    pub fn systems(&self) -> &[System] {
        &self.systems
    }

    /// A sentence for each system that was asked for and cannot be.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// The models whose files must be here.
    pub fn required_models(&self) -> &[Arc<ModelSpec>] {
        &self.required_models
    }
}

/// A comparison that is done.
#[derive(Debug)]
pub struct FinishedComparison {
    /// What came of it.
    pub report: Report,
    /// The report as a page.
    pub page: PathBuf,
}

/// How far a comparison is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeasuringProgress<'p> {
    /// The system that is measured.
    pub system: &'p str,
    /// Questions that all systems so far have answered.
    pub answered: usize,
    /// Questions for all systems.
    pub total: usize,
}

impl Kinglet {
    /// Finds the systems to compare and the models that they need. Nothing is written yet.
    ///
    /// # Errors
    /// When there are no questions, or no such index, embedder, mode, setting or value.
    pub fn plan_comparison(&self, request: ComparisonRequest) -> Result<ComparisonPlan> {
        let modes: Vec<String> = match request.modes.as_slice() {
            [] => DEFAULT_MODES.iter().map(ToString::to_string).collect(),
            modes => modes.to_vec(),
        };
        let found = self.systems(&request.embedders, &modes, &request.vary)?;
        if let CollectionSource { documents: DocumentSource::Index(_), questions: None } = request.collection {
            return Err(no_questions());
        }
        let name = request.collection.documents.name();
        let folder = request.folder.clone().unwrap_or_else(|| self.home().join("comparisons").join(name));
        let required_models = self.models_for_comparison(&request, &found.systems)?;
        Ok(ComparisonPlan { request, folder, systems: found.systems, left_out: found.left_out, required_models })
    }

    /// Measures each system in the process that `isolation` names and compares them. Everything
    /// goes into the comparison's folder: `systems/` has what was measured, and is read again where
    /// nothing has changed; `runs/` has run files in TREC's format, `qrels.txt` the judgments
    /// (those for systems that cut documents otherwise stand beside their runs), `questions.jsonl`
    /// the questions. `progress` sees indexing, and is asked whether to stop; `measuring` is told
    /// after each question.
    ///
    /// # Errors
    /// When a system cannot be measured, or the disk refuses. What was measured until then is kept.
    pub fn run_comparison(
        &self,
        plan: &ComparisonPlan,
        isolation: &Isolation,
        progress: &dyn Progress,
        measuring: &dyn Fn(MeasuringProgress<'_>),
    ) -> Result<FinishedComparison> {
        if plan.request.folder.is_none() {
            // The questions may have been generated from documents.
            make_private_folder(&plan.folder)?;
        }
        let folder = ComparisonFolder::create(&plan.folder)?;
        let collections = self.collections(plan, progress)?;
        let first = &collections[&plan.systems[0].config.chunking];
        let total = first.questions.len() * plan.systems.len();
        let (mut runs, mut measured) = (Vec::new(), 0);
        for (place, system) in plan.systems.iter().enumerate() {
            let collection = &collections[&system.config.chunking];
            let job = self.measure_job(system, collection);
            let fingerprint = fingerprint(system, &job, &collection.index)?;
            let measurement = match folder.stored(system, &fingerprint) {
                Some(stored) => stored,
                None => {
                    let before = place * first.questions.len();
                    let answered =
                        |count| measuring(MeasuringProgress { system: &system.name, answered: before + count, total });
                    let found = measure(isolation, &job, progress, &answered);
                    let found = found.map_err(|error| in_words(error, system, measured))?;
                    measured += 1;
                    folder.store(system, fingerprint, checked(found, system, &job)?)?
                }
            };
            let run = named(collection, &measurement)?;
            folder.write_run(system, &run)?;
            if !std::ptr::eq(collection, first) {
                folder.write_own_judgments(system, &collection.questions)?;
            }
            let Measurement { answers, cost, .. } = measurement;
            let questions = collection.questions.clone();
            runs.push(SystemRun { name: system.name.clone(), questions, run, answers, cost });
        }
        folder.write_questions(&first.questions)?;
        let mut comparisons = compare_runs(&runs);
        for question in comparisons.iter_mut().flat_map(|comparison| &mut comparison.contrasting_questions) {
            add_texts(question, plan, &collections)?;
        }
        let about = About {
            name: plan.request.collection.documents.name(),
            documents: first.documents(),
            chunks: first.index.counts()?.chunks,
            machine: machine(),
            version: env!("CARGO_PKG_VERSION").to_string(),
            left_out: plan.left_out.clone(),
            can_be_used: matches!(plan.request.collection.documents, DocumentSource::Index(_)),
        };
        let report = Report { about, comparisons };
        let page = folder.write_report(&report)?;
        Ok(FinishedComparison { report, page })
    }

    fn models_for_comparison(&self, request: &ComparisonRequest, systems: &[System]) -> Result<Vec<Arc<ModelSpec>>> {
        let mut models: Vec<Arc<ModelSpec>> = Vec::new();
        for system in systems {
            let kinglet = self.clone().with_config(system.config.clone());
            let mut needed = match &request.collection.documents {
                DocumentSource::Index(name) => {
                    self.models_for_indexing(name, &Embedders::Add(request.embedders.clone()))?
                }
                beir => kinglet.models_for_documents(beir)?,
            };
            needed.extend(kinglet.models_of_search()?);
            if system.answers {
                needed.extend(kinglet.models_for_answering()?);
            }
            for model in needed {
                if !models.iter().any(|known| known.id == model.id) {
                    models.push(model);
                }
            }
        }
        Ok(models)
    }

    /// For each chunk size of the systems the test collection, with all that they need in its
    /// index.
    fn collections(
        &self,
        plan: &ComparisonPlan,
        progress: &dyn Progress,
    ) -> Result<BTreeMap<ChunkSize, TestCollection>> {
        let CollectionSource { documents, questions } = &plan.request.collection;
        let mut collections = BTreeMap::new();
        let mut prepared = HashSet::new();
        for system in &plan.systems {
            let Config { embedder, sparse, rerank, chunking, .. } = &system.config;
            let needs = (
                embedder,
                sparse,
                *rerank == RerankerChoice::Use(RerankerRef::MaxSim),
                system.config.encoder().is_some(),
                chunking,
            );
            if !prepared.insert(needs) {
                continue;
            }
            let kinglet = self.clone().with_config(system.config.clone());
            let collection = match (documents, questions) {
                (DocumentSource::Index(name), Some(questions)) => {
                    with_questions(kinglet.comparison_index(name, plan, progress)?.into(), questions)?
                }
                _ => kinglet.test_collection(&plan.request.collection, progress)?,
            };
            collections.insert(*chunking, collection);
        }
        Ok(collections)
    }

    /// The index itself with the vectors of all embedders; for another chunk size, an index of the
    /// same documents in the comparison's folder.
    fn comparison_index(&self, name: &str, plan: &ComparisonPlan, progress: &dyn Progress) -> Result<Index> {
        let own = self.index_folder(name)?;
        // What is kept of token vectors must not depend on which system comes first.
        let config = Config { rerank: RerankerChoice::Auto, embedder: EmbedderChoice::Auto, ..self.config().clone() };
        let kinglet = self.clone().with_config(config);
        let folder = match self.config().chunking {
            ChunkSize::Auto => own.clone(),
            size => plan.folder.join("indexes").join(format!("{size:?}").to_lowercase()),
        };
        let embedders = plan.request.embedders.clone();
        let (roots, embedders) = match folder == own {
            true => (Vec::new(), Embedders::Add(embedders)),
            false => (Index::roots_in(&own)?, Embedders::Only(embedders)),
        };
        kinglet.index_into(&folder, &roots, &embedders, progress)?;
        Index::open(&folder)
    }

    fn measure_job(&self, system: &System, collection: &TestCollection) -> MeasureJob {
        MeasureJob {
            home: self.home().to_path_buf(),
            index: collection.index.folder().to_path_buf(),
            config: system.config.clone(),
            answers: system.answers,
            questions: collection.questions.iter().map(|question| question.text.clone()).collect(),
        }
    }
}

/// Changes whenever the system, the index, the questions or the program do.
fn fingerprint(system: &System, job: &MeasureJob, index: &Index) -> Result<String> {
    let of = (env!("CARGO_PKG_VERSION"), job, index.manifest(), index.generation(), &system.name);
    Ok(blake3::hash(&serde_json::to_vec(&of).expect("plain data")).to_hex().to_string())
}

fn checked(found: Measurement, system: &System, job: &MeasureJob) -> Result<Measurement> {
    let questions = job.questions.len();
    match found.rankings.len() == questions && found.took_ms.len() == questions {
        true => Ok(found),
        false => Err(Error::model(format!("{} did not answer all questions", system.name))),
    }
}

/// The error with the system that it is about, or with how far the comparison came.
fn in_words(error: Error, system: &System, measured: usize) -> Error {
    if error.kind() != ErrorKind::Interrupted {
        return Error::new(error.kind(), format!("{} could not be measured: {error}", system.name)).with_cause(error);
    }
    let measured = match measured {
        0 => "no system was".to_string(),
        1 => "one system was".to_string(),
        count => format!("{count} systems were"),
    };
    let what =
        format!("interrupted; {measured} measured to the end in this run, and the same command goes on from there");
    Error::new(ErrorKind::Interrupted, what)
}

/// The rankings by the names of documents or passages.
fn named(collection: &TestCollection, measurement: &Measurement) -> Result<Run> {
    let mut rankings = Vec::new();
    for (question, chunks) in collection.questions.iter().zip(&measurement.rankings) {
        let ranking = collection.names.ranking(question.granularity, chunks.iter().copied(), KEPT)?;
        rankings.push((question.id.clone(), ranking));
    }
    Ok(Run { rankings, took_ms: measurement.took_ms.clone() })
}

/// Looks up how what was found for a question begins, because names alone tell people little.
fn add_texts(
    contrasting: &mut ContrastingQuestion,
    plan: &ComparisonPlan,
    collections: &BTreeMap<ChunkSize, TestCollection>,
) -> Result<()> {
    for (place, found) in contrasting.found.iter_mut().enumerate() {
        let Some(system) = plan.systems.iter().find(|system| system.name == found.system) else { continue };
        let collection = &collections[&system.config.chunking];
        let question = collection.questions.iter().find(|question| question.id == contrasting.id);
        let granularity = question.map_or(Granularity::Document, |question| question.granularity);
        let beginnings = |names: &[String]| -> Result<Vec<String>> {
            let first = |name: &String| collection.names.first_chunk(granularity, name);
            let chunks: Vec<ChunkId> = names.iter().filter_map(first).collect();
            let stored = collection.index.chunks(&chunks)?;
            Ok(stored.iter().map(|stored| beginning(&stored.chunk.text)).collect())
        };
        found.texts = beginnings(&found.top)?;
        // The names of the answers are those of the best system.
        if place == 0 {
            contrasting.answer = beginnings(&contrasting.relevant[..contrasting.relevant.len().min(1)])?.pop();
        }
    }
    Ok(())
}

/// The first words of a text.
fn beginning(text: &str) -> String {
    let mut shown = String::new();
    for word in text.split_whitespace() {
        if shown.chars().count() + word.chars().count() > MOST_SHOWN {
            return format!("{shown} …").trim_start().to_string();
        }
        shown.push_str(if shown.is_empty() { "" } else { " " });
        shown.push_str(word);
    }
    shown
}
