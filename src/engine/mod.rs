//! Configuration → parts → the three flows.

pub mod doctor;
mod factory;
pub mod index_names;
mod register_model;
mod required_models;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crate::answer::{Answer, AnswerEvent, Passage, Timings, answer, elapsed_ms};
use crate::config::{Config, Mode, RerankerChoice, Switch, TunedWeights};
use crate::error::{Error, Result};
use crate::extract::worker_process::Isolation;
use crate::index::fusion_weights::FusionWeights;
use crate::index::manifest::Manifest;
use crate::index::{Index, IndexWriter};
use crate::ingest::{IngestPlan, Progress, Summary, ingest};
use crate::models::contracts::{Embedder, Generator, Reranker};
use crate::models::reference::{EmbedderRef, RerankerRef};
use crate::models::store::ModelStore;
use crate::search::filter::{self, Filter};
use crate::search::results::{ResultOptions, found};
use crate::search::{DenseLeg, LexicalLeg, MaxSim, PendingWork, Pipeline, Query, Retriever, SearchResult, SparseLeg};
use futures::StreamExt;

/// A home with indexes and models, and the configuration under which they are used. Cheap to clone.
#[derive(Clone)]
pub struct Kinglet {
    home: PathBuf,
    config: Config,
    models: ModelStore,
    embedder: Option<Arc<dyn Embedder>>,
    generator: Option<Arc<dyn Generator>>,
    reading: Isolation,
}

/// What is wished of a search beside the question.
#[derive(Debug, Clone, Default)]
pub struct SearchOptions {
    /// Only passages that pass all of these.
    pub filters: Vec<Filter>,
    /// Only the best passage of each document.
    pub one_per_document: bool,
}

/// Which embedders an index shall hold vectors of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Embedders {
    /// Those that it has, and the one that the configuration names.
    Keep,
    /// These, and no others; the first answers.
    Only(Vec<EmbedderRef>),
    /// Those that it has, and these.
    Add(Vec<EmbedderRef>),
}

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchResponse {
    /// Best first.
    pub found: Vec<SearchResult>,
    /// What the index has not made yet; `None` when it has made all.
    pub lacking: Option<PendingWork>,
}

impl Kinglet {
    /// Uses the folder `home`, which need not exist yet.
    pub fn new(home: impl Into<PathBuf>, config: Config) -> Self {
        let home = home.into();
        let models = ModelStore::new(home.join("models"));
        Kinglet { home, config, models, embedder: None, generator: None, reading: Isolation::InProcess }
    }

    /// Uses this embedder, whatever the configuration says.
    #[must_use]
    pub fn with_embedder(self, embedder: Arc<dyn Embedder>) -> Self {
        Kinglet { embedder: Some(embedder), ..self }
    }

    /// Uses this configuration instead.
    #[must_use]
    pub fn with_config(self, config: Config) -> Self {
        Kinglet { config, ..self }
    }

    /// Uses this generator, whatever the configuration says.
    #[must_use]
    pub fn with_generator(self, generator: Arc<dyn Generator>) -> Self {
        Kinglet { generator: Some(generator), ..self }
    }

    /// Reads files there, rather than in this process.
    #[must_use]
    pub fn with_isolation(self, reading: Isolation) -> Self {
        Kinglet { reading, ..self }
    }

    /// Where files are read.
    pub fn reading(&self) -> &Isolation {
        &self.reading
    }

    /// Brings the index called `name` up to date with `roots` (folders and files; none means those of the last run), and makes it if
    /// need be. It keeps the embedders that it has, see [`Embedders::Keep`].
    ///
    /// # Errors
    /// See [`ingest()`]; also when another process writes to this index.
    pub fn index(&self, name: &str, roots: &[PathBuf], watcher: &dyn Progress) -> Result<Summary> {
        self.index_with(name, roots, &Embedders::Keep, watcher)
    }

    /// As [`Kinglet::index`], with a choice of embedders. Chunks are cut once for all of them, and none is embedded twice by the same.
    ///
    /// # Errors
    /// As [`Kinglet::index`]; also when the catalog has no embedder of a name.
    pub fn index_with(
        &self,
        name: &str,
        roots: &[PathBuf],
        embedders: &Embedders,
        watcher: &dyn Progress,
    ) -> Result<Summary> {
        self.index_into(&self.index_folder(name)?, roots, embedders, watcher)
    }

    /// As [`Kinglet::index_with`], with an index anywhere.
    ///
    /// # Errors
    /// As [`Kinglet::index_with`].
    pub fn index_into(
        &self,
        folder: &Path,
        roots: &[PathBuf],
        embedders: &Embedders,
        watcher: &dyn Progress,
    ) -> Result<Summary> {
        let roots = roots
            .iter()
            .map(|path| path.canonicalize().map_err(|cause| Error::io("find", path, cause)))
            .collect::<Result<Vec<_>>>()?;
        let embedders = self.open_embedders(folder, embedders)?;
        let mut writer = IndexWriter::open(folder)?;
        let before = writer.manifest().map(|manifest| manifest.chunking);
        let plan = IngestPlan {
            roots: &roots,
            chunking: self.config.chunking().or(before).unwrap_or_default(),
            max_file_bytes: self.config.max_file_mib << 20,
            exclude: std::slice::from_ref(&self.home),
            embedders: &embedders,
            encoders: &self.open_sparse_encoders(folder)?,
            language: self.config.language(),
            keep_tokens: self.keeps_tokens(),
            isolation: &self.reading,
        };
        ingest(&mut writer, &plan, watcher)
    }

    /// The passages of the index called `name` that fit `question` best, at most `count`, best first.
    ///
    /// # Errors
    /// When there is no such index, its vectors are of another embedder, or a model or a part of the index fails.
    pub fn search(&self, name: &str, question: &str, count: usize) -> Result<Vec<SearchResult>> {
        Ok(self.search_for(name, question, count, &SearchOptions::default())?.found)
    }

    /// As [`Kinglet::search`], with wishes, and with what the index lacks while it is being made.
    ///
    /// # Errors
    /// As [`Kinglet::search`]; also when nothing in the index passes the filters.
    pub fn search_for(
        &self,
        name: &str,
        question: &str,
        count: usize,
        wanted: &SearchOptions,
    ) -> Result<SearchResponse> {
        let index = Arc::new(Index::open(&self.index_folder(name)?)?);
        let mut query = Query::new(question);
        let mut passing = None;
        if !wanted.filters.is_empty() {
            let outlines = index.outlines()?;
            let among = filter::among(&outlines, &wanted.filters);
            if among.searched.is_empty() {
                let written: Vec<&str> = wanted.filters.iter().map(Filter::written).collect();
                return Err(Error::input(format!("nothing in {name} passes the filter {}", written.join(" and ")))
                    .with_hint("`kinglet status --verbose` and `kinglet search --json` show paths and headings"));
            }
            query.among = Some(Arc::new(among.searched));
            passing = Some(among.passing);
        }
        let retriever = self.retriever(&index)?;
        let shown = ResultOptions { passing: passing.as_ref(), one_per_document: wanted.one_per_document };
        let lacking = self.with_index_defaults(index.manifest())?.lacking(&index)?;
        let mut depth = count;
        loop {
            let hits = retriever.retrieve(&query, depth)?;
            let is_all = hits.len() < depth;
            let mut found = found(&index, question, hits, shown)?;
            if found.len() >= count || is_all {
                found.truncate(count);
                return Ok(SearchResponse { found, lacking });
            }
            depth = depth.saturating_mul(2).max(1);
        }
    }

    /// What the index has not made yet of what this search reads.
    fn lacking(&self, index: &Index) -> Result<Option<PendingWork>> {
        let manifest = index.manifest();
        let answering = self.answering_embedder(Some(manifest));
        let card = manifest.embedders.iter().find(|card| card.id == answering.as_str() && !self.needs_no_embedder());
        let by_words = matches!(self.config.mode, Mode::Auto | Mode::Hybrid | Mode::Lexical);
        let encoder = self.config.searching_encoder();
        let terms =
            manifest.sparse.iter().find(|card| encoder.as_ref().is_some_and(|id| card.id == id.model().as_str()));
        let lacking = PendingWork {
            lexical: if by_words { index.pending_lexical()? } else { 0 },
            vectors: card.map_or(Ok(0), |card| index.pending_dense(card))?,
            sparse: terms.map_or(Ok(0), |card| index.pending_sparse(card))?,
            passages: index.searchable() as u64,
            files: !manifest.complete,
        };
        let is_any = lacking.lexical + lacking.vectors + lacking.sparse > 0 || lacking.files;
        Ok(is_any.then_some(lacking))
    }

    /// Answers `question` from the index called `name`; `show` gets each sentence as soon as it is written and checked. Needs a tokio
    /// runtime; models that compute in this process do so on threads of their own.
    ///
    /// # Errors
    /// See [`Kinglet::search`] and [`answer()`].
    pub async fn ask(&self, name: &str, question: &str, show: &mut (dyn FnMut(&str) + Send)) -> Result<Answer> {
        self.ask_for(name, question, &SearchOptions::default(), show).await
    }

    /// As [`Kinglet::ask`], with wishes for the search.
    ///
    /// # Errors
    /// As [`Kinglet::ask`] and [`Kinglet::search_for`].
    pub async fn ask_for(
        &self,
        name: &str,
        question: &str,
        wanted: &SearchOptions,
        show: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Answer> {
        let (this, name, asked, wanted) = (self.clone(), name.to_string(), question.to_string(), wanted.clone());
        let prepared = tokio::task::spawn_blocking(move || {
            let started = Instant::now();
            let found = this.search_for(&name, &asked, this.config.passages, &wanted)?;
            let retrieve = elapsed_ms(started);
            let started = Instant::now();
            let generator = this.open_generator()?;
            Ok((found, generator, retrieve, elapsed_ms(started)))
        });
        let (SearchResponse { found, lacking }, generator, retrieve, load) =
            prepared.await.map_err(|cause| Error::model(format!("finding passages failed: {cause}")))??;
        let passages: Vec<Passage> = found
            .into_iter()
            .map(|found| Passage {
                path: found.path.display().to_string(),
                chunk: found.chunk,
                truncated: found.truncated,
            })
            .collect();
        let mut events = answer(generator, question, passages, self.config.answer_tokens);
        let mut answer = loop {
            match events.next().await {
                Some(event) => match event? {
                    AnswerEvent::Sentence(sentence) => show(&sentence.text),
                    AnswerEvent::Finished(answer) => break *answer,
                    _ => {}
                },
                None => return Err(Error::model("no answer")),
            }
        };
        answer.timings_ms = Timings { retrieve, load, ..answer.timings_ms };
        answer.pending = lacking;
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
    pub fn models(&self) -> &ModelStore {
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
                .with_hint("use letters, digits, `-`, `_` and `.`: --name my-notes"));
        }
        Ok(self.home.join("indexes").join(name))
    }

    /// The retriever that is configured, over `index`, with the index's own tuning if it has one.
    ///
    /// # Errors
    /// As [`Kinglet::pipeline`].
    pub fn retriever(&self, index: &Arc<Index>) -> Result<Arc<dyn Retriever>> {
        let this = self.with_index_defaults(index.manifest())?;
        this.pipeline(index)?.retriever(&this.tuning(index.manifest()))
    }

    /// The same with what is chosen for an index, see [`Config::with_index_defaults`].
    ///
    /// # Errors
    /// When the manifest has a setting that this version does not know.
    pub fn with_index_defaults(&self, manifest: &Manifest) -> Result<Kinglet> {
        Ok(self.clone().with_config(self.config.with_index_defaults(&manifest.defaults)?))
    }

    /// The tuning that is configured for an index.
    pub fn tuning(&self, manifest: &Manifest) -> FusionWeights {
        let answering = self.answering_embedder(Some(manifest));
        let own = || manifest.fusion_weights.get(answering.as_str()).copied();
        match self.config.tuning {
            TunedWeights::Auto if self.config.is_hybrid() => own().unwrap_or_default(),
            TunedWeights::Auto | TunedWeights::None => FusionWeights::default(),
        }
    }

    /// The parts of the search that is configured, over `index`. A single leg is that leg alone; hybrid is all of them.
    ///
    /// # Errors
    /// When the index has no vectors of the embedder or terms of the sparse encoder, or one of them cannot be opened or does not give
    /// what is configured.
    pub fn pipeline(&self, index: &Arc<Index>) -> Result<Pipeline> {
        let lexical = Arc::new(LexicalLeg::new(index.clone()));
        let sparse = self.config.searching_encoder().map(|encoder| {
            let encoder = self.open_sparse_encoder(&encoder)?;
            Ok(Arc::new(SparseLeg::new(index.clone(), encoder)?) as Arc<dyn Retriever>)
        });
        let sparse = sparse.transpose()?;
        if self.needs_no_embedder() {
            let leg = sparse.unwrap_or(lexical);
            let (index, fusion) = (index.clone(), self.config.fusion);
            return Ok(Pipeline { index, legs: vec![leg], fusion, reranker: None, neighbours: None });
        }
        let embedder = match &self.embedder {
            Some(own) => own.clone(),
            None => self.open_embedder(&self.answering_embedder(Some(index.manifest())))?,
        };
        let dense = || DenseLeg::new(index.clone(), embedder.clone()).map(Arc::new);
        let mut legs: Vec<Arc<dyn Retriever>> = match self.config.mode {
            Mode::Lexical => vec![lexical],
            Mode::Dense => vec![dense()?],
            Mode::Sparse => Vec::new(),
            Mode::Auto | Mode::Hybrid => vec![lexical, dense()?],
        };
        legs.extend(sparse);
        let is_hybrid = self.config.is_hybrid();
        let maxsim = || MaxSim::new(index.clone(), embedder.clone()).map(|it| Arc::new(it) as Arc<dyn Reranker>);
        let reranker = match &self.config.rerank {
            RerankerChoice::None => None,
            RerankerChoice::Auto => (is_hybrid && embedder.token_embedder().is_some()).then(maxsim),
            RerankerChoice::Use(RerankerRef::MaxSim) => Some(maxsim()),
            RerankerChoice::Use(RerankerRef::CrossEncoder(id)) => Some(self.open_cross_encoder(id)),
        };
        let neighbours = (is_hybrid && self.config.neighbours != Switch::Off).then(|| embedder.card().clone());
        let (index, fusion, reranker) = (index.clone(), self.config.fusion, reranker.transpose()?);
        Ok(Pipeline { index, legs, fusion, reranker, neighbours })
    }
}
