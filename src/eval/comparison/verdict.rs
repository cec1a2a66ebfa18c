//! The verdict of a comparison, in words. It never says "better" unless the difference is
//! significant.

use serde::Serialize;

use super::{BASELINE, Pair, Standing};
use crate::eval::judgments::QuestionOrigin;
use crate::eval::significance::FEWEST;

/// The conclusion of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// The system with the highest mean.
    pub best: String,
    /// Systems that the best is not significantly better than.
    pub not_told_apart: Vec<String>,
    /// The recommended system: the fastest among the best and those whose interval of the
    /// difference from it includes 0; the best itself if there are too few questions.
    pub recommended: String,
    /// The verdict in sentences.
    pub sentences: Vec<String>,
}

pub(super) fn verdict(origin: QuestionOrigin, systems: &[Standing], pairs: &[Pair]) -> Verdict {
    let best = &systems[0];
    let against_best: Vec<&Pair> = pairs.iter().filter(|pair| pair.a == best.name).collect();
    let not_told_apart: Vec<&Pair> = against_best.iter().copied().filter(|pair| !pair.is_better).collect();
    let count = best.ndcg_at_10.len();
    // Too few questions cannot show that a cheaper system is as good.
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
    let questions = match count {
        1 => format!("this one {synthetic}question"),
        _ => format!("these {count} {synthetic}questions"),
    };
    let mut sentences =
        vec![format!("On {questions}, {} reaches the highest nDCG@10: {:.3}.", best.name, best.quality())];
    if systems.len() == 1 {
        sentences.push("There is nothing to compare it with.".to_string());
    } else if not_told_apart.is_empty() {
        sentences.push("It is significantly better than each of the others.".to_string());
    } else {
        let names: Vec<&str> = not_told_apart.iter().map(|pair| pair.b.as_str()).collect();
        let detectable = not_told_apart.iter().map(|pair| pair.difference.detectable).fold(0.0, f64::max);
        let (who, others) = match against_best.len() - names.len() {
            0 if names.len() > 1 => ("Its lead over the others is not significant".to_string(), false),
            others => (format!("Its lead over {} is not significant", listed(&names)), others > 0),
        };
        let rest = if others { "; the others are significantly worse" } else { "" };
        let advice = match count < FEWEST {
            true => format!(
                "With fewer than {FEWEST} questions no difference is significant, however large it is: add questions"
            ),
            false => format!("This many questions can show a difference of about {detectable:.3} or more"),
        };
        sentences.push(format!("{who}{rest}. {advice}."));
    }
    if let Some(pair) = against_best.iter().find(|pair| pair.b == BASELINE && pair.is_better) {
        let [low, high] = pair.difference.interval;
        sentences
            .push(format!("Lexical search alone is {:.3} below it ({low:.3} to {high:.3}).", pair.difference.mean));
    }
    if systems.len() > 1 {
        let (p95_ms, model_bytes) = cost(&recommended);
        let models = match model_bytes {
            0 => "no model".to_string(),
            bytes => format!("{:.0} MiB of models", bytes as f64 / f64::from(1 << 20)),
        };
        let reason = match candidates.len() {
            1 if count < FEWEST => " until you have more questions",
            1 => "",
            _ => ", the fastest of those that may be as good",
        };
        sentences.push(format!("Take {recommended}{reason}: {} ms for a question (p95), {models}.", p95_ms.ceil()));
    }
    if origin == QuestionOrigin::Synthetic {
        sentences.push(
            "These questions are generated, not human: trust the order of the systems more than the figures, and neither much."
                .to_string(),
        );
        if recommended == BASELINE {
            sentences.push(
                "Generated questions share words with their passages, which favours lexical search: write twenty questions of your \
                 own before you decide against an embedder."
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

/// The names as a list, with at most three before `and N more`.
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
