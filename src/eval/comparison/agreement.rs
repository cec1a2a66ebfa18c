//! Whether systems find the same: what they share, what only one of them finds, and where they
//! differ most.

use std::collections::HashSet;

use serde::Serialize;

use super::{BASELINE, Standing, SystemRun};

/// How far down rankings are looked at.
const DEPTH: usize = 10;
/// How many questions are shown for each side.
const CONTRASTING: usize = 5;
/// How much of each system's ranking is shown for them.
const SHOWN: usize = 3;

/// Whether systems find the same, in the order of the systems.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agreement {
    /// For each two systems: the mean share of their first ten that both have, by the larger of
    /// both lists.
    pub overlap: Vec<Vec<f64>>,
    /// For each system: how many relevant places are among its first ten and no other system's.
    pub found_alone: Vec<usize>,
    /// The share of all relevant places that are among the first ten of some system.
    pub recall_of_union: f64,
    /// The same for each system by itself.
    pub recall: Vec<f64>,
}

pub(super) fn agreement(outcomes: &[&SystemRun]) -> Agreement {
    let questions = outcomes.first().map_or(0, |outcome| outcome.questions.len());
    let tops: Vec<Vec<HashSet<&str>>> = outcomes
        .iter()
        .map(|outcome| (0..questions).map(|at| top(outcome, at).into_iter().collect()).collect())
        .collect();
    let share = |one: &HashSet<&str>, other: &HashSet<&str>| match one.len().max(other.len()) {
        0 => 1.0,
        most => one.intersection(other).count() as f64 / most as f64,
    };
    let overlap = tops
        .iter()
        .map(|one| {
            tops.iter()
                .map(|other| one.iter().zip(other).map(|(a, b)| share(a, b)).sum::<f64>() / questions.max(1) as f64)
                .collect()
        })
        .collect();
    let mut found_alone = vec![0; outcomes.len()];
    let mut found = vec![0; outcomes.len()];
    let (mut by_some, mut all) = (0, 0);
    for question in 0..questions {
        let firsts: Vec<&HashSet<&str>> = tops.iter().map(|tops| &tops[question]).collect();
        for name in relevant(outcomes[0], question) {
            let finders: Vec<usize> = (0..firsts.len()).filter(|&at| firsts[at].contains(name)).collect();
            finders.iter().for_each(|&at| found[at] += 1);
            if let [only] = finders[..] {
                found_alone[only] += 1;
            }
            by_some += usize::from(!finders.is_empty());
            all += 1;
        }
    }
    let of_all = |count: usize| count as f64 / all.max(1) as f64;
    Agreement {
        overlap,
        found_alone,
        recall_of_union: of_all(by_some),
        recall: found.into_iter().map(of_all).collect(),
    }
}

/// A question on which two systems differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ContrastingQuestion {
    /// The question's id.
    pub id: String,
    /// The question.
    pub text: String,
    /// nDCG@10 of the first system − that of the second.
    pub difference: f64,
    /// What answers it.
    pub relevant: Vec<String>,
    /// How the first of these begins, where that has been looked up.
    pub answer: Option<String>,
    /// What each system found.
    pub found: Vec<FoundBy>,
}

/// What a system found for one question.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoundBy {
    /// The system.
    pub system: String,
    /// Where the first relevant place stands among its first hundred, from 1.
    pub first_relevant: Option<usize>,
    /// Its first three.
    pub top: Vec<String>,
    /// How they begin, in the same order, where that has been looked up.
    pub texts: Vec<String>,
    /// Its answer, if it answers.
    pub answer: Option<String>,
}

/// The questions on which the best system wins and loses most against the baseline; against the
/// next best where the baseline is best.
pub(super) fn contrasting_questions(systems: &[Standing], outcomes: &[&SystemRun]) -> Vec<ContrastingQuestion> {
    let baseline = systems.iter().position(|system| system.name == BASELINE);
    let other = match baseline {
        Some(at) if at > 0 => at,
        _ => 1,
    };
    let (Some(best), Some(other)) = (systems.first(), systems.get(other)) else {
        return Vec::new();
    };
    let mut differences: Vec<(usize, f64)> =
        best.ndcg_at_10.iter().zip(&other.ndcg_at_10).map(|(a, b)| a - b).enumerate().collect();
    differences.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let wins = differences.iter().take(CONTRASTING).filter(|(_, difference)| *difference > 0.0);
    let losses = differences.iter().rev().take(CONTRASTING).filter(|(_, difference)| *difference < 0.0);
    wins.chain(losses).map(|&(at, difference)| contrasting_question(outcomes, at, difference)).collect()
}

fn contrasting_question(outcomes: &[&SystemRun], at: usize, difference: f64) -> ContrastingQuestion {
    let question = &outcomes[0].questions[at];
    let found = outcomes.iter().map(|outcome| {
        let relevant: HashSet<&str> = relevant(outcome, at).collect();
        let ranking = &outcome.run.rankings[at].1;
        FoundBy {
            system: outcome.name.clone(),
            first_relevant: ranking
                .iter()
                .take(100)
                .position(|(name, _)| relevant.contains(name.as_str()))
                .map(|at| at + 1),
            top: ranking.iter().take(SHOWN).map(|(name, _)| name.clone()).collect(),
            texts: Vec::new(),
            answer: outcome.answers.get(at).map(|answered| answered.text.clone()),
        }
    });
    ContrastingQuestion {
        id: question.id.clone(),
        text: question.text.clone(),
        difference,
        relevant: relevant(outcomes[0], at).map(str::to_string).collect(),
        answer: None,
        found: found.collect(),
    }
}

fn top(outcome: &SystemRun, question: usize) -> Vec<&str> {
    outcome.run.rankings[question].1.iter().take(DEPTH).map(|(name, _)| name.as_str()).collect()
}

fn relevant(outcome: &SystemRun, question: usize) -> impl Iterator<Item = &str> {
    let judgments = &outcome.questions[question].judgments;
    judgments.iter().filter(|(_, grade)| **grade > 0).map(|(name, _)| name.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::tests::outcome;
    use super::*;

    #[test]
    fn what_is_shared_and_what_only_one_finds_is_counted() {
        let (a, b) = (outcome("a:dense", &[1, 1, 0, 0], 1.0), outcome(BASELINE, &[1, 0, 1, 0], 1.0));
        let found = agreement(&[&a, &b]);
        assert_eq!(found.found_alone, [1, 1]);
        assert_eq!((found.recall_of_union, found.recall), (0.75, vec![0.5, 0.5]));
        assert_eq!(found.overlap[0][0], 1.0);
        assert!((found.overlap[0][1] - (1.0 + 0.9 + 0.9 + 1.0) / 4.0).abs() < 1e-9, "{:?}", found.overlap);
    }
}
