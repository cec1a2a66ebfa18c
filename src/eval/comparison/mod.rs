//! Compares systems on the same questions: quality, significance and cost.

pub mod agreement;
pub mod slices;
pub mod verdict;
pub mod wording;

use serde::{Deserialize, Serialize};

use super::bootstrap::mean_with_interval;
use super::judgments::{Question, QuestionOrigin};
use super::metrics::Metrics;
use super::significance::{Difference, LEVEL, difference, holm};
use super::{Estimate, Run, estimates, metrics_by_question};
use agreement::{Agreement, ContrastingQuestion};
use slices::Slice;
use verdict::Verdict;

/// The baseline of every comparison of searches: lexical search alone, which needs no model.
pub const BASELINE: &str = "bm25";

/// What people call the baseline.
pub const BASELINE_LABEL: &str = "words alone";

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
    /// The time from the start of the process to the first result: what a command of its own takes
    /// for a question.
    pub cold_start_ms: f64,
    /// The peak memory of its process while it answered the questions; `None` if the operating
    /// system does not report it.
    pub peak_memory_bytes: Option<u64>,
    /// The median time for a question once the models are loaded, as in a server.
    pub p50_ms: f64,
    /// The 95th percentile of that time.
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
    /// True if it, or a quote that it cites, has the words of a reference answer; `None` if the
    /// question has no reference answer.
    pub has_reference: Option<bool>,
}

/// The answers of a system, as shares.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnswerShares {
    /// The share of questions that the system answers.
    pub answered: f64,
    /// The share of questions that it refuses to answer.
    pub refused: f64,
    /// The share of its answers in which the passages support every sentence.
    pub supported: f64,
    /// The share of questions that it answers rightly, with the 95 % interval.
    pub right: Estimate,
    /// 1 for each question that it answers rightly, else 0: the answer has the words of a reference
    /// answer, or, if there is none, cites a right document or passage.
    pub right_by_question: Vec<f64>,
}

/// The rankings and answers of one system.
#[derive(Debug, Clone, PartialEq)]
pub struct SystemRun {
    /// The name, such as `all-minilm-l6-v2:hybrid`.
    pub name: String,
    /// What people call it, such as `all-minilm-l6-v2 hybrid`.
    pub label: String,
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
    /// What people call it.
    pub label: String,
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
    /// The measure by which systems are compared: the share of right answers if they answer, else
    /// nDCG@10.
    pub fn measure(&self) -> &Estimate {
        self.answers.as_ref().map_or(&self.estimates[0], |answers| &answers.right)
    }

    /// That measure of each question.
    pub fn values(&self) -> &[f64] {
        self.answers.as_ref().map_or(&self.ndcg_at_10, |answers| &answers.right_by_question)
    }

    /// The mean of that measure.
    pub fn quality(&self) -> f64 {
        self.measure().mean
    }

    /// The number of questions with a right result among the first five.
    pub fn found_in_first_five(&self) -> usize {
        (self.estimates[5].mean * self.ndcg_at_10.len() as f64).round() as usize
    }
}

/// The difference of two systems in the measure by which they are compared.
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
    /// True if they are shown to be equivalent, see [`Difference::is_equivalent`].
    pub is_equivalent: bool,
}

impl Comparison {
    /// True if systems are compared by their answers, which makes it a comparison of generators.
    pub fn is_of_answers(&self) -> bool {
        self.systems.iter().any(|system| system.answers.is_some())
    }

    /// The system that `kinglet use` should make the default of the index, if any.
    pub fn system_to_use(&self) -> Option<&str> {
        let Verdict { recommended, default, .. } = &self.verdict;
        recommended.as_deref().filter(|name| Some(*name) != default.as_deref() && !self.is_of_answers())
    }
}

/// Compares systems on the questions of each origin: human ones first, then synthetic ones.
/// `default` is the name of the one that is used now, if it is among them.
pub fn compare_runs(runs: &[SystemRun], default: Option<&str>) -> Vec<Comparison> {
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
            compare_one(origin, &subset, default)
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
        let (name, label) = (self.name.clone(), self.label.clone());
        SystemRun { name, label, questions, run, answers, cost: self.cost.clone() }
    }
}

fn compare_one(origin: QuestionOrigin, runs: &[SystemRun], default: Option<&str>) -> Comparison {
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
        verdict: verdict::verdict(&runs[0].questions, &systems, &pairs, default),
        systems,
        pairs,
    }
}

fn standing(run: &SystemRun) -> Standing {
    let metrics = metrics_by_question(&run.questions, &run.run);
    Standing {
        name: run.name.clone(),
        label: run.label.clone(),
        estimates: estimates(&metrics).to_vec(),
        ndcg_at_10: metrics.iter().map(|metrics| metrics.ndcg_at_10).collect(),
        answers: answer_shares(run, &metrics),
        cost: run.cost.clone(),
    }
}

fn answer_shares(run: &SystemRun, metrics: &[Metrics]) -> Option<AnswerShares> {
    let answers = &run.answers;
    let answered = answers.iter().filter(|answer| !answer.refused).count();
    let supported = answers.iter().filter(|answer| answer.is_supported).count();
    let share = |part: usize, of: usize| if of == 0 { 0.0 } else { part as f64 / of as f64 };
    // The ranking of an answer is what it cites.
    let is_right = |(answer, metrics): (&SystemAnswer, &Metrics)| {
        !answer.refused && answer.has_reference.unwrap_or(metrics.recall_at_100 > 0.0)
    };
    let right_by_question: Vec<f64> =
        answers.iter().zip(metrics).map(|each| f64::from(u8::from(is_right(each)))).collect();
    let (mean, interval) = mean_with_interval(&right_by_question);
    (!answers.is_empty()).then(|| AnswerShares {
        answered: share(answered, answers.len()),
        refused: share(answers.len() - answered, answers.len()),
        supported: share(supported, answered),
        right: Estimate { metric: "right", mean, interval },
        right_by_question,
    })
}

fn pairs(systems: &[Standing]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (at, a) in systems.iter().enumerate() {
        for b in &systems[at + 1..] {
            let difference = difference(a.values(), b.values());
            let is_equivalent = difference.is_equivalent();
            let (a, b) = (a.name.clone(), b.name.clone());
            pairs.push(Pair { a, b, difference, p_holm: 1.0, is_better: false, is_equivalent });
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
    pub(crate) fn system_run(name: &str, places: &[usize], cold_start_ms: f64) -> SystemRun {
        let question = |at: usize| Question {
            id: format!("q{at}"),
            text: format!("question number {at}"),
            origin: QuestionOrigin::Human,
            granularity: Granularity::Document,
            judgments: Judgments::from([(format!("d{at}.md"), 1)]),
            references: Vec::new(),
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
            label: if name == BASELINE { BASELINE_LABEL.to_string() } else { name.replace(':', " ") },
            questions: (0..places.len()).map(question).collect(),
            run: Run { rankings: places.iter().enumerate().map(ranking).collect(), took_ms: vec![1.0; places.len()] },
            answers: Vec::new(),
            cost: Cost { cold_start_ms, ..Cost::default() },
        }
    }

    fn compared(runs: &[SystemRun], default: &str) -> Comparison {
        compare_runs(runs, Some(default)).remove(0)
    }

    #[test]
    fn a_clear_winner_is_recommended_even_if_it_is_slower() {
        let clear = [system_run("good:dense", &[1; 30], 9.0), system_run(BASELINE, &[3; 30], 1.0)];
        let comparison = compared(&clear, BASELINE);
        assert!(comparison.pairs[0].is_better && comparison.pairs[0].p_holm < 0.001);
        assert_eq!(comparison.system_to_use(), Some("good:dense"));
        assert_eq!(compared(&clear, "good:dense").system_to_use(), None, "it is the default already");
    }

    #[test]
    fn what_cannot_be_told_apart_is_no_reason_to_leave_the_default() {
        let mut places = [1; 12];
        (places[2], places[7]) = (6, 2);
        let close = [system_run("good:dense", &[1; 12], 400.0), system_run(BASELINE, &places, 30.0)];
        let comparison = compared(&close, "good:dense");
        assert!(!comparison.pairs[0].is_better && !comparison.pairs[0].is_equivalent);
        let Verdict { sentences, recommended, more_questions, .. } = &comparison.verdict;
        assert_eq!((recommended.as_deref(), comparison.system_to_use()), (Some("good:dense"), None));
        assert_eq!(
            sentences[0],
            "good dense had the right document among the first five results for 12 of 12 questions, words alone for 11."
        );
        let more = more_questions.expect("a number of questions would decide");
        assert!(sentences[2].contains(&format!("about {more} more questions")), "{sentences:?}");
        assert_eq!(sentences[3], "Keep good dense, the default of this index, until more questions show a difference.");
        let nothing = compare_runs(&close, None).remove(0).verdict;
        assert_eq!(nothing.recommended, None, "without a default nothing speaks for either");
    }

    #[test]
    fn a_faster_system_takes_the_place_of_the_default_only_if_it_is_equivalent() {
        // One question in forty differs by 0.37: equivalent, once there are enough of them.
        let cheaper = |count: usize| -> Vec<usize> { (0..count).map(|at| if at % 40 == 7 { 2 } else { 1 }).collect() };
        let compared_of = |count: usize, milliseconds: f64| {
            let runs =
                [system_run("good:dense", &vec![1; count], 400.0), system_run(BASELINE, &cheaper(count), milliseconds)];
            compared(&runs, "good:dense")
        };
        let shown = compared_of(400, 30.0);
        assert!(shown.pairs[0].is_equivalent);
        assert_eq!(shown.system_to_use(), Some(BASELINE));
        let words = shown.verdict.sentences.join(" ");
        assert!(
            words.contains("words alone is as good as good dense: within 0.02") && words.contains("30 ms"),
            "{words}"
        );
        assert_eq!(compared_of(400, 390.0).system_to_use(), None, "it is hardly faster");
        assert_eq!(compared_of(40, 30.0).system_to_use(), None, "too few questions show that");
    }

    #[test]
    fn generators_are_compared_by_right_answers_and_none_is_a_system_to_use() {
        let generator = |name: &str, right: usize| {
            let mut run = system_run(name, &[1; 12], 1.0);
            let answer = |at: usize| SystemAnswer {
                text: "It is.".to_string(),
                refused: at == 11,
                is_supported: at < 6,
                has_reference: (at != 0).then_some(at < right),
            };
            run.answers = (0..12).map(answer).collect();
            run
        };
        let comparison = compared(&[generator("quotes", 11), generator("writes", 2)], "writes");
        let answers = comparison.systems[0].answers.clone().unwrap();
        assert_eq!((answers.answered, answers.supported), (11.0 / 12.0, 6.0 / 11.0));
        assert_eq!(answers.right_by_question.iter().sum::<f64>(), 11.0, "without a reference, a right source counts");
        let Verdict { sentences, recommended, .. } = &comparison.verdict;
        assert_eq!(
            sentences[0],
            "quotes answered 11 of 12 questions, 11 rightly; writes answered 11 of 12 questions, 2 rightly."
        );
        assert_eq!((recommended.as_deref(), comparison.system_to_use()), (Some("quotes"), None));
        assert!(sentences.last().unwrap().contains("generator = \"quotes\""), "{sentences:?}");
    }

    #[test]
    fn too_few_questions_are_never_significant_and_the_verdict_says_so() {
        let few = [system_run("good:dense", &[1; 3], 9.0), system_run(BASELINE, &[0; 3], 1.0)];
        let comparison = compared(&few, BASELINE);
        assert!(!comparison.pairs[0].is_better);
        assert_eq!((comparison.system_to_use(), comparison.verdict.more_questions), (None, None));
        let words = comparison.verdict.sentences.join(" ");
        assert!(words.contains("With fewer than 6 questions no difference can be shown"), "{words}");
    }

    #[test]
    fn synthetic_and_human_questions_are_never_mixed() {
        let mut runs = [system_run("a:dense", &[1, 1, 2, 2], 1.0), system_run(BASELINE, &[2, 2, 1, 1], 1.0)];
        for run in &mut runs {
            run.questions[2].origin = QuestionOrigin::Synthetic;
            run.questions[3].origin = QuestionOrigin::Synthetic;
        }
        let comparisons = compare_runs(&runs, None);
        assert_eq!(comparisons.iter().map(|it| it.systems[0].name.as_str()).collect::<Vec<_>>(), ["a:dense", BASELINE]);
        assert_eq!(comparisons[1].questions, ["q2", "q3"]);
    }
}
