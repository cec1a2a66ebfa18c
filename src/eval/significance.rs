//! Tests whether two systems differ significantly on the same questions.
//!
//! Sources: Smucker, Allan & Carterette, *A Comparison of Statistical Significance Tests for
//! Information Retrieval Evaluation*, CIKM 2007 (the paired randomisation test); Holm, *A Simple
//! Sequentially Rejective Multiple Test Procedure*, 1979; Cohen, *Statistical Power Analysis for
//! the Behavioral Sciences*, 1988 (effect size, detectable difference).

use serde::{Deserialize, Serialize};

use super::bootstrap::{Draws, SEED, mean_with_interval};

/// The number of random sign flips.
pub const FLIPS: usize = 10_000;

/// The significance level: a corrected p-value below it is significant.
pub const LEVEL: f64 = 0.05;

/// With fewer questions no difference is significant: even if all signs are the same, random flips
/// give equal signs more often than the level allows.
pub const FEWEST: usize = 6;

/// Smaller differences count as ties.
const TIE: f64 = 1e-9;

/// The difference of two systems A and B on the same questions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The mean of A − B.
    pub mean: f64,
    /// Its 95 % bootstrap interval.
    pub interval: [f64; 2],
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

/// Compares the values of two systems on the same questions, in the same order; there must be at
/// least one.
pub fn difference(a: &[f64], b: &[f64]) -> Difference {
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let count = differences.len() as f64;
    let (mean, interval) = mean_with_interval(&differences);
    let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    let deviation = variance.sqrt();
    let wins = differences.iter().filter(|&&d| d > TIE).count();
    let losses = differences.iter().filter(|&&d| d < -TIE).count();
    // 1.96 + 0.84: the normal quantiles of a two-sided level of 5 % and of a power of 80 %.
    let detectable = if differences.len() < FEWEST { 1.0 } else { (2.8 * deviation / count.sqrt()).min(1.0) };
    Difference {
        mean,
        interval,
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
            prop_assert!(forth.interval[0] <= forth.mean + 1e-12 && forth.mean <= forth.interval[1] + 1e-12);
            prop_assert!(forth.p > 0.0 && forth.p <= 1.0);
            let corrected = holm(&[forth.p, 0.5]);
            prop_assert!(corrected[0] >= forth.p);
        }
    }
}
