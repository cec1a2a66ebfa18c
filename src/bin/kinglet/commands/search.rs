//! `kinglet search`: finds passages.

use kinglet::view::SearchView;
use kinglet::{Result, SearchOptions};

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
            render::nothing_found(response.confidence);
            Ok(())
        } else {
            render::confidence(&response, explain);
            render::hits(results, explain)
        };
        printed(written)?;
        render::pending(response.pending, index.name());
        Ok(if results.is_empty() { NOTHING_FOUND } else { DONE })
    }
}
