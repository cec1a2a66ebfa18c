//! Configuration → parts: the only file that picks which implementation stands behind a seam.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{Config, Mode};
use crate::error::{Error, Result};
use crate::index::Index;
use crate::models::cache::ModelCache;
use crate::models::catalog::{self, Kind, Row};
use crate::models::extractive::ExtractiveGenerator;
use crate::models::hashing::HashingEmbedder;
use crate::models::llama::LlamaGenerator;
use crate::models::onnx::{self, OnnxEmbedder};
use crate::models::openai::OpenAiGenerator;
use crate::models::traits::{Embedder, Generator, Role};
use crate::search::{DenseLeg, Hybrid, LexicalLeg, Retriever};

/// How close a chunk that is embedded again must come to its stored vector.
const SAME_VECTOR_COSINE: f32 = 0.999;
/// How many chunks the doctor embeds again.
const DOCTOR_SAMPLE: usize = 5;

/// A home with indexes and models, and the configuration under which they are used.
pub struct Kinglet {
    home: PathBuf,
    config: Config,
    models: ModelCache,
}

/// The outcome of one check, with what was looked at.
pub type Check = (String, Result<String>);

impl Kinglet {
    /// Uses the folder `home`, which need not exist yet.
    pub fn new(home: PathBuf, config: Config) -> Self {
        let models = ModelCache::new(home.join("models"));
        Kinglet { home, config, models }
    }

    /// The folder that holds `indexes/` and `models/`.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The models' files.
    pub fn models(&self) -> &ModelCache {
        &self.models
    }

    /// The names of all indexes, sorted.
    pub fn indexes(&self) -> Result<Vec<String>> {
        let folder = self.home.join("indexes");
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(Error::io("list", &folder, cause)),
        };
        let mut names: Vec<String> = entries
            .flatten()
            .filter(|entry| entry.path().join("documents.sqlite").is_file())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        Ok(names)
    }

    /// The folder of the index called `name`.
    ///
    /// # Errors
    /// When `name` cannot be the name of a folder.
    pub fn index_folder(&self, name: &str) -> Result<PathBuf> {
        let plain = !name.is_empty()
            && name.len() <= 100
            && !name.starts_with('.')
            && name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
        if !plain {
            return Err(Error::input(format!("`{}` cannot be the name of an index", name.escape_debug()))
                .hint("use letters, digits, `-`, `_` and `.`: --name my-notes"));
        }
        Ok(self.home.join("indexes").join(name))
    }

    /// The name under which `roots` are indexed: the given one, else the name of the first folder; with no roots, the index
    /// that holds `here`.
    ///
    /// # Errors
    /// When that name belongs to an index of other folders.
    pub fn name_for(&self, roots: &[PathBuf], name: Option<&str>, here: &Path) -> Result<String> {
        let Some(first) = roots.first() else {
            return self.find_index(name, here);
        };
        if let Some(name) = name {
            self.index_folder(name)?;
            return Ok(name.to_string());
        }
        let name = first.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name: String =
            name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
        let name = name.trim_start_matches(['.', '-']).to_string();
        if name.is_empty() {
            return Err(Error::input(format!("{} gives no name for an index", first.display())).hint("add --name NAME"));
        }
        if self.indexes()?.contains(&name) {
            let index = Index::open(&self.index_folder(&name)?)?;
            let indexed = index.roots()?;
            if !indexed.contains(first) {
                let of: Vec<_> = indexed.iter().map(|root| root.display().to_string()).collect();
                return Err(Error::input(format!("there is an index {name} already, of {}", of.join(", ")))
                    .hint(format!("add --name {name} to index this folder into it, or choose another name")));
            }
        }
        Ok(name)
    }

    /// The index called `name`, or the one whose folder holds `here` most closely.
    ///
    /// # Errors
    /// When there is none; the hint lists those there are.
    pub fn find_index(&self, name: Option<&str>, here: &Path) -> Result<String> {
        let names = self.indexes()?;
        if let Some(name) = name {
            self.index_folder(name)?;
            return if names.iter().any(|known| known == name) {
                Ok(name.to_string())
            } else {
                Err(Error::input(format!("there is no index {name}")).hint(known(&names)))
            };
        }
        let mut best: Option<(usize, String)> = None;
        for name in &names {
            let roots = Index::open(&self.index_folder(name)?).and_then(|index| index.roots()).unwrap_or_default();
            for root in roots.iter().filter(|root| here.starts_with(root)) {
                let depth = root.components().count();
                if best.as_ref().is_none_or(|(deepest, _)| depth > *deepest) {
                    best = Some((depth, name.clone()));
                }
            }
        }
        best.map(|(_, name)| name).ok_or_else(|| {
            Error::input("no index holds the current folder, and --name does not say which to use").hint(known(&names))
        })
    }

    /// What indexing needs.
    pub fn models_for_indexing(&self) -> Result<Vec<Row>> {
        if self.config.embedder == HashingEmbedder::ID {
            return Ok(Vec::new());
        }
        Ok(vec![catalog::lookup(catalog::RUNTIME)?, catalog::lookup(&self.config.embedder)?])
    }

    /// What a search needs: nothing for words alone.
    pub fn models_for_searching(&self) -> Result<Vec<Row>> {
        match self.config.mode {
            Mode::Lexical => Ok(Vec::new()),
            Mode::Dense | Mode::Hybrid => self.models_for_indexing(),
        }
    }

    /// What writing an answer needs beside the search.
    pub fn models_for_answering(&self) -> Result<Vec<Row>> {
        match self.config.generator.as_str() {
            "extractive" => Ok(Vec::new()),
            name if name.starts_with("openai:") => Ok(Vec::new()),
            id => Ok(vec![catalog::lookup(id)?]),
        }
    }

    /// Whether the files of a model are here; a runtime may also be the system's.
    pub fn is_here(&self, row: &Row) -> bool {
        self.models.is_complete(row) || (row.id == catalog::RUNTIME && onnx::find_runtime(&self.models).is_ok())
    }

    /// The embedder that is configured.
    pub fn embedder(&self) -> Result<Arc<dyn Embedder>> {
        if self.config.embedder == HashingEmbedder::ID {
            return Ok(Arc::new(HashingEmbedder::new(256)));
        }
        Ok(Arc::new(self.onnx_embedder()?))
    }

    fn onnx_embedder(&self) -> Result<OnnxEmbedder> {
        let row = catalog::lookup(&self.config.embedder)?;
        OnnxEmbedder::open(&onnx::find_runtime(&self.models)?, &row, &self.models.require(&row)?, self.config.threads)
    }

    /// The generator that is configured.
    pub fn generator(&self) -> Result<Arc<dyn Generator>> {
        let name = self.config.generator.as_str();
        if name == "extractive" {
            return Ok(Arc::new(ExtractiveGenerator));
        }
        if let Some(model) = name.strip_prefix("openai:") {
            return Ok(Arc::new(OpenAiGenerator::from_environment(model)?));
        }
        let row = catalog::lookup(name)?;
        let Kind::Generator { context_tokens } = row.kind else {
            return Err(Error::input(format!("{name} is a {}, not a generator", row.kind))
                .hint("`kinglet models list` shows what each model is for"));
        };
        let path = self.models.require(&row)?.join(row.files[0].name);
        Ok(Arc::new(LlamaGenerator::open(row.id, &path, self.config.threads, context_tokens)?))
    }

    /// The retriever that is configured, over `index`.
    pub fn retriever(&self, index: &Arc<Index>) -> Result<Arc<dyn Retriever>> {
        let lexical = || Arc::new(LexicalLeg::new(index.clone())) as Arc<dyn Retriever>;
        let dense = || Ok::<_, Error>(Arc::new(DenseLeg::new(index.clone(), self.embedder()?)?) as Arc<dyn Retriever>);
        let legs = match self.config.mode {
            Mode::Lexical => vec![lexical()],
            Mode::Dense => vec![dense()?],
            Mode::Hybrid => vec![lexical(), dense()?],
        };
        Ok(Arc::new(Hybrid::new(legs, self.config.fusion)))
    }

    /// Checks the runtime and every model that the configuration uses, reading all of their bytes.
    pub fn check_models(&self) -> Vec<Check> {
        let mut checks: Vec<Check> =
            vec![("runtime".to_string(), onnx::find_runtime(&self.models).map(|path| path.display().to_string()))];
        for id in [&self.config.embedder, &self.config.generator] {
            if id == HashingEmbedder::ID || id == "extractive" || id.starts_with("openai:") {
                continue;
            }
            let verified = catalog::lookup(id)
                .and_then(|row| self.models.verify(&row))
                .map(|()| format!("{id}: every file has its SHA-256"));
            checks.push(("model".to_string(), verified));
        }
        checks
    }

    /// Checks the index called `name`: generations, stored vectors, and a few chunks embedded again.
    pub fn check_index(&self, name: &str) -> Vec<Check> {
        let index = match self.index_folder(name).and_then(|folder| Index::open(&folder)) {
            Ok(index) => index,
            Err(error) => return vec![("index".to_string(), Err(error))],
        };
        let counts = index.counts().and_then(|counts| {
            Ok(format!(
                "{name}: {} documents, {} chunks, all parts at generation {}",
                counts.documents,
                counts.chunks,
                index.generation()?
            ))
        });
        vec![
            ("index".to_string(), counts),
            ("vectors".to_string(), self.check_vectors(&index)),
            ("embedder".to_string(), self.check_embedder(&index)),
        ]
    }

    fn check_vectors(&self, index: &Index) -> Result<String> {
        for card in &index.manifest().embedders {
            let (intact, all) = index.dense(card)?.intact();
            if intact < all {
                return Err(Error::damaged(format!("vector {intact} of {all} of {} fails its check", card.id))
                    .hint("run `kinglet index` again: damaged vectors are made anew"));
            }
        }
        Ok("every stored vector passes its check".to_string())
    }

    fn check_embedder(&self, index: &Index) -> Result<String> {
        let embedder = self.embedder()?;
        let dense = index.dense(embedder.card())?;
        let ids = index.chunk_ids()?;
        let step = (ids.len() / DOCTOR_SAMPLE).max(1);
        let sample: Vec<_> = ids.into_iter().step_by(step).take(DOCTOR_SAMPLE).collect();
        let passages: Vec<String> = index.chunks(&sample)?.iter().map(|stored| stored.chunk.passage()).collect();
        let texts: Vec<&str> = passages.iter().map(String::as_str).collect();
        let fresh = embedder.embed(Role::Passage, &texts)?;
        for ((chunk, stored), fresh) in sample.iter().zip(dense.stored(&sample)).zip(fresh) {
            let cosine = stored.map_or(0.0, |stored| crate::vector::dot(stored, fresh.as_slice()));
            if cosine < SAME_VECTOR_COSINE {
                return Err(Error::damaged(format!(
                    "chunk {chunk} embedded again has cosine {cosine:.4} to its stored vector"
                ))
                .hint("kinglet rm NAME and kinglet index make the index anew"));
            }
        }
        Ok(format!("{} chunks embedded again give their stored vectors", sample.len()))
    }

    /// Counts the tokens of a text as the configured embedder does, where it is one with tokens and it is here.
    pub fn token_counter(&self) -> Option<impl Fn(&str) -> Result<usize> + use<>> {
        Some(self.onnx_embedder().ok()?.token_counter())
    }
}

fn known(names: &[String]) -> String {
    match names {
        [] => "there are no indexes yet: kinglet index FOLDER".to_string(),
        names => format!("the indexes are {}: add --name NAME", names.join(", ")),
    }
}
