//! The view of the settings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::config::ResolvedConfig;

/// All settings.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SettingsView {
    /// Kinglet's home folder.
    pub home: PathBuf,
    /// The settings, by key.
    pub settings: BTreeMap<String, SettingView>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SettingView {
    /// The value: a number or a text.
    pub value: toml::Value,
    /// The origin: `default`, the path of the configuration file, or the name of an environment
    /// variable.
    pub source: String,
}

impl SettingsView {
    /// The settings under `home`.
    pub fn new(home: &Path, resolved: &ResolvedConfig) -> Self {
        let settings = resolved.rows().into_iter().map(|(key, value, source)| (key, SettingView { value, source }));
        SettingsView { home: home.to_path_buf(), settings: settings.collect() }
    }
}
