//! A question, and what models make of it: each of them once, whoever asks.

use std::sync::{Arc, Mutex, PoisonError};

use super::Filter;
use crate::error::{Error, Result};
use crate::models::contracts::{Embedder, EmbedderCard, Role, SparseCard, SparseEncoder};
use crate::text::Span;
use crate::vector::{SparseVector, Vector};

/// What is looked for.
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

    /// What chunks must pass to be found; `None` when all do.
    pub fn filter(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }

    /// The terms that `encoder` gives the question.
    pub(super) fn encoded_by(&self, encoder: &dyn SparseEncoder) -> Result<Arc<(SparseCard, SparseVector)>> {
        let card = encoder.card();
        let encode = || {
            let vector = only(encoder.encode(Role::Query, &[&self.text])?, &card.id)?;
            Ok((card.clone(), vector))
        };
        self.encoded.get_or_make(|(known, _)| known == card, encode)
    }
}

/// A question as an embedder sees it.
#[derive(Debug)]
pub struct EmbeddedQuery {
    card: EmbedderCard,
    /// The vector of the whole question.
    pub vector: Vector,
    /// The vector of each of its tokens, and where in the question the token stands, if it does;
    /// `None` when nobody needs them.
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

    /// The embedding of `query`, which is computed when it is first asked for.
    ///
    /// # Errors
    /// When the embedder fails.
    pub fn encode(&self, query: &Query) -> Result<Arc<EmbeddedQuery>> {
        let fits = |known: &EmbeddedQuery| {
            known.card == *self.embedder.card() && (known.tokens.is_some() || !self.with_tokens)
        };
        query.embedded.get_or_make(fits, || self.embed(&query.text))
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
            return Err(Error::model(format!("{} lost count of the question's tokens", card.id)));
        }
        let tokens = Some(embedded.tokens.into_iter().zip(spans).collect());
        Ok(EmbeddedQuery { card, vector: embedded.vector, tokens })
    }
}

fn only<T>(mut made: Vec<T>, model: &str) -> Result<T> {
    match made.pop() {
        Some(one) if made.is_empty() => Ok(one),
        last => {
            let count = made.len() + usize::from(last.is_some());
            Err(Error::model(format!("{model} gave {count} vectors for one question")))
        }
    }
}

/// Values that are made once.
#[derive(Debug)]
struct Memory<T>(Mutex<Vec<Arc<T>>>);

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Memory(Mutex::default())
    }
}

impl<T> Memory<T> {
    fn get_or_make(&self, fits: impl Fn(&T) -> bool, make: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
        // Held while the value is made: whoever else asks for it waits, and does not make it again.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.iter().find(|value| fits(value)) {
            return Ok(found.clone());
        }
        let made = Arc::new(make()?);
        known.push(made.clone());
        Ok(made)
    }
}
