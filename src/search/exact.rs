//! Passages that have the exact things of a question whole come before those that have only parts
//! of them.

use std::collections::HashSet;

use super::exact_things::{ExactThing, exact_things, is_exact};
use super::phrase::{Phrase, has_number, is_number};
use super::ranking::order;
use super::sources::{ChunkSource, LexicalSource};
use super::{Hit, LegScore, Query};
use crate::error::Result;
use crate::index::lexical::stems;
use crate::index::store::ChunkId;
use crate::language::Language;
use crate::text::is_stop_word;

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
/// A question with more of them was pasted, not typed.
const MOST_THINGS: usize = 16;
/// The texts of so many hits are read for exact things.
const MOST_READ: usize = 200;

/// Where the exact things of a question stand whole.
#[derive(Default)]
pub(super) struct ExactMatches {
    pub matches: Vec<ExactMatch>,
    /// The share of a hit's score that they decide.
    weight: f32,
}

impl ExactMatches {
    /// How many of the exact things a sentence in `language` has whole.
    pub fn count_in(&self, sentence: &str, language: Language) -> usize {
        self.matches.iter().filter(|it| it.is_in_sentence(sentence, language)).count()
    }

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
    terms: Vec<String>,
    having: HashSet<ChunkId>,
    /// The chunks that have it as it is written in the question.
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

    /// True if a sentence in `language` has it whole.
    fn is_in_sentence(&self, sentence: &str, language: Language) -> bool {
        let words = stems(sentence, language);
        let has = |term: &String| match is_number(term) {
            true => has_number(sentence, term),
            false => words.iter().any(|word| word.stem == *term),
        };
        Phrase::new(&self.written).is_in(sentence) || self.terms.iter().any(has)
    }

    /// True if the chunk has it whole.
    pub fn is_in(&self, chunk: ChunkId) -> bool {
        self.having.contains(&chunk) || self.defining.contains(&chunk)
    }
}

/// Where each exact thing of the question stands. `hits` are those of the question; they are sorted
/// if it has exact things.
///
/// # Errors
/// When the source fails.
pub(super) fn exact_matches(
    query: &Query,
    hits: &mut [Hit],
    lexical: &dyn LexicalSource,
    chunks: &dyn ChunkSource,
) -> Result<ExactMatches> {
    let things = exact_things(query.text(), chunks.language());
    if things.is_empty() || things.len() > MOST_THINGS {
        return Ok(ExactMatches::default());
    }
    order(chunks, hits, MOST_READ)?;
    let ids: Vec<ChunkId> = hits.iter().take(MOST_READ).map(|hit| hit.chunk).collect();
    let read: Vec<(ChunkId, String)> =
        chunks.chunks(&ids)?.into_iter().map(|stored| (stored.id, stored.chunk.passage())).collect();
    let mut matches = Vec::new();
    let mut exact_words = 0;
    for thing in things {
        let defining = if thing.is_name { lexical.defining(&thing.written)? } else { HashSet::new() };
        // A common word is exact only if it names something.
        if thing.is_name && !is_exact(&thing.written) && defining.is_empty() {
            continue;
        }
        let phrase = Phrase::new(&thing.written);
        let found = |is_meant: &dyn Fn(&str) -> bool| {
            read.iter().filter(|(_, text)| is_meant(text)).map(|(id, _)| *id).collect::<HashSet<ChunkId>>()
        };
        let literal = found(&|text| phrase.is_in(text));
        let mut having = literal.clone();
        for term in &thing.terms {
            if is_number(term) {
                // The term of a number is also that of a part of a longer one.
                having.extend(found(&|text| has_number(text, term)));
            } else {
                having.extend(lexical.containing(std::slice::from_ref(term), None)?);
            }
        }
        let written_so = match &thing.title {
            Some(title) => lexical.defining(title)?,
            None => literal,
        };
        exact_words += thing.words;
        let ExactThing { written, terms, .. } = thing;
        matches.push(ExactMatch { written, terms, having, written_so, defining });
    }
    let words = query.text().split_whitespace().map(str::to_lowercase);
    let words =
        words.filter(|word| !is_stop_word(word.trim_matches(|end: char| !end.is_alphanumeric()))).count().max(1);
    let weight = (WEIGHT_OF_SHARE * exact_words as f32 / words as f32).min(MOST_WEIGHT);
    Ok(ExactMatches { matches, weight })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_match_comes_before_any_other_hit_and_a_definition_before_a_mention() {
        let hit = |chunk, score| Hit::of_one_leg("lexical", 1, chunk, score);
        let mut hits = vec![hit(1, 1.0), hit(2, 0.2), hit(3, 0.5)];
        let set = |ids: &[ChunkId]| ids.iter().copied().collect::<HashSet<_>>();
        let thing = |having, defining| ExactMatch {
            written: "SegmentReader".into(),
            terms: Vec::new(),
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
