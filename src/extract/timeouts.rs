//! Decides when to give up a reader, by the processor time it uses rather than by the clock.
//!
//! A reader that is stopped, starved or waits for a slow disk gets more time; one that computes
//! without progress does not.

use std::time::{Duration, Instant};

/// The time limits of a reader. Larger files get more time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// The most processor time without progress.
    pub stalled_cpu_time: Duration,
    /// Added to it for each MiB of the file.
    pub stalled_cpu_time_per_mib: Duration,
    /// The most time on the clock without progress.
    pub stalled_wall_time: Duration,
    /// Added to it for each MiB of the file.
    pub stalled_wall_time_per_mib: Duration,
    /// The most processor time for the whole file, even with progress.
    pub total_cpu_time: Duration,
    /// Added to it for each MiB of the file.
    pub total_cpu_time_per_mib: Duration,
    /// The interval between two checks of the limits.
    pub poll_interval: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            stalled_cpu_time: Duration::from_secs(20),
            stalled_cpu_time_per_mib: Duration::from_millis(250),
            stalled_wall_time: Duration::from_secs(300),
            stalled_wall_time_per_mib: Duration::from_secs(1),
            total_cpu_time: Duration::from_secs(900),
            total_cpu_time_per_mib: Duration::from_secs(10),
            poll_interval: Duration::from_millis(200),
        }
    }
}

impl Timeouts {
    /// The limits for a file of this size.
    fn for_size(self, size_bytes: u64) -> Self {
        let mib = (size_bytes >> 20).try_into().unwrap_or(u32::MAX);
        Timeouts {
            stalled_cpu_time: self.stalled_cpu_time + self.stalled_cpu_time_per_mib * mib,
            stalled_wall_time: self.stalled_wall_time + self.stalled_wall_time_per_mib * mib,
            total_cpu_time: self.total_cpu_time + self.total_cpu_time_per_mib * mib,
            ..self
        }
    }
}

/// Watches a process that reads one file.
pub(super) struct Watchdog {
    process: u32,
    limits: Timeouts,
    start: Timestamp,
    last_progress: Timestamp,
}

/// A point in time, on the clock and in the processor time of a process.
#[derive(Clone, Copy)]
struct Timestamp {
    wall: Instant,
    /// `None` if the system does not report it.
    cpu: Option<Duration>,
}

impl Timestamp {
    fn now(process: u32) -> Self {
        Timestamp { wall: Instant::now(), cpu: cpu_time(process) }
    }

    /// The processor time from this point to `now`; the time on the clock where the system does not
    /// report it.
    fn cpu_time_until(&self, now: Timestamp) -> Duration {
        let both = now.cpu.zip(self.cpu);
        both.map_or(now.wall - self.wall, |(now, before)| now.saturating_sub(before))
    }
}

impl Watchdog {
    /// Starts to watch `process`, which begins to read a file of this size.
    pub(super) fn start(process: u32, timeouts: Timeouts, size_bytes: u64) -> Self {
        let now = Timestamp::now(process);
        Watchdog { process, limits: timeouts.for_size(size_bytes), start: now, last_progress: now }
    }

    /// Records that the process made progress.
    pub(super) fn record_progress(&mut self) {
        self.last_progress = Timestamp::now(self.process);
    }

    /// The reason to give up the process now, if a limit is exceeded.
    pub(super) fn exceeded(&self) -> Option<String> {
        let now = Timestamp::now(self.process);
        if self.last_progress.cpu_time_until(now) > self.limits.stalled_cpu_time {
            let seconds = self.limits.stalled_cpu_time.as_secs();
            return Some(format!("its reader made no progress for {seconds} seconds of processor time"));
        }
        if now.wall - self.last_progress.wall > self.limits.stalled_wall_time {
            let seconds = self.limits.stalled_wall_time.as_secs();
            return Some(format!("its reader made no progress for {seconds} seconds"));
        }
        let minutes = self.limits.total_cpu_time.as_secs() / 60;
        (self.start.cpu_time_until(now) > self.limits.total_cpu_time)
            .then(|| format!("its reader did not finish within {minutes} minutes of processor time"))
    }
}

/// The processor time that a process has used, in its own code and in the system's.
#[cfg(target_os = "linux")]
fn cpu_time(process: u32) -> Option<Duration> {
    /// Linux reports these in hundredths of a second, whatever the rate of its own clock.
    const TICK: Duration = Duration::from_millis(10);
    let status = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may contain any character; user and system time are the 14th and 15th
    // field.
    let mut fields = status.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    Some(TICK * ticks()?.saturating_add(ticks()?))
}

#[cfg(not(target_os = "linux"))]
fn cpu_time(_: u32) -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_files_get_more_time() {
        let limits = Timeouts::default().for_size(185 << 20);
        assert!(limits.stalled_cpu_time > Duration::from_secs(60) && limits.total_cpu_time > Duration::from_secs(2700));
        assert_eq!(Timeouts::default().for_size(1000), Timeouts::default());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn computing_adds_processor_time() {
        let this_process = std::process::id();
        let before = cpu_time(this_process).unwrap();
        let mut sum = 0u64;
        while cpu_time(this_process).unwrap() == before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(cpu_time(this_process).unwrap() > before);
    }
}
