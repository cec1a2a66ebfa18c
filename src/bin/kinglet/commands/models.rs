//! Models: which there are, and bringing them here.

use std::io::{BufRead, IsTerminal};
use std::path::Path;

use kinglet::models::catalog;
use kinglet::models::download::{self, DownloadObserver, DownloadProgress};
use kinglet::view::ModelListView;
use kinglet::{Error, ErrorKind, Hint, Result};

use crate::args;
use crate::progress;
use crate::render;
use crate::run::{DONE, Session, printed};

impl Session<'_> {
    pub fn models_list(&self) -> Result<u8> {
        let view = ModelListView::new(&self.kinglet)?;
        printed(if self.global.json { render::json(&view) } else { render::models(&view) })
    }

    pub fn models_pull(&self, ids: &[String], from: Option<&Path>, force: bool) -> Result<u8> {
        let rows = ids.iter().map(|id| self.kinglet.models().lookup(id)).collect::<Result<Vec<_>>>()?;
        for row in rows {
            if !force && self.kinglet.models().require(&row).is_ok() {
                render::notice(&format!("{} is here already", row.id));
                continue;
            }
            match from {
                Some(folder) => download::pull_from_folder(self.kinglet.models(), &row, folder)?,
                None => self.fetch(&row)?,
            }
            render::notice(&format!("{} is in {}", row.id, self.kinglet.models().folder(&row).display()));
        }
        Ok(DONE)
    }

    pub fn fetch(&self, row: &catalog::ModelSpec) -> Result<()> {
        let bar = progress::bytes(row.size_bytes().unwrap_or(0), row.id);
        let show = |progress: DownloadProgress| {
            bar.set_length(progress.total_bytes);
            bar.set_position(progress.done_bytes);
        };
        let watcher = DownloadObserver { show: &show, is_cancelled: &progress::is_stopped };
        let result = download::pull(self.kinglet.models(), row, args::is_without_hub(self.global), &watcher);
        bar.finish_and_clear();
        result
    }

    /// Offers to fetch what is missing on a terminal; elsewhere names the command.
    pub fn fetch_missing(&self, wanted: &[catalog::ModelSpec]) -> Result<()> {
        let missing: Vec<_> = wanted.iter().filter(|row| !self.kinglet.is_here(row)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let ids: Vec<&str> = missing.iter().map(|row| row.id).collect();
        let all = render::size(missing.iter().map(|row| row.size_bytes()).sum());
        let pull = || Hint::PullModels { ids: ids.iter().map(ToString::to_string).collect(), force: false };
        let absent = || {
            Err(Error::new(ErrorKind::Missing, format!("not here yet: {} ({})", ids.join(", "), all)).with_hint(pull()))
        };
        if args::is_without_hub(self.global) || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return absent();
        }
        if !agreed(&format!("Fetch {} ({})?", ids.join(", "), all), pull())? {
            return absent();
        }
        missing.iter().try_for_each(|row| self.fetch(row))
    }

    pub fn models_show(&self, id: &str) -> Result<u8> {
        let row = self.kinglet.models().lookup(id)?;
        printed(render::json(&row))
    }

    pub fn models_add(&self, folder: &Path) -> Result<u8> {
        self.fetch_missing(&self.kinglet.models_for_adding(folder)?)?;
        let row = self.kinglet.add_model(folder)?;
        render::notice(&format!("{} works and is in {}", row.id, self.kinglet.models().folder(&row).display()));
        Ok(DONE)
    }

    pub fn models_path(&self, id: &str) -> Result<u8> {
        let folder = self.kinglet.models().require(&self.kinglet.models().lookup(id)?)?;
        printed(render::paths(&[folder]))
    }
}

/// Asks on the terminal; without one, names what to type instead.
pub fn agreed(question: &str, instead: impl Into<Hint>) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::input(format!("{question} Nobody is here to say yes")).with_hint(instead));
    }
    render::prompt(&format!("{question} [y/N] "));
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|cause| Error::new(ErrorKind::Machine, format!("could not read the answer: {cause}")))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
