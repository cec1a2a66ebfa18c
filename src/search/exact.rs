//! Exact things in a question: codes, numbers, dates and names of definitions. Passages that have
//! them whole come before those that have only parts of them.

use std::collections::HashSet;

use super::phrase::Phrase;
use super::sources::{ChunkSource, LexicalSource};
use super::{Hit, LegScore, Query};
use crate::error::Result;
use crate::index::lexical::{analyzer, stems};
use crate::index::store::ChunkId;
use crate::language::Language;
use crate::text::{Span, is_stop_word};

/// The name that `--explain` shows.
const NAME: &str = "exact";
/// The largest share of a hit's score that whole matches decide: no passage without them comes
/// before one that has them. It is reached where exact things are a third of the question's words;
/// in a long sentence a number is one word among many.
const MOST_WEIGHT: f32 = 0.5;
const WEIGHT_OF_SHARE: f32 = 1.5;
/// What a whole match counts where another passage defines the name, and what a definition or a
/// match counts that is written in another way than in the question.
const MENTIONED: f32 = 0.4;
const WRITTEN_OTHERWISE: f32 = 0.7;
/// How sure a search is at least whose first hit has all exact things whole, and at most if it has
/// not: `make bench-typed` finds the right passage for nearly all of the former.
const SURE_OF_WHOLE: f32 = 0.95;
const SURE_OF_PARTS: f32 = 0.05;
/// In so many passages it is looked how the thing is written.
const MOST_READ: usize = 200;
/// A code or a number has at least so many digits.
const LEAST_DIGITS: usize = 3;
/// A code in groups has at least so many of them, with so many digits.
const LEAST_GROUPS: usize = 3;
const LEAST_DIGITS_IN_GROUPS: usize = 7;
/// The words that begin titles of definitions.
const KEYWORDS: [&str; 22] = [
    "struct",
    "enum",
    "trait",
    "fn",
    "const",
    "static",
    "type",
    "mod",
    "macro_rules",
    "union",
    "class",
    "def",
    "func",
    "function",
    "interface",
    "object",
    "module",
    "namespace",
    "record",
    "protocol",
    "val",
    "fun",
];

/// A thing of the question that a passage has whole or not.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ExactThing {
    /// As it is written in the question.
    written: String,
    /// The terms of which a passage must have one; for a code in several groups, such as a
    /// telephone number, those of which it must have all, and the code as it is written.
    terms: Vec<String>,
    is_in_groups: bool,
    /// How many words of the question it takes, with a keyword before it.
    words: usize,
    /// The title of a definition, if a keyword stands before the name.
    title: Option<String>,
    /// True if it may be the name of a definition.
    is_name: bool,
}

/// Where the exact things of a question stand whole.
#[derive(Default)]
pub(super) struct ExactMatches {
    pub matches: Vec<ExactMatch>,
    /// The share of a hit's score that they decide.
    weight: f32,
}

impl ExactMatches {
    /// How sure a search is whose first hit is `first`, if it would be `sure` by all else. Where
    /// exact things decide the order, they also say whether anything fits.
    pub fn confidence(&self, first: ChunkId, sure: f32) -> f32 {
        let is_decisive = self.weight >= MOST_WEIGHT;
        match is_decisive.then(|| self.matches.iter().all(|it| it.is_in(first))) {
            Some(true) => sure.max(SURE_OF_WHOLE),
            Some(false) => sure.min(SURE_OF_PARTS),
            None => sure,
        }
    }
}

/// Where an exact thing of a question stands whole.
pub(super) struct ExactMatch {
    /// As it is written in the question.
    pub written: String,
    having: HashSet<ChunkId>,
    /// Those of `having` or `defining` that have it as it is written in the question.
    written_so: HashSet<ChunkId>,
    defining: HashSet<ChunkId>,
}

impl ExactMatch {
    /// How well a chunk has it: 1 whole, 0 not.
    fn score(&self, chunk: ChunkId) -> f32 {
        if !self.is_in(chunk) {
            return 0.0;
        }
        let written = if self.written_so.contains(&chunk) { 1.0 } else { WRITTEN_OTHERWISE };
        if self.defining.is_empty() || self.defining.contains(&chunk) { written } else { written * MENTIONED }
    }

    /// True if the chunk has it whole.
    pub fn is_in(&self, chunk: ChunkId) -> bool {
        self.having.contains(&chunk) || self.defining.contains(&chunk)
    }
}

/// Where each exact thing of the question stands. `hits` are those of the question, in order.
///
/// # Errors
/// When the source fails.
pub(super) fn exact_matches(
    query: &Query,
    hits: &[Hit],
    lexical: &dyn LexicalSource,
    chunks: &dyn ChunkSource,
) -> Result<ExactMatches> {
    let mut matches = Vec::new();
    let mut exact_words = 0;
    for thing in exact_things(query.text(), chunks.language()) {
        let mut having: Option<HashSet<ChunkId>> = None;
        for term in &thing.terms {
            let found: HashSet<ChunkId> = lexical.containing(std::slice::from_ref(term), None)?.into_iter().collect();
            having = Some(match having {
                None => found,
                Some(having) if thing.is_in_groups => &having & &found,
                Some(having) => &having | &found,
            });
        }
        let mut having = having.unwrap_or_default();
        let defining = if thing.is_name { lexical.defining(&thing.written)? } else { HashSet::new() };
        // A common word is exact only if it names something.
        if thing.is_name && !is_exact(&thing.written) && defining.is_empty() {
            continue;
        }
        let written_so = match &thing.title {
            Some(title) => lexical.defining(title)?,
            None => {
                let among = if defining.is_empty() { &having } else { &defining };
                let whole = hits.iter().map(|hit| hit.chunk).filter(|chunk| among.contains(chunk));
                written_so(&thing.written, &whole.take(MOST_READ).collect::<Vec<_>>(), chunks)?
            }
        };
        if thing.is_in_groups {
            having.clone_from(&written_so);
        }
        exact_words += thing.words;
        matches.push(ExactMatch { written: thing.written, having, written_so, defining });
    }
    let words = query.text().split_whitespace().map(str::to_lowercase);
    let words =
        words.filter(|word| !is_stop_word(word.trim_matches(|end: char| !end.is_alphanumeric()))).count().max(1);
    let weight = (WEIGHT_OF_SHARE * exact_words as f32 / words as f32).min(MOST_WEIGHT);
    Ok(ExactMatches { matches, weight })
}

/// The chunks that have the words as they are written.
fn written_so(written: &str, among: &[ChunkId], chunks: &dyn ChunkSource) -> Result<HashSet<ChunkId>> {
    let phrase = Phrase::new(written);
    let read = chunks.chunks(among)?;
    Ok(read.into_iter().filter(|it| phrase.is_in(&it.chunk.passage())).map(|it| it.id).collect())
}

/// Gives a share of each hit's score to the exact things that it has whole. The caller sorts the
/// hits again.
pub(super) fn prefer_exact(hits: &mut [Hit], exact: &ExactMatches) {
    let ExactMatches { matches, weight } = exact;
    if matches.is_empty() {
        return;
    }
    let share = |chunk| matches.iter().map(|it| it.score(chunk)).sum::<f32>() / matches.len() as f32;
    let mut shares: Vec<f32> = hits.iter().map(|hit| share(hit.chunk)).collect();
    for (hit, share) in hits.iter_mut().zip(&shares) {
        hit.legs.iter_mut().for_each(|leg| leg.contribution *= 1.0 - weight);
        hit.legs.push(LegScore { leg: NAME.to_string(), rank: 0, score: *share, contribution: weight * share });
        hit.score = hit.legs.iter().map(|leg| leg.contribution).sum();
    }
    shares.sort_by(|a, b| b.total_cmp(a));
    for leg in hits.iter_mut().filter_map(|hit| hit.legs.last_mut()) {
        leg.rank = 1 + shares.partition_point(|share| *share > leg.score);
    }
}

fn exact_things(question: &str, language: Language) -> Vec<ExactThing> {
    let words = stems(question, language);
    let compounds = analyzer::compounds(question);
    let thing = |span: Span, terms: Vec<String>| ExactThing {
        written: span.of(question).to_string(),
        terms,
        is_in_groups: false,
        words: span.of(question).split_whitespace().count(),
        title: None,
        is_name: false,
    };
    let mut things: Vec<(Span, ExactThing)> = Vec::new();
    for span in codes_in_groups(question, &compounds) {
        let inside = words.iter().filter(|word| span.start <= word.span.start && word.span.end <= span.end);
        let terms = inside.filter(|word| compounds.contains(&word.span)).map(|word| word.stem.clone()).collect();
        things.push((span, ExactThing { is_in_groups: true, ..thing(span, terms) }));
    }
    for figure in analyzer::figures(question) {
        let is_part = |(span, _): &(Span, ExactThing)| span.start < figure.span.end && figure.span.start < span.end;
        match things.iter_mut().find(|it| is_part(it)) {
            Some((_, known)) if known.is_in_groups => {}
            Some((span, known)) if *span == figure.span && figure.text.len() == known.terms[0].len() => {
                known.terms.push(figure.text);
            }
            // The longest form is the most exact: a day, a number with its fraction.
            Some((span, known)) if figure.text.len() > known.terms[0].len() => {
                (*span, *known) = (figure.span, thing(figure.span, vec![figure.text]));
            }
            Some(_) => {}
            None => things.push((figure.span, thing(figure.span, vec![figure.text]))),
        }
    }
    for (at, &span) in compounds.iter().enumerate() {
        let written = span.of(question);
        let term = words.iter().find(|word| word.span == span).map(|word| word.stem.clone());
        if let Some((_, known)) =
            things.iter_mut().find(|(known, _)| known.start <= span.start && span.end <= known.end)
        {
            if known.written == written {
                known.terms.extend(term);
            }
            continue;
        }
        let keyword = at.checked_sub(1).map(|before| compounds[before].of(question));
        let keyword = keyword.filter(|keyword| KEYWORDS.contains(keyword));
        let is_name = is_identifier(written) && (keyword.is_some() || compounds.len() == 1 || is_exact(written));
        if let Some(term) = term.filter(|_| is_name || is_exact(written)) {
            let title = keyword.map(|keyword| format!("{keyword} {written}"));
            let words = 1 + usize::from(title.is_some());
            things.push((span, ExactThing { title, is_name, words, ..thing(span, vec![term]) }));
        }
    }
    things.into_iter().map(|(_, thing)| thing).collect()
}

/// The runs of groups with a space between them that make one code: a telephone or account number.
fn codes_in_groups(question: &str, compounds: &[Span]) -> Vec<Span> {
    let is_group = |text: &str| {
        text.chars().any(|c| c.is_ascii_digit()) || text.len() >= 2 && text.chars().all(|c| c.is_ascii_uppercase())
    };
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).count();
    let mut codes = Vec::new();
    let mut run: Vec<Span> = Vec::new();
    for &span in compounds.iter().chain([&Span { start: usize::MAX, end: usize::MAX }]) {
        let text = question.get(span.start..span.end).unwrap_or_default();
        let follows = run.last().is_some_and(|last| question.get(last.end..span.start) == Some(" "));
        if is_group(text) && (run.is_empty() || follows) {
            run.push(span);
            continue;
        }
        if let [first, .., last] = run[..] {
            let code = Span { start: first.start, end: last.end };
            if run.len() >= LEAST_GROUPS && digits(code.of(question)) >= LEAST_DIGITS_IN_GROUPS {
                codes.push(code);
            }
        }
        run.clear();
        if is_group(text) {
            run.push(span);
        }
    }
    codes
}

/// True for what is no common word: with several digits, `snake_case`, `camelCase`, an address, a
/// path.
fn is_exact(written: &str) -> bool {
    let digits = written.chars().filter(char::is_ascii_digit).count();
    // Two small letters before a capital and one behind: `openIndex`, and not `mRNA`.
    let small = u8::is_ascii_lowercase;
    let is_hump = |four: &[u8]| small(&four[0]) && small(&four[1]) && four[2].is_ascii_uppercase() && small(&four[3]);
    let is_camel = written.as_bytes().windows(4).any(is_hump);
    digits >= LEAST_DIGITS || is_camel || written.contains(['_', '@'])
}

fn is_identifier(written: &str) -> bool {
    written.chars().all(|c| c.is_alphanumeric() || c == '_') && !written.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(question: &str) -> Vec<String> {
        exact_things(question, Language::English).into_iter().map(|it| it.written).collect()
    }

    #[test]
    fn codes_numbers_dates_and_names_are_exact_things_and_words_are_not() {
        for (question, things) in [
            ("what does error E0599 mean", &["E0599"][..]),
            ("PO-2026-0458 or po-2026-0471?", &["PO-2026-0458", "po-2026-0471"]),
            ("where is 17,606 from", &["17,606"]),
            ("4740 pieces", &["4740"]),
            ("the meeting of 12 March 2026 about v2", &["12 March 2026"]),
            ("call +44 1632 960174 today", &["44 1632 960174"]),
            ("GB00 KSTR 2090 4717 6060 47", &["GB00 KSTR 2090 4717 6060 47"]),
            ("how does open_or_create work", &["open_or_create"]),
            ("struct Segment", &["Segment"]),
            ("SegmentReader", &["SegmentReader"]),
            ("fuse", &["fuse"]),
            ("who pays for repairs of the IL-2 gene in 2 places", &[]),
        ] {
            assert_eq!(found(question), things, "{question}");
        }
    }

    #[test]
    fn a_whole_match_comes_before_any_other_hit_and_a_definition_before_a_mention() {
        let hit = |chunk, score| Hit::of_one_leg("lexical", 1, chunk, score);
        let mut hits = vec![hit(1, 1.0), hit(2, 0.2), hit(3, 0.5)];
        let set = |ids: &[ChunkId]| ids.iter().copied().collect::<HashSet<_>>();
        let thing = |having, defining| ExactMatch {
            written: "SegmentReader".into(),
            having: set(having),
            written_so: set(having),
            defining: set(defining),
        };
        let exact = ExactMatches { matches: vec![thing(&[2, 3], &[2])], weight: 0.5 };
        prefer_exact(&mut hits, &exact);
        let scores: Vec<f32> = hits.iter().map(|hit| hit.score).collect();
        assert_eq!(scores, [0.5, 0.6, 0.45]);
        assert_eq!(hits.iter().map(|hit| hit.legs[1].rank).collect::<Vec<_>>(), [3, 1, 2]);
        let before = hits.clone();
        prefer_exact(&mut hits, &ExactMatches::default());
        assert_eq!(hits, before);
    }
}
