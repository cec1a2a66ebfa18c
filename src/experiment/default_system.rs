//! Sets the default system of an index, and restores the built-in one.

use std::collections::BTreeMap;

use crate::engine::{Embedders, Kinglet};
use crate::error::{Error, Hint, Result};
use crate::eval::comparison::{BASELINE, BASELINE_LABEL};
use crate::experiment::systems::System;
use crate::index::IndexWriter;
use crate::index::manifest::Manifest;

/// The settings that define a system, besides its embedder.
const SYSTEM_SETTINGS: [&str; 5] = ["mode", "fusion", "rerank", "neighbours", "sparse"];

/// What [`Kinglet::use_built_in_defaults`] has changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RestoredDefaults {
    /// The settings that the index no longer has.
    pub removed: BTreeMap<String, String>,
    /// The embedder that is the first one no more, and the one that is again.
    pub embedders: Option<[String; 2]>,
    /// What the index uses now, as people call it.
    pub system: String,
}

impl Kinglet {
    /// Undoes [`Kinglet::use_system`] for the index called `name`: removes the settings that it
    /// stored, and puts the embedder first that was first before. Changes nothing the second time.
    ///
    /// # Errors
    /// When there is no such index, or another process is writing to it.
    pub fn use_built_in_defaults(&self, name: &str) -> Result<RestoredDefaults> {
        let (mut writer, mut manifest) = self.manifest_to_change(name)?;
        let mut restored =
            RestoredDefaults { removed: std::mem::take(&mut manifest.defaults), ..RestoredDefaults::default() };
        let former = manifest.displaced_embedder.take();
        if let Some(place) = former.and_then(|id| manifest.embedders.iter().position(|card| card.id == id)) {
            let card = manifest.embedders.remove(place);
            restored.embedders = Some([manifest.embedders[0].id.clone(), card.id.clone()]);
            manifest.embedders.insert(0, card);
        }
        restored.system = self.system_of_index(&manifest)?.label;
        if writer.manifest() != Some(&manifest) {
            writer.finish(manifest)?;
        }
        Ok(restored)
    }

    fn manifest_to_change(&self, name: &str) -> Result<(IndexWriter, Manifest)> {
        let writer = IndexWriter::open(&self.index_folder(name)?)?;
        match writer.manifest().cloned() {
            Some(manifest) => Ok((writer, manifest)),
            None => Err(Error::input(format!("the index {name} has no finished run"))
                .with_hint(Hint::UpdateIndex { index: Some(name.to_string()), effect: None })),
        }
    }

    /// Makes `system` the default of the index called `name`: a system as `kinglet compare` names
    /// it (`bm25`, `EMBEDDER:MODE`, `EMBEDDER:MODE,KEY=VALUE`) or as it calls it for people
    /// (`words alone`, `EMBEDDER MODE`), or an embedder in the default mode. Removes nothing, and
    /// settings made elsewhere still take precedence.
    ///
    /// # Errors
    /// When there is no such system, the index lacks vectors of its embedder or has another chunk
    /// size, or another process is writing to the index.
    pub fn use_system(&self, name: &str, system: &str) -> Result<()> {
        let system = if system == BASELINE_LABEL { BASELINE } else { system };
        let (embedder, mode) =
            system.split_once([':', ' ']).map_or((system, None), |(embedder, mode)| (embedder, Some(mode)));
        let (mut chunking, mut encoder) = (None, None);
        let defaults = match (embedder, mode) {
            (BASELINE, None) => BTreeMap::from([("mode".to_string(), "lexical".to_string())]),
            (_, None) => BTreeMap::new(),
            (embedder, Some(mode)) => {
                let mut parts = mode.split(',');
                let mode = parts.next().unwrap_or_default();
                let varied = parts.map(setting).collect::<Result<Vec<_>>>()?;
                let system = self.system_named(embedder, Some(mode), &varied)?;
                let has_chunking = varied.iter().any(|(key, _)| key == "chunking");
                chunking = has_chunking.then(|| system.config.chunking()).flatten();
                encoder = system.config.searching_encoder();
                settings(&system, &varied)?
            }
        };
        let (mut writer, mut manifest) = self.manifest_to_change(name)?;
        if chunking.is_some_and(|chunking| chunking != manifest.chunking) {
            let chunking = system.split("chunking=").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or_default();
            return Err(Error::input(format!("{name} has another chunk size"))
                .with_hint(Hint::ChangeChunking { index: name.to_string(), chunking: chunking.to_string() }));
        }
        if embedder != BASELINE {
            let embedders: Vec<&str> = manifest.embedders.iter().map(|card| card.id.as_str()).collect();
            let Some(place) = embedders.iter().position(|id| *id == embedder) else {
                self.models_for_indexing(name, &Embedders::Add(vec![embedder.into()]))?;
                return Err(Error::input(format!(
                    "{name} has no vectors of `{}`, only of {}",
                    embedder.escape_debug(),
                    embedders.join(", ")
                ))
                .with_hint(Hint::AddEmbedder { index: name.to_string(), embedder: embedder.to_string() }));
            };
            let first = manifest.displaced_embedder.take().unwrap_or_else(|| embedders[0].to_string());
            manifest.displaced_embedder = (first != embedder).then_some(first);
            let card = manifest.embedders.remove(place);
            manifest.embedders.insert(0, card);
        }
        if let Some(encoder) = encoder.filter(|it| !manifest.sparse.iter().any(|card| card.id == it.model().as_str())) {
            return Err(Error::input(format!("{name} has no sparse vectors of {encoder}"))
                .with_hint(Hint::AddEncoder { index: name.to_string(), encoder: encoder.to_string() }));
        }
        manifest.defaults = defaults;
        writer.finish(manifest)
    }
}

/// Parses `KEY=VALUE` in the name of a system.
fn setting(written: &str) -> Result<(String, Vec<String>)> {
    let (key, value) = written.split_once('=').ok_or_else(|| {
        Error::input(format!("`{}` is not KEY=VALUE", written.escape_debug()))
            .with_hint("name the system as `kinglet compare` does: EMBEDDER:MODE,KEY=VALUE")
    })?;
    Ok((key.to_string(), vec![value.to_string()]))
}

/// The settings of a system that an index stores as its defaults.
fn settings(system: &System, varied: &[(String, Vec<String>)]) -> Result<BTreeMap<String, String>> {
    let mut keys = SYSTEM_SETTINGS.to_vec();
    for (key, _) in varied {
        match key.as_str() {
            // `rerank` is in the list already, and the index has its chunk size.
            "reranker" | "chunking" => {}
            "tuning" => keys.push("tuning"),
            key if SYSTEM_SETTINGS.contains(&key) => {}
            key => {
                return Err(Error::input(format!("an index cannot store the setting {key}"))
                    .with_hint("set it in the configuration file, and name the system without it"));
            }
        }
    }
    let all = toml::Table::try_from(&system.config).expect("a config is plain values");
    let value = |key: &str| all[key].as_str().expect("these settings are texts").to_string();
    Ok(keys.into_iter().map(|key| (key.to_string(), value(key))).collect())
}
