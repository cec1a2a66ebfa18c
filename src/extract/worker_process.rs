//! Readers in processes of their own: a file that is too much for its reader costs that process and itself, nothing else.
//!
//! A worker is this program (or another that calls [`serve`]) with pipes on its standard input and output: requests go in, a line of
//! JSON each, answers come out. It limits its own memory; how long it may work without getting on is watched from outside.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::timeouts::{Timeouts, Watchdog};
use super::{Extraction, Part, Request, read};
use crate::error::{Error, ErrorKind, Result};
use kinglet_formats::Skip;

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
pub enum Isolation {
    /// In this process, one after the other: for programs that trust their files.
    #[default]
    InProcess,
    /// In processes made by this program with these arguments, which must call [`serve`].
    Subprocess(PathBuf, Vec<String>),
}

/// What a worker says.
#[derive(Debug, Serialize, Deserialize)]
enum Said {
    /// It gets on.
    Progress,
    /// A part of the last request's file.
    Part(Part),
    /// What came of the last request.
    Done(Extraction),
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
        let progress = || {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.elapsed() >= HEARTBEAT {
                *last = Instant::now();
                say(&Said::Progress);
            }
        };
        let outcome = read(&request, &progress, &mut |part| {
            say(&Said::Part(part));
            Ok(())
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

/// Reads all of `requests` and gives each outcome to `each`, in their order; the parts of a file come before its outcome.
///
/// # Errors
/// The first error of `each`, or when no worker can be started.
pub fn read_all(
    place: &Isolation,
    requests: &[Request],
    each: impl FnMut(usize, Extraction) -> Result<()>,
) -> Result<()> {
    read_all_with(Timeouts::default(), place, requests, each)
}

/// The same with another patience.
///
/// # Errors
/// As [`read_all`].
pub fn read_all_with(
    patience: Timeouts,
    place: &Isolation,
    requests: &[Request],
    mut each: impl FnMut(usize, Extraction) -> Result<()>,
) -> Result<()> {
    let Isolation::Subprocess(program, arguments) = place else {
        return requests.iter().enumerate().try_for_each(|(at, request)| read_here(at, request, &mut each));
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS).min(requests.len());
    let next = AtomicUsize::new(0);
    let turns = Turns::default();
    let (answer, answers) = sync_channel::<(usize, Result<Extraction>)>(MOST_WORKERS);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let answer = answer.clone();
            let (next, turns) = (&next, &turns);
            scope.spawn(move || {
                let mut worker = None;
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(request) = requests.get(at) else { return };
                    if !turns.wait(|first| at < first + AHEAD) {
                        return;
                    }
                    // Parts are not kept: what is read ahead of its turn waits in its own process.
                    let mut give =
                        |part| turns.wait(|first| at == first) && answer.send((at, Ok(Extraction::Part(part)))).is_ok();
                    let asked = Asked { program, arguments, patience, turns };
                    let Some(outcome) = asked.ask(&mut worker, request, &mut give).transpose() else { return };
                    if turns.are_over() || answer.send((at, outcome)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(answer);
        let mut waiting = BTreeMap::new();
        let mut first = 0;
        let mut give = |at: usize, outcome: Result<Extraction>| -> Result<()> {
            if let Ok(part @ Extraction::Part(_)) = outcome {
                return each(at, part);
            }
            waiting.insert(at, outcome);
            while let Some(outcome) = waiting.remove(&first) {
                each(first, outcome?)?;
                first += 1;
                turns.move_on();
            }
            Ok(())
        };
        let result = answers.iter().try_for_each(|(at, outcome)| give(at, outcome));
        turns.end();
        drop(answers);
        result
    })
}

fn read_here(at: usize, request: &Request, each: &mut impl FnMut(usize, Extraction) -> Result<()>) -> Result<()> {
    let mut failed = Ok(());
    let outcome = read(request, &|| {}, &mut |part| {
        failed = each(at, Extraction::Part(part));
        failed.is_ok().then_some(()).ok_or_else(|| Skip { reason: "stopped".to_string() })
    });
    failed?;
    each(at, outcome)
}

/// Whose turn it is.
#[derive(Default)]
struct Turns {
    /// The first file whose outcome has not been given.
    first: Mutex<usize>,
    moved_on: Condvar,
    over: AtomicBool,
}

impl Turns {
    /// Waits for a moment; `false` if it will not come.
    fn wait(&self, has_come: impl Fn(usize) -> bool) -> bool {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        while !has_come(*first) && !self.are_over() {
            first = self.moved_on.wait(first).unwrap_or_else(PoisonError::into_inner);
        }
        !self.are_over()
    }

    fn move_on(&self) {
        *self.first.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.moved_on.notify_all();
    }

    fn end(&self) {
        {
            // Under the lock, so that nobody is between looking and waiting.
            let _first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
            self.over.store(true, Ordering::Relaxed);
        }
        self.moved_on.notify_all();
    }

    fn are_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
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
            Error::new(ErrorKind::Machine, format!("could not start {} to read files: {cause}", program.display()))
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
        // What is not listened to waits in the pipe, and the worker with it.
        let (say, said) = sync_channel(1);
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

/// What a worker is asked by.
struct Asked<'a> {
    program: &'a PathBuf,
    arguments: &'a [String],
    patience: Timeouts,
    turns: &'a Turns,
}

impl Asked<'_> {
    /// Puts a request to the worker, starting one if there is none; `None` where nobody waits for its outcome any more. A worker that
    /// dies or is given up is `None` afterwards.
    fn ask(
        &self,
        worker: &mut Option<Worker>,
        request: &Request,
        give: &mut dyn FnMut(Part) -> bool,
    ) -> Result<Option<Extraction>> {
        let running = match worker {
            Some(running) => running,
            None => worker.insert(Worker::start(self.program, self.arguments)?),
        };
        let size_bytes = std::fs::metadata(&request.path).map_or(0, |about| about.len());
        let mut watched = Watchdog::begin(running.child.id(), self.patience, size_bytes);
        let line = serde_json::to_string(request).expect("plain data");
        let gone = writeln!(running.requests, "{line}").and_then(|()| running.requests.flush()).is_err();
        let reason = loop {
            if gone {
                break format!("its reader ended; it may need more than {} MiB of memory", MEMORY_BYTES >> 20);
            }
            match running.said.recv_timeout(self.patience.look_every) {
                Ok(Said::Done(outcome)) => return Ok(Some(outcome)),
                Ok(Said::Progress) => watched.gets_on(),
                Ok(Said::Part(part)) => match give(part) {
                    true => watched.gets_on(),
                    false => {
                        *worker = None;
                        return Ok(None);
                    }
                },
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    break format!("its reader broke down; it may need more than {} MiB of memory", MEMORY_BYTES >> 20);
                }
            }
            if self.turns.are_over() {
                *worker = None;
                return Ok(None);
            }
            if let Some(reason) = watched.verdict() {
                break reason;
            }
        };
        *worker = None;
        Ok(Some(Extraction::GivenUp { reason }))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_handbook_says_how_much_memory_a_reader_may_take_and_what_is_read_in_pieces() {
        let handbook = include_str!("../../corpora/handbook/indexing.md");
        let mib = super::MEMORY_BYTES >> 20;
        assert!(handbook.contains(&format!("which may take {},{:03} MiB of memory", mib / 1000, mib % 1000)));
        let handbook = include_str!("../../corpora/handbook/file-formats.md");
        let mib = crate::extract::long_file::LONG_BYTES >> 20;
        assert!(handbook.contains(&format!("mailboxes of {mib} MiB and more are read piece by piece")));
    }
}
