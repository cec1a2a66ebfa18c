//! Reads files in worker processes, so that a file that kills its reader costs only itself.
//!
//! A worker is this program (or another one that calls [`serve`]). Requests arrive on its standard
//! input, one line of JSON each, and messages leave on its standard output. It limits its own
//! memory; its parent process watches how long it works without progress.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::timeouts::{Timeouts, Watchdog};
use super::{Extraction, Part, Request, read};
use crate::error::Result;
use crate::subprocess::{Isolation, Subprocess, jobs, send};
use kinglet_formats::Skip;

/// The most memory of a worker.
const MEMORY_BYTES: u64 = 1400 << 20;
/// The number of files that may be read ahead of the first one without an outcome.
const READ_AHEAD: usize = 32;
/// The most worker processes: more do not help.
const MAX_WORKERS: usize = 8;
/// The least time between two reports of progress by a worker.
const HEARTBEAT: Duration = Duration::from_millis(200);

/// A message from a worker.
#[derive(Debug, Serialize, Deserialize)]
enum WorkerMessage {
    /// It makes progress.
    Progress,
    /// A part of the last request's file.
    Part(Part),
    /// The outcome of the last request.
    Done(Extraction),
}

/// Runs a worker: answers the requests on standard input until there are no more.
pub fn serve() {
    limit_memory();
    let send = |message: &WorkerMessage| {
        if !send(message) {
            // The parent process no longer listens, so there is nothing left to do.
            std::process::exit(0);
        }
    };
    for request in jobs::<Request>() {
        let last = Mutex::new(Instant::now());
        let progress = || {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.elapsed() >= HEARTBEAT {
                *last = Instant::now();
                send(&WorkerMessage::Progress);
            }
        };
        let outcome = read(&request, &progress, &mut |part| {
            send(&WorkerMessage::Part(part));
            Ok(())
        });
        send(&WorkerMessage::Done(outcome));
    }
}

#[cfg(unix)]
fn limit_memory() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let limit = Rlimit { current: Some(MEMORY_BYTES), maximum: Some(MEMORY_BYTES) };
    // If the system refuses, the time limits still hold.
    let _ = setrlimit(Resource::As, limit);
}

#[cfg(not(unix))]
fn limit_memory() {}

/// Reads all files of `requests` and passes their outcomes to `each`, in order; the parts of a file
/// come before its outcome.
///
/// # Errors
/// The first error of `each`, or if no worker can be started.
pub fn read_all(
    isolation: &Isolation,
    requests: &[Request],
    each: impl FnMut(usize, Extraction) -> Result<()>,
) -> Result<()> {
    read_all_with(Timeouts::default(), isolation, requests, each)
}

/// Does the same with other time limits.
///
/// # Errors
/// As [`read_all`].
pub fn read_all_with(
    timeouts: Timeouts,
    isolation: &Isolation,
    requests: &[Request],
    mut each: impl FnMut(usize, Extraction) -> Result<()>,
) -> Result<()> {
    let Isolation::Subprocess(program, arguments) = isolation else {
        return requests.iter().enumerate().try_for_each(|(at, request)| read_in_process(at, request, &mut each));
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS).min(requests.len());
    let next_request = AtomicUsize::new(0);
    let order = DeliveryOrder::default();
    let (sender, outcomes) = sync_channel::<(usize, Result<Extraction>)>(MAX_WORKERS);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let sender = sender.clone();
            let (next_request, order) = (&next_request, &order);
            scope.spawn(move || {
                let mut worker = None;
                loop {
                    let at = next_request.fetch_add(1, Ordering::Relaxed);
                    let Some(request) = requests.get(at) else { return };
                    if !order.wait_until(|next| at < next + READ_AHEAD) {
                        return;
                    }
                    // A request is JSON, which cannot hold such a path.
                    if request.path.to_str().is_none() {
                        let skipped =
                            Extraction::Skipped { hash: [0; 32], reason: "its name is not UTF-8".to_string() };
                        if sender.send((at, Ok(skipped))).is_err() {
                            return;
                        }
                        continue;
                    }
                    // Parts are not kept here: a worker that reads ahead waits until its file is
                    // the next one.
                    let mut deliver_part = |part| {
                        order.wait_until(|next| at == next) && sender.send((at, Ok(Extraction::Part(part)))).is_ok()
                    };
                    let dispatcher = Dispatcher { program, arguments, timeouts, order };
                    let outcome = dispatcher.dispatch(request, &mut worker, &mut deliver_part);
                    let Some(outcome) = outcome.transpose() else { return };
                    if order.is_stopped() || sender.send((at, outcome)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut next = 0;
        let mut deliver = |at: usize, outcome: Result<Extraction>| -> Result<()> {
            if let Ok(part @ Extraction::Part(_)) = outcome {
                return each(at, part);
            }
            early.insert(at, outcome);
            while let Some(outcome) = early.remove(&next) {
                each(next, outcome?)?;
                next += 1;
                order.advance();
            }
            Ok(())
        };
        let result = outcomes.iter().try_for_each(|(at, outcome)| deliver(at, outcome));
        order.stop();
        drop(outcomes);
        result
    })
}

fn read_in_process(at: usize, request: &Request, each: &mut impl FnMut(usize, Extraction) -> Result<()>) -> Result<()> {
    let mut failed = Ok(());
    let outcome = read(request, &|| {}, &mut |part| {
        failed = each(at, Extraction::Part(part));
        failed.is_ok().then_some(()).ok_or_else(|| Skip { reason: "stopped".to_string() })
    });
    failed?;
    each(at, outcome)
}

/// The order in which outcomes are delivered: that of the requests.
#[derive(Default)]
struct DeliveryOrder {
    /// The first file whose outcome has not been delivered.
    next: Mutex<usize>,
    changed: Condvar,
    stopped: AtomicBool,
}

impl DeliveryOrder {
    /// Waits until the next file satisfies the condition; `false` if reading stops first.
    fn wait_until(&self, condition: impl Fn(usize) -> bool) -> bool {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        while !condition(*next) && !self.is_stopped() {
            next = self.changed.wait(next).unwrap_or_else(PoisonError::into_inner);
        }
        !self.is_stopped()
    }

    fn advance(&self) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.changed.notify_all();
    }

    fn stop(&self) {
        {
            // Under the lock, so that no thread is between its check and its wait.
            let _next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            self.stopped.store(true, Ordering::Relaxed);
        }
        self.changed.notify_all();
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

/// A process that reads files.
type Worker = Subprocess<WorkerMessage>;

/// Sends requests to workers and watches them.
struct Dispatcher<'a> {
    program: &'a Path,
    arguments: &'a [String],
    timeouts: Timeouts,
    order: &'a DeliveryOrder,
}

impl Dispatcher<'_> {
    /// Sends a request to the worker, which it starts if there is none, and waits for the outcome;
    /// `None` if nobody needs that any more. A worker that died or was given up is `None`
    /// afterwards.
    fn dispatch(
        &self,
        request: &Request,
        worker: &mut Option<Worker>,
        deliver_part: &mut dyn FnMut(Part) -> bool,
    ) -> Result<Option<Extraction>> {
        let running = match worker {
            Some(running) => running,
            None => worker.insert(Worker::start(self.program, self.arguments, "read files")?),
        };
        let size_bytes = std::fs::metadata(&request.path).map_or(0, |metadata| metadata.len());
        let mut watchdog = Watchdog::start(running.id(), self.timeouts, size_bytes);
        let is_gone = !running.send(request);
        let reason = loop {
            if is_gone {
                break format!("its reader ended; it may need more than {} MiB of memory", MEMORY_BYTES >> 20);
            }
            match running.receive(self.timeouts.poll_interval) {
                Ok(WorkerMessage::Done(outcome)) => return Ok(Some(outcome)),
                Ok(WorkerMessage::Progress) => watchdog.record_progress(),
                Ok(WorkerMessage::Part(part)) => match deliver_part(part) {
                    true => watchdog.record_progress(),
                    false => {
                        *worker = None;
                        return Ok(None);
                    }
                },
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    break format!("its reader crashed; it may need more than {} MiB of memory", MEMORY_BYTES >> 20);
                }
            }
            if self.order.is_stopped() {
                *worker = None;
                return Ok(None);
            }
            if let Some(reason) = watchdog.exceeded() {
                break reason;
            }
        };
        *worker = None;
        Ok(Some(Extraction::GivenUp { reason }))
    }
}
