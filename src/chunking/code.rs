//! Cuts source code: definitions stay whole where they fit, small ones join, long ones are split.

use std::cmp::Reverse;
use std::ops::Range;

use crate::text::{Span, estimated_tokens};
use kinglet_formats::Section;

/// The columns of one level of indentation, by which a line counts as deeper where a cut before it
/// is worse than its indentation says.
const LEVEL_COLUMNS: usize = 4;

/// Groups neighbouring sections that are cut together, at least one in a group. A definition that
/// fits is not separated from what is inside it.
pub(super) fn groups<'s>(text: &str, sections: &'s [Section], target: usize) -> Vec<&'s [Section]> {
    let tokens = sections.iter().map(|section| estimated_tokens(section.span.of(text))).collect();
    let mut grouping = Grouping { sections, tokens, target, groups: Vec::new() };
    if !sections.is_empty() {
        grouping.gather(0..sections.len(), 0);
    }
    grouping.groups
}

struct Grouping<'s> {
    sections: &'s [Section],
    tokens: Vec<usize>,
    target: usize,
    groups: Vec<&'s [Section]>,
}

impl Grouping<'_> {
    /// Groups sections that are under the same `depth` headings. Recurses as deep as headings nest,
    /// which the readers bound.
    fn gather(&mut self, range: Range<usize>, depth: usize) {
        let (mut first, mut at) = (range.start, range.start);
        while at < range.end {
            let end = self.run_end(at, range.end, depth);
            let (before, more) = (self.tokens(first..at), self.tokens(at..end));
            let is_empty = first == at;
            // The first line of a definition goes with the first part of it, however large that is.
            let leads = depth > 0
                && first == range.start
                && before < self.target / 4
                && self.sections[first..at].iter().all(|section| section.headings.len() <= depth);
            if more > self.target && end - at > 1 {
                if !is_empty && !leads {
                    self.groups.push(&self.sections[first..at]);
                    first = at;
                }
                self.gather(first..end, depth + 1);
                first = end;
            } else if !is_empty && !leads && !self.should_join(before, more) {
                self.groups.push(&self.sections[first..at]);
                first = at;
            }
            at = end;
        }
        if first < range.end {
            self.groups.push(&self.sections[first..range.end]);
        }
    }

    /// The end of the definition at this depth that contains the section at `at`, or of the section
    /// itself if it is in none.
    fn run_end(&self, at: usize, end: usize, depth: usize) -> usize {
        let Some(title) = self.sections[at].headings.get(depth) else { return at + 1 };
        let inside = |section: &Section| section.headings.get(depth) == Some(title);
        at + self.sections[at..end].iter().take_while(|section| inside(section)).count()
    }

    fn should_join(&self, before: usize, more: usize) -> bool {
        let total = before + more;
        total <= self.target / 2 || total <= self.target && before.min(more) < self.target / 8
    }

    fn tokens(&self, range: Range<usize>) -> usize {
        self.tokens[range].iter().sum()
    }
}

struct Line {
    start: usize,
    tokens: usize,
    /// The cost of a cut before this line: its indentation in columns, and more where it belongs to
    /// the line above.
    depth: usize,
}

/// Cuts code between lines into pieces of at most `target` tokens, at the outermost lines that make
/// pieces of about the same size. A line longer than `target` is a piece of its own.
pub(super) fn pieces(text: &str, span: Span, target: usize) -> Vec<Span> {
    let lines = lines(text, span);
    let mut left: usize = lines.iter().map(|line| line.tokens).sum();
    let mut pieces = Vec::new();
    let mut first = 0;
    while first < lines.len() {
        let even = left.div_ceil(left.div_ceil(target).max(1));
        let (mut tokens, mut best) = (0, None);
        for (offset, line) in lines[first..].iter().enumerate() {
            if offset > 0 && tokens > even / 2 {
                best = best.max(Some((Reverse(line.depth), first + offset)));
            }
            tokens += line.tokens;
            if tokens > target {
                best = best.or(Some((Reverse(0), first + offset.max(1))));
                break;
            }
        }
        let end = if tokens > target { best.map_or(lines.len(), |(_, end)| end) } else { lines.len() };
        left -= lines[first..end].iter().map(|line| line.tokens).sum::<usize>();
        pieces.push(Span { start: lines[first].start, end: lines.get(end).map_or(span.end, |line| line.start) });
        first = end;
    }
    pieces
}

fn lines(text: &str, span: Span) -> Vec<Line> {
    let mut start = span.start;
    let mut lines = Vec::new();
    let mut before = "";
    for line in span.of(text).split_inclusive('\n') {
        let code = line.trim();
        let column: usize = line
            .chars()
            .map_while(|space| match space {
                ' ' => Some(1),
                '\t' => Some(LEVEL_COLUMNS),
                _ => None,
            })
            .sum();
        let closes = code.starts_with([')', ']', '}'])
            || CONTINUATIONS.contains(&code.split(|end: char| !end.is_alphanumeric()).next().unwrap_or(""));
        let has_comment_above = !before.is_empty() && COMMENT_STARTS.iter().any(|mark| before.starts_with(mark));
        let depth = if code.is_empty() {
            usize::MAX
        } else {
            column
                + LEVEL_COLUMNS
                    * (usize::from(closes) + usize::from(has_comment_above) + usize::from(!before.is_empty()))
        };
        lines.push(Line { start, tokens: estimated_tokens(line), depth });
        start += line.len();
        before = code;
    }
    lines
}

/// The first words of lines that continue a statement.
const CONTINUATIONS: [&str; 9] = ["else", "elif", "elsif", "except", "rescue", "catch", "finally", "ensure", "end"];
/// The first characters of lines that describe the line after them: comments and attributes.
const COMMENT_STARTS: [&str; 8] = ["//", "#", "--", "/*", "*", "@", ";;", "%"];

#[cfg(test)]
mod tests {
    use crate::chunking::{Chunk, Chunking, chunk};
    use crate::text::estimated_tokens;
    use kinglet_formats::read;

    fn cut(name: &str, code: &str, target_tokens: usize) -> Vec<Chunk> {
        let document = read(name, code.as_bytes()).unwrap();
        let chunks = chunk(&document, &Chunking { target_tokens });
        assert!(chunks.iter().all(|chunk| estimated_tokens(&chunk.text) <= target_tokens));
        let kept: String = chunks.iter().flat_map(|chunk| chunk.text.split_whitespace()).collect();
        assert_eq!(kept, code.split_whitespace().collect::<String>());
        chunks
    }

    fn locations(chunks: &[Chunk]) -> Vec<(String, u32, u32)> {
        chunks.iter().map(|chunk| (chunk.headings.join(" > "), chunk.first, chunk.last)).collect()
    }

    #[test]
    fn definitions_stay_whole_and_small_ones_join() {
        let getter = |name: &str| format!("    fn {name}(&self) -> u8 {{\n        self.{name}\n    }}\n");
        let long = |name: &str| format!("    fn {name}() {{\n{}    }}\n", "        call(one, two);\n".repeat(8));
        let code = format!("impl A {{\n{}{}{}{}}}\n", getter("a"), getter("b"), long("c"), long("d"));
        let expected = [("impl A", 1, 7), ("impl A > fn c", 8, 17), ("impl A > fn d", 18, 28)];
        assert_eq!(
            locations(&cut("a.rs", &code, 90)),
            expected.map(|(path, first, last)| (path.to_owned(), first, last))
        );
        assert_eq!(locations(&cut("a.rs", &code, 400)), [("impl A".to_owned(), 1, 28)]);
    }

    #[test]
    fn a_long_definition_is_cut_between_its_outermost_statements() {
        let block = "    for x in y:\n        go(x)\n        stop(x)\n";
        let code = format!("def f(y):\n{}", block.repeat(10));
        let chunks = cut("a.py", &code, 60);
        assert!(chunks.len() > 2 && chunks.iter().all(|chunk| chunk.headings == ["def f"]));
        assert!(chunks[1..].iter().all(|chunk| chunk.text.starts_with("for x")), "{chunks:#?}");
    }

    #[test]
    fn a_single_line_that_is_too_long_is_cut() {
        assert!(cut("a.js", &"a(b);".repeat(500), 50).len() > 10);
        assert!(cut("a.toml", &format!("a = 1\nb = [{}]\nc = 2\n", "1, ".repeat(300)), 50).len() > 5);
    }
}
