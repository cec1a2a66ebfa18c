//! References → opened models. The only file that picks which implementation stands behind a
//! model's seam.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::{Embedders, Kinglet};
use crate::answer::AnswerWriter;
use crate::config::{EmbedderChoice, Mode, RerankerChoice};
use crate::error::{Error, Result};
use crate::index::manifest::Manifest;
use crate::models::catalog::{self, Engine, ModelKind, ModelSpec};
use crate::models::contracts::{Embedder, Generator, Reranker, SparseEncoder};
use crate::models::cross_encoder::CrossEncoder;
use crate::models::extractive::ExtractiveGenerator;
use crate::models::hashing::HashingEmbedder;
use crate::models::llama::LlamaGenerator;
use crate::models::ollama::Ollama;
use crate::models::onnx::{self, OnnxEmbedder};
use crate::models::openai::OpenAiGenerator;
use crate::models::reference::{EmbedderRef, GeneratorRef, MAX_CONTEXT_TOKENS, ModelId, RerankerRef, SparseEncoderRef};
use crate::models::splade::SpladeEncoder;
use crate::models::static_table::StaticEmbedder;

impl Kinglet {
    /// Opens an embedder: the program's own if it has this name, else one of the catalog. A model
    /// that is loaded already is shared; so are the other kinds of models below.
    ///
    /// # Errors
    /// When there is no embedder of this name, or its files are missing.
    pub fn open_embedder(&self, embedder: &EmbedderRef) -> Result<Arc<dyn Embedder>> {
        match (&self.embedder, embedder) {
            (Some(own), embedder) if own.card().id == embedder.as_str() => Ok(own.clone()),
            (_, EmbedderRef::Hashing) => Ok(Arc::new(HashingEmbedder::new(256))),
            (_, EmbedderRef::Catalog(id)) => self.loaded.embedders.get(&self.loaded_name(id), || {
                let spec = self.embedder_spec(id)?;
                self.open_embedder_of(&spec)
            }),
        }
    }

    /// The name under which a model is kept in memory: the number of threads is a part of it.
    pub(super) fn loaded_name(&self, id: &ModelId) -> String {
        format!("{id} with {} threads", self.config.threads)
    }

    pub(super) fn open_embedder_of(&self, spec: &ModelSpec) -> Result<Arc<dyn Embedder>> {
        Ok(match &spec.kind {
            ModelKind::Embedder { engine: Engine::Static, .. } => Arc::new(StaticEmbedder::open(&self.models, spec)?),
            _ => Arc::new(OnnxEmbedder::open(&self.models, spec, self.config.threads)?),
        })
    }

    /// Opens the embedders that the index in `folder` will have.
    pub(crate) fn open_embedders(&self, folder: &Path, embedders: &Embedders) -> Result<Vec<Arc<dyn Embedder>>> {
        match &self.embedder {
            Some(own) => Ok(vec![own.clone()]),
            None => self.embedders_of(folder, embedders)?.iter().map(|it| self.open_embedder(it)).collect(),
        }
    }

    /// Opens a sparse encoder of the catalog.
    ///
    /// # Errors
    /// When the catalog does not have it, or its files are missing.
    pub fn open_sparse_encoder(&self, encoder: &SparseEncoderRef) -> Result<Arc<dyn SparseEncoder>> {
        self.loaded.sparse_encoders.get(&self.loaded_name(encoder.model()), || {
            let spec = self.sparse_encoder_spec(encoder.model())?;
            Ok(Arc::new(SpladeEncoder::open(&self.models, &spec, self.config.threads)?))
        })
    }

    /// Opens the sparse encoders that the index in `folder` will have.
    pub(crate) fn open_sparse_encoders(&self, folder: &Path) -> Result<Vec<Arc<dyn SparseEncoder>>> {
        self.sparse_encoders_of(folder)?.iter().map(|encoder| self.open_sparse_encoder(encoder)).collect()
    }

    pub(super) fn open_cross_encoder(&self, id: &ModelId) -> Result<Arc<dyn Reranker>> {
        self.loaded.rerankers.get(&self.loaded_name(id), || {
            let spec = self.reranker_spec(id)?;
            self.open_cross_encoder_of(&spec)
        })
    }

    pub(super) fn open_cross_encoder_of(&self, spec: &ModelSpec) -> Result<Arc<dyn Reranker>> {
        Ok(Arc::new(CrossEncoder::open(&self.models, spec, self.config.threads)?))
    }

    /// Opens what writes answers: the configured generator or cascade, or the program's own
    /// generator if it has one. The large generator of a cascade is opened when it is needed.
    ///
    /// # Errors
    /// When the catalog does not have it, or its files are missing.
    pub fn open_answer_writer(&self) -> Result<AnswerWriter> {
        let small = self.open_generator()?;
        let large = self.config.larger_generator().filter(|_| self.generator.is_none());
        Ok(match large {
            None => AnswerWriter::One(small),
            Some(large) => {
                let this = self.clone();
                AnswerWriter::Cascade { small, open_large: Arc::new(move || this.open_generator_ref(&large)) }
            }
        })
    }

    /// Opens the configured generator, of a cascade the small one, or the program's own if it has
    /// one.
    ///
    /// # Errors
    /// When the catalog does not have it, or its files are missing.
    pub fn open_generator(&self) -> Result<Arc<dyn Generator>> {
        match &self.generator {
            Some(own) => Ok(own.clone()),
            None => self.open_generator_ref(&self.config.generator()),
        }
    }

    fn open_generator_ref(&self, generator: &GeneratorRef) -> Result<Arc<dyn Generator>> {
        Ok(match generator {
            GeneratorRef::Extractive => Arc::new(ExtractiveGenerator),
            GeneratorRef::OpenAi { model } => Arc::new(OpenAiGenerator::from_environment(model)?),
            GeneratorRef::Ollama { model } => Arc::new(Ollama::from_environment()?.generator(model)?),
            GeneratorRef::File(path) => {
                let id = path.display().to_string();
                self.loaded.generators.get(&format!("{id} with {} threads", self.config.threads), || {
                    Ok(Arc::new(LlamaGenerator::open(&id, path, self.config.threads, MAX_CONTEXT_TOKENS)?))
                })?
            }
            GeneratorRef::Catalog(id) => self.loaded.generators.get(&self.loaded_name(id), || {
                let (spec, context_tokens) = self.generator_spec(id)?;
                let folder = self.models.require(&spec)?;
                let path = folder.join(&spec.files[0].name);
                let generator = LlamaGenerator::open(spec.id.as_str(), &path, self.config.threads, context_tokens)?;
                Ok(Arc::new(generator.keeping_starts_in(&folder, &path)))
            })?,
        })
    }

    /// A function that counts tokens as the embedder of searches does, and the most tokens that
    /// this reads. `None` if ONNX Runtime does not run that embedder, or its files are missing.
    pub fn token_counter(&self) -> Option<(impl Fn(&str) -> Result<usize> + use<>, usize)> {
        let spec = self.embedder_spec(self.answering_embedder(None).model()?).ok()?;
        let embedder = OnnxEmbedder::open(&self.models, &spec, self.config.threads).ok()?;
        Some((embedder.token_counter(), embedder.card().max_tokens))
    }

    /// True if the files of a model are here; the runtime may also be the system's.
    pub fn is_here(&self, spec: &ModelSpec) -> bool {
        self.models.is_complete(spec) || (spec.id == catalog::RUNTIME && onnx::find_runtime(&self.models).is_ok())
    }

    /// True if indexing keeps token vectors for late interaction.
    pub(crate) fn keeps_tokens(&self) -> bool {
        match &self.config.rerank {
            RerankerChoice::Auto | RerankerChoice::Use(RerankerRef::MaxSim) => true,
            RerankerChoice::None | RerankerChoice::Use(RerankerRef::CrossEncoder(_)) => false,
        }
    }

    /// True if searches use no embedder.
    pub(crate) fn needs_no_embedder(&self) -> bool {
        matches!(self.config.mode, Mode::Lexical | Mode::Sparse)
            && matches!(self.config.rerank, RerankerChoice::Auto | RerankerChoice::None)
    }

    pub(crate) fn configured_embedder(&self) -> Option<EmbedderRef> {
        match &self.config.embedder {
            EmbedderChoice::Auto => None,
            EmbedderChoice::Use(embedder) => Some(embedder.clone()),
        }
    }

    /// The embedder of searches in an index: the configured one, or the index's first.
    pub(crate) fn answering_embedder(&self, manifest: Option<&Manifest>) -> EmbedderRef {
        let first = manifest.and_then(|manifest| manifest.embedders.first()).map(|card| card.id.as_str().into());
        self.configured_embedder().or(first).unwrap_or_default()
    }

    /// The embedders that the index in `folder` will have.
    pub(crate) fn embedders_of(&self, folder: &Path, embedders: &Embedders) -> Result<Vec<EmbedderRef>> {
        let own = Manifest::read(folder)?.map(|manifest| manifest.embedders).unwrap_or_default();
        let mut all: Vec<EmbedderRef> = own.iter().map(|card| card.id.as_str().into()).collect();
        match embedders {
            Embedders::Only(these) => all = these.clone(),
            Embedders::Keep | Embedders::Add(_) if all.is_empty() => all.push(self.answering_embedder(None)),
            Embedders::Keep => all.extend(self.configured_embedder()),
            Embedders::Add(_) => {}
        }
        if let Embedders::Add(these) = embedders {
            all.extend(these.iter().cloned());
        }
        let mut seen = HashSet::new();
        all.retain(|embedder| seen.insert(embedder.clone()));
        Ok(all)
    }

    /// The sparse encoders that the index in `folder` will have: those that it has, and the
    /// configured one.
    pub(crate) fn sparse_encoders_of(&self, folder: &Path) -> Result<Vec<SparseEncoderRef>> {
        let own = Manifest::read(folder)?.map(|manifest| manifest.sparse).unwrap_or_default();
        let mut all: Vec<SparseEncoderRef> = own.iter().map(|card| card.id.as_str().into()).collect();
        all.extend(self.config.encoder().filter(|encoder| !all.contains(encoder)));
        Ok(all)
    }

    pub(crate) fn embedder_spec(&self, id: &ModelId) -> Result<Arc<ModelSpec>> {
        let hint = "kinglet models list shows the embedders; hashing-256 needs no files";
        let spec = self.lookup(id, hint)?;
        match &spec.kind {
            ModelKind::Embedder { .. } => Ok(spec),
            kind => Err(Error::input(format!("{id} is a {kind}, not an embedder")).with_hint(hint)),
        }
    }

    pub(crate) fn sparse_encoder_spec(&self, id: &ModelId) -> Result<Arc<ModelSpec>> {
        let hint = "--sparse takes none, or a sparse encoder of kinglet models list: splade-tiny";
        let spec = self.lookup(id, hint)?;
        match &spec.kind {
            ModelKind::SparseEncoder { .. } => Ok(spec),
            kind => Err(Error::input(format!("{id} is a {kind}, not a sparse encoder")).with_hint(hint)),
        }
    }

    pub(crate) fn reranker_spec(&self, id: &ModelId) -> Result<Arc<ModelSpec>> {
        let hint = "--rerank takes auto, none, maxsim, or a reranker of kinglet models list";
        let spec = self.lookup(id, hint)?;
        match &spec.kind {
            ModelKind::Reranker { .. } => Ok(spec),
            kind => Err(Error::input(format!("{id} is a {kind}, not a reranker")).with_hint(hint)),
        }
    }

    /// A language model of the catalog, and how many tokens it reads.
    pub(crate) fn generator_spec(&self, id: &ModelId) -> Result<(Arc<ModelSpec>, usize)> {
        let hint = "generators are extractive, which only quotes, the language models of kinglet models list, PATH.gguf, \
                    ollama:MODEL, and openai:MODEL for a server";
        let spec = self.lookup(id, hint)?;
        match &spec.kind {
            ModelKind::Generator { context_tokens } => Ok((spec.clone(), *context_tokens)),
            kind => Err(Error::input(format!("{id} is a {kind}, not a generator")).with_hint(hint)),
        }
    }

    fn lookup(&self, id: &ModelId, hint: &str) -> Result<Arc<ModelSpec>> {
        self.models.lookup(id.as_str()).map_err(|error| error.with_hint(hint))
    }
}
