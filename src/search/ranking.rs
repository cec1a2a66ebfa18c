//! Orders ties by path and place, so that a ranking does not depend on when a document was indexed.

use std::collections::HashMap;

use super::Hit;
use super::sources::ChunkSource;
use crate::error::Result;
use crate::index::store::ChunkId;

/// A chunk with its score, which can be ranked.
pub(super) trait Scored {
    fn chunk(&self) -> ChunkId;
    fn score(&self) -> f32;
}

impl Scored for (ChunkId, f32) {
    fn chunk(&self) -> ChunkId {
        self.0
    }

    fn score(&self) -> f32 {
        self.1
    }
}

impl Scored for Hit {
    fn chunk(&self) -> ChunkId {
        self.chunk
    }

    fn score(&self) -> f32 {
        self.score
    }
}

/// Sorts `hits`: best first, ties by path and place. Beyond the first `k`, ties keep their order,
/// because looking places up takes time.
///
/// # Errors
/// When a chunk of a tie is not in the store.
pub(super) fn order(chunks: &dyn ChunkSource, hits: &mut [impl Scored], k: usize) -> Result<()> {
    hits.sort_by(|a, b| b.score().total_cmp(&a.score()));
    let same = |a: &_, b: &_| Scored::score(a).total_cmp(&Scored::score(b)).is_eq();
    let mut tied = Vec::new();
    let mut start = 0;
    for group in hits.chunk_by(same) {
        if start < k && group.len() > 1 {
            tied.extend(group.iter().map(Scored::chunk));
        }
        start += group.len();
    }
    if !tied.is_empty() {
        let places: HashMap<ChunkId, usize> = chunks.by_place(&tied)?.into_iter().zip(0..).collect();
        hits.sort_by(|a, b| b.score().total_cmp(&a.score()).then(places.get(&a.chunk()).cmp(&places.get(&b.chunk()))));
    }
    Ok(())
}
