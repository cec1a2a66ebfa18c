//! The program, and the main job: index, search, ask.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use kinglet::config::ResolvedConfig;
use kinglet::engine::{Embedders, Kinglet};
use kinglet::extract::worker_process::{self, Isolation};
use kinglet::index::Index;
use kinglet::ingest::Summary;
use kinglet::models::openai::OpenAiGenerator;
use kinglet::models::reference::GeneratorRef;
use kinglet::scan::watch::Changes;
use kinglet::search::Filter;
use kinglet::{AnswerEvent, SearchOptions};
use kinglet::{Error, ErrorKind, Result};
use serde_json::json;

use crate::args::{self, Cli, Command, ConfigCommand, Global, ModelsCommand, QuestionsCommand};
use crate::progress::{self, Bars};
use crate::render;
use crate::terminal;

pub const DONE: u8 = 0;
pub const NOTHING_FOUND: u8 = 1;
pub const COULD_NOT: u8 = 2;
const REFUSED: u8 = 3;
const INTERRUPTED: u8 = 130;
/// After this time a busy index is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// The whole program.
pub fn main() -> ExitCode {
    let cli = args::parse();
    if matches!(cli.command, Command::Read) {
        // Before anything else is set up: this process limits its own memory.
        let _quiet = remember_panics();
        worker_process::serve();
        return ExitCode::from(DONE);
    }
    let panicked = remember_panics();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|cause| Error::new(ErrorKind::Machine, format!("could not start: {cause}")))
        .and_then(|runtime| {
            progress::listen_for_interrupts(&runtime, cli.command.keeps_work());
            // Panics over damaged files are caught where they happen and become errors; one that comes here is a fault of kinglet.
            catch_unwind(AssertUnwindSafe(|| run(&cli, &runtime))).unwrap_or_else(|_| {
                let what = panicked.lock().map(|what| what.clone()).unwrap_or_default();
                Err(Error::new(ErrorKind::Machine, format!("kinglet itself failed: {what}"))
                    .with_hint("please report this with what you typed; your documents are not touched"))
            })
        });
    terminal::end_line();
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) if error.kind() == ErrorKind::Interrupted => {
            render::notice(&error.to_string());
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => {
            render::error(&error);
            ExitCode::from(COULD_NOT)
        }
    }
}

/// Keeps what the last panic said instead of printing it.
fn remember_panics() -> Arc<Mutex<String>> {
    let last = Arc::new(Mutex::new(String::new()));
    let kept = last.clone();
    std::panic::set_hook(Box::new(move |panic| {
        if let Ok(mut kept) = kept.lock() {
            *kept = panic.to_string();
        }
    }));
    last
}

/// What every command works with.
pub(crate) struct Session<'s> {
    pub kinglet: Kinglet,
    pub resolved: ResolvedConfig,
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
    let program = std::env::current_exe()
        .map_err(|cause| Error::new(ErrorKind::Machine, format!("this program cannot find itself: {cause}")))?;
    let reading = Isolation::Subprocess(program, vec!["read".to_string()]);
    let kinglet = Kinglet::new(home, resolved.config.clone()).with_isolation(reading);
    let session = Session { kinglet, resolved, global: &cli.global, runtime };
    match &cli.command {
        Command::Index { paths, name, embedder, add_embedder, watch, .. } => {
            let embedders = match (embedder.as_slice(), add_embedder.as_slice()) {
                ([], []) => Embedders::Keep,
                ([], added) => Embedders::Add(added.to_vec()),
                (these, _) => Embedders::Only(these.to_vec()),
            };
            session.index(paths, name.as_deref(), &embedders, *watch)
        }
        Command::Search { question, named, explain, filter, group_by, .. } => {
            let wanted = SearchOptions { limit: None, filter: filters(filter)?, one_per_document: group_by.is_some() };
            session.search(question, named.name.as_deref(), &wanted, *explain)
        }
        Command::Ask { question, named, filter, .. } => {
            let wanted = SearchOptions { filter: filters(filter)?, ..SearchOptions::default() };
            session.ask(question, named.name.as_deref(), &wanted)
        }
        Command::Eval { judged, tune: true, .. } => session.tune(judged),
        Command::Eval { judged, trec, .. } => session.eval(judged, trec.as_deref()),
        Command::Compare { judged, compared } => session.compare(judged, compared),
        Command::Use { system, named } => session.use_system(system, named.name.as_deref()),
        Command::Questions(QuestionsCommand::Make { over, count, generator, out }) => {
            session.questions_make(over, *count, generator.as_deref(), out.as_deref())
        }
        Command::Questions(QuestionsCommand::Review { file }) => session.questions_review(file),
        Command::Measure => session.measure(),
        Command::Status { named } => session.status(named.name.as_deref()),
        Command::Ls => session.ls(),
        Command::Rm { name, yes } => session.rm(name, *yes),
        Command::Doctor { named } => session.doctor(named.name.as_deref()),
        Command::Inspect { file, text } => session.inspect(file, *text),
        Command::Models(ModelsCommand::List) => session.models_list(),
        Command::Models(ModelsCommand::Pull { ids, from, force }) => session.models_pull(ids, from.as_deref(), *force),
        Command::Models(ModelsCommand::Add { folder }) => session.models_add(folder),
        Command::Models(ModelsCommand::Show { id }) => session.models_show(id),
        Command::Models(ModelsCommand::Path { id }) => session.models_path(id),
        Command::Config(ConfigCommand::Show) => session.config_show(),
        Command::Completions { .. } | Command::Read => Ok(DONE),
    }
}

/// What is printed may go to `head`, which stops listening: that is no error.
pub(crate) fn printed(result: std::io::Result<()>) -> Result<u8> {
    match result {
        Ok(()) => Ok(DONE),
        Err(cause) if cause.kind() == std::io::ErrorKind::BrokenPipe => Ok(DONE),
        Err(cause) => Err(Error::new(ErrorKind::Machine, format!("could not write to standard output: {cause}"))),
    }
}

impl Session<'_> {
    pub(crate) fn runtime(&self) -> &tokio::runtime::Runtime {
        self.runtime
    }

    fn index(&self, paths: &[PathBuf], name: Option<&str>, embedders: &Embedders, watch: bool) -> Result<u8> {
        let roots = paths
            .iter()
            .map(|path| path.canonicalize().map_err(|cause| Error::io("find", path, cause)))
            .collect::<Result<Vec<_>>>()?;
        let here = if roots.is_empty() && name.is_none() { here()? } else { PathBuf::new() };
        let name = self.kinglet.name_for(&roots, name, &here)?;
        self.fetch_missing(&self.kinglet.models_for_indexing(&name, embedders)?)?;
        // What changes while the first run is under way is not missed.
        let changes = if watch { Some(self.changes(&name, &roots)?) } else { None };
        let summary = self.kinglet.index_with(&name, &roots, embedders, &Bars::default())?;
        let shown = self.show_summary(&summary, &name)?;
        match changes {
            Some(changes) => self.follow(&changes, &name),
            None => Ok(shown),
        }
    }

    fn show_summary(&self, summary: &Summary, name: &str) -> Result<u8> {
        if self.global.json {
            let mut value = serde_json::to_value(summary).expect("a summary is plain data");
            value["name"] = json!(name);
            return printed(render::json(&value));
        }
        printed(render::summary(summary, name, self.global.verbose))
    }

    /// Changes below the folders of the index and below `roots`.
    fn changes(&self, name: &str, roots: &[PathBuf]) -> Result<Changes> {
        let mut all = Index::roots_in(&self.kinglet.index_folder(name)?)?;
        all.extend(roots.iter().filter(|root| !all.contains(root)).cloned().collect::<Vec<_>>());
        Changes::of(&all, &[self.kinglet.home().to_path_buf()])
    }

    /// Brings the index up to date after every change, until Ctrl-C. What fails is told, and tried again with the next change.
    fn follow(&self, changes: &Changes, name: &str) -> Result<u8> {
        render::notice(&format!("watching {name} for changes; Ctrl-C ends it"));
        let mut again = false;
        loop {
            if again {
                std::thread::sleep(AGAIN);
            } else if !changes.wait(&progress::is_stopped)? {
                return Ok(DONE);
            }
            // Somebody has removed the index: following it any further would make it anew.
            if Index::roots_in(&self.kinglet.index_folder(name)?)?.is_empty() {
                render::notice(&format!("the index {name} is gone; nothing is watched any more"));
                return Ok(DONE);
            }
            match self.kinglet.index(name, &[], &Bars::default()) {
                Ok(summary) if summary.read + summary.removed + summary.embedded > 0 => {
                    self.show_summary(&summary, name)?;
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(DONE),
                Err(error) if error.kind() == ErrorKind::Busy => {
                    again = !progress::is_stopped();
                    continue;
                }
                Err(error) => render::error(&error),
            }
            again = false;
        }
    }

    fn search(&self, question: &str, name: Option<&str>, wanted: &SearchOptions, explain: bool) -> Result<u8> {
        let name = self.ready(question, name)?;
        let searched = self.kinglet.open(&name)?.search(question, wanted)?;
        let found = &searched.results;
        let shown = if self.global.json {
            render::json(&render::hits_json(&searched))
        } else if found.is_empty() {
            render::notice("nothing found");
            Ok(())
        } else {
            render::hits(found, explain)
        };
        printed(shown)?;
        render::lacking(searched.pending, &name);
        Ok(if found.is_empty() { NOTHING_FOUND } else { DONE })
    }

    fn ask(&self, question: &str, name: Option<&str>, wanted: &SearchOptions) -> Result<u8> {
        self.check_generator_is_reachable()?;
        self.fetch_missing(&self.kinglet.models_for_answering()?)?;
        let name = self.ready(question, name)?;
        let waiting = progress::waiting(&self.resolved.config.generator.to_string());
        let mut shown = Ok(());
        let events = self.kinglet.open(&name)?.ask(question, wanted);
        let answered = self.runtime.block_on(async {
            let mut events = events;
            let mut answer = None;
            while let Some(event) = events.next().await {
                match event? {
                    AnswerEvent::Sentence(sentence) => {
                        waiting.finish_and_clear();
                        if !self.global.json && shown.is_ok() {
                            shown = render::sentence(&sentence.text);
                        }
                    }
                    AnswerEvent::Finished(finished) => answer = Some(*finished),
                    _ => {}
                }
            }
            Ok::<_, Error>(answer.expect("the last event is the answer"))
        });
        waiting.finish_and_clear();
        let mut answer = answered?;
        printed(shown)?;
        render::show_paths(&mut answer);
        if self.global.json {
            printed(render::json(&serde_json::to_value(&answer).expect("an answer is plain data")))?;
        } else {
            printed(render::sources(&answer, self.global.verbose))?;
            render::remarks(&answer, self.global.verbose);
        }
        render::lacking(answer.pending, &name);
        Ok(if answer.refused { REFUSED } else { DONE })
    }

    /// Offline, only a server on this machine may be asked.
    fn check_generator_is_reachable(&self) -> Result<()> {
        let generator = &self.resolved.config.generator;
        match generator {
            GeneratorRef::OpenAi { model }
                if args::is_offline(self.global) && !OpenAiGenerator::from_environment(model)?.is_on_this_machine() =>
            {
                Err(Error::input(format!("{generator} is a server elsewhere, and this is offline"))
                    .with_hint("set OPENAI_BASE_URL to a server on this machine, or choose another generator"))
            }
            GeneratorRef::OpenAi { .. } | GeneratorRef::Extractive | GeneratorRef::Catalog(_) => Ok(()),
        }
    }

    /// The index of this name, else the one that holds the current folder, which may be gone where it is not needed.
    pub(crate) fn index_called(&self, name: Option<&str>) -> Result<String> {
        let here = if name.is_some() { PathBuf::new() } else { here()? };
        self.kinglet.find_index(name, &here)
    }

    /// The index to ask, when there is a question and the models are here.
    fn ready(&self, question: &str, name: Option<&str>) -> Result<String> {
        if question.trim().is_empty() {
            return Err(Error::input("the question is empty").with_hint("put it in quotes: \"Who pays for repairs?\""));
        }
        let name = self.index_called(name)?;
        self.fetch_missing(&self.kinglet.models_for_searching(&name)?)?;
        Ok(name)
    }
}

fn filters(written: &[String]) -> Result<Option<Filter>> {
    Ok(Filter::all(written.iter().map(|filter| Filter::parse(filter)).collect::<Result<_>>()?))
}

fn here() -> Result<PathBuf> {
    std::env::current_dir().and_then(|here| here.canonicalize()).map_err(|cause| {
        Error::new(ErrorKind::Machine, format!("the current folder cannot be found: {cause}"))
            .with_hint("name the index with --name, or go to another folder")
    })
}
