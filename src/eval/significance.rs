//! Tests whether two systems differ significantly on the same questions.
//!
//! Sources: Smucker, Allan & Carterette, *A Comparison of Statistical Significance Tests for
//! Information Retrieval Evaluation*, CIKM 2007 (the paired randomisation test); Holm, *A Simple
//! Sequentially Rejective Multiple Test Procedure*, 1979; Cohen, *Statistical Power Analysis for
//! the Behavioral Sciences*, 1988 (effect size, detectable difference, number of questions);
//! Schuirmann, *A Comparison of the Two One-Sided Tests Procedure and the Power Approach*, 1987
//! (equivalence).

use serde::{Deserialize, Serialize};

use super::bootstrap::{Draws, SEED, mean_with_intervals};

/// The number of random sign flips.
pub const FLIPS: usize = 10_000;

/// The significance level: a corrected p-value below it is significant.
pub const LEVEL: f64 = 0.05;

/// With fewer questions no difference is significant: even if all signs are the same, random flips
/// give equal signs more often than the level allows.
pub const FEWEST: usize = 6;

/// Two systems are equivalent if their difference is smaller than this.
pub const MARGIN: f64 = 0.02;

/// With fewer questions equivalence cannot be shown. Of this many, a share of [`MARGIN`] that
/// differs would be missed with a probability of 5 % (the rule of three: 3 / 150 = 0.02), and what
/// no question shows, the bootstrap cannot draw.
pub const FEWEST_FOR_EQUIVALENCE: usize = 150;

/// Nobody writes more questions to settle a comparison.
pub const MOST_MORE: usize = 1_000;

/// Normal quantiles: of a power of 80 %, and of two one-sided tests at 5 % that both succeed with a
/// power of 80 %.
const POWER: f64 = 0.84;
const TWO_ONE_SIDED: f64 = 1.645 + 1.28;

/// Smaller differences count as ties.
const TIE: f64 = 1e-9;

/// The difference of two systems A and B on the same questions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The mean of A − B.
    pub mean: f64,
    /// Its 95 % bootstrap interval.
    pub interval: [f64; 2],
    /// Its 90 % bootstrap interval, which two one-sided tests at 5 % amount to.
    pub interval_90: [f64; 2],
    /// The standard deviation of the differences.
    pub deviation: f64,
    /// The share of sign flips whose mean is at least as far from 0: the two-sided p-value of the
    /// paired randomisation test.
    pub p: f64,
    /// The number of questions on which A, neither and B was better.
    pub wins_ties_losses: [usize; 3],
    /// The mean difference divided by the standard deviation of the differences (Cohen's d of
    /// pairs); 0 if that is 0.
    pub effect: f64,
    /// The smallest true difference that questions like these show with a power of 80 % at
    /// [`LEVEL`]; 1, the largest possible, if there are too few questions.
    pub detectable: f64,
}

/// What more questions would show, if their differences are like those that were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// This many more would show that the system with the higher mean is better.
    Better(usize),
    /// This many more would show that the systems are equivalent.
    Equivalent(usize),
    /// Neither, with [`MOST_MORE`] more questions.
    Neither,
}

impl Difference {
    /// The number of questions that were compared.
    fn questions(&self) -> usize {
        self.wins_ties_losses.iter().sum()
    }

    /// True if the systems are shown to be equivalent: two one-sided tests at 5 % exclude a
    /// difference of [`MARGIN`], and there are enough questions for a rare difference to appear.
    pub fn is_equivalent(&self) -> bool {
        let [low, high] = self.interval_90;
        self.questions() >= FEWEST_FOR_EQUIVALENCE && -MARGIN < low && high < MARGIN
    }

    /// Estimates, with a power of 80 %, how many more questions would decide between the systems,
    /// as one of `tests` pairs.
    pub fn outlook(&self, tests: usize) -> Outlook {
        let size = self.mean.abs();
        let needed = |quantile: f64, distance: f64| match distance > TIE {
            true => (quantile * self.deviation / distance).powi(2),
            false => f64::INFINITY,
        };
        let better = needed(upper_quantile(LEVEL / 2.0 / tests.max(1) as f64) + POWER, size).max(FEWEST as f64);
        let better = if size > TIE { better } else { f64::INFINITY };
        let equivalent = needed(TWO_ONE_SIDED, MARGIN - size).max(FEWEST_FOR_EQUIVALENCE as f64);
        // In steps of five: an estimate is no more exact than that.
        let more = (((better.min(equivalent) - self.questions() as f64) / 5.0).ceil().max(1.0)) * 5.0;
        match more <= MOST_MORE as f64 {
            false => Outlook::Neither,
            true if better <= equivalent => Outlook::Better(more as usize),
            true => Outlook::Equivalent(more as usize),
        }
    }
}

/// The value that a standard normal variable exceeds with probability `tail`, below one half, to
/// three digits. Source: Abramowitz & Stegun, *Handbook of Mathematical Functions*, 26.2.23.
fn upper_quantile(tail: f64) -> f64 {
    let t = (-2.0 * tail.ln()).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    t - above / below
}

/// Compares the values of two systems on the same questions, in the same order; there must be at
/// least one.
pub fn difference(a: &[f64], b: &[f64]) -> Difference {
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let count = differences.len() as f64;
    let (mean, [interval, interval_90]) = mean_with_intervals(&differences, [0.95, 0.9]);
    let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    let deviation = variance.sqrt();
    let wins = differences.iter().filter(|&&d| d > TIE).count();
    let losses = differences.iter().filter(|&&d| d < -TIE).count();
    // 1.96 + 0.84: the normal quantiles of a two-sided level of 5 % and of a power of 80 %.
    let detectable = if differences.len() < FEWEST { 1.0 } else { (2.8 * deviation / count.sqrt()).min(1.0) };
    Difference {
        mean,
        interval,
        interval_90,
        deviation,
        p: randomisation(&differences),
        wins_ties_losses: [wins, differences.len() - wins - losses, losses],
        effect: if deviation > 0.0 { mean / deviation } else { 0.0 },
        detectable,
    }
}

/// The p-value of the paired randomisation test: if the systems do not differ, each difference has
/// either sign with the same probability. The observed signs count as one of the flips, so that no
/// p-value is 0 (Phipson & Smyth, 2010).
fn randomisation(differences: &[f64]) -> f64 {
    let observed = differences.iter().sum::<f64>().abs();
    let mut draws = Draws::new(SEED);
    let mut extreme = 1;
    for _ in 0..FLIPS {
        let mut signs = 0;
        let mut sum = 0.0;
        for (at, difference) in differences.iter().enumerate() {
            if at % 64 == 0 {
                signs = draws.bits();
            }
            sum += if signs & 1 == 0 { *difference } else { -difference };
            signs >>= 1;
        }
        extreme += usize::from(sum.abs() >= observed - TIE);
    }
    extreme as f64 / (FLIPS + 1) as f64
}

/// Corrects the p-values of several tests by Holm's step-down procedure; keeps their order.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]).then(a.cmp(&b)));
    let mut corrected = vec![0.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (place, at) in order.into_iter().enumerate() {
        largest = largest.max((p_values[at] * (p_values.len() - place) as f64).min(1.0));
        corrected[at] = largest;
    }
    corrected
}

/// Kendall's rank correlation τ-b of two lists of values of the same items: 1 for the same order,
/// −1 for the opposite one; `None` if all values of a list are equal. Source: Kendall, *The
/// Treatment of Ties in Ranking Problems*, Biometrika 1945.
pub fn kendall_tau(a: &[f64], b: &[f64]) -> Option<f64> {
    let sign = |difference: f64| if difference.abs() <= TIE { 0.0 } else { difference.signum() };
    let (mut sum, mut in_a, mut in_b) = (0.0, 0.0, 0.0);
    for one in 0..a.len() {
        for other in 0..one {
            let (first, second) = (sign(a[one] - a[other]), sign(b[one] - b[other]));
            sum += first * second;
            in_a += first * first;
            in_b += second * second;
        }
    }
    (in_a > 0.0 && in_b > 0.0).then(|| sum / (in_a * in_b).sqrt())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn p_values_are_the_exact_ones_within_sampling_error() {
        // All 2^8 sign patterns of these differences, counted by hand in a loop: the exact test.
        let differences = [0.3, -0.1, 0.25, 0.4, 0.0, 0.2, -0.05, 0.15];
        let seen: f64 = differences.iter().sum();
        let sum = |signs: u32| -> f64 {
            differences.iter().enumerate().map(|(at, d)| if signs >> at & 1 == 0 { *d } else { -d }).sum()
        };
        let exact = (0..256).filter(|&signs| sum(signs).abs() >= seen.abs() - 1e-12).count() as f64 / 256.0;
        let p = difference(&differences, &[0.0; 8]).p;
        let error = (exact * (1.0 - exact) / FLIPS as f64).sqrt();
        assert!((p - exact).abs() < 4.0 * error, "{p}, exactly {exact}");
    }

    #[test]
    fn too_few_questions_are_never_significant() {
        let of = |count: usize| difference(&vec![1.0; count], &vec![0.0; count]);
        assert!(of(FEWEST - 1).p > LEVEL && of(FEWEST - 1).detectable == 1.0);
        assert!(of(FEWEST).p < LEVEL && of(FEWEST).detectable == 0.0);
    }

    #[test]
    fn the_questions_that_are_missing_follow_from_the_differences() {
        for (tail, expected) in [(0.025, 1.96), (0.05, 1.645), (0.025 / 6.0, 2.638)] {
            assert!((upper_quantile(tail) - expected).abs() < 1e-3, "{}", upper_quantile(tail));
        }
        let values =
            |pattern: &[f64], times: usize| difference(&pattern.repeat(times), &vec![0.0; pattern.len() * times]);
        // Mean 0.1, deviation 0.325 of twelve: (2.8 × 0.325 / 0.1)² = 83 questions in all.
        let few = values(&[0.5, 0.5, -0.3, 0.1, -0.1, 0.3, -0.2, 0.0, 0.4, 0.2, 0.3, -0.5], 1);
        assert_eq!(few.outlook(1), Outlook::Better(75), "{few:?}");
        assert!(matches!(few.outlook(6), Outlook::Better(more) if more > 75), "more pairs need more questions");
        assert_eq!(values(&[0.5, -0.5], 6).outlook(1), Outlook::Neither);
        assert_eq!(values(&[0.0; 12], 1).outlook(1), Outlook::Equivalent(140));
        assert!(!values(&[0.0; 12], 1).is_equivalent(), "a rare difference may be missing");
        assert!(values(&[0.0; 10], 15).is_equivalent());
        assert!(!values(&[0.1; 10], 15).is_equivalent());
    }

    #[test]
    fn holms_correction_matches_an_example() {
        let corrected = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (value, expected) in corrected.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((value - expected).abs() < 1e-12, "{corrected:?}");
        }
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn tau_is_one_for_the_same_order_and_counts_ties() {
        assert_eq!(kendall_tau(&[1.0, 2.0, 3.0], &[0.1, 0.2, 0.9]), Some(1.0));
        assert_eq!(kendall_tau(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), Some(-1.0));
        assert_eq!(kendall_tau(&[1.0, 1.0], &[1.0, 2.0]), None);
        // scipy.stats.kendalltau([1, 2, 2, 3], [1, 3, 2, 4])
        assert!(
            (kendall_tau(&[1.0, 2.0, 2.0, 3.0], &[1.0, 3.0, 2.0, 4.0]).unwrap() - 0.912_870_929_175_277).abs() < 1e-12
        );
    }

    proptest! {
        #[test]
        fn swapping_the_systems_changes_only_the_sign(values in prop::collection::vec((0.0f64..1.0, 0.0f64..1.0), 1..40)) {
            let (a, b): (Vec<f64>, Vec<f64>) = values.into_iter().unzip();
            let (forth, back) = (difference(&a, &b), difference(&b, &a));
            prop_assert!((forth.mean + back.mean).abs() < 1e-12 && (forth.p - back.p).abs() < 1e-12);
            prop_assert_eq!(forth.wins_ties_losses[0], back.wins_ties_losses[2]);
            prop_assert_eq!(forth.outlook(3), back.outlook(3));
            prop_assert!(forth.interval[0] <= forth.interval_90[0] && forth.interval_90[1] <= forth.interval[1]);
            prop_assert!(forth.interval[0] <= forth.mean + 1e-12 && forth.mean <= forth.interval[1] + 1e-12);
            prop_assert!(forth.p > 0.0 && forth.p <= 1.0);
            let corrected = holm(&[forth.p, 0.5]);
            prop_assert!(corrected[0] >= forth.p);
        }
    }
}
