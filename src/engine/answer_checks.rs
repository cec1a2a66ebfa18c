//! Which models check answers: a reader before an answer is written, a support checker after it.

use std::sync::Arc;

use super::Kinglet;
use crate::answer::AnswerReader;
use crate::config::Checks;
use crate::error::{Error, Result};
use crate::index::calibration::Calibration;
use crate::index::manifest::Manifest;
use crate::models::catalog::ModelSpec;
use crate::models::contracts::{Reader, SupportChecker};
use crate::models::pair_model::{PairModel, READER, SUPPORT_CHECKER};
use crate::models::reference::GeneratorRef;

/// A question in other words than the best sentence is refused only below this probability, unless
/// the user names a risk.
const SURELY_UNANSWERED: f32 = 0.15;

impl Kinglet {
    /// True if trained models check answers over an index: if that is set, or if its searches run a
    /// model on ONNX Runtime anyway.
    pub(crate) fn checks_with_models(&self, manifest: Option<&Manifest>) -> bool {
        let runs_a_model = || {
            let embedder = self.answering_embedder(manifest);
            let spec = embedder.model().map(|id| self.embedder_spec(id));
            self.embedder.is_none()
                && !self.needs_no_embedder()
                && spec.is_some_and(|spec| spec.is_ok_and(|spec| spec.needs_runtime()))
        };
        match self.config.checks {
            Checks::Models => true,
            Checks::Words => false,
            Checks::Auto => runs_a_model(),
        }
    }

    /// The reader that judges whether passages of an index answer; `None` if words do.
    ///
    /// # Errors
    /// When the files of its backbone are missing, or no probability is safe enough for the risk
    /// that the user accepts.
    pub(crate) fn answer_reader(&self, manifest: &Manifest) -> Result<Option<AnswerReader>> {
        if !self.checks_with_models(Some(manifest)) {
            return Ok(None);
        }
        let calibration = manifest.calibration.clone().unwrap_or_else(Calibration::built_in);
        let (least, least_uncovered) = match self.config.risk.share() {
            None => (calibration.refuse_below, calibration.refuse_below.min(SURELY_UNANSWERED)),
            Some(risk) => {
                let least = calibration.threshold_for(risk).ok_or_else(|| too_strict(risk, &calibration))?;
                (least, least)
            }
        };
        Ok(Some(AnswerReader::new(self.open_reader()?, Arc::new(calibration), least, least_uncovered)))
    }

    /// The model that holds the sentences of answers against passages; `None` if words do, or if
    /// the generator only quotes, and quotes need no model.
    ///
    /// # Errors
    /// When the files of its backbone are missing.
    pub(crate) fn answer_checker(&self, manifest: &Manifest) -> Result<Option<Arc<dyn SupportChecker>>> {
        let only_quotes = self.generator.is_none()
            && self.config.generators().iter().all(|generator| *generator == GeneratorRef::Extractive);
        if only_quotes || !self.checks_with_models(Some(manifest)) {
            return Ok(None);
        }
        self.open_support_checker().map(Some)
    }

    /// Opens the reader of the catalog.
    ///
    /// # Errors
    /// When the files of its backbone are missing.
    pub fn open_reader(&self) -> Result<Arc<dyn Reader>> {
        self.loaded.readers.get(&self.loaded_name(&READER.into()), || Ok(Arc::new(self.open_pair_model(READER)?)))
    }

    /// Opens the support checker of the catalog.
    ///
    /// # Errors
    /// When the files of its backbone are missing.
    pub fn open_support_checker(&self) -> Result<Arc<dyn SupportChecker>> {
        let name = self.loaded_name(&SUPPORT_CHECKER.into());
        self.loaded.support_checkers.get(&name, || Ok(Arc::new(self.open_pair_model(SUPPORT_CHECKER)?)))
    }

    fn open_pair_model(&self, id: &str) -> Result<PairModel> {
        PairModel::open(&self.models, &*self.models.lookup(id)?, self.config.threads)
    }

    /// The models with files that checks over the index called `name` need; none if words check.
    ///
    /// # Errors
    /// When the catalog does not have one of them.
    pub fn models_for_checking(&self, name: &str) -> Result<Vec<Arc<ModelSpec>>> {
        self.models_of_checks(Manifest::read(&self.index_folder(name)?)?.as_ref())
    }

    /// The same with exactly this configuration, or over an index with this manifest.
    pub(crate) fn models_of_checks(&self, manifest: Option<&Manifest>) -> Result<Vec<Arc<ModelSpec>>> {
        if !self.checks_with_models(manifest) {
            return Ok(Vec::new());
        }
        let backbone = self.models.backbone_of(&*self.models.lookup(READER)?)?;
        self.with_runtime(vec![backbone])
    }
}

fn too_strict(risk: f32, calibration: &Calibration) -> Error {
    let least = (calibration.least_risk() * 100.0).ceil() / 100.0;
    Error::input(format!(
        "no answer is safe enough for a risk of {risk}: a calibration on {} can promise no less than {least}",
        calibration.learned_from
    ))
    .with_hint(format!(
        "accept more: --risk {least}; or learn how sure is sure enough on your own documents: `kinglet calibrate`"
    ))
}
