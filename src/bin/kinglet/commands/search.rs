//! `kinglet search`: finds passages, or lists files, in one index or in several.

use kinglet::engine::index_names::ALL_INDEXES;
use kinglet::search::{Correction, merge_files, merge_results};
use kinglet::view::{FilesView, SearchView};
use kinglet::{Error, ErrorKind, OpenIndex, Result, SearchOptions, SearchResponse};

use crate::args::{IndexArg, IndexesArg};
use crate::render::{self, base_folder};
use crate::run::{DONE, NOTHING_FOUND, Session, asked, printed};

/// True if the error is about one index alone.
fn cannot_answer(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Input | ErrorKind::Damaged)
}

fn corrects(response: &SearchResponse, typed: &str) -> bool {
    response.corrections.iter().any(|correction| correction.typed == typed)
}

impl Session<'_> {
    pub fn search(&self, question: &str, indexes: &IndexesArg, options: &SearchOptions, explain: bool) -> Result<u8> {
        asked(question)?;
        let mut found = self.in_each(indexes, |index| {
            self.fetch_missing(&self.kinglet.models_for_searching(index.name())?)?;
            index.search(question, options)
        })?;
        // A word that one of the indexes has is not misspelled.
        let searched = || found.iter().map(|(_, response)| response).filter(|response| !response.is_unmet);
        let is_typo = |it: &Correction| searched().all(|response| corrects(response, &it.typed));
        if !searched().flat_map(|response| &response.corrections).all(is_typo) {
            let as_typed = SearchOptions { keep_spelling: true, ..options.clone() };
            for (index, response) in found.iter_mut().filter(|(_, response)| !response.corrections.is_empty()) {
                *response = index.search(question, &as_typed)?;
            }
        }
        self.show(found, options, explain)
    }

    pub fn symbols(&self, symbol: &str, indexes: &IndexesArg, options: &SearchOptions) -> Result<u8> {
        asked(symbol)?;
        let found = self.in_each(indexes, |index| index.symbols(symbol, options))?;
        self.show(found, &SearchOptions { limit: Some(usize::MAX), ..options.clone() }, false)
    }

    pub fn files(&self, question: &str, indexes: &IndexesArg, options: &SearchOptions) -> Result<u8> {
        asked(question)?;
        let found = self.in_each(indexes, |index| index.files(question, options))?;
        let pending: Vec<_> =
            found.iter().map(|(index, response)| (index.name().to_string(), response.pending)).collect();
        let mut responses: Vec<_> = found.into_iter().map(|(_, response)| response).collect();
        let response = if responses.len() == 1 { responses.remove(0) } else { merge_files(responses) };
        let view = FilesView::new(&response, &base_folder());
        printed(if self.global.json {
            render::json(&view)
        } else {
            render::corrections(&view.corrections);
            render::files(&response)
        })?;
        pending.into_iter().for_each(|(index, pending)| render::pending(pending, &index));
        Ok(if response.files.is_empty() { NOTHING_FOUND } else { DONE })
    }

    fn show(&self, found: Vec<(OpenIndex, SearchResponse)>, options: &SearchOptions, explain: bool) -> Result<u8> {
        let mut roots = Vec::new();
        let mut pending = Vec::new();
        let mut responses = Vec::new();
        for (index, response) in found {
            roots.extend(index.snapshot()?.roots()?);
            pending.push((index.name().to_string(), response.pending));
            responses.push((index.name().to_string(), response));
        }
        let response = match responses.len() {
            1 => responses.remove(0).1,
            _ => merge_results(responses, options.limit.unwrap_or(self.resolved.config.hits)),
        };
        let view = SearchView::new(&response, &base_folder());
        printed(if self.global.json {
            render::json(&view)
        } else {
            render::corrections(&view.corrections);
            render::sureness(&response, &view, explain);
            render::hits(&response.results, &roots, explain)
        })?;
        pending.into_iter().for_each(|(index, pending)| render::pending(pending, &index));
        Ok(if response.results.is_empty() { NOTHING_FOUND } else { DONE })
    }

    /// What is found in each index. Of several, one that cannot answer is named and left out,
    /// unless none can.
    fn in_each<T>(&self, indexes: &IndexesArg, find: impl Fn(&OpenIndex) -> Result<T>) -> Result<Vec<(OpenIndex, T)>> {
        let names = match indexes.index.as_slice() {
            [] => vec![self.index_name(&IndexArg { index: None })?],
            [all] if all == ALL_INDEXES => self.kinglet.indexes()?,
            names => names
                .iter()
                .map(|name| self.index_name(&IndexArg { index: Some(name.trim().to_string()) }))
                .collect::<Result<_>>()?,
        };
        if names.is_empty() {
            return Err(Error::input("there is no index yet").with_hint("make one: kinglet index FOLDER"));
        }
        let (mut found, mut failed) = (Vec::new(), Vec::new());
        for name in &names {
            let index = self.kinglet.open(name);
            match index.and_then(|index| find(&index).map(|response| (index, response))) {
                Ok(response) => found.push(response),
                Err(error) if cannot_answer(&error) && names.len() > 1 => failed.push((name, error)),
                Err(error) => return Err(error),
            }
        }
        if found.is_empty() {
            return Err(failed.remove(0).1);
        }
        failed.iter().for_each(|(name, error)| render::notice(&format!("note: {name} was not searched: {error}")));
        Ok(found)
    }
}
