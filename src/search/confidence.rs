//! How sure a search is that its first hits hold a passage that fits.
//!
//! Logistic regression over four signals that the search has anyway. It was learned from questions
//! of judged collections, of which one half has a fitting passage among its first five hits; of the
//! other half, the documents that fit were taken away, or the question was asked in another
//! collection.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;

use super::asked_words::rarities;
use super::sources::LexicalSource;
use super::{Hit, LegScore, Query};
use crate::error::Result;
use crate::index::lexical::stems;
use crate::language::Language;

/// Below this probability nothing matches closely.
pub(super) const CLOSE: f32 = 0.32;
/// How sure a search is at least whose best hit has all words of the question. The questions of the
/// calibration are sentences; people also type a word or two, which say little to the other
/// signals.
const SURE_OF_ALL_WORDS: f32 = 0.5;
/// The first hits of each retriever that are compared with those of the other.
const AGREEING: usize = 10;

/// The calibration of a search with these retrievers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct CalibratedSearch {
    /// The names of its retrievers.
    retrievers: Vec<String>,
    /// Its embedder; `None` for any.
    embedder: Option<String>,
    bias: f32,
    coverage: f32,
    #[serde(default)]
    bm25: f32,
    #[serde(default)]
    cosine: f32,
    #[serde(default)]
    agreement: f32,
}

/// Says how sure a search is.
#[derive(Clone)]
pub struct SearchConfidence {
    calibrated: Arc<CalibratedSearch>,
    lexical: Arc<dyn LexicalSource>,
}

impl SearchConfidence {
    /// The confidence of searches with these retrievers and this embedder in texts of this
    /// language; `None` if it was never calibrated for them. `lexical` knows how rare words are.
    ///
    /// # Panics
    /// Never: a test reads the calibrations.
    pub fn new(
        retrievers: &[&str],
        embedder: Option<&str>,
        language: Language,
        lexical: Arc<dyn LexicalSource>,
    ) -> Option<Self> {
        let all: Vec<CalibratedSearch> =
            serde_json::from_str(include_str!("confidence.json")).expect("they are a part of this program");
        let mut fitting = all.into_iter().filter(|it| it.retrievers == retrievers);
        let calibrated = fitting.find(|it| it.embedder.is_none() || it.embedder.as_deref() == embedder)?;
        (language == Language::English).then(|| SearchConfidence { calibrated: Arc::new(calibrated), lexical })
    }

    /// The probability, 0 to 1, that the first five of `hits` hold a passage that fits. `hits` are
    /// all hits, and `best` is the text of the first.
    ///
    /// # Errors
    /// When the source of words fails.
    pub(super) fn of(&self, query: &Query, hits: &[Hit], best: &str) -> Result<f32> {
        let CalibratedSearch { bias, coverage, bm25, cosine, agreement, .. } = *self.calibrated;
        let words = rarities(self.lexical.as_ref(), Language::English, query.text())?;
        let rarest = words.iter().map(|(_, rarity)| *rarity).fold(0.0, f32::max);
        let first = |leg: &str| legs(hits, leg).find(|leg| leg.rank == 1).map_or(0.0, |leg| leg.score);
        // Words are rarer in a larger index, so that BM25 alone would depend on its size.
        let matched = if rarest > 0.0 { first("lexical") / rarest } else { 0.0 };
        let logit = bias
            + coverage * self::coverage(&words, best)
            + bm25 * matched.ln_1p()
            + cosine * first("dense")
            + agreement * self::agreement(hits);
        let sure = 1.0 / (1.0 + (-logit).exp());
        let is_covered = !words.is_empty() && self::coverage(&words, best) >= 1.0;
        Ok(if is_covered { f32::max(sure, SURE_OF_ALL_WORDS) } else { sure })
    }
}

/// The share of the words, by rarity, that a text has.
fn coverage(words: &[(String, f32)], text: &str) -> f32 {
    let there: HashSet<String> = stems(text, Language::English).into_iter().map(|word| word.stem).collect();
    let total: f32 = words.iter().map(|(_, rarity)| rarity).sum();
    let shared: f32 = words.iter().filter(|(stem, _)| there.contains(stem)).map(|(_, rarity)| rarity).sum();
    if total > 0.0 { shared / total } else { 0.0 }
}

/// The scores of one retriever.
fn legs<'h>(hits: &'h [Hit], name: &str) -> impl Iterator<Item = &'h LegScore> {
    hits.iter().flat_map(|hit| &hit.legs).filter(move |leg| leg.leg == name)
}

/// The share of the first hits of the lexical retriever that the dense one has among its first.
fn agreement(hits: &[Hit]) -> f32 {
    let is_first = |hit: &Hit, name: &str| hit.legs.iter().any(|leg| leg.leg == name && leg.rank <= AGREEING);
    let both = hits.iter().filter(|hit| is_first(hit, "lexical") && is_first(hit, "dense"));
    both.count() as f32 / AGREEING as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::store::ChunkId;
    use crate::search::Filter;
    use crate::text::Span;

    /// Every word is equally rare.
    struct Words;

    impl LexicalSource for Words {
        fn search(&self, _: &str, _: usize, _: Option<&Filter>) -> Result<Vec<(ChunkId, f32)>> {
            unreachable!("only rarities are asked for")
        }

        fn containing(&self, _: &[String], _: Option<&Filter>) -> Result<Vec<ChunkId>> {
            unreachable!("only rarities are asked for")
        }

        fn defining(&self, _: &str) -> Result<HashSet<ChunkId>> {
            unreachable!("only rarities are asked for")
        }

        fn nearest_word(&self, _: &str) -> Result<Option<String>> {
            unreachable!("only rarities are asked for")
        }

        fn rarities(&self, question: &str) -> Result<Vec<(Span, f32)>> {
            Ok(stems(question, Language::English).into_iter().map(|word| (word.span, 3.0)).collect())
        }
    }

    fn confidence(retrievers: &[&str], embedder: &str) -> Option<SearchConfidence> {
        SearchConfidence::new(retrievers, Some(embedder), Language::English, Arc::new(Words))
    }

    /// Ten hits of each retriever with this best score each; the first `agreeing` are the same.
    fn hits(bm25: f32, cosine: f32, agreeing: u64) -> Vec<Hit> {
        let leg = |name: &str, at: u64, score: f32| Hit::of_one_leg(name, at as usize + 1, at, score);
        let mut hits: Vec<Hit> = (0..10).map(|at| leg("lexical", at, bm25 - at as f32 / 20.0)).collect();
        for at in 0..10 {
            let found = leg("dense", at, cosine - at as f32 / 50.0);
            match hits.get_mut(at as usize).filter(|_| at < agreeing) {
                Some(hit) => hit.legs.extend(found.legs),
                None => hits.push(Hit { chunk: at + 100, ..found }),
            }
        }
        hits
    }

    #[test]
    fn a_search_that_covers_the_question_is_sure_and_each_sign_of_a_fit_makes_it_surer() {
        let question = Query::new("Where do kinglets build their nests?");
        let (all, none) = ("Kinglets build nests in conifers.", "Rent is due monthly.");
        for (retrievers, embedder) in [
            (&["lexical"][..], ""),
            (&["dense"], "all-minilm-l6-v2"),
            (&["dense"], "wordllama-256"),
            (&["lexical", "dense"], "all-minilm-l6-v2"),
            (&["lexical", "dense"], "wordllama-256"),
            (&["lexical", "dense"], "hashing-256"),
        ] {
            let confidence = confidence(retrievers, embedder).unwrap();
            let of = |hits: Vec<Hit>, text: &str| confidence.of(&question, &hits, text).unwrap();
            let (sure, unsure) = (of(hits(12.0, 0.75, 6), all), of(hits(3.0, 0.2, 0), none));
            assert!(sure > 0.7 && unsure < CLOSE && unsure > 0.0, "{retrievers:?} {embedder}: {sure} {unsure}");
            assert!(of(hits(12.0, 0.75, 6), none) < sure);
            let weaker = [hits(3.0, 0.75, 6), hits(12.0, 0.2, 6), hits(12.0, 0.75, 0)];
            let weaker = weaker.map(|hits| of(hits, all));
            assert!(weaker.iter().all(|it| *it <= sure) && weaker.iter().any(|it| *it < sure), "{weaker:?}");
        }
    }

    #[test]
    fn a_search_that_was_not_calibrated_has_no_confidence() {
        assert!(confidence(&["dense"], "hashing-256").is_none());
        assert!(confidence(&["lexical", "dense", "sparse"], "all-minilm-l6-v2").is_none());
        assert!(SearchConfidence::new(&["lexical"], None, Language::German, Arc::new(Words)).is_none());
    }
}
