//! Looking after indexes: what they hold, whether they are sound, how files are read.

use std::path::Path;

use kinglet::chunk::{Chunking, chunk};
use kinglet::corpus::formats;
use kinglet::index::{Index, IndexWriter, files};
use kinglet::{Error, Result};
use serde_json::json;

use crate::fetch::agreed;
use crate::render::{self, Finding, mib};
use crate::run::{COULD_NOT, DONE, NOTHING_FOUND, Session, here, printed};

impl Session<'_> {
    pub fn status(&self, name: Option<&str>) -> Result<u8> {
        let name = self.kinglet.find_index(name, &here()?)?;
        let index = Index::open(&self.kinglet.index_folder(&name)?)?;
        let counts = index.counts()?;
        let embedders: Vec<&str> = index.manifest().embedders.iter().map(|card| card.id.as_str()).collect();
        let sparse: Vec<&str> = index.manifest().sparse.iter().map(|card| card.id.as_str()).collect();
        let roots: Vec<String> = index.roots()?.iter().map(|root| root.display().to_string()).collect();
        let skipped = index.skipped_files()?;
        if self.global.json {
            let skipped: Vec<_> =
                skipped.iter().map(|(path, reason)| json!({ "path": render::shown(path), "reason": reason })).collect();
            return printed(render::json(&json!({
                "name": name, "folder": index.folder(), "roots": roots, "documents": counts.documents,
                "skipped": skipped, "chunks": counts.chunks, "language": index.manifest().language, "embedders": embedders,
                "sparse": sparse, "chosen": index.manifest().chosen,
                "generation": index.generation()?, "size_bytes": files::size_bytes(index.folder()),
            })));
        }
        let mut rows =
            vec![vec!["name".to_string(), name], vec!["folder".to_string(), index.folder().display().to_string()]];
        rows.extend(roots.into_iter().map(|root| vec!["indexes".to_string(), root]));
        rows.extend([
            vec!["documents".to_string(), format!("{} read, {} skipped", counts.documents, counts.skipped)],
            vec!["chunks".to_string(), counts.chunks.to_string()],
            vec!["language".to_string(), index.manifest().language.code().to_string()],
            vec!["embedders".to_string(), embedders.join(", ")],
        ]);
        let chosen: Vec<String> = index.manifest().chosen.iter().map(|(key, value)| format!("{key} {value}")).collect();
        rows.extend((!chosen.is_empty()).then(|| vec!["answers by".to_string(), chosen.join(", ")]));
        rows.extend((!sparse.is_empty()).then(|| vec!["learned terms".to_string(), sparse.join(", ")]));
        rows.push(vec!["size".to_string(), mib(files::size_bytes(index.folder()))]);
        printed(render::table(&[], rows, &[]))?;
        if self.global.verbose {
            let rows = skipped.into_iter().map(|(path, reason)| vec![render::shown(&path), reason]).collect();
            return printed(render::table(&["skipped", "reason"], rows, &[]));
        }
        Ok(DONE)
    }

    pub fn use_system(&self, system: &str, name: Option<&str>) -> Result<u8> {
        let name = self.kinglet.find_index(name, &here()?)?;
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
        let name = self.kinglet.find_index(Some(name), &here()?)?;
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
        match self.kinglet.find_index(name, &here()?) {
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
                        "what": finding.what, "ok": false, "detail": error.to_string(), "mend": error.next_step(),
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

    pub fn inspect(&self, file: &Path) -> Result<u8> {
        let bytes = std::fs::read(file).map_err(|cause| Error::io("read", file, cause))?;
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let document = formats::read(&name, &bytes)
            .map_err(|skip| Error::input(format!("{} is not indexed: {}", file.display(), skip.reason)))?;
        let counter = self.kinglet.token_counter();
        let limit = counter.as_ref().map(|(_, limit)| *limit);
        let mut rows = Vec::new();
        for chunk in chunk(&document, &Chunking::default()) {
            let tokens = match &counter {
                Some((count, _)) => Some(count(&chunk.passage())?),
                None => None,
            };
            rows.push((chunk, tokens));
        }
        let path = file.canonicalize().map_err(|cause| Error::io("find", file, cause))?;
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
            render::notice("tokens are unknown: the embedder is not here; `kinglet models pull` fetches it");
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
