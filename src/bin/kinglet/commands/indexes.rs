//! Looking after indexes: what they hold, whether they are sound, how files are read.

use std::collections::BTreeMap;
use std::path::Path;

use kinglet::chunking::Chunking;
use kinglet::extract::worker_process::read_all;
use kinglet::extract::{Extracted, Extraction, Part, Request};
use kinglet::index::{Index, IndexWriter, durable_file};
use kinglet::{Error, Result};
use kinglet_formats::is_truncated;
use serde_json::json;

use crate::commands::models::agreed;
use crate::render::{self, Finding, count_of_files, mib};
use crate::run::{COULD_NOT, DONE, NOTHING_FOUND, Session, printed};

impl Session<'_> {
    pub fn status(&self, name: Option<&str>) -> Result<u8> {
        let name = self.index_called(name)?;
        let index = Index::open(&self.kinglet.index_folder(&name)?)?;
        let counts = index.counts()?;
        let embedders: Vec<&str> = index.manifest().embedders.iter().map(|card| card.id.as_str()).collect();
        let sparse: Vec<&str> = index.manifest().sparse.iter().map(|card| card.id.as_str()).collect();
        let roots: Vec<String> = index.roots()?.iter().map(|root| root.display().to_string()).collect();
        let skipped = index.skipped_files()?;
        let doubtful = index.doubtful_files()?;
        let searched = counts.chunks - counts.copies;
        let cards = &index.manifest().embedders;
        let made = cards.iter().map(|card| Ok((card.id.as_str(), searched - index.pending_dense(card)?)));
        let vectors: Vec<(&str, u64)> = made.collect::<Result<_>>()?;
        let finished = index.manifest().complete && vectors.iter().all(|(_, made)| *made == searched);
        if self.global.json {
            let doubtful = doubtful.iter().map(|(path, doubt)| {
                json!({ "path": render::shown(path), "doubt": doubt, "truncated": is_truncated(doubt) })
            });
            let doubtful: Vec<_> = doubtful.collect();
            let vectors: BTreeMap<_, _> = vectors.into_iter().collect();
            let skipped: Vec<_> =
                skipped.iter().map(|(path, reason)| json!({ "path": render::shown(path), "reason": reason })).collect();
            return printed(render::json(&json!({
                "name": name, "folder": index.folder(), "roots": roots, "documents": counts.documents,
                "skipped": skipped, "doubtful": doubtful, "chunks": counts.chunks, "copies": counts.copies,
                "nearly_repeated": index.nearly_repeated()?, "repeated_lines": counts.repeated_lines,
                "vectors": vectors, "finished": finished, "language": index.manifest().language, "embedders": embedders,
                "sparse": sparse, "chosen": index.manifest().defaults,
                "generation": index.generation(), "size_bytes": durable_file::size_bytes(index.folder()),
            })));
        }
        let chunks = match counts.copies {
            0 => counts.chunks.to_string(),
            copies => format!("{}, of which {copies} say the same as another", counts.chunks),
        };
        let of = |made: u64| if made == searched { "all".to_string() } else { format!("{made} of {searched}") };
        let shown: Vec<String> = vectors.iter().map(|(id, made)| format!("{id} ({})", of(*made))).collect();
        let mut rows =
            vec![vec!["name".to_string(), name], vec!["folder".to_string(), index.folder().display().to_string()]];
        rows.extend(roots.into_iter().map(|root| vec!["indexes".to_string(), root]));
        rows.extend([
            vec!["documents".to_string(), format!("{} read, {} skipped", counts.documents, counts.skipped)],
            vec!["chunks".to_string(), chunks],
            vec!["language".to_string(), index.manifest().language.code().to_string()],
            vec!["vectors".to_string(), shown.join(", ")],
        ]);
        let curated = curated(&index, counts.repeated_lines)?;
        rows.extend((!curated.is_empty()).then(|| vec!["curated".to_string(), curated]));
        let truncated = doubtful.iter().filter(|(_, doubt)| is_truncated(doubt)).count();
        rows.extend(
            (truncated > 0).then(|| vec!["cut".to_string(), format!("{} not read whole", count_of_files(truncated))]),
        );
        rows.extend((!doubtful.is_empty()).then(|| vec!["doubtful".to_string(), count_of_files(doubtful.len())]));
        if !finished {
            rows.push(vec!["unfinished".to_string(), format!("`kinglet index --name {}` goes on", rows[0][1])]);
        }
        let chosen: Vec<String> =
            index.manifest().defaults.iter().map(|(key, value)| format!("{key} {value}")).collect();
        rows.extend((!chosen.is_empty()).then(|| vec!["answers by".to_string(), chosen.join(", ")]));
        rows.extend((!sparse.is_empty()).then(|| vec!["learned terms".to_string(), sparse.join(", ")]));
        rows.push(vec!["size".to_string(), mib(durable_file::size_bytes(index.folder()))]);
        printed(render::table(&[], rows, &[]))?;
        if self.global.verbose {
            for (heading, files) in [("skipped", skipped), ("doubtful", doubtful)] {
                let rows: Vec<_> = files.into_iter().map(|(path, reason)| vec![render::shown(&path), reason]).collect();
                if !rows.is_empty() {
                    printed(render::table(&[heading, "reason"], rows, &[]))?;
                }
            }
        }
        Ok(DONE)
    }

    pub fn use_system(&self, system: &str, name: Option<&str>) -> Result<u8> {
        let name = self.index_called(name)?;
        self.kinglet.use_system(&name, system)?;
        render::notice(&format!("{name} now answers by {system}; `kinglet use` takes any other that it has"));
        Ok(DONE)
    }

    pub fn ls(&self) -> Result<u8> {
        let mut rows = Vec::new();
        for name in self.kinglet.indexes()? {
            // One index that cannot be opened must not hide the others.
            rows.push((
                name.clone(),
                Index::open(&self.kinglet.index_folder(&name)?).and_then(|index| Ok((index.counts()?, index.roots()?))),
            ));
        }
        if self.global.json {
            let rows: Vec<_> = rows
                .iter()
                .map(|(name, index)| match index {
                    Ok((counts, roots)) => {
                        json!({ "name": name, "documents": counts.documents, "chunks": counts.chunks, "roots": roots })
                    }
                    Err(error) => json!({ "name": name, "error": error.to_string() }),
                })
                .collect();
            return printed(render::json(&json!({ "indexes": rows })));
        }
        if rows.is_empty() {
            render::notice("no indexes yet; `kinglet index FOLDER` makes one");
            return Ok(DONE);
        }
        let rows = rows
            .into_iter()
            .map(|(name, index)| match index {
                Ok((counts, roots)) => {
                    let roots: Vec<_> = roots.iter().map(|root| root.display().to_string()).collect();
                    vec![name, counts.documents.to_string(), counts.chunks.to_string(), roots.join(", ")]
                }
                Err(error) => vec![name, "?".to_string(), "?".to_string(), error.to_string()],
            })
            .collect();
        printed(render::table(&["name", "documents", "chunks", "of"], rows, &[1, 2]))
    }

    pub fn rm(&self, name: &str, yes: bool) -> Result<u8> {
        let name = self.index_called(Some(name))?;
        let folder = self.kinglet.index_folder(&name)?;
        if !yes && !agreed(&format!("Remove the index {name}? Its documents are not touched."), "add --yes")? {
            return Ok(NOTHING_FOUND);
        }
        IndexWriter::remove(&folder)?;
        render::notice(&format!("removed the index {name}"));
        Ok(DONE)
    }

    pub fn doctor(&self, name: Option<&str>) -> Result<u8> {
        let mut findings: Vec<Finding> =
            self.kinglet.check_models().into_iter().map(|(what, result)| Finding { what, result }).collect();
        match self.index_called(name) {
            Ok(name) => findings
                .extend(self.kinglet.check_index(&name).into_iter().map(|(what, result)| Finding { what, result })),
            Err(error) if name.is_some() => findings.push(Finding { what: "index".to_string(), result: Err(error) }),
            Err(_) => {}
        }
        let wrong = findings.iter().filter(|finding| finding.result.is_err()).count();
        let shown = if self.global.json {
            let rows: Vec<_> = findings
                .iter()
                .map(|finding| match &finding.result {
                    Ok(detail) => json!({ "what": finding.what, "ok": true, "detail": detail }),
                    Err(error) => json!({
                        "what": finding.what, "ok": false, "detail": error.to_string(), "mend": error.hint(),
                    }),
                })
                .collect();
            render::json(&json!({ "findings": rows }))
        } else {
            render::findings(&findings)
        };
        printed(shown)?;
        Ok(if wrong > 0 { COULD_NOT } else { DONE })
    }

    /// What a file is cut into, as while indexing.
    fn cut(&self, file: &Path, path: &Path, with_text: bool) -> Result<Extracted> {
        if !path.is_file() {
            return Err(Error::input(format!("{} is not a file", file.display())).with_hint("kinglet inspect FILE"));
        }
        let request =
            Request { path: path.to_path_buf(), chunking: Chunking::default(), previous_hash: None, with_text };
        let (mut parts, mut found) = (Part::default(), None);
        read_all(self.kinglet.isolation(), &[request], |_, outcome| {
            match outcome {
                Extraction::Part(part) => parts.add(part),
                outcome => found = Some(outcome),
            }
            Ok(())
        })?;
        match found {
            Some(Extraction::Read { extracted: mut cut, .. }) => {
                cut.follow(parts);
                Ok(cut)
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
        let cut = self.cut(file, &path, only_text)?;
        if let Some(doubt) = &cut.doubt {
            render::notice(&format!("doubt: {doubt}"));
        }
        if only_text {
            return printed(render::text(&cut.text.unwrap_or_default()));
        }
        let counter = self.kinglet.token_counter();
        let limit = counter.as_ref().map(|(_, limit)| *limit);
        let mut rows = Vec::new();
        for chunk in cut.chunks {
            let tokens = match &counter {
                Some((count, _)) => Some(count(&chunk.passage())?),
                None => None,
            };
            rows.push((chunk, tokens));
        }
        let is_over = |tokens: Option<usize>| tokens.zip(limit).is_some_and(|(tokens, limit)| tokens > limit);
        if self.global.json {
            let chunks: Vec<_> = rows
                .iter()
                .map(|(chunk, tokens)| {
                    json!({
                        "unit": chunk.unit, "first": chunk.first, "last": chunk.last, "place": chunk.after_path(), "start_byte": chunk.span.start,
                        "end_byte": chunk.span.end, "headings": chunk.headings, "tokens": tokens, "is_cut_off": is_over(*tokens), "text": chunk.text,
                    })
                })
                .collect();
            return printed(render::json(&json!({ "path": render::shown(&path), "chunks": chunks })));
        }
        if limit.is_none() {
            render::notice("tokens are not counted: that needs an embedder on ONNX Runtime whose files are here");
        }
        let over: Vec<String> = (1..)
            .zip(&rows)
            .filter(|(_, (_, tokens))| is_over(*tokens))
            .map(|(at, _): (usize, _)| at.to_string())
            .collect();
        if let (Some(limit), false) = (limit, over.is_empty()) {
            let which = over.join(", ");
            render::notice(&format!(
                "the embedder reads the first {limit} tokens only, and not the end of chunk {which}"
            ));
        }
        printed(render::chunks(&path, &rows))
    }

    pub fn config_show(&self) -> Result<u8> {
        let rows = self.resolved.rows();
        if self.global.json {
            let rows: serde_json::Map<_, _> = rows
                .into_iter()
                .map(|(key, value, origin)| (key, json!({ "value": value, "origin": origin })))
                .collect();
            return printed(render::json(&json!({ "home": self.kinglet.home(), "settings": rows })));
        }
        printed(render::table(
            &["setting", "value", "from"],
            rows.into_iter().map(|(key, value, origin)| vec![key, value.to_string(), origin]).collect(),
            &[],
        ))
    }
}

/// What was found to be repeated, in words.
fn curated(index: &Index, repeated_lines: u64) -> Result<String> {
    let mut parts = Vec::new();
    match index.nearly_repeated()? {
        0 => {}
        nearly => parts.push(format!("{nearly} passages nearly repeat another and are shown with it")),
    }
    if repeated_lines > 0 {
        parts.push(format!("{repeated_lines} lines that stand on page after page are left out"));
    }
    Ok(parts.join("; "))
}
