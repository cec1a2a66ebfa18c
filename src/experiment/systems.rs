//! The systems to compare: lexical search alone, and each embedder in each mode; or generators.

use crate::config::{
    Config, EmbedderChoice, GeneratorChoice, Mode, RerankerChoice, SparseEncoderChoice, Switch, TunedWeights,
};
use crate::engine::Kinglet;
use crate::error::{Error, Result};
use crate::eval::comparison::{BASELINE, BASELINE_LABEL};
use crate::models::catalog::ModelKind;
use crate::models::reference::{EmbedderRef, RerankerRef};

/// The modes to compare if the user names none.
pub const DEFAULT_MODES: &[&str] = &["dense", "hybrid", "default"];

/// The mode of a search without flags, with an embedder that has token vectors or has none.
const DEFAULT_WITH_TOKENS: &str = "hybrid+maxsim+neighbours";
const DEFAULT: &str = "hybrid+neighbours";

/// The syntax of modes, for messages.
pub const MODES: &str = "dense, sparse, hybrid (lexical and dense), hybrid+maxsim, hybrid+maxsim+neighbours, hybrid+RERANKER, \
                         hybrid+splade-tiny, and default (the mode of a search without flags)";

/// One configuration of the search.
#[derive(Debug, Clone, PartialEq)]
pub struct System {
    /// The name, such as `all-minilm-l6-v2:hybrid+maxsim` or `bm25`.
    pub name: String,
    /// What people call it, such as `all-minilm-l6-v2 default` or `words alone`.
    pub label: String,
    /// Its settings, with every choice resolved.
    pub config: Config,
    /// True if it also answers questions: then its ranking is the sources that its answers cite.
    pub answers: bool,
}

/// The systems to compare, and those left out with the reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Systems {
    /// The systems, the baseline first. Generators have no baseline.
    pub systems: Vec<System>,
    /// A sentence for each requested system that cannot be compared.
    pub left_out: Vec<String>,
}

impl Kinglet {
    /// The baseline, and every embedder in every mode, each with every combination of the values in
    /// `vary`: the values of settings, by key, such as `fusion`. If one of the keys is `generator`,
    /// the systems are the configured generator and the named ones, all with the same search.
    ///
    /// # Errors
    /// When an embedder, mode, setting or value does not exist, and when generators are to be
    /// compared with several searches.
    pub fn systems(
        &self,
        embedders: &[EmbedderRef],
        modes: &[String],
        vary: &[(String, Vec<String>)],
    ) -> Result<Systems> {
        let answers = vary.iter().any(|(key, _)| key == "generator");
        let vary = if answers { self.with_own_generator(vary) } else { vary.to_vec() };
        let mut all = Systems { systems: Vec::new(), left_out: Vec::new() };
        if !answers {
            let config = Config { mode: Mode::Lexical, embedder: EmbedderChoice::Auto, ..self.plain() };
            let (name, label) = (BASELINE.to_string(), BASELINE_LABEL.to_string());
            all.systems.push(System { name, label, config, answers });
        }
        for embedder in embedders {
            let has_tokens = self.has_token_vectors(embedder)?;
            for mode in modes {
                let written = match (mode.as_str(), has_tokens) {
                    ("default", true) => DEFAULT_WITH_TOKENS,
                    ("default", false) => DEFAULT,
                    (mode, _) => mode,
                };
                let name = format!("{embedder}:{written}");
                let is_default = written == if has_tokens { DEFAULT_WITH_TOKENS } else { DEFAULT };
                let label = format!("{embedder} {}", if is_default { "default" } else { written });
                let config = self.config_of_mode(embedder, written)?;
                for system in varied(System { name, label, config, answers }, &vary)? {
                    match system.config.rerank == RerankerChoice::Use(RerankerRef::MaxSim) && !has_tokens {
                        true => all.left_out.push(without_tokens(&system.name, embedder)),
                        false => all.systems.push(system),
                    }
                }
            }
        }
        let mut seen = std::collections::HashSet::new();
        all.systems.retain(|system| seen.insert(system.name.clone()));
        let generators = vary.iter().find(|(key, _)| key == "generator").map_or(0, |(_, values)| values.len());
        if answers && all.systems.len() > generators {
            return Err(Error::input("generators are compared with one search, and several are named")
                .with_hint("name one embedder, at most one mode, and no other --vary"));
        }
        Ok(all)
    }

    /// `vary` with the configured generator before the others that it names.
    fn with_own_generator(&self, vary: &[(String, Vec<String>)]) -> Vec<(String, Vec<String>)> {
        let own = self.own_generator();
        let is_own = |value: &String| *value == own || self.config().generator == value.as_str().into();
        let with_own = |(key, values): &(String, Vec<String>)| {
            let is_generator = key == "generator";
            let others = values.iter().filter(|value| !is_generator || !is_own(value));
            let own = is_generator.then_some(&own);
            (key.clone(), own.into_iter().chain(others).cloned().collect())
        };
        vary.iter().map(with_own).collect()
    }

    /// The configured generator, as `--vary generator` names it.
    pub(super) fn own_generator(&self) -> String {
        match &self.config().generator {
            GeneratorChoice::Auto => self.config().generator().to_string(),
            choice => choice.to_string(),
        }
    }

    /// Settings without reranking, score regularization, sparse retriever and tuned weights.
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
        let wrong = || Error::input(format!("`{written}` is not a mode")).with_hint(format!("the modes are {MODES}"));
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

    pub(super) fn has_token_vectors(&self, embedder: &EmbedderRef) -> Result<bool> {
        match embedder.model() {
            Some(id) => Ok(self.embedder_spec(id)?.has_token_vectors()),
            None => Ok(false),
        }
    }
}

fn without_tokens(system: &str, embedder: &EmbedderRef) -> String {
    format!("{system} is left out: {embedder} has no token vectors")
}

/// The system with each combination of the values of `vary`.
fn varied(system: System, vary: &[(String, Vec<String>)]) -> Result<Vec<System>> {
    let mut systems = vec![system];
    for (key, values) in vary {
        let mut next = Vec::new();
        for System { name, label, config, answers } in &systems {
            for value in values {
                let (name, config) = (format!("{name},{key}={value}"), config.with(setting(key), value)?);
                let label = if key == "generator" { value.clone() } else { format!("{label},{key}={value}") };
                next.push(System { name, label, config, answers: *answers });
            }
        }
        systems = next;
    }
    Ok(systems)
}

/// The key of a setting; `--vary` also accepts `reranker` for `rerank`.
fn setting(key: &str) -> &str {
    match key {
        "reranker" => "rerank",
        key => key,
    }
}
