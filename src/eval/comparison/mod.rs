//! Compares systems on the same questions: quality, significance and cost.

pub mod agreement;
pub mod slices;
pub mod verdict;

use serde::{Deserialize, Serialize};

use super::judgments::{Question, QuestionOrigin};
use super::significance::{Difference, LEVEL, difference, holm};
use super::{Estimate, Run, estimates, metrics_by_question};
use agreement::{Agreement, ContrastingQuestion};
use slices::Slice;
use verdict::Verdict;

/// The baseline of every comparison: lexical search alone, which needs no model.
pub const BASELINE: &str = "bm25";

/// The cost of a system on one machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// The size of its models on disk.
    pub model_bytes: u64,
    /// The number of parameters of its models, if known.
    pub parameters: Option<u64>,
    /// The dimension of its vectors; `None` without an embedder.
    pub dimension: Option<usize>,
    /// The size of its parts of the index, per chunk.
    pub index_bytes_per_chunk: f64,
    /// The indexing speed for its parts of the index.
    pub chunks_per_second: f64,
    /// The time from the start of the process to the first result.
    pub cold_start_ms: f64,
    /// The peak memory of its process while it answered the questions; `None` if the operating
    /// system does not report it.
    pub peak_memory_bytes: Option<u64>,
    /// The median time for a question.
    pub p50_ms: f64,
    /// The 95th percentile of the time for a question.
    pub p95_ms: f64,
    /// The times of the stages, in the order of the work.
    pub stages: Vec<Stage>,
}

/// A stage of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// The median time for a question.
    pub p50_ms: f64,
    /// The 95th percentile of the time for a question.
    pub p95_ms: f64,
}

/// The answer of a system to a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemAnswer {
    /// The answer with its citation marks.
    pub text: String,
    /// True if it only says that the documents have no answer.
    pub refused: bool,
    /// True if it is not a refusal and the passages support every sentence.
    pub is_supported: bool,
}

/// The shares of a system's answers that are refused and supported.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AnswerShares {
    /// The share of questions that the system refuses to answer.
    pub refused: f64,
    /// The share of its other answers in which the passages support every sentence.
    pub supported: f64,
}

/// The rankings and answers of one system.
#[derive(Debug, Clone, PartialEq)]
pub struct SystemRun {
    /// The name, such as `all-minilm-l6-v2:hybrid`.
    pub name: String,
    /// The questions with its judgments, in the same order for each system. The judgments are of
    /// the same passages, but passages have other names under another chunk size.
    pub questions: Vec<Question>,
    /// Its rankings of these questions.
    pub run: Run,
    /// Its answers, in the same order, if it answers; then its rankings are what they cite.
    pub answers: Vec<SystemAnswer>,
    /// Its cost.
    pub cost: Cost,
}

/// A comparison of systems on questions of one origin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Who wrote the questions.
    pub origin: QuestionOrigin,
    /// The ids of the questions; all lists of values have this order.
    pub questions: Vec<String>,
    /// The systems, best first.
    pub systems: Vec<Standing>,
    /// Each pair once, the better system first, in the order of the systems.
    pub pairs: Vec<Pair>,
    /// How much the systems agree.
    pub agreement: Agreement,
    /// The questions on which the best system differs most from the baseline, or from the second
    /// best.
    pub contrasting_questions: Vec<ContrastingQuestion>,
    /// The quality on parts of the questions.
    pub slices: Vec<Slice>,
    /// The conclusion.
    pub verdict: Verdict,
}

/// The quality and cost of a system.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// The mean of each metric.
    pub estimates: Vec<Estimate>,
    /// nDCG@10 of each question.
    pub ndcg_at_10: Vec<f64>,
    /// The shares of its answers, if it answers.
    pub answers: Option<AnswerShares>,
    /// Its cost.
    pub cost: Cost,
}

impl Standing {
    /// Mean nDCG@10.
    pub fn quality(&self) -> f64 {
        self.estimates[0].mean
    }
}

/// The difference of two systems in nDCG@10.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// The system with the higher mean.
    pub a: String,
    /// The other system.
    pub b: String,
    /// A − B.
    pub difference: Difference,
    /// The p-value, corrected for all pairs by Holm's procedure.
    pub p_holm: f64,
    /// True if A is significantly better: the interval excludes 0, and the corrected p-value is
    /// below [`LEVEL`].
    pub is_better: bool,
}

/// Compares systems on the questions of each origin: human ones first, then synthetic ones.
pub fn compare_runs(runs: &[SystemRun]) -> Vec<Comparison> {
    let of = |origin: QuestionOrigin| -> Vec<usize> {
        let questions = runs.first().map(|run| run.questions.as_slice()).unwrap_or_default();
        (0..questions.len()).filter(|&at| questions[at].origin == origin).collect()
    };
    let origins = [QuestionOrigin::Human, QuestionOrigin::Synthetic].into_iter();
    origins
        .map(|origin| (origin, of(origin)))
        .filter(|(_, places)| !places.is_empty())
        .map(|(origin, places)| {
            let subset: Vec<SystemRun> = runs.iter().map(|run| run.at(&places)).collect();
            compare_one(origin, &subset)
        })
        .collect()
}

impl SystemRun {
    /// The run on some of the questions.
    fn at(&self, places: &[usize]) -> SystemRun {
        let run = Run {
            rankings: places.iter().map(|&at| self.run.rankings[at].clone()).collect(),
            took_ms: places.iter().map(|&at| self.run.took_ms[at]).collect(),
        };
        let questions = places.iter().map(|&at| self.questions[at].clone()).collect();
        let answers = match self.answers.as_slice() {
            [] => Vec::new(),
            answers => places.iter().map(|&at| answers[at].clone()).collect(),
        };
        SystemRun { name: self.name.clone(), questions, run, answers, cost: self.cost.clone() }
    }
}

fn compare_one(origin: QuestionOrigin, runs: &[SystemRun]) -> Comparison {
    let mut ranked: Vec<(Standing, &SystemRun)> = runs.iter().map(|run| (standing(run), run)).collect();
    ranked.sort_by(|(a, _), (b, _)| b.quality().total_cmp(&a.quality()).then(a.name.cmp(&b.name)));
    let (systems, runs): (Vec<Standing>, Vec<&SystemRun>) = ranked.into_iter().unzip();
    let pairs = pairs(&systems);
    Comparison {
        origin,
        questions: runs[0].questions.iter().map(|question| question.id.clone()).collect(),
        agreement: agreement::agreement(&runs),
        contrasting_questions: agreement::contrasting_questions(&systems, &runs),
        slices: slices::slices(&systems, &runs[0].questions),
        verdict: verdict::verdict(origin, &systems, &pairs),
        systems,
        pairs,
    }
}

fn standing(run: &SystemRun) -> Standing {
    let metrics = metrics_by_question(&run.questions, &run.run);
    Standing {
        name: run.name.clone(),
        estimates: estimates(&metrics).to_vec(),
        ndcg_at_10: metrics.iter().map(|metrics| metrics.ndcg_at_10).collect(),
        answers: answer_shares(&run.answers),
        cost: run.cost.clone(),
    }
}

fn answer_shares(answers: &[SystemAnswer]) -> Option<AnswerShares> {
    let refused = answers.iter().filter(|answer| answer.refused).count();
    let supported = answers.iter().filter(|answer| answer.is_supported).count();
    let share = |part: usize, of: usize| if of == 0 { 0.0 } else { part as f64 / of as f64 };
    let (refused, supported) = (share(refused, answers.len()), share(supported, answers.len() - refused));
    (!answers.is_empty()).then_some(AnswerShares { refused, supported })
}

fn pairs(systems: &[Standing]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (at, a) in systems.iter().enumerate() {
        for b in &systems[at + 1..] {
            let difference = difference(&a.ndcg_at_10, &b.ndcg_at_10);
            pairs.push(Pair { a: a.name.clone(), b: b.name.clone(), difference, p_holm: 1.0, is_better: false });
        }
    }
    let corrected = holm(&pairs.iter().map(|pair| pair.difference.p).collect::<Vec<_>>());
    for (pair, p_holm) in pairs.iter_mut().zip(corrected) {
        pair.p_holm = p_holm;
        pair.is_better = p_holm < LEVEL && pair.difference.interval[0] > 0.0;
    }
    pairs
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::eval::judgments::{Granularity, Judgments};

    /// A system that retrieves the answer to each question at this rank, from 1; 0 for not at all.
    pub(crate) fn system_run(name: &str, places: &[usize], p95_ms: f64) -> SystemRun {
        let question = |at: usize| Question {
            id: format!("q{at}"),
            text: format!("question number {at}"),
            origin: QuestionOrigin::Human,
            granularity: Granularity::Document,
            judgments: Judgments::from([(format!("d{at}.md"), 1)]),
        };
        let ranking = |(at, &place): (usize, &usize)| {
            let mut ranking: Vec<(String, f32)> = (0..10).map(|other| (format!("x{other}.md"), 1.0)).collect();
            if place > 0 {
                ranking.insert(place - 1, (format!("d{at}.md"), 1.0));
            }
            (format!("q{at}"), ranking)
        };
        SystemRun {
            name: name.to_string(),
            questions: (0..places.len()).map(question).collect(),
            run: Run { rankings: places.iter().enumerate().map(ranking).collect(), took_ms: vec![1.0; places.len()] },
            answers: Vec::new(),
            cost: Cost { p95_ms, ..Cost::default() },
        }
    }

    #[test]
    fn a_clear_winner_is_better_and_a_close_one_is_not() {
        let clear = [system_run("good:dense", &[1; 30], 9.0), system_run(BASELINE, &[3; 30], 1.0)];
        let comparison = &compare_runs(&clear)[0];
        assert_eq!(comparison.systems[0].name, "good:dense");
        assert!(comparison.pairs[0].is_better && comparison.pairs[0].p_holm < 0.001);
        assert_eq!(comparison.verdict.recommended, "good:dense");

        let mut places = [1; 30];
        places[7] = 2;
        let close = [system_run("good:dense", &[1; 30], 9.0), system_run(BASELINE, &places, 1.0)];
        let comparison = &compare_runs(&close)[0];
        assert!(!comparison.pairs[0].is_better);
        assert_eq!(comparison.verdict.recommended, BASELINE, "without a significant difference, the cost decides");
        let words = comparison.verdict.sentences.join(" ");
        assert!(!words.contains("better"), "{words}");
    }

    #[test]
    fn too_few_questions_are_never_significant_and_the_verdict_says_so() {
        let few = [system_run("good:dense", &[1; 3], 9.0), system_run(BASELINE, &[0; 3], 1.0)];
        let comparison = &compare_runs(&few)[0];
        assert!(!comparison.pairs[0].is_better);
        let words = comparison.verdict.sentences.join(" ");
        assert!(
            words.contains("With fewer than 6 questions no difference is significant") && !words.contains("0.000"),
            "{words}"
        );
    }

    #[test]
    fn synthetic_and_human_questions_are_never_mixed() {
        let mut runs = [system_run("a:dense", &[1, 1, 2, 2], 1.0), system_run(BASELINE, &[2, 2, 1, 1], 1.0)];
        for run in &mut runs {
            run.questions[2].origin = QuestionOrigin::Synthetic;
            run.questions[3].origin = QuestionOrigin::Synthetic;
        }
        let comparisons = compare_runs(&runs);
        assert_eq!(comparisons.iter().map(|it| it.systems[0].name.as_str()).collect::<Vec<_>>(), ["a:dense", BASELINE]);
        assert_eq!(comparisons[1].questions, ["q2", "q3"]);
    }
}
