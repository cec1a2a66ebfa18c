//! Runs jobs in another process: jobs go in, messages come out, each one line of JSON.
//!
//! A hostile file, a crash or a peak of memory then costs that process and nothing else.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind, Result};

/// The process that does a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Isolation {
    /// This process.
    #[default]
    InProcess,
    /// A process of this program, started with these arguments. It must serve jobs of this kind.
    Subprocess(PathBuf, Vec<String>),
}

/// A running process that does jobs. Dropping it ends the process.
pub(crate) struct Subprocess<M> {
    child: Child,
    jobs: ChildStdin,
    messages: Receiver<M>,
}

impl<M: DeserializeOwned + Send + 'static> Subprocess<M> {
    /// Starts the process; error messages name `purpose`, a verb phrase.
    pub fn start(program: &Path, arguments: &[String], purpose: &str) -> Result<Self> {
        let failed = |cause: std::io::Error| {
            Error::new(ErrorKind::Machine, format!("could not start {} to {purpose}: {cause}", program.display()))
                .with_cause(cause)
        };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let (Some(jobs), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed(std::io::Error::other("it has no pipes")));
        };
        // Messages that are not received yet wait in the pipe, and the process with them.
        let (sender, messages) = sync_channel(1);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Some(message) = line.ok().and_then(|line| serde_json::from_str(&line).ok()) else { return };
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Ok(Subprocess { child, jobs, messages })
    }

    /// Sends a job; `false` if the process has ended.
    pub fn send(&mut self, job: &impl Serialize) -> bool {
        let line = serde_json::to_string(job).expect("a job is plain data");
        writeln!(self.jobs, "{line}").and_then(|()| self.jobs.flush()).is_ok()
    }

    /// Receives the next message; `Disconnected` if the process has ended.
    pub fn receive(&self, timeout: Duration) -> std::result::Result<M, RecvTimeoutError> {
        self.messages.recv_timeout(timeout)
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl<M> Drop for Subprocess<M> {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Called in the subprocess: the jobs that arrive, until there are no more.
pub(crate) fn jobs<J: DeserializeOwned>() -> impl Iterator<Item = J> {
    std::io::stdin().lock().lines().map_while(|line| serde_json::from_str(&line.ok()?).ok())
}

/// Called in the subprocess: sends a message; `false` if the parent process no longer listens.
pub(crate) fn send(message: &impl Serialize) -> bool {
    let line = serde_json::to_string(message).expect("a message is plain data");
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).is_ok()
}
