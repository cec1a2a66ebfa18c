//! Compares systems on the same questions: which is better, how sure that is, and what it costs.

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

/// The system that is always there: words alone, which need no model.
pub const BASELINE: &str = "bm25";

/// What one system costs on one machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// The files of its models on disk.
    pub model_bytes: u64,
    /// How many numbers its models have learned, where that is known.
    pub parameters: Option<u64>,
    /// Components of a vector; `None` without an embedder.
    pub dimension: Option<usize>,
    /// What the index holds for it, for each chunk.
    pub index_bytes_per_chunk: f64,
    /// How fast chunks are indexed for it.
    pub chunks_per_second: f64,
    /// From the start of the process to the first answer.
    pub cold_start_ms: f64,
    /// The most memory that its process took until all questions were answered; `None` where the
    /// system does not tell.
    pub peak_memory_bytes: Option<u64>,
    /// The time that half of the questions took at most.
    pub p50_ms: f64,
    /// The time that 95 of 100 questions took at most.
    pub p95_ms: f64,
    /// Where that time goes, in the order of the work.
    pub stages: Vec<Stage>,
}

/// A part of the work of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Which.
    pub name: String,
    /// The time that half of the questions took at most.
    pub p50_ms: f64,
    /// The time that 95 of 100 questions took at most.
    pub p95_ms: f64,
}

/// What a system wrote for a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemAnswer {
    /// The answer with its marks.
    pub text: String,
    /// Whether it says only that the documents do not say.
    pub refused: bool,
    /// Whether it says something and a passage holds every sentence of it.
    pub is_supported: bool,
}

/// How a system answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AnswerShares {
    /// The share of the questions that it refuses.
    pub refused: f64,
    /// The share of its other answers of which the passages hold every sentence.
    pub supported: f64,
}

/// The rankings and answers of one system.
#[derive(Debug, Clone, PartialEq)]
pub struct SystemRun {
    /// Names it, such as `all-minilm-l6-v2:hybrid`.
    pub name: String,
    /// The questions as they are judged for it, in the same order for each system. The judgments
    /// are the same places, but places have other names where documents were cut otherwise.
    pub questions: Vec<Question>,
    /// Its rankings of these questions.
    pub run: Run,
    /// Its answers, in the same order, if it answers; what they cite is its ranking then.
    pub answers: Vec<SystemAnswer>,
    /// What it costs.
    pub cost: Cost,
}

/// Systems on questions of one origin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Who asked.
    pub origin: QuestionOrigin,
    /// The ids of the questions, in the order of all values.
    pub questions: Vec<String>,
    /// Best first.
    pub systems: Vec<Standing>,
    /// Each pair once, the better system first, in the order of the systems.
    pub pairs: Vec<Pair>,
    /// Whether they find the same.
    pub agreement: Agreement,
    /// On which questions the best system and the baseline, or the next best, differ most.
    pub contrasting_questions: Vec<ContrastingQuestion>,
    /// How good they are on parts of the questions.
    pub slices: Vec<Slice>,
    /// What follows.
    pub verdict: Verdict,
}

/// How good a system is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// The mean of each metric.
    pub estimates: Vec<Estimate>,
    /// nDCG@10 of each question.
    pub ndcg_at_10: Vec<f64>,
    /// How it answers, if it does: its rankings are what its answers cite then.
    pub answers: Option<AnswerShares>,
    /// What it costs.
    pub cost: Cost,
}

impl Standing {
    /// Mean nDCG@10.
    pub fn quality(&self) -> f64 {
        self.estimates[0].mean
    }
}

/// How two systems differ in nDCG@10.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// The one with the higher mean.
    pub a: String,
    /// The other.
    pub b: String,
    /// A − B.
    pub difference: Difference,
    /// The p-value, corrected for all pairs by Holm's procedure.
    pub p_holm: f64,
    /// Whether A can be called better: the interval does not hold 0, and the corrected p-value is
    /// below [`LEVEL`].
    pub is_better: bool,
}

/// Compares systems on the questions of each origin: first those of people, then the generated
/// ones.
pub fn compare_runs(outcomes: &[SystemRun]) -> Vec<Comparison> {
    let of = |origin: QuestionOrigin| -> Vec<usize> {
        let questions = outcomes.first().map(|outcome| outcome.questions.as_slice()).unwrap_or_default();
        (0..questions.len()).filter(|&at| questions[at].origin == origin).collect()
    };
    let origins = [QuestionOrigin::Human, QuestionOrigin::Synthetic].into_iter();
    origins
        .map(|origin| (origin, of(origin)))
        .filter(|(_, places)| !places.is_empty())
        .map(|(origin, places)| {
            let part: Vec<SystemRun> = outcomes.iter().map(|outcome| outcome.at(&places)).collect();
            compare_one(origin, &part)
        })
        .collect()
}

impl SystemRun {
    /// The outcome on some of the questions.
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

fn compare_one(origin: QuestionOrigin, outcomes: &[SystemRun]) -> Comparison {
    let mut ranked: Vec<(Standing, &SystemRun)> = outcomes.iter().map(|outcome| (standing(outcome), outcome)).collect();
    ranked.sort_by(|(a, _), (b, _)| b.quality().total_cmp(&a.quality()).then(a.name.cmp(&b.name)));
    let (systems, outcomes): (Vec<Standing>, Vec<&SystemRun>) = ranked.into_iter().unzip();
    let pairs = pairs(&systems);
    Comparison {
        origin,
        questions: outcomes[0].questions.iter().map(|question| question.id.clone()).collect(),
        agreement: agreement::agreement(&outcomes),
        contrasting_questions: agreement::contrasting_questions(&systems, &outcomes),
        slices: slices::slices(&systems, &outcomes[0].questions),
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

fn answer_shares(answered: &[SystemAnswer]) -> Option<AnswerShares> {
    let refused = answered.iter().filter(|answered| answered.refused).count();
    let supported = answered.iter().filter(|answered| answered.is_supported).count();
    let share = |part: usize, of: usize| if of == 0 { 0.0 } else { part as f64 / of as f64 };
    let (refused, supported) = (share(refused, answered.len()), share(supported, answered.len() - refused));
    (!answered.is_empty()).then_some(AnswerShares { refused, supported })
}

fn pairs(systems: &[Standing]) -> Vec<Pair> {
    let mut found = Vec::new();
    for (at, a) in systems.iter().enumerate() {
        for b in &systems[at + 1..] {
            let difference = difference(&a.ndcg_at_10, &b.ndcg_at_10);
            found.push(Pair { a: a.name.clone(), b: b.name.clone(), difference, p_holm: 1.0, is_better: false });
        }
    }
    let corrected = holm(&found.iter().map(|pair| pair.difference.p).collect::<Vec<_>>());
    for (pair, p_holm) in found.iter_mut().zip(corrected) {
        pair.p_holm = p_holm;
        pair.is_better = p_holm < LEVEL && pair.difference.interval[0] > 0.0;
    }
    found
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::eval::judgments::{Granularity, Judgments};

    /// A system that finds the answer of each question at this place, from 1; 0 for not at all.
    pub(crate) fn outcome(name: &str, places: &[usize], p95_ms: f64) -> SystemRun {
        let question = |at: usize| Question {
            id: format!("q{at}"),
            text: format!("question number {at}"),
            origin: QuestionOrigin::Human,
            granularity: Granularity::Document,
            judgments: Judgments::from([(format!("d{at}.md"), 1)]),
        };
        let ranking = |(at, &place): (usize, &usize)| {
            let mut found: Vec<(String, f32)> = (0..10).map(|other| (format!("x{other}.md"), 1.0)).collect();
            if place > 0 {
                found.insert(place - 1, (format!("d{at}.md"), 1.0));
            }
            (format!("q{at}"), found)
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
        let clear = [outcome("good:dense", &[1; 30], 9.0), outcome(BASELINE, &[3; 30], 1.0)];
        let comparison = &compare_runs(&clear)[0];
        assert_eq!(comparison.systems[0].name, "good:dense");
        assert!(comparison.pairs[0].is_better && comparison.pairs[0].p_holm < 0.001);
        assert_eq!(comparison.verdict.recommended, "good:dense");

        let mut places = [1; 30];
        places[7] = 2;
        let close = [outcome("good:dense", &[1; 30], 9.0), outcome(BASELINE, &places, 1.0)];
        let comparison = &compare_runs(&close)[0];
        assert!(!comparison.pairs[0].is_better);
        assert_eq!(comparison.verdict.recommended, BASELINE, "what cannot be told apart goes by cost");
        let words = comparison.verdict.sentences.join(" ");
        assert!(!words.contains("better"), "{words}");
    }

    #[test]
    fn a_few_questions_show_nothing_and_the_verdict_says_so() {
        let few = [outcome("good:dense", &[1; 3], 9.0), outcome(BASELINE, &[0; 3], 1.0)];
        let comparison = &compare_runs(&few)[0];
        assert!(!comparison.pairs[0].is_better);
        let words = comparison.verdict.sentences.join(" ");
        assert!(words.contains("Fewer than 6 questions show no difference") && !words.contains("0.000"), "{words}");
    }

    #[test]
    fn what_programs_asked_is_never_mixed_with_what_people_asked() {
        let mut outcomes = [outcome("a:dense", &[1, 1, 2, 2], 1.0), outcome(BASELINE, &[2, 2, 1, 1], 1.0)];
        for outcome in &mut outcomes {
            outcome.questions[2].origin = QuestionOrigin::Synthetic;
            outcome.questions[3].origin = QuestionOrigin::Synthetic;
        }
        let found = compare_runs(&outcomes);
        assert_eq!(found.iter().map(|it| it.systems[0].name.as_str()).collect::<Vec<_>>(), ["a:dense", BASELINE]);
        assert_eq!(found[1].questions, ["q2", "q3"]);
    }
}
