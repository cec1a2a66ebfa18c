//! Plots of quality against cost.

use maud::{Markup, PreEscaped, html};

use crate::eval::comparison::Standing;

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 40.0;
/// The diameter of a dot.
const DOT: f64 = 18.0;

/// A cost axis.
pub struct Axis {
    /// Its title, with the unit.
    pub title: &'static str,
    /// The cost of a system; `None` leaves the system out of the plot.
    pub of: fn(&Standing) -> Option<f64>,
    /// Formats a cost.
    pub format: fn(f64) -> String,
}

/// Plots quality (upwards) against cost (to the right, on a logarithmic scale), with the Pareto
/// frontier as a line. A cost of 0 is at the left edge.
pub fn pareto(systems: &[Standing], measure: &str, axis: &Axis) -> Markup {
    let points: Vec<(usize, &Standing, f64)> =
        systems.iter().enumerate().filter_map(|(at, system)| Some((at, system, (axis.of)(system)?))).collect();
    let positive = || points.iter().map(|(.., cost)| *cost).filter(|cost| *cost > 0.0);
    let (min_cost, max_cost) = (positive().fold(f64::MAX, f64::min), positive().fold(0.0, f64::max));
    if points.len() < 2 || max_cost <= 0.0 {
        return html! {};
    }
    let has_zero = points.iter().any(|(.., cost)| *cost <= 0.0);
    let (first, last) = (min_cost.log10() - 0.15, max_cost.log10() + 0.15);
    let start = if has_zero { LEFT + 46.0 } else { LEFT };
    let x = |cost: f64| match cost > 0.0 {
        true => start + (cost.log10() - first) / (last - first) * (WIDTH - RIGHT - start),
        false => LEFT + 20.0,
    };
    let lows = systems.iter().map(|system| system.measure().interval[0]).fold(1.0, f64::min);
    let highs = systems.iter().map(|system| system.measure().interval[1]).fold(0.0, f64::max);
    // No quality is above 1, so the scale ends there.
    let bottom = ((lows * 20.0).floor() / 20.0).clamp(0.0, 0.95);
    let top = ((highs * 20.0).ceil() / 20.0).clamp(bottom + 0.05, 1.0);
    let y = |quality: f64| HEIGHT - BOTTOM - (quality - bottom) / (top - bottom) * (HEIGHT - BOTTOM - TOP);
    let centres: Vec<(f64, f64)> = points.iter().map(|(_, system, cost)| (x(*cost), y(system.quality()))).collect();
    let places = side_by_side(&centres);
    let step = if top - bottom > 0.51 { 0.1 } else { 0.05 };
    let lines = (0..).map(|at| bottom + f64::from(at) * step).take_while(|line| *line <= top + 1e-9);
    let ticks: Vec<f64> = ticks(min_cost, max_cost);

    html! {
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(format!("{measure} against {}", axis.title)) {
            @for line in lines {
                line class="grid" x1=(LEFT) x2=(WIDTH - RIGHT) y1=(round(y(line))) y2=(round(y(line))) {}
                text class="tick" x=(LEFT - 6.0) y=(round(y(line) + 4.0)) text-anchor="end" { (format!("{line:.2}")) }
            }
            @for tick in ticks {
                line class="grid" x1=(round(x(tick))) x2=(round(x(tick))) y1=(TOP) y2=(HEIGHT - BOTTOM) {}
                text class="tick" x=(round(x(tick))) y=(HEIGHT - BOTTOM + 15.0) text-anchor="middle" { ((axis.format)(tick)) }
            }
            @if has_zero {
                text class="tick" x=(round(x(0.0))) y=(HEIGHT - BOTTOM + 15.0) text-anchor="middle" { "none" }
            }
            path class="frontier" d=(frontier(&points, &x, &y)) {}
            @for ((at, system, cost), place) in points.iter().zip(&places).rev() {
                @let [low, high] = system.measure().interval;
                line class="whisker" x1=(round(*place)) x2=(round(*place)) y1=(round(y(low))) y2=(round(y(high))) {}
                g {
                    title { (system.label) ": " (format!("{:.3}", system.quality())) ", " ((axis.format)(*cost)) }
                    circle class=(format!("dot c{}", at % 10)) cx=(round(*place)) cy=(round(y(system.quality()))) r="9" {}
                    text class="number" x=(round(*place)) y=(round(y(system.quality()) + 3.5)) text-anchor="middle" { (at + 1) }
                }
            }
            text class="axis" x=(round((LEFT + WIDTH - RIGHT) / 2.0)) y=(HEIGHT - 6.0) text-anchor="middle" { (axis.title) }
            @let middle = (TOP + HEIGHT - BOTTOM) / 2.0;
            text class="axis" x="13" y=(middle) text-anchor="middle" transform=(format!("rotate(-90 13 {middle})")) { (measure) }
        }
    }
}

/// The x positions of dots, moved sideways so that none covers an earlier one if there is room.
fn side_by_side(centres: &[(f64, f64)]) -> Vec<f64> {
    let mut placed: Vec<(f64, f64)> = Vec::new();
    for &(x, y) in centres {
        let is_free = |x: f64| placed.iter().all(|(other, height)| (other - x).hypot(height - y) >= DOT);
        let candidates = [0.0, -1.0, 1.0, -2.0, 2.0].map(|steps| x + steps * DOT);
        let inside = |x: &f64| (LEFT..=WIDTH - RIGHT).contains(x);
        let free = candidates.into_iter().filter(inside).find(|x| is_free(*x));
        placed.push((free.unwrap_or(x), y));
    }
    placed.into_iter().map(|(x, _)| x).collect()
}

/// The path of the Pareto frontier: steps through the points that no cheaper one equals.
fn frontier(points: &[(usize, &Standing, f64)], x: &dyn Fn(f64) -> f64, y: &dyn Fn(f64) -> f64) -> String {
    let mut by_cost: Vec<(f64, f64)> = points.iter().map(|(_, system, cost)| (*cost, system.quality())).collect();
    by_cost.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
    let mut path = String::new();
    let mut best = f64::MIN;
    for (cost, quality) in by_cost {
        if quality <= best {
            continue;
        }
        match path.is_empty() {
            true => path.push_str(&format!("M{} {}", round(x(cost)), round(y(quality)))),
            false => path.push_str(&format!("H{}V{}", round(x(cost)), round(y(quality)))),
        }
        best = quality;
    }
    if !path.is_empty() {
        path.push_str(&format!("H{}", WIDTH - RIGHT));
    }
    path
}

/// Ticks from `min_cost` to `max_cost`: 1, 2 and 5 times powers of ten, or powers of ten
/// alone if those are more than six; the costs themselves if fewer than two are between them.
fn ticks(min_cost: f64, max_cost: f64) -> Vec<f64> {
    let powers = (min_cost.log10().floor() as i32)..=(max_cost.log10().ceil() as i32);
    let all: Vec<f64> = powers.flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * 10f64.powi(power))).collect();
    let inside = |ticks: &[f64]| -> Vec<f64> {
        ticks.iter().copied().filter(|tick| (min_cost * 0.8..=max_cost * 1.25).contains(tick)).collect()
    };
    let fine = inside(&all);
    match fine.len() {
        0 | 1 if max_cost > 1.3 * min_cost => vec![min_cost, max_cost],
        0 => vec![min_cost],
        1..=6 => fine,
        _ => inside(&all.iter().copied().step_by(3).collect::<Vec<_>>()),
    }
}

/// A small plot of a mean with its interval, on a scale from `bottom` to `top`.
pub fn interval(mean: f64, [low, high]: [f64; 2], bottom: f64, top: f64, colour: usize) -> Markup {
    let x = |value: f64| round(6.0 + ((value - bottom) / (top - bottom).max(1e-9)).clamp(0.0, 1.0) * 108.0);
    html! {
        svg class="interval" viewBox="0 0 120 16" aria-hidden="true" {
            line class="whisker" x1=(x(low)) x2=(x(high)) y1="8" y2="8" {}
            circle class=(format!("dot c{}", colour % 10)) cx=(x(mean)) cy="8" r="4.5" {}
        }
    }
}

/// A stacked bar: each part is as long as its share of `total`.
pub fn bar(parts: &[(usize, f64)], total: f64) -> Markup {
    let mut from = 0.0;
    let mut rectangles = String::new();
    for (colour, part) in parts {
        let width = (part / total.max(1e-9) * 240.0).max(0.0);
        rectangles.push_str(&format!(
            "<rect class=\"c{}\" x=\"{}\" y=\"2\" width=\"{}\" height=\"12\"/>",
            colour % 10,
            round(from),
            round(width)
        ));
        from += width;
    }
    html! { svg class="bar" viewBox="0 0 240 16" aria-hidden="true" { (PreEscaped(rectangles)) } }
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::eval::Estimate;
    use crate::eval::comparison::Cost;

    #[test]
    fn no_dot_covers_another() {
        assert_eq!(
            side_by_side(&[(100.0, 50.0), (100.0, 52.0), (100.0, 90.0), (104.0, 50.0)]),
            [100.0, 82.0, 100.0, 122.0]
        );
    }

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(ticks(3.0, 60.0), [5.0, 10.0, 20.0, 50.0]);
        assert_eq!(ticks(680.0, 910.0), [680.0, 910.0]);
        assert_eq!(ticks(0.4, 4_000.0), [1.0, 10.0, 100.0, 1_000.0]);
    }

    /// The numbers in some attributes of an SVG element.
    fn coordinates(svg: &str, attributes: &[&str]) -> Vec<f64> {
        let values = attributes.iter().flat_map(|name| svg.split(&format!(" {name}=\"")).skip(1).collect::<Vec<_>>());
        values.map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect()
    }

    /// A system with this quality, relative reach of its interval, and cost.
    fn system(&(quality, below, above, cost): &(f64, f64, f64, f64)) -> Standing {
        let interval = [quality * (1.0 - below), quality + (1.0 - quality) * above];
        Standing {
            name: "e:dense".to_string(),
            label: "e dense".to_string(),
            estimates: vec![Estimate { metric: "nDCG@10", mean: quality, interval }],
            ndcg_at_10: Vec::new(),
            answers: None,
            cost: Cost { p50_ms: cost, ..Cost::default() },
        }
    }

    proptest! {
        #[test]
        fn nothing_is_drawn_outside_of_its_picture(
            drawn in prop::collection::vec(
                (0.0f64..=1.0, 0.0f64..=1.0, 0.0f64..=1.0, prop_oneof![Just(0.0), 1e-3..1e9]), 2..8),
            parts in prop::collection::vec((0usize..12, -1.0f64..100.0), 1..6),
        ) {
            let systems: Vec<Standing> = drawn.iter().map(system).collect();
            let axis = Axis { title: "time, ms", of: |system| Some(system.cost.p50_ms), format: |value| value.to_string() };
            let lowest = systems.iter().map(|system| system.measure().interval[0]).fold(1.0, f64::min);
            let highest = systems.iter().map(|system| system.measure().interval[1]).fold(0.0, f64::max);
            let mut pictures = vec![pareto(&systems, "quality", &axis).into_string()];
            pictures.extend(systems.iter().map(|system| {
                interval(system.quality(), system.measure().interval, lowest, highest, 0).into_string()
            }));
            pictures.push(bar(&parts, parts.iter().map(|(_, part)| part.max(0.0)).sum()).into_string());
            for svg in pictures.iter().filter(|svg| !svg.is_empty()) {
                let sizes = svg.split("viewBox=\"0 0 ").nth(1).unwrap().split('"').next().unwrap();
                let (width, height) = sizes.split_once(' ').unwrap();
                let (width, height): (f64, f64) = (width.parse().unwrap(), height.parse().unwrap());
                let radius = coordinates(svg, &["r"]).first().copied().unwrap_or(0.0);
                let mut places = vec![
                    (coordinates(svg, &["x", "x1", "x2"]), 0.0, width),
                    (coordinates(svg, &["y", "y1", "y2"]), 0.0, height),
                    (coordinates(svg, &["cx"]), radius, width),
                    (coordinates(svg, &["cy"]), radius, height),
                ];
                let ends = coordinates(svg, &["x"]).into_iter().zip(coordinates(svg, &["width"]));
                places.push((ends.map(|(x, wide)| x + wide - 0.1).collect(), 0.0, width));
                // The line of the frontier: `M`x y, then `H`x`V`y for each step.
                for path in svg.split(" d=\"M").skip(1) {
                    let xs = path.split('"').next().unwrap().split('H');
                    let xs = xs.map(|part| part.split([' ', 'V']).next().unwrap().parse().unwrap());
                    places.push((xs.collect(), 0.0, width));
                }
                for (values, margin, size) in places {
                    for value in values {
                        prop_assert!(value - margin >= -0.1 && value + margin <= size, "{value} of {size} in {svg}");
                    }
                }
            }
        }
    }
}
