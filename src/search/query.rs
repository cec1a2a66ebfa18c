//! A question with its embeddings, each of which is computed only once.

use std::sync::{Arc, Mutex, PoisonError};

use super::Filter;
use crate::error::{Error, Result};
use crate::models::contracts::{Embedder, EmbedderCard, Role, SparseCard, SparseEncoder};
use crate::text::Span;
use crate::vector::{SparseVector, Vector};

/// A question, and the filter that found chunks must pass.
#[derive(Debug, Default)]
pub struct Query {
    text: String,
    filter: Option<Filter>,
    embedded: Memory<EmbeddedQuery>,
    encoded: Memory<(SparseCard, SparseVector)>,
}

impl Query {
    /// A query for `text` among all chunks.
    pub fn new(text: impl Into<String>) -> Self {
        Query { text: text.into(), ..Query::default() }
    }

    /// The same text among the chunks that pass `filter`.
    #[must_use]
    pub fn with_filter(self, filter: Option<Filter>) -> Self {
        Query { filter, ..self }
    }

    /// The question in the user's words: any text, never parsed as a query language.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The filter that chunks must pass to be found, if there is one.
    pub fn filter(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }

    /// The terms of the question by `encoder`, which are computed when they are first needed.
    pub(super) fn encoded_by(&self, encoder: &dyn SparseEncoder) -> Result<Arc<(SparseCard, SparseVector)>> {
        let card = encoder.card();
        let encode = || {
            let vector = only(encoder.encode(Role::Query, &[&self.text])?, &card.id)?;
            Ok((card.clone(), vector))
        };
        self.encoded.get_or_compute(|(encoded_by, _)| encoded_by == card, encode)
    }
}

/// The embedding of a question.
#[derive(Debug)]
pub struct EmbeddedQuery {
    card: EmbedderCard,
    /// The vector of the whole question.
    pub vector: Vector,
    /// The vector of each of its tokens with the token's place in the question, if it has one;
    /// `None` if only the whole question was embedded.
    pub tokens: Option<Vec<(Vector, Option<Span>)>>,
}

/// Embeds questions. All parts of a search that need the embedding of a question share one.
pub struct QueryEncoder {
    embedder: Arc<dyn Embedder>,
    with_tokens: bool,
}

impl QueryEncoder {
    /// Embeds questions as a whole.
    pub fn new(embedder: Arc<dyn Embedder>) -> Self {
        QueryEncoder { embedder, with_tokens: false }
    }

    /// Embeds questions and their tokens, in one run of the model.
    ///
    /// # Errors
    /// When the embedder has no token vectors.
    pub fn with_tokens(embedder: Arc<dyn Embedder>) -> Result<Self> {
        if embedder.token_embedder().is_none() {
            let message = format!("{} has no token vectors, which maxsim compares", embedder.card().id);
            return Err(Error::input(message).with_hint("use `--rerank none`, or an embedder such as all-minilm-l6-v2"));
        }
        Ok(QueryEncoder { embedder, with_tokens: true })
    }

    /// The embedder.
    pub fn embedder(&self) -> &dyn Embedder {
        self.embedder.as_ref()
    }

    /// The embedding of `query`, which is computed when it is first needed.
    ///
    /// # Errors
    /// When the embedder fails.
    pub fn encode(&self, query: &Query) -> Result<Arc<EmbeddedQuery>> {
        let fits = |embedded: &EmbeddedQuery| {
            embedded.card == *self.embedder.card() && (embedded.tokens.is_some() || !self.with_tokens)
        };
        query.embedded.get_or_compute(fits, || self.embed(&query.text))
    }

    fn embed(&self, text: &str) -> Result<EmbeddedQuery> {
        let card = self.embedder.card().clone();
        let Some(embedder) = self.embedder.token_embedder().filter(|_| self.with_tokens) else {
            let vector = only(self.embedder.embed(Role::Query, &[text])?, &card.id)?;
            return Ok(EmbeddedQuery { card, vector, tokens: None });
        };
        let spans = embedder.token_spans(Role::Query, text)?;
        let embedded = only(embedder.embed_tokens(Role::Query, &[text])?, &card.id)?;
        if embedded.tokens.is_empty() || embedded.tokens.len() != spans.len() {
            return Err(Error::model(format!(
                "{} returned another number of token vectors than the question has tokens",
                card.id
            )));
        }
        let tokens = Some(embedded.tokens.into_iter().zip(spans).collect());
        Ok(EmbeddedQuery { card, vector: embedded.vector, tokens })
    }
}

fn only<T>(mut vectors: Vec<T>, model: &str) -> Result<T> {
    match vectors.pop() {
        Some(one) if vectors.is_empty() => Ok(one),
        last => {
            let count = vectors.len() + usize::from(last.is_some());
            Err(Error::model(format!("{model} returned {count} vectors for one question")))
        }
    }
}

/// Values that are computed once.
#[derive(Debug)]
struct Memory<T>(Mutex<Vec<Arc<T>>>);

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Memory(Mutex::default())
    }
}

impl<T> Memory<T> {
    fn get_or_compute(&self, fits: impl Fn(&T) -> bool, compute: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
        // Locked while the value is computed, so that other threads wait for it instead of
        // computing it again.
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = values.iter().find(|value| fits(value)) {
            return Ok(value.clone());
        }
        let value = Arc::new(compute()?);
        values.push(value.clone());
        Ok(value)
    }
}
