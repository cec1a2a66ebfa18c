//! Every setting with its type and its default.

mod choices;
mod layers;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::choices::{EmbedderChoice, LanguageChoice, RerankerChoice, SparseEncoderChoice};
pub use self::layers::{ResolvedConfig, SettingSource};
use crate::chunking::Chunking;
use crate::error::Result;
use crate::language::Language;
use crate::models::reference::{GeneratorRef, SparseEncoderRef};
use crate::search::Fusion;

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
    /// Which embedder answers.
    pub embedder: EmbedderChoice,
    /// Which generator writes answers.
    pub generator: GeneratorRef,
    /// Which legs answer a search.
    pub mode: Mode,
    /// Whose learned terms are indexed, and searched in hybrid mode.
    pub sparse: SparseEncoderChoice,
    /// How the legs become one ranking.
    pub fusion: Fusion,
    /// What scores the first hits again.
    pub rerank: RerankerChoice,
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
    /// Threads of each model for one caller; 0 chooses: one for each core for the embedder, one for
    /// the language model.
    pub threads: usize,
    /// The language of the documents' words.
    pub language: LanguageChoice,
    /// Larger files are skipped, in MiB.
    pub max_file_mib: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            embedder: EmbedderChoice::Auto,
            generator: GeneratorRef::default(),
            mode: Mode::Auto,
            sparse: SparseEncoderChoice::None,
            fusion: Fusion::MinMax,
            rerank: RerankerChoice::Auto,
            neighbours: Switch::Auto,
            tuning: TunedWeights::Auto,
            chunking: ChunkSize::Auto,
            hits: 10,
            passages: 4,
            answer_tokens: 160,
            threads: 0,
            language: LanguageChoice::Auto,
            max_file_mib: 64,
        }
    }
}

impl Config {
    /// The sparse encoder that takes part in a search, if one does.
    pub fn searching_encoder(&self) -> Option<SparseEncoderRef> {
        (self.is_hybrid() || self.mode == Mode::Sparse).then(|| self.encoder()).flatten()
    }

    /// Whether all legs answer.
    pub fn is_hybrid(&self) -> bool {
        matches!(self.mode, Mode::Auto | Mode::Hybrid)
    }

    /// What is chosen for an index, where nobody has said otherwise here: its mode counts if none
    /// is set here, and with it the settings that are not set here either.
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

    /// The sparse encoder that is set, or that the mode cannot do without.
    pub fn encoder(&self) -> Option<SparseEncoderRef> {
        match &self.sparse {
            SparseEncoderChoice::Use(encoder) => Some(encoder.clone()),
            SparseEncoderChoice::None => (self.mode == Mode::Sparse).then(SparseEncoderRef::default),
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
        match self.language {
            LanguageChoice::Auto => None,
            LanguageChoice::Use(language) => Some(language),
        }
    }
}
