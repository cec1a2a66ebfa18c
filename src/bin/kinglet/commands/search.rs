//! Finding passages.

use kinglet::view::SearchView;
use kinglet::{Result, SearchOptions};

use crate::args::IndexArg;
use crate::render::{self, here_or_nowhere};
use crate::run::{DONE, NOTHING_FOUND, Session, printed};

impl Session<'_> {
    pub fn search(&self, question: &str, index: &IndexArg, options: &SearchOptions, explain: bool) -> Result<u8> {
        let name = self.ready(question, index)?;
        let response = self.kinglet.open(&name)?.search(question, options)?;
        let found = &response.results;
        let shown = if self.global.json {
            render::json(&SearchView::new(&response, &here_or_nowhere()))
        } else if found.is_empty() {
            render::notice("nothing found");
            Ok(())
        } else {
            render::hits(found, explain)
        };
        printed(shown)?;
        render::pending(response.pending, &name);
        Ok(if found.is_empty() { NOTHING_FOUND } else { DONE })
    }
}
