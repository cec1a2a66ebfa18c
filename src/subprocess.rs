//! A program of our own in a process of its own: jobs go in, messages come out, each a line of JSON.
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

/// In which process a job is done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Isolation {
    /// In this one.
    #[default]
    InProcess,
    /// In one that is started as this program with these arguments, and serves jobs of that kind.
    Subprocess(PathBuf, Vec<String>),
}

/// A running process that does jobs. It is ended when this is dropped.
pub(crate) struct Subprocess<M> {
    child: Child,
    jobs: ChildStdin,
    messages: Receiver<M>,
}

impl<M: DeserializeOwned + Send + 'static> Subprocess<M> {
    /// Starts it; `purpose` (a verb phrase) is for messages.
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
        // What is not listened to waits in the pipe, and the process with it.
        let (tell, messages) = sync_channel(1);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Some(message) = line.ok().and_then(|line| serde_json::from_str(&line).ok()) else { return };
                if tell.send(message).is_err() {
                    return;
                }
            }
        });
        Ok(Subprocess { child, jobs, messages })
    }

    /// Gives it a job; `false` if it has ended.
    pub fn give(&mut self, job: &impl Serialize) -> bool {
        let line = serde_json::to_string(job).expect("a job is plain data");
        writeln!(self.jobs, "{line}").and_then(|()| self.jobs.flush()).is_ok()
    }

    /// The next message; `Disconnected` if it has ended.
    pub fn next(&self, patience: Duration) -> std::result::Result<M, RecvTimeoutError> {
        self.messages.recv_timeout(patience)
    }

    /// The number that the system knows it by.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl<M> Drop for Subprocess<M> {
    fn drop(&mut self) {
        // It is this one's own child, and may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In the subprocess: the jobs that it is given, until there are no more.
pub(crate) fn jobs<J: DeserializeOwned>() -> impl Iterator<Item = J> {
    std::io::stdin().lock().lines().map_while(|line| serde_json::from_str(&line.ok()?).ok())
}

/// In the subprocess: sends a message; `false` if nobody listens any more.
pub(crate) fn tell(message: &impl Serialize) -> bool {
    let line = serde_json::to_string(message).expect("a message is plain data");
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).is_ok()
}
