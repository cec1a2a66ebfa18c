//! The view of the models.

use serde::Serialize;

use crate::engine::Kinglet;
use crate::error::Result;
use crate::models::catalog::ModelSpec;

/// All models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ModelListView {
    /// The models, in the order of the catalog.
    pub models: Vec<ModelView>,
}

/// A model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ModelView {
    /// Its id.
    pub id: String,
    /// Its kind, such as `embedder`.
    pub kind: String,
    /// The size of its files, if known.
    pub size_bytes: Option<u64>,
    /// Its licence.
    pub licence: String,
    /// A short description.
    pub description: String,
    /// The number of its parameters, if known.
    pub parameters: Option<u64>,
    /// True if its files are on this machine.
    pub installed: bool,
}

impl ModelListView {
    /// Lists all models.
    ///
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
