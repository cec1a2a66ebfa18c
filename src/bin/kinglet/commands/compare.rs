//! Comparing systems: each in a process of its own, then a table, a report and a verdict.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use kinglet::config::{ChunkSize, Config, EmbedderChoice, RerankerChoice};
use kinglet::engine::{Embedders, Kinglet};
use kinglet::eval::comparison::Comparison;
use kinglet::eval::report::{self, About};
use kinglet::experiment::TestCollection;
use kinglet::experiment::compare::ComparedSystem;
use kinglet::experiment::measure_system::{MeasureJob, Measurement, measure};
use kinglet::experiment::question_set::trial_over;
use kinglet::experiment::systems::{DEFAULT_MODES, System};
use kinglet::index::Index;
use kinglet::index::durable_file::make_private_folder;
use kinglet::models::reference::{EmbedderRef, RerankerRef};
use kinglet::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::args::{Compared, Judged};
use crate::commands::eval::no_questions;
use crate::progress::{self, Bars};
use crate::render;
use crate::run::{DONE, Session, printed};

/// What a measuring process says, one a line.
#[derive(Serialize, Deserialize)]
enum Message {
    /// So many questions have been answered.
    Answered(usize),
    /// The end.
    Measurement(Box<Measurement>),
}

impl Session<'_> {
    pub fn compare(&self, judged: &Judged, compared: &Compared) -> Result<u8> {
        let modes: Vec<String> = match compared.modes.as_slice() {
            [] => DEFAULT_MODES.iter().map(ToString::to_string).collect(),
            modes => modes.to_vec(),
        };
        let vary = compared.vary.iter().map(|vary| varied(vary)).collect::<Result<Vec<_>>>()?;
        let found = self.kinglet.systems(&compared.embedders, &modes, &vary)?;
        let name = self.judged_name(judged)?;
        let folder = match &compared.out {
            Some(folder) => folder.clone(),
            None => {
                // The questions may have been made from documents.
                let folder = self.kinglet.home().join("comparisons").join(&name);
                make_private_folder(&folder)?;
                folder
            }
        };
        found.left_out.iter().for_each(|sentence| render::notice(sentence));
        let trials = self.trials(judged, &name, &compared.embedders, &found.systems, &folder)?;
        let entries: Vec<ComparedSystem<'_>> = found
            .systems
            .iter()
            .map(|system| ComparedSystem { system, trial: &trials[&system.config.chunking] })
            .collect();
        let comparisons = self.measure_all(&entries, &folder)?;
        let trial = entries[0].trial;
        let about = About {
            name,
            documents: trial.documents(),
            chunks: trial.index().counts()?.chunks,
            machine: machine(),
            version: env!("CARGO_PKG_VERSION").to_string(),
            left_out: found.left_out,
            can_be_used: judged.beir.is_none(),
        };
        let html = folder.join("report.html");
        write(&folder.join("report.json"), &report::json(&about, &comparisons))?;
        write(&html, &report::html(&about, &comparisons))?;
        if self.global.json {
            let value = json!({ "about": about, "comparisons": comparisons, "report": html });
            return printed(render::json(&value));
        }
        printed(render::comparison(&about, &comparisons, &html))
    }

    fn judged_name(&self, judged: &Judged) -> Result<String> {
        match &judged.beir {
            Some(folder) => Ok(folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()),
            None => self.index_called(judged.named.name.as_deref()),
        }
    }

    /// For each chunking of the systems the trial, with all that they need in its index.
    fn trials(
        &self,
        judged: &Judged,
        name: &str,
        embedders: &[EmbedderRef],
        systems: &[System],
        folder: &Path,
    ) -> Result<BTreeMap<ChunkSize, TestCollection>> {
        if judged.questions.is_none() && judged.beir.is_none() {
            return Err(no_questions());
        }
        for system in systems {
            let kinglet = self.kinglet.clone().with_config(system.config.clone());
            match &judged.beir {
                Some(folder) => self.fetch_missing(&kinglet.models_for_trial(folder)?)?,
                None => {
                    self.fetch_missing(&self.kinglet.models_for_indexing(name, &Embedders::Add(embedders.to_vec()))?)?
                }
            }
            self.fetch_missing(&kinglet.models_of_search()?)?;
            if system.answers {
                self.fetch_missing(&kinglet.models_for_answering()?)?;
            }
        }
        let mut trials = BTreeMap::new();
        let mut prepared = HashSet::new();
        for system in systems {
            let Config { embedder, sparse, rerank, chunking, .. } = &system.config;
            let needs = (
                embedder,
                sparse,
                *rerank == RerankerChoice::Use(RerankerRef::MaxSim),
                system.config.encoder().is_some(),
                chunking,
            );
            if !prepared.insert(needs) {
                continue;
            }
            let kinglet = self.kinglet.clone().with_config(system.config.clone());
            let index = match &judged.beir {
                Some(collection) => {
                    let trial = kinglet.prepare_trial(collection, &judged.set, &Bars::default())?;
                    if judged.questions.is_none() {
                        trials.insert(*chunking, trial);
                        continue;
                    }
                    trial.index().clone()
                }
                None => self.prepared_index(&kinglet, name, embedders, folder)?,
            };
            if let Some(questions) = &judged.questions {
                trials.insert(*chunking, trial_over(index, questions)?);
            }
        }
        Ok(trials)
    }

    /// The index itself with the vectors of all embedders; where documents shall be cut otherwise, another one of the same documents.
    fn prepared_index(
        &self,
        kinglet: &Kinglet,
        name: &str,
        embedders: &[EmbedderRef],
        folder: &Path,
    ) -> Result<Arc<Index>> {
        let own = self.kinglet.index_folder(name)?;
        // What is kept of token vectors must not depend on which system comes first.
        let config =
            Config { rerank: RerankerChoice::Auto, embedder: EmbedderChoice::Auto, ..kinglet.config().clone() };
        let kinglet = kinglet.clone().with_config(config);
        let place = match kinglet.config().chunking {
            ChunkSize::Auto => own.clone(),
            cut => folder.join("indexes").join(format!("{cut:?}").to_lowercase()),
        };
        let (roots, wanted) = match place == own {
            true => (Vec::new(), Embedders::Add(embedders.to_vec())),
            false => (Index::roots_in(&own)?, Embedders::Only(embedders.to_vec())),
        };
        kinglet.index_into(&place, &roots, &wanted, &Bars::default())?;
        Ok(Arc::new(Index::open(&place)?))
    }

    fn measure_all(&self, entries: &[ComparedSystem<'_>], folder: &Path) -> Result<Vec<Comparison>> {
        let questions = entries[0].trial.questions().len();
        let bar = progress::counted((questions * entries.len()) as u64, "");
        let done = Cell::new(0);
        let runner = |system: &System, job: &MeasureJob| {
            bar.set_message(system.name.clone());
            let place = entries.iter().position(|entry| entry.system == system).unwrap_or_default();
            let measured = in_a_process(job, &|answered| bar.set_position((place * questions + answered) as u64))?;
            done.set(done.get() + 1);
            Ok(measured)
        };
        let compared = self.kinglet.compare(entries, folder, &runner);
        bar.finish_and_clear();
        if compared.as_ref().is_err_and(|error| error.kind() == ErrorKind::Interrupted) {
            let done = match done.get() {
                0 => "no system was".to_string(),
                1 => "one system was".to_string(),
                done => format!("{done} systems were"),
            };
            render::notice(&format!("{done} measured to the end in this run; the same command goes on from there"));
        }
        compared
    }

    /// What the measuring process does: a job on standard input, messages on standard output.
    pub fn measure(&self) -> Result<u8> {
        let job: MeasureJob = serde_json::from_reader(std::io::stdin().lock())
            .map_err(|cause| Error::input(format!("this is for `kinglet compare` itself to run: {cause}")))?;
        let measured = measure(&job, &|answered| say(&Message::Answered(answered)))?;
        say(&Message::Measurement(Box::new(measured)));
        Ok(DONE)
    }
}

fn say(message: &Message) {
    // Who started this process may be gone: then nobody needs an answer.
    let _ = render::json_line(&serde_json::to_string(message).expect("a message is plain data"));
}

fn in_a_process(job: &MeasureJob, answered: &dyn Fn(usize)) -> Result<Measurement> {
    let failed = |what: &str, cause: &dyn std::fmt::Display| {
        Error::new(ErrorKind::Machine, format!("a measuring process could not be {what}: {cause}"))
    };
    let program = std::env::current_exe().map_err(|cause| failed("found", &cause))?;
    let started = Instant::now();
    let mut child = Command::new(program)
        .arg("measure")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|cause| failed("started", &cause))?;
    let mut input = child.stdin.take().ok_or_else(|| failed("started", &"it has no input"))?;
    let output = child.stdout.take().ok_or_else(|| failed("started", &"it has no output"))?;
    let sent = input.write_all(&serde_json::to_vec(job).expect("a job is plain data"));
    drop(input);
    let (mut cold_start_ms, mut measured) = (0.0, None);
    for line in BufReader::new(output).lines() {
        match line.ok().and_then(|line| serde_json::from_str(&line).ok()) {
            Some(Message::Answered(0)) => cold_start_ms = started.elapsed().as_secs_f64() * 1000.0,
            Some(Message::Answered(count)) => answered(count),
            Some(Message::Measurement(found)) => measured = Some(*found),
            None => break,
        }
        if progress::is_stopped() {
            let _ = child.kill();
            break;
        }
    }
    let ended = child.wait_with_output().map_err(|cause| failed("awaited", &cause))?;
    if progress::is_stopped() {
        return Err(Error::interrupted());
    }
    let mut measured: Measurement = match (sent, measured) {
        (Ok(()), Some(measured)) => measured,
        _ => {
            let said = String::from_utf8_lossy(&ended.stderr);
            let error =
                said.lines().next().unwrap_or("it ended without a word").trim_start_matches("error: ").to_string();
            return Err(Error::model(format!("{} {}: {error}", job.config.embedder, "could not be measured")));
        }
    };
    measured.cost.cold_start_ms = cold_start_ms;
    Ok(measured)
}

/// `KEY=A,B`.
fn varied(written: &str) -> Result<(String, Vec<String>)> {
    let wrong = || {
        Error::input(format!("`{written}` varies nothing"))
            .with_hint("write a setting and its values: --vary fusion=min-max,rrf")
    };
    let (key, values) = written.split_once('=').ok_or_else(wrong)?;
    let values: Vec<String> = values.split(',').map(|value| value.trim().to_string()).collect();
    if key.is_empty() || values.iter().any(String::is_empty) {
        return Err(wrong());
    }
    Ok((key.trim().to_string(), values))
}

fn write(path: &PathBuf, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|cause| Error::io("write", path, cause))
}

/// What was measured on.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let information = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = information
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map(|(_, name)| name.trim());
    let model = model.map_or(String::new(), |name| format!("{name}, "));
    format!("{model}{cores} cores, {} {}", std::env::consts::OS, std::env::consts::ARCH)
}
