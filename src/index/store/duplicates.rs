//! Of chunks with the same words only the first is searched: it stands for all, and every place is
//! kept.
//!
//! Path and place decide which one is first, not the order of indexing, so that an updated index
//! equals one built from scratch.

use std::collections::{BTreeMap, HashMap};

use rusqlite::params;

use crate::error::Result;
use crate::index::store::row_checks::Table;
use crate::index::store::{Change, ChunkId, Documents, StoredChunk};
use crate::near_duplicate::{Sketch, WordsHash};

/// The number of bands of a sketch. Two chunks are compared if one of their bands is equal
/// (locality-sensitive hashing: Indyk & Motwani, 1998).
const BANDS: usize = 8;
/// The most chunks of a bucket that a chunk is compared with. Texts of one pattern, such as lines
/// of a log, share a bucket by the hundred thousand, and each would be compared with all others.
const MAX_COMPARED: usize = 16;
/// The least likeness of near-duplicates.
pub const NEARLY: f32 = 0.9;

impl Change<'_> {
    /// Sets for every chunk which one is searched in its place.
    pub fn mark_duplicates(&self) -> Result<()> {
        let changed = self.documents.run("read", |c| {
            let mut first: HashMap<WordsHash, ChunkId> = HashMap::new();
            let mut changed = Vec::new();
            let mut select = c.prepare(
                "SELECT chunks.id, words, original FROM chunks JOIN documents ON documents.id = document
                 JOIN roots ON roots.id = root WHERE words IS NOT NULL
                 ORDER BY roots.path, documents.path, start_byte, chunks.id",
            )?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                let (id, words, before): (ChunkId, WordsHash, Option<ChunkId>) =
                    (row.get(0)?, row.get(1)?, row.get(2)?);
                let original = Some(*first.entry(words).or_insert(id)).filter(|first| *first != id);
                if original != before {
                    changed.push((id, original));
                }
            }
            Ok(changed)
        })?;
        changed.into_iter().try_for_each(|(id, original)| {
            self.documents.update(Table::Chunks, id as i64, |c| {
                let mut update = c.prepare_cached("UPDATE chunks SET original = ?2 WHERE id = ?1")?;
                update.execute(params![id, original]).map(drop)
            })
        })
    }
}

impl Documents {
    /// The exact duplicates of these chunks, by the chunk that is searched in their place, ordered
    /// by path and place.
    pub fn duplicates(&self, originals: &[ChunkId]) -> Result<BTreeMap<ChunkId, Vec<StoredChunk>>> {
        let mut duplicates = BTreeMap::new();
        if self.column_or_null("original")? == "NULL" {
            return Ok(duplicates);
        }
        for &original in originals {
            let ids: Vec<ChunkId> = self.run("read", |c| {
                // The row must agree, because an index of SQLite has no checksum.
                let select = "SELECT found.id FROM chunks AS found JOIN chunks AS row ON row.id = found.id
                              WHERE found.original = ?1 AND row.original = ?1";
                c.prepare_cached(select)?.query_map([original], |row| row.get(0))?.collect()
            })?;
            if !ids.is_empty() {
                let mut chunks = self.chunks(&ids)?;
                chunks.sort_by(|a, b| (&a.path, a.chunk.span.start).cmp(&(&b.path, b.chunk.span.start)));
                duplicates.insert(original, chunks);
            }
        }
        Ok(duplicates)
    }

    /// The sketches of these chunks, in the given order; `None` for chunks that an earlier version
    /// stored.
    pub fn sketches(&self, chunks: &[ChunkId]) -> Result<Vec<Option<Sketch>>> {
        let sketch = self.column_or_null("sketch")?;
        self.run("read", |c| {
            let mut select = c.prepare_cached(&format!("SELECT {sketch} FROM chunks WHERE id = ?1"))?;
            let of = |id: &ChunkId| {
                let bytes: Option<Vec<u8>> = select.query_row([id], |row| row.get(0))?;
                Ok(bytes.and_then(|bytes| Sketch::from_bytes(&bytes)))
            };
            chunks.iter().map(of).collect()
        })
    }

    /// The number of searched chunks that are near-duplicates of an earlier one.
    pub fn near_duplicates(&self) -> Result<usize> {
        let ids: Vec<ChunkId> = self.originals()?.into_iter().map(|(id, _)| id).collect();
        let sketches: Vec<Sketch> = self.sketches(&ids)?.into_iter().flatten().collect();
        Ok(count_repeated(&sketches, |a, b| a.likeness(b) >= NEARLY))
    }
}

/// The number of sketches for which `repeats` is true with an earlier one, as far as
/// [`MAX_COMPARED`] comparisons in each band show.
fn count_repeated(sketches: &[Sketch], mut repeats: impl FnMut(&Sketch, &Sketch) -> bool) -> usize {
    let mut buckets: HashMap<(usize, [u8; Sketch::BYTES / BANDS]), Vec<usize>> = HashMap::new();
    let mut repeated = 0;
    for (at, sketch) in sketches.iter().enumerate() {
        let bytes = sketch.to_bytes();
        let (bands, _) = bytes.as_chunks::<{ Sketch::BYTES / BANDS }>();
        let bands: Vec<_> = bands.iter().copied().enumerate().collect();
        let is_repeated = bands.iter().any(|band| {
            buckets.get(band).is_some_and(|bucket| bucket.iter().any(|&other| repeats(&sketches[other], sketch)))
        });
        repeated += usize::from(is_repeated);
        // A sketch that repeats another one is not added: one of a kind is enough to compare with.
        for band in bands.into_iter().filter(|_| !is_repeated) {
            let bucket = buckets.entry(band).or_default();
            if bucket.len() < MAX_COMPARED {
                bucket.push(at);
            }
        }
    }
    repeated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_one_pattern_are_not_all_compared_with_each_other() {
        let line = |n: usize| {
            let shared = (0..40).map(|word| format!("word{word} ")).collect::<String>();
            format!("{shared} {}", (0..20).map(|word| format!("own{n}x{word} ")).collect::<String>())
        };
        let sketches: Vec<Sketch> = (0..400).map(|n| Sketch::of(&line(n))).collect();
        let mut compared = 0;
        let repeated = count_repeated(&sketches, |a, b| {
            compared += 1;
            a.likeness(b) >= NEARLY
        });
        assert_eq!(repeated, 0);
        assert!(compared > 400, "they share buckets: {compared}");
        assert!(compared <= 400 * BANDS * MAX_COMPARED, "{compared}");

        let twice = [line(1), line(2), line(1), line(3), line(1)].map(|text| Sketch::of(&text));
        assert_eq!(count_repeated(&twice, |a, b| a.likeness(b) >= NEARLY), 2);
    }
}
