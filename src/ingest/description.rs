//! The manifest of an index during a run and at its end.

use super::IngestRun;
use crate::error::Result;
use crate::extract;
use crate::index::IndexWriter;
use crate::index::manifest::{FORMAT, Manifest};
use crate::index::store::ChunkId;
use crate::language::{Language, detect};

/// The number of chunks from which the language of a new index is detected.
const CHUNKS_FOR_LANGUAGE: usize = 200;

impl IngestRun<'_> {
    /// The manifest at the end of the run.
    pub(super) fn finished_manifest(&self, language: Language) -> Manifest {
        let planned = self.planned_manifest(language);
        let Some(before) = self.writer.manifest().cloned() else { return planned };
        let mut fusion_weights = before.fusion_weights.clone();
        fusion_weights.retain(|embedder, _| planned.embedders.iter().any(|card| card.id == *embedder));
        // Another first embedder is a newer choice than that of `kinglet use`.
        let first = |manifest: &Manifest| manifest.embedders.first().map(|card| card.id.clone());
        let displaced_embedder = before.displaced_embedder.clone().filter(|_| first(&before) == first(&planned));
        let Manifest { defaults, calibration, .. } = before;
        Manifest { defaults, displaced_embedder, fusion_weights, calibration, ..planned }
    }

    /// The manifest during the run. Searches use the previous parts until the run ends. As long as
    /// files must still be read again, the manifest keeps the old chunking and extraction, so that
    /// the next run reads them.
    pub(super) fn interim_manifest(&self, language: Language, complete: bool) -> Manifest {
        let planned = Manifest { complete, ..self.planned_manifest(language) };
        let Some(before) = self.writer.manifest().cloned() else { return planned };
        let (chunking, extraction) = match complete {
            true => (planned.chunking, planned.extraction),
            false => (before.chunking, before.extraction),
        };
        Manifest { format: FORMAT, chunking, extraction, complete, language, ..before }
    }

    fn planned_manifest(&self, language: Language) -> Manifest {
        Manifest {
            format: FORMAT,
            chunking: self.plan.chunking,
            extraction: extract::VERSION,
            complete: true,
            language,
            embedders: self.plan.embedders.iter().map(|embedder| embedder.card().clone()).collect(),
            sparse: self.plan.encoders.iter().map(|encoder| encoder.card().clone()).collect(),
            defaults: Default::default(),
            displaced_embedder: None,
            fusion_weights: Default::default(),
            calibration: None,
        }
    }

    /// The language of the plan, else that of the index. An index without chunks has none yet: it
    /// is detected from the documents.
    pub(super) fn language(&self) -> Result<Language> {
        let previous = self.writer.manifest().filter(|_| self.had_chunks).map(|manifest| manifest.language);
        match self.plan.language.or(previous) {
            Some(language) => Ok(language),
            None => language_of(self.writer),
        }
    }
}

/// Detects the language of the documents from chunks all over the store.
fn language_of(writer: &IndexWriter) -> Result<Language> {
    let ids = writer.documents().chunk_ids()?;
    let step = ids.len().div_ceil(CHUNKS_FOR_LANGUAGE).max(1);
    let sample: Vec<ChunkId> = ids.into_iter().step_by(step).collect();
    let chunks = writer.documents().chunks(&sample)?;
    Ok(detect(chunks.iter().map(|stored| stored.chunk.text.as_str())))
}
