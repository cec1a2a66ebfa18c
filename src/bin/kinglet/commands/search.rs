//! `kinglet search`: finds passages, or lists files.

use kinglet::view::{FilesView, SearchView};
use kinglet::{Filter, Result, SearchOptions};

use crate::args::IndexArg;
use crate::render::{self, base_folder};
use crate::run::{DONE, NOTHING_FOUND, Session, printed};

impl Session<'_> {
    pub fn search(&self, question: &str, index: &IndexArg, options: &SearchOptions, explain: bool) -> Result<u8> {
        let index = self.open_for(question, index)?;
        let response = index.search(question, options)?;
        let results = &response.results;
        let written = if self.global.json {
            render::json(&SearchView::new(&response, &base_folder()))
        } else if results.is_empty() {
            render::notice("nothing found");
            Ok(())
        } else {
            render::hits(results, &index.snapshot()?.roots()?, explain)
        };
        printed(written)?;
        render::pending(response.pending, index.name());
        Ok(if results.is_empty() { NOTHING_FOUND } else { DONE })
    }

    pub fn search_files(&self, question: &str, index: &IndexArg, filter: Option<&Filter>) -> Result<u8> {
        let index = self.open_without_models(question, index)?;
        let response = index.files(question, filter)?;
        let written = if self.global.json {
            render::json(&FilesView::new(&response, &base_folder()))
        } else {
            render::files(&response)
        };
        printed(written)?;
        render::pending(response.pending, index.name());
        Ok(if response.files.is_empty() { NOTHING_FOUND } else { DONE })
    }
}
