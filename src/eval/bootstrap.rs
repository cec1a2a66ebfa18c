//! The uncertainty of a mean over queries: percentile bootstrap intervals.
//!
//! Source: Efron & Tibshirani, *An Introduction to the Bootstrap*, 1993, chapter 13.

/// The number of times to resample the queries.
pub const RESAMPLES: usize = 10_000;

/// The seed of the draws: the same values always give the same interval.
pub const SEED: u64 = 42;

/// The mean of `values` and its 95 % interval: [low, high]. All are 0 if there are no values.
pub fn mean_with_interval(values: &[f64]) -> (f64, [f64; 2]) {
    let (mean, [interval]) = mean_with_intervals(values, [0.95]);
    (mean, interval)
}

/// The mean of `values` and an interval for each level, such as 0.95.
pub fn mean_with_intervals<const N: usize>(values: &[f64], levels: [f64; N]) -> (f64, [[f64; 2]; N]) {
    if values.is_empty() {
        return (0.0, [[0.0; 2]; N]);
    }
    let mut draws = Draws::new(SEED);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| (0..values.len()).map(|_| values[draws.below(values.len())]).sum::<f64>() / values.len() as f64)
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means[((RESAMPLES as f64 * share).round() as usize).min(RESAMPLES - 1)];
    let interval = |level: f64| [at((1.0 - level) / 2.0), at((1.0 + level) / 2.0)];
    (values.iter().sum::<f64>() / values.len() as f64, levels.map(interval))
}

/// Random numbers, the same on every machine and in every version: SplitMix64 (Steele, Lea & Flood,
/// OOPSLA 2014).
pub struct Draws {
    state: u64,
}

impl Draws {
    /// Starts from `seed`.
    pub fn new(seed: u64) -> Self {
        Draws { state: seed }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`; all are equally likely, to less than one part in a thousand million.
    pub fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.bits()) * limit as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_holds_the_mean_and_is_as_wide_as_theory_says() {
        let values: Vec<f64> = (0..400).map(|at| f64::from(at % 2)).collect();
        let (mean, [low, high]) = mean_with_interval(&values);
        assert_eq!(mean, 0.5);
        // 1.96 × √(0.25 / 400) = 0.049
        assert!((mean - low - 0.049).abs() < 0.005 && (high - mean - 0.049).abs() < 0.005, "[{low}, {high}]");
        assert_eq!(mean_with_interval(&values), mean_with_interval(&values));
        assert_eq!(mean_with_interval(&[0.3; 5]).1.map(|end| (end * 1e9).round()), [3e8, 3e8]);
    }
}
