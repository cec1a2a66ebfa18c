//! Progress on standard error: bars on a terminal, lines elsewhere; and Ctrl-C.

use std::cell::{Cell, RefCell};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use kinglet::ingest::{Event, Progress};

use crate::pace::Pace;
use crate::{render, terminal};

/// Without a terminal, a line shows the progress of an indexing run this often.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Set once the user has pressed Ctrl-C.
pub static STOP: AtomicBool = AtomicBool::new(false);

/// True if the user has pressed Ctrl-C.
pub fn is_stopped() -> bool {
    STOP.load(Ordering::Relaxed)
}

/// Ctrl-C ends the process at once. If the command `keeps_work`, the first one only asks it to stop
/// after the current piece of work; a second one ends the process.
pub fn listen_for_interrupts(runtime: &tokio::runtime::Runtime, keeps_work: bool) {
    runtime.spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if !keeps_work || STOP.swap(true, Ordering::Relaxed) {
                terminal::leave_line();
                // Not `std::process::exit`: it takes C++'s globals away from under the threads of a
                // language model.
                signal_hook::low_level::exit(130);
            }
        }
    });
}

/// A spinner, for work that cannot be counted.
pub fn spinner(what: &str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(what.to_string());
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}

/// A bar for countable work.
pub struct CountedBar {
    bar: ProgressBar,
    pace: RefCell<Pace>,
}

impl CountedBar {
    /// Shows a bar at 0.
    pub fn new(what: &str, total: usize) -> Self {
        let bar = bar(total as u64, what, "{msg:24} {bar:32} {human_pos}/{human_len}  {prefix}");
        CountedBar { bar, pace: RefCell::default() }
    }

    /// Shows how much is done, how fast it goes and how long it will still take.
    pub fn set(&self, done: usize, total: usize) {
        let mut pace = self.pace.borrow_mut();
        pace.observe(Instant::now(), done);
        self.bar.set_length(total as u64);
        self.bar.set_prefix(pace.text(total));
        self.bar.set_position(done as u64);
    }

    /// Changes what is counted.
    pub fn rename(&self, what: &str) {
        if self.bar.message() != what {
            self.bar.set_message(what.to_string());
            self.pace.take();
        }
    }

    /// Removes the bar.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// The same as a line.
    fn line(&self) -> String {
        let of = self.bar.length().unwrap_or_default();
        let count = format!("{}: {} of {}", self.bar.message(), grouped(self.bar.position()), grouped(of));
        match self.bar.prefix() {
            pace if pace.is_empty() => count,
            pace => format!("{count}, {pace}"),
        }
    }
}

/// Shows a bar while `work` runs, which calls its argument with the number of things done and of
/// all.
pub fn while_counting<T>(what: &str, work: impl FnOnce(&dyn Fn(usize, usize)) -> T) -> T {
    let bar = CountedBar::new(what, 0);
    let result = work(&|done, all| bar.set(done, all));
    bar.clear();
    result
}

/// A number with its thousands set apart.
pub fn grouped(number: u64) -> impl std::fmt::Display {
    HumanCount(number)
}

/// A bar that counts bytes.
pub fn bytes(total: u64, what: &str) -> ProgressBar {
    bar(total, what, "{msg:24} {bar:32} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left")
}

fn bar(total: u64, what: &str, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).expect("the template is fixed").progress_chars("━╸─");
    ProgressBar::new(total).with_style(style).with_message(what.to_string())
}

/// Shows the progress of an indexing run.
pub struct Bars<'b> {
    /// The index, if `kinglet index` runs.
    index: Option<&'b str>,
    current: RefCell<Option<(String, CountedBar)>>,
    last_line: Cell<Instant>,
}

impl Default for Bars<'_> {
    fn default() -> Self {
        Bars { index: None, current: RefCell::default(), last_line: Cell::new(Instant::now()) }
    }
}

impl<'b> Bars<'b> {
    /// The same for `kinglet index`, which can be run again in another way.
    pub fn of_index(name: &'b str) -> Self {
        Bars { index: Some(name), ..Self::default() }
    }

    /// Shows a bar for `what`, unless there is one.
    fn begin(&self, what: &str, total: usize) {
        let mut current = self.current.borrow_mut();
        if current.as_ref().is_none_or(|(name, _)| name != what) {
            if let Some((_, finished)) = current.take() {
                finished.clear();
            }
            *current = Some((what.to_string(), CountedBar::new(what, total)));
        }
    }

    fn show(&self, what: &str, done: usize, total: usize) {
        self.begin(what, total);
        let current = self.current.borrow();
        let Some((_, bar)) = current.as_ref() else { return };
        bar.set(done, total);
        if self.last_line.get().elapsed() >= LINE_EVERY && !std::io::stderr().is_terminal() {
            self.last_line.set(Instant::now());
            render::notice(&bar.line());
        }
    }

    fn clear(&self) {
        if let Some((_, bar)) = self.current.borrow_mut().take() {
            bar.clear();
        }
    }
}

impl Progress for Bars<'_> {
    fn event(&self, event: &Event<'_>) {
        match event {
            // Files that have not changed are done at once, so the pace begins with the first other
            // one.
            Event::FilesFound { files } => self.begin("reading files", *files),
            Event::FileDone { done, total, .. } => self.show("reading files", *done, *total),
            Event::PartRead { path, done_bytes, total_bytes } => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let what = format!("reading, {}, MiB", terminal::on_one_line(&name));
                self.show(&what, (*done_bytes >> 20) as usize, (*total_bytes >> 20) as usize);
            }
            Event::WordsIndexed { done, total } => self.show("building lexical index", *done, *total),
            Event::LongEmbedding { model, chunks, time, faster } => {
                let say = || render::long_embedding(model, *chunks, *time, faster.as_ref(), self.index);
                match self.current.borrow().as_ref() {
                    Some((_, bar)) => bar.bar.suspend(say),
                    None => say(),
                }
            }
            Event::Embedded { model, done, total } => self.show(&format!("embedding, {model}"), *done, *total),
            Event::Linked { model, done, total } => self.show(&format!("linking, {model}"), *done, *total),
            Event::Reached(_) => self.clear(),
            _ => {}
        }
    }

    fn is_cancelled(&self) -> bool {
        let is_stopped = is_stopped();
        if is_stopped {
            self.clear();
        }
        is_stopped
    }
}
