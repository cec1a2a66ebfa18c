//! Which models a piece of work needs, so that they can be fetched before it begins.

use crate::config::{AUTO, NO_RERANKER};
use crate::engine::{Embedders, Kinglet};
use crate::error::Result;
use crate::index::manifest::Manifest;
use crate::models::catalog::{self, Engine, ModelKind, ModelSpec};
use crate::models::extractive::ExtractiveGenerator;
use crate::models::hashing::HashingEmbedder;
use crate::search::MaxSim;

impl Kinglet {
    /// What indexing needs.
    ///
    /// # Errors
    /// When the catalog has no embedder of a name.
    pub fn models_for_indexing(&self, name: &str, embedders: &Embedders) -> Result<Vec<ModelSpec>> {
        let folder = self.index_folder(name)?;
        let mut rows = self.rows_of(&self.embedder_ids(&folder, embedders)?)?;
        rows.extend(self.encoder_rows(&folder)?);
        Ok(rows)
    }

    /// What a search in the index called `name` needs: nothing for words alone.
    ///
    /// # Errors
    /// When the catalog does not have the embedder that answers.
    pub fn models_for_searching(&self, name: &str) -> Result<Vec<ModelSpec>> {
        let manifest = Manifest::read(&self.index_folder(name)?)?;
        let this = match &manifest {
            Some(manifest) => self.with_index_defaults(manifest)?,
            None => self.clone(),
        };
        this.models_for_searching_in(manifest.as_ref())
    }

    fn models_for_searching_in(&self, manifest: Option<&Manifest>) -> Result<Vec<ModelSpec>> {
        let encoder = self.config().searching_encoder().map(|id| self.encoder_row(id)).transpose()?;
        if self.needs_no_embedder() {
            return Ok(encoder.into_iter().collect());
        }
        let mut rows = self.rows_of(&[self.answering_embedder(manifest)])?;
        if ![AUTO, NO_RERANKER, MaxSim::ID].contains(&self.config().rerank.as_str()) {
            rows.retain(|row| row.id != catalog::RUNTIME);
            rows.push(self.reranker_row(&self.config().rerank)?);
            rows = with_runtime(rows)?;
        }
        rows.extend(encoder);
        Ok(rows)
    }

    /// The models that a search with exactly this configuration computes with, without the runtime.
    ///
    /// # Errors
    /// When the catalog does not have one of them.
    pub fn models_of_search(&self) -> Result<Vec<ModelSpec>> {
        let mut rows = Vec::new();
        if !self.needs_no_embedder() {
            rows.extend(self.rows_of(&[self.answering_embedder(None)])?);
        }
        if ![AUTO, NO_RERANKER, MaxSim::ID].contains(&self.config().rerank.as_str()) {
            rows.push(self.reranker_row(&self.config().rerank)?);
        }
        rows.extend(self.config().searching_encoder().map(|id| self.encoder_row(id)).transpose()?);
        rows.retain(|row| row.id != catalog::RUNTIME);
        Ok(rows)
    }

    pub(crate) fn rows_of(&self, embedders: &[String]) -> Result<Vec<ModelSpec>> {
        let with_files = embedders.iter().filter(|id| *id != HashingEmbedder::ID);
        let rows = with_files.map(|id| self.embedder_row(id)).collect::<Result<Vec<_>>>()?;
        with_runtime(rows)
    }

    /// What writing an answer needs beside the search.
    pub fn models_for_answering(&self) -> Result<Vec<ModelSpec>> {
        match self.config().generator.as_str() {
            ExtractiveGenerator::ID => Ok(Vec::new()),
            name if name.starts_with("openai:") => Ok(Vec::new()),
            _ => Ok(vec![self.generator_row()?.0]),
        }
    }
}

/// Puts the runtime before rows of which one needs it.
fn with_runtime(mut rows: Vec<ModelSpec>) -> Result<Vec<ModelSpec>> {
    let needs_it = |row: &ModelSpec| match row.kind {
        ModelKind::Embedder { engine, .. } => engine != Engine::Static,
        ModelKind::Reranker { .. } => true,
        ModelKind::Runtime { .. } | ModelKind::SparseEncoder { .. } | ModelKind::Generator { .. } => false,
    };
    if rows.iter().any(needs_it) {
        rows.insert(0, catalog::lookup(catalog::RUNTIME)?);
    }
    Ok(rows)
}
