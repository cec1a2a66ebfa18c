//! One of several systems becomes what an index answers by.

use std::collections::BTreeMap;

use crate::assemble::Kinglet;
use crate::config::AUTO;
use crate::error::{Error, Result};
use crate::eval::comparison::BASELINE;
use crate::index::IndexWriter;
use crate::trial::systems::System;

/// The settings that make a system, beside its embedder.
const CHOSEN: [&str; 4] = ["mode", "rerank", "neighbours", "sparse"];

impl Kinglet {
    /// Lets the index called `name` answer by `system`, named as `kinglet compare` names it (`bm25`, `EMBEDDER:MODE`), or by an embedder in
    /// the default mode. Nothing is removed, and what is set elsewhere still goes over it.
    ///
    /// # Errors
    /// When there is no such system, the index has no vectors of its embedder, or another process writes to the index.
    pub fn use_system(&self, name: &str, system: &str) -> Result<()> {
        let (embedder, mode) = system.split_once(':').map_or((system, None), |(embedder, mode)| (embedder, Some(mode)));
        let chosen = match (embedder, mode) {
            (BASELINE, None) => BTreeMap::from([("mode".to_string(), "lexical".to_string())]),
            (_, None) => BTreeMap::new(),
            (embedder, Some(mode)) => {
                let systems = self.systems(&[embedder.to_string()], &[mode.to_string()], &[])?;
                match (systems.systems.get(1), systems.left_out.first()) {
                    (Some(system), _) => settings(system),
                    (None, reason) => return Err(Error::input(reason.cloned().unwrap_or_default())),
                }
            }
        };
        let mut writer = IndexWriter::open(&self.index_folder(name)?)?;
        let Some(mut manifest) = writer.manifest().cloned() else {
            return Err(Error::input(format!("the index {name} has not been finished"))
                .hint(format!("kinglet index --name {name}")));
        };
        if embedder != BASELINE {
            let known: Vec<&str> = manifest.embedders.iter().map(|card| card.id.as_str()).collect();
            let Some(place) = known.iter().position(|id| *id == embedder) else {
                return Err(Error::input(format!(
                    "{name} has no vectors of `{}`, only of {}",
                    embedder.escape_debug(),
                    known.join(", ")
                ))
                .hint(format!("kinglet index --name {name} --add-embedder {embedder}")));
            };
            let card = manifest.embedders.remove(place);
            manifest.embedders.insert(0, card);
        }
        manifest.chosen = chosen;
        writer.finish(manifest)
    }
}

fn settings(system: &System) -> BTreeMap<String, String> {
    let all = toml::Table::try_from(&system.config).expect("a config is plain values");
    let value = |key: &str| all.get(key).and_then(|value| value.as_str()).unwrap_or(AUTO).to_string();
    CHOSEN.iter().map(|key| ((*key).to_string(), value(key))).collect()
}
