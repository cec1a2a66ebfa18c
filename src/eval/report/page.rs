//! The HTML page: verdict, tables, plots, pairs, agreement, slices, questions, method.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::About;
use super::plot::{Axis, bar, interval, pareto};
use crate::eval::bootstrap::{RESAMPLES, SEED};
use crate::eval::comparison::agreement::ContrastingQuestion;
use crate::eval::comparison::wording::{ANSWER_COLUMNS, commands_to_use, counted, duration};
use crate::eval::comparison::{Comparison, Pair, Standing};
use crate::eval::judgments::QuestionOrigin;
use crate::eval::metrics::Metrics;
use crate::eval::significance::{FEWEST_FOR_EQUIVALENCE, FLIPS, MARGIN};

const STYLE: &str = include_str!("style.css");
/// The most relevant items to list for a question.
const MAX_RELEVANT: usize = 6;

const AXES: [Axis; 5] = [
    Axis {
        title: "time for a question as a command, ms",
        of: |system| Some(system.cost.cold_start_ms),
        format: milliseconds,
    },
    Axis { title: "time for a question in a server, ms", of: |system| Some(system.cost.p50_ms), format: milliseconds },
    Axis {
        title: "peak memory, MiB",
        of: |system| system.cost.peak_memory_bytes.map(|bytes| bytes as f64 / f64::from(1 << 20)),
        format: plain,
    },
    Axis { title: "index, bytes per chunk", of: |system| Some(system.cost.index_bytes_per_chunk), format: plain },
    Axis {
        title: "parameters, millions",
        of: |system| system.cost.parameters.map(|count| count as f64 / 1e6),
        format: plain,
    },
];

fn milliseconds(value: f64) -> String {
    match value {
        value if value < 0.995 => format!("{value:.2}"),
        value if value < 9.95 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

fn plain(value: f64) -> String {
    match value {
        value if value >= 10_000.0 => format!("{:.0} k", value / 1000.0),
        value if value >= 10.0 => format!("{value:.0}"),
        value => format!("{value:.1}"),
    }
}

fn mib(bytes: u64) -> String {
    if bytes == 0 { "none".to_string() } else { format!("{:.0} MiB", bytes as f64 / f64::from(1 << 20)) }
}

pub fn page(about: &About, comparisons: &[Comparison]) -> Markup {
    let answers = comparisons.iter().any(Comparison::is_of_answers);
    let what = if answers { "Which generator" } else { "Which search" };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (what) " for " (about.name) "?" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p class="eyebrow" { "kinglet compare" }
                    h1 { (what) " for " em { (about.name) } "?" }
                    p class="facts" {
                        (about.documents) " documents · " (about.chunks) " chunks · " (about.machine) " · kinglet " (about.version)
                    }
                }
                main {
                    @for comparison in comparisons { (section(about, comparison)) }
                    (method())
                }
            }
        }
    }
}

fn section(about: &About, comparison: &Comparison) -> Markup {
    let systems = &comparison.systems;
    html! {
        section class="verdict" {
            h2 {
                "Verdict"
                @if comparison.origin == QuestionOrigin::Synthetic { " " span class="badge" { "synthetic questions" } }
            }
            @for sentence in &comparison.verdict.sentences { p { (sentence) } }
            @if let Some(system) = comparison.system_to_use().filter(|_| about.can_be_used) {
                pre { (commands_to_use(system, &about.name).join("\n")) }
            }
            @for sentence in &about.left_out { p class="note" { (sentence) "." } }
        }
        section {
            h2 { "Quality" }
            (standings(systems))
            h2 class="second" { "Cost" }
            (costs(systems))
        }
        section {
            h2 { "Quality against cost" }
            p class="note" {
                "Pareto plots: upwards is better, to the left is cheaper. No system beats those on the line in both. "
                "The whiskers are 95\u{a0}% intervals; the numbers are those of the table. The scale to the right is logarithmic. "
                "Dots that would cover each other are moved sideways."
            }
            div class="plots" { @for axis in &AXES { (pareto(systems, measure(comparison), axis)) } }
        }
        section { h2 { "Where the time goes" } (stages(systems)) }
        @if systems.len() > 1 {
            section { h2 { "All pairs" } (pairs(comparison)) }
            section {
                h2 { @if comparison.is_of_answers() { "Do they cite the same?" } @else { "Do they retrieve the same?" } }
                (agreement(comparison))
            }
        }
        @if !comparison.slices.is_empty() { section { h2 { "Slices of the questions" } (slices(comparison)) } }
        @if !comparison.contrasting_questions.is_empty() { section { h2 { "Where they differ most" } (contrasting_questions(comparison)) } }
    }
}

/// What the systems are compared by.
fn measure(comparison: &Comparison) -> &'static str {
    if comparison.is_of_answers() { "right answers, share of the questions" } else { "nDCG@10 (1 is best)" }
}

fn name(at: usize, name: &str) -> Markup {
    html! { span class=(format!("key k{}", at % 10)) { (at + 1) } " " (name) }
}

fn share(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// The columns of a table, and what they say.
fn legend(columns: &[(&str, &str)]) -> Markup {
    html! {
        dl class="legend" { @for (name, meaning) in columns { dt { (name) } dd { (meaning) } } }
    }
}

fn standings(systems: &[Standing]) -> Markup {
    let answering = systems.iter().any(|system| system.answers.is_some());
    let bottom = systems.iter().map(|system| system.measure().interval[0]).fold(1.0, f64::min);
    let top = systems.iter().map(|system| system.measure().interval[1]).fold(0.0, f64::max);
    let columns: &[(&str, &str)] = match answering {
        true => &ANSWER_COLUMNS,
        false => &[
            ("nDCG@10", Metrics::MEANINGS[0]),
            ("95 % interval", "where nDCG@10 probably lies for all questions like these"),
            ("Recall@100", Metrics::MEANINGS[2]),
            ("MRR@10", Metrics::MEANINGS[3]),
            ("Success@5", Metrics::MEANINGS[5]),
        ],
    };
    let cells = |system: &Standing| -> Vec<String> {
        match &system.answers {
            Some(answers) => [answers.answered, answers.refused, answers.supported].map(share).to_vec(),
            None => [2, 3, 5].map(|at| format!("{:.3}", system.estimates[at].mean)).to_vec(),
        }
    };
    html! {
        div class="scroll" { table {
            thead { tr { th { "system" } @for (name, _) in columns { th { (name) } } } }
            tbody { @for (at, system) in systems.iter().enumerate() {
                @let (mean, [low, high]) = (system.measure().mean, system.measure().interval);
                tr {
                    th { (name(at, &system.label)) }
                    td class="strong" { @if answering { (share(mean)) } @else { (format!("{mean:.3}")) } }
                    td {
                        (interval(mean, [low, high], bottom, top, at))
                        span class="quiet" {
                            @if answering { (share(low)) " – " (share(high)) } @else { (format!("{low:.3} – {high:.3}")) }
                        }
                    }
                    @for cell in cells(system) { td { (cell) } }
                }
            } }
        } }
        (legend(columns))
    }
}

fn costs(systems: &[Standing]) -> Markup {
    let columns = [
        ("as a command", "time for one question with starting kinglet and loading the models, as each command pays it"),
        ("in a server", "median time for a question once the models are loaded"),
        ("95 % within", "the time that 95 % of the questions then take at most"),
        ("memory", "most memory while it answered"),
        ("models", "size of its models on disk"),
        ("parameters", "numbers in its models"),
        ("dimension", "numbers in a vector"),
        ("bytes/chunk", "size of its parts of the index, for each chunk"),
        ("chunks/s", "speed of indexing"),
    ];
    html! {
        div class="scroll" { table {
            thead { tr { th { "system" } @for (name, _) in columns { th { (name) } } } }
            tbody { @for (at, system) in systems.iter().enumerate() {
                @let cost = &system.cost;
                tr {
                    th { (name(at, &system.label)) }
                    td class="strong" { (duration(cost.cold_start_ms)) }
                    td { (duration(cost.p50_ms)) }
                    td { (duration(cost.p95_ms)) }
                    td { (cost.peak_memory_bytes.map_or("unknown".to_string(), mib)) }
                    td { (mib(cost.model_bytes)) }
                    td { (cost.parameters.map_or("unknown".to_string(), |count| match count {
                        0 => "none".to_string(),
                        count => format!("{} M", count / 1_000_000),
                    })) }
                    td { (cost.dimension.map_or("–".to_string(), |dimension| dimension.to_string())) }
                    td { (plain(cost.index_bytes_per_chunk)) }
                    td { (plain(cost.chunks_per_second)) }
                }
            } }
        } }
        (legend(&columns))
    }
}

fn stages(systems: &[Standing]) -> Markup {
    // Embedding the question is a part of other stages, so the bar does not show it.
    let is_nested = |stage: &str| stage == "embedding the question";
    let mut names: Vec<&str> = Vec::new();
    for stage in systems.iter().flat_map(|system| &system.cost.stages).filter(|stage| !is_nested(&stage.name)) {
        if !names.contains(&stage.name.as_str()) {
            names.push(&stage.name);
        }
    }
    // Fusion is the last stage of a search.
    names.sort_by_key(|name| *name == "fusion");
    let sum = |system: &Standing| -> f64 {
        system.cost.stages.iter().filter(|stage| !is_nested(&stage.name)).map(|stage| stage.p50_ms.max(0.0)).sum()
    };
    let longest = systems.iter().map(sum).fold(0.0, f64::max);
    let colour = |stage: &str| names.iter().position(|name| *name == stage).unwrap_or(0);
    html! {
        p class="note" {
            "The times of each stage once the models are loaded, in milliseconds: half of the questions take at most the p50, 95\u{a0}% at "
            "most the p95. Embedding the question is a part of the dense stage, or of maxsim if there "
            "is no dense stage."
            br;
            @for (at, stage) in names.iter().enumerate() { span class=(format!("key k{}", at % 10)) {} " " (stage) " \u{2003}" }
        }
        div class="scroll" { table {
            thead { tr { th { "system" } th class="left" { "stages, p50" } th class="left" { "p50 / p95, ms" } th { "embedding" } } }
            tbody { @for (at, system) in systems.iter().enumerate() {
                @let own: Vec<_> = system.cost.stages.iter().filter(|stage| !is_nested(&stage.name)).collect();
                tr {
                    th { (name(at, &system.label)) }
                    td { (bar(&own.iter().map(|stage| (colour(&stage.name), stage.p50_ms)).collect::<Vec<_>>(), longest)) }
                    td class="left" { @for (at, stage) in own.iter().enumerate() {
                        @if at > 0 { " · " }
                        (stage.name) " " (milliseconds(stage.p50_ms)) " / " (milliseconds(stage.p95_ms))
                    } }
                    td { @for stage in system.cost.stages.iter().filter(|stage| is_nested(&stage.name)) {
                        (milliseconds(stage.p50_ms)) " ms"
                    } }
                }
            } }
        } }
    }
}

fn pairs(comparison: &Comparison) -> Markup {
    let systems = &comparison.systems;
    let pair = |a: &str, b: &str| comparison.pairs.iter().find(|pair| pair.a == a && pair.b == b);
    html! {
        p class="note" {
            @if comparison.is_of_answers() { "The share of right answers" } @else { "nDCG@10" }
            " of the row minus that of the column. Filled: significant (the interval excludes 0, and p < 0.05 "
            "after Holm's correction for " (counted(comparison.pairs.len(), "pair")) "). ≈: equivalent (the 90\u{a0}% interval lies within "
            (MARGIN) " of 0, and there are at least " (FEWEST_FOR_EQUIVALENCE) " questions)."
        }
        div class="scroll" { table class="matrix" {
            thead { tr { th {} @for (at, _) in systems.iter().enumerate().skip(1) { th { span class=(format!("key k{}", at % 10)) { (at + 1) } } } } }
            tbody { @for (at, row) in systems.iter().enumerate().take(systems.len().saturating_sub(1)) { tr {
                th { (name(at, &row.label)) }
                @for (other, column) in systems.iter().enumerate().skip(1) {
                    @match pair(&row.name, &column.name).filter(|_| other > at) {
                        None => td {},
                        Some(pair) => {
                            @let difference = &pair.difference;
                            @let [wins, ties, losses] = difference.wins_ties_losses;
                            td class=(if pair.is_better { "better" } else { "same" }) {
                                @if pair.is_equivalent { "≈ " }
                                (format!("{:+.3}", difference.mean))
                                br;
                                span class="quiet" { (format!("{wins}/{ties}/{losses}")) }
                            }
                        }
                    }
                }
            } } }
        } }
        p class="note" { "Below each difference: questions won, tied and lost." }
        details {
            summary { "Details of all pairs" }
            div class="scroll" { table {
                thead { tr {
                    th { "higher" } th class="left" { "lower" } th { "difference" } th { "95 % interval" } th { "p" }
                    th { "corrected p" } th { "effect size" } th { "detectable" }
                } }
                tbody { @for pair in &comparison.pairs { (figures(systems, pair)) } }
            } }
            p class="note" {
                "The effect size is the mean difference divided by its standard deviation. Detectable is the smallest true difference that "
                "this many questions show with a power of 80 %."
            }
        }
    }
}

fn figures(systems: &[Standing], pair: &Pair) -> Markup {
    let key = |name: &str| {
        let at = systems.iter().position(|system| system.name == name).unwrap_or(0);
        self::name(at, &systems[at].label)
    };
    let difference = &pair.difference;
    html! {
        tr {
            th { (key(&pair.a)) }
            th class="left" { (key(&pair.b)) }
            td class=(if pair.is_better { "strong" } else { "" }) { (format!("{:+.4}", difference.mean)) }
            td { (format!("{:+.4} to {:+.4}", difference.interval[0], difference.interval[1])) }
            td { (format!("{:.4}", difference.p)) }
            td { (format!("{:.4}", pair.p_holm)) }
            td { (format!("{:.2}", difference.effect)) }
            td { (if difference.detectable < 1.0 { format!("{:.3}", difference.detectable) } else { "none".to_string() }) }
        }
    }
}

fn agreement(comparison: &Comparison) -> Markup {
    let (systems, agreement) = (&comparison.systems, &comparison.agreement);
    html! {
        p {
            "All systems together retrieve " strong { (format!("{:.0} %", agreement.recall_of_union * 100.0)) }
            " of the relevant items among their first ten. The table shows the share of the first ten that two systems have in common."
        }
        div class="scroll" { table class="matrix" {
            thead { tr {
                th {}
                @for (at, _) in systems.iter().enumerate() { th { span class=(format!("key k{}", at % 10)) { (at + 1) } } }
                th { "recall" } th { "found by it alone" }
            } }
            tbody { @for (at, system) in systems.iter().enumerate() { tr {
                th { (name(at, &system.label)) }
                @for (other, overlap) in agreement.overlap[at].iter().enumerate() {
                    @if other == at { td class="quiet" { "–" } }
                    @else { td style=(format!("--heat:{:.0}%", overlap * 100.0)) class="heat" { (format!("{:.0} %", overlap * 100.0)) } }
                }
                td { (format!("{:.0} %", agreement.recall[at] * 100.0)) }
                td { (agreement.found_alone[at]) }
            } } }
        } }
    }
}

fn slices(comparison: &Comparison) -> Markup {
    let best = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    html! {
        p class="note" {
            "Means of each slice: " (measure(comparison)) ". Small slices say little."
        }
        div class="scroll" { table class="matrix" {
            thead { tr {
                th { "slice" } th { "questions" }
                @for (at, _) in comparison.systems.iter().enumerate() { th { span class=(format!("key k{}", at % 10)) { (at + 1) } } }
            } }
            tbody { @for slice in &comparison.slices { tr {
                th { span class="quiet" { (slice.by) ": " } (slice.name) }
                td { (slice.questions) }
                @for value in &slice.means {
                    td class=(if *value >= best(&slice.means) { "strong" } else { "" }) { (format!("{value:.3}")) }
                }
            } } }
        } }
    }
}

fn contrasting_questions(comparison: &Comparison) -> Markup {
    html! {
        p class="note" {
            "The questions on which the best system wins and loses most against words alone, or against the second best."
        }
        @for question in &comparison.contrasting_questions { (contrasting_question(question)) }
    }
}

fn contrasting_question(question: &ContrastingQuestion) -> Markup {
    html! {
        details {
            summary {
                span class=(if question.difference > 0.0 { "gain" } else { "loss" }) { (format!("{:+.2}", question.difference)) }
                " " (question.text)
            }
            p class="note" {
                "relevant: " (question.relevant.iter().take(MAX_RELEVANT).cloned().collect::<Vec<_>>().join(", "))
                @if question.relevant.len() > MAX_RELEVANT { " and " (question.relevant.len() - MAX_RELEVANT) " more" }
                @if let Some(answer) = &question.answer { " – " (answer) }
            }
            div class="scroll" { table {
                thead { tr { th { "system" } th { "rank of the first relevant" } th class="left" { "first three results" } } }
                tbody { @for (at, result) in question.found.iter().enumerate() { tr {
                    th { (name(at, &result.label)) }
                    td { (result.first_relevant.map_or("not in 100".to_string(), |place| place.to_string())) }
                    td class="left" {
                        @for (at, place) in result.top.iter().enumerate() {
                            p { (place) " " span class="quiet" { (result.texts.get(at).map_or("", String::as_str)) } }
                        }
                        @if let Some(answer) = &result.answer { p { (answer) } }
                    }
                } } }
            } }
        }
    }
}

fn method() -> Markup {
    html! {
        section class="method" {
            h2 { "Method" }
            p {
                "All systems searched the same documents with the same questions. nDCG@10, Recall@100, MRR@10 and Success@5 are defined as in "
                "trec_eval. Intervals are percentile bootstrap intervals over the questions (" (RESAMPLES) " draws, seed " (SEED) "). "
                "A pair's p-value is that of the two-sided paired randomisation test (" (FLIPS) " sign flips, same seed), corrected for all pairs by "
                "Holm's procedure. A difference is significant only if its interval excludes 0 and the corrected p-value is below 0.05. "
                "Two systems are equivalent if two one-sided tests at 5\u{a0}% exclude a difference of " (MARGIN) ", which is to say that the "
                "90\u{a0}% interval lies within it, and if there are at least " (FEWEST_FOR_EQUIVALENCE) " questions, because fewer may all miss "
                "a rare difference. How many more questions would decide is estimated from the differences that were seen, for a power of 80\u{a0}%. "
                "Each system ran in a separate process, one after the other; times depend on this machine and its load, so compare their ratios. "
                "Run files and judgments in TREC's format are in the folder of this page."
            }
        }
    }
}
