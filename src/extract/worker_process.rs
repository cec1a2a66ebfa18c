//! Readers in processes of their own: a file that is too much for its reader costs that process and itself, nothing else.
//!
//! A worker is this program (or another that calls [`serve`]) with pipes on its standard input and output: requests go in, a line of
//! JSON each, answers come out. It limits its own memory; how long it may work without getting on is watched from outside.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

pub use crate::subprocess::Isolation;

use super::timeouts::{Timeouts, Watchdog};
use super::{Extraction, Part, Request, read};
use crate::error::Result;
use crate::subprocess::{Subprocess, jobs, tell};
use kinglet_formats::Skip;

/// The most memory that a worker may take.
const MEMORY_BYTES: u64 = 1400 << 20;
/// Files that may be read ahead of the first one that is not yet read.
const AHEAD: usize = 32;
/// More processes than this do not help.
const MOST_WORKERS: usize = 8;
/// How often a worker says that it gets on.
const HEARTBEAT: Duration = Duration::from_millis(200);

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
        if !tell(said) {
            // Nobody listens any more: there is nothing left to do.
            std::process::exit(0);
        }
    };
    for request in jobs::<Request>() {
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
type Worker = Subprocess<Said>;

/// What a worker is asked by.
struct Asked<'a> {
    program: &'a Path,
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
            None => worker.insert(Worker::start(self.program, self.arguments, "read files")?),
        };
        let size_bytes = std::fs::metadata(&request.path).map_or(0, |about| about.len());
        let mut watched = Watchdog::begin(running.id(), self.patience, size_bytes);
        let is_gone = !running.give(request);
        let reason = loop {
            if is_gone {
                break format!("its reader ended; it may need more than {} MiB of memory", MEMORY_BYTES >> 20);
            }
            match running.next(self.patience.look_every) {
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
