//! Questions of which is known what answers them.

use serde::{Deserialize, Serialize};

use crate::corpus::beir::Judgments;

/// What is judged, and so what a ranking is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Granularity {
    /// Whole documents: each stands where its best chunk stands.
    Document,
    /// Chunks.
    Passage,
}

/// Who asks. Figures over questions of one origin say nothing of the other, so they are never mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuestionOrigin {
    /// A person who wants to know.
    Human,
    /// A program that made it from the documents.
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

/// A judged question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Names it in run files: no white space.
    pub id: String,
    /// In the words of who asks.
    pub text: String,
    /// Who asks.
    pub origin: QuestionOrigin,
    /// What its judgments are about.
    pub unit: Granularity,
    /// Grades of units, by name; at least one is more than 0.
    pub judgments: Judgments,
}
