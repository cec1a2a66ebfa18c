//! Questions with known relevant documents or passages.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How relevant documents or passages are to one question, by name: 0 is not relevant.
pub type Judgments = BTreeMap<String, u32>;

/// What judgments are about, and so what a ranking consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Granularity {
    /// Whole documents: each stands where its best chunk stands.
    Document,
    /// Chunks.
    Passage,
}

/// Who asks. Figures over questions of one origin say nothing of the other, so they are never
/// mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuestionOrigin {
    /// A person who wants to know.
    Human,
    /// A program that generated it from the documents.
    Synthetic,
}

impl std::fmt::Display for QuestionOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            QuestionOrigin::Human => "human",
            QuestionOrigin::Synthetic => "synthetic",
        })
    }
}

/// A question with its judgments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Names it in run files: no white space.
    pub id: String,
    /// In the words of who asks.
    pub text: String,
    /// Who asks.
    pub origin: QuestionOrigin,
    /// What its judgments are about.
    pub granularity: Granularity,
    /// At least one is more than 0.
    pub judgments: Judgments,
}
