//! `kinglet search`: finds passages.

use kinglet::view::SearchView;
use kinglet::{Result, SearchOptions, SearchResponse};

use crate::args::IndexArg;
use crate::render::{self, base_folder};
use crate::run::{DONE, NOTHING_FOUND, Session, printed};

impl Session<'_> {
    pub fn search(&self, question: &str, index: &IndexArg, options: &SearchOptions, explain: bool) -> Result<u8> {
        let index = self.open_for(question, index)?;
        self.show(&index.search(question, options)?, index.name(), explain)
    }

    pub fn symbols(&self, symbol: &str, index: &IndexArg, options: &SearchOptions) -> Result<u8> {
        let index = self.kinglet.open(&self.index_name(index)?)?;
        self.show(&index.symbols(symbol, options)?, index.name(), false)
    }

    fn show(&self, response: &SearchResponse, index: &str, explain: bool) -> Result<u8> {
        let view = SearchView::new(response, &base_folder());
        let written = if self.global.json {
            render::json(&view)
        } else {
            render::corrections(&view.corrections);
            render::absent(&view);
            render::hits(&response.results, explain)
        };
        printed(written)?;
        render::pending(response.pending, index);
        Ok(if response.results.is_empty() { NOTHING_FOUND } else { DONE })
    }
}
