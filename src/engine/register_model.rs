//! Adds a user's own model to the catalog after trying it.

use std::path::Path;
use std::sync::Arc;

use crate::engine::Kinglet;
use crate::error::{Error, ErrorKind, Result};
use crate::models::catalog::{ModelKind, ModelSpec, RUNTIME, user_models};
use crate::models::contracts::{Embedder, Reranker, Role};
use crate::models::download::copy_from_folder;
use crate::models::llama::LlamaGenerator;

/// Texts that a model is tried on: short, long and not in English.
const TEXTS: [&str; 4] = [
    "wren",
    "The goldcrest is the smallest bird of Europe; it weighs five to six grams.",
    "",
    "Der Zaunkönig singt laut.",
];

/// The least cosine between the vectors of a text embedded alone and among others. Rounding stays
/// above it; models that depend on the batch do not.
const LEAST_COSINE: f32 = 0.9999;

impl Kinglet {
    /// The models that are needed to try the model in `folder`.
    ///
    /// # Errors
    /// When its description is wrong.
    pub fn models_for_adding(&self, folder: &Path) -> Result<Vec<Arc<ModelSpec>>> {
        match user_models::read(folder)?.needs_runtime() {
            true => Ok(vec![self.models().lookup(RUNTIME)?]),
            false => Ok(Vec::new()),
        }
    }

    /// Adds the model in `folder` (its files and a `model.toml`, see [`user_models::read`]) to the
    /// models of this home, after trying it.
    ///
    /// # Errors
    /// When the description is wrong, there is a model of that name, or the model does not do what
    /// the description says; then nothing is added.
    pub fn add_model(&self, folder: &Path) -> Result<ModelSpec> {
        let spec = user_models::read(folder)?;
        let try_out = || {
            match spec.kind {
                ModelKind::Reranker { .. } => {
                    self.open_cross_encoder_of(&spec).and_then(|it| check_reranker(it.as_ref()))?;
                }
                ModelKind::Generator { context_tokens } => {
                    let path = self.models().folder(&spec).join(&spec.files[0].name);
                    LlamaGenerator::open(spec.id.as_str(), &path, self.config().threads, context_tokens)?;
                }
                _ => self.open_embedder_of(&spec).and_then(|it| check_embedder(it.as_ref()))?,
            }
            let path = folder.join(user_models::DESCRIPTION);
            std::fs::read_to_string(&path).map_err(|cause| Error::io("read", &path, cause))
        };
        self.install(&spec, || copy_from_folder(self.models(), &spec, folder), try_out)?;
        Ok(spec)
    }

    /// Adds the model `spec`, whose files `bring` puts into its folder. `try_out` tries it there
    /// and returns its description.
    pub(super) fn install(
        &self,
        spec: &ModelSpec,
        bring: impl FnOnce() -> Result<()>,
        try_out: impl FnOnce() -> Result<String>,
    ) -> Result<()> {
        let place = self.models().folder(spec);
        if self.models().lookup(spec.id.as_str()).is_ok() {
            return Err(Error::input(format!("there is a model called {} already", spec.id))
                .with_hint(format!("choose another id, or remove {} if you added it before", place.display())));
        }
        // The description comes last, because without one nothing reads the folder.
        let described = bring().and_then(|()| try_out()).and_then(|description| {
            let path = place.join(user_models::DESCRIPTION);
            std::fs::write(&path, description).map_err(|cause| Error::io("write", &path, cause))
        });
        if let Err(error) = described {
            let _ = std::fs::remove_dir_all(&place);
            // `kinglet models pull` does not have it.
            return Err(match error.kind() {
                ErrorKind::Damaged => Error::input(error.to_string())
                    .with_hint("check that its files are complete, and are what you describe"),
                _ => error,
            });
        }
        self.models().forget_catalog();
        Ok(())
    }
}

fn check_embedder(embedder: &dyn Embedder) -> Result<()> {
    let id = &embedder.card().id;
    for role in [Role::Query, Role::Passage] {
        let together = embedder.embed(role, &TEXTS)?;
        for (text, among) in TEXTS.iter().zip(&together) {
            if among.dimension() != embedder.card().dimension {
                let (found, declared) = (among.dimension(), embedder.card().dimension);
                return Err(Error::input(format!("{id} gives vectors of {found} numbers, not of {declared}"))
                    .with_hint(format!("write dimension = {found} in model.toml, or name another output")));
            }
            let alone = embedder.embed(role, &[text])?;
            if alone.iter().any(|alone| alone.cosine(among) < LEAST_COSINE) {
                return Err(Error::input(format!("{id} gives {text:?} another vector alone than among other texts"))
                    .with_hint(
                        "is pad_token right? Graphs with dynamically quantised activations cannot be used either",
                    ));
            }
        }
    }
    Ok(())
}

fn check_reranker(reranker: &dyn Reranker) -> Result<()> {
    let scores = reranker.score("Which bird is the smallest?", &TEXTS)?;
    match scores.len() == TEXTS.len() && scores.iter().all(|score| score.is_finite()) {
        true => Ok(()),
        false => Err(Error::input(format!("{} gives no score for some passages", reranker.name()))),
    }
}
