//! The best of what was found, without deciding between equals.

use super::store::ChunkId;

/// The `k` with the highest scores, and with them all that score as the last of these does; best
/// first, ties by id.
pub(super) fn top_k(mut found: Vec<(ChunkId, f32)>, k: usize) -> Vec<(ChunkId, f32)> {
    let best_first = |a: &(ChunkId, f32), b: &(ChunkId, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    if k == 0 {
        return Vec::new();
    }
    if k < found.len() {
        let last = found.select_nth_unstable_by(k - 1, best_first).1.1;
        found.retain(|(_, score)| score.total_cmp(&last).is_ge());
    }
    found.sort_unstable_by(best_first);
    found
}

#[cfg(test)]
mod tests {
    use super::top_k;

    #[test]
    fn what_ties_with_the_last_is_kept() {
        let found = vec![(5, 1.0), (4, 2.0), (3, 1.0), (2, 0.5), (1, 1.0)];
        assert_eq!(top_k(found.clone(), 2), [(4, 2.0), (1, 1.0), (3, 1.0), (5, 1.0)]);
        assert_eq!(top_k(found.clone(), 1), [(4, 2.0)]);
        assert_eq!(top_k(found.clone(), 9).len(), 5);
        assert_eq!(top_k(found, 0), []);
    }
}
