//! Models: which there are, and bringing them here.

use std::io::{BufRead, IsTerminal};
use std::path::Path;
use std::sync::Arc;

use kinglet::models::catalog::ModelSpec;
use kinglet::models::download::{self, DownloadObserver, DownloadProgress};
use kinglet::{Error, ErrorKind, Result};
use serde_json::json;

use crate::args;
use crate::progress;
use crate::render::{self, mib};
use crate::run::{DONE, Session, printed};

impl Session<'_> {
    pub fn models_list(&self) -> Result<u8> {
        let specs = self.kinglet.models().specs()?;
        if self.global.json {
            let models: Vec<_> = specs
                .iter()
                .map(|spec| {
                    json!({
                        "id": spec.id, "kind": spec.kind.to_string(), "size_bytes": spec.size_bytes(),
                        "licence": spec.licence, "description": spec.description, "parameters": spec.parameters,
                        "here": self.kinglet.is_here(spec),
                    })
                })
                .collect();
            return printed(render::json(&json!({ "models": models })));
        }
        let rows = specs
            .iter()
            .map(|spec| {
                let here = if self.kinglet.is_here(spec) { "yes" } else { "no" };
                vec![
                    spec.id.to_string(),
                    spec.kind.to_string(),
                    size(spec.size_bytes()),
                    spec.licence.clone(),
                    here.to_string(),
                    match spec.parameters {
                        Some(parameters) => format!("{}, {} M parameters", spec.description, parameters / 1_000_000),
                        None => spec.description.clone(),
                    },
                ]
            })
            .collect();
        printed(render::table(&["id", "kind", "size", "licence", "here", "what it is"], rows, &[2]))
    }

    pub fn models_pull(&self, ids: &[String], from: Option<&Path>, force: bool) -> Result<u8> {
        let specs = ids.iter().map(|id| self.kinglet.models().lookup(id)).collect::<Result<Vec<_>>>()?;
        for spec in specs {
            if !force && self.kinglet.models().require(&spec).is_ok() {
                render::notice(&format!("{} is here already", spec.id));
                continue;
            }
            match from {
                Some(folder) => download::copy_from_folder(self.kinglet.models(), &spec, folder)?,
                None => self.fetch(&spec)?,
            }
            render::notice(&format!("{} is in {}", spec.id, self.kinglet.models().folder(&spec).display()));
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

    /// Offers to fetch what is missing on a terminal; elsewhere names the command.
    pub fn fetch_missing(&self, wanted: &[Arc<ModelSpec>]) -> Result<()> {
        let missing: Vec<_> = wanted.iter().filter(|spec| !self.kinglet.is_here(spec)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let ids: Vec<&str> = missing.iter().map(|spec| spec.id.as_str()).collect();
        let all = size(missing.iter().map(|spec| spec.size_bytes()).sum());
        let command = format!("kinglet models pull {}", ids.join(" "));
        let absent = || {
            Err(Error::new(ErrorKind::Missing, format!("not here yet: {} ({})", ids.join(", "), all))
                .with_hint(command.clone()))
        };
        if args::is_without_hub(self.global) || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return absent();
        }
        if !agreed(&format!("Fetch {} ({})?", ids.join(", "), all), &command)? {
            return absent();
        }
        missing.iter().try_for_each(|spec| self.fetch(spec))
    }

    pub fn models_show(&self, id: &str) -> Result<u8> {
        let spec = self.kinglet.models().lookup(id)?;
        printed(render::json(&serde_json::to_value(&*spec).expect("a spec is plain data")))
    }

    pub fn models_add(&self, folder: &Path) -> Result<u8> {
        self.fetch_missing(&self.kinglet.models_for_adding(folder)?)?;
        let spec = self.kinglet.add_model(folder)?;
        render::notice(&format!("{} works and is in {}", spec.id, self.kinglet.models().folder(&spec).display()));
        Ok(DONE)
    }

    pub fn models_path(&self, id: &str) -> Result<u8> {
        let spec = self.kinglet.models().lookup(id)?;
        let folder = self.kinglet.models().require(&spec)?;
        printed(render::paths(&[folder]))
    }
}

/// A size, where it is known.
fn size(bytes: Option<u64>) -> String {
    bytes.map_or("?".to_string(), mib)
}

/// Asks on the terminal; without one, names what to type instead.
pub fn agreed(question: &str, instead: &str) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::input(format!("{question} Nobody is here to say yes")).with_hint(instead.to_string()));
    }
    render::prompt(&format!("{question} [y/N] "));
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|cause| Error::new(ErrorKind::Machine, format!("could not read the answer: {cause}")))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
