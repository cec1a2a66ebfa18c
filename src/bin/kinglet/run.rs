//! Starts the program, dispatches each command to its file, and returns the exit code.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use kinglet::config::ResolvedConfig;
use kinglet::engine::Kinglet;
use kinglet::experiment::{check_pairs, measure_process};
use kinglet::extract::worker_process;
use kinglet::models::ollama::Ollama;
use kinglet::models::openai::OpenAiGenerator;
use kinglet::models::reference::GeneratorRef;
use kinglet::subprocess::Isolation;
use kinglet::{Error, ErrorKind, Filter, OpenIndex, Result, SearchOptions};

use crate::args::{self, Cli, Command, ConfigCommand, Global, IndexArg, ModelsCommand, QuestionsCommand};
use crate::progress;
use crate::render;
use crate::terminal;

pub const DONE: u8 = 0;
pub const NOTHING_FOUND: u8 = 1;
pub const NOT_SUPPORTED: u8 = 1;
pub const FAILED: u8 = 2;
pub const REFUSED: u8 = 3;
const INTERRUPTED: u8 = 130;

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = args::parse();
    if matches!(cli.command, Command::Read) {
        // Before anything else starts, because this process limits its own memory.
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
            // Extraction catches panics over damaged files and turns them into errors; a panic that
            // arrives here is a bug in kinglet.
            catch_unwind(AssertUnwindSafe(|| run(&cli, &runtime))).unwrap_or_else(|_| {
                let what = panicked.lock().map(|what| what.clone()).unwrap_or_default();
                Err(Error::new(ErrorKind::Machine, format!("a bug in kinglet: {what}"))
                    .with_hint("please report this with the command that you typed; your documents are not touched"))
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
            ExitCode::from(FAILED)
        }
    }
}

/// Stores the message of the last panic instead of printing it.
fn remember_panics() -> Arc<Mutex<String>> {
    let message = Arc::new(Mutex::new(String::new()));
    let last = message.clone();
    std::panic::set_hook(Box::new(move |panic| {
        if let Ok(mut last) = last.lock() {
            *last = panic.to_string();
        }
    }));
    message
}

/// The context of a command.
pub(crate) struct Session<'s> {
    pub kinglet: Kinglet,
    pub resolved: ResolvedConfig,
    pub global: &'s Global,
    runtime: &'s tokio::runtime::Runtime,
}

fn run(cli: &Cli, runtime: &tokio::runtime::Runtime) -> Result<u8> {
    match &cli.command {
        Command::Completions { shell } => {
            args::print_completions(*shell);
            return Ok(DONE);
        }
        Command::Man { folder } => return args::write_manual(folder).map(|()| DONE),
        _ => {}
    }
    let home = args::home()?;
    let resolved = args::config(&cli.command, &home)?;
    let kinglet = Kinglet::new(home, resolved.config.clone()).with_isolation(this_program("read")?);
    // Generators need the runtime, also in library calls that block on them.
    let _entered = runtime.enter();
    let session = Session { kinglet, resolved, global: &cli.global, runtime };
    match &cli.command {
        Command::Index { paths, index, embedder, add_embedder, drop, watch, .. } => {
            session.index(paths, index.as_deref(), embedder, add_embedder, drop, *watch)
        }
        Command::Search {
            question,
            symbol,
            files,
            index,
            explain,
            filter,
            group_by,
            literal,
            no_correct,
            min_confidence,
            ..
        } => {
            let options = SearchOptions {
                limit: None,
                filter: filters(filter)?,
                one_per_document: group_by.is_some(),
                literal: *literal,
                keep_spelling: *no_correct,
                min_confidence: *min_confidence,
            };
            let question = question.as_deref().unwrap_or_default();
            match symbol {
                Some(symbol) => session.symbols(symbol, index, &options),
                None if *files => session.files(question, index, &options),
                None => session.search(question, index, &options, *explain),
            }
        }
        Command::Ask { question, index, filter, explain, no_correct, .. } => {
            let options =
                SearchOptions { filter: filters(filter)?, keep_spelling: *no_correct, ..SearchOptions::default() };
            session.ask(question, index, &options, *explain)
        }
        Command::Check { file, index, explain, .. } => session.check(file, index, *explain),
        Command::Calibrate { index, questions, count } => session.calibrate(index, questions.as_deref(), *count),
        Command::Eval { collection, answers: true, .. } => session.eval_answers(collection),
        Command::Eval { collection, tune: true, .. } => session.tune(collection),
        Command::Eval { collection, trec, .. } => session.eval(collection, trec.as_deref()),
        Command::Compare { collection, compare } => session.compare(collection, compare),
        Command::Use { system, index } => session.use_system(system, index),
        Command::Questions(QuestionsCommand::Make { documents, count, generator, out }) => {
            session.questions_make(documents, *count, generator.as_deref(), out.as_deref())
        }
        Command::Questions(QuestionsCommand::Review { file }) => session.questions_review(file),
        Command::CheckPairs => {
            check_pairs::serve(&session.kinglet, std::io::stdin().lock(), terminal::out()).map(|()| DONE)
        }
        Command::MeasureConfidence { collection } => session.measure_confidence(collection),
        Command::Measure => measure_process::serve().map(|()| DONE),
        Command::Status { index } => session.status(index),
        Command::Ls => session.ls(),
        Command::Rm { index, yes } => session.rm(index, *yes),
        Command::Move { index, folder, from } => session.move_root(index, folder, from.as_deref()),
        Command::Rename { index, new } => session.rename(index, new),
        Command::Doctor { index } => session.doctor(index),
        Command::Inspect { file, text } => session.inspect(file, *text),
        Command::Models(ModelsCommand::List) => session.models_list(),
        Command::Models(ModelsCommand::Pull { ids, from, force }) => session.models_pull(ids, from.as_deref(), *force),
        Command::Models(ModelsCommand::Add { source, id, sha256 }) => {
            session.models_add(source, id.as_deref(), sha256.as_deref())
        }
        Command::Models(ModelsCommand::Speed { generators }) => session.models_speed(generators),
        Command::Models(ModelsCommand::Show { id }) => session.models_show(id),
        Command::Models(ModelsCommand::Path { id }) => session.models_path(id),
        Command::Config(ConfigCommand::Show) => session.config_show(),
        Command::Completions { .. } | Command::Man { .. } | Command::Read => Ok(DONE),
    }
}

/// This program as a subprocess that runs `command`.
pub(crate) fn this_program(command: &str) -> Result<Isolation> {
    let program = std::env::current_exe().map_err(|cause| {
        Error::new(ErrorKind::Machine, format!("could not find the path of this program: {cause}")).with_cause(cause)
    })?;
    Ok(Isolation::Subprocess(program, vec![command.to_string()]))
}

/// The exit code after printing. A closed pipe, as to `head`, is no error.
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

    /// The name of the given index, or of the one that holds the current folder. That folder may be
    /// gone if an index is given.
    pub(crate) fn index_name(&self, index: &IndexArg) -> Result<String> {
        let name = index.index.as_deref();
        let folder = if name.is_some() { PathBuf::new() } else { current_folder()? };
        self.kinglet.find_index(name, &folder)
    }

    /// Fails if kinglet is offline and the generator is a server on another machine.
    pub(crate) fn check_generator_is_reachable(&self, generator: &GeneratorRef) -> Result<()> {
        let (is_on_this_machine, variable) = match generator {
            GeneratorRef::OpenAi { model } => {
                (OpenAiGenerator::from_environment(model)?.is_on_this_machine(), "OPENAI_BASE_URL")
            }
            GeneratorRef::Ollama { .. } => (Ollama::from_environment()?.is_on_this_machine(), "OLLAMA_HOST"),
            GeneratorRef::Extractive | GeneratorRef::File(_) | GeneratorRef::Catalog(_) => return Ok(()),
        };
        if args::is_offline(self.global) && !is_on_this_machine {
            return Err(Error::input(format!("{generator} is a server on another machine, and kinglet is offline"))
                .with_hint(format!("set {variable} to a server on this machine, or choose another generator")));
        }
        Ok(())
    }

    /// Opens the index for `question`, and fetches the models that a search in it needs.
    pub(crate) fn open_for(&self, question: &str, index: &IndexArg) -> Result<OpenIndex> {
        asked(question)?;
        let index = self.kinglet.open(&self.index_name(index)?)?;
        self.fetch_missing(&self.kinglet.models_for_searching(index.name())?)?;
        Ok(index)
    }
}

/// Fails if the question is empty.
pub(crate) fn asked(question: &str) -> Result<()> {
    if question.trim().is_empty() {
        return Err(Error::input("the question is empty").with_hint("put it in quotes: \"Who pays for repairs?\""));
    }
    Ok(())
}

/// The conjunction of all filters; `None` if there are none.
fn filters(written: &[String]) -> Result<Option<Filter>> {
    let all = Filter::all(written.iter().map(|filter| Filter::parse(filter)).collect::<Result<_>>()?);
    // Without a current folder, only paths below the indexed folder and absolute ones are meant.
    let here = current_folder().ok();
    Ok(all.map(|filter| match &here {
        Some(here) => filter.seen_from(here),
        None => filter,
    }))
}

/// The absolute path of a folder or file that may be gone, without links as far as it is there.
pub(crate) fn former_path(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    for there in absolute.ancestors() {
        if let (Ok(canonical), Ok(below)) = (there.canonicalize(), absolute.strip_prefix(there)) {
            return if below.as_os_str().is_empty() { canonical } else { canonical.join(below) };
        }
    }
    absolute
}

/// The current folder.
pub(crate) fn current_folder() -> Result<PathBuf> {
    std::env::current_dir().and_then(|folder| folder.canonicalize()).map_err(|cause| {
        Error::new(ErrorKind::Machine, format!("could not find the current folder: {cause}"))
            .with_hint("name the index with --index, or go to another folder")
    })
}
