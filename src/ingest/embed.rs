//! Appends to each derived part the chunks that it misses, in batches.

use std::time::Instant;

use super::{CHECKPOINT, Event, Progress};
use crate::error::{Error, Result};
use crate::index::IndexWriter;
use crate::index::derived_part::DerivedPart;

/// The number of chunks in a batch. After each batch the work is durable and can be stopped.
const EMBEDDING_BATCH: usize = 64;

/// Appends to `part` the chunks that it misses, and returns their number. They are durable after
/// each batch, and searchable from time to time and at the end.
pub(super) fn embed(part: &mut dyn DerivedPart, writer: &IndexWriter, progress: &dyn Progress) -> Result<usize> {
    let name = part.name().to_string();
    let missing = part.missing(writer.documents()).map_err(|error| error.in_part(&name))?;
    let report = |done| progress.event(&Event::Embedded { model: &name, done, total: missing.len() });
    if !missing.is_empty() {
        report(0);
    }
    let mut published = Instant::now();
    for (batch, ids) in missing.chunks(EMBEDDING_BATCH).enumerate() {
        if progress.is_cancelled() {
            writer.synchronise(part, &|_, _| Ok(()))?;
            return Err(Error::interrupted());
        }
        if published.elapsed() >= CHECKPOINT {
            writer.synchronise(part, &|_, _| Ok(()))?;
            published = Instant::now();
        }
        part.append(&writer.documents().chunks(ids)?).map_err(|error| error.in_part(&name))?;
        report(batch * EMBEDDING_BATCH + ids.len());
    }
    if !missing.is_empty() {
        writer.synchronise(part, &|_, _| Ok(()))?;
    }
    Ok(missing.len())
}
