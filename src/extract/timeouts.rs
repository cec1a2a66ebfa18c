//! When a reader is given up. What it does is measured, not how long it takes: one that is stopped, starved or waits for a slow disk
//! is waited for, one that computes without getting on is not.

use std::time::{Duration, Instant};

/// How long a reader is waited for. Larger files may take longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// The processor time after which one that does not get on is given up.
    pub processor: Duration,
    /// More of it for each MiB of the file.
    pub processor_a_mib: Duration,
    /// The time on the clock after which one that does not get on is given up.
    pub clock: Duration,
    /// More of it for each MiB of the file.
    pub clock_a_mib: Duration,
    /// The processor time after which one is given up, however well it gets on.
    pub longest: Duration,
    /// More of it for each MiB of the file.
    pub longest_a_mib: Duration,
    /// How often it is looked at.
    pub look_every: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            processor: Duration::from_secs(20),
            processor_a_mib: Duration::from_millis(250),
            clock: Duration::from_secs(300),
            clock_a_mib: Duration::from_secs(1),
            longest: Duration::from_secs(900),
            longest_a_mib: Duration::from_secs(10),
            look_every: Duration::from_millis(200),
        }
    }
}

impl Timeouts {
    /// The patience with a file of this size.
    fn with(self, size_bytes: u64) -> Self {
        let mib = (size_bytes >> 20).try_into().unwrap_or(u32::MAX);
        Timeouts {
            processor: self.processor + self.processor_a_mib * mib,
            clock: self.clock + self.clock_a_mib * mib,
            longest: self.longest + self.longest_a_mib * mib,
            ..self
        }
    }
}

/// A reader at its work on one file.
pub(super) struct Watchdog {
    process: u32,
    patience: Timeouts,
    begun: Moment,
    got_on: Moment,
}

/// When it was, by the clock and by the processor.
#[derive(Clone, Copy)]
struct Moment {
    clock: Instant,
    /// `None` where the system does not tell.
    processor: Option<Duration>,
}

impl Moment {
    fn now(process: u32) -> Self {
        Moment { clock: Instant::now(), processor: processor_time(process) }
    }

    /// Processor time since then; time on the clock where that is not known.
    fn worked_until(&self, now: Moment) -> Duration {
        let both = now.processor.zip(self.processor);
        both.map_or(now.clock - self.clock, |(now, before)| now.saturating_sub(before))
    }
}

impl Watchdog {
    /// One that begins now.
    pub(super) fn begin(process: u32, patience: Timeouts, size_bytes: u64) -> Self {
        let now = Moment::now(process);
        Watchdog { process, patience: patience.with(size_bytes), begun: now, got_on: now }
    }

    /// Notes that it got on.
    pub(super) fn gets_on(&mut self) {
        self.got_on = Moment::now(self.process);
    }

    /// Why it is given up now, if it is.
    pub(super) fn verdict(&self) -> Option<String> {
        let now = Moment::now(self.process);
        if self.got_on.worked_until(now) > self.patience.processor {
            let seconds = self.patience.processor.as_secs();
            return Some(format!("its reader did not get on for {seconds} seconds of processor time"));
        }
        if now.clock - self.got_on.clock > self.patience.clock {
            return Some(format!("its reader did not get on for {} seconds", self.patience.clock.as_secs()));
        }
        let minutes = self.patience.longest.as_secs() / 60;
        (self.begun.worked_until(now) > self.patience.longest)
            .then(|| format!("its reader was not done after {minutes} minutes of processor time"))
    }
}

/// The processor time that a process has used, in its own code and for it in the system.
#[cfg(target_os = "linux")]
fn processor_time(process: u32) -> Option<Duration> {
    /// Linux counts these in hundredths of a second, whatever its own clock is.
    const TICK: Duration = Duration::from_millis(10);
    let status = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may have anything in it; user and system time are the 14th and 15th field.
    let mut fields = status.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    Some(TICK * ticks()?.saturating_add(ticks()?))
}

#[cfg(not(target_os = "linux"))]
fn processor_time(_: u32) -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handbook_says_how_long_a_reader_is_waited_for() {
        let handbook = include_str!("../../corpora/handbook/indexing.md");
        let Timeouts { processor, clock, .. } = Timeouts::default();
        for said in [
            format!("works for {} seconds of processor time without getting on", processor.as_secs()),
            format!("waited for, up to {} minutes", clock.as_secs() / 60),
        ] {
            assert!(handbook.contains(&said), "{said}");
        }
    }

    #[test]
    fn larger_files_are_waited_for_longer() {
        let patience = Timeouts::default().with(185 << 20);
        assert!(patience.processor > Duration::from_secs(60) && patience.longest > Duration::from_secs(2700));
        assert_eq!(Timeouts::default().with(1000), Timeouts::default());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn work_is_told_from_waiting() {
        let me = std::process::id();
        let before = processor_time(me).unwrap();
        let mut sum = 0u64;
        while processor_time(me).unwrap() == before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(processor_time(me).unwrap() > before);
    }
}
