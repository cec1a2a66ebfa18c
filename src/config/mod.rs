//! Every setting with its type and its default.

mod choices;
mod layers;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::choices::{
    EmbedderChoice, GeneratorChoice, LanguageChoice, RerankerChoice, RiskChoice, SparseEncoderChoice,
};
pub use self::layers::{ResolvedConfig, SettingSource};
use crate::answer::{AnswerLimits, Unsupported};
use crate::chunking::Chunking;
use crate::error::Result;
use crate::language::Language;
use crate::models::reference::{GeneratorRef, SparseEncoderRef};
use crate::search::Fusion;

/// The retrievers of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The mode that `kinglet use` has stored for the index, else hybrid.
    Auto,
    /// Only words; no model is needed.
    Lexical,
    /// Only vectors.
    Dense,
    /// Only learned terms.
    Sparse,
    /// Words and vectors, and learned terms if `sparse` names an encoder.
    Hybrid,
}

/// A setting that is on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Switch {
    /// The value that `kinglet use` has stored for the index, else on.
    Auto,
    /// On.
    On,
    /// Off.
    Off,
}

/// The size of chunks, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChunkSize {
    /// The size that the index has; for a new one, standard.
    Auto,
    /// At most 100 tokens: every embedder reads such chunks whole.
    Short,
    /// At most 200 tokens, for embedders that read at least 256.
    Standard,
    /// At most 400 tokens, for embedders that read at least 512.
    Long,
}

/// The fusion weights of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TunedWeights {
    /// The weights that `kinglet eval --tune` has found for the index, if any, else the default
    /// ones.
    Auto,
    /// The default weights.
    None,
}

/// What looks for the answer in the passages, and holds the sentences of an answer against them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checks {
    /// The models, if the search runs one on ONNX Runtime; else words.
    Auto,
    /// A trained reader and a trained support checker.
    Models,
    /// Words in common; no model is needed.
    Words,
}

/// What becomes of sentences of a document that read like instructions to a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentInstructions {
    /// They are not read for answers.
    LeaveOut,
    /// They are read like any other sentence.
    Read,
}

/// The settings, resolved and checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The embedder to search with.
    pub embedder: EmbedderChoice,
    /// The generator that writes answers.
    pub generator: GeneratorChoice,
    /// The retrievers of a search.
    pub mode: Mode,
    /// The sparse encoder whose learned terms are indexed, and searched in hybrid mode.
    pub sparse: SparseEncoderChoice,
    /// The way to fuse the lists of the retrievers into one ranking.
    pub fusion: Fusion,
    /// The reranker of the top hits.
    pub rerank: RerankerChoice,
    /// Score regularization: whether similar hits support each other in hybrid mode.
    pub neighbours: Switch,
    /// The fusion weights in hybrid mode.
    pub tuning: TunedWeights,
    /// The size of chunks.
    pub chunking: ChunkSize,
    /// The number of hits that a search shows.
    pub hits: usize,
    /// The most passages from which an answer is written.
    pub passages: usize,
    /// The most tokens of the passages that a generator reads: it gets their best sentences.
    pub budget: usize,
    /// The most tokens of an answer, by the generator's count. Longer answers are cut off.
    pub answer_tokens: usize,
    /// What checks answers.
    pub checks: Checks,
    /// The share of wrong answers that the user accepts; more questions are refused the smaller it
    /// is.
    pub risk: RiskChoice,
    /// What becomes of a sentence that no passage supports.
    pub unsupported: Unsupported,
    /// What becomes of sentences that read like instructions to a model.
    pub instructions: DocumentInstructions,
    /// The threads that each model uses for one caller. 0 means one for each core.
    pub threads: usize,
    /// The language of the documents' words.
    pub language: LanguageChoice,
    /// The size in MiB above which files are skipped.
    pub max_file_mib: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            embedder: EmbedderChoice::Auto,
            generator: GeneratorChoice::Auto,
            mode: Mode::Auto,
            sparse: SparseEncoderChoice::None,
            fusion: Fusion::MinMax,
            rerank: RerankerChoice::Auto,
            neighbours: Switch::Auto,
            tuning: TunedWeights::Auto,
            chunking: ChunkSize::Auto,
            hits: 10,
            passages: 4,
            budget: 200,
            answer_tokens: 160,
            checks: Checks::Auto,
            risk: RiskChoice::Auto,
            unsupported: Unsupported::Mark,
            instructions: DocumentInstructions::LeaveOut,
            threads: 0,
            language: LanguageChoice::Auto,
            max_file_mib: 64,
        }
    }
}

impl Config {
    /// The sparse encoder of a search, if it has one.
    pub fn searching_encoder(&self) -> Option<SparseEncoderRef> {
        (self.is_hybrid() || self.mode == Mode::Sparse).then(|| self.encoder()).flatten()
    }

    /// True if a search is hybrid.
    pub fn is_hybrid(&self) -> bool {
        matches!(self.mode, Mode::Auto | Mode::Hybrid)
    }

    /// This configuration with the defaults of an index. If no mode is set here, `defaults` replace
    /// all settings that are not set here; else they do not count.
    ///
    /// # Errors
    /// When `defaults` has a setting that does not exist, or an invalid value.
    pub fn with_index_defaults(&self, defaults: &BTreeMap<String, String>) -> Result<Self> {
        let mut config = self.clone();
        if self.mode != Mode::Auto {
            return Ok(config);
        }
        let unset = toml::Table::try_from(Config::default()).expect("the defaults are plain values");
        let here = toml::Table::try_from(self).expect("a config is plain values");
        for (key, value) in defaults.iter().filter(|(key, _)| here.get(*key) == unset.get(*key)) {
            config = config.with(key, value)?;
        }
        Ok(config)
    }

    /// The sparse encoder that is set, or the default one if the mode needs one.
    pub fn encoder(&self) -> Option<SparseEncoderRef> {
        match &self.sparse {
            SparseEncoderChoice::Use(encoder) => Some(encoder.clone()),
            SparseEncoderChoice::None => (self.mode == Mode::Sparse).then(SparseEncoderRef::default),
        }
    }

    /// The generator that is set, of a cascade the small one; `auto` is
    /// [`GeneratorRef::Extractive`], because quotes answer more questions rightly than the language
    /// models that fit any machine, at once, and are never invented.
    pub fn generator(&self) -> GeneratorRef {
        match &self.generator {
            GeneratorChoice::Auto => GeneratorRef::Extractive,
            GeneratorChoice::Use(generator) | GeneratorChoice::Cascade { small: generator, .. } => generator.clone(),
        }
    }

    /// The generator that is asked if the answer of the first one is doubtful.
    pub fn larger_generator(&self) -> Option<GeneratorRef> {
        match &self.generator {
            GeneratorChoice::Auto | GeneratorChoice::Use(_) => None,
            GeneratorChoice::Cascade { large, .. } => Some(large.clone()),
        }
    }

    /// The generators that may write an answer.
    pub fn generators(&self) -> Vec<GeneratorRef> {
        [Some(self.generator()), self.larger_generator()].into_iter().flatten().collect()
    }

    /// How much a generator reads and writes.
    pub fn answer_limits(&self) -> AnswerLimits {
        AnswerLimits {
            budget_tokens: self.budget,
            answer_tokens: self.answer_tokens,
            unsupported: self.unsupported,
            reads_instructions: self.instructions == DocumentInstructions::Read,
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
