//! One function a command: what was asked for → library calls → what is shown.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use kinglet::answer::{self, Passage};
use kinglet::assemble::Kinglet;
use kinglet::chunk::{Chunking, chunk};
use kinglet::config::{Mode, Resolved};
use kinglet::corpus::formats;
use kinglet::index::documents::StoredChunk;
use kinglet::index::{Index, IndexWriter};
use kinglet::ingest::{Plan, ingest};
use kinglet::models::catalog;
use kinglet::models::pull::{self, PullProgress, PullWatcher};
use kinglet::search::{Hit, Query};
use kinglet::{Error, Fault, Result};
use serde_json::json;

use crate::args::{self, Cli, Command, ConfigCommand, Global, ModelsCommand};
use crate::progress::{self, Bars};
use crate::render::{self, Finding};

const DONE: u8 = 0;
const NOTHING_FOUND: u8 = 1;
const COULD_NOT: u8 = 2;
const REFUSED: u8 = 3;
const INTERRUPTED: u8 = 130;

/// The whole program.
pub fn main() -> ExitCode {
    let cli = args::parse();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|cause| Error::new(Fault::Machine, format!("could not start: {cause}")))
        .and_then(|runtime| {
            progress::listen_for_interrupts(&runtime);
            run(&cli, &runtime)
        });
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) if error.fault() == Fault::Interrupted => {
            render::notice(&error.to_string());
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => {
            render::error(&error);
            ExitCode::from(COULD_NOT)
        }
    }
}

/// What every command works with.
struct Session<'s> {
    kinglet: Kinglet,
    resolved: Resolved,
    global: &'s Global,
    runtime: &'s tokio::runtime::Runtime,
}

fn run(cli: &Cli, runtime: &tokio::runtime::Runtime) -> Result<u8> {
    if let Command::Completions { shell } = cli.command {
        args::print_completions(shell);
        return Ok(DONE);
    }
    let home = args::home()?;
    let resolved = args::config(&cli.command, &home)?;
    let kinglet = Kinglet::new(home, resolved.config.clone());
    let session = Session { kinglet, resolved, global: &cli.global, runtime };
    match &cli.command {
        Command::Index { paths, name } => session.index(paths, name.as_deref()),
        Command::Search { question, named, explain, .. } => session.search(question, named.name.as_deref(), *explain),
        Command::Ask { question, named, .. } => session.ask(question, named.name.as_deref()),
        Command::Status { named } => session.status(named.name.as_deref()),
        Command::Ls => session.ls(),
        Command::Rm { name, yes } => session.rm(name, *yes),
        Command::Doctor { named } => session.doctor(named.name.as_deref()),
        Command::Inspect { file } => session.inspect(file),
        Command::Models(ModelsCommand::List) => session.models_list(),
        Command::Models(ModelsCommand::Pull { ids, from, force }) => session.models_pull(ids, from.as_deref(), *force),
        Command::Models(ModelsCommand::Show { id }) => session.models_show(id),
        Command::Models(ModelsCommand::Path { id }) => session.models_path(id),
        Command::Config(ConfigCommand::Show) => session.config_show(),
        Command::Completions { .. } => Ok(DONE),
    }
}

/// What is printed may go to `head`, which stops listening: that is no error.
fn printed(result: std::io::Result<()>) -> Result<u8> {
    match result {
        Ok(()) => Ok(DONE),
        Err(cause) if cause.kind() == std::io::ErrorKind::BrokenPipe => Ok(DONE),
        Err(cause) => Err(Error::new(Fault::Machine, format!("could not write to standard output: {cause}"))),
    }
}

impl Session<'_> {
    fn index(&self, paths: &[PathBuf], name: Option<&str>) -> Result<u8> {
        let roots = paths
            .iter()
            .map(|path| path.canonicalize().map_err(|cause| Error::io("find", path, cause)))
            .collect::<Result<Vec<_>>>()?;
        let name = self.kinglet.name_for(&roots, name, &here()?)?;
        self.fetch_missing(&self.kinglet.models_for_indexing()?)?;
        let embedder = self.kinglet.embedder()?;
        let mut writer = IndexWriter::open(&self.kinglet.index_folder(&name)?)?;
        let plan = Plan {
            roots: &roots,
            chunking: writer.manifest().map(|manifest| manifest.chunking).unwrap_or_default(),
            max_file_bytes: self.resolved.config.max_file_mib << 20,
            exclude: &[self.kinglet.home().to_path_buf()],
            embedders: &[embedder],
        };
        let summary = ingest(&mut writer, &plan, &Bars::default())?;
        if self.global.json {
            let mut value = serde_json::to_value(&summary).expect("a summary is plain data");
            value["name"] = json!(name);
            return printed(render::json(&value));
        }
        printed(render::summary(&summary, &name, self.global.verbose))
    }

    fn search(&self, question: &str, name: Option<&str>, explain: bool) -> Result<u8> {
        let hits = self.find(question, name, self.resolved.config.hits)?.1;
        let shown = if self.global.json {
            render::json(&render::hits_json(&hits))
        } else if hits.is_empty() {
            render::notice("nothing found");
            Ok(())
        } else {
            render::hits(question, &hits, explain)
        };
        printed(shown)?;
        Ok(if hits.is_empty() { NOTHING_FOUND } else { DONE })
    }

    fn find(&self, question: &str, name: Option<&str>, count: usize) -> Result<(Arc<Index>, Vec<(Hit, StoredChunk)>)> {
        if question.trim().is_empty() {
            return Err(Error::input("the question is empty").hint("kinglet search \"WORDS OR A QUESTION\""));
        }
        let name = self.kinglet.find_index(name, &here()?)?;
        self.fetch_missing(&self.kinglet.models_for_searching()?)?;
        let index = Arc::new(Index::open(&self.kinglet.index_folder(&name)?)?);
        let retriever = self.kinglet.retriever(&index)?;
        let hits = retriever.retrieve(&Query::new(question), count)?;
        let chunks = index.chunks(&hits.iter().map(|hit| hit.chunk).collect::<Vec<_>>())?;
        Ok((index, hits.into_iter().zip(chunks).collect()))
    }

    fn ask(&self, question: &str, name: Option<&str>) -> Result<u8> {
        self.fetch_missing(&self.kinglet.models_for_answering()?)?;
        let started = Instant::now();
        let (_, hits) = self.find(question, name, self.resolved.config.passages)?;
        let retrieve_ms = started.elapsed().as_millis() as u64;
        let passages: Vec<Passage> = hits
            .into_iter()
            .map(|(_, stored)| Passage {
                path: render::shown(&stored.path),
                first_line: stored.chunk.first_line,
                last_line: stored.chunk.last_line,
                headings: stored.chunk.headings,
                text: stored.chunk.text,
            })
            .collect();
        let started = Instant::now();
        let generator = if passages.is_empty() { None } else { Some(self.kinglet.generator()?) };
        let load_ms = started.elapsed().as_millis() as u64;
        let _ = (generator, retrieve_ms, load_ms, answer::REFUSAL, REFUSED);
        todo!()
    }

    fn status(&self, name: Option<&str>) -> Result<u8> {
        let name = self.kinglet.find_index(name, &here()?)?;
        let index = Index::open(&self.kinglet.index_folder(&name)?)?;
        let counts = index.counts()?;
        let embedders: Vec<&str> = index.manifest().embedders.iter().map(|card| card.id.as_str()).collect();
        let roots: Vec<String> = index.roots()?.iter().map(|root| root.display().to_string()).collect();
        let skipped = index.skipped_files()?;
        if self.global.json {
            let skipped: Vec<_> =
                skipped.iter().map(|(path, reason)| json!({ "path": render::shown(path), "reason": reason })).collect();
            return printed(render::json(&json!({
                "name": name, "folder": index.folder(), "roots": roots, "documents": counts.documents,
                "skipped": skipped, "chunks": counts.chunks, "embedders": embedders,
                "generation": index.generation()?, "size_bytes": size_bytes(index.folder()),
            })));
        }
        let mut rows = vec![
            vec!["name".to_string(), name],
            vec!["folder".to_string(), index.folder().display().to_string()],
        ];
        rows.extend(roots.into_iter().map(|root| vec!["indexes".to_string(), root]));
        rows.extend([
            vec!["documents".to_string(), format!("{} read, {} skipped", counts.documents, counts.skipped)],
            vec!["chunks".to_string(), counts.chunks.to_string()],
            vec!["embedders".to_string(), embedders.join(", ")],
            vec!["size".to_string(), mib(size_bytes(index.folder()))],
        ]);
        printed(render::table(&[], rows, &[]))?;
        if self.global.verbose {
            let rows = skipped.into_iter().map(|(path, reason)| vec![render::shown(&path), reason]).collect();
            return printed(render::table(&["skipped", "reason"], rows, &[]));
        }
        Ok(DONE)
    }

    fn ls(&self) -> Result<u8> {
        let mut rows = Vec::new();
        for name in self.kinglet.indexes()? {
            // One index that cannot be opened must not hide the others.
            rows.push((name.clone(), Index::open(&self.kinglet.index_folder(&name)?).and_then(|index| {
                Ok((index.counts()?, index.roots()?))
            })));
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

    fn rm(&self, name: &str, yes: bool) -> Result<u8> {
        let name = self.kinglet.find_index(Some(name), &here()?)?;
        let folder = self.kinglet.index_folder(&name)?;
        if !yes && !agreed(&format!("Remove the index {name}? Its documents are not touched."), "--yes")? {
            return Ok(NOTHING_FOUND);
        }
        // Holding the lock while removing: a process that indexes is not cut off.
        let writer = IndexWriter::open(&folder)?;
        std::fs::remove_dir_all(&folder).map_err(|cause| Error::io("remove", &folder, cause))?;
        drop(writer);
        render::notice(&format!("removed the index {name}"));
        Ok(DONE)
    }

    fn doctor(&self, name: Option<&str>) -> Result<u8> {
        let mut findings: Vec<Finding> = self
            .kinglet
            .check_models()
            .into_iter()
            .map(|(what, result)| Finding { what, result })
            .collect();
        match self.kinglet.find_index(name, &here()?) {
            Ok(name) => findings.extend(
                self.kinglet.check_index(&name).into_iter().map(|(what, result)| Finding { what, result }),
            ),
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

    fn inspect(&self, file: &Path) -> Result<u8> {
        let bytes = std::fs::read(file).map_err(|cause| Error::io("read", file, cause))?;
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let document = formats::read(&name, &bytes)
            .map_err(|skip| Error::input(format!("{} is not indexed: {}", file.display(), skip.reason)))?;
        let count = self.kinglet.token_counter();
        let mut rows = Vec::new();
        for chunk in chunk(&document, &Chunking::default()) {
            let tokens = match &count {
                Some(count) => Some(count(&chunk.passage())?),
                None => None,
            };
            rows.push((chunk, tokens));
        }
        let path = file.canonicalize().map_err(|cause| Error::io("find", file, cause))?;
        if self.global.json {
            let chunks: Vec<_> = rows
                .iter()
                .map(|(chunk, tokens)| {
                    json!({
                        "first_line": chunk.first_line, "last_line": chunk.last_line, "start_byte": chunk.span.start,
                        "end_byte": chunk.span.end, "headings": chunk.headings, "tokens": tokens, "text": chunk.text,
                    })
                })
                .collect();
            return printed(render::json(&json!({ "path": render::shown(&path), "chunks": chunks })));
        }
        if count.is_none() {
            render::notice("tokens are unknown: the embedder is not here; `kinglet models pull` fetches it");
        }
        printed(render::chunks(&path, &rows))
    }

    fn models_list(&self) -> Result<u8> {
        if self.global.json {
            let rows: Vec<_> = catalog::rows()
                .iter()
                .map(|row| {
                    json!({
                        "id": row.id, "kind": row.kind.to_string(), "size_bytes": row.size_bytes(),
                        "licence": row.licence, "description": row.description, "here": self.kinglet.is_here(row),
                    })
                })
                .collect();
            return printed(render::json(&json!({ "models": rows })));
        }
        let rows = catalog::rows()
            .iter()
            .map(|row| {
                let here = if self.kinglet.is_here(row) { "yes" } else { "no" };
                vec![
                    row.id.to_string(),
                    row.kind.to_string(),
                    mib(row.size_bytes()),
                    row.licence.to_string(),
                    here.to_string(),
                    row.description.to_string(),
                ]
            })
            .collect();
        printed(render::table(&["id", "kind", "size", "licence", "here", "what it is"], rows, &[2]))
    }

    fn models_pull(&self, ids: &[String], from: Option<&Path>, force: bool) -> Result<u8> {
        let rows = ids.iter().map(|id| catalog::lookup(id)).collect::<Result<Vec<_>>>()?;
        for row in rows {
            if !force && self.kinglet.models().require(&row).is_ok() {
                render::notice(&format!("{} is here already", row.id));
                continue;
            }
            match from {
                Some(folder) => pull::pull_from_folder(self.kinglet.models(), &row, folder)?,
                None => self.fetch(&row)?,
            }
            render::notice(&format!("{} is in {}", row.id, self.kinglet.models().folder(&row).display()));
        }
        Ok(DONE)
    }

    fn fetch(&self, row: &catalog::Row) -> Result<()> {
        let bar = progress::bytes(row.size_bytes(), row.id);
        let show = |progress: PullProgress| {
            bar.set_length(progress.total_bytes);
            bar.set_position(progress.done_bytes);
        };
        let watcher = PullWatcher { show: &show, is_cancelled: &progress::is_stopped };
        let result = pull::pull(self.kinglet.models(), row, args::is_offline(self.global), &watcher);
        bar.finish_and_clear();
        result
    }

    /// Offers to fetch what is missing on a terminal; elsewhere names the command.
    fn fetch_missing(&self, wanted: &[catalog::Row]) -> Result<()> {
        let missing: Vec<_> = wanted.iter().filter(|row| !self.kinglet.is_here(row)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let ids: Vec<&str> = missing.iter().map(|row| row.id).collect();
        let size: u64 = missing.iter().map(|row| row.size_bytes()).sum();
        let command = format!("kinglet models pull {}", ids.join(" "));
        let absent = || {
            Err(Error::new(Fault::Missing, format!("not here yet: {} ({})", ids.join(", "), mib(size)))
                .hint(command.clone()))
        };
        if args::is_offline(self.global) || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return absent();
        }
        if !agreed(&format!("Fetch {} ({})?", ids.join(", "), mib(size)), &command)? {
            return absent();
        }
        missing.iter().try_for_each(|row| self.fetch(row))
    }

    fn models_show(&self, id: &str) -> Result<u8> {
        let row = catalog::lookup(id)?;
        printed(render::json(&serde_json::to_value(&row).expect("a catalog row is plain data")))
    }

    fn models_path(&self, id: &str) -> Result<u8> {
        let folder = self.kinglet.models().require(&catalog::lookup(id)?)?;
        printed(render::paths(&[folder]))
    }

    fn config_show(&self) -> Result<u8> {
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
            rows.into_iter().map(|(key, value, origin)| vec![key, value, origin]).collect(),
            &[],
        ))
    }
}

fn here() -> Result<PathBuf> {
    std::env::current_dir()
        .and_then(|here| here.canonicalize())
        .map_err(|cause| Error::new(Fault::Machine, format!("the current folder cannot be found: {cause}")))
}

/// Asks on the terminal; without one, names what to type instead.
fn agreed(question: &str, instead: &str) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::input(format!("{question} Nobody is here to say yes")).hint(instead.to_string()));
    }
    eprint!("{question} [y/N] ");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|cause| Error::new(Fault::Machine, format!("could not read the answer: {cause}")))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

fn size_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => size_bytes(&entry.path()),
            _ => entry.metadata().map_or(0, |metadata| metadata.len()),
        })
        .sum()
}
