//! The models that are known.

use serde::Serialize;

use crate::engine::Kinglet;
use crate::error::Result;
use crate::models::catalog::ModelSpec;

/// All models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ModelListView {
    /// In the order of the catalog.
    pub models: Vec<ModelView>,
}

/// A model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ModelView {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub kind: String,
    /// The size of its files, where it is known.
    pub size_bytes: Option<u64>,
    /// Its licence.
    pub licence: String,
    /// What it is, in a few words.
    pub description: String,
    /// How many numbers it has learned, where that is known.
    pub parameters: Option<u64>,
    /// Whether its files are here.
    pub installed: bool,
}

impl ModelListView {
    /// # Errors
    /// When the user's own models cannot be read.
    pub fn new(kinglet: &Kinglet) -> Result<Self> {
        let view = |spec: &ModelSpec| ModelView {
            id: spec.id.to_string(),
            kind: spec.kind.to_string(),
            size_bytes: spec.size_bytes(),
            licence: spec.licence.clone(),
            description: spec.description.clone(),
            parameters: spec.parameters,
            installed: kinglet.is_here(spec),
        };
        Ok(ModelListView { models: kinglet.models().specs()?.iter().map(|spec| view(spec)).collect() })
    }
}
