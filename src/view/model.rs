//! The view of the models.

use serde::Serialize;

use crate::engine::Kinglet;
use crate::engine::generator_speed::GeneratorSpeed;
use crate::error::Result;
use crate::models::catalog::ModelSpec;
use crate::models::ollama::OllamaModel;

/// All models.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ModelListView {
    /// The models, in the order of the catalog; then those of Ollama.
    pub models: Vec<ModelView>,
}

/// A model.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ModelView {
    /// Its id.
    pub id: String,
    /// Its kind, such as `embedder`.
    pub kind: String,
    /// The size of its files, if known.
    pub size_bytes: Option<u64>,
    /// An estimate of that size, if it is unknown and the number of parameters is known.
    pub estimated_bytes: Option<u64>,
    /// Its licence.
    pub licence: String,
    /// A short description.
    pub description: String,
    /// The number of its parameters, if known.
    pub parameters: Option<u64>,
    /// True if its files are on this machine.
    pub installed: bool,
    /// The memory that an answer of a generator needs, if known.
    pub memory_bytes: Option<u64>,
    /// True if this machine has that memory; `None` if one of the two is unknown.
    pub fits: Option<bool>,
    /// The speed of a generator, if it was measured on this machine.
    pub speed: Option<GeneratorSpeed>,
}

/// The measured speeds of generators.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SpeedListView {
    /// Each generator's name and speed.
    pub speeds: Vec<MeasuredSpeedView>,
}

/// The measured speed of a generator.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MeasuredSpeedView {
    /// The generator, as `--generator` takes it.
    pub generator: String,
    /// Its speed.
    #[serde(flatten)]
    pub speed: GeneratorSpeed,
}

impl SpeedListView {
    /// `measured` has each generator's name and speed.
    pub fn new(measured: Vec<(String, GeneratorSpeed)>) -> Self {
        let view = |(generator, speed): (String, GeneratorSpeed)| MeasuredSpeedView { generator, speed };
        SpeedListView { speeds: measured.into_iter().map(view).collect() }
    }
}

impl ModelListView {
    /// Lists all models, with those that Ollama has.
    ///
    /// # Errors
    /// When the user's own models cannot be read.
    pub fn new(kinglet: &Kinglet, ollama: &[OllamaModel]) -> Result<Self> {
        let view = |spec: &ModelSpec| {
            let need = kinglet.memory_need(spec);
            let size_bytes = kinglet.models().size_bytes(spec);
            ModelView {
                id: spec.id.to_string(),
                kind: spec.kind.to_string(),
                size_bytes,
                estimated_bytes: spec.estimated_bytes().filter(|_| size_bytes.is_none()),
                licence: spec.licence.clone(),
                description: spec.description.clone(),
                parameters: spec.parameters,
                installed: kinglet.is_here(spec),
                memory_bytes: need.map(|need| need.bytes),
                fits: need.and_then(|need| need.fits()),
                speed: kinglet.known_speed(spec),
            }
        };
        let of_ollama = |model: &OllamaModel| ModelView {
            id: format!("ollama:{}", model.name),
            kind: "generator".to_string(),
            size_bytes: Some(model.size_bytes),
            estimated_bytes: None,
            licence: "unknown".to_string(),
            description: match model.details.as_str() {
                "" => "run by Ollama".to_string(),
                details => format!("run by Ollama: {details}"),
            },
            parameters: None,
            installed: true,
            memory_bytes: None,
            fits: None,
            speed: None,
        };
        let specs = kinglet.models().specs()?;
        Ok(ModelListView { models: specs.iter().map(|spec| view(spec)).chain(ollama.iter().map(of_ollama)).collect() })
    }
}
