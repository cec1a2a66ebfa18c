//! The layers that set values: a flag overrides the environment, the environment overrides the
//! configuration file, and the file overrides the default.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Config;
use crate::error::{Error, Result};

impl Config {
    /// The same configuration with one more setting, set as by a flag.
    ///
    /// # Errors
    /// When there is no such key, or the value is invalid.
    pub fn with(&self, key: &str, value: &str) -> Result<Self> {
        let mut table = toml::Table::try_from(self).expect("a config is plain values");
        let value = table.get(key).map_or_else(|| value.into(), |like| parse(like, value));
        set(&mut table, &mut BTreeMap::new(), key, value, SettingSource::Flag)?;
        table.try_into().map_err(|cause: toml::de::Error| Error::input(cause.message()))
    }
}

/// The layer that set a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingSource {
    /// No layer set it.
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

/// A [`Config`] that knows which layer set each of its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedConfig {
    /// The values.
    pub config: Config,
    /// The layer that set each value, by key.
    pub origins: BTreeMap<String, SettingSource>,
}

impl ResolvedConfig {
    /// Resolves the layers. `file` is the path and text of the configuration file, if there is one;
    /// `environment` looks up a variable; `flags` are keys with their values.
    ///
    /// # Errors
    /// For a key that does not exist, or an invalid value; the message names the layer.
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

    /// Every key with its value and the layer that set it, by key.
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

/// Sets one key and checks the whole table, so that an invalid value is reported with its layer.
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
            if [config.hits, config.passages, config.budget, config.answer_tokens].contains(&0)
                || config.max_file_mib == 0 =>
        {
            Some("must be at least 1".to_string())
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
    use crate::config::Mode;

    fn resolve(file: &str, variable: (&str, &str), flags: &[(&str, String)]) -> Result<ResolvedConfig> {
        let environment = |name: &str| (name == variable.0).then(|| variable.1.to_string());
        ResolvedConfig::from_layers(Some((Path::new("config.toml"), file)), environment, flags)
    }

    #[test]
    fn each_layer_overrides_the_one_below_and_is_named_as_the_source() {
        let resolved = resolve("hits = 3\nmode = \"dense\"", ("KINGLET_HITS", "4"), &[]).unwrap();
        assert_eq!((resolved.config.hits, resolved.config.mode), (4, Mode::Dense));
        assert_eq!(resolved.origins["hits"], SettingSource::Environment("KINGLET_HITS".into()));
        assert_eq!(resolved.origins["mode"], SettingSource::File("config.toml".into()));
        assert_eq!(resolved.origins["fusion"], SettingSource::Default);
        let resolved = resolve("hits = 3", ("KINGLET_HITS", "4"), &[("hits", "5".into())]).unwrap();
        assert_eq!((resolved.config.hits, &resolved.origins["hits"]), (5, &SettingSource::Flag));
    }

    #[test]
    fn an_error_names_the_layer_of_the_bad_value() {
        let wrong = |file, variable| resolve(file, variable, &[]).unwrap_err().to_string();
        assert!(wrong("colour = 1", ("", "")).contains("`colour` (config.toml)"));
        assert!(wrong("hits = ", ("", "")).contains("not valid TOML"));
        assert!(wrong("mode = \"both\"", ("", "")).contains("config.toml"));
        assert!(wrong("hits = 0", ("", "")).contains("at least 1"));
        assert!(wrong("", ("KINGLET_HITS", "many")).contains("KINGLET_HITS"));
        assert!(wrong("", ("KINGLET_HITS", "-1")).contains("KINGLET_HITS"));
        assert!(wrong("", ("KINGLET_LANGUAGE", "xx")).contains("KINGLET_LANGUAGE): must be auto or one of none, en, "));
    }
}
