//! How source code is cut: definitions whole where they fit, small neighbours together, long ones between statements.

use std::cmp::Reverse;
use std::ops::Range;

use crate::text::{Span, estimated_tokens};
use kinglet_formats::Section;

/// Columns that a line counts as further in, where a cut before it is worse than its indentation says.
const ONE_LEVEL: usize = 4;

/// Neighbouring sections that are cut together; at least one. A definition that fits is not torn from what is inside it.
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
    /// Groups sections that are under the same `depth` headings. As deep as headings go, which readers bound.
    fn gather(&mut self, range: Range<usize>, depth: usize) {
        let (mut first, mut at) = (range.start, range.start);
        while at < range.end {
            let end = self.run_end(at, range.end, depth);
            let (before, more) = (self.tokens(first..at), self.tokens(at..end));
            let alone = first == at;
            // The first line of a definition goes with the first part of it, however large that is.
            let leads = depth > 0
                && first == range.start
                && before < self.target / 4
                && self.sections[first..at].iter().all(|section| section.headings.len() <= depth);
            if more > self.target && end - at > 1 {
                if !alone && !leads {
                    self.groups.push(&self.sections[first..at]);
                    first = at;
                }
                self.gather(first..end, depth + 1);
                first = end;
            } else if !alone && !leads && !self.join(before, more) {
                self.groups.push(&self.sections[first..at]);
                first = at;
            }
            at = end;
        }
        if first < range.end {
            self.groups.push(&self.sections[first..range.end]);
        }
    }

    /// The end of the definition at this depth that the section at `at` is in; of that section where it is in none.
    fn run_end(&self, at: usize, end: usize, depth: usize) -> usize {
        let Some(title) = self.sections[at].headings.get(depth) else { return at + 1 };
        let inside = |section: &Section| section.headings.get(depth) == Some(title);
        at + self.sections[at..end].iter().take_while(|section| inside(section)).count()
    }

    fn join(&self, before: usize, more: usize) -> bool {
        let both = before + more;
        both <= self.target / 2 || both <= self.target && before.min(more) < self.target / 8
    }

    fn tokens(&self, range: Range<usize>) -> usize {
        self.tokens[range].iter().sum()
    }
}

struct Line {
    start: usize,
    tokens: usize,
    /// How bad a cut before it is.
    depth: usize,
}

/// Cuts code between lines into pieces that hold at most `target` tokens, at the outermost lines that make pieces of about
/// the same size. A longer line is a piece of its own.
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
                '\t' => Some(ONE_LEVEL),
                _ => None,
            })
            .sum();
        let closes = code.starts_with([')', ']', '}'])
            || CONTINUES.contains(&code.split(|end: char| !end.is_alphanumeric()).next().unwrap_or(""));
        let explained = !before.is_empty() && EXPLAINS.iter().any(|mark| before.starts_with(mark));
        let depth = if code.is_empty() {
            usize::MAX
        } else {
            column + ONE_LEVEL * (usize::from(closes) + usize::from(explained) + usize::from(!before.is_empty()))
        };
        lines.push(Line { start, tokens: estimated_tokens(line), depth });
        start += line.len();
        before = code;
    }
    lines
}

/// How lines begin that go on with a statement.
const CONTINUES: [&str; 9] = ["else", "elif", "elsif", "except", "rescue", "catch", "finally", "ensure", "end"];
/// How lines begin that are about the line after them.
const EXPLAINS: [&str; 8] = ["//", "#", "--", "/*", "*", "@", ";;", "%"];

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

    fn shown(chunks: &[Chunk]) -> Vec<(String, u32, u32)> {
        chunks.iter().map(|chunk| (chunk.headings.join(" > "), chunk.first, chunk.last)).collect()
    }

    #[test]
    fn definitions_stay_whole_and_small_ones_join() {
        let getter = |name: &str| format!("    fn {name}(&self) -> u8 {{\n        self.{name}\n    }}\n");
        let long = |name: &str| format!("    fn {name}() {{\n{}    }}\n", "        call(one, two);\n".repeat(8));
        let code = format!("impl A {{\n{}{}{}{}}}\n", getter("a"), getter("b"), long("c"), long("d"));
        let expected = [("impl A", 1, 7), ("impl A > fn c", 8, 17), ("impl A > fn d", 18, 28)];
        assert_eq!(shown(&cut("a.rs", &code, 90)), expected.map(|(path, first, last)| (path.to_owned(), first, last)));
        assert_eq!(shown(&cut("a.rs", &code, 400)), [("impl A".to_owned(), 1, 28)]);
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
    fn one_line_that_is_too_long_is_cut_all_the_same() {
        assert!(cut("a.js", &"a(b);".repeat(500), 50).len() > 10);
        assert!(cut("a.toml", &format!("a = 1\nb = [{}]\nc = 2\n", "1, ".repeat(300)), 50).len() > 5);
    }
}
