//! `kinglet index`: indexes once, or after every change.

use std::path::PathBuf;
use std::time::Duration;

use kinglet::engine::Embedders;
use kinglet::index::Index;
use kinglet::ingest::Summary;
use kinglet::models::reference::EmbedderRef;
use kinglet::scan::watch::Changes;
use kinglet::view::IndexingView;
use kinglet::{Error, ErrorKind, Result};

use crate::progress::{self, Bars};
use crate::render::{self, base_folder};
use crate::run::{DONE, Session, current_folder, former_path, printed};

/// How long to wait before trying a busy index again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Session<'_> {
    pub fn index(
        &self,
        paths: &[PathBuf],
        name: Option<&str>,
        embedders: &[EmbedderRef],
        added: &[EmbedderRef],
        dropped: &[PathBuf],
        watch: bool,
    ) -> Result<u8> {
        let embedders = match (embedders, added) {
            ([], []) => Embedders::Keep,
            ([], added) => Embedders::Add(added.to_vec()),
            (only, _) => Embedders::Only(only.to_vec()),
        };
        let roots = paths
            .iter()
            .map(|path| path.canonicalize().map_err(|cause| Error::io("find", path, cause)))
            .collect::<Result<Vec<_>>>()?;
        let dropped: Vec<PathBuf> = dropped.iter().map(|path| former_path(path)).collect();
        let folder = if roots.is_empty() && name.is_none() { current_folder()? } else { PathBuf::new() };
        let name = self.kinglet.name_for(&roots, name, &folder)?;
        self.fetch_missing(&self.kinglet.models_for_indexing(&name, &embedders)?)?;
        // Watching begins before the first run, so that changes during it are not missed.
        let changes = if watch { Some(self.changes(&name, &roots, &dropped)?) } else { None };
        let summary = self.kinglet.index_without(&name, &roots, &dropped, &embedders, &Bars::of_index(&name))?;
        let code = self.show_summary(&summary, &name)?;
        match changes {
            Some(changes) => self.watch(&changes, &name),
            None => Ok(code),
        }
    }

    fn show_summary(&self, summary: &Summary, name: &str) -> Result<u8> {
        if self.global.json {
            return printed(render::json(&IndexingView::new(name, summary, &base_folder())));
        }
        printed(render::summary(summary, name, self.global.verbose))
    }

    /// Watches the folders of the index that are there, except `dropped`, and `roots`.
    fn changes(&self, name: &str, roots: &[PathBuf], dropped: &[PathBuf]) -> Result<Changes> {
        let mut all = Index::roots_in(&self.kinglet.index_folder(name)?)?;
        all.retain(|root| root.exists() && !dropped.contains(root));
        all.extend(roots.iter().filter(|root| !all.contains(root)).cloned().collect::<Vec<_>>());
        Changes::of(&all, &[self.kinglet.home().to_path_buf()])
    }

    /// Updates the index after every change, until Ctrl-C. A failed run is reported, and the next
    /// change starts another.
    fn watch(&self, changes: &Changes, name: &str) -> Result<u8> {
        render::notice(&format!("watching {name} for changes; press Ctrl-C to stop"));
        let mut retry = false;
        loop {
            if retry {
                std::thread::sleep(RETRY_AFTER);
            } else if !changes.wait(&progress::is_stopped)? {
                return Ok(DONE);
            }
            // If another process has removed the index, the next run would create it again.
            if Index::roots_in(&self.kinglet.index_folder(name)?)?.is_empty() {
                render::notice(&format!("the index {name} has been removed, so kinglet stops watching"));
                return Ok(DONE);
            }
            match self.kinglet.index(name, &[], &Bars::default()) {
                Ok(summary) if summary.read + summary.removed + summary.embedded > 0 => {
                    self.show_summary(&summary, name)?;
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(DONE),
                Err(error) if error.kind() == ErrorKind::Busy => {
                    retry = !progress::is_stopped();
                    continue;
                }
                Err(error) => render::error(&error),
            }
            retry = false;
        }
    }
}
