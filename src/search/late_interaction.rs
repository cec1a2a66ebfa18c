//! Late interaction: compares each word of a question with the most similar word of a passage.
//!
//! Source: Khattab & Zaharia, *ColBERT: Efficient and Effective Passage Search via Contextualized
//! Late Interaction over BERT*, SIGIR 2020. Here it uses the token vectors of an ordinary embedder,
//! which was not trained for it and still ranks better so. The words of the question are weighted
//! by their rarity, and of the passages' vectors only the signs are kept.

use std::sync::Arc;

use super::rerank::PassageScorer;
use super::sources::{LexicalSource, TokenVectorSource};
use super::{Query, QueryEncoder};
use crate::error::{Error, Result};
use crate::index::store::ChunkHash;
use crate::models::contracts::Role;
use crate::models::reference::RerankerRef;
use crate::text::Span;
use crate::vector::{SignTable, signs};

/// The weight of every token of the question, to which the rarity of its word is added: so stop
/// words and punctuation count a little.
const LEAST_WEIGHT: f32 = 0.5;

/// The most passages whose token vectors a search in an unfinished index makes: one batch of the
/// embedder. The first 50 hits would take seconds, and more beside the run that embeds.
const MOST_MADE: usize = 8;

/// Scores a passage by the cosine between each token of the question and the nearest token of the
/// passage: the mean of these, weighted by the rarity of the question's words.
pub struct MaxSim {
    lexical: Arc<dyn LexicalSource>,
    token_vectors: Arc<dyn TokenVectorSource>,
    encoder: Arc<QueryEncoder>,
    /// True if an indexing run has yet to make token vectors.
    is_unfinished: bool,
}

impl MaxSim {
    /// Compares the tokens of the question with those in `token_vectors`, and computes those that
    /// are missing there. `encoder` must be made with [`QueryEncoder::with_tokens`]; `lexical`
    /// knows how rare words are.
    pub fn new(
        lexical: Arc<dyn LexicalSource>,
        token_vectors: Arc<dyn TokenVectorSource>,
        encoder: Arc<QueryEncoder>,
    ) -> Self {
        MaxSim { lexical, token_vectors, encoder, is_unfinished: false }
    }

    /// The same in an index whose chunks are not all embedded yet: passages are scored only if few
    /// of them lack token vectors, see [`PassageScorer::is_ready`].
    #[must_use]
    pub fn unfinished(self) -> Self {
        MaxSim { is_unfinished: true, ..self }
    }

    fn no_tokens(&self) -> Error {
        Error::model(format!("{} gave no token vectors", self.encoder.embedder().card().id))
    }

    /// The question's tokens with their weights.
    fn question(&self, query: &Query) -> Result<Vec<(SignTable, f32)>> {
        let words = self.lexical.rarities(query.text())?;
        let embedded = self.encoder.encode(query)?;
        let tokens = embedded.tokens.as_ref().ok_or_else(|| self.no_tokens())?;
        let rarity = |span: &Span| {
            let over = words.iter().find(|(word, _)| word.start < span.end && span.start < word.end);
            over.map_or(0.0, |(_, rarity)| *rarity)
        };
        let weigh = |span: &Option<Span>| LEAST_WEIGHT + span.as_ref().map_or(0.0, rarity);
        Ok(tokens.iter().map(|(vector, span)| (SignTable::new(vector), weigh(span))).collect())
    }

    /// Scores parts of passages: like passages, each by the tokens inside it, whose vectors are
    /// those that they have within the whole passage. A part without a token, because the embedder
    /// does not read so far, gets 0.
    ///
    /// # Errors
    /// When a model fails.
    pub fn score_parts(&self, query: &Query, passages: &[(&str, Vec<Span>)]) -> Result<Vec<Vec<f32>>> {
        let question = self.question(query)?;
        let texts: Vec<&str> = passages.iter().map(|(text, _)| *text).collect();
        let embedder = self.encoder.embedder().token_embedder().ok_or_else(|| self.no_tokens())?;
        let signs = self.passages(&texts)?;
        let score = |((text, parts), signs): (&(&str, Vec<Span>), Vec<u8>)| {
            let places = embedder.token_spans(Role::Passage, text)?;
            let tokens: Vec<(&[u8], Span)> = signs
                .chunks(self.token_bytes())
                .zip(places)
                .filter_map(|(token, place)| Some((token, place?)))
                .collect();
            let score = |part: &Span| {
                let inside = |place: &Span| part.start <= place.start && place.end <= part.end;
                let tokens = || tokens.iter().filter(|(_, place)| inside(place)).map(|(token, _)| *token);
                if tokens().next().is_none() { 0.0 } else { similarity(&question, tokens) }
            };
            Ok(parts.iter().map(score).collect())
        };
        passages.iter().zip(signs).map(score).collect()
    }

    /// The bytes of the signs of one token.
    fn token_bytes(&self) -> usize {
        self.encoder.embedder().card().dimension.div_ceil(8)
    }

    /// The signs of the passages' tokens, where they are kept.
    fn kept(&self, passages: &[&str]) -> Result<Vec<Option<Vec<u8>>>> {
        let hashes: Vec<ChunkHash> =
            passages.iter().map(|passage| *blake3::hash(passage.as_bytes()).as_bytes()).collect();
        self.token_vectors.signs(&hashes)
    }

    /// The signs of the passages' tokens, kept or computed.
    fn passages(&self, passages: &[&str]) -> Result<Vec<Vec<u8>>> {
        let kept = self.kept(passages)?;
        let missing: Vec<&str> =
            passages.iter().zip(&kept).filter(|(_, kept)| kept.is_none()).map(|(passage, _)| *passage).collect();
        let embedder = self.encoder.embedder().token_embedder().ok_or_else(|| self.no_tokens())?;
        let mut computed = embedder.embed_tokens(Role::Passage, &missing)?.into_iter();
        let mut compute = || {
            let text = computed.next().ok_or_else(|| Error::model("the embedder lost a passage"))?;
            Ok(text.tokens.iter().flat_map(signs).collect())
        };
        kept.into_iter().map(|kept| kept.map_or_else(&mut compute, Ok)).collect()
    }
}

impl PassageScorer for MaxSim {
    fn name(&self) -> &str {
        RerankerRef::MAXSIM
    }

    fn is_ready(&self, passages: &[&str]) -> Result<bool> {
        let missing = || Ok::<_, Error>(self.kept(passages)?.iter().filter(|kept| kept.is_none()).count());
        Ok(!self.is_unfinished || missing()? <= MOST_MADE)
    }

    fn score(&self, query: &Query, passages: &[&str]) -> Result<Vec<f32>> {
        if passages.is_empty() {
            return Ok(Vec::new());
        }
        let question = self.question(query)?;
        let score = |tokens: &Vec<u8>| similarity(&question, || tokens.chunks(self.token_bytes()));
        Ok(self.passages(passages)?.iter().map(score).collect())
    }
}

/// The mean over the question's tokens of the cosine to the nearest of `tokens`, by weight.
fn similarity<'t, T: Iterator<Item = &'t [u8]>>(question: &[(SignTable, f32)], tokens: impl Fn() -> T) -> f32 {
    let total: f32 = question.iter().map(|(_, weight)| weight).sum();
    let nearest = |table: &SignTable| tokens().map(|token| table.cosine(token)).fold(-1.0, f32::max);
    question.iter().map(|(table, weight)| weight * nearest(table)).sum::<f32>() / total
}
