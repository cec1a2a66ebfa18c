//! The seam of writing: all that a run knows of what is derived from the store.

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
/// * What `append` has returned from is not missing again as long as the store has the chunk,
///   neither in this process nor in the next one, however this one ends.
/// * Damage to what searches read is found by `check` or by opening the part, and mended by
///   preparing it again.
pub trait DerivedPart {
    /// What messages call it: `lexical`, or the id of the model that it is made with.
    fn name(&self) -> &str;

    /// The chunks of the store that [`append`](Self::append) has yet to be given, each content
    /// once, in the order of their ids. None where no model is needed.
    fn missing(&self, store: &Documents) -> Result<Vec<ChunkId>>;

    /// Computes what this part keeps of these chunks, and makes it durable before it returns.
    ///
    /// # Errors
    /// When the model fails or the disk refuses; then these chunks are still missing.
    fn append(&mut self, chunks: &[StoredChunk]) -> Result<()>;

    /// Derives what searches read from the store as it will be at `generation`, and puts nothing in
    /// place yet: a change to the store can be committed between the two. `progress` may hear how
    /// many chunks are done, and how many there are.
    ///
    /// # Errors
    /// The first error of `progress`, or when the disk refuses.
    fn prepare<'p>(
        &'p mut self,
        store: &'p Documents,
        generation: u64,
        progress: &WorkProgress<'_>,
    ) -> Result<Prepared<'p>>;

    /// Builds what makes searching a large index faster, where that is worth it. It takes long, and
    /// nothing waits for it.
    ///
    /// # Errors
    /// The first error of `progress`: searches are as they were; or when the disk refuses.
    fn optimise(&mut self, _store: &Documents, _progress: &WorkProgress<'_>) -> Result<()> {
        Ok(())
    }

    /// The generation of the store that searches of this part see; 0 where nothing is in place, or
    /// it was made in another way than now.
    ///
    /// # Errors
    /// When what is in place is damaged.
    fn generation(&self) -> Result<u64>;

    /// Holds what searches read against its checksums and against the store.
    ///
    /// # Errors
    /// When it is damaged, or does not serve what it should.
    fn check(&self, store: &Documents) -> Result<()>;

    /// Bytes on disk.
    fn size_bytes(&self) -> u64;

    /// Removes it from the disk, with all that was appended.
    fn remove(self: Box<Self>) -> Result<()>;
}

/// What was prepared; the call puts it in place.
pub type Prepared<'p> = Box<dyn FnOnce() -> Result<()> + 'p>;

/// The parts of an index that models make.
pub struct DerivedParts {
    /// Those that the index shall have, with their models, what is fastest first.
    pub planned: Vec<Box<dyn DerivedPart>>,
    /// Those that it shall no longer have. They answer until the run is done.
    pub outgoing: Vec<Box<dyn DerivedPart>>,
}

/// A model gives one vector for each text, or is at fault.
pub(super) fn expect_one_each(vectors: usize, texts: usize) -> Result<()> {
    match vectors == texts {
        true => Ok(()),
        false => Err(Error::model(format!("the model gave {vectors} vectors for {texts} texts"))),
    }
}
