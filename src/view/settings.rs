//! The settings, and where each comes from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::config::ResolvedConfig;

/// All settings.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SettingsView {
    /// Kinglet's own folder.
    pub home: PathBuf,
    /// By key.
    pub settings: BTreeMap<String, SettingView>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SettingView {
    /// A number or a text.
    pub value: toml::Value,
    /// `default`, the path of the configuration file, or the name of an environment variable.
    pub source: String,
}

impl SettingsView {
    /// The settings under `home`.
    pub fn new(home: &Path, resolved: &ResolvedConfig) -> Self {
        let settings = resolved.rows().into_iter().map(|(key, value, source)| (key, SettingView { value, source }));
        SettingsView { home: home.to_path_buf(), settings: settings.collect() }
    }
}
