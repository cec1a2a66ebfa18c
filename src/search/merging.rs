//! The results of several indexes become one list.

use super::{SearchResponse, SearchResult};

/// The best `limit` results of several indexes, each of which is named. Scores of different indexes
/// are compared as they are, scaled by how sure each search is that it found something that fits. A
/// place that is in two indexes comes once. Ties are ordered by path and place.
pub fn merge_results(responses: Vec<(String, SearchResponse)>, limit: usize) -> SearchResponse {
    let mut merged = SearchResponse::default();
    let mut results: Vec<(f32, SearchResult)> = Vec::new();
    let mut absent_phrases: Option<Vec<String>> = None;
    for (index, response) in responses {
        let sure = response.confidence.unwrap_or(1.0);
        let named = |result| SearchResult { index: Some(index.clone()), ..result };
        results.extend(response.results.into_iter().map(|result| (result.hit.score * sure, named(result))));
        merged.confidence = merged.confidence.max(response.confidence);
        for correction in response.corrections {
            if !merged.corrections.contains(&correction) {
                merged.corrections.push(correction);
            }
        }
        // A phrase is absent if no index has it.
        absent_phrases = Some(match absent_phrases {
            None => response.absent_phrases,
            Some(known) => known.into_iter().filter(|phrase| response.absent_phrases.contains(phrase)).collect(),
        });
    }
    let place = |result: &SearchResult| (result.path.clone(), result.chunk.span.start);
    results.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| place(one).cmp(&place(other))));
    let mut seen = std::collections::HashSet::new();
    results.retain(|(_, result)| seen.insert(place(result)));
    merged.results = results.into_iter().take(limit).map(|(_, result)| result).collect();
    merged.absent_phrases = absent_phrases.unwrap_or_default();
    merged
}
