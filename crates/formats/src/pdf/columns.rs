//! Finds columns of prose: the segments of a page in the order they are read in.

use super::segments::Segment;

/// A page is divided this many times at most, one inside the other.
const MAX_DEPTH: usize = 12;
/// The page is looked at in strips this many to its width.
const STRIPS: usize = 200;
/// Gutters tried each time.
const MAX_TRIED: usize = 8;
/// A column has at least this many lines, and they are this long on average, in characters.
const MIN_LINES: usize = 4;
const MIN_CHARACTERS: usize = 14;

/// Regions one after the other, each with its segments from top to bottom.
pub(super) fn regions(segments: Vec<Segment>) -> Vec<Vec<Segment>> {
    let mut regions = Vec::new();
    divide(segments, 0, &mut regions);
    regions
}

/// A stretch of white from top to bottom between two columns.
struct Gutter {
    x: f32,
    /// From the segment of this index to before the other, in order of height, nothing lies across.
    first: usize,
    end: usize,
    lines: usize,
}

fn divide(segments: Vec<Segment>, depth: usize, regions: &mut Vec<Vec<Segment>>) {
    let gutter = if depth < MAX_DEPTH { gutter(&segments) } else { None };
    let Some(gutter) = gutter else {
        regions.extend(Some(segments).filter(|segments| !segments.is_empty()));
        return;
    };
    let mut above = segments;
    let below = above.split_off(gutter.end);
    let between = above.split_off(gutter.first);
    let (left, right) = between.into_iter().partition(|segment| segment.left < gutter.x);
    for part in [above, left, right, below] {
        divide(part, depth + 1, regions);
    }
}

/// The gutter with the most lines on its poorer side.
fn gutter(segments: &[Segment]) -> Option<Gutter> {
    if segments.len() < 2 * MIN_LINES {
        return None;
    }
    let left = segments.iter().map(|segment| segment.left).fold(f32::MAX, f32::min);
    let right = segments.iter().map(|segment| segment.right).fold(f32::MIN, f32::max);
    let strip = (right - left) / STRIPS as f32;
    if strip.is_nan() || strip <= 0.0 {
        return None;
    }
    let index = |x: f32| (((x - left) / strip) as usize).min(STRIPS - 1);
    // How many segments begin and end at each strip tells how many cover it.
    let mut changes = [0i32; STRIPS + 1];
    for segment in segments {
        changes[index(segment.left)] += 1;
        changes[index(segment.right) + 1] -= 1;
    }
    let mut covered = 0;
    let mut strips: Vec<(i32, usize)> = Vec::with_capacity(STRIPS);
    for (strip, change) in changes[..STRIPS].iter().enumerate() {
        covered += change;
        strips.push((covered, strip));
    }
    // One strip for each valley: the middle of its lowest stretch.
    let mut valleys: Vec<(i32, usize)> = Vec::new();
    for stretch in strips.chunk_by(|one, other| one.0 == other.0) {
        let (height, first) = stretch[0];
        let (before, after) = (first.checked_sub(1), first + stretch.len());
        if before.is_some_and(|it| strips[it].0 > height) && strips.get(after).is_some_and(|it| it.0 > height) {
            valleys.push((height, first + stretch.len() / 2));
        }
    }
    valleys.sort_unstable();
    valleys
        .iter()
        .take(MAX_TRIED)
        .filter_map(|&(_, at)| longest(segments, left + (at as f32 + 0.5) * strip))
        .max_by(|one, other| one.lines.cmp(&other.lines).then(other.x.total_cmp(&one.x)))
}

/// The longest stretch without a segment across `x` that has a column of prose on either side.
fn longest(segments: &[Segment], x: f32) -> Option<Gutter> {
    let across = |segment: &Segment| segment.left < x && segment.right > x;
    let mut best: Option<Gutter> = None;
    let mut first = 0;
    while first < segments.len() {
        if across(&segments[first]) {
            first += 1;
            continue;
        }
        let end = segments[first..].iter().position(across).map_or(segments.len(), |length| first + length);
        let (left, right): (Vec<_>, Vec<_>) = segments[first..end].iter().partition(|segment| segment.left < x);
        let lines = left.len().min(right.len());
        let columns =
            (is_prose(&left) && is_prose(&right)) || (lines >= MIN_LINES && !share_lines(&segments[first..end], x));
        if columns && best.as_ref().is_none_or(|best| best.lines < lines) {
            best = Some(Gutter { x, first, end, lines });
        }
        first = end;
    }
    best
}

/// True if lines go on across `x`, as those of a table do; two flows of text side by side seldom
/// share their lines.
fn share_lines(segments: &[Segment], x: f32) -> bool {
    let mut sides = (0, 0, 0);
    for (index, segment) in segments.iter().enumerate() {
        let is_left = segment.left < x;
        let same_line = |other: &&Segment| (other.base - segment.base).abs() <= 0.15 * segment.size;
        let before = segments[..index].iter().rev().take_while(same_line);
        let shared = before.chain(segments[index + 1..].iter().take_while(same_line)).take(64);
        sides.2 += usize::from(shared.into_iter().any(|other| (other.left < x) != is_left));
        *(if is_left { &mut sides.0 } else { &mut sides.1 }) += 1;
    }
    3 * sides.2 > 2 * sides.0.min(sides.1)
}

/// True if segments look like the lines of a column and not like the cells of a table.
fn is_prose(segments: &[&Segment]) -> bool {
    if segments.len() < MIN_LINES {
        return false;
    }
    let left = segments.iter().map(|segment| segment.left).fold(f32::MAX, f32::min);
    let right = segments.iter().map(|segment| segment.right).fold(f32::MIN, f32::max);
    let characters: usize = segments.iter().map(|segment| segment.text.chars().count()).sum();
    let full = segments.iter().filter(|segment| segment.right - segment.left >= 0.6 * (right - left)).count();
    characters / segments.len() >= MIN_CHARACTERS && 2 * full >= segments.len()
}
