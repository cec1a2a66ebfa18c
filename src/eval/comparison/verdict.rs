//! What follows from a comparison, in words. It never says "better" where the figures do not.

use serde::Serialize;

use super::{BASELINE, Pair, Standing};
use crate::eval::judgments::QuestionOrigin;
use crate::eval::significance::FEWEST;

/// What follows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// The system with the highest mean.
    pub best: String,
    /// Systems that the best cannot be called better than.
    pub not_told_apart: Vec<String>,
    /// The one to take: of the best, and those where the interval of the difference from it holds
    /// 0, the one that answers fastest; the best itself where the questions are too few to tell.
    pub recommended: String,
    /// The same in words.
    pub sentences: Vec<String>,
}

pub(super) fn verdict(origin: QuestionOrigin, systems: &[Standing], pairs: &[Pair]) -> Verdict {
    let best = &systems[0];
    let against_best: Vec<&Pair> = pairs.iter().filter(|pair| pair.a == best.name).collect();
    let not_told_apart: Vec<&Pair> = against_best.iter().copied().filter(|pair| !pair.is_better).collect();
    let count = best.ndcg_at_10.len();
    // A few questions cannot say that what is cheaper is as good.
    let close = against_best.iter().filter(|pair| count >= FEWEST && pair.difference.interval[0] <= 0.0);
    let cost = |name: &str| {
        let system = systems.iter().find(|system| system.name == name);
        system.map_or((f64::MAX, u64::MAX), |system| (system.cost.p95_ms, system.cost.model_bytes))
    };
    let mut candidates: Vec<&str> =
        std::iter::once(best.name.as_str()).chain(close.map(|pair| pair.b.as_str())).collect();
    candidates.sort_by(|a, b| cost(a).0.total_cmp(&cost(b).0).then(cost(a).1.cmp(&cost(b).1)).then(a.cmp(b)));
    let recommended = candidates[0].to_string();

    let synthetic = if origin == QuestionOrigin::Synthetic { "synthetic " } else { "" };
    let asked = match count {
        1 => format!("this one {synthetic}question"),
        _ => format!("these {count} {synthetic}questions"),
    };
    let mut sentences = vec![format!("On {asked}, {} reaches the highest nDCG@10: {:.3}.", best.name, best.quality())];
    if systems.len() == 1 {
        sentences.push("There is nothing to compare it with.".to_string());
    } else if not_told_apart.is_empty() {
        sentences.push("It is better than each of the others, beyond chance.".to_string());
    } else {
        let names: Vec<&str> = not_told_apart.iter().map(|pair| pair.b.as_str()).collect();
        let detectable = not_told_apart.iter().map(|pair| pair.difference.detectable).fold(0.0, f64::max);
        let (who, others) = match against_best.len() - names.len() {
            0 if names.len() > 1 => ("That is not enough to tell it from any other".to_string(), false),
            others => (format!("It cannot be told from {}", listed(&names)), others > 0),
        };
        let rest = if others { "; the others are worse, beyond chance" } else { "" };
        let shown = match count < FEWEST {
            true => format!("Fewer than {FEWEST} questions show no difference, however large it is: ask more"),
            false => format!("So many questions show a difference from about {detectable:.3} on"),
        };
        sentences.push(format!("{who}{rest}. {shown}."));
    }
    if let Some(pair) = against_best.iter().find(|pair| pair.b == BASELINE && pair.is_better) {
        let [low, high] = pair.difference.interval;
        sentences.push(format!("Words alone lose {:.3} against it ({low:.3} to {high:.3}).", pair.difference.mean));
    }
    if systems.len() > 1 {
        let (p95_ms, model_bytes) = cost(&recommended);
        let models = match model_bytes {
            0 => "no model".to_string(),
            bytes => format!("{:.0} MiB of models", bytes as f64 / f64::from(1 << 20)),
        };
        let reason = match candidates.len() {
            1 if count < FEWEST => " until more questions say otherwise",
            1 => "",
            _ => ", the fastest of those that may well be as good",
        };
        sentences.push(format!(
            "Take {recommended}{reason}: at most {} ms for 95 of 100 questions, {models}.",
            p95_ms.ceil()
        ));
    }
    if origin == QuestionOrigin::Synthetic {
        sentences.push(
            "A program asked, not people: trust the order of the systems more than the figures, and neither much."
                .to_string(),
        );
        if recommended == BASELINE {
            sentences.push(
                "GeneratedQuestions questions have the words of their passages, which helps words alone: ask twenty questions of your own \
                 before you do without an embedder."
                    .to_string(),
            );
        }
    }
    Verdict {
        best: best.name.clone(),
        not_told_apart: not_told_apart.into_iter().map(|pair| pair.b.clone()).collect(),
        recommended,
        sentences,
    }
}

fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [first, second, third, rest @ ..] if rest.len() > 1 => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        [one] => (*one).to_string(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
