//! The seam of writing: all that an indexing run knows about the parts derived from the store.

use crate::error::{Error, Result};
use crate::index::WorkProgress;
use crate::index::store::{ChunkId, Documents, StoredChunk};

/// A part of an index that is derived from the store, opened by the one process that may write.
///
/// It keeps two things. What a model computes from a chunk is costly: [`append`](Self::append)
/// makes it durable by the chunk's content, so that nothing is computed twice. What searches read
/// is cheap: [`prepare`](Self::prepare) derives it from the store and from what was appended, and
/// it is replaced as a whole.
///
/// `tests/conformance.rs` holds every implementation to this contract:
/// * Once what was prepared is in place, the part serves exactly the chunks of the store that are
///   searched, except those whose content is still missing. [`generation`](Self::generation) is
///   then the one it was prepared for, and [`check`](Self::check) passes.
/// * Dropping what was prepared, and an error anywhere, leave what is served as it was.
/// * Once `append` has returned, its chunks are not missing again as long as the store has them,
///   neither in this process nor in the next one, however this one ends.
/// * `check` or opening the part finds damage to what searches read, and preparing the part again
///   repairs it.
pub trait DerivedPart {
    /// Its name in messages: `lexical`, or the id of its model.
    fn name(&self) -> &str;

    /// The chunks of the store that must still be passed to [`append`](Self::append), each content
    /// once, ordered by id. Empty if the part needs no model.
    fn missing(&self, store: &Documents) -> Result<Vec<ChunkId>>;

    /// Computes what this part keeps of these chunks, and makes it durable before it returns.
    ///
    /// # Errors
    /// When the model fails or the disk refuses; then these chunks are still missing.
    fn append(&mut self, chunks: &[StoredChunk]) -> Result<()>;

    /// Derives what searches read from the store as it will be at `generation`, but puts nothing in
    /// place yet, so that a change to the store can be committed in between. May call `progress`
    /// with the number of chunks done and the total.
    ///
    /// # Errors
    /// The first error of `progress`, or when the disk refuses.
    fn prepare<'p>(
        &'p mut self,
        store: &'p Documents,
        generation: u64,
        progress: &WorkProgress<'_>,
    ) -> Result<Prepared<'p>>;

    /// Builds what makes searching a large index faster, if that is worth it. It takes long, and
    /// nothing waits for it.
    ///
    /// # Errors
    /// The first error of `progress`, which leaves searches as they were; or when the disk refuses.
    fn optimise(&mut self, _store: &Documents, _progress: &WorkProgress<'_>) -> Result<()> {
        Ok(())
    }

    /// The generation of the store that searches of this part see; 0 if nothing is in place, or it
    /// was derived by other rules than today's.
    ///
    /// # Errors
    /// When what is in place is damaged.
    fn generation(&self) -> Result<u64>;

    /// Compares what searches read with its checksums and with the store.
    ///
    /// # Errors
    /// When it is damaged, or does not serve what it should.
    fn check(&self, store: &Documents) -> Result<()>;

    /// Its size on disk.
    fn size_bytes(&self) -> u64;

    /// Removes it from the disk, with all that was appended.
    fn remove(self: Box<Self>) -> Result<()>;
}

/// What was prepared; calling it puts it in place.
pub type Prepared<'p> = Box<dyn FnOnce() -> Result<()> + 'p>;

/// The parts of an index that models make.
pub struct DerivedParts {
    /// The parts that the index will have, with their models, the fastest first.
    pub planned: Vec<Box<dyn DerivedPart>>,
    /// The parts that the run removes. Searches use them until it ends.
    pub outgoing: Vec<Box<dyn DerivedPart>>,
}

/// Fails unless the model gave one vector for each text.
pub(super) fn expect_one_each(vectors: usize, texts: usize) -> Result<()> {
    match vectors == texts {
        true => Ok(()),
        false => Err(Error::model(format!("the model gave {vectors} vectors for {texts} texts"))),
    }
}
