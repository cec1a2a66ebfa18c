//! The quality of systems on slices of the questions.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Standing;
use crate::eval::judgments::Question;
use crate::language::detect;

/// Smaller slices say nothing.
const FEWEST: usize = 5;

/// A slice of the questions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slice {
    /// The property that defines the slice: `length`, `kind`, `document` or `language`.
    pub by: &'static str,
    /// The value of that property.
    pub name: String,
    /// The number of questions.
    pub questions: usize,
    /// The mean of the measure by which systems are compared, in their order.
    pub means: Vec<f64>,
}

type Property = fn(&Question) -> Option<String>;

/// All slices of at least [`FEWEST`] questions, for each property that gives two or more of them.
pub(super) fn slices(systems: &[Standing], questions: &[Question]) -> Vec<Slice> {
    let mut slices = Vec::new();
    for (by, property) in
        [("length", length as Property), ("kind", kind), ("document", document), ("language", language)]
    {
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, question) in questions.iter().enumerate() {
            if let Some(value) = property(question) {
                groups.entry(value).or_default().push(at);
            }
        }
        groups.retain(|_, places| places.len() >= FEWEST);
        if groups.len() < 2 {
            continue;
        }
        slices.extend(groups.into_iter().map(|(name, places)| {
            let mean =
                |system: &Standing| places.iter().map(|&at| system.values()[at]).sum::<f64>() / places.len() as f64;
            Slice { by, name, questions: places.len(), means: systems.iter().map(mean).collect() }
        }));
    }
    slices
}

fn length(question: &Question) -> Option<String> {
    Some(match question.text.split_whitespace().count() {
        0..=5 => "1 to 5 words".to_string(),
        6..=12 => "6 to 12 words".to_string(),
        _ => "more than 12 words".to_string(),
    })
}

/// Tells whether a word looks like a number, a code or an identifier.
fn kind(question: &Question) -> Option<String> {
    let is_exact = |word: &str| {
        let inner = word.trim_matches(|c: char| !c.is_alphanumeric());
        let is_camel_case = inner.chars().zip(inner.chars().skip(1)).any(|(a, b)| a.is_lowercase() && b.is_uppercase());
        inner.contains(|c: char| c.is_ascii_digit()) || inner.contains('_') || inner.contains("::") || is_camel_case
    };
    Some(
        if question.text.split_whitespace().any(is_exact) { "digits or identifiers" } else { "plain words" }
            .to_string(),
    )
}

/// The file extension of the document that answers it.
fn document(question: &Question) -> Option<String> {
    let (name, _) = question.judgments.iter().find(|(_, grade)| **grade > 0)?;
    let path = name.rsplit_once('@').map_or(name.as_str(), |(path, _)| path);
    let (_, extension) = path.rsplit('/').next()?.rsplit_once('.')?;
    (extension.len() <= 8 && extension.chars().all(char::is_alphanumeric))
        .then(|| format!(".{}", extension.to_lowercase()))
}

fn language(question: &Question) -> Option<String> {
    Some(detect(std::iter::once(question.text.as_str())).code().to_string())
}
