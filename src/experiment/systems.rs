//! The systems that are compared: words alone, and each embedder in each mode.

use crate::config::{Config, EmbedderChoice, Mode, RerankerChoice, SparseEncoderChoice, Switch, TunedWeights};
use crate::engine::Kinglet;
use crate::error::{Error, Result};
use crate::eval::comparison::BASELINE;
use crate::models::catalog::ModelKind;
use crate::models::reference::{EmbedderRef, GeneratorRef, RerankerRef};

/// The modes that are compared where nobody names any.
pub const DEFAULT_MODES: &[&str] = &["dense", "hybrid", "default"];

/// For messages: how a mode is written.
pub const MODES: &str = "dense, sparse, hybrid (words and vectors), hybrid+maxsim, hybrid+maxsim+neighbours, hybrid+RERANKER, \
                         hybrid+splade-tiny, and default (what kinglet does where nothing else is said)";

/// One way to search.
#[derive(Debug, Clone, PartialEq)]
pub struct System {
    /// Such as `all-minilm-l6-v2:hybrid+maxsim` or `bm25`.
    pub name: String,
    /// The same as settings, with nothing left to be chosen.
    pub config: Config,
    /// Whether it also answers: then its ranking is what its answers cite.
    pub answers: bool,
}

/// Systems to compare, and what was left out of them with the reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Systems {
    /// The baseline first.
    pub systems: Vec<System>,
    /// A sentence for each system that was asked for and cannot be.
    pub left_out: Vec<String>,
}

impl Kinglet {
    /// The baseline, and every embedder in every mode, each with every combination of the values in
    /// `vary`: settings by their key, such as `fusion`.
    ///
    /// # Errors
    /// When there is no such embedder, mode, setting or value.
    pub fn systems(
        &self,
        embedders: &[EmbedderRef],
        modes: &[String],
        vary: &[(String, Vec<String>)],
    ) -> Result<Systems> {
        let answers = vary.iter().any(|(key, _)| key == "generator");
        // The baseline needs no model, so it quotes where others write.
        let generator = if answers { GeneratorRef::Extractive } else { self.config().generator.clone() };
        let baseline = Config { mode: Mode::Lexical, embedder: EmbedderChoice::Auto, generator, ..self.plain() };
        let baseline = System { name: BASELINE.to_string(), config: baseline, answers };
        let mut found = Systems { systems: vec![baseline], left_out: Vec::new() };
        for embedder in embedders {
            let has_tokens = self.has_token_vectors(embedder)?;
            for mode in modes {
                let written = match (mode.as_str(), has_tokens) {
                    ("default", true) => "hybrid+maxsim+neighbours",
                    ("default", false) => "hybrid+neighbours",
                    (mode, _) => mode,
                };
                let name = format!("{embedder}:{written}");
                let config = self.config_of_mode(embedder, written)?;
                for system in varied(System { name, config, answers }, vary)? {
                    match system.config.rerank == RerankerChoice::Use(RerankerRef::MaxSim) && !has_tokens {
                        true => found.left_out.push(without_tokens(&system.name, embedder)),
                        false => found.systems.push(system),
                    }
                }
            }
        }
        let mut seen = std::collections::HashSet::new();
        found.systems.retain(|system| seen.insert(system.name.clone()));
        Ok(found)
    }

    /// Settings with which nothing looks at the hits of the legs again.
    fn plain(&self) -> Config {
        Config {
            rerank: RerankerChoice::None,
            neighbours: Switch::Off,
            sparse: SparseEncoderChoice::None,
            tuning: TunedWeights::None,
            ..self.config().clone()
        }
    }

    fn config_of_mode(&self, embedder: &EmbedderRef, written: &str) -> Result<Config> {
        let wrong =
            || Error::input(format!("`{written}` is no mode to compare")).with_hint(format!("modes are {MODES}"));
        let mut parts = written.split('+');
        let mode = match parts.next() {
            Some("dense") => Mode::Dense,
            Some("sparse") => Mode::Sparse,
            Some("hybrid") => Mode::Hybrid,
            _ => return Err(wrong()),
        };
        let mut config = Config { mode, embedder: EmbedderChoice::Use(embedder.clone()), ..self.plain() };
        for part in parts {
            if part == "neighbours" && mode == Mode::Hybrid {
                config.neighbours = Switch::On;
                continue;
            }
            let reranker = RerankerRef::from(part);
            let kind = reranker.model().map(|id| self.models().lookup(id.as_str()).map_err(|_| wrong())).transpose()?;
            match kind.as_ref().map(|spec| &spec.kind) {
                None | Some(ModelKind::Reranker { .. }) => config.rerank = RerankerChoice::Use(reranker),
                Some(ModelKind::SparseEncoder { .. }) if mode == Mode::Hybrid => config.sparse = part.into(),
                Some(_) => return Err(wrong()),
            }
        }
        Ok(config)
    }

    fn has_token_vectors(&self, embedder: &EmbedderRef) -> Result<bool> {
        match embedder.model() {
            Some(id) => Ok(self.embedder_spec(id)?.has_token_vectors()),
            None => Ok(false),
        }
    }
}

fn without_tokens(system: &str, embedder: &EmbedderRef) -> String {
    format!("{system} is left out: {embedder} has no token vectors")
}

/// The system with each combination of the values.
fn varied(system: System, vary: &[(String, Vec<String>)]) -> Result<Vec<System>> {
    let mut systems = vec![system];
    for (key, values) in vary {
        let mut next = Vec::new();
        for System { name, config, answers } in &systems {
            for value in values {
                let (name, config) = (format!("{name},{key}={value}"), config.with(setting(key), value)?);
                next.push(System { name, config, answers: *answers });
            }
        }
        systems = next;
    }
    Ok(systems)
}

/// The setting that people also know by another name.
fn setting(key: &str) -> &str {
    match key {
        "reranker" => "rerank",
        key => key,
    }
}
