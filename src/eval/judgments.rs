//! Questions with known relevant documents or passages.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The relevance grades of documents or passages for one question, by name; 0 is not relevant.
pub type Judgments = BTreeMap<String, u32>;

/// The items of judgments and rankings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Granularity {
    /// Whole documents: each has the rank of its best chunk.
    Document,
    /// Chunks.
    Passage,
}

/// Who wrote a question. Results on questions of one origin say nothing about the other, so they
/// are never mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuestionOrigin {
    /// A person.
    Human,
    /// A program, which generated it from the documents.
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
    /// Its id in run files, without white space.
    pub id: String,
    /// The question.
    pub text: String,
    /// Who wrote it.
    pub origin: QuestionOrigin,
    /// What its judgments grade.
    pub granularity: Granularity,
    /// Its judgments; at least one grade is above 0.
    pub judgments: Judgments,
    /// The words of the known answers, each sufficient; none if only documents are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
}
