//! The traits that models implement. The docs of each are a contract, which `tests/conformance.rs`
//! checks for every implementation. Several threads may call a model at once, and each gets the
//! result that it would get alone.

use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use super::prompt::Prompt;
use crate::error::Result;
use crate::text::Span;
use crate::vector::{SparseVector, Vector};

/// Which side of a search a text is on. Small embedders are trained with a different prefix for
/// each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The text is a question.
    Query,
    /// The text is searched.
    Passage,
}

/// How token vectors become the vector of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The mean over all tokens that the attention mask keeps.
    Mean,
    /// The vector of the first token.
    Cls,
}

/// The identity of an embedder. Two embedders with equal cards give equal vectors, so an index can
/// tell from the card whether its vectors are still valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbedderCard {
    /// The name that people use, such as `all-minilm-l6-v2`. The name of the folder with its
    /// vectors begins with it.
    pub id: String,
    /// The number of components of each vector.
    pub dimension: usize,
    /// The most tokens of a text that the model reads, special tokens included; the rest is cut
    /// off.
    pub max_tokens: usize,
    /// How token vectors become the text's vector.
    pub pooling: Pooling,
    /// The text that is put before every query.
    pub query_prefix: String,
    /// The text that is put before every passage.
    pub passage_prefix: String,
    /// The SHA-256 of the weights and the tokenizer, or a version number of any form if there are
    /// no files.
    pub weights: String,
}

impl EmbedderCard {
    /// A short hash of the whole card. Only vectors with the same fingerprint may be compared.
    pub fn fingerprint(&self) -> String {
        let card = serde_json::to_vec(self).expect("a card is plain data");
        blake3::hash(&card).to_hex()[..16].to_string()
    }
}

/// Texts → unit vectors. One vector per text, in order, each with `card().dimension` components.
/// The same text and role give the same vector alone and in any batch (cosine > 0.9999). An empty
/// slice gives an empty `Vec`; an empty text is a text.
pub trait Embedder: Send + Sync {
    /// The card of this embedder; constant.
    fn card(&self) -> &EmbedderCard;

    /// Embeds `texts` as `role`, adding the role's prefix itself.
    ///
    /// # Errors
    /// When the model fails; then no vectors are returned at all.
    fn embed(&self, role: Role, texts: &[&str]) -> Result<Vec<Vector>>;

    /// This embedder as one that also returns the vectors of tokens, which late interaction
    /// compares; `None` if it has none.
    fn token_embedder(&self) -> Option<&dyn TokenEmbedder>;
}

/// A text with the vectors of its tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbeddedText {
    /// The text's vector, equal to that of [`Embedder::embed`].
    pub vector: Vector,
    /// One unit vector per token, in the order of the text, special tokens included; at least one.
    pub tokens: Vec<Vector>,
}

/// An embedder that also returns a vector for each token of a text.
pub trait TokenEmbedder: Send + Sync {
    /// Like [`Embedder::embed`], with the vectors of the tokens.
    ///
    /// # Errors
    /// When the model fails; then no vectors are returned at all.
    fn embed_tokens(&self, role: Role, texts: &[&str]) -> Result<Vec<EmbeddedText>>;

    /// The place in `text` of each token of [`embed_tokens`](Self::embed_tokens); `None` for
    /// special tokens and for those of the role's prefix.
    ///
    /// # Errors
    /// When the tokenizer fails.
    fn token_spans(&self, role: Role, text: &str) -> Result<Vec<Option<Span>>>;
}

/// The identity of a sparse encoder. Two encoders with equal cards give equal vectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SparseCard {
    /// The name that people use, such as `splade-tiny`. The name of the folder with its weights
    /// begins with it.
    pub id: String,
    /// The number of terms; every term's number is smaller.
    pub vocabulary: usize,
    /// The most tokens of a text that the model reads, special tokens included; the rest is cut
    /// off.
    pub max_tokens: usize,
    /// The SHA-256 of the weights and the tokenizer, or a version number of any form if there are
    /// no files.
    pub weights: String,
}

impl SparseCard {
    /// A short hash of the whole card. Only vectors with the same fingerprint may be compared.
    pub fn fingerprint(&self) -> String {
        let card = serde_json::to_vec(self).expect("a card is plain data");
        blake3::hash(&card).to_hex()[..16].to_string()
    }
}

/// Texts → weights of the terms of a vocabulary, learned so that the dot product of two vectors
/// tells how well a passage answers a question. One vector per text, in order; every term is
/// smaller than `card().vocabulary`. The same text and role give the same vector alone and in any
/// batch. An empty slice gives an empty `Vec`; an empty text is a text, and a vector may have no
/// terms.
pub trait SparseEncoder: Send + Sync {
    /// The card of this encoder; constant.
    fn card(&self) -> &SparseCard;

    /// Encodes `texts` as `role`.
    ///
    /// # Errors
    /// When the model fails; then no vectors are returned at all.
    fn encode(&self, role: Role, texts: &[&str]) -> Result<Vec<SparseVector>>;
}

/// A question and passages → one finite score per passage, in order; larger is better. A passage
/// gets the same score whatever other passages are scored with it. An empty slice gives an empty
/// `Vec`.
pub trait Reranker: Send + Sync {
    /// The name that `--explain` shows.
    fn name(&self) -> &str;

    /// Scores `passages` for `query`.
    ///
    /// # Errors
    /// When the model fails; then no scores are returned at all.
    fn score(&self, query: &str, passages: &[&str]) -> Result<Vec<f32>>;
}

/// What a reader finds in a passage for a question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReadPassage {
    /// The logit that the passage answers the question.
    pub answerable: f32,
    /// The score of the best span minus that of having none: how much the place speaks for an
    /// answer.
    pub span_margin: f32,
    /// The place in the passage that answers best, whether or not it answers at all; whole words.
    /// `None` if the passage has no words.
    pub span: Option<Span>,
    /// How much the score of that place is above that of the best place elsewhere in the passage.
    pub lead: f32,
}

/// A question and passages → where each answers, in order. A passage gets the same result whatever
/// other passages are read with it. An empty slice gives an empty `Vec`.
pub trait Reader: Send + Sync {
    /// The name of the model.
    fn name(&self) -> &str;

    /// Reads `passages` for `question`.
    ///
    /// # Errors
    /// When the model fails; then nothing is returned at all.
    fn read(&self, question: &str, passages: &[&str]) -> Result<Vec<ReadPassage>>;
}

/// How a text supports a claim: three probabilities that add up to 1, and one of its own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SupportScores {
    /// The text says all of the claim.
    pub supported: f32,
    /// The text says a part of it.
    pub partly: f32,
    /// The text does not say it.
    pub not: f32,
    /// The text says the opposite.
    pub contradicted: f32,
}

impl SupportScores {
    /// From the logits of supported, partly and not, and that of contradicted.
    pub fn from_logits(labels: [f32; 3], contradicted: f32) -> Self {
        let most = labels.into_iter().fold(f32::MIN, f32::max);
        let [supported, partly, not] = labels.map(|logit| (logit - most).exp());
        let sum = supported + partly + not;
        let contradicted = 1.0 / (1.0 + (-contradicted).exp());
        SupportScores { supported: supported / sum, partly: partly / sum, not: not / sum, contradicted }
    }

    /// The logit of supported against the rest.
    pub fn margin(&self) -> f32 {
        (self.supported.max(f32::MIN_POSITIVE) / (self.partly + self.not).max(f32::MIN_POSITIVE)).ln()
    }
}

/// A claim and texts → how each supports it, in order. A text gets the same scores whatever other
/// texts are checked with it. An empty slice gives an empty `Vec`.
pub trait SupportChecker: Send + Sync {
    /// The name of the model.
    fn name(&self) -> &str;

    /// Holds `claim` against each of `evidence`.
    ///
    /// # Errors
    /// When the model fails; then no scores are returned at all.
    fn check(&self, claim: &str, evidence: &[&str]) -> Result<Vec<SupportScores>>;
}

/// A piece of generated text, as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// The piece. All pieces of an answer, put together, are the answer.
    pub text: String,
    /// The natural logarithm of the probability that the model gave it; `None` if that is unknown.
    pub log_probability: Option<f32>,
}

impl From<String> for Token {
    fn from(text: String) -> Self {
        Token { text, log_probability: None }
    }
}

/// Writes text from a prompt, piece by piece. The only async trait here, because it waits for a
/// network or a model thread. The stream ends where the model ends its answer, at
/// `prompt.max_answer_tokens` or with an error; dropping it stops the work.
pub trait Generator: Send + Sync {
    /// The name that people use, such as `smollm2-135m-instruct` or `openai:gpt-4o-mini`.
    fn name(&self) -> &str;

    /// The most tokens that the prompt and the answer may have together.
    fn context_tokens(&self) -> usize;

    /// The number of tokens of `prompt`, by the model's own tokenizer if it is available, else an
    /// estimate that errs on the high side.
    fn prompt_tokens(&self, prompt: &Prompt) -> Result<usize>;

    /// Writes the answer. The caller makes sure that it fits: `prompt_tokens + max_answer_tokens <=
    /// context_tokens`.
    fn generate(&self, prompt: &Prompt) -> BoxStream<'static, Result<Token>>;
}
