//! Progress bars on standard error if it is a terminal; and Ctrl-C.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use kinglet::ingest::{Event, Progress};

use crate::terminal;

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
pub fn counted(total: u64, what: &str) -> ProgressBar {
    bar(total, what, "{msg:24} {bar:32} {human_pos}/{human_len}  {per_sec}  {eta} left")
}

/// Shows a bar while `work` runs, which calls its argument with the number of things done and of
/// all.
pub fn while_counting<T>(what: &str, work: impl FnOnce(&dyn Fn(usize, usize)) -> T) -> T {
    let bar = counted(0, what);
    let result = work(&|done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    result
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
#[derive(Default)]
pub struct Bars {
    current: RefCell<Option<(String, ProgressBar)>>,
}

impl Bars {
    fn show(&self, what: &str, done: usize, total: usize) {
        let mut current = self.current.borrow_mut();
        if current.as_ref().is_none_or(|(name, _)| name != what) {
            if let Some((_, finished)) = current.take() {
                finished.finish_and_clear();
            }
            *current = Some((what.to_string(), counted(total as u64, what)));
        }
        if let Some((_, bar)) = current.as_ref() {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
        }
    }

    fn clear(&self) {
        if let Some((_, bar)) = self.current.borrow_mut().take() {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Bars {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::FilesFound { files } => self.show("reading files", 0, *files),
            Event::FileDone { done, total, .. } => self.show("reading files", *done, *total),
            Event::PartRead { path, done_bytes, total_bytes } => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let what = format!("reading, {}, MiB", terminal::on_one_line(&name));
                self.show(&what, (*done_bytes >> 20) as usize, (*total_bytes >> 20) as usize);
            }
            Event::WordsIndexed { done, total } => self.show("building lexical index", *done, *total),
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
