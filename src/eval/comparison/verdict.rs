//! The verdict of a comparison: what was seen, what it shows, and what to use. It never says
//! "better" unless the difference is significant, and advises something cheaper than what is used
//! now only if that is better or shown to be equivalent.

use serde::Serialize;

use super::wording::{counted, duration, listed, listed_in_full};
use super::{BASELINE, Pair, Standing};
use crate::eval::judgments::{Granularity, Question, QuestionOrigin};
use crate::eval::metrics::Metrics;
use crate::eval::significance::{FEWEST, MARGIN, MOST_MORE, Outlook};

/// An equivalent system is advised only if it takes less than this share of the time.
const CLEARLY_FASTER: f64 = 0.8;

/// The conclusion of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// The system with the highest mean.
    pub best: String,
    /// The system that is used now, if it was compared.
    pub default: Option<String>,
    /// Systems that the best is not significantly better than.
    pub not_told_apart: Vec<String>,
    /// The recommended system: the default, unless another one is better, or clearly faster and
    /// equivalent. `None` if there is no default and nothing speaks for any system.
    pub recommended: Option<String>,
    /// An estimate of how many more questions would decide between the two systems that matter
    /// most; `None` if there is nothing to decide, or more than [`MOST_MORE`] would be needed.
    pub more_questions: Option<usize>,
    /// The verdict in sentences.
    pub sentences: Vec<String>,
}

/// The systems of a comparison and what is known of each two of them.
struct Contest<'c> {
    systems: &'c [Standing],
    pairs: &'c [Pair],
}

impl<'c> Contest<'c> {
    fn pair(&self, one: &Standing, other: &Standing) -> Option<&'c Pair> {
        let joins = |pair: &&Pair| [&pair.a, &pair.b] == [&one.name, &other.name];
        let reversed = |pair: &&Pair| [&pair.b, &pair.a] == [&one.name, &other.name];
        self.pairs.iter().find(|pair| joins(pair) || reversed(pair))
    }

    fn is_better(&self, one: &Standing, other: &Standing) -> bool {
        self.pair(one, other).is_some_and(|pair| pair.is_better && pair.a == one.name)
    }

    fn are_equivalent(&self, one: &Standing, other: &Standing) -> bool {
        self.pair(one, other).is_some_and(|pair| pair.is_equivalent)
    }

    fn are_undecided(&self, one: &Standing, other: &Standing) -> bool {
        self.pair(one, other).is_some_and(|pair| !pair.is_better && !pair.is_equivalent)
    }

    /// The best of the systems that are better than `reference`, else `reference`.
    fn winner(&self, reference: &'c Standing) -> &'c Standing {
        self.systems.iter().find(|system| self.is_better(system, reference)).unwrap_or(reference)
    }

    /// The system to advise: `winner`, or one that is clearly faster and equivalent to it, and not
    /// worse than `reference`.
    fn advised(&self, winner: &'c Standing, reference: &'c Standing) -> &'c Standing {
        let is_safe = |system: &Standing| {
            system.name == reference.name || self.is_better(system, reference) || self.are_equivalent(system, reference)
        };
        let is_faster = |system: &Standing| system.cost.cold_start_ms < CLEARLY_FASTER * winner.cost.cold_start_ms;
        let substitutes = self
            .systems
            .iter()
            .filter(|system| self.are_equivalent(system, winner) && is_safe(system) && is_faster(system));
        substitutes.min_by(|a, b| by_cost(a, b)).unwrap_or(winner)
    }
}

/// Orders systems by what a command takes for a question, then by their models, then by name.
fn by_cost(a: &Standing, b: &Standing) -> std::cmp::Ordering {
    let time = a.cost.cold_start_ms.total_cmp(&b.cost.cold_start_ms);
    time.then(a.cost.model_bytes.cmp(&b.cost.model_bytes)).then(a.name.cmp(&b.name))
}

pub(super) fn verdict(questions: &[Question], systems: &[Standing], pairs: &[Pair], default: Option<&str>) -> Verdict {
    let contest = Contest { systems, pairs };
    let best = &systems[0];
    let default = systems.iter().find(|system| Some(system.name.as_str()) == default);
    let reference = default.unwrap_or(best);
    let winner = contest.winner(reference);
    let advised = contest.advised(winner, reference);
    let beats_one = systems.iter().any(|system| contest.is_better(winner, system));
    let is_advice = default.is_some() || beats_one || advised.name != winner.name;
    let undecided: Vec<&Standing> = systems.iter().filter(|system| contest.are_undecided(winner, system)).collect();
    // What one might rather use: the system with the higher mean, else the cheapest.
    let rival = match undecided.first() {
        Some(first) if first.quality() > winner.quality() => Some(*first),
        _ => undecided.iter().copied().min_by(|a, b| by_cost(a, b)),
    };
    let enough = questions.len() >= FEWEST;
    let outlook = rival.and_then(|rival| contest.pair(winner, rival)).filter(|_| enough);
    let outlook = outlook.map(|pair| (pair, pair.difference.outlook(pairs.len())));

    let mut sentences = vec![seen(questions, systems)];
    match (systems.len(), enough) {
        (1, _) => sentences.push("There is nothing to compare it with.".to_string()),
        (_, false) => sentences.push(format!(
            "With fewer than {FEWEST} questions no difference can be shown, however large it is: add questions."
        )),
        _ => {
            sentences.extend(shown(&contest, winner, &undecided));
            sentences.extend(outlook.map(|(pair, outlook)| needed(systems, pair, outlook)));
        }
    }
    if systems.len() > 1 {
        sentences.push(match (default, is_advice) {
            (_, false) => "These questions are no reason to prefer any of them.".to_string(),
            (default, true) => advice(advised, default, !undecided.is_empty() || !enough),
        });
    }
    if questions[0].origin == QuestionOrigin::Synthetic {
        sentences.extend(caution(advised.name == BASELINE && is_advice));
    }
    let label = |pair: &Pair| pair.b.clone();
    Verdict {
        best: best.name.clone(),
        default: default.map(|system| system.name.clone()),
        not_told_apart: pairs.iter().filter(|pair| pair.a == best.name && !pair.is_better).map(label).collect(),
        recommended: is_advice.then(|| advised.name.clone()),
        more_questions: outlook.and_then(|(_, outlook)| match outlook {
            Outlook::Better(more) | Outlook::Equivalent(more) => Some(more),
            Outlook::Neither => None,
        }),
        sentences,
    }
}

/// What was seen, as counts of questions.
fn seen(questions: &[Question], systems: &[Standing]) -> String {
    let count = questions.len();
    if systems.iter().any(|system| system.answers.is_some()) {
        let of = |system: &Standing| -> String {
            let answers = system.answers.as_ref().expect("all systems of a comparison answer, or none");
            let number = |share: f64| (share * count as f64).round() as usize;
            let (answered, right) = (number(answers.answered), number(answers.right.mean));
            format!("{} answered {answered} of {}, {right} rightly", system.label, counted(count, "question"))
        };
        return systems.iter().map(of).collect::<Vec<_>>().join("; ") + ".";
    }
    let is_of_documents = questions.iter().all(|question| question.granularity == Granularity::Document);
    let what = if is_of_documents { "document" } else { "passage" };
    let mut groups: Vec<(usize, Vec<&str>)> = Vec::new();
    for system in systems {
        let found = system.found_in_first_five();
        match groups.iter_mut().find(|(count, _)| *count == found) {
            Some((_, labels)) => labels.push(&system.label),
            None => groups.push((found, vec![&system.label])),
        }
    }
    groups.sort_by_key(|(found, _)| std::cmp::Reverse(*found));
    let (most, labels) = &groups[0];
    let who = match (groups.len(), labels.len()) {
        (1, 2..) => "Every system".to_string(),
        _ => listed_in_full(labels),
    };
    let of = match most {
        found if *found == count && count > 1 && groups.len() == 1 => format!("all {count} questions"),
        found => format!("{found} of {}", counted(count, "question")),
    };
    let others: String =
        groups[1..].iter().map(|(found, labels)| format!(", {} for {found}", listed_in_full(labels))).collect();
    format!("{who} had the right {what} among the first five results for {of}{others}.")
}

/// What the differences show.
fn shown(contest: &Contest<'_>, winner: &Standing, undecided: &[&Standing]) -> Vec<String> {
    let labels = |systems: &[&Standing]| -> String {
        listed(&systems.iter().map(|system| system.label.as_str()).collect::<Vec<_>>())
    };
    let (equivalent, others): (Vec<&Standing>, Vec<&Standing>) =
        contest.systems.iter().partition(|system| contest.are_equivalent(winner, system));
    let worse: Vec<&Standing> = others.into_iter().filter(|system| contest.is_better(winner, system)).collect();
    let (short, measure) = match winner.answers {
        Some(_) => ("right answers", "right answers".to_string()),
        None => ("nDCG@10", format!("nDCG@10 ({})", Metrics::MEANINGS[0])),
    };
    let mut sentences = Vec::new();
    if let [first, ..] = worse.as_slice()
        && let Some(pair) = contest.pair(winner, first)
    {
        let [low, high] = pair.difference.interval;
        let who = if worse.len() + 1 == contest.systems.len() && worse.len() > 1 {
            "each of the others".to_string()
        } else {
            labels(&worse)
        };
        let by = match worse.len() {
            1 => format!(", by {:.2} ({low:.2} to {high:.2})", pair.difference.mean),
            _ => String::new(),
        };
        sentences.push(format!("{} is better than {who} in {measure}{by}, and not by chance.", winner.label));
    }
    if let [first, ..] = equivalent.as_slice()
        && let Some(pair) = contest.pair(winner, first)
    {
        let [low, high] = pair.difference.interval_90;
        let (verb, interval) = match equivalent.len() {
            1 => ("is", format!(" (90 % interval {low:.3} to {high:.3})")),
            _ => ("are", String::new()),
        };
        let who = labels(&equivalent);
        sentences.push(format!("{who} {verb} as good as {}: within {MARGIN}{interval}.", winner.label));
    }
    if !undecided.is_empty() {
        let pairs = undecided.iter().filter_map(|system| contest.pair(winner, system));
        let detectable = pairs.map(|pair| pair.difference.detectable).fold(0.0, f64::max);
        let count = winner.values().len();
        let others = match undecided.len() + 1 == contest.systems.len() && undecided.len() > 1 {
            true => "the others".to_string(),
            false => labels(undecided),
        };
        let measure = if worse.is_empty() { measure.as_str() } else { short };
        let between = format!("in {measure} between {} and {others}", winner.label);
        sentences.push(match detectable >= 0.005 {
            true => format!(
                "The differences {between} may be chance: with {count} questions only a difference of about {detectable:.2} \
                 or more can be shown."
            ),
            false => format!(
                "No difference {between} was seen, but {count} questions are too few to show that there is none."
            ),
        });
    }
    sentences
}

/// How many more questions would decide between the two systems of a pair.
fn needed(systems: &[Standing], pair: &Pair, outlook: Outlook) -> String {
    let label = |name: &str| systems.iter().find(|system| system.name == name).map_or("", |system| &system.label);
    let (a, b) = (label(&pair.a), label(&pair.b));
    match outlook {
        Outlook::Better(more) => {
            format!("If it stays like this, about {more} more questions would show that {a} is better than {b}.")
        }
        Outlook::Equivalent(more) => {
            format!("If it stays like this, about {more} more questions would show that {b} is as good as {a}.")
        }
        Outlook::Neither => format!("To decide between {a} and {b} would take more than {MOST_MORE} more questions."),
    }
}

fn advice(advised: &Standing, default: Option<&Standing>, is_open: bool) -> String {
    let answers = advised.answers.is_some();
    match default {
        Some(default) if default.name == advised.name => {
            let what = if answers { "the generator that is set" } else { "the default of this index" };
            let until = if is_open { ", until more questions show a difference" } else { "" };
            format!("Keep {}, {what}{until}.", advised.label)
        }
        default => {
            let time = duration(advised.cost.cold_start_ms);
            let instead = default.map_or(String::new(), |default| {
                format!(", instead of {} with {}", duration(default.cost.cold_start_ms), default.label)
            });
            let how = match answers {
                true => format!("set `generator = \"{}\"` in the configuration file. A", advised.label),
                false => "a".to_string(),
            };
            format!("Use {}: {how} command with one question takes {time}{instead}.", advised.label)
        }
    }
}

fn caution(advises_words: bool) -> Vec<String> {
    let mut sentences = vec![
        "These questions are generated, not human: trust the order of the systems more than the figures, and neither much."
            .to_string(),
    ];
    if advises_words {
        sentences.push(
            "Generated questions share words with their passages, which favours words alone: write twenty questions of your own \
             before you decide against an embedder."
                .to_string(),
        );
    }
    sentences
}
