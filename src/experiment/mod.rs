//! Puts a judged collection through the configured pipeline: indexed like any folder, asked like any index, measured.

mod default_system;

pub mod compare;
mod generator_run;
pub mod measure_system;
pub mod question_generation;
pub mod question_set;
pub mod systems;
pub mod tuning;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{ChunkSize, Config, EmbedderChoice};
use crate::corpus::beir::{Beir, BeirDocument};
use crate::engine::{Embedders, Kinglet};
use crate::error::{Error, Result};
use crate::eval::judged::{Granularity, Question, QuestionOrigin};
use crate::eval::{self, Evaluation, Run};
use crate::index::durable_file::make_private_folder;
use crate::index::manifest::Manifest;
use crate::index::store::{ChunkId, Outline};
use crate::index::{Index, IndexWriter};
use crate::ingest::{IngestPlan, Progress, ingest};
use crate::models::catalog::ModelSpec;
use crate::search::Retriever;

/// A collection with its index, kept under `evals/` of the home for the next time.
pub struct TestCollection {
    questions: Vec<Question>,
    index: Arc<Index>,
    names: Names,
}

impl TestCollection {
    /// What will be asked.
    pub fn questions(&self) -> &[Question] {
        &self.questions
    }

    /// What will be searched.
    pub fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// How many documents will be searched.
    pub fn documents(&self) -> usize {
        self.names.documents
    }

    /// Puts `questions` to `retriever`, which finds `depth` chunks; `done` is told after each how many were put.
    ///
    /// # Errors
    /// When the retriever fails.
    pub fn run(
        &self,
        questions: &[Question],
        retriever: &dyn Retriever,
        depth: usize,
        done: &dyn Fn(usize),
    ) -> Result<Run> {
        eval::run(questions, retriever, depth, &|unit, chunk| self.names.of(unit, chunk), done)
    }
}

/// What judgments call the chunks of an index and their documents.
struct Names {
    documents: usize,
    by_chunk: HashMap<ChunkId, [Vec<String>; 2]>,
}

impl Names {
    /// `name` gives the names of a chunk's document and of the chunk itself. One that is searched has the names of its copies too.
    fn new(outlines: &[Outline], name: impl Fn(&Outline) -> Result<[String; 2]>) -> Result<Self> {
        let mut by_chunk: HashMap<ChunkId, [Vec<String>; 2]> = HashMap::new();
        let mut documents = HashSet::new();
        let (originals, copies): (Vec<_>, Vec<_>) = outlines.iter().partition(|it| it.chunk == it.original);
        for outline in originals.into_iter().chain(copies) {
            let [document, passage] = name(outline)?;
            documents.insert(document.clone());
            let names = by_chunk.entry(outline.original).or_default();
            names[0].push(document);
            names[1].push(passage);
        }
        Ok(Names { documents: documents.len(), by_chunk })
    }

    fn of(&self, unit: Granularity, chunk: ChunkId) -> Result<&[String]> {
        let [document, passage] =
            self.by_chunk.get(&chunk).ok_or_else(|| Error::damaged(format!("chunk {chunk} has no document")))?;
        Ok(match unit {
            Granularity::Document => document,
            Granularity::Passage => passage,
        })
    }

    /// The first chunk of what is called so.
    fn first(&self, unit: Granularity, name: &str) -> Option<ChunkId> {
        let is_called = |[document, passage]: &[Vec<String>; 2]| match unit {
            Granularity::Document => document.iter().any(|it| it == name),
            Granularity::Passage => passage.iter().any(|it| it == name),
        };
        let called = self.by_chunk.iter().filter(|&(_, names)| is_called(names));
        called.map(|(chunk, _)| *chunk).min()
    }
}

impl Kinglet {
    /// The models that the collection's trial needs.
    ///
    /// # Errors
    /// When the catalog does not have an embedder that is named.
    pub fn models_for_trial(&self, folder: &Path) -> Result<Vec<Arc<ModelSpec>>> {
        let this = self.naming_its_embedder();
        let index = this.trial_index(&this.trial_folder(folder)?);
        let mut specs = this.specs_of(&this.embedders_of(&index, &this.trial_embedders(&index)?)?)?;
        for encoder in this.sparse_encoders_of(&index)? {
            specs.push(this.sparse_encoder_spec(encoder.model())?);
        }
        this.with_runtime(specs)
    }

    /// Reads the collection in BEIR's layout in `folder`, with the judgments of one set, and brings its index up to date. The vectors of embedders that it was
    /// tried with before are kept.
    ///
    /// # Errors
    /// When the collection is not one, or as [`Kinglet::index`].
    pub fn prepare_trial(&self, folder: &Path, set: &str, watcher: &dyn Progress) -> Result<TestCollection> {
        let this = self.naming_its_embedder();
        let place = this.trial_folder(folder)?;
        let collection = Beir::read(folder, set)?;
        let documents = place.join("documents");
        write_documents(&collection.documents, &documents)?;
        let index = this.trial_index(&place);
        let embedders = this.open_embedders(&index, &this.trial_embedders(&index)?)?;
        let plan = IngestPlan {
            roots: &[documents],
            chunking: this.config().chunking().unwrap_or_default(),
            max_file_bytes: u64::MAX,
            exclude: &[],
            embedders: &embedders,
            encoders: &this.open_sparse_encoders(&index)?,
            language: this.config().language(),
            keep_tokens: this.keeps_tokens(),
            isolation: this.isolation(),
        };
        ingest(&mut IndexWriter::open(&index)?, &plan, watcher)?;
        let index = Arc::new(Index::open(&index)?);
        let names = Names::new(&index.outlines()?, |outline| {
            let place = outline.path.split('.').next().and_then(|stem| stem.parse::<usize>().ok());
            let document = place.and_then(|place| collection.documents.get(place)).map(|document| document.id.clone());
            let document =
                document.ok_or_else(|| Error::damaged(format!("{} is no document of the collection", outline.path)))?;
            Ok([document, outline.chunk.to_string()])
        })?;
        Ok(TestCollection { questions: questions_of(collection), index, names })
    }

    /// Puts every question of the trial to the configured retriever and measures what comes back; `done` is told after each question
    /// how many were put.
    ///
    /// # Errors
    /// As [`Kinglet::search`].
    pub fn evaluate(&self, trial: &TestCollection, done: &dyn Fn(usize)) -> Result<(Run, Evaluation)> {
        let this = self.naming_its_embedder();
        let pipeline = this.with_index_defaults(trial.index.manifest())?.pipeline(&trial.index)?;
        let run = trial.run(&trial.questions, &pipeline, eval::DEPTH, done)?;
        let evaluation = eval::evaluate(&trial.questions, &run);
        Ok((run, evaluation))
    }

    /// A trial's embedder does not depend on which was tried first.
    fn naming_its_embedder(&self) -> Kinglet {
        let embedder = EmbedderChoice::Use(self.answering_embedder(None));
        self.clone().with_config(Config { embedder, ..self.config().clone() })
    }

    /// Words or learned terms alone need no embedder: then those that were tried before are kept, and no other is added.
    fn trial_embedders(&self, index: &Path) -> Result<Embedders> {
        if !self.needs_no_embedder() {
            return Ok(Embedders::Keep);
        }
        let own = Manifest::read(index)?.map(|manifest| manifest.embedders).unwrap_or_default();
        Ok(Embedders::Only(own.iter().map(|card| card.id.as_str().into()).collect()))
    }

    /// Each chunking has an index of its own.
    fn trial_index(&self, place: &Path) -> PathBuf {
        place.join(match self.config().chunking {
            ChunkSize::Auto | ChunkSize::Standard => "index",
            ChunkSize::Short => "index-short",
            ChunkSize::Long => "index-long",
        })
    }

    fn trial_folder(&self, folder: &Path) -> Result<PathBuf> {
        let folder = folder.canonicalize().map_err(|cause| Error::io("find", folder, cause))?;
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let of = blake3::hash(folder.as_os_str().as_encoded_bytes()).to_hex();
        Ok(self.home().join("evals").join(format!("{name}-{}", &of[..8])))
    }
}

fn questions_of(mut collection: Beir) -> Vec<Question> {
    let question = |(id, text): (String, String)| {
        let judgments = collection.judgments.remove(&id).unwrap_or_default();
        Question { id, text, origin: QuestionOrigin::Human, unit: Granularity::Document, judgments }
    };
    collection.queries.into_iter().map(question).collect()
}

/// Writes each document to a file of its own, named by its place in the collection; files that are right already keep their
/// time, so that they are not read again.
fn write_documents(documents: &[BeirDocument], folder: &Path) -> Result<()> {
    make_private_folder(folder)?;
    let mut wanted = BTreeSet::new();
    for (place, document) in documents.iter().enumerate() {
        let title = document.title.split_whitespace().collect::<Vec<_>>().join(" ");
        let (name, text) = match title.as_str() {
            "" => (format!("{place}.txt"), document.text.clone()),
            title => (format!("{place}.md"), format!("# {title}\n\n{}", document.text)),
        };
        let path: PathBuf = folder.join(name);
        if std::fs::read(&path).ok().as_deref() != Some(text.as_bytes()) {
            std::fs::write(&path, &text).map_err(|cause| Error::io("write", &path, cause))?;
        }
        wanted.insert(path);
    }
    let entries = std::fs::read_dir(folder).map_err(|cause| Error::io("list", folder, cause))?;
    for entry in entries.flatten().filter(|entry| !wanted.contains(&entry.path())) {
        std::fs::remove_file(entry.path()).map_err(|cause| Error::io("remove", &entry.path(), cause))?;
    }
    Ok(())
}
