//! The seams that models stand behind. Each doc is a contract; `tests/conformance.rs` runs it over
//! every implementation. Several threads may call one model at once, and each gets what it would
//! get alone.

use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use super::prompt::Prompt;
use crate::error::Result;
use crate::text::Span;
use crate::vector::{SparseVector, Vector};

/// Which side of a search a text is on: small embedders are trained with a different prefix for
/// each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// What is asked.
    Query,
    /// What is searched.
    Passage,
}

/// How token vectors become one vector of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The mean over all tokens that the attention mask keeps.
    Mean,
    /// The vector of the first token.
    Cls,
}

/// What an embedder is. Two embedders with equal cards give equal vectors, so that an index can
/// tell whether its vectors still fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbedderCard {
    /// The name people use, such as `all-minilm-l6-v2`; also the name of the folder that holds its
    /// vectors.
    pub id: String,
    /// Components of each vector.
    pub dimension: usize,
    /// Tokens that are read of a text, special tokens included; the rest is cut off.
    pub max_tokens: usize,
    /// How token vectors become one.
    pub pooling: Pooling,
    /// Put before every query.
    pub query_prefix: String,
    /// Put before every passage.
    pub passage_prefix: String,
    /// SHA-256 of the weights and the tokenizer, or a version of one's own where there are no
    /// files.
    pub weights: String,
}

impl EmbedderCard {
    /// A short hash of the whole card: vectors made under one fingerprint may be compared, others
    /// may not.
    pub fn fingerprint(&self) -> String {
        let card = serde_json::to_vec(self).expect("a card is plain data");
        blake3::hash(&card).to_hex()[..16].to_string()
    }
}

/// Texts → unit vectors. One per text, in order; all of `card().dimension`; the same text and role
/// give the same vector alone or in any batch (cosine > 0.9999); an empty slice gives an empty
/// `Vec`; an empty text is a text.
pub trait Embedder: Send + Sync {
    /// What this embedder is; constant.
    fn card(&self) -> &EmbedderCard;

    /// Embeds `texts` as `role`, adding the role's prefix itself.
    ///
    /// # Errors
    /// When the model fails; then no vectors are given at all.
    fn embed(&self, role: Role, texts: &[&str]) -> Result<Vec<Vector>>;

    /// This embedder as one that shows the vectors of its tokens too, which late interaction
    /// compares; `None` where it has none.
    fn token_embedder(&self) -> Option<&dyn TokenEmbedder>;
}

/// A text with the vectors of its tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbeddedText {
    /// The text's vector, as [`Embedder::embed`] gives it.
    pub vector: Vector,
    /// One unit vector a token, in the order of the text, special tokens included; at least one.
    pub tokens: Vec<Vector>,
}

/// An embedder that reads a text as tokens and has a vector for each.
pub trait TokenEmbedder: Send + Sync {
    /// As [`Embedder::embed`], with the tokens' vectors.
    ///
    /// # Errors
    /// When the model fails; then no vectors are given at all.
    fn embed_tokens(&self, role: Role, texts: &[&str]) -> Result<Vec<EmbeddedText>>;

    /// Where in `text` each token stands that [`embed_tokens`](Self::embed_tokens) gives; `None`
    /// for special tokens and for those of the role's prefix.
    ///
    /// # Errors
    /// When the tokenizer fails.
    fn token_spans(&self, role: Role, text: &str) -> Result<Vec<Option<Span>>>;
}

/// What an encoder into sparse vectors is. Two encoders with equal cards give equal vectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SparseCard {
    /// The name people use, such as `splade-tiny`; also the name of the folder that holds its
    /// weights.
    pub id: String,
    /// How many terms there are; a term's number is smaller.
    pub vocabulary: usize,
    /// Tokens that are read of a text, special tokens included; the rest is cut off.
    pub max_tokens: usize,
    /// SHA-256 of the weights and the tokenizer, or a version of one's own where there are no
    /// files.
    pub weights: String,
}

impl SparseCard {
    /// A short hash of the whole card: vectors made under one fingerprint may be compared, others
    /// may not.
    pub fn fingerprint(&self) -> String {
        let card = serde_json::to_vec(self).expect("a card is plain data");
        blake3::hash(&card).to_hex()[..16].to_string()
    }
}

/// Texts → weights of the terms of a vocabulary, learned so that the dot product of a question's
/// and a passage's says how well they fit. One per text, in order; every term smaller than
/// `card().vocabulary`; the same text and role give the same vector alone or in any batch; an empty
/// slice gives an empty `Vec`; an empty text is a text, and a vector may have no terms.
pub trait SparseEncoder: Send + Sync {
    /// What this encoder is; constant.
    fn card(&self) -> &SparseCard;

    /// Encodes `texts` as `role`.
    ///
    /// # Errors
    /// When the model fails; then no vectors are given at all.
    fn encode(&self, role: Role, texts: &[&str]) -> Result<Vec<SparseVector>>;
}

/// One finite score per passage, in order, larger is better; the same passage gets the same score
/// whatever stands beside it. Neither sorts nor cuts; an empty slice gives an empty `Vec`.
pub trait Reranker: Send + Sync {
    /// What `--explain` calls it.
    fn name(&self) -> &str;

    /// Scores `passages` for `query`.
    ///
    /// # Errors
    /// When the model fails; then no scores are given at all.
    fn score(&self, query: &str, passages: &[&str]) -> Result<Vec<f32>>;
}

/// A piece of generated text, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Valid UTF-8; the pieces of one answer, put together, are the answer.
    pub text: String,
}

/// Writes text from a prompt, piece by piece. The only async seam: it waits for a network or a
/// model thread. The stream ends after the model's own end or `prompt.max_answer_tokens`; dropping
/// it stops the work. An error ends the stream.
pub trait Generator: Send + Sync {
    /// What people call it, such as `smollm2-135m-instruct` or `openai:gpt-4o-mini`.
    fn name(&self) -> &str;

    /// Tokens that prompt and answer may take together.
    fn context_tokens(&self) -> usize;

    /// Tokens that `prompt` takes, by the model's own tokenizer where it is at hand; else an
    /// estimate that is rather too high.
    fn prompt_tokens(&self, prompt: &Prompt) -> Result<usize>;

    /// Writes the answer. The caller has made sure that it fits: `prompt_tokens + max_answer_tokens
    /// <= context_tokens`.
    fn generate(&self, prompt: &Prompt) -> BoxStream<'static, Result<Token>>;
}
