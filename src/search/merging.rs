//! What is found in several indexes becomes one list.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use super::{Correction, FileWithWords, FilesResponse, SearchResponse, SearchResult};

/// The best `limit` results of several indexes, each under its name. Scores of different indexes
/// mean nothing beside each other, so each counts as much as its search is sure that it found
/// something that fits. A place that is in two indexes comes once. Ties are ordered by path and
/// place. What is pending is not merged: it is told for each index.
pub fn merge_results(responses: Vec<(String, SearchResponse)>, limit: usize) -> SearchResponse {
    let mut merged = SearchResponse::default();
    let mut results: Vec<(f32, SearchResult)> = Vec::new();
    merged.is_unmet = !responses.is_empty() && responses.iter().all(|(_, response)| response.is_unmet);
    merged.absent_phrases = absent_from_all(responses.iter().map(|(_, response)| response.absent_phrases.as_slice()));
    merged.corrections = distinct(responses.iter().flat_map(|(_, response)| &response.corrections));
    for (name, response) in responses {
        let sure = response.confidence.unwrap_or(1.0);
        for result in response.results {
            results.push((result.hit.score * sure, SearchResult { index: Some(name.clone()), ..result }));
        }
        merged.confidence = match (merged.confidence, response.confidence) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
    }
    let place = |result: &SearchResult| (result.path.clone(), result.chunk.span.start, result.snippet.span.start);
    results.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| place(one).cmp(&place(other))));
    let mut seen = HashSet::new();
    results.retain(|(_, result)| seen.insert(place(result)));
    merged.results = results.into_iter().take(limit).map(|(_, result)| result).collect();
    merged
}

/// The phrases that no index has.
fn absent_from_all<'r>(mut absent: impl Iterator<Item = &'r [String]>) -> Vec<String> {
    let mut phrases = absent.next().unwrap_or_default().to_vec();
    absent.for_each(|other| phrases.retain(|phrase| other.contains(phrase)));
    phrases
}

/// Each correction once.
fn distinct<'r>(all: impl Iterator<Item = &'r Correction>) -> Vec<Correction> {
    let mut distinct: Vec<Correction> = Vec::new();
    for correction in all {
        if !distinct.contains(correction) {
            distinct.push(correction.clone());
        }
    }
    distinct
}

/// The files of several indexes. One that is in two of them comes once.
pub fn merge_files(responses: Vec<FilesResponse>) -> FilesResponse {
    let words = responses.iter().find(|it| !it.words.is_empty()).map(|it| it.words.clone()).unwrap_or_default();
    let is_unmet = responses.iter().all(|response| response.is_unmet);
    let absent_phrases = absent_from_all(responses.iter().map(|response| response.absent_phrases.as_slice()));
    let corrections = distinct(responses.iter().flat_map(|response| &response.corrections));
    let mut passages: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for file in responses.into_iter().flat_map(|response| response.files) {
        let known = passages.entry(file.path).or_default();
        *known = (*known).max(file.passages);
    }
    let mut files: Vec<_> = passages.into_iter().map(|(path, passages)| FileWithWords { path, passages }).collect();
    files.sort_by_key(|file| Reverse(file.passages)); // stable: ties by path
    FilesResponse { files, words, is_unmet, absent_phrases, corrections, ..FilesResponse::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_that_is_sure_comes_first_and_what_one_index_has_is_not_absent() {
        let response = |sure, absent: &[&str]| SearchResponse {
            confidence: Some(sure),
            absent_phrases: absent.iter().map(ToString::to_string).collect(),
            corrections: vec![Correction { typed: "wren".into(), searched: "wrens".into() }],
            ..SearchResponse::default()
        };
        let merged =
            merge_results(vec![("a".into(), response(0.2, &["one", "two"])), ("b".into(), response(0.9, &["two"]))], 5);
        assert_eq!((merged.confidence, merged.absent_phrases), (Some(0.9), vec!["two".to_string()]));
        assert_eq!(merged.corrections.len(), 1);
        assert_eq!(merge_results(Vec::new(), 5), SearchResponse::default());
    }

    #[test]
    fn files_of_several_indexes_are_counted_once() {
        let file = |path: &str, passages| FileWithWords { path: path.into(), passages };
        let response = |files| FilesResponse { files, ..FilesResponse::default() };
        let merged =
            merge_files(vec![response(vec![file("b", 2), file("c", 1)]), response(vec![file("a", 1), file("b", 2)])]);
        assert_eq!(merged.files, [file("b", 2), file("a", 1), file("c", 1)]);
    }
}
