//! Every knob: its default, where its value came from, its check. A flag goes over the environment, that over the
//! configuration file, that over the default.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::chunking::Chunking;
use crate::error::{Error, Result};
use crate::language::Language;
use crate::search::Fusion;

/// The value of settings that leave the choice to kinglet. `embedder`: an index answers with its first embedder, and a new one gets
/// [`DEFAULT_EMBEDDER`]. `rerank`: in hybrid mode `maxsim` where the embedder has token vectors, else nothing. `language`: the one that
/// a new index's documents are in, afterwards the index's own.
pub const AUTO: &str = "auto";

/// The value of `rerank` for nothing.
pub const NO_RERANKER: &str = "none";

/// The embedder of an index for which nobody named one.
pub const DEFAULT_EMBEDDER: &str = "all-minilm-l6-v2";

/// The value of `sparse` for none.
pub const NO_ENCODER: &str = "none";

/// The encoder of `mode = "sparse"` where `sparse` names none.
pub const DEFAULT_ENCODER: &str = "splade-tiny";

/// Which legs answer a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// What `kinglet use` has chosen for the index, else hybrid.
    Auto,
    /// Words alone: no model is needed.
    Lexical,
    /// Vectors alone.
    Dense,
    /// Learned terms alone.
    Sparse,
    /// Words and vectors, and learned terms where `sparse` names an encoder.
    Hybrid,
}

/// Something that is done or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Switch {
    /// What `kinglet use` has chosen for the index, else on.
    Auto,
    /// It is done.
    On,
    /// It is not.
    Off,
}

/// How documents are cut, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChunkSize {
    /// As the index was cut before; a new one, standard.
    Auto,
    /// At most 100 tokens: every embedder reads them whole.
    Short,
    /// At most 200 tokens: every embedder that reads 256 reads them whole.
    Standard,
    /// At most 400 tokens, for embedders that read 512.
    Long,
}

/// Whose weights the parts of a search have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TunedWeights {
    /// Those that `kinglet eval --tune` has found for the index, if any.
    Auto,
    /// The same for every index.
    None,
}

/// The knobs, resolved and checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The catalog id of the embedder, or [`AUTO`].
    pub embedder: String,
    /// The generator: a catalog id, `openai:MODEL` or `extractive`.
    pub generator: String,
    /// Which legs answer a search.
    pub mode: Mode,
    /// Whose learned terms are indexed, and searched in hybrid mode: [`NO_ENCODER`] or the catalog id of a sparse encoder.
    pub sparse: String,
    /// How the legs become one ranking.
    pub fusion: Fusion,
    /// What looks at the first hits more closely: [`AUTO`], [`NO_RERANKER`], `maxsim` or the catalog id of a reranker.
    pub rerank: String,
    /// Whether hits that are alike support each other in hybrid mode.
    pub neighbours: Switch,
    /// Whose weights the parts of a search have in hybrid mode.
    pub tuning: TunedWeights,
    /// How documents are cut.
    pub chunking: ChunkSize,
    /// How many hits a search shows.
    pub hits: usize,
    /// How many passages an answer may be made from.
    pub passages: usize,
    /// Where an answer is cut off, in the generator's tokens.
    pub answer_tokens: usize,
    /// Threads for each model; 0 chooses: one for each core for the embedder, one for the language model.
    pub threads: usize,
    /// The language of the documents' words: a code such as `de`, `none`, or `auto`.
    pub language: String,
    /// Larger files are skipped, in MiB.
    pub max_file_mib: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            embedder: AUTO.to_string(),
            generator: "smollm2-135m-instruct".to_string(),
            mode: Mode::Auto,
            sparse: NO_ENCODER.to_string(),
            fusion: Fusion::MinMax,
            rerank: AUTO.to_string(),
            neighbours: Switch::Auto,
            tuning: TunedWeights::Auto,
            chunking: ChunkSize::Auto,
            hits: 10,
            passages: 4,
            answer_tokens: 160,
            threads: 0,
            language: AUTO.to_string(),
            max_file_mib: 64,
        }
    }
}

impl Config {
    /// The same with one more setting, as a flag would set it.
    ///
    /// # Errors
    /// When there is no such key, or the value does not fit.
    pub fn with(&self, key: &str, value: &str) -> Result<Self> {
        let mut table = toml::Table::try_from(self).expect("a config is plain values");
        let value = table.get(key).map_or_else(|| value.into(), |like| parse(like, value));
        set(&mut table, &mut BTreeMap::new(), key, value, SettingSource::Flag)?;
        table.try_into().map_err(|cause: toml::de::Error| Error::input(cause.message()))
    }

    /// The id of the sparse encoder that takes part in a search, if one does.
    pub fn searching_encoder(&self) -> Option<&str> {
        (self.is_hybrid() || self.mode == Mode::Sparse).then(|| self.encoder()).flatten()
    }

    /// Whether all legs answer.
    pub fn is_hybrid(&self) -> bool {
        matches!(self.mode, Mode::Auto | Mode::Hybrid)
    }

    /// What is chosen for an index, where nobody has said otherwise here: its mode counts if none is set here, and with it the settings that
    /// are not set here either.
    ///
    /// # Errors
    /// When `chosen` has a setting that does not exist, or a value that does not fit.
    pub fn with_index_defaults(&self, chosen: &BTreeMap<String, String>) -> Result<Self> {
        let mut config = self.clone();
        if self.mode != Mode::Auto {
            return Ok(config);
        }
        let unset = toml::Table::try_from(Config::default()).expect("the defaults are plain values");
        let here = toml::Table::try_from(self).expect("a config is plain values");
        for (key, value) in chosen.iter().filter(|(key, _)| here.get(*key) == unset.get(*key)) {
            config = config.with(key, value)?;
        }
        Ok(config)
    }

    /// The id of the sparse encoder that is set, if one is.
    pub fn encoder(&self) -> Option<&str> {
        match (self.sparse.as_str(), self.mode) {
            (NO_ENCODER, Mode::Sparse) => Some(DEFAULT_ENCODER),
            (NO_ENCODER, _) => None,
            (id, _) => Some(id),
        }
    }

    /// The chunking that is set; `None` for `auto`.
    pub fn chunking(&self) -> Option<Chunking> {
        let target_tokens = match self.chunking {
            ChunkSize::Auto => return None,
            ChunkSize::Short => 100,
            ChunkSize::Standard => 200,
            ChunkSize::Long => 400,
        };
        Some(Chunking { target_tokens })
    }

    /// The language that is set; `None` for `auto`.
    pub fn language(&self) -> Option<Language> {
        Language::of_code(&self.language)
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingSource {
    /// Nobody said anything.
    Default,
    /// The configuration file.
    File(PathBuf),
    /// This environment variable.
    Environment(String),
    /// The command line.
    Flag,
}

impl std::fmt::Display for SettingSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SettingSource::Default => write!(f, "default"),
            SettingSource::File(path) => write!(f, "{}", path.display()),
            SettingSource::Environment(variable) => write!(f, "{variable}"),
            SettingSource::Flag => write!(f, "command line"),
        }
    }
}

/// A [`Config`] that knows where each of its values came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedConfig {
    /// The values.
    pub config: Config,
    /// Where each came from, by key.
    pub origins: BTreeMap<String, SettingSource>,
}

impl ResolvedConfig {
    /// Puts the layers over each other. `file` is the path and text of the configuration file, if there is one;
    /// `environment` looks a variable up; `flags` are keys with their values.
    ///
    /// # Errors
    /// For a key that does not exist, or a value that does not fit; the message names the layer.
    pub fn from_layers(
        file: Option<(&Path, &str)>,
        environment: impl Fn(&str) -> Option<String>,
        flags: &[(&str, String)],
    ) -> Result<Self> {
        let mut table = toml::Table::try_from(Config::default()).expect("the defaults are plain values");
        let mut origins: BTreeMap<String, SettingSource> =
            table.keys().map(|key| (key.clone(), SettingSource::Default)).collect();
        let keys: Vec<String> = table.keys().cloned().collect();
        if let Some((path, text)) = file {
            let layer: toml::Table = text.parse().map_err(|cause: toml::de::Error| {
                Error::input(format!("{} is not valid TOML: {}", path.display(), cause.message()))
                    .with_hint("mend the file, or delete it to have the defaults")
            })?;
            for (key, value) in layer {
                set(&mut table, &mut origins, &key, value, SettingSource::File(path.to_path_buf()))?;
            }
        }
        for key in &keys {
            let variable = format!("KINGLET_{}", key.to_uppercase());
            if let Some(text) = environment(&variable) {
                let value = parse(&table[key], &text);
                set(&mut table, &mut origins, key, value, SettingSource::Environment(variable))?;
            }
        }
        for (key, text) in flags {
            let value = parse(&table[*key], text);
            set(&mut table, &mut origins, key, value, SettingSource::Flag)?;
        }
        let config: Config = table.try_into().map_err(|cause: toml::de::Error| Error::input(cause.message()))?;
        Ok(ResolvedConfig { config, origins })
    }

    /// Every key with its value and origin, by key.
    pub fn rows(&self) -> Vec<(String, toml::Value, String)> {
        let table = toml::Table::try_from(&self.config).expect("a config is plain values");
        table
            .into_iter()
            .map(|(key, value)| {
                let origin = self.origins[&key].to_string();
                (key, value, origin)
            })
            .collect()
    }
}

fn parse(like: &toml::Value, text: &str) -> toml::Value {
    match (like, text.parse()) {
        (toml::Value::Integer(_), Ok(number)) => toml::Value::Integer(number),
        _ => toml::Value::String(text.to_string()),
    }
}

fn default(key: &str) -> toml::Value {
    toml::Table::try_from(Config::default()).expect("the defaults are plain values")[key].clone()
}

/// Sets one key and checks the whole, so that a bad value is reported with the layer that it came from.
fn set(
    table: &mut toml::Table,
    origins: &mut BTreeMap<String, SettingSource>,
    key: &str,
    value: toml::Value,
    origin: SettingSource,
) -> Result<()> {
    if !table.contains_key(key) {
        let keys: Vec<_> = table.keys().map(String::as_str).collect();
        return Err(Error::input(format!("unknown setting `{key}` ({origin})"))
            .with_hint(format!("the settings are {}", keys.join(", "))));
    }
    table.insert(key.to_string(), value.clone());
    let checked: std::result::Result<Config, toml::de::Error> = table.clone().try_into();
    let problem = match checked {
        Ok(config)
            if config.hits == 0 || config.passages == 0 || config.answer_tokens == 0 || config.max_file_mib == 0 =>
        {
            Some("must be at least 1".to_string())
        }
        Ok(config) if config.language != AUTO && config.language().is_none() => {
            Some(format!("must be auto or one of {}", Language::ALL.map(Language::code).join(", ")))
        }
        Ok(_) => None,
        Err(cause) => Some(cause.message().to_string()),
    };
    match problem {
        Some(problem) => Err(Error::input(format!("setting `{key}` = {value} ({origin}): {problem}"))
            .with_hint(format!("the default is {}", default(key)))),
        None => {
            origins.insert(key.to_string(), origin);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(file: &str, variable: (&str, &str), flags: &[(&str, String)]) -> Result<ResolvedConfig> {
        let environment = |name: &str| (name == variable.0).then(|| variable.1.to_string());
        ResolvedConfig::from_layers(Some((Path::new("config.toml"), file)), environment, flags)
    }

    #[test]
    fn each_layer_goes_over_the_one_below_and_says_so() {
        let resolved = resolve("hits = 3\nmode = \"dense\"", ("KINGLET_HITS", "4"), &[]).unwrap();
        assert_eq!((resolved.config.hits, resolved.config.mode), (4, Mode::Dense));
        assert_eq!(resolved.origins["hits"], SettingSource::Environment("KINGLET_HITS".into()));
        assert_eq!(resolved.origins["mode"], SettingSource::File("config.toml".into()));
        assert_eq!(resolved.origins["fusion"], SettingSource::Default);
        let resolved = resolve("hits = 3", ("KINGLET_HITS", "4"), &[("hits", "5".into())]).unwrap();
        assert_eq!((resolved.config.hits, &resolved.origins["hits"]), (5, &SettingSource::Flag));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_layer() {
        let wrong = |file, variable| resolve(file, variable, &[]).unwrap_err().to_string();
        assert!(wrong("colour = 1", ("", "")).contains("`colour` (config.toml)"));
        assert!(wrong("hits = ", ("", "")).contains("not valid TOML"));
        assert!(wrong("mode = \"both\"", ("", "")).contains("config.toml"));
        assert!(wrong("hits = 0", ("", "")).contains("at least 1"));
        assert!(wrong("", ("KINGLET_HITS", "many")).contains("KINGLET_HITS"));
        assert!(wrong("", ("KINGLET_HITS", "-1")).contains("KINGLET_HITS"));
    }
}
