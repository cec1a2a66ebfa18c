//! Joins glyphs to segments of lines: runs of text on one line without a gap that could separate
//! columns.

use std::collections::HashMap;

use super::characters::{self, Direction};
use super::glyph::Glyph;

/// In sizes of the font: a wider gap parts segments, a narrower one is a space or nothing.
const WIDE_GAP: f32 = 1.0;
/// A gap of this share of a space stands for one.
const SPACE: f32 = 0.45;
/// The same where a space is written too, and gaps need not stand for it.
const SPACE_BESIDE_SPACES: f32 = 0.85;
/// Glyphs in the pattern of this share of the size are one drawn twice, for boldness or a shadow.
const TWICE: f32 = 0.2;

/// A segment of a line. Where text runs from right to left, it lies in the mirror, and `left` is
/// where it starts.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub(super) text: String,
    pub(super) left: f32,
    pub(super) right: f32,
    pub(super) base: f32,
    pub(super) size: f32,
    /// True if nearly all of it is bold.
    pub(super) bold: bool,
    /// How long its first word is.
    pub(super) first_word: f32,
}

/// Glyphs that followed each other in the content, by index.
struct Run {
    first: usize,
    end: usize,
    left: f32,
    right: f32,
    base: f32,
    size: f32,
}

/// The segments of a page whose glyphs are all turned the same way, from top to bottom.
pub(super) fn segments(mut glyphs: Vec<Glyph>) -> Vec<Segment> {
    let mirrored = characters::direction(glyphs.iter().map(|glyph| glyph.text.as_str())) == Direction::RightToLeft;
    if mirrored {
        for glyph in &mut glyphs {
            (glyph.left, glyph.right) = (-glyph.right, -glyph.left);
        }
    }
    put_accents_on_letters(&mut glyphs);
    let mut runs = runs(&glyphs);
    drop_repeated(&mut runs, &glyphs);
    runs.sort_by(|one, other| one.base.total_cmp(&other.base));
    let mut segments = Vec::new();
    let mut rest = runs.as_slice();
    while let Some(first) = rest.first() {
        let count = rest.iter().take_while(|run| run.base - first.base <= 0.25 * run.size.min(first.size)).count();
        let (line, below) = rest.split_at(count.max(1));
        rest = below;
        let mut line: Vec<&Run> = line.iter().collect();
        line.sort_by(|one, other| one.left.total_cmp(&other.left));
        let mut joined: Vec<&Run> = Vec::new();
        let mut right = f32::MIN;
        for run in line {
            let size = joined.last().map_or(run.size, |last| last.size.max(run.size));
            if !joined.is_empty() && run.left - right > WIDE_GAP * size {
                segments.extend(segment(&joined, &glyphs, mirrored));
                joined.clear();
                right = f32::MIN;
            }
            right = right.max(run.right);
            joined.push(run);
        }
        segments.extend(segment(&joined, &glyphs, mirrored));
    }
    segments
}

fn put_accents_on_letters(glyphs: &mut [Glyph]) {
    for index in 1..glyphs.len() {
        let [.., one, other] = &mut glyphs[..=index] else { return };
        let over = one.right.min(other.right) - one.left.max(other.left);
        if over > 0.5 * (one.right - one.left).min(other.right - other.left) {
            if let Some(text) = characters::accented(&other.text, &one.text) {
                (other.text, one.text) = (text, String::new());
            } else if let Some(text) = characters::accented(&one.text, &other.text) {
                (one.text, other.text) = (text, String::new());
            }
        }
    }
}

fn runs(glyphs: &[Glyph]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut last: Option<&Glyph> = None;
    for (index, glyph) in glyphs.iter().enumerate() {
        if glyph.text.is_empty() {
            continue;
        }
        if glyph.text.trim().is_empty() {
            let near = |run: &&mut Run| {
                run.end == index
                    && (glyph.base - run.base).abs() < 0.2 * run.size
                    && (glyph.left - run.right).abs() < WIDE_GAP * run.size
            };
            if let Some(run) = runs.last_mut().filter(near) {
                run.end += 1;
            }
            continue;
        }
        let follows = last.zip(runs.last()).is_some_and(|(last, run)| {
            let size = last.size.max(glyph.size);
            let raised = if last.size.min(glyph.size) < 0.85 * size { 0.45 } else { 0.2 };
            let gap = glyph.left - last.right;
            (glyph.base - run.base).abs() <= raised * size
                && gap > -0.6 * size
                && gap <= WIDE_GAP * size
                && glyph.left >= last.left
        });
        match runs.last_mut().filter(|_| follows) {
            Some(run) => {
                run.end = index + 1;
                run.right = run.right.max(glyph.right);
                if glyph.size > run.size * 1.15 {
                    (run.base, run.size) = (glyph.base, glyph.size);
                }
            }
            None => runs.push(Run {
                first: index,
                end: index + 1,
                left: glyph.left,
                right: glyph.right,
                base: glyph.base,
                size: glyph.size,
            }),
        }
        last = Some(glyph);
    }
    runs
}

/// Leaves out runs that are drawn again in nearly the same place.
fn drop_repeated(runs: &mut Vec<Run>, glyphs: &[Glyph]) {
    let mut drawn: HashMap<String, Vec<(f32, f32)>> = HashMap::new();
    runs.retain(|run| {
        let text: String = glyphs[run.first..run.end].iter().map(|glyph| glyph.text.as_str()).collect();
        let places = drawn.entry(text).or_default();
        let near = |&(left, base): &(f32, f32)| (left - run.left).abs().max((base - run.base).abs()) < TWICE * run.size;
        let again = places.iter().rev().take(16).any(near);
        if !again {
            places.push((run.left, run.base));
        }
        !again
    });
}

fn segment(runs: &[&Run], glyphs: &[Glyph], mirrored: bool) -> Option<Segment> {
    let mut line: Vec<&Glyph> = runs.iter().flat_map(|run| &glyphs[run.first..run.end]).collect();
    line.sort_by(|one, other| one.left.total_cmp(&other.left));
    line.retain(|glyph| !glyph.text.is_empty());
    let spaced = line.iter().any(|glyph| glyph.text.trim().is_empty());
    let mut letters: Vec<(&Glyph, bool)> = Vec::with_capacity(line.len());
    let mut after_space = false;
    for glyph in line {
        let twice = |&&(last, _): &&(&Glyph, bool)| {
            last.text == glyph.text && glyph.left - last.left < TWICE * glyph.size * 0.5 && last.right > last.left
        };
        if glyph.text.trim().is_empty() {
            after_space = true;
        } else if letters.last().filter(twice).is_none() {
            letters.push((glyph, after_space));
            after_space = false;
        }
    }
    let space = if spaced { SPACE_BESIDE_SPACES } else { SPACE };
    let tracking = tracking(&letters);
    let (first, last) = (letters.first()?.0, letters.iter().map(|(it, _)| it.right).fold(f32::MIN, f32::max));
    let mut units: Vec<&str> = Vec::with_capacity(letters.len() * 2);
    let mut first_word = None;
    let (mut right, mut space_before) = (first.left, first.space);
    for (glyph, after_space) in &letters {
        let apart = glyph.left - right > space * glyph.space.min(space_before) + tracking * glyph.size;
        space_before = glyph.space;
        if !units.is_empty() && (*after_space || apart) {
            first_word = first_word.or(Some(right - first.left));
            units.push(" ");
        }
        units.push(&glyph.text);
        right = right.max(glyph.right);
    }
    let text = characters::clean(&characters::in_reading_order(units, mirrored));
    let largest = runs.iter().max_by(|one, other| (one.right - one.left).total_cmp(&(other.right - other.left)))?;
    (!text.is_empty()).then(|| Segment {
        text,
        left: first.left,
        right: last,
        base: largest.base,
        size: largest.size,
        bold: 10 * letters.iter().filter(|(glyph, _)| glyph.bold).count() > 9 * letters.len(),
        first_word: first_word.unwrap_or(last - first.left),
    })
}

/// The usual gap between letters where they are set apart or drawn together, in sizes of the font;
/// none in most text.
fn tracking(letters: &[(&Glyph, bool)]) -> f32 {
    let mut gaps: Vec<f32> = letters
        .windows(2)
        // The dots that lead to a page number are set apart by themselves.
        .filter(|pair| pair[0].0.text != pair[1].0.text || pair[0].0.text.chars().all(char::is_alphanumeric))
        .map(|pair| (pair[1].0.left - pair[0].0.right) / pair[1].0.size)
        .filter(|gap| *gap < 0.6)
        .collect();
    if gaps.len() < 4 {
        return 0.0;
    }
    gaps.sort_unstable_by(f32::total_cmp);
    // Where most letters are set apart, so are all but a few; where words are short, many gaps are
    // spaces.
    let (few, half) = (gaps[gaps.len() / 4], gaps[gaps.len() / 2]);
    few.clamp(0.0, 0.4) + half.clamp(-0.4, 0.0)
}

#[cfg(test)]
mod tests {
    use crate::pdf::test_files::{document, pdf};

    #[test]
    fn words_are_parted_by_the_gaps_between_them() {
        // Letters of one width and size, as files have them that keep no more; without a space
        // among them.
        let drawings = "<</Type/Font/Subtype/Type3/FontBBox[0 0 1 1]/FontMatrix[1 0 0 1 0 0]/FirstChar 97/LastChar 122
            /Widths[.5 .5 .5 .5 .5 .5 .5 .5 .5 .5 .5 .5 .5 .5 .5 .5 .5 .5 .5 .5 .5 .5 .5 .5 .5 .5]/CharProcs<<>>
            /Encoding<</Differences[97/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z]>>>>";
        let small = drawings.replace("Matrix[1 0 0 1", "Matrix[.0001 0 0 .0001").replace("0 0 1 1]", "0 0 1000 1000]");
        let small = small.replace("[.5", "[500").replace(" .5", " 500");
        let words = "[(quick)-278(brown)-278(animals)-278(jump)] TJ";
        let tight = "[(quick)-140(brown)-140(animals)-140(jump)] TJ";
        let each = "(qu) Tj 10.34 0 Td (ic) Tj 6.99 0 Td (k) Tj 7.3 0 Td (br) Tj 8.66 0 Td (own) Tj 22 0 Td (animals) Tj 40 0 Td (jump) Tj";
        let cases = [
            ("spaces between strings", format!("/F 10 Tf 50 700 Td {words}")),
            ("narrow spaces", format!("/F 10 Tf 50 700 Td {tight}")),
            ("strings at places", format!("/F 10 Tf 50 700 Td {each}")),
            ("letters set apart", format!("/F 10 Tf 4 Tc 50 700 Td {words}")),
            ("letters far apart", "/F 10 Tf 11 Tc 50 700 Td (quick brown animals jump) Tj".to_owned()),
            ("letters set together", format!("/F 10 Tf -2 Tc 50 700 Td {words}")),
            ("narrow letters", format!("/F 10 Tf 40 Tz 50 700 Td {words}")),
            ("narrow letters by a matrix", format!("/F 10 Tf .4 0 0 1 50 700 Tm {words}")),
            ("askew", format!("/F 10 Tf .7 .7 -.7 .7 50 400 Tm {words}")),
            ("letters turned over", format!("/F -10 Tf -1 0 0 -1 50 700 Tm {words}")),
            (
                "spaces written as letters set apart",
                "/F 10 Tf 50 700 Td [(quick)-278(brown)-278(animal)] TJ 2.8 Tc 85.6 0 Td (sj) Tj 0 Tc 10 0 Td (ump) Tj"
                    .to_owned(),
            ),
            ("drawings in points", format!("/G 1 Tf 10 0 0 10 50 700 Tm {words}")),
        ];
        for (case, content) in cases {
            let text = document(&pdf(&[&format!("BT {content} ET")], "", &[drawings])).text;
            assert_eq!(text, "quick brown animals jump", "{case}");
        }
        let content = "BT /G 100 Tf 50 700 Td [(quick)-30(brown)-30(animals)-30(jump)] TJ ET";
        assert_eq!(document(&pdf(&[content], "", &[&small])).text, "quick brown animals jump", "tiny drawings");
    }

    #[test]
    fn dots_before_a_page_number_do_not_close_up_a_title() {
        let dots = "(.) Tj 5 0 Td ".repeat(80);
        let content =
            format!("BT /F 10 Tf 50 700 Td [(Best)-278(practices)-278(of)-278(all)] TJ 90 0 Td {dots} (17) Tj ET");
        assert_eq!(document(&pdf(&[&content], "", &[])).text, "Best practices of all ... 17");
    }
}
