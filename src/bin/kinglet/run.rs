//! The program, and the main job: index, search, ask.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use kinglet::answer::{Passage, answer};
use kinglet::assemble::Kinglet;
use kinglet::config::Resolved;
use kinglet::index::documents::StoredChunk;
use kinglet::index::{Index, IndexWriter};
use kinglet::ingest::{Plan, ingest};
use kinglet::search::{Hit, Query};
use kinglet::{Error, Fault, Result};
use serde_json::json;

use crate::args::{self, Cli, Command, ConfigCommand, Global, ModelsCommand};
use crate::progress::{self, Bars};
use crate::render;

pub const DONE: u8 = 0;
pub const NOTHING_FOUND: u8 = 1;
pub const COULD_NOT: u8 = 2;
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
            progress::listen_for_interrupts(&runtime, cli.command.keeps_work());
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
pub(crate) struct Session<'s> {
    pub kinglet: Kinglet,
    pub resolved: Resolved,
    pub global: &'s Global,
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
pub(crate) fn printed(result: std::io::Result<()>) -> Result<u8> {
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
        let hits = self.find(question, name, self.resolved.config.hits)?;
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

    fn find(&self, question: &str, name: Option<&str>, count: usize) -> Result<Vec<(Hit, StoredChunk)>> {
        if question.trim().is_empty() {
            return Err(Error::input("the question is empty").hint("kinglet search \"WORDS OR A QUESTION\""));
        }
        let name = self.kinglet.find_index(name, &here()?)?;
        self.fetch_missing(&self.kinglet.models_for_searching()?)?;
        let index = Arc::new(Index::open(&self.kinglet.index_folder(&name)?)?);
        let retriever = self.kinglet.retriever(&index)?;
        let hits = retriever.retrieve(&Query::new(question), count)?;
        let chunks = index.chunks(&hits.iter().map(|hit| hit.chunk).collect::<Vec<_>>())?;
        Ok(hits.into_iter().zip(chunks).collect())
    }

    fn ask(&self, question: &str, name: Option<&str>) -> Result<u8> {
        let started = Instant::now();
        self.fetch_missing(&self.kinglet.models_for_answering()?)?;
        let hits = self.find(question, name, self.resolved.config.passages)?;
        let retrieve_ms = elapsed_ms(started);
        let loading = Instant::now();
        let generator = self.kinglet.generator()?;
        let load_ms = elapsed_ms(loading);
        let passages: Vec<Passage> = hits
            .into_iter()
            .map(|(_, stored)| Passage { path: render::shown(&stored.path), chunk: stored.chunk })
            .collect();
        let waiting = progress::waiting(&format!("{} reads {} passages", generator.name(), passages.len()));
        let mut printed_so_far = Ok(());
        let mut show = |piece: &str| {
            waiting.finish_and_clear();
            if !self.global.json && printed_so_far.is_ok() {
                printed_so_far = render::piece(piece);
            }
        };
        let answer_tokens = self.resolved.config.answer_tokens;
        let answered = self.runtime.block_on(answer(generator.as_ref(), question, &passages, answer_tokens, &mut show));
        waiting.finish_and_clear();
        printed(printed_so_far)?;
        let answer = answered?;
        let timings_ms = [
            ("retrieve", retrieve_ms),
            ("load", load_ms),
            ("read", answer.reading_ms),
            ("write", answer.writing_ms),
            ("total", elapsed_ms(started)),
        ];
        if self.global.json {
            let mut value = serde_json::to_value(&answer).expect("an answer is plain data");
            value["timings_ms"] = timings_ms.into_iter().map(|(stage, ms)| (stage.to_string(), json!(ms))).collect();
            printed(render::json(&value))?;
        } else {
            printed(render::sources(&answer, self.global.verbose))?;
            render::remarks(&answer, self.global.verbose.then_some(&timings_ms[..]));
        }
        Ok(if answer.refused { REFUSED } else { DONE })
    }
}

pub(crate) fn here() -> Result<PathBuf> {
    std::env::current_dir()
        .and_then(|here| here.canonicalize())
        .map_err(|cause| Error::new(Fault::Machine, format!("the current folder cannot be found: {cause}")))
}

fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
