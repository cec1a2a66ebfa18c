//! Configuration → parts → the three flows. The only file that picks which implementation stands behind a seam.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crate::answer::{Answer, Passage, Timings, answer, elapsed_ms};
use crate::chunk::Chunk;
use crate::config::{Config, Mode, Rerank};
use crate::error::{Error, Result};
use crate::index::{Index, IndexWriter};
use crate::ingest::{Plan, Summary, Watcher, ingest};
use crate::models::cache::ModelCache;
use crate::models::catalog::{self, Kind, Row};
use crate::models::extractive::ExtractiveGenerator;
use crate::models::hashing::HashingEmbedder;
use crate::models::llama::LlamaGenerator;
use crate::models::maxsim::MaxSim;
use crate::models::onnx::{self, OnnxEmbedder};
use crate::models::openai::OpenAiGenerator;
use crate::models::traits::{Embedder, Generator};
use crate::search::{DenseLeg, Hit, Hybrid, LexicalLeg, Query, Reranked, Retriever};

/// A home with indexes and models, and the configuration under which they are used. Cheap to clone.
#[derive(Clone)]
pub struct Kinglet {
    home: PathBuf,
    config: Config,
    models: ModelCache,
    embedder: Option<Arc<dyn Embedder>>,
    generator: Option<Arc<dyn Generator>>,
}

/// A chunk that a search found, with why.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What each leg said of it.
    pub hit: Hit,
    /// The file.
    pub path: PathBuf,
    /// The part of it.
    pub chunk: Chunk,
}

impl Kinglet {
    /// Uses the folder `home`, which need not exist yet.
    pub fn new(home: impl Into<PathBuf>, config: Config) -> Self {
        let home = home.into();
        let models = ModelCache::new(home.join("models"));
        Kinglet { home, config, models, embedder: None, generator: None }
    }

    /// Uses this embedder, whatever the configuration says.
    #[must_use]
    pub fn with_embedder(self, embedder: Arc<dyn Embedder>) -> Self {
        Kinglet { embedder: Some(embedder), ..self }
    }

    /// Uses this generator, whatever the configuration says.
    #[must_use]
    pub fn with_generator(self, generator: Arc<dyn Generator>) -> Self {
        Kinglet { generator: Some(generator), ..self }
    }

    /// Brings the index called `name` up to date with `roots` (folders and files; none means those of the last run), and makes it if
    /// need be.
    ///
    /// # Errors
    /// See [`ingest()`]; also when another process writes to this index.
    pub fn index(&self, name: &str, roots: &[PathBuf], watcher: &dyn Watcher) -> Result<Summary> {
        let roots = roots
            .iter()
            .map(|path| path.canonicalize().map_err(|cause| Error::io("find", path, cause)))
            .collect::<Result<Vec<_>>>()?;
        let folder = self.index_folder(name)?;
        let embedder = self.embedder()?;
        let mut writer = IndexWriter::open(&folder)?;
        let plan = Plan {
            roots: &roots,
            chunking: writer.manifest().map(|manifest| manifest.chunking).unwrap_or_default(),
            max_file_bytes: self.config.max_file_mib << 20,
            exclude: std::slice::from_ref(&self.home),
            embedders: &[embedder],
        };
        ingest(&mut writer, &plan, watcher)
    }

    /// The passages of the index called `name` that fit `question` best, at most `count`, best first.
    ///
    /// # Errors
    /// When there is no such index, its vectors are of another embedder, or a model or a part of the index fails.
    pub fn search(&self, name: &str, question: &str, count: usize) -> Result<Vec<Found>> {
        let index = Arc::new(Index::open(&self.index_folder(name)?)?);
        let hits = self.retriever(&index)?.retrieve(&Query::new(question), count)?;
        let chunks = index.chunks(&hits.iter().map(|hit| hit.chunk).collect::<Vec<_>>())?;
        let found = hits.into_iter().zip(chunks);
        Ok(found.map(|(hit, stored)| Found { hit, path: stored.path, chunk: stored.chunk }).collect())
    }

    /// Answers `question` from the index called `name`; `show` gets each sentence as soon as it is written and checked. Needs a tokio
    /// runtime; models that compute in this process do so on threads of their own.
    ///
    /// # Errors
    /// See [`Kinglet::search`] and [`answer()`].
    pub async fn ask(&self, name: &str, question: &str, show: &mut (dyn FnMut(&str) + Send)) -> Result<Answer> {
        let (this, name, asked) = (self.clone(), name.to_string(), question.to_string());
        let prepared = tokio::task::spawn_blocking(move || {
            let started = Instant::now();
            let found = this.search(&name, &asked, this.config.passages)?;
            let retrieve = elapsed_ms(started);
            let started = Instant::now();
            let generator = this.generator()?;
            Ok((found, generator, retrieve, elapsed_ms(started)))
        });
        let (found, generator, retrieve, load) =
            prepared.await.map_err(|cause| Error::model(format!("finding passages failed: {cause}")))??;
        let passages: Vec<Passage> = found
            .into_iter()
            .map(|found| Passage { path: found.path.display().to_string(), chunk: found.chunk })
            .collect();
        let mut answer = answer(generator.as_ref(), question, &passages, self.config.answer_tokens, show).await?;
        answer.timings_ms = Timings { retrieve, load, ..answer.timings_ms };
        Ok(answer)
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The folder that holds `indexes/` and `models/`.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The models' files.
    pub fn models(&self) -> &ModelCache {
        &self.models
    }

    /// The folder of the index called `name`.
    ///
    /// # Errors
    /// When `name` cannot be the name of a folder.
    pub fn index_folder(&self, name: &str) -> Result<PathBuf> {
        let plain = !name.is_empty()
            && name.len() <= 100
            && !name.starts_with('.')
            && name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
        if !plain {
            return Err(Error::input(format!("`{}` cannot be the name of an index", name.escape_debug()))
                .hint("use letters, digits, `-`, `_` and `.`: --name my-notes"));
        }
        Ok(self.home.join("indexes").join(name))
    }

    /// What indexing needs.
    pub fn models_for_indexing(&self) -> Result<Vec<Row>> {
        if self.config.embedder == HashingEmbedder::ID {
            return Ok(Vec::new());
        }
        Ok(vec![catalog::lookup(catalog::RUNTIME)?, self.embedder_row()?])
    }

    /// What a search needs: nothing for words alone.
    pub fn models_for_searching(&self) -> Result<Vec<Row>> {
        match self.config.mode {
            Mode::Lexical if self.config.rerank == Rerank::None => Ok(Vec::new()),
            Mode::Lexical | Mode::Dense | Mode::Hybrid => self.models_for_indexing(),
        }
    }

    /// What writing an answer needs beside the search.
    pub fn models_for_answering(&self) -> Result<Vec<Row>> {
        match self.config.generator.as_str() {
            "extractive" => Ok(Vec::new()),
            name if name.starts_with("openai:") => Ok(Vec::new()),
            _ => Ok(vec![self.generator_row()?.0]),
        }
    }

    fn embedder_row(&self) -> Result<Row> {
        let known = "kinglet models list shows the embedders; hashing-256 needs no files";
        let row = catalog::lookup(&self.config.embedder).map_err(|error| error.hint(known))?;
        match row.kind {
            Kind::Embedder { .. } => Ok(row),
            kind => Err(Error::input(format!("{} is a {kind}, not an embedder", row.id)).hint(known)),
        }
    }

    /// The row with the tokens that the generator reads.
    fn generator_row(&self) -> Result<(Row, usize)> {
        let known =
            "generators are smollm2-135m-instruct, openai:MODEL for a server, and extractive, which only quotes";
        let row = catalog::lookup(&self.config.generator).map_err(|error| error.hint(known))?;
        match row.kind {
            Kind::Generator { context_tokens } => Ok((row, context_tokens)),
            kind => Err(Error::input(format!("{} is a {kind}, not a generator", row.id)).hint(known)),
        }
    }

    /// Whether the files of a model are here; a runtime may also be the system's.
    pub fn is_here(&self, row: &Row) -> bool {
        self.models.is_complete(row) || (row.id == catalog::RUNTIME && onnx::find_runtime(&self.models).is_ok())
    }

    /// The embedder that is configured.
    pub fn embedder(&self) -> Result<Arc<dyn Embedder>> {
        if let Some(embedder) = &self.embedder {
            return Ok(embedder.clone());
        }
        if self.config.embedder == HashingEmbedder::ID {
            return Ok(Arc::new(HashingEmbedder::new(256)));
        }
        Ok(Arc::new(self.onnx_embedder()?))
    }

    /// The embedder that is configured, where it is one of the catalog: it can give token vectors too.
    ///
    /// # Errors
    /// When it is not one of the catalog, or its files are not here.
    pub fn onnx_embedder(&self) -> Result<OnnxEmbedder> {
        let row = self.embedder_row()?;
        OnnxEmbedder::open(&onnx::find_runtime(&self.models)?, &row, &self.models.require(&row)?, self.config.threads)
    }

    /// The generator that is configured.
    pub fn generator(&self) -> Result<Arc<dyn Generator>> {
        if let Some(generator) = &self.generator {
            return Ok(generator.clone());
        }
        let name = self.config.generator.as_str();
        if name == "extractive" {
            return Ok(Arc::new(ExtractiveGenerator));
        }
        if let Some(model) = name.strip_prefix("openai:") {
            return Ok(Arc::new(OpenAiGenerator::from_environment(model)?));
        }
        let (row, context_tokens) = self.generator_row()?;
        let path = self.models.require(&row)?.join(row.files[0].name);
        Ok(Arc::new(LlamaGenerator::open(row.id, &path, self.config.threads, context_tokens)?))
    }

    /// The retriever that is configured, over `index`.
    pub fn retriever(&self, index: &Arc<Index>) -> Result<Arc<dyn Retriever>> {
        let reranker = match self.config.rerank {
            Rerank::None => None,
            Rerank::Maxsim => Some(Arc::new(self.onnx_embedder()?)),
        };
        let lexical = || Arc::new(LexicalLeg::new(index.clone())) as Arc<dyn Retriever>;
        let dense = || -> Result<Arc<dyn Retriever>> {
            let embedder = match (&self.embedder, &reranker) {
                (None, Some(shared)) => shared.clone(),
                _ => self.embedder()?,
            };
            Ok(Arc::new(DenseLeg::new(index.clone(), embedder)?))
        };
        let legs = match self.config.mode {
            Mode::Lexical => vec![lexical()],
            Mode::Dense => vec![dense()?],
            Mode::Hybrid => vec![lexical(), dense()?],
        };
        let weight = 1.0 / (legs.len() + 1) as f32;
        let hybrid: Arc<dyn Retriever> = Arc::new(Hybrid::new(legs, self.config.fusion));
        Ok(match reranker {
            Some(embedder) => {
                let maxsim = Arc::new(MaxSim::new(embedder));
                Arc::new(Reranked::new(hybrid, maxsim, index.clone(), weight))
            }
            None => hybrid,
        })
    }

    /// Counts the tokens of a text as the configured embedder does, where it is one with tokens and it is here.
    pub fn token_counter(&self) -> Option<impl Fn(&str) -> Result<usize> + use<>> {
        Some(self.onnx_embedder().ok()?.token_counter())
    }
}
