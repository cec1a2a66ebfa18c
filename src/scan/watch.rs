//! Waits for changes under the roots.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::error::{Error, ErrorKind, Result};

/// Changes are over when nothing has happened for this time: an editor saves in several steps, a
/// checkout in thousands.
const QUIET: Duration = Duration::from_millis(400);
/// Changes that do not end are reported after this time.
const LONGEST: Duration = Duration::from_secs(10);
/// The interval at which cancellation is checked.
const PAUSE: Duration = Duration::from_millis(100);

/// Watches folders and files from the moment it is created.
pub struct Changes {
    events: Receiver<notify::Result<Event>>,
    roots: Vec<PathBuf>,
    exclude: Vec<PathBuf>,
    _watcher: RecommendedWatcher,
}

impl Changes {
    /// Watches `roots`, absolute paths without links, except what lies in `exclude`.
    ///
    /// # Errors
    /// The system does not let them be watched.
    pub fn of(roots: &[PathBuf], exclude: &[PathBuf]) -> Result<Self> {
        let failed = |cause: notify::Error| {
            let error = Error::new(ErrorKind::Machine, format!("the folders cannot be watched: {cause}"));
            match cause.kind {
                notify::ErrorKind::MaxFilesWatch => {
                    error.with_hint("on Linux, `sysctl fs.inotify.max_user_watches` says how many folders; raise it")
                }
                _ => error.with_hint("without --watch, run `kinglet index` again after changes"),
            }
        };
        let (sender, events) = channel();
        let mut watcher = notify::recommended_watcher(sender).map_err(failed)?;
        for root in roots {
            // An editor replaces the old file by a new one, so the folder of a file is watched.
            let (folder, mode) = match root.is_dir() {
                true => (root.as_path(), RecursiveMode::Recursive),
                false => (root.parent().unwrap_or(root), RecursiveMode::NonRecursive),
            };
            watcher.watch(folder, mode).map_err(failed)?;
        }
        Ok(Changes { events, roots: roots.to_vec(), exclude: exclude.to_vec(), _watcher: watcher })
    }

    /// Waits until something has changed and changes are over; `false` if `is_cancelled` comes
    /// first.
    ///
    /// # Errors
    /// The system no longer reports changes.
    pub fn wait(&self, is_cancelled: &dyn Fn() -> bool) -> Result<bool> {
        let mut first: Option<Instant> = None;
        let mut last = Instant::now();
        while !is_cancelled() {
            match self.events.recv_timeout(PAUSE) {
                Ok(event) if self.concerns(&event) => {
                    last = Instant::now();
                    first.get_or_insert(last);
                }
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::new(ErrorKind::Machine, "the system no longer reports changes to files"));
                }
            }
            if first.is_some_and(|first| last.elapsed() >= QUIET || first.elapsed() >= LONGEST) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// True if the event may be a change below the roots. An error may hide changes, so it counts
    /// as one.
    fn concerns(&self, event: &notify::Result<Event>) -> bool {
        let Ok(event) = event else { return true };
        if matches!(event.kind, EventKind::Access(_)) {
            return false;
        }
        event.need_rescan() || event.paths.iter().any(|path| self.is_inside(path))
    }

    fn is_inside(&self, path: &Path) -> bool {
        !self.exclude.iter().any(|excluded| path.starts_with(excluded))
            && !path.components().any(|part| part.as_os_str() == ".git")
            && self.roots.iter().any(|root| path.starts_with(root))
    }
}
