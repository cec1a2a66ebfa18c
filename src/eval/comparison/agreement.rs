//! Measures whether systems retrieve the same: what they share, what only one of them finds, and on
//! which questions they differ most.

use std::collections::HashSet;

use serde::Serialize;

use super::{BASELINE, Standing, SystemRun};

/// The depth to which rankings are compared.
const DEPTH: usize = 10;
/// The number of questions to show for wins, and for losses.
const CONTRASTING: usize = 5;
/// The number of results of each system to show for a question.
const SHOWN_RESULTS: usize = 3;

/// How much systems agree, in the order of the systems.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agreement {
    /// For each two systems: the mean share of their first ten results that both have, relative to
    /// the longer list.
    pub overlap: Vec<Vec<f64>>,
    /// For each system: the number of relevant documents or passages that are among its first ten
    /// and no other system's.
    pub found_alone: Vec<usize>,
    /// The share of all relevant documents or passages that are among the first ten of any system.
    pub recall_of_union: f64,
    /// The same for each system alone.
    pub recall: Vec<f64>,
}

pub(super) fn agreement(runs: &[&SystemRun]) -> Agreement {
    let questions = runs.first().map_or(0, |run| run.questions.len());
    let tops: Vec<Vec<HashSet<&str>>> =
        runs.iter().map(|run| (0..questions).map(|at| top(run, at).into_iter().collect()).collect()).collect();
    let share = |one: &HashSet<&str>, other: &HashSet<&str>| match one.len().max(other.len()) {
        0 => 1.0,
        longer => one.intersection(other).count() as f64 / longer as f64,
    };
    let overlap = tops
        .iter()
        .map(|one| {
            tops.iter()
                .map(|other| one.iter().zip(other).map(|(a, b)| share(a, b)).sum::<f64>() / questions.max(1) as f64)
                .collect()
        })
        .collect();
    let mut found_alone = vec![0; runs.len()];
    let mut counts = vec![0; runs.len()];
    let (mut by_any, mut all) = (0, 0);
    for question in 0..questions {
        let question_tops: Vec<&HashSet<&str>> = tops.iter().map(|tops| &tops[question]).collect();
        for name in relevant(runs[0], question) {
            let finders: Vec<usize> = (0..question_tops.len()).filter(|&at| question_tops[at].contains(name)).collect();
            finders.iter().for_each(|&at| counts[at] += 1);
            if let [only] = finders[..] {
                found_alone[only] += 1;
            }
            by_any += usize::from(!finders.is_empty());
            all += 1;
        }
    }
    let of_all = |count: usize| count as f64 / all.max(1) as f64;
    Agreement {
        overlap,
        found_alone,
        recall_of_union: of_all(by_any),
        recall: counts.into_iter().map(of_all).collect(),
    }
}

/// A question on which systems differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ContrastingQuestion {
    /// The question's id.
    pub id: String,
    /// The question.
    pub text: String,
    /// The measure of the first system − that of the second.
    pub difference: f64,
    /// The relevant documents or passages.
    pub relevant: Vec<String>,
    /// The beginning of the first of these, if it has been looked up.
    pub answer: Option<String>,
    /// The results of each system.
    pub found: Vec<FoundBy>,
}

/// The results of a system for one question.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoundBy {
    /// The system.
    pub system: String,
    /// What people call it.
    pub label: String,
    /// The rank of the first relevant result among its first hundred, from 1.
    pub first_relevant: Option<usize>,
    /// Its first three results.
    pub top: Vec<String>,
    /// Their beginnings, in the same order, if they have been looked up.
    pub texts: Vec<String>,
    /// Its answer, if it answers questions.
    pub answer: Option<String>,
}

/// The questions on which the best system wins and loses most against the baseline, or against the
/// second best if the baseline is best.
pub(super) fn contrasting_questions(systems: &[Standing], runs: &[&SystemRun]) -> Vec<ContrastingQuestion> {
    let baseline = systems.iter().position(|system| system.name == BASELINE);
    let other = match baseline {
        Some(at) if at > 0 => at,
        _ => 1,
    };
    let (Some(best), Some(other)) = (systems.first(), systems.get(other)) else {
        return Vec::new();
    };
    let mut differences: Vec<(usize, f64)> =
        best.values().iter().zip(other.values()).map(|(a, b)| a - b).enumerate().collect();
    differences.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let wins = differences.iter().take(CONTRASTING).filter(|(_, difference)| *difference > 0.0);
    let losses = differences.iter().rev().take(CONTRASTING).filter(|(_, difference)| *difference < 0.0);
    wins.chain(losses).map(|&(at, difference)| contrasting_question(runs, at, difference)).collect()
}

fn contrasting_question(runs: &[&SystemRun], at: usize, difference: f64) -> ContrastingQuestion {
    let question = &runs[0].questions[at];
    let results = runs.iter().map(|run| {
        let relevant: HashSet<&str> = relevant(run, at).collect();
        let ranking = &run.run.rankings[at].1;
        FoundBy {
            system: run.name.clone(),
            label: run.label.clone(),
            first_relevant: ranking
                .iter()
                .take(100)
                .position(|(name, _)| relevant.contains(name.as_str()))
                .map(|at| at + 1),
            top: ranking.iter().take(SHOWN_RESULTS).map(|(name, _)| name.clone()).collect(),
            texts: Vec::new(),
            answer: run.answers.get(at).map(|answer| answer.text.clone()),
        }
    });
    ContrastingQuestion {
        id: question.id.clone(),
        text: question.text.clone(),
        difference,
        relevant: relevant(runs[0], at).map(str::to_string).collect(),
        answer: None,
        found: results.collect(),
    }
}

fn top(run: &SystemRun, question: usize) -> Vec<&str> {
    run.run.rankings[question].1.iter().take(DEPTH).map(|(name, _)| name.as_str()).collect()
}

fn relevant(run: &SystemRun, question: usize) -> impl Iterator<Item = &str> {
    let judgments = &run.questions[question].judgments;
    judgments.iter().filter(|(_, grade)| **grade > 0).map(|(name, _)| name.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::tests::system_run;
    use super::*;

    #[test]
    fn agreement_counts_what_systems_share_and_what_only_one_finds() {
        let (a, b) = (system_run("a:dense", &[1, 1, 0, 0], 1.0), system_run(BASELINE, &[1, 0, 1, 0], 1.0));
        let agreement = agreement(&[&a, &b]);
        assert_eq!(agreement.found_alone, [1, 1]);
        assert_eq!((agreement.recall_of_union, agreement.recall), (0.75, vec![0.5, 0.5]));
        assert_eq!(agreement.overlap[0][0], 1.0);
        assert!((agreement.overlap[0][1] - (1.0 + 0.9 + 0.9 + 1.0) / 4.0).abs() < 1e-9, "{:?}", agreement.overlap);
    }
}
