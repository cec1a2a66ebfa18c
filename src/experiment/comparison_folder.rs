//! The folder of a comparison: measurements, so that an interrupted comparison can continue; run
//! files and judgments in TREC's format; the report.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::measure_system::Measurement;
use super::systems::System;
use crate::error::{Error, Result};
use crate::eval::judgments::Question;
use crate::eval::report::Report;
use crate::eval::{Run, trec};
use crate::index::durable_file::write_whole;

/// The measurement of one system, as stored in a file.
#[derive(Serialize, Deserialize)]
struct StoredMeasurement {
    fingerprint: String,
    measurement: Measurement,
}

pub(super) struct ComparisonFolder<'f>(&'f Path);

impl<'f> ComparisonFolder<'f> {
    pub fn create(folder: &'f Path) -> Result<Self> {
        for part in ["systems", "runs"] {
            let part = folder.join(part);
            std::fs::create_dir_all(&part).map_err(|cause| Error::io("make the folder", &part, cause))?;
        }
        Ok(ComparisonFolder(folder))
    }

    /// The stored measurement of the system, if it has the same fingerprint.
    pub fn stored(&self, system: &System, fingerprint: &str) -> Option<Measurement> {
        let bytes = std::fs::read(self.measurement_file(system)).ok()?;
        let stored: StoredMeasurement = serde_json::from_slice(&bytes).ok()?;
        (stored.fingerprint == fingerprint).then_some(stored.measurement)
    }

    pub fn store(&self, system: &System, fingerprint: String, measurement: Measurement) -> Result<Measurement> {
        let stored = StoredMeasurement { fingerprint, measurement };
        write_whole(&self.measurement_file(system), &serde_json::to_vec(&stored).expect("plain data"))?;
        Ok(stored.measurement)
    }

    fn measurement_file(&self, system: &System) -> PathBuf {
        self.0.join("systems").join(format!("{}.json", file_name(system)))
    }

    fn run_file(&self, system: &System) -> PathBuf {
        self.0.join("runs").join(format!("{}.run", file_name(system)))
    }

    pub fn write_run(&self, system: &System, run: &Run) -> Result<()> {
        write_whole(&self.run_file(system), trec(run, &system.name).as_bytes())
    }

    /// Writes the judgments for a system with another chunk size than the first one, which gives
    /// passages other names.
    pub fn write_own_judgments(&self, system: &System, questions: &[Question]) -> Result<()> {
        write_whole(&self.run_file(system).with_extension("qrels"), qrels(questions).as_bytes())
    }

    pub fn write_questions(&self, questions: &[Question]) -> Result<()> {
        write_whole(&self.0.join("qrels.txt"), qrels(questions).as_bytes())?;
        let line = |question| serde_json::to_string(question).expect("plain data") + "\n";
        write_whole(&self.0.join("questions.jsonl"), questions.iter().map(line).collect::<String>().as_bytes())
    }

    /// Writes `report.json` and `report.html`; returns the path of the latter.
    pub fn write_report(&self, report: &Report) -> Result<PathBuf> {
        write_whole(&self.0.join("report.json"), report.json().as_bytes())?;
        let page = self.0.join("report.html");
        write_whole(&page, report.html().as_bytes())?;
        Ok(page)
    }
}

fn file_name(system: &System) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "-_.+=".contains(c) { c } else { '_' };
    system.name.chars().map(safe).collect()
}

/// Judgments in TREC's format: question, 0, name, grade.
fn qrels(questions: &[Question]) -> String {
    let mut text = String::new();
    for question in questions {
        for (name, grade) in &question.judgments {
            writeln!(text, "{} 0 {name} {grade}", question.id).expect("a string takes everything");
        }
    }
    text
}
