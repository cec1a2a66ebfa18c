//! Adds a language model in a GGUF file to the user's models after trying it.

use std::path::{Path, PathBuf};

use futures::StreamExt;

use super::runtime::runtime;
use crate::engine::Kinglet;
use crate::error::{Error, Result};
use crate::models::catalog::{DownloadSource, ModelFile, ModelKind, ModelSpec, user_models};
use crate::models::contracts::Generator;
use crate::models::download::{DownloadObserver, copy_from_folder, download};
use crate::models::gguf::GgufHeader;
use crate::models::llama::LlamaGenerator;
use crate::models::prompt::{Prompt, Task};
use crate::models::reference::{MAX_CONTEXT_TOKENS, is_gguf_name};

const HUB_PREFIX: &str = "hub:";

/// The number of tokens that a model writes when it is tried.
const TRIAL_TOKENS: usize = 4;

/// A language model to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGenerator {
    /// Where its file is.
    pub source: GgufSource,
    /// The name that people will use; `None` makes one of the file's name.
    pub id: Option<String>,
    /// The SHA-256 that the file must have, in hexadecimal.
    pub sha256: Option<String>,
}

/// Where a GGUF file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GgufSource {
    /// On this machine.
    File(PathBuf),
    /// On the model hub.
    Hub {
        /// The owner and name of the repository.
        repository: String,
        /// The file's path in it.
        path: String,
    },
}

impl GgufSource {
    /// Parses `PATH.gguf` or `hub:OWNER/REPOSITORY/FILE.gguf`; `None` if `text` is neither, and so
    /// names a folder.
    ///
    /// # Errors
    /// When `text` begins with `hub:` and does not name a GGUF file there.
    pub fn parse(text: &str) -> Result<Option<Self>> {
        let Some(place) = text.strip_prefix(HUB_PREFIX) else {
            return Ok(is_gguf_name(text).then(|| GgufSource::File(text.into())));
        };
        match place.splitn(3, '/').collect::<Vec<_>>()[..] {
            [owner, name, path] if !owner.is_empty() && !name.is_empty() && is_gguf_name(path) => {
                Ok(Some(GgufSource::Hub { repository: format!("{owner}/{name}"), path: path.to_string() }))
            }
            _ => Err(Error::input(format!("{text} does not name a GGUF file on the hub"))
                .with_hint("write hub:OWNER/REPOSITORY/FILE.gguf")),
        }
    }

    fn file_name(&self) -> String {
        match self {
            GgufSource::File(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            GgufSource::Hub { path, .. } => path.rsplit('/').next().unwrap_or_default().to_string(),
        }
    }
}

impl Kinglet {
    /// Adds a language model to the models of this home: copies or downloads its file and tries it.
    /// The caller must have entered a tokio runtime.
    ///
    /// # Errors
    /// When the file cannot be had, has another SHA-256, or is not a chat model that works here, or
    /// there is a model of that name; then nothing is added.
    pub fn add_generator(
        &self,
        new: &NewGenerator,
        offline: bool,
        observer: &DownloadObserver<'_>,
    ) -> Result<ModelSpec> {
        let runtime = runtime()?;
        let spec = spec(new)?;
        if let GgufSource::File(path) = &new.source {
            GgufHeader::read(path)?; // before some gigabytes are copied
        }
        let bring = || match &new.source {
            GgufSource::File(path) => copy_from_folder(self.models(), &spec, path.parent().unwrap_or(Path::new(""))),
            GgufSource::Hub { .. } => download(self.models(), &spec, offline, observer),
        };
        let try_out = || {
            let path = self.models().folder(&spec).join(&spec.files[0].name);
            let header = GgufHeader::read(&path)?;
            let generator = LlamaGenerator::open(spec.id.as_str(), &path, self.config().threads, MAX_CONTEXT_TOKENS)?;
            // A model that thinks first has written nothing after a few tokens.
            if !generator.begins_with_thinking() {
                let written: Vec<_> = runtime.block_on(generator.generate(&trial()).collect());
                written.into_iter().collect::<Result<Vec<_>>>()?;
            }
            let licence = header.licence().unwrap_or(&spec.licence).to_string();
            let described = ModelSpec { licence, parameters: Some(header.parameters), ..spec.clone() };
            Ok(user_models::describe_generator(&described, generator.context_tokens()))
        };
        self.install(&spec, bring, try_out)?;
        user_models::read(&self.models().folder(&spec))
    }
}

fn trial() -> Prompt {
    Prompt {
        task: Task::Question,
        question: "Which bird is the smallest of Europe?".to_string(),
        passages: vec!["The goldcrest is the smallest bird of Europe.".into()],
        is_read: false,
        max_answer_tokens: TRIAL_TOKENS,
    }
}

/// What is known of the model before its file is here.
fn spec(new: &NewGenerator) -> Result<ModelSpec> {
    let name = new.source.file_name();
    if is_part_of_several(&name) {
        return Err(Error::input(format!("{name} is one of several parts of a model, and kinglet takes one file"))
            .with_hint("take a smaller quantisation that its publisher gives as one file"));
    }
    let id = new.id.clone().unwrap_or_else(|| id_of(&name));
    if let Some(sha256) = &new.sha256
        && !user_models::is_sha256(sha256)
    {
        return Err(Error::input(format!("{sha256:?} is not a SHA-256"))
            .with_hint("it has 64 digits from 0 to 9 and a to f, as `sha256sum FILE` prints them"));
    }
    user_models::check_id(&id)
        .map_err(|why| Error::input(why).with_hint("choose a name with --id, such as --id my-model"))?;
    let sources = match &new.source {
        GgufSource::File(_) => Vec::new(),
        GgufSource::Hub { repository, path } => vec![DownloadSource::Hub {
            repository: repository.clone(),
            revision: "main".to_string(),
            file: path.clone(),
        }],
    };
    Ok(ModelSpec {
        id: id.as_str().into(),
        description: "a language model that you added".to_string(),
        parameters: None,
        licence: "unknown".to_string(),
        files: vec![ModelFile { name, sha256: new.sha256.clone(), size_bytes: None, sources }],
        kind: ModelKind::Generator { context_tokens: MAX_CONTEXT_TOKENS },
    })
}

/// The name that a model gets of its file's: `Qwen3-8B-Q4_K_M.gguf` becomes `qwen3-8b-q4-k-m`.
fn id_of(file_name: &str) -> String {
    let name = file_name.to_lowercase();
    let stem = name.trim_end_matches(".gguf");
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    stem.chars().map(plain).collect::<String>().trim_matches(['-', '.']).to_string()
}

/// True for names such as `model-00001-of-00003.gguf`.
fn is_part_of_several(name: &str) -> bool {
    let is_number = |text: &str| text.len() == 5 && text.chars().all(|c| c.is_ascii_digit());
    name.strip_suffix(".gguf")
        .and_then(|stem| stem.rsplit_once("-of-"))
        .is_some_and(|(before, count)| is_number(count) && before.rsplit('-').next().is_some_and(is_number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_file_a_place_on_the_hub_or_a_folder() {
        let hub = |repository: &str, path: &str| {
            Some(GgufSource::Hub { repository: repository.to_string(), path: path.to_string() })
        };
        for (text, source) in [
            ("models/A.GGUF", Some(GgufSource::File("models/A.GGUF".into()))),
            ("models/a", None),
            ("hub:Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf", hub("Qwen/Qwen3-8B-GGUF", "Qwen3-8B-Q4_K_M.gguf")),
            ("hub:a/b/c/d.gguf", hub("a/b", "c/d.gguf")),
        ] {
            assert_eq!(GgufSource::parse(text).unwrap(), source, "{text}");
        }
        for text in ["hub:", "hub:a/b.gguf", "hub:a/b/c.bin", "hub://c.gguf"] {
            assert!(GgufSource::parse(text).unwrap_err().hint().is_some(), "{text}");
        }
        assert_eq!(id_of("Qwen3-8B-Q4_K_M.gguf"), "qwen3-8b-q4-k-m");
        assert!(is_part_of_several("big-00001-of-00003.gguf") && !is_part_of_several("best-of-2.gguf"));
    }
}
