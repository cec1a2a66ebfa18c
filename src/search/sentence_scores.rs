//! Scores the sentences of found passages: which of them answer the question?

use std::collections::HashSet;
use std::sync::Arc;

use super::asked_words::rarities;
use super::instructions::instruction_flags;
use super::sources::LexicalSource;
use super::{MaxSim, Query};
use crate::chunking::Chunk;
use crate::error::Result;
use crate::index::lexical::stems;
use crate::language::Language;
use crate::text::{Span, is_list_item, is_table_row, sentences};

/// How much the coverage of a sentence and the score of its passage add to its late interaction,
/// how much of that coverage must be in the sentence's own words and not in what it leans on, and
/// how much the score of its passage adds to its coverage where there is no late interaction. On
/// 190 answerable questions of SQuAD 2 (the half that is not reported on), the best sentence holds
/// the answer to 82 % of them with late interaction and to 80 % without.
const COVERAGE: f32 = 0.2;
const ALONE: f32 = 0.05;
const PASSAGE: f32 = 0.2;
const PASSAGE_BESIDE_COVERAGE: f32 = 0.5;

/// A sentence of a passage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredSentence {
    /// Its place in the text of the chunk.
    pub span: Span,
    /// How well it answers the question; larger is better.
    pub score: f32,
    /// The share of the question's words, by rarity, that are in it or in what it leans on: the
    /// sentence before it, its heading, the line that leads to its list, the header of its table. 0
    /// to 1.
    pub coverage: f32,
    /// True if it is a heading or a question, which answers nothing but is read with what stands
    /// under it.
    pub is_heading: bool,
    /// True if it reads like an instruction to a model; see [`instructions`](super::instructions).
    /// It is not read.
    pub is_instruction: bool,
    /// The part of the question that it answers best, from 0; see
    /// [`sub_questions()`](super::sub_questions()).
    pub part: usize,
}

/// Scores sentences by late interaction, if the search has it, by the words that they share with
/// the question, and by the score of their passage.
pub struct SentenceScorer {
    lexical: Arc<dyn LexicalSource>,
    language: Language,
    late_interaction: Option<Arc<MaxSim>>,
}

impl SentenceScorer {
    /// `lexical` knows how rare words are, `language` says which words have the same stem.
    pub fn new(lexical: Arc<dyn LexicalSource>, language: Language, late_interaction: Option<Arc<MaxSim>>) -> Self {
        SentenceScorer { lexical, language, late_interaction }
    }

    /// The sentences of each of the found chunks, in order. Each chunk comes with its score in the
    /// search.
    ///
    /// # Errors
    /// When a model or the index fails.
    pub fn score(&self, query: &Query, found: &[(&Chunk, f32)]) -> Result<Vec<Vec<ScoredSentence>>> {
        let rarities = rarities(self.lexical.as_ref(), self.language, query.text())?;
        let best = found.iter().map(|(_, score)| *score).fold(f32::MIN_POSITIVE, f32::max);
        let spans: Vec<Vec<Span>> = found.iter().map(|(chunk, _)| sentences(&chunk.text)).collect();
        let similarities = self.similarities(query, found, &spans)?;
        let mut scored = Vec::with_capacity(found.len());
        for (((chunk, score), spans), similarities) in found.iter().zip(&spans).zip(similarities) {
            let passage = score / best;
            let covered = self.covered(chunk, spans, &rarities);
            let instructions = instruction_flags(&chunk.text, spans, &chunk.headings);
            let sentences = spans.iter().zip(covered).enumerate().map(|(at, (&span, (alone, coverage)))| {
                let covered = ALONE * alone + (1.0 - ALONE) * coverage;
                let score = match &similarities {
                    Some(similarities) => similarities[at] + COVERAGE * covered + PASSAGE * passage,
                    None => covered + PASSAGE_BESIDE_COVERAGE * passage,
                };
                let (is_heading, is_instruction) = (is_heading(chunk, span), instructions[at]);
                ScoredSentence { span, score, coverage, is_heading, is_instruction, part: 0 }
            });
            scored.push(sentences.collect());
        }
        Ok(scored)
    }

    fn similarities(
        &self,
        query: &Query,
        found: &[(&Chunk, f32)],
        spans: &[Vec<Span>],
    ) -> Result<Vec<Option<Vec<f32>>>> {
        let Some(late_interaction) = &self.late_interaction else { return Ok(vec![None; found.len()]) };
        let passages: Vec<String> = found.iter().map(|(chunk, _)| chunk.passage()).collect();
        let parts = found.iter().zip(&passages).zip(spans).map(|(((chunk, _), passage), spans)| {
            let before = passage.len() - chunk.text.len();
            let moved = spans.iter().map(|span| Span { start: span.start + before, end: span.end + before });
            (passage.as_str(), moved.collect())
        });
        let scores = late_interaction.score_parts(query, &parts.collect::<Vec<_>>())?;
        Ok(scores.into_iter().map(Some).collect())
    }

    /// The coverage of each sentence alone, and with what it leans on.
    fn covered(&self, chunk: &Chunk, spans: &[Span], rarities: &[(String, f32)]) -> Vec<(f32, f32)> {
        let stems_of =
            |text: &str| stems(text, self.language).into_iter().map(|word| word.stem).collect::<HashSet<_>>();
        let total: f32 = rarities.iter().map(|(_, rarity)| rarity).sum();
        let mut heading: HashSet<String> = chunk.headings.iter().flat_map(|heading| stems_of(heading)).collect();
        let (mut before, mut lead, mut header) = (HashSet::new(), HashSet::new(), HashSet::new());
        let mut was_row = false;
        let mut covered = Vec::with_capacity(spans.len());
        for &span in spans {
            let text = span.of(&chunk.text);
            let here = stems_of(text);
            let is_row = is_table_row(text);
            if is_heading(chunk, span) {
                heading.clone_from(&here);
                before.clear();
            }
            if !is_row || !was_row {
                header = if is_row { here.clone() } else { HashSet::new() };
            }
            if !is_list_item(text) {
                lead = if text.ends_with(':') { here.clone() } else { HashSet::new() };
            }
            let places = [&here, &before, &heading, &lead, &header];
            let share = |places: &[&HashSet<String>]| {
                let has = |stem: &String| places.iter().any(|place| place.contains(stem));
                let shared: f32 = rarities.iter().filter(|(stem, _)| has(stem)).map(|(_, rarity)| rarity).sum();
                if total > 0.0 { shared / total } else { 0.0 }
            };
            covered.push((share(&[&here]), share(&places)));
            (before, was_row) = (here, is_row);
        }
        covered
    }
}

/// True if the sentence is a question, a heading of Markdown, or one that the chunk's document has.
fn is_heading(chunk: &Chunk, span: Span) -> bool {
    let text = span.of(&chunk.text);
    text.starts_with('#')
        || text.ends_with('?')
        || chunk.headings.iter().chain(&chunk.inner_headings).any(|heading| heading == text)
}
