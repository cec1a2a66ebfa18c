//! Compares systems on the same questions over the same documents: plans the systems and the models
//! that they need, measures one system after the other, computes the statistics, and writes the
//! report.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::TestCollection;
use super::comparison_folder::ComparisonFolder;
use super::measure_process::measure;
use super::measure_system::{MeasureJob, Measurement};
use super::question_set::with_questions;
use super::systems::{DEFAULT_MODES, System, Systems};
use super::test_collection::{CollectionSource, DocumentSource, no_questions};
use crate::config::{ChunkSize, Config, EmbedderChoice, GeneratorChoice, RerankerChoice};
use crate::engine::machine::machine;
use crate::engine::{Embedders, Kinglet};
use crate::error::{Error, ErrorKind, Result};
use crate::eval::Run;
use crate::eval::comparison::agreement::ContrastingQuestion;
use crate::eval::comparison::{SystemRun, compare_runs};
use crate::eval::judgments::Granularity;
use crate::eval::report::{About, Report};
use crate::index::Index;
use crate::index::durable_file::make_private_folder;
use crate::index::manifest::Manifest;
use crate::index::store::ChunkId;
use crate::ingest::Progress;
use crate::models::catalog::ModelSpec;
use crate::models::reference::{EmbedderRef, RerankerRef};
use crate::subprocess::Isolation;

/// The depth of rankings in run files, which Recall@100 needs.
const RUN_DEPTH: usize = 100;
/// The length of a text's beginning in the report, in characters.
const BEGINNING_CHARS: usize = 140;

/// What to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparisonRequest {
    /// The documents and questions.
    pub collection: CollectionSource,
    /// The embedders; lexical search alone and what the index uses now are always compared too.
    pub embedders: Vec<EmbedderRef>,
    /// The modes to compare for each embedder, see [`Kinglet::systems`]; none means
    /// [`DEFAULT_MODES`], and for generators the last of these.
    pub modes: Vec<String>,
    /// Settings to compare several values of, by key.
    pub vary: Vec<(String, Vec<String>)>,
    /// The folder of the comparison; `None` for `comparisons/NAME` in the home folder.
    pub folder: Option<PathBuf>,
}

/// A comparison that is ready to run.
#[derive(Debug)]
pub struct ComparisonPlan {
    request: ComparisonRequest,
    folder: PathBuf,
    systems: Vec<System>,
    default: Option<String>,
    left_out: Vec<String>,
    required_models: Vec<Arc<ModelSpec>>,
}

impl ComparisonPlan {
    /// The name of the system that is used now: by the index, or of the configured generator.
    pub fn default_system(&self) -> Option<&str> {
        self.default.as_deref()
    }

    /// The systems, the baseline first.
    pub fn systems(&self) -> &[System] {
        &self.systems
    }

    /// A sentence for each requested system that cannot be compared.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// The models that must be installed.
    pub fn required_models(&self) -> &[Arc<ModelSpec>] {
        &self.required_models
    }
}

/// A finished comparison.
#[derive(Debug)]
pub struct FinishedComparison {
    /// The results.
    pub report: Report,
    /// The path of the HTML report.
    pub page: PathBuf,
}

/// The progress of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeasuringProgress<'p> {
    /// The system being measured.
    pub system: &'p str,
    /// The number of questions answered so far, over all systems.
    pub answered: usize,
    /// The number of questions to answer, over all systems.
    pub total: usize,
}

impl Kinglet {
    /// Finds the systems to compare and the models that they need. Writes nothing.
    ///
    /// # Errors
    /// When there are no questions, or the index, an embedder, a mode, a setting or a value does
    /// not exist.
    pub fn plan_comparison(&self, request: ComparisonRequest) -> Result<ComparisonPlan> {
        let is_of_generators = request.vary.iter().any(|(key, _)| key == "generator");
        let modes: Vec<String> = match request.modes.as_slice() {
            [] if is_of_generators => vec!["default".to_string()],
            [] => DEFAULT_MODES.iter().map(ToString::to_string).collect(),
            modes => modes.to_vec(),
        };
        let Systems { mut systems, mut left_out } = self.systems(&request.embedders, &modes, &request.vary)?;
        if let CollectionSource { documents: DocumentSource::Index(_), questions: None } = request.collection {
            return Err(no_questions());
        }
        let default = match &request.collection.documents {
            _ if is_of_generators => {
                let own = GeneratorChoice::from(self.own_generator().as_str());
                systems.iter().find(|system| system.config.generator == own).map(|system| system.name.clone())
            }
            DocumentSource::Beir { .. } => None,
            DocumentSource::Index(name) => match self.own_system(name) {
                Ok(own) => Some(with_own(&mut systems, own)),
                Err(error) => {
                    left_out.push(format!("what {name} uses now is left out: {error}"));
                    None
                }
            },
        };
        let name = request.collection.documents.name();
        let folder = request.folder.clone().unwrap_or_else(|| self.home().join("comparisons").join(name));
        let required_models = self.models_for_comparison(&request, &systems)?;
        Ok(ComparisonPlan { request, folder, systems, default, left_out, required_models })
    }

    /// Measures each system in the process that `isolation` names and compares them. Everything
    /// goes into the comparison's folder: `systems/` has the measurements, which a later run reuses
    /// if nothing has changed; `runs/` has run files in TREC's format, `qrels.txt` the judgments
    /// (those for systems with another chunk size are next to their runs), `questions.jsonl` the
    /// questions. `progress` observes indexing and decides whether to stop; `measuring` is called
    /// after each question.
    ///
    /// # Errors
    /// When a system cannot be measured, or a write fails. Finished measurements are kept.
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
        let (mut runs, mut finished) = (Vec::new(), 0);
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
                    let measured = measure(isolation, &job, progress, &answered);
                    let measurement = measured.map_err(|error| with_context(error, system, finished))?;
                    finished += 1;
                    folder.store(system, fingerprint, checked(measurement, system, &job)?)?
                }
            };
            let run = run_of(collection, &measurement)?;
            folder.write_run(system, &run)?;
            if !std::ptr::eq(collection, first) {
                folder.write_own_judgments(system, &collection.questions)?;
            }
            let Measurement { answers, cost, .. } = measurement;
            let questions = collection.questions.clone();
            let (name, label) = (system.name.clone(), system.label.clone());
            runs.push(SystemRun { name, label, questions, run, answers, cost });
        }
        folder.write_questions(&first.questions)?;
        let mut comparisons = compare_runs(&runs, plan.default_system());
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

    /// The system that the index called `name` uses now.
    fn own_system(&self, name: &str) -> Result<System> {
        let folder = self.index_folder(name)?;
        let manifest = Manifest::read(&folder)?.ok_or_else(|| Error::input("it has no finished run"))?;
        self.system_of_index(&manifest)
    }

    fn models_for_comparison(&self, request: &ComparisonRequest, systems: &[System]) -> Result<Vec<Arc<ModelSpec>>> {
        let mut models: Vec<Arc<ModelSpec>> = Vec::new();
        for system in systems {
            let kinglet = self.clone().with_config(system.config.clone());
            let mut required = match &request.collection.documents {
                DocumentSource::Index(name) => {
                    self.models_for_indexing(name, &Embedders::Add(request.embedders.clone()))?
                }
                beir => kinglet.models_for_documents(beir)?,
            };
            required.extend(kinglet.models_of_search()?);
            if system.answers {
                required.extend(kinglet.models_for_answering()?);
                required.extend(kinglet.models_of_checks(None)?);
            }
            for model in required {
                if !models.iter().any(|other| other.id == model.id) {
                    models.push(model);
                }
            }
        }
        Ok(models)
    }

    /// Opens the test collection for each chunk size of the systems; its index has everything that
    /// they need.
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
            let parts = (
                embedder,
                sparse,
                *rerank == RerankerChoice::Use(RerankerRef::MaxSim),
                system.config.encoder().is_some(),
                chunking,
            );
            if !prepared.insert(parts) {
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

    /// The user's index with the vectors of all embedders; for another chunk size, an index of the
    /// same documents in the comparison's folder.
    fn comparison_index(&self, name: &str, plan: &ComparisonPlan, progress: &dyn Progress) -> Result<Index> {
        let index_folder = self.index_folder(name)?;
        // Which token vectors the index keeps must not depend on which system comes first.
        let config = Config { rerank: RerankerChoice::Auto, embedder: EmbedderChoice::Auto, ..self.config().clone() };
        let kinglet = self.clone().with_config(config);
        let folder = match self.config().chunking {
            ChunkSize::Auto => index_folder.clone(),
            size => plan.folder.join("indexes").join(format!("{size:?}").to_lowercase()),
        };
        let embedders = plan.request.embedders.clone();
        let (roots, embedders) = match folder == index_folder {
            true => (Vec::new(), Embedders::Add(embedders)),
            false => (Index::roots_in(&index_folder)?, Embedders::Only(embedders)),
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
            references: collection.questions.iter().map(|question| question.references.clone()).collect(),
        }
    }
}

/// Adds `own` unless a system has the same settings; returns the name of that system.
fn with_own(systems: &mut Vec<System>, own: System) -> String {
    match systems.iter().find(|system| system.config == own.config) {
        Some(same) => same.name.clone(),
        None => {
            let name = own.name.clone();
            systems.push(own);
            name
        }
    }
}

/// A hash that changes whenever the system, the index, the questions or the program changes.
fn fingerprint(system: &System, job: &MeasureJob, index: &Index) -> Result<String> {
    let parts = (env!("CARGO_PKG_VERSION"), job, index.manifest(), index.generation(), &system.name);
    Ok(blake3::hash(&serde_json::to_vec(&parts).expect("plain data")).to_hex().to_string())
}

/// The measurement, if it has a result for every question.
fn checked(measurement: Measurement, system: &System, job: &MeasureJob) -> Result<Measurement> {
    let questions = job.questions.len();
    match measurement.rankings.len() == questions && measurement.took_ms.len() == questions {
        true => Ok(measurement),
        false => Err(Error::model(format!("{} did not answer all questions", system.name))),
    }
}

/// Adds to the error the system that it concerns, or, after an interruption, how many were
/// finished.
fn with_context(error: Error, system: &System, finished: usize) -> Error {
    if error.kind() != ErrorKind::Interrupted {
        return Error::new(error.kind(), format!("{} could not be measured: {error}", system.name)).with_cause(error);
    }
    let finished = match finished {
        0 => "no system was".to_string(),
        1 => "one system was".to_string(),
        count => format!("{count} systems were"),
    };
    let what = format!("interrupted; {finished} measured in this run; run the same command to continue");
    Error::new(ErrorKind::Interrupted, what)
}

/// The run, with rankings of documents or passages by name.
fn run_of(collection: &TestCollection, measurement: &Measurement) -> Result<Run> {
    let mut rankings = Vec::new();
    for (question, chunks) in collection.questions.iter().zip(&measurement.rankings) {
        let ranking = collection.names.ranking(question.granularity, chunks.iter().copied(), RUN_DEPTH)?;
        rankings.push((question.id.clone(), ranking));
    }
    Ok(Run { rankings, took_ms: measurement.took_ms.clone() })
}

/// Adds the beginnings of the retrieved texts, because names alone tell people little.
fn add_texts(
    contrasting: &mut ContrastingQuestion,
    plan: &ComparisonPlan,
    collections: &BTreeMap<ChunkSize, TestCollection>,
) -> Result<()> {
    for (place, result) in contrasting.found.iter_mut().enumerate() {
        let Some(system) = plan.systems.iter().find(|system| system.name == result.system) else { continue };
        let collection = &collections[&system.config.chunking];
        let question = collection.questions.iter().find(|question| question.id == contrasting.id);
        let granularity = question.map_or(Granularity::Document, |question| question.granularity);
        let beginnings = |names: &[String]| -> Result<Vec<String>> {
            let first = |name: &String| collection.names.first_chunk(granularity, name);
            let chunks: Vec<ChunkId> = names.iter().filter_map(first).collect();
            let stored = collection.index.chunks(&chunks)?;
            Ok(stored.iter().map(|stored| beginning(&stored.chunk.text)).collect())
        };
        result.texts = beginnings(&result.top)?;
        // Relevant passages have the names that the best system's chunk size gives them.
        if place == 0 {
            contrasting.answer = beginnings(&contrasting.relevant[..contrasting.relevant.len().min(1)])?.pop();
        }
    }
    Ok(())
}

/// The first words of a text, at most [`BEGINNING_CHARS`] long.
fn beginning(text: &str) -> String {
    let mut words = String::new();
    for word in text.split_whitespace() {
        if words.chars().count() + word.chars().count() > BEGINNING_CHARS {
            return format!("{words} …").trim_start().to_string();
        }
        words.push_str(if words.is_empty() { "" } else { " " });
        words.push_str(word);
    }
    words
}
