//! Readers in processes of their own: a file that is too much for its reader costs that process and itself, nothing else.
//!
//! A worker is this program (or another that calls [`serve`]) with pipes on its standard input and output: requests go in, a line of
//! JSON each, answers come out. It limits its own memory; how long it may be silent is watched from outside.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Outcome, Request, read};
use crate::error::{Error, Fault, Result};

/// A reader that does not get on for so long is given up.
const SILENCE: Duration = Duration::from_secs(20);
/// A reader is given up after this, however well it gets on.
const LONGEST: Duration = Duration::from_secs(900);
/// The most memory that a worker may take.
const MEMORY_BYTES: u64 = 1400 << 20;
/// Files that may be read ahead of the first one that is not yet read.
const AHEAD: usize = 32;
/// More processes than this do not help.
const MOST_WORKERS: usize = 8;
/// How often a worker says that it gets on.
const HEARTBEAT: Duration = Duration::from_millis(200);

/// Where files are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Place {
    /// In this process, one after the other: for programs that trust their files.
    #[default]
    Here,
    /// In processes made by this program with these arguments, which must call [`serve`].
    Workers(PathBuf, Vec<String>),
}

/// What a worker says.
#[derive(Debug, Serialize, Deserialize)]
enum Said {
    /// It gets on.
    Progress,
    /// What came of the last request.
    Done(Outcome),
}

/// The worker's side: answers requests on standard input until there are no more.
pub fn serve() {
    limit_memory();
    let say = |said: &Said| {
        let line = serde_json::to_string(said).expect("plain data");
        let mut out = std::io::stdout().lock();
        // Nobody listens any more: there is nothing left to do.
        if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
            std::process::exit(0);
        }
    };
    for line in std::io::stdin().lock().lines() {
        let Some(request) = line.ok().and_then(|line| serde_json::from_str::<Request>(&line).ok()) else { return };
        let last = Mutex::new(Instant::now());
        let outcome = read(&request, &|| {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.elapsed() >= HEARTBEAT {
                *last = Instant::now();
                say(&Said::Progress);
            }
        });
        say(&Said::Done(outcome));
    }
}

#[cfg(unix)]
fn limit_memory() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let limit = Rlimit { current: Some(MEMORY_BYTES), maximum: Some(MEMORY_BYTES) };
    // Where the system does not take it, the time limit still stands.
    let _ = setrlimit(Resource::As, limit);
}

#[cfg(not(unix))]
fn limit_memory() {}

/// Reads all of `requests` and gives each outcome to `each`, in their order.
///
/// # Errors
/// The first error of `each`, or when no worker can be started.
pub fn read_all(place: &Place, requests: &[Request], mut each: impl FnMut(usize, Outcome) -> Result<()>) -> Result<()> {
    let Place::Workers(program, arguments) = place else {
        return requests.iter().enumerate().try_for_each(|(at, request)| each(at, read(request, &|| {})));
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS).min(requests.len());
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (taken, moved_on) = (Mutex::new(0), Condvar::new());
    let (answer, answers) = sync_channel::<(usize, Result<Outcome>)>(AHEAD);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let answer = answer.clone();
            let (next, stopped, taken, moved_on) = (&next, &stopped, &taken, &moved_on);
            scope.spawn(move || {
                let mut worker = None;
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(request) = requests.get(at) else { return };
                    let mut done = taken.lock().unwrap_or_else(PoisonError::into_inner);
                    while at >= *done + AHEAD && !stopped.load(Ordering::Relaxed) {
                        done = moved_on.wait(done).unwrap_or_else(PoisonError::into_inner);
                    }
                    drop(done);
                    if stopped.load(Ordering::Relaxed)
                        || answer.send((at, ask(&mut worker, program, arguments, request))).is_err()
                    {
                        return;
                    }
                }
            });
        }
        drop(answer);
        let mut waiting = BTreeMap::new();
        let mut give = |at: usize, outcome: Result<Outcome>| -> Result<()> {
            waiting.insert(at, outcome);
            loop {
                let mut first = taken.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(outcome) = waiting.remove(&*first) else { return Ok(()) };
                let at = *first;
                *first += 1;
                drop(first);
                moved_on.notify_all();
                each(at, outcome?)?;
            }
        };
        let result = answers.iter().try_for_each(|(at, outcome)| give(at, outcome));
        {
            // Under the lock, so that nobody is between looking and waiting.
            let _taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
            stopped.store(true, Ordering::Relaxed);
        }
        moved_on.notify_all();
        drop(answers);
        result
    })
}

/// A process that reads.
struct Worker {
    child: Child,
    requests: ChildStdin,
    said: Receiver<Said>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It is this one's own child, and may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Worker {
    fn start(program: &PathBuf, arguments: &[String]) -> Result<Self> {
        let failed = |cause: std::io::Error| {
            Error::new(Fault::Machine, format!("could not start {} to read files: {cause}", program.display()))
        };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let (requests, answers) = (child.stdin.take(), child.stdout.take());
        let (Some(requests), Some(answers)) = (requests, answers) else {
            return Err(failed(std::io::Error::other("it has no pipes")));
        };
        let (say, said) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(answers).lines() {
                let Some(heard) = line.ok().and_then(|line| serde_json::from_str(&line).ok()) else { return };
                if say.send(heard).is_err() {
                    return;
                }
            }
        });
        Ok(Worker { child, requests, said })
    }
}

/// Puts a request to the worker, starting one if there is none. One that dies or is given up is `None` afterwards.
fn ask(worker: &mut Option<Worker>, program: &PathBuf, arguments: &[String], request: &Request) -> Result<Outcome> {
    let running = match worker {
        Some(running) => running,
        None => worker.insert(Worker::start(program, arguments)?),
    };
    let line = serde_json::to_string(request).expect("plain data");
    let gone = writeln!(running.requests, "{line}").and_then(|()| running.requests.flush()).is_err();
    let started = Instant::now();
    let reason = loop {
        if gone {
            break format!("its reader ended; it may need more than {} MiB of memory", MEMORY_BYTES >> 20);
        }
        match running.said.recv_timeout(SILENCE) {
            Ok(Said::Done(outcome)) => return Ok(outcome),
            Ok(Said::Progress) if started.elapsed() < LONGEST => {}
            Ok(Said::Progress) => break format!("not read after {} minutes", LONGEST.as_secs() / 60),
            Err(RecvTimeoutError::Timeout) => {
                break format!("its reader did not get on for {} seconds", SILENCE.as_secs());
            }
            Err(RecvTimeoutError::Disconnected) => {
                break format!("its reader broke down; it may need more than {} MiB of memory", MEMORY_BYTES >> 20);
            }
        }
    };
    *worker = None;
    // The bytes are hashed here, so that the file is not tried again until it changes.
    let hash = std::fs::read(&request.path).map_or([0; 32], |bytes| *blake3::hash(&bytes).as_bytes());
    Ok(Outcome::Skipped { hash, reason })
}
