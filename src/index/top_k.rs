//! The best hits, without a choice between equal scores.

use super::store::ChunkId;

/// The `k` hits with the highest scores and all that tie with the last of them, best first, ties by
/// id.
pub(super) fn top_k(mut hits: Vec<(ChunkId, f32)>, k: usize) -> Vec<(ChunkId, f32)> {
    let best_first = |a: &(ChunkId, f32), b: &(ChunkId, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    if k == 0 {
        return Vec::new();
    }
    if k < hits.len() {
        let last = hits.select_nth_unstable_by(k - 1, best_first).1.1;
        hits.retain(|(_, score)| score.total_cmp(&last).is_ge());
    }
    hits.sort_unstable_by(best_first);
    hits
}

#[cfg(test)]
mod tests {
    use super::top_k;

    #[test]
    fn hits_that_tie_with_the_last_are_kept() {
        let hits = vec![(5, 1.0), (4, 2.0), (3, 1.0), (2, 0.5), (1, 1.0)];
        assert_eq!(top_k(hits.clone(), 2), [(4, 2.0), (1, 1.0), (3, 1.0), (5, 1.0)]);
        assert_eq!(top_k(hits.clone(), 1), [(4, 2.0)]);
        assert_eq!(top_k(hits.clone(), 9).len(), 5);
        assert_eq!(top_k(hits, 0), []);
    }
}
