//! How sure an answer is.

use crate::models::contracts::Token;

/// The probabilities of the tokens of an answer.
#[derive(Debug, Default)]
pub(super) struct TokenProbabilities {
    sum_of_logarithms: f32,
    tokens: u32,
}

impl TokenProbabilities {
    /// Counts a token, if its probability is known.
    pub fn add(&mut self, token: &Token) {
        if let Some(log_probability) = token.log_probability {
            self.sum_of_logarithms += log_probability;
            self.tokens += 1;
        }
    }

    /// The geometric mean; `None` if no probability is known.
    pub fn mean(&self) -> Option<f32> {
        (self.tokens > 0).then(|| (self.sum_of_logarithms / self.tokens as f32).exp())
    }
}

/// The confidence in an answer, from 0 to 1. `sureness` is the smaller of the mean probability of
/// the generator's tokens and of the probability that the passages answer. `support` has the
/// probability of each sentence that the passages support it; `supported` says whether one of them
/// counts as supported, else there is no confidence. An answer that does not cite the passage with
/// the best sentence has half of it. It is not calibrated.
pub(super) fn confidence(sureness: f32, support: &[f32], supported: bool, cites_best: bool) -> f32 {
    if !supported {
        return 0.0;
    }
    let support = support.iter().sum::<f32>() / support.len() as f32;
    sureness.clamp(0.0, 1.0) * support * if cites_best { 1.0 } else { 0.5 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubt_comes_from_improbable_words_missing_support_and_disagreement() {
        assert_eq!(confidence(0.8, &[1.0, 1.0], true, true), 0.8);
        assert_eq!(confidence(0.8, &[1.0, 0.0], true, true), 0.4);
        assert_eq!(confidence(0.8, &[1.0], true, false), 0.4);
        assert_eq!(confidence(0.8, &[0.4], false, true), 0.0, "nothing is supported");
        assert_eq!(confidence(0.8, &[], false, true), 0.0, "a refusal");
        let mut probabilities = TokenProbabilities::default();
        assert_eq!(probabilities.mean(), None);
        for probability in [0.5f32, 0.125] {
            probabilities.add(&Token { text: String::new(), log_probability: Some(probability.ln()) });
        }
        assert_eq!(probabilities.mean(), Some(0.25));
    }
}
