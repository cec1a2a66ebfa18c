//! `kinglet models`: lists, fetches and adds models.

use std::io::{BufRead, IsTerminal};
use std::path::Path;
use std::sync::Arc;

use kinglet::engine::register_generator::{GgufSource, NewGenerator};
use kinglet::models::catalog::ModelSpec;
use kinglet::models::download::{self, DownloadObserver, DownloadProgress};
use kinglet::models::ollama::{Ollama, OllamaModel};
use kinglet::models::reference::GeneratorRef;
use kinglet::view::{ModelListView, SpeedListView};
use kinglet::{Error, ErrorKind, Hint, Result};

use crate::args;
use crate::progress;
use crate::render;
use crate::run::{DONE, Session, printed};

impl Session<'_> {
    pub fn models_list(&self) -> Result<u8> {
        let view = ModelListView::new(&self.kinglet, &self.ollama_models())?;
        printed(if self.global.json { render::json(&view) } else { render::models(&view) })
    }

    /// The models of an Ollama that runs on this machine. Another machine is asked for an answer
    /// only, and an Ollama that does not run has no models.
    fn ollama_models(&self) -> Vec<OllamaModel> {
        match Ollama::from_environment() {
            Ok(ollama) if ollama.is_on_this_machine() => self.runtime().block_on(ollama.models()).unwrap_or_default(),
            Ok(_) | Err(_) => Vec::new(),
        }
    }

    pub fn models_speed(&self, generators: &[String]) -> Result<u8> {
        let mut measured = Vec::new();
        for name in generators {
            let generator = GeneratorRef::from(name.as_str());
            self.check_generator_is_reachable(&generator)?;
            let spinner = progress::spinner(&format!("measuring {name}"));
            let speed = self.kinglet.measure_speed(&generator);
            spinner.finish_and_clear();
            measured.push((name.clone(), speed?));
        }
        let view = SpeedListView::new(measured);
        printed(if self.global.json { render::json(&view) } else { render::speeds(&view) })
    }

    pub fn models_pull(&self, ids: &[String], from: Option<&Path>, force: bool) -> Result<u8> {
        let specs = ids.iter().map(|id| self.kinglet.models().lookup(id)).collect::<Result<Vec<_>>>()?;
        for spec in specs {
            if spec.files.is_empty() || (!force && self.kinglet.models().require(&spec).is_ok()) {
                render::notice(&format!("{} is already installed", spec.id));
                continue;
            }
            match from {
                Some(folder) => download::copy_from_folder(self.kinglet.models(), &spec, folder)?,
                None => self.fetch(&spec)?,
            }
            render::notice(&format!("{} is installed in {}", spec.id, self.kinglet.models().folder(&spec).display()));
        }
        Ok(DONE)
    }

    pub fn fetch(&self, spec: &ModelSpec) -> Result<()> {
        let bar = progress::bytes(spec.size_bytes().unwrap_or(0), spec.id.as_str());
        let show = |progress: DownloadProgress| {
            bar.set_length(progress.total_bytes);
            bar.set_position(progress.done_bytes);
        };
        let observer = DownloadObserver { on_progress: &show, is_cancelled: &progress::is_stopped };
        let result = download::download(self.kinglet.models(), spec, args::is_without_hub(self.global), &observer);
        bar.finish_and_clear();
        result
    }

    /// Fetches what searches in the index called `name`, and checks over it, need.
    pub fn fetch_for_checks(&self, name: &str) -> Result<()> {
        self.fetch_missing(&self.kinglet.models_for_searching(name)?)?;
        self.fetch_missing(&self.kinglet.models_for_checking(name)?)
    }

    /// Offers to fetch missing models if there is a terminal; otherwise the error names the
    /// command.
    pub fn fetch_missing(&self, required: &[Arc<ModelSpec>]) -> Result<()> {
        let missing: Vec<_> = required.iter().filter(|spec| !self.kinglet.is_here(spec)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let ids: Vec<&str> = missing.iter().map(|spec| spec.id.as_str()).collect();
        let size = render::size(missing.iter().map(|spec| spec.size_bytes()).sum());
        let pull = || Hint::PullModels { ids: ids.iter().map(ToString::to_string).collect(), force: false };
        let not_installed = || {
            Err(Error::new(ErrorKind::Missing, format!("not here yet: {} ({})", ids.join(", "), size))
                .with_hint(pull()))
        };
        if args::is_without_hub(self.global) || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return not_installed();
        }
        if !confirm(&format!("Fetch {} ({})?", ids.join(", "), size), pull())? {
            return not_installed();
        }
        missing.iter().try_for_each(|spec| self.fetch(spec))
    }

    pub fn models_show(&self, id: &str) -> Result<u8> {
        let spec = self.kinglet.models().lookup(id)?;
        printed(render::json(&*spec))
    }

    pub fn models_add(&self, source: &str, id: Option<&str>, sha256: Option<&str>) -> Result<u8> {
        let spec = match GgufSource::parse(source)? {
            Some(source) => {
                let new = NewGenerator { source, id: id.map(str::to_string), sha256: sha256.map(str::to_string) };
                self.add_generator(&new)?
            }
            None if id.is_some() || sha256.is_some() => {
                return Err(Error::input("--id and --sha256 are for a GGUF file")
                    .with_hint("the id of a model in a folder is in its model.toml"));
            }
            None => {
                let folder = Path::new(source);
                self.fetch_missing(&self.kinglet.models_for_adding(folder)?)?;
                self.kinglet.add_model(folder)?
            }
        };
        render::notice(&format!(
            "{} works and is installed in {}",
            spec.id,
            self.kinglet.models().folder(&spec).display()
        ));
        Ok(DONE)
    }

    fn add_generator(&self, new: &NewGenerator) -> Result<ModelSpec> {
        let bar = progress::spinner("bringing and trying the model");
        let observer = DownloadObserver { on_progress: &|_| {}, is_cancelled: &progress::is_stopped };
        let added = self.kinglet.add_generator(new, args::is_without_hub(self.global), &observer);
        bar.finish_and_clear();
        added
    }

    pub fn models_path(&self, id: &str) -> Result<u8> {
        let spec = self.kinglet.models().lookup(id)?;
        if spec.files.is_empty() {
            return Err(Error::input(format!("{id} is a part of this program and has no folder")));
        }
        let folder = self.kinglet.models().require(&spec)?;
        printed(render::paths(&[folder]))
    }
}

/// Asks for confirmation on the terminal; without one, fails with the hint `otherwise`.
pub fn confirm(question: &str, otherwise: impl Into<Hint>) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::input(format!("{question} There is no terminal to confirm on")).with_hint(otherwise));
    }
    render::prompt(&format!("{question} [y/N] "));
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|cause| Error::new(ErrorKind::Machine, format!("could not read the answer: {cause}")))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
