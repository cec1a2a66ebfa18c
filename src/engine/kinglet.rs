//! The entry to the library: where everything lies, and what is configured.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::loaded_models::LoadedModels;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::models::contracts::{Embedder, Generator};
use crate::models::store::ModelStore;
use crate::subprocess::Isolation;

/// A home folder with indexes and models, and the configuration under which they are used. Cheap to
/// clone; clones share the models that are loaded.
#[derive(Clone)]
pub struct Kinglet {
    pub(super) home: PathBuf,
    pub(super) config: Config,
    pub(super) models: ModelStore,
    pub(super) loaded: Arc<LoadedModels>,
    pub(super) embedder: Option<Arc<dyn Embedder>>,
    pub(super) generator: Option<Arc<dyn Generator>>,
    pub(super) isolation: Isolation,
}

impl Kinglet {
    /// Uses the folder `home`, which need not exist yet.
    pub fn new(home: impl Into<PathBuf>, config: Config) -> Self {
        let home = home.into();
        Kinglet {
            models: ModelStore::new(home.join("models")),
            home,
            config,
            loaded: Arc::default(),
            embedder: None,
            generator: None,
            isolation: Isolation::InProcess,
        }
    }

    /// Uses this configuration instead.
    #[must_use]
    pub fn with_config(self, config: Config) -> Self {
        Kinglet { config, ..self }
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

    /// Reads documents in this process or in others.
    #[must_use]
    pub fn with_isolation(self, isolation: Isolation) -> Self {
        Kinglet { isolation, ..self }
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

    /// Where documents are read.
    pub fn isolation(&self) -> &Isolation {
        &self.isolation
    }

    /// Unloads the models that nobody used during `idle`. The next question that needs one loads it
    /// again. Their memory is free when the last search or answer that still uses them ends.
    pub fn unload_idle_models(&self, idle: Duration) {
        self.loaded.unload_idle(idle);
    }

    /// The folder of the index called `name`.
    ///
    /// # Errors
    /// When `name` cannot be the name of a folder.
    pub fn index_folder(&self, name: &str) -> Result<PathBuf> {
        let is_plain = !name.is_empty()
            && name.len() <= 100
            && !name.starts_with('.')
            && name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
        if !is_plain {
            return Err(Error::input(format!("`{}` cannot be the name of an index", name.escape_debug()))
                .with_hint("use letters, digits, `-`, `_` and `.`: --index my-notes"));
        }
        Ok(self.home.join("indexes").join(name))
    }
}
