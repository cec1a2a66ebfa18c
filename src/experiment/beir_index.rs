//! Indexes a collection in BEIR's layout like any folder: each document is a file. The index stays
//! under `evals/` in kinglet's home folder for the next run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::TestCollection;
use super::chunk_names::ChunkNames;
use crate::config::{ChunkSize, Config, EmbedderChoice};
use crate::engine::{Embedders, Kinglet};
use crate::error::{Error, Result};
use crate::eval::datasets::beir::{Beir, BeirDocument};
use crate::eval::judgments::{Granularity, Question, QuestionOrigin};
use crate::index::durable_file::make_private_folder;
use crate::index::manifest::Manifest;
use crate::index::{Index, IndexWriter};
use crate::ingest::{IngestPlan, Progress, ingest};
use crate::models::catalog::ModelSpec;

/// The same engine with a fixed embedder, so that results do not depend on which embedder was used
/// first.
fn with_fixed_embedder(kinglet: &Kinglet) -> Kinglet {
    let embedder = EmbedderChoice::Use(kinglet.answering_embedder(None));
    kinglet.clone().with_config(Config { embedder, ..kinglet.config().clone() })
}

/// The engine that evaluates a search in `index`. A user's index answers with its own first
/// embedder; that of a collection has those of earlier runs too, so its embedder is fixed.
pub(super) fn for_evaluation(kinglet: &Kinglet, index: &Index) -> Kinglet {
    match index.folder().starts_with(collections_folder(kinglet)) {
        true => with_fixed_embedder(kinglet),
        false => kinglet.clone(),
    }
}

/// The folder of the indexes of collections.
fn collections_folder(kinglet: &Kinglet) -> PathBuf {
    kinglet.home().join("evals")
}

impl Kinglet {
    /// The models that a search in the collection in `folder` needs.
    pub(super) fn models_for_beir(&self, folder: &Path) -> Result<Vec<Arc<ModelSpec>>> {
        let this = with_fixed_embedder(self);
        let index = this.beir_index(&this.beir_home(folder)?);
        let mut specs = this.specs_of(&this.embedders_of(&index, &this.beir_embedders(&index)?)?)?;
        for encoder in this.sparse_encoders_of(&index)? {
            specs.push(this.sparse_encoder_spec(encoder.model())?);
        }
        this.with_runtime(specs)
    }

    /// Reads the collection in `folder` with the judgments of one split, and updates its index.
    pub(super) fn beir_collection(
        &self,
        folder: &Path,
        split: &str,
        progress: &dyn Progress,
    ) -> Result<TestCollection> {
        let this = with_fixed_embedder(self);
        let home = this.beir_home(folder)?;
        let collection = Beir::read(folder, split)?;
        let documents = home.join("documents");
        write_documents(&collection.documents, &documents)?;
        let index = this.beir_index(&home);
        let embedders = this.open_embedders(&index, &this.beir_embedders(&index)?)?;
        let plan = IngestPlan {
            roots: &[documents],
            chunking: this.config().chunking().unwrap_or_default(),
            max_file_bytes: u64::MAX,
            dropped: &[],
            exclude: &[],
            embedders: &embedders,
            encoders: &this.open_sparse_encoders(&index)?,
            language: this.config().language(),
            keep_tokens: this.keeps_tokens(),
            isolation: this.isolation(),
        };
        ingest(&mut IndexWriter::open(&index)?, &plan, progress)?;
        let index = Arc::new(Index::open(&index)?);
        let names = ChunkNames::new(&index.outlines()?, |outline| {
            let number = outline.path.split('.').next().and_then(|stem| stem.parse::<usize>().ok());
            let document = number.and_then(|number| collection.documents.get(number));
            let document = document
                .ok_or_else(|| Error::damaged(format!("{} is not a document of the collection", outline.path)))?;
            Ok([document.id.clone(), outline.chunk.to_string()])
        })?;
        Ok(TestCollection { questions: questions_of(collection), index, names })
    }

    /// Lexical and sparse modes need no embedder: then the index keeps those that it has, and gets
    /// no other.
    fn beir_embedders(&self, index: &Path) -> Result<Embedders> {
        if !self.needs_no_embedder() {
            return Ok(Embedders::Keep);
        }
        let kept = Manifest::read(index)?.map(|manifest| manifest.embedders).unwrap_or_default();
        Ok(Embedders::Only(kept.iter().map(|card| card.id.as_str().into()).collect()))
    }

    /// Each chunk size has an index of its own.
    fn beir_index(&self, home: &Path) -> PathBuf {
        home.join(match self.config().chunking {
            ChunkSize::Auto | ChunkSize::Standard => "index",
            ChunkSize::Short => "index-short",
            ChunkSize::Long => "index-long",
        })
    }

    fn beir_home(&self, folder: &Path) -> Result<PathBuf> {
        let folder = folder.canonicalize().map_err(|cause| Error::io("find", folder, cause))?;
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let hash = blake3::hash(folder.as_os_str().as_encoded_bytes()).to_hex();
        Ok(collections_folder(self).join(format!("{name}-{}", &hash[..8])))
    }
}

fn questions_of(mut collection: Beir) -> Vec<Question> {
    let question = |(id, text): (String, String)| {
        let judgments = collection.judgments.remove(&id).unwrap_or_default();
        Question {
            id,
            text,
            origin: QuestionOrigin::Human,
            granularity: Granularity::Document,
            judgments,
            references: Vec::new(),
        }
    };
    collection.queries.into_iter().map(question).collect()
}

/// Writes each document to a file that is named after its place in the collection. Does not touch
/// files with the right content, so that they are not read again.
fn write_documents(documents: &[BeirDocument], folder: &Path) -> Result<()> {
    make_private_folder(folder)?;
    let mut written = BTreeSet::new();
    for (number, document) in documents.iter().enumerate() {
        let title = document.title.split_whitespace().collect::<Vec<_>>().join(" ");
        let (name, text) = match title.as_str() {
            "" => (format!("{number}.txt"), document.text.clone()),
            title => (format!("{number}.md"), format!("# {title}\n\n{}", document.text)),
        };
        let path: PathBuf = folder.join(name);
        if std::fs::read(&path).ok().as_deref() != Some(text.as_bytes()) {
            std::fs::write(&path, &text).map_err(|cause| Error::io("write", &path, cause))?;
        }
        written.insert(path);
    }
    let entries = std::fs::read_dir(folder).map_err(|cause| Error::io("list", folder, cause))?;
    for entry in entries.flatten().filter(|entry| !written.contains(&entry.path())) {
        std::fs::remove_file(entry.path()).map_err(|cause| Error::io("remove", &entry.path(), cause))?;
    }
    Ok(())
}
