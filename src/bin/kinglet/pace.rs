//! How fast countable work goes, and how long it will still take: smoothed, and unsaid until it
//! means something.

use std::time::{Duration, Instant};

/// What was done this long ago counts a third of what was just done.
const MEMORY_SECONDS: f64 = 20.0;

const LEAST_STEPS: usize = 3;
const LEAST_SECONDS: f64 = 2.0;

/// The pace of work of which `observe` hears from time to time.
#[derive(Default)]
pub struct Pace {
    last: Option<(Instant, usize)>,
    /// The things done and the seconds that they took, the more faded the longer ago.
    faded: (f64, f64),
    steps: usize,
    seconds: f64,
}

impl Pace {
    /// Notes how many things are done. What was done before the first note is no pace.
    pub fn observe(&mut self, now: Instant, done: usize) {
        let Some((before, done_before)) = self.last.replace((now, done)) else { return };
        let seconds = now.duration_since(before).as_secs_f64();
        let kept = (-seconds / MEMORY_SECONDS).exp();
        let (things, all_seconds) = self.faded;
        self.faded = (things * kept + done.saturating_sub(done_before) as f64, all_seconds * kept + seconds);
        self.steps += 1;
        self.seconds += seconds;
    }

    /// Things a second; `None` until a few steps and seconds have shown it.
    fn per_second(&self) -> Option<f64> {
        let (things, seconds) = self.faded;
        (self.steps >= LEAST_STEPS && self.seconds >= LEAST_SECONDS && things > 0.0).then(|| things / seconds)
    }

    /// The pace and the time left until `total` things are done, such as `14/s, 12 min left`; empty
    /// until they mean something.
    pub fn text(&self, total: usize) -> String {
        let (Some(rate), Some((_, done))) = (self.per_second(), self.last) else { return String::new() };
        let left = Duration::from_secs_f64(total.saturating_sub(done) as f64 / rate);
        let rate = if rate < 10.0 { format!("{rate:.1}") } else { format!("{rate:.0}") };
        format!("{rate}/s, {} left", about(left))
    }
}

/// A duration in as many words as an estimate deserves: `45 s`, `14 min`, `2 h 10 min`.
pub fn about(time: Duration) -> String {
    let seconds = time.as_secs_f64().round() as u64;
    let minutes = (seconds + 30) / 60;
    match (seconds, minutes) {
        (..90, _) => format!("{seconds} s"),
        (_, ..90) => format!("{minutes} min"),
        _ => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text after each of these steps of seconds and things done, of 1,000.
    fn texts(steps: &[(f64, usize)]) -> Vec<String> {
        let start = Instant::now();
        let mut pace = Pace::default();
        let after = |&(seconds, done)| {
            pace.observe(start + Duration::from_secs_f64(seconds), done);
            pace.text(1000)
        };
        steps.iter().map(after).collect()
    }

    #[test]
    fn nothing_is_said_before_it_means_something_and_what_was_there_before_is_no_pace() {
        let found = texts(&[(0.0, 600), (0.5, 605), (1.0, 610), (1.5, 615), (2.0, 620), (3.0, 630)]);
        assert_eq!(found, ["", "", "", "", "10/s, 38 s left", "10/s, 37 s left"]);
        assert_eq!(texts(&[(0.0, 0), (30.0, 64)]), ["", ""], "one batch");
        assert_eq!(texts(&[(0.0, 0), (9.0, 0), (18.0, 0), (27.0, 0)]), [""; 4], "nothing done");
    }

    #[test]
    fn a_change_of_pace_shows_after_a_time_and_not_at_once() {
        let fast = (0..10).map(|second| (f64::from(second), second as usize * 100));
        let slow = (1..=100).map(|second| (f64::from(second + 9), 900 + second as usize));
        let rates: Vec<f64> = texts(&fast.chain(slow).collect::<Vec<_>>())
            .iter()
            .filter_map(|text| text.split_once('/')?.0.parse().ok())
            .collect();
        assert!(rates.windows(2).all(|pair| pair[1] <= pair[0]), "{rates:?}");
        let (before, soon, late) = (rates[6], rates[8], rates[rates.len() - 1]);
        assert!(before == 100.0 && (60.0..100.0).contains(&soon) && late < 1.5, "{before} {soon} {late}");
    }

    #[test]
    fn durations_are_as_exact_as_estimates_are() {
        let texts =
            [0.4, 13.2, 89.0, 90.0, 840.0, 5369.0, 7800.0].map(|seconds| about(Duration::from_secs_f64(seconds)));
        assert_eq!(texts, ["0 s", "13 s", "89 s", "2 min", "14 min", "89 min", "2 h 10 min"]);
    }
}
