//! The system that an index uses now, written as a comparison names systems.

use super::systems::System;
use crate::config::{Mode, RerankerChoice, Switch, TunedWeights};
use crate::engine::Kinglet;
use crate::error::{Error, Result};
use crate::eval::comparison::BASELINE;
use crate::index::fusion_weights::FusionWeights;
use crate::index::manifest::Manifest;
use crate::search::Fusion;

impl Kinglet {
    /// The system that a search without flags uses in the index with this manifest.
    ///
    /// # Errors
    /// When the manifest has a setting or an embedder that this version does not know.
    pub(super) fn system_of_index(&self, manifest: &Manifest) -> Result<System> {
        let this = self.with_index_defaults(manifest)?;
        let config = this.config();
        let embedder = this.answering_embedder(Some(manifest));
        let mut mode = match config.mode {
            Mode::Lexical => return self.system_named(BASELINE, None, &[]),
            Mode::Dense => "dense".to_string(),
            Mode::Sparse => "sparse".to_string(),
            Mode::Auto | Mode::Hybrid => "hybrid".to_string(),
        };
        match &config.rerank {
            RerankerChoice::Auto if config.is_hybrid() && self.has_token_vectors(&embedder)? => mode += "+maxsim",
            RerankerChoice::Auto | RerankerChoice::None => {}
            RerankerChoice::Use(reranker) => mode += &format!("+{reranker}"),
        }
        if config.is_hybrid() {
            mode += &config.encoder().map_or(String::new(), |encoder| format!("+{encoder}"));
            mode += if config.neighbours == Switch::Off { "" } else { "+neighbours" };
        }
        let mut varied = Vec::new();
        if config.fusion == Fusion::Rrf {
            varied.push(("fusion".to_string(), vec!["rrf".to_string()]));
        }
        if config.tuning == TunedWeights::Auto && this.fusion_weights(manifest) != FusionWeights::default() {
            varied.push(("tuning".to_string(), vec!["auto".to_string()]));
        }
        self.system_named(embedder.as_str(), Some(&mode), &varied)
    }

    /// The system with these parts; without a mode the baseline.
    pub(super) fn system_named(
        &self,
        embedder: &str,
        mode: Option<&str>,
        varied: &[(String, Vec<String>)],
    ) -> Result<System> {
        let (embedders, modes) = match mode {
            None => (Vec::new(), Vec::new()),
            Some(mode) => (vec![embedder.into()], vec![mode.to_string()]),
        };
        let found = self.systems(&embedders, &modes, varied)?;
        let system = found.systems.into_iter().find(|system| (system.name == BASELINE) == mode.is_none());
        system.ok_or_else(|| Error::input(found.left_out.concat()))
    }
}
