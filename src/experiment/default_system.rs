//! One of several systems becomes what an index answers by.

use std::collections::BTreeMap;

use crate::engine::{Embedders, Kinglet};
use crate::error::{Error, Hint, Result};
use crate::eval::comparison::BASELINE;
use crate::experiment::systems::System;
use crate::index::IndexWriter;

/// The settings that make a system, beside its embedder.
const CHOSEN: [&str; 5] = ["mode", "fusion", "rerank", "neighbours", "sparse"];

impl Kinglet {
    /// Lets the index called `name` answer by `system`, named as `kinglet compare` names it
    /// (`bm25`, `EMBEDDER:MODE`, `EMBEDDER:MODE,KEY=VALUE`), or by an embedder in the default mode.
    /// Nothing is removed, and what is set elsewhere still goes over it.
    ///
    /// # Errors
    /// When there is no such system, the index has no vectors of its embedder or is cut otherwise,
    /// or another process writes to the index.
    pub fn use_system(&self, name: &str, system: &str) -> Result<()> {
        let (embedder, mode) = system.split_once(':').map_or((system, None), |(embedder, mode)| (embedder, Some(mode)));
        let mut cut = None;
        let chosen = match (embedder, mode) {
            (BASELINE, None) => BTreeMap::from([("mode".to_string(), "lexical".to_string())]),
            (_, None) => BTreeMap::new(),
            (embedder, Some(mode)) => {
                let mut parts = mode.split(',');
                let mode = parts.next().unwrap_or_default();
                let varied = parts.map(setting).collect::<Result<Vec<_>>>()?;
                let systems = self.systems(&[embedder.into()], &[mode.to_string()], &varied)?;
                match (systems.systems.get(1), systems.left_out.first()) {
                    (Some(system), _) => {
                        let is_cut = varied.iter().any(|(key, _)| key == "chunking");
                        cut = is_cut.then(|| system.config.chunking()).flatten();
                        settings(system, &varied)?
                    }
                    (None, reason) => return Err(Error::input(reason.cloned().unwrap_or_default())),
                }
            }
        };
        let mut writer = IndexWriter::open(&self.index_folder(name)?)?;
        let Some(mut manifest) = writer.manifest().cloned() else {
            return Err(Error::input(format!("the index {name} has not been finished"))
                .with_hint(Hint::UpdateIndex { index: Some(name.to_string()), effect: None }));
        };
        if cut.is_some_and(|cut| cut != manifest.chunking) {
            let wanted = system.split("chunking=").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or_default();
            return Err(Error::input(format!("the documents of {name} are cut otherwise"))
                .with_hint(Hint::ChangeChunking { index: name.to_string(), chunking: wanted.to_string() }));
        }
        if embedder != BASELINE {
            let known: Vec<&str> = manifest.embedders.iter().map(|card| card.id.as_str()).collect();
            let Some(place) = known.iter().position(|id| *id == embedder) else {
                self.models_for_indexing(name, &Embedders::Add(vec![embedder.into()]))?;
                return Err(Error::input(format!(
                    "{name} has no vectors of `{}`, only of {}",
                    embedder.escape_debug(),
                    known.join(", ")
                ))
                .with_hint(Hint::AddEmbedder { index: name.to_string(), embedder: embedder.to_string() }));
            };
            let card = manifest.embedders.remove(place);
            manifest.embedders.insert(0, card);
        }
        manifest.defaults = chosen;
        writer.finish(manifest)
    }
}

/// `KEY=VALUE` of a system's name.
fn setting(written: &str) -> Result<(String, Vec<String>)> {
    let (key, value) = written.split_once('=').ok_or_else(|| {
        Error::input(format!("`{}` is no setting", written.escape_debug()))
            .with_hint("name the system as `kinglet compare` does: EMBEDDER:MODE,KEY=VALUE")
    })?;
    Ok((key.to_string(), vec![value.to_string()]))
}

fn settings(system: &System, varied: &[(String, Vec<String>)]) -> Result<BTreeMap<String, String>> {
    let mut keys = CHOSEN.to_vec();
    for (key, _) in varied {
        match key.as_str() {
            // What is set already, or is how the index was made.
            "reranker" | "chunking" => {}
            "tuning" => keys.push("tuning"),
            key if CHOSEN.contains(&key) => {}
            key => {
                return Err(Error::input(format!("an index has no {key} of its own"))
                    .with_hint("set it in the configuration file, and use the system without it"));
            }
        }
    }
    let all = toml::Table::try_from(&system.config).expect("a config is plain values");
    let value = |key: &str| all[key].as_str().expect("these settings are texts").to_string();
    Ok(keys.into_iter().map(|key| (key.to_string(), value(key))).collect())
}
