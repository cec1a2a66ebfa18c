//! Checks that everything is as it was written: the runtime, the models, and an index.

use crate::engine::Kinglet;
use crate::engine::generator_fit::MemoryNeed;
use crate::engine::runtime;
use crate::error::{Error, ErrorKind, Hint, Result};
use crate::index::Index;
use crate::index::token_vectors::TokenStore;
use crate::models::catalog;
use crate::models::contracts::Role;
use crate::models::ollama::Ollama;
use crate::models::onnx;
use crate::models::reference::{GeneratorRef, SparseEncoderRef};

/// The least cosine between the stored vector of a chunk and that of the chunk embedded again.
const SAME_VECTOR_COSINE: f32 = 0.999;
/// The number of chunks that the doctor embeds again.
const DOCTOR_SAMPLE: usize = 5;

/// The outcome of one check, with the name of what was checked.
pub type Check = (String, Result<String>);

impl Kinglet {
    /// Checks the runtime and every model that the configuration uses, reading all bytes of those
    /// in the catalog. The caller must have entered a tokio runtime if the generator is Ollama's.
    pub fn check_models(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        let embedder = self.answering_embedder(None);
        if embedder.model().is_some() {
            let runtime = onnx::find_runtime(self.models()).and_then(|path| {
                let spec = self.models().lookup(catalog::RUNTIME)?;
                if path.starts_with(self.models().folder(&spec)) {
                    self.models().verify(&spec)?;
                }
                Ok(path.display().to_string())
            });
            checks.push(("runtime".to_string(), runtime));
        }
        let encoder = self.config().encoder();
        let generators = self.config().generators();
        let used = [embedder.model(), encoder.as_ref().map(SparseEncoderRef::model)];
        for id in used.into_iter().flatten().chain(generators.iter().filter_map(GeneratorRef::model)) {
            let verified = self
                .models()
                .lookup(id.as_str())
                .and_then(|spec| self.models().verify(&spec))
                .map(|()| format!("{id}: every file has its SHA-256"));
            checks.push(("model".to_string(), verified));
        }
        checks.extend(self.check_generators());
        checks
    }

    /// Says of every language model that is here what memory it needs and how fast it is; for the
    /// one that the configuration uses, too little memory is a failure.
    fn check_generators(&self) -> Vec<Check> {
        let configured = self.config().generators();
        let mut checks = Vec::new();
        let mut check = |outcome| checks.push(("generator".to_string(), outcome));
        for generator in &configured {
            match generator {
                GeneratorRef::File(path) => {
                    let name = path.display().to_string();
                    check(self.memory_need_of_file(path).and_then(|need| fitting(&name, &need, true)));
                }
                GeneratorRef::Ollama { model } => check(check_ollama(model)),
                GeneratorRef::Extractive | GeneratorRef::OpenAi { .. } | GeneratorRef::Catalog(_) => {}
            }
        }
        let specs = self.models().specs().unwrap_or_else(|error| {
            check(Err(error));
            Vec::new()
        });
        for spec in specs {
            let is_configured = configured.iter().any(|generator| generator.model() == Some(&spec.id));
            if self.models().is_complete(&spec)
                && let Some(need) = self.memory_need(&spec)
            {
                let speed = self.known_speed(&spec).map_or_else(
                    || format!("`kinglet models speed {}` measures how fast it is", spec.id),
                    |speed| speed.to_string(),
                );
                check(fitting(spec.id.as_str(), &need, is_configured).map(|fit| format!("{fit}; {speed}")));
            }
        }
        checks
    }

    /// Checks the index called `name`: generations, stored vectors, and a few chunks embedded
    /// again.
    pub fn check_index(&self, name: &str) -> Vec<Check> {
        let index = match self.index_folder(name).and_then(|folder| Index::open(&folder)) {
            Ok(index) => index,
            Err(error) => return vec![("index".to_string(), Err(error))],
        };
        let counts = index.counts().map(|counts| {
            let (documents, chunks, generation) = (counts.documents, counts.chunks, index.generation());
            format!("{name}: {documents} documents, {chunks} chunks, generation {generation}")
        });
        let mut checks = vec![
            ("index".to_string(), counts),
            ("documents".to_string(), check_documents(&index)),
            ("words".to_string(), check_words(&index)),
            ("vectors".to_string(), self.check_vectors(&index)),
            ("embedders".to_string(), self.check_embedders(name, &index)),
        ];
        if !index.manifest().sparse.is_empty() {
            checks.push(("terms".to_string(), check_terms(&index)));
        }
        checks.into_iter().map(|(part, outcome)| (part, outcome.map_err(|error| error.in_index(name)))).collect()
    }

    fn check_vectors(&self, index: &Index) -> Result<String> {
        for card in &index.manifest().embedders {
            let (intact, all) = index.dense(card)?.intact();
            if intact < all {
                return Err(Error::damaged(format!("vector {} of {all} of {} fails its check", intact + 1, card.id))
                    .with_hint(Hint::update_index("it embeds the chunks of damaged vectors again")));
            }
            index.tokens(card)?.map_or(Ok(()), TokenStore::check)?;
        }
        Ok("every stored vector passes its check".to_string())
    }

    /// Embeds a few chunks again with every embedder of the index.
    fn check_embedders(&self, name: &str, index: &Index) -> Result<String> {
        let ids = index.searchable_ids()?;
        let step = (ids.len() / DOCTOR_SAMPLE).max(1);
        let sample: Vec<_> = ids.into_iter().step_by(step).take(DOCTOR_SAMPLE).collect();
        let passages: Vec<String> = index.chunks(&sample)?.iter().map(|stored| stored.chunk.passage()).collect();
        let texts: Vec<&str> = passages.iter().map(String::as_str).collect();
        let mut compared = 0;
        for card in &index.manifest().embedders {
            let embedder = self.open_embedder(&card.id.as_str().into())?;
            let stored = index.dense(embedder.card())?.stored(&sample)?;
            let fresh = embedder.embed(Role::Passage, &texts)?;
            for ((chunk, stored), fresh) in sample.iter().zip(stored).zip(fresh) {
                // A chunk without a vector is pending, which is no damage.
                let Some(stored) = stored else { continue };
                compared += 1;
                let cosine = crate::vector::dot(stored, fresh.as_slice());
                if cosine < SAME_VECTOR_COSINE {
                    return Err(Error::damaged(format!(
                        "chunk {chunk} embedded again with {} has cosine {cosine:.4} to its stored vector",
                        card.id
                    ))
                    .with_hint(Hint::RebuildIndex { index: name.to_string() }));
                }
            }
        }
        let names: Vec<&str> = index.manifest().embedders.iter().map(|card| card.id.as_str()).collect();
        Ok(format!("{compared} vectors computed again equal the stored ones ({})", names.join(", ")))
    }
}

/// Asks an Ollama on this machine whether it has a model; one on another machine is asked for an
/// answer only.
fn check_ollama(model: &str) -> Result<String> {
    let ollama = Ollama::from_environment()?;
    if !ollama.is_on_this_machine() {
        return Ok(format!("ollama:{model} runs on another machine, which is not asked now"));
    }
    let models = runtime()?.block_on(ollama.models())?;
    // Ollama's names end in a tag; without one they mean the latest.
    match models.iter().any(|it| it.name == model || it.name == format!("{model}:latest")) {
        true => Ok(format!("Ollama runs and has {model}")),
        false => {
            Err(Error::input(format!("Ollama runs and has no model {model:?}"))
                .with_hint(format!("ollama pull {model}")))
        }
    }
}

/// What memory a language model needs of that of this machine.
fn fitting(name: &str, need: &MemoryNeed, must_fit: bool) -> Result<String> {
    let gib = |bytes: u64| format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30));
    let needs = format!("{name} needs {} of memory", gib(need.bytes));
    let Some(memory) = need.memory else { return Ok(needs) };
    let (total, free) = (gib(memory.total_bytes), gib(memory.available_bytes));
    match need.fits() {
        Some(false) if must_fit => {
            Err(Error::new(ErrorKind::Machine, format!("{needs}, and this machine has {total}"))
                .with_hint("choose a smaller model; `kinglet models list` says what each needs"))
        }
        Some(false) => Ok(format!("{needs}, more than the {total} of this machine")),
        Some(true) | None => Ok(format!("{needs}; {free} of {total} are free")),
    }
}

fn check_documents(index: &Index) -> Result<String> {
    let damage = index.check_store()?;
    if let Some(path) = damage.files.values().next() {
        let others = match damage.files.len() - 1 {
            0 => String::new(),
            others => format!(", and of {others} other files"),
        };
        return Err(Error::damaged(format!("what the index keeps of {}{others} is damaged", path.display()))
            .with_hint(Hint::update_index("it reads those files again")));
    }
    index.roots().map(|_| "every row passes its check".to_string())
}

fn check_words(index: &Index) -> Result<String> {
    index.lexical().check()?;
    if index.lexical().ids()?.into_iter().ne(index.searchable_ids()?) {
        return Err(Error::damaged("the words are those of other chunks than the documents have")
            .with_hint(Hint::derive_again()));
    }
    Ok("every word passes its check".to_string())
}

fn check_terms(index: &Index) -> Result<String> {
    let cards = &index.manifest().sparse;
    cards.iter().try_for_each(|card| index.sparse(card)?.check())?;
    let names: Vec<&str> = cards.iter().map(|card| card.id.as_str()).collect();
    Ok(format!("every list of learned terms passes its check ({})", names.join(", ")))
}
