//! Indexing, once or after every change.

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
use crate::render::{self, here_or_nowhere};
use crate::run::{DONE, Session, here, printed};

/// After this time a busy index is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Session<'_> {
    pub fn index(
        &self,
        paths: &[PathBuf],
        name: Option<&str>,
        embedders: &[EmbedderRef],
        added: &[EmbedderRef],
        watch: bool,
    ) -> Result<u8> {
        let embedders = match (embedders, added) {
            ([], []) => Embedders::Keep,
            ([], added) => Embedders::Add(added.to_vec()),
            (these, _) => Embedders::Only(these.to_vec()),
        };
        let roots = paths
            .iter()
            .map(|path| path.canonicalize().map_err(|cause| Error::io("find", path, cause)))
            .collect::<Result<Vec<_>>>()?;
        let here = if roots.is_empty() && name.is_none() { here()? } else { PathBuf::new() };
        let name = self.kinglet.name_for(&roots, name, &here)?;
        self.fetch_missing(&self.kinglet.models_for_indexing(&name, &embedders)?)?;
        // What changes while the first run is under way is not missed.
        let changes = if watch { Some(self.changes(&name, &roots)?) } else { None };
        let summary = self.kinglet.index_with(&name, &roots, &embedders, &Bars::default())?;
        let shown = self.show_summary(&summary, &name)?;
        match changes {
            Some(changes) => self.follow(&changes, &name),
            None => Ok(shown),
        }
    }

    fn show_summary(&self, summary: &Summary, name: &str) -> Result<u8> {
        if self.global.json {
            return printed(render::json(&IndexingView::new(name, summary, &here_or_nowhere())));
        }
        printed(render::summary(summary, name, self.global.verbose))
    }

    /// Changes below the folders of the index and below `roots`.
    fn changes(&self, name: &str, roots: &[PathBuf]) -> Result<Changes> {
        let mut all = Index::roots_in(&self.kinglet.index_folder(name)?)?;
        all.extend(roots.iter().filter(|root| !all.contains(root)).cloned().collect::<Vec<_>>());
        Changes::of(&all, &[self.kinglet.home().to_path_buf()])
    }

    /// Brings the index up to date after every change, until Ctrl-C. What fails is told, and tried
    /// again with the next change.
    fn follow(&self, changes: &Changes, name: &str) -> Result<u8> {
        render::notice(&format!("watching {name} for changes; Ctrl-C ends it"));
        let mut again = false;
        loop {
            if again {
                std::thread::sleep(RETRY_AFTER);
            } else if !changes.wait(&progress::is_stopped)? {
                return Ok(DONE);
            }
            // Somebody has removed the index: following it any further would make it anew.
            if Index::roots_in(&self.kinglet.index_folder(name)?)?.is_empty() {
                render::notice(&format!("the index {name} is gone; nothing is watched any more"));
                return Ok(DONE);
            }
            match self.kinglet.index(name, &[], &Bars::default()) {
                Ok(summary) if summary.read + summary.removed + summary.embedded > 0 => {
                    self.show_summary(&summary, name)?;
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(DONE),
                Err(error) if error.kind() == ErrorKind::Busy => {
                    again = !progress::is_stopped();
                    continue;
                }
                Err(error) => render::error(&error),
            }
            again = false;
        }
    }
}
