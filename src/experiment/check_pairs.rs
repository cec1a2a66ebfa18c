//! Holds claims against texts that come with them: what `make bench-checks` measures.

use std::io::{BufRead, Write};

use serde::{Deserialize, Serialize};

use crate::answer::{Passage, SentenceChecker, SupportLabel};
use crate::chunking::Chunk;
use crate::engine::Kinglet;
use crate::error::{Error, ErrorKind, Result};
use crate::text::Span;
use kinglet_formats::LocationUnit;

/// A line of input.
#[derive(Deserialize)]
struct ClaimPair {
    claim: String,
    /// The texts that should support it.
    evidence: Vec<String>,
    /// The question that the claim answers, if any.
    #[serde(default)]
    question: String,
}

/// A line of output.
#[derive(Serialize)]
struct JudgedPair {
    /// Null if the claim has nothing to check.
    label: Option<SupportLabel>,
    probability: f32,
}

/// Reads a pair from each line of `input` and writes a judgement for each to `output`, as JSON.
///
/// # Errors
/// When a line is not a pair, the model fails, or the output cannot be written.
pub fn serve(kinglet: &Kinglet, input: impl BufRead, mut output: impl Write) -> Result<()> {
    let model = kinglet.open_support_checker()?;
    let machine = |cause: std::io::Error| Error::new(ErrorKind::Machine, format!("pairs could not pass: {cause}"));
    for line in input.lines() {
        let pair: ClaimPair = serde_json::from_str(&line.map_err(machine)?)
            .map_err(|cause| Error::input(format!("a line is not a claim with its evidence: {cause}")))?;
        let evidence: Vec<Passage> = pair.evidence.iter().map(|text| passage(text)).collect();
        let checker = SentenceChecker::new(&pair.question, &evidence, Vec::new(), Some(model.clone()));
        let check = checker.check(&pair.claim, &[])?;
        let judged = JudgedPair {
            label: check.as_ref().map(|check| check.label),
            probability: check.as_ref().map_or(0.0, |check| check.probability),
        };
        let json = serde_json::to_string(&judged).expect("a judgement is plain data");
        writeln!(output, "{json}").map_err(machine)?;
    }
    Ok(())
}

fn passage(text: &str) -> Passage {
    let chunk = Chunk {
        span: Span { start: 0, end: text.len() },
        unit: LocationUnit::Line,
        first: 1,
        last: text.lines().count().max(1) as u32,
        places: None,
        headings: Vec::new(),
        inner_headings: Vec::new(),
        text: text.to_string(),
    };
    Passage { path: String::new(), chunk, truncated: None, gone: false, sentences: Vec::new() }
}
