//! Systems on the same questions over the same chunks, one after the other, each measured by itself. What is done is kept, so that an
//! interrupted comparison goes on where it was.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::TestCollection;
use super::measure_system::{MeasureJob, Measurement};
use super::systems::System;
use crate::engine::Kinglet;
use crate::error::{Error, Result};
use crate::eval::comparison::agreement::ContrastingQuestion;
use crate::eval::comparison::{Comparison, SystemRun, compare};
use crate::eval::judged::{Granularity, Question};
use crate::eval::{Run, trec};
use crate::index::durable_file::write_whole;
use crate::index::store::ChunkId;

/// Places of a ranking that run files hold: as many as Recall@100 looks at.
const KEPT: usize = 100;
/// Letters of a text that show what it is about.
const MOST_SHOWN: usize = 140;

/// How one system is measured: in a process of its own, or here.
pub type Runner<'r> = dyn Fn(&System, &MeasureJob) -> Result<Measurement> + 'r;

/// What is known of one system, in a file.
#[derive(Serialize, Deserialize)]
struct StoredMeasurement {
    fingerprint: String,
    measured: Measurement,
}

/// A system with what it is measured on: trials of the same questions, over the same documents, which may be cut otherwise.
#[derive(Clone, Copy)]
pub struct ComparedSystem<'e> {
    /// What is measured.
    pub system: &'e System,
    /// What it answers.
    pub trial: &'e TestCollection,
}

impl Kinglet {
    /// Measures each system on its trial's questions by `runner` and compares them. Everything goes into `folder`: `systems/` has what was
    /// measured, and is read again where nothing has changed; `runs/` has run files in TREC's format, `qrels.txt` the judgments (those of
    /// systems that cut documents otherwise stand beside their runs), and `questions.jsonl` the questions.
    ///
    /// # Errors
    /// When the runner fails, or the disk refuses. What was measured until then is kept.
    pub fn compare(
        &self,
        entries: &[ComparedSystem<'_>],
        folder: &Path,
        runner: &Runner<'_>,
    ) -> Result<Vec<Comparison>> {
        for part in ["systems", "runs"] {
            let part = folder.join(part);
            std::fs::create_dir_all(&part).map_err(|cause| Error::io("make the folder", &part, cause))?;
        }
        let mut outcomes = Vec::new();
        for ComparedSystem { system, trial } in entries.iter().copied() {
            let job = MeasureJob {
                home: self.home().to_path_buf(),
                index: trial.index.folder().to_path_buf(),
                config: system.config.clone(),
                answers: system.answers,
                questions: trial.questions.iter().map(|question| question.text.clone()).collect(),
            };
            let measured = measured_once(system, &job, trial, folder, runner)?;
            let run = named(trial, &measured)?;
            let file = run_file(folder, system);
            write_whole(&file, trec(&run, &system.name).as_bytes())?;
            if !std::ptr::eq(trial, entries[0].trial) {
                write_whole(&file.with_extension("qrels"), qrels(&trial.questions).as_bytes())?;
            }
            outcomes.push(SystemRun {
                name: system.name.clone(),
                questions: trial.questions.clone(),
                run,
                answers: measured.answers,
                cost: measured.cost,
            });
        }
        let questions = entries.first().map(|entry| entry.trial.questions.as_slice()).unwrap_or_default();
        write_whole(&folder.join("qrels.txt"), qrels(questions).as_bytes())?;
        write_whole(&folder.join("questions.jsonl"), lines(questions).as_bytes())?;
        let mut comparisons = compare(&outcomes);
        for extreme in comparisons.iter_mut().flat_map(|comparison| &mut comparison.extremes) {
            add_texts(extreme, entries)?;
        }
        Ok(comparisons)
    }
}

/// Looks up how what was found for a question begins, because names alone tell people little.
fn add_texts(extreme: &mut ContrastingQuestion, entries: &[ComparedSystem<'_>]) -> Result<()> {
    for (at, found) in extreme.found.iter_mut().enumerate() {
        let Some(entry) = entries.iter().find(|entry| entry.system.name == found.system) else { continue };
        let unit = entry.trial.questions.iter().find(|question| question.id == extreme.id);
        let unit = unit.map_or(Granularity::Document, |question| question.unit);
        let begins = |names: &[String]| -> Result<Vec<String>> {
            let chunks: Vec<ChunkId> = names.iter().filter_map(|name| entry.trial.names.first(unit, name)).collect();
            let stored = entry.trial.index.chunks(&chunks)?;
            Ok(stored.iter().map(|stored| beginning(&stored.chunk.text)).collect())
        };
        found.texts = begins(&found.top)?;
        // The names of the answers are those of the best system.
        if at == 0 {
            extreme.answer = begins(&extreme.relevant[..extreme.relevant.len().min(1)])?.pop();
        }
    }
    Ok(())
}

/// The first words of a text.
fn beginning(text: &str) -> String {
    let mut shown = String::new();
    for word in text.split_whitespace() {
        if shown.chars().count() + word.chars().count() > MOST_SHOWN {
            return format!("{shown} …").trim_start().to_string();
        }
        shown.push_str(if shown.is_empty() { "" } else { " " });
        shown.push_str(word);
    }
    shown
}

/// What was measured before, if neither the system, nor the index, nor the questions have changed since; else what is measured now.
fn measured_once(
    system: &System,
    job: &MeasureJob,
    trial: &TestCollection,
    folder: &Path,
    runner: &Runner<'_>,
) -> Result<Measurement> {
    let path = folder.join("systems").join(format!("{}.json", file_name(system)));
    let manifest = trial.index.manifest();
    let of = (env!("CARGO_PKG_VERSION"), job, manifest, trial.index.generation(), &system.name);
    let fingerprint = blake3::hash(&serde_json::to_vec(&of).expect("plain data")).to_hex().to_string();
    let kept: Option<StoredMeasurement> =
        std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if let Some(kept) = kept.filter(|kept| kept.fingerprint == fingerprint) {
        return Ok(kept.measured);
    }
    let measured = runner(system, job)?;
    if measured.rankings.len() != job.questions.len() || measured.took_ms.len() != job.questions.len() {
        return Err(Error::model(format!("{} did not answer all questions", system.name)));
    }
    let kept = StoredMeasurement { fingerprint, measured };
    write_whole(&path, &serde_json::to_vec(&kept).expect("plain data"))?;
    Ok(kept.measured)
}

/// The rankings by the names of units, each at its best chunk's place.
fn named(trial: &TestCollection, measured: &Measurement) -> Result<Run> {
    let mut rankings = Vec::new();
    for (question, hits) in trial.questions.iter().zip(&measured.rankings) {
        let mut seen = std::collections::HashSet::new();
        let mut ranking = Vec::new();
        for &(chunk, score) in hits {
            for name in trial.names.of(question.unit, chunk)? {
                if ranking.len() < KEPT && seen.insert(name) {
                    ranking.push((name.clone(), score));
                }
            }
        }
        rankings.push((question.id.clone(), ranking));
    }
    Ok(Run { rankings, took_ms: measured.took_ms.clone() })
}

/// Where a system's run file is.
pub fn run_file(folder: &Path, system: &System) -> PathBuf {
    folder.join("runs").join(format!("{}.run", file_name(system)))
}

fn file_name(system: &System) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.+=".contains(c) { c } else { '_' };
    system.name.chars().map(plain).collect()
}

/// Judgments in TREC's format: query, 0, name, grade.
fn qrels(questions: &[Question]) -> String {
    let mut text = String::new();
    for question in questions {
        for (name, grade) in &question.judgments {
            writeln!(text, "{} 0 {name} {grade}", question.id).expect("a string takes everything");
        }
    }
    text
}

fn lines(questions: &[Question]) -> String {
    let mut text = String::new();
    for question in questions {
        writeln!(text, "{}", serde_json::to_string(question).expect("plain data")).expect("a string takes everything");
    }
    text
}
