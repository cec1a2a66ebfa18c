//! Measures a system in a separate process, so that memory and cold start are its own and a crash
//! does not end the comparison.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::measure_system::{MeasureJob, Measurement, measure_system};
use crate::error::{Error, Result};
use crate::ingest::Progress;
use crate::subprocess::{Isolation, Subprocess, jobs, send};

/// How often to check whether to stop.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// A message from the measuring process.
#[derive(Serialize, Deserialize)]
enum MeasureMessage {
    /// The number of questions answered; 0 when the system is ready.
    Answered(usize),
    /// The measurement is finished.
    Done(Box<Measurement>),
    /// The system cannot be measured, and why.
    Failed(String),
}

/// Runs the measuring process: reads a job from standard input and writes messages to standard
/// output. A generator needs a tokio runtime, which the caller must have entered.
///
/// # Errors
/// When there is no job on standard input.
pub fn serve() -> Result<()> {
    let job = jobs().next().ok_or_else(|| Error::input("there is no job: only `kinglet compare` runs this command"))?;
    let answered = |count| {
        // The parent process may be gone: then nobody needs the message.
        send(&MeasureMessage::Answered(count));
    };
    let measured = catch_unwind(AssertUnwindSafe(|| measure_system(&job, &answered)));
    send(&match measured {
        Ok(Ok(measurement)) => MeasureMessage::Done(Box::new(measurement)),
        Ok(Err(error)) => MeasureMessage::Failed(error.to_string()),
        Err(panic) => MeasureMessage::Failed(match panic.downcast_ref::<String>() {
            Some(text) => text.clone(),
            None => panic.downcast_ref::<&str>().copied().unwrap_or("it panicked").to_string(),
        }),
    });
    Ok(())
}

/// Runs the job where `isolation` says; calls `answered` after each question with the number
/// answered so far; `progress` decides whether to stop.
pub(super) fn measure(
    isolation: &Isolation,
    job: &MeasureJob,
    progress: &dyn Progress,
    answered: &dyn Fn(usize),
) -> Result<Measurement> {
    if progress.is_cancelled() {
        return Err(Error::interrupted());
    }
    match isolation {
        Isolation::InProcess => {
            let (started, first_ms) = (Instant::now(), Cell::new(0.0));
            let answered = |count| match count {
                0 => first_ms.set(started.elapsed().as_secs_f64() * 1000.0),
                count => answered(count),
            };
            let mut measurement = measure_system(job, &answered)?;
            measurement.cost.cold_start_ms = first_ms.get();
            Ok(measurement)
        }
        Isolation::Subprocess(program, arguments) => {
            let measured = measure_in_subprocess(program, arguments, job, progress, answered);
            if progress.is_cancelled() { Err(Error::interrupted()) } else { measured }
        }
    }
}

fn measure_in_subprocess(
    program: &Path,
    arguments: &[String],
    job: &MeasureJob,
    progress: &dyn Progress,
    answered: &dyn Fn(usize),
) -> Result<Measurement> {
    let started = Instant::now();
    let mut process = Subprocess::start(program, arguments, "measure a system")?;
    // If the process has ended already, the next message says so.
    process.send(job);
    let mut cold_start_ms = 0.0;
    loop {
        match process.receive(POLL_INTERVAL) {
            Ok(MeasureMessage::Answered(0)) => cold_start_ms = started.elapsed().as_secs_f64() * 1000.0,
            Ok(MeasureMessage::Answered(count)) => answered(count),
            Ok(MeasureMessage::Done(mut measurement)) => {
                measurement.cost.cold_start_ms = cold_start_ms;
                return Ok(*measurement);
            }
            Ok(MeasureMessage::Failed(reason)) => return Err(Error::model(reason)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::model(
                    "its process ended without a message; it may need more memory than this machine has",
                ));
            }
        }
        if progress.is_cancelled() {
            return Err(Error::interrupted());
        }
    }
}
