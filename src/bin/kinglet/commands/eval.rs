//! Measuring the search on questions with known answers.

use std::path::Path;

use kinglet::experiment::TestCollection;
use kinglet::experiment::question_set::trial_over;
use kinglet::{Error, Result, eval};
use serde_json::json;

use crate::args::Judged;
use crate::progress::{self, Bars};
use crate::render;
use crate::run::{Session, printed};

impl Session<'_> {
    pub fn eval(&self, judged: &Judged, trec: Option<&Path>) -> Result<u8> {
        let (name, trial) = self.trial(judged)?;
        let bar = progress::counted(trial.questions().len() as u64, "asking");
        let (run, evaluation) = self.kinglet.evaluate(&trial, &|done| bar.set_position(done as u64))?;
        bar.finish_and_clear();
        if let Some(path) = trec {
            std::fs::write(path, eval::trec(&run, "kinglet")).map_err(|cause| Error::io("write", path, cause))?;
        }
        if self.global.json {
            let mut value = serde_json::to_value(&evaluation).expect("an evaluation is plain data");
            value["collection"] = json!(name);
            value["documents"] = json!(trial.documents());
            return printed(render::json(&value));
        }
        printed(render::evaluation(&name, trial.documents(), &evaluation))
    }

    pub fn tune(&self, judged: &Judged) -> Result<u8> {
        let (name, trial) = self.trial(judged)?;
        let waiting = progress::waiting("trying weights");
        let tuned = self.kinglet.tune(&trial, &|tried| waiting.set_message(format!("trying weights: {tried}")))?;
        waiting.finish_and_clear();
        if self.global.json {
            let mut value = serde_json::to_value(&tuned).expect("a tuning is plain data");
            value["collection"] = json!(name);
            return printed(render::json(&value));
        }
        printed(render::tuned(&name, &tuned))
    }

    /// The judged collection, or the index with questions over it, and what it is called.
    pub(crate) fn trial(&self, judged: &Judged) -> Result<(String, TestCollection)> {
        match (&judged.beir, &judged.questions) {
            (Some(folder), questions) => {
                self.fetch_missing(&self.kinglet.models_for_trial(folder)?)?;
                let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let trial = self.kinglet.prepare_trial(folder, &judged.set, &Bars::default())?;
                Ok(match questions {
                    Some(questions) => (name, trial_over(trial.index().clone(), questions)?),
                    None => (name, trial),
                })
            }
            (None, Some(questions)) => {
                let name = self.index_called(judged.named.name.as_deref())?;
                self.fetch_missing(&self.kinglet.models_for_searching(&name)?)?;
                Ok((name.clone(), self.kinglet.trial_over(&name, questions)?))
            }
            (None, None) => Err(no_questions()),
        }
    }
}

pub fn no_questions() -> Error {
    Error::input("there are no questions to ask")
        .with_hint("name a file by --questions, which `kinglet questions make` makes; or a collection by --beir")
}
