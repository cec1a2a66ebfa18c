//! The models that an action needs, so that they can be downloaded before it begins.

use std::sync::Arc;

use crate::config::RerankerChoice;
use crate::engine::{Embedders, Kinglet};
use crate::error::Result;
use crate::index::manifest::Manifest;
use crate::models::catalog::{self, ModelSpec};
use crate::models::reference::{EmbedderRef, GeneratorRef, ModelId};

impl Kinglet {
    /// The models that indexing needs.
    ///
    /// # Errors
    /// When the catalog does not have one of them.
    pub fn models_for_indexing(&self, name: &str, embedders: &Embedders) -> Result<Vec<Arc<ModelSpec>>> {
        let folder = self.index_folder(name)?;
        let mut specs = self.specs_of(&self.embedders_of(&folder, embedders)?)?;
        for encoder in self.sparse_encoders_of(&folder)? {
            specs.push(self.sparse_encoder_spec(encoder.model())?);
        }
        self.with_runtime(specs)
    }

    /// The models that a search in the index called `name` needs; none for a lexical search.
    ///
    /// # Errors
    /// When the catalog does not have one of them.
    pub fn models_for_searching(&self, name: &str) -> Result<Vec<Arc<ModelSpec>>> {
        let manifest = Manifest::read(&self.index_folder(name)?)?;
        let this = match &manifest {
            Some(manifest) => self.with_index_defaults(manifest)?,
            None => self.clone(),
        };
        let specs = this.models_of_search_in(manifest.as_ref())?;
        this.with_runtime(specs)
    }

    /// The models that a search with exactly this configuration computes with, without the runtime.
    ///
    /// # Errors
    /// When the catalog does not have one of them.
    pub fn models_of_search(&self) -> Result<Vec<Arc<ModelSpec>>> {
        self.models_of_search_in(None)
    }

    fn models_of_search_in(&self, manifest: Option<&Manifest>) -> Result<Vec<Arc<ModelSpec>>> {
        let mut specs = Vec::new();
        if !self.needs_no_embedder() {
            specs.extend(self.specs_of(&[self.answering_embedder(manifest)])?);
        }
        if let Some(id) = self.cross_encoder() {
            specs.push(self.reranker_spec(id)?);
        }
        if let Some(encoder) = self.config().searching_encoder() {
            specs.push(self.sparse_encoder_spec(encoder.model())?);
        }
        Ok(specs)
    }

    fn cross_encoder(&self) -> Option<&ModelId> {
        match &self.config().rerank {
            RerankerChoice::Auto | RerankerChoice::None => None,
            RerankerChoice::Use(reranker) => reranker.model(),
        }
    }

    /// The specs of those embedders that need files.
    pub(crate) fn specs_of(&self, embedders: &[EmbedderRef]) -> Result<Vec<Arc<ModelSpec>>> {
        embedders.iter().filter_map(EmbedderRef::model).map(|id| self.embedder_spec(id)).collect()
    }

    /// The models that an answer needs besides those of the search and of the checks.
    ///
    /// # Errors
    /// When the catalog does not have the generator.
    pub fn models_for_answering(&self) -> Result<Vec<Arc<ModelSpec>>> {
        let generators = self.config().generators();
        generators.iter().filter_map(GeneratorRef::model).map(|id| Ok(self.generator_spec(id)?.0)).collect()
    }

    /// Puts the runtime before the models if one of them needs it.
    pub(crate) fn with_runtime(&self, mut specs: Vec<Arc<ModelSpec>>) -> Result<Vec<Arc<ModelSpec>>> {
        if specs.iter().any(|spec| spec.needs_runtime()) {
            specs.insert(0, self.models().lookup(catalog::RUNTIME)?);
        }
        Ok(specs)
    }
}
