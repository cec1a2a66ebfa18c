//! Measures a system in a process of its own, so that its memory, its start and its crash are its
//! own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::measure_system::{MeasureJob, Measurement, measure_system};
use crate::error::{Error, Result};
use crate::ingest::Progress;
use crate::subprocess::{Isolation, Subprocess, jobs, send};

/// How long a wish to stop may wait.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What a measuring process says.
#[derive(Serialize, Deserialize)]
enum MeasureMessage {
    /// So many questions have been answered; 0 when the system is ready.
    Answered(usize),
    /// The end.
    Done(Box<Measurement>),
    /// It cannot be measured.
    Failed(String),
}

/// The measuring process: does the job on standard input. A generator needs a tokio runtime, which
/// the caller has entered.
///
/// # Errors
/// When there is no job on standard input.
pub fn serve() -> Result<()> {
    let job = jobs().next().ok_or_else(|| Error::input("this is for `kinglet compare` itself to run"))?;
    let answered = |count| {
        // Who started this process may be gone: then nobody needs an answer.
        send(&MeasureMessage::Answered(count));
    };
    let measured = catch_unwind(AssertUnwindSafe(|| measure_system(&job, &answered)));
    send(&match measured {
        Ok(Ok(measurement)) => MeasureMessage::Done(Box::new(measurement)),
        Ok(Err(error)) => MeasureMessage::Failed(error.to_string()),
        Err(panic) => MeasureMessage::Failed(match panic.downcast_ref::<String>() {
            Some(text) => text.clone(),
            None => panic.downcast_ref::<&str>().copied().unwrap_or("it broke down").to_string(),
        }),
    });
    Ok(())
}

/// Does the job there; `answered` is told after each question how many were answered, and
/// `progress` is asked whether to stop.
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
        Isolation::InProcess => measure_system(job, answered),
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
    // If it has ended already, the next message tells.
    process.send(job);
    let mut cold_start_ms = 0.0;
    loop {
        match process.receive(LOOK_EVERY) {
            Ok(MeasureMessage::Answered(0)) => cold_start_ms = started.elapsed().as_secs_f64() * 1000.0,
            Ok(MeasureMessage::Answered(count)) => answered(count),
            Ok(MeasureMessage::Done(mut measurement)) => {
                measurement.cost.cold_start_ms = cold_start_ms;
                return Ok(*measurement);
            }
            Ok(MeasureMessage::Failed(what)) => return Err(Error::model(what)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::model("its process ended without a word; it may need more memory than there is"));
            }
        }
        if progress.is_cancelled() {
            return Err(Error::interrupted());
        }
    }
}
