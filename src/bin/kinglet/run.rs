//! The program: starts, hands each command to its file, and ends with its exit code.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use kinglet::config::ResolvedConfig;
use kinglet::engine::Kinglet;
use kinglet::experiment::measure_process;
use kinglet::extract::worker_process;
use kinglet::subprocess::Isolation;
use kinglet::{Error, ErrorKind, Filter, Result, SearchOptions};

use crate::args::{self, Cli, Command, ConfigCommand, Global, IndexArg, ModelsCommand, QuestionsCommand};
use crate::progress;
use crate::render;
use crate::terminal;

pub const DONE: u8 = 0;
pub const NOTHING_FOUND: u8 = 1;
pub const COULD_NOT: u8 = 2;
pub const REFUSED: u8 = 3;
const INTERRUPTED: u8 = 130;

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
            // Panics over damaged files are caught where they happen and become errors; one that
            // comes here is a fault of kinglet.
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
    let kinglet = Kinglet::new(home, resolved.config.clone()).with_isolation(this_program("read")?);
    // Generators run on it, also where the library waits for them.
    let _entered = runtime.enter();
    let session = Session { kinglet, resolved, global: &cli.global, runtime };
    match &cli.command {
        Command::Index { paths, index, embedder, add_embedder, watch, .. } => {
            session.index(paths, index.as_deref(), embedder, add_embedder, *watch)
        }
        Command::Search { question, index, explain, filter, group_by, .. } => {
            let options = SearchOptions { limit: None, filter: filters(filter)?, one_per_document: group_by.is_some() };
            session.search(question, index, &options, *explain)
        }
        Command::Ask { question, index, filter, .. } => {
            let options = SearchOptions { filter: filters(filter)?, ..SearchOptions::default() };
            session.ask(question, index, &options)
        }
        Command::Eval { collection, tune: true, .. } => session.tune(collection),
        Command::Eval { collection, trec, .. } => session.eval(collection, trec.as_deref()),
        Command::Compare { collection, compare } => session.compare(collection, compare),
        Command::Use { system, index } => session.use_system(system, index),
        Command::Questions(QuestionsCommand::Make { documents, count, generator, out }) => {
            session.questions_make(documents, *count, generator.as_deref(), out.as_deref())
        }
        Command::Questions(QuestionsCommand::Review { file }) => session.questions_review(file),
        Command::Measure => measure_process::serve().map(|()| DONE),
        Command::Status { index } => session.status(index),
        Command::Ls => session.ls(),
        Command::Rm { index, yes } => session.rm(index, *yes),
        Command::Doctor { index } => session.doctor(index),
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

/// This program in a process of its own, as the command that does a kind of jobs.
pub(crate) fn this_program(command: &str) -> Result<Isolation> {
    let program = std::env::current_exe().map_err(|cause| {
        Error::new(ErrorKind::Machine, format!("this program cannot find itself: {cause}")).with_cause(cause)
    })?;
    Ok(Isolation::Subprocess(program, vec![command.to_string()]))
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

    /// The index that is named, else the one that holds the current folder, which may be gone where
    /// it is not needed.
    pub(crate) fn index_name(&self, index: &IndexArg) -> Result<String> {
        let name = index.index.as_deref();
        let here = if name.is_some() { PathBuf::new() } else { here()? };
        self.kinglet.find_index(name, &here)
    }

    /// The index to ask, when there is a question and the models are here.
    pub(crate) fn ready(&self, question: &str, index: &IndexArg) -> Result<String> {
        if question.trim().is_empty() {
            return Err(Error::input("the question is empty").with_hint("put it in quotes: \"Who pays for repairs?\""));
        }
        let name = self.index_name(index)?;
        self.fetch_missing(&self.kinglet.models_for_searching(&name)?)?;
        Ok(name)
    }
}

fn filters(written: &[String]) -> Result<Option<Filter>> {
    Ok(Filter::all(written.iter().map(|filter| Filter::parse(filter)).collect::<Result<_>>()?))
}

pub(crate) fn here() -> Result<PathBuf> {
    std::env::current_dir().and_then(|here| here.canonicalize()).map_err(|cause| {
        Error::new(ErrorKind::Machine, format!("the current folder cannot be found: {cause}"))
            .with_hint("name the index with --index, or go to another folder")
    })
}
