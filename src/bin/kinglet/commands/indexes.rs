//! Commands that inspect or remove indexes, and show files and settings: `status`, `ls`, `rm`,
//! `doctor`, `inspect`, `config`.

use std::path::Path;

use kinglet::chunking::{Chunk, Chunking};
use kinglet::extract::worker_process::read_all;
use kinglet::extract::{Extracted, Extraction, Part, Request};
use kinglet::index::{Index, IndexWriter};
use kinglet::view::{ChecksView, FileView, IndexListView, IndexView, SettingsView};
use kinglet::{Error, Result};

use crate::args::IndexArg;
use crate::commands::models::confirm;
use crate::hint;
use crate::render::{self, base_folder};
use crate::run::{DONE, FAILED, NOTHING_FOUND, Session, former_path, printed};

impl Session<'_> {
    pub fn status(&self, index: &IndexArg) -> Result<u8> {
        let name = self.index_name(index)?;
        let index = Index::open(&self.kinglet.index_folder(&name)?)?;
        let view = IndexView::new(&index, &base_folder())?;
        printed(if self.global.json { render::json(&view) } else { render::index(&view, self.global.verbose) })
    }

    pub fn ls(&self) -> Result<u8> {
        let view = IndexListView::new(&self.kinglet)?;
        if self.global.json {
            return printed(render::json(&view));
        }
        if view.indexes.is_empty() {
            render::notice("no indexes yet; `kinglet index FOLDER` creates one");
            return Ok(DONE);
        }
        printed(render::indexes(&view))
    }

    pub fn rm(&self, name: &str, yes: bool) -> Result<u8> {
        let name = self.kinglet.find_index(Some(name), Path::new(""))?;
        let folder = self.kinglet.index_folder(&name)?;
        if !yes && !confirm(&format!("Remove the index {name}? Its documents are not touched."), "add --yes")? {
            return Ok(NOTHING_FOUND);
        }
        IndexWriter::remove(&folder)?;
        render::notice(&format!("removed the index {name}"));
        Ok(DONE)
    }

    pub fn move_root(&self, name: &str, to: &Path, from: Option<&Path>) -> Result<u8> {
        let name = self.kinglet.find_index(Some(name), Path::new(""))?;
        let from = self.kinglet.move_root(&name, from.map(former_path).as_deref(), to)?;
        let (from, to) = (from.display(), former_path(to));
        render::notice(&format!("{name}: what was in {from} is now in {}", to.display()));
        render::notice(&format!("`kinglet index --index {name}` reads what has changed since"));
        Ok(DONE)
    }

    pub fn rename(&self, name: &str, new: &str) -> Result<u8> {
        self.kinglet.rename_index(name, new)?;
        render::notice(&format!("the index {name} is now called {new}"));
        Ok(DONE)
    }

    pub fn doctor(&self, index: &IndexArg) -> Result<u8> {
        let mut checks = self.kinglet.check_models();
        match self.index_name(index) {
            Ok(name) => checks.extend(self.kinglet.check_index(&name)),
            Err(error) if index.index.is_some() => checks.push(("index".to_string(), Err(error))),
            Err(_) => {}
        }
        let view = ChecksView::new(&checks, hint::rendered);
        printed(if self.global.json { render::json(&view) } else { render::checks(&view) })?;
        Ok(if view.checks.iter().all(|check| check.ok) { DONE } else { FAILED })
    }

    /// Extracts the chunks of a file, as indexing does.
    fn extract(&self, file: &Path, path: &Path, with_text: bool) -> Result<Extracted> {
        if !path.is_file() {
            return Err(Error::input(format!("{} is not a file", file.display())).with_hint("kinglet inspect FILE"));
        }
        let request =
            Request { path: path.to_path_buf(), chunking: Chunking::default(), previous_hash: None, with_text };
        let (mut parts, mut last) = (Part::default(), None);
        read_all(self.kinglet.isolation(), &[request], |_, outcome| {
            match outcome {
                Extraction::Part(part) => parts.add(part),
                outcome => last = Some(outcome),
            }
            Ok(())
        })?;
        match last {
            Some(Extraction::Read { mut extracted, .. }) => {
                extracted.follow(parts);
                Ok(extracted)
            }
            Some(Extraction::Skipped { reason, .. } | Extraction::GivenUp { reason }) => {
                Err(Error::input(format!("{} is not indexed: {reason}", file.display())))
            }
            Some(Extraction::Unchanged | Extraction::Part(_)) | None => {
                Err(Error::input(format!("{} was not read", file.display())))
            }
        }
    }

    pub fn inspect(&self, file: &Path, only_text: bool) -> Result<u8> {
        let path = file.canonicalize().map_err(|cause| Error::io("find", file, cause))?;
        let extracted = self.extract(file, &path, only_text)?;
        if let Some(warning) = &extracted.warning {
            render::notice(&format!("warning: {warning}"));
        }
        if only_text {
            return printed(render::text(&extracted.text.unwrap_or_default()));
        }
        let counter = self.kinglet.token_counter();
        let count = |chunk: Chunk| -> Result<(Chunk, Option<usize>)> {
            let tokens = counter.as_ref().map(|(count, _)| count(&chunk.passage())).transpose()?;
            Ok((chunk, tokens))
        };
        let chunks = extracted.chunks.into_iter().map(count).collect::<Result<Vec<_>>>()?;
        let limit = counter.as_ref().map(|(_, limit)| *limit);
        let view = FileView::new(&path, &chunks, limit, &base_folder());
        if self.global.json {
            return printed(render::json(&view));
        }
        let over: Vec<String> = (1..)
            .zip(&view.chunks)
            .filter(|(_, chunk)| chunk.over_token_limit)
            .map(|(number, _): (usize, _)| number.to_string())
            .collect();
        match limit {
            None => {
                render::notice("tokens are not counted: that needs an installed embedder that runs on ONNX Runtime");
            }
            Some(limit) if !over.is_empty() => render::notice(&format!(
                "the embedder reads only the first {limit} tokens, so not the end of chunk {}",
                over.join(", ")
            )),
            Some(_) => {}
        }
        printed(render::file(&view))
    }

    pub fn config_show(&self) -> Result<u8> {
        let view = SettingsView::new(self.kinglet.home(), &self.resolved);
        printed(if self.global.json { render::json(&view) } else { render::settings(&view) })
    }
}
