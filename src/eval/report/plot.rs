//! Pictures of quality against cost.

use maud::{Markup, PreEscaped, html};

use crate::eval::comparison::Standing;

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 40.0;
/// How wide a dot is.
const DOT: f64 = 18.0;

/// A kind of cost.
pub struct Axis {
    /// What it is, with its unit.
    pub title: &'static str,
    /// The cost of a system; `None` leaves it out of the picture.
    pub of: fn(&Standing) -> Option<f64>,
    /// A cost as people read it.
    pub shown: fn(f64) -> String,
}

/// Quality upwards against cost to the right, which grows by powers of ten; the systems that no
/// other beats in both are joined. A cost of 0 stands at the left edge.
pub fn pareto(systems: &[Standing], axis: &Axis) -> Markup {
    let points: Vec<(usize, &Standing, f64)> =
        systems.iter().enumerate().filter_map(|(at, system)| Some((at, system, (axis.of)(system)?))).collect();
    let positive = || points.iter().map(|(.., cost)| *cost).filter(|cost| *cost > 0.0);
    let (least, most) = (positive().fold(f64::MAX, f64::min), positive().fold(0.0, f64::max));
    if points.len() < 2 || most <= 0.0 {
        return html! {};
    }
    let has_zero = points.iter().any(|(.., cost)| *cost <= 0.0);
    let (first, last) = (least.log10() - 0.15, most.log10() + 0.15);
    let start = if has_zero { LEFT + 46.0 } else { LEFT };
    let x = |cost: f64| match cost > 0.0 {
        true => start + (cost.log10() - first) / (last - first) * (WIDTH - RIGHT - start),
        false => LEFT + 20.0,
    };
    let lows = systems.iter().map(|system| system.estimates[0].interval[0]).fold(1.0, f64::min);
    let highs = systems.iter().map(|system| system.estimates[0].interval[1]).fold(0.0, f64::max);
    let (bottom, top) =
        ((lows * 20.0).floor() / 20.0, ((highs * 20.0).ceil() / 20.0).max((lows * 20.0).floor() / 20.0 + 0.05));
    let y = |quality: f64| HEIGHT - BOTTOM - (quality - bottom) / (top - bottom) * (HEIGHT - BOTTOM - TOP);
    let centres: Vec<(f64, f64)> = points.iter().map(|(_, system, cost)| (x(*cost), y(system.quality()))).collect();
    let places = side_by_side(&centres);
    let step = if top - bottom > 0.3 { 0.1 } else { 0.05 };
    let lines = (0..).map(|at| bottom + f64::from(at) * step).take_while(|line| *line <= top + 1e-9);
    let ticks: Vec<f64> = ticks(least, most);

    html! {
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(format!("nDCG@10 against {}", axis.title)) {
            @for line in lines {
                line class="grid" x1=(LEFT) x2=(WIDTH - RIGHT) y1=(round(y(line))) y2=(round(y(line))) {}
                text class="tick" x=(LEFT - 6.0) y=(round(y(line) + 4.0)) text-anchor="end" { (format!("{line:.2}")) }
            }
            @for tick in ticks {
                line class="grid" x1=(round(x(tick))) x2=(round(x(tick))) y1=(TOP) y2=(HEIGHT - BOTTOM) {}
                text class="tick" x=(round(x(tick))) y=(HEIGHT - BOTTOM + 15.0) text-anchor="middle" { ((axis.shown)(tick)) }
            }
            @if has_zero {
                text class="tick" x=(round(x(0.0))) y=(HEIGHT - BOTTOM + 15.0) text-anchor="middle" { "none" }
            }
            path class="frontier" d=(frontier(&points, &x, &y)) {}
            @for ((at, system, cost), place) in points.iter().zip(&places).rev() {
                @let [low, high] = system.estimates[0].interval;
                line class="whisker" x1=(round(*place)) x2=(round(*place)) y1=(round(y(low))) y2=(round(y(high))) {}
                g {
                    title { (system.name) ": " (format!("{:.3}", system.quality())) ", " ((axis.shown)(*cost)) }
                    circle class=(format!("dot c{}", at % 10)) cx=(round(*place)) cy=(round(y(system.quality()))) r="9" {}
                    text class="number" x=(round(*place)) y=(round(y(system.quality()) + 3.5)) text-anchor="middle" { (at + 1) }
                }
            }
            text class="axis" x=(round((LEFT + WIDTH - RIGHT) / 2.0)) y=(HEIGHT - 6.0) text-anchor="middle" { (axis.title) }
        }
    }
}

/// Where dots go sideways, so that none covers one before it, as long as there is room.
fn side_by_side(centres: &[(f64, f64)]) -> Vec<f64> {
    let mut placed: Vec<(f64, f64)> = Vec::new();
    for &(x, y) in centres {
        let is_free = |x: f64| placed.iter().all(|(other, height)| (other - x).hypot(height - y) >= DOT);
        let tried = [0.0, -1.0, 1.0, -2.0, 2.0].map(|steps| x + steps * DOT);
        let inside = |x: &f64| (LEFT..=WIDTH - RIGHT).contains(x);
        let free = tried.into_iter().filter(inside).find(|x| is_free(*x));
        placed.push((free.unwrap_or(x), y));
    }
    placed.into_iter().map(|(x, _)| x).collect()
}

/// Steps through the points of which none cheaper is as good.
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

/// Round costs between the least and the most: 1, 2 and 5 times powers of ten, at most six of them.
fn ticks(least: f64, most: f64) -> Vec<f64> {
    let powers = (least.log10().floor() as i32)..=(most.log10().ceil() as i32);
    let all: Vec<f64> = powers.flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * 10f64.powi(power))).collect();
    let inside = |ticks: &[f64]| -> Vec<f64> {
        ticks.iter().copied().filter(|tick| (least * 0.8..=most * 1.25).contains(tick)).collect()
    };
    let fine = inside(&all);
    if fine.len() <= 6 { fine } else { inside(&all.iter().copied().step_by(3).collect::<Vec<_>>()) }
}

/// A mean with its interval between `bottom` and `top`, as a small picture.
pub fn interval(mean: f64, [low, high]: [f64; 2], bottom: f64, top: f64, colour: usize) -> Markup {
    let x = |value: f64| round(4.0 + (value - bottom) / (top - bottom).max(1e-9) * 112.0);
    html! {
        svg class="interval" viewBox="0 0 120 16" aria-hidden="true" {
            line class="whisker" x1=(x(low)) x2=(x(high)) y1="8" y2="8" {}
            circle class=(format!("dot c{}", colour % 10)) cx=(x(mean)) cy="8" r="4.5" {}
        }
    }
}

/// Parts of a whole side by side, as long as their share of `most`.
pub fn bar(parts: &[(usize, f64)], most: f64) -> Markup {
    let mut from = 0.0;
    let mut rectangles = String::new();
    for (colour, part) in parts {
        let width = (part / most.max(1e-9) * 240.0).max(0.0);
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
    use super::*;

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
        assert_eq!(ticks(0.4, 4_000.0), [1.0, 10.0, 100.0, 1_000.0]);
    }
}
