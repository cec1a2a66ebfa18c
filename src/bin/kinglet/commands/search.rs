//! `kinglet search`: finds passages, or lists files.

use kinglet::view::{FilesView, SearchView};
use kinglet::{OpenIndex, Result, SearchOptions, SearchResponse};

use crate::args::IndexArg;
use crate::render::{self, base_folder};
use crate::run::{DONE, NOTHING_FOUND, Session, printed};

impl Session<'_> {
    pub fn search(&self, question: &str, index: &IndexArg, options: &SearchOptions, explain: bool) -> Result<u8> {
        let index = self.open_for(question, index)?;
        self.show(&index.search(question, options)?, &index, explain)
    }

    pub fn symbols(&self, symbol: &str, index: &IndexArg, options: &SearchOptions) -> Result<u8> {
        let index = self.kinglet.open(&self.index_name(index)?)?;
        self.show(&index.symbols(symbol, options)?, &index, false)
    }

    fn show(&self, response: &SearchResponse, index: &OpenIndex, explain: bool) -> Result<u8> {
        let view = SearchView::new(response, &base_folder());
        let written = if self.global.json {
            render::json(&view)
        } else {
            render::corrections(&view.corrections);
            render::sureness(response, &view, explain);
            render::hits(&response.results, &index.snapshot()?.roots()?, explain)
        };
        printed(written)?;
        render::pending(response.pending, index.name());
        Ok(if response.results.is_empty() { NOTHING_FOUND } else { DONE })
    }

    pub fn files(&self, question: &str, index: &IndexArg, options: &SearchOptions) -> Result<u8> {
        let index = self.open_without_models(question, index)?;
        let response = index.files(question, options)?;
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
