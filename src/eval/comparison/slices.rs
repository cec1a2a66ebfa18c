//! How good systems are on parts of the questions.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Standing;
use crate::eval::judgments::Question;
use crate::language::detect;

/// A part with fewer questions says nothing.
const FEWEST: usize = 5;

/// A part of the questions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slice {
    /// By what they were told apart: `length`, `kind`, `document`, `language`.
    pub by: &'static str,
    /// Which part.
    pub name: String,
    /// How many questions.
    pub questions: usize,
    /// Mean nDCG@10, in the order of the systems.
    pub ndcg_at_10: Vec<f64>,
}

type PartOf = fn(&Question) -> Option<String>;

/// All parts of at least five questions, where there are two or more of them.
pub(super) fn slices(systems: &[Standing], questions: &[Question]) -> Vec<Slice> {
    let mut found = Vec::new();
    for (by, part_of) in [("length", length as PartOf), ("kind", kind), ("document", document), ("language", language)]
    {
        let mut parts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, question) in questions.iter().enumerate() {
            if let Some(part) = part_of(question) {
                parts.entry(part).or_default().push(at);
            }
        }
        parts.retain(|_, places| places.len() >= FEWEST);
        if parts.len() < 2 {
            continue;
        }
        found.extend(parts.into_iter().map(|(name, places)| {
            let mean =
                |system: &Standing| places.iter().map(|&at| system.ndcg_at_10[at]).sum::<f64>() / places.len() as f64;
            Slice { by, name, questions: places.len(), ndcg_at_10: systems.iter().map(mean).collect() }
        }));
    }
    found
}

fn length(question: &Question) -> Option<String> {
    Some(match question.text.split_whitespace().count() {
        0..=5 => "1 to 5 words".to_string(),
        6..=12 => "6 to 12 words".to_string(),
        _ => "more than 12 words".to_string(),
    })
}

/// Whether something in it looks like a number, a code or a name from a program.
fn kind(question: &Question) -> Option<String> {
    let is_exact = |word: &str| {
        let inner = word.trim_matches(|c: char| !c.is_alphanumeric());
        let turns = inner.chars().zip(inner.chars().skip(1)).any(|(a, b)| a.is_lowercase() && b.is_uppercase());
        inner.contains(|c: char| c.is_ascii_digit()) || inner.contains('_') || inner.contains("::") || turns
    };
    Some(
        if question.text.split_whitespace().any(is_exact) { "digits or identifiers" } else { "plain words" }
            .to_string(),
    )
}

/// The ending of the file that answers it.
fn document(question: &Question) -> Option<String> {
    let (name, _) = question.judgments.iter().find(|(_, grade)| **grade > 0)?;
    let path = name.rsplit_once('@').map_or(name.as_str(), |(path, _)| path);
    let (_, ending) = path.rsplit('/').next()?.rsplit_once('.')?;
    (ending.len() <= 8 && ending.chars().all(char::is_alphanumeric)).then(|| format!(".{}", ending.to_lowercase()))
}

fn language(question: &Question) -> Option<String> {
    Some(detect(std::iter::once(question.text.as_str())).code().to_string())
}
