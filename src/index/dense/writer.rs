//! The vectors and token vectors of one embedder, open for writing.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{Error, Hint, Result};
use crate::index::WorkProgress;
use crate::index::dense::vector_log::VectorLog;
use crate::index::dense::{Dense, LOG, MAP};
use crate::index::derived_part::{DerivedPart, Prepared, expect_one_each};
use crate::index::durable_file::{read_sealed, remove_folder, size_bytes, write_sealed};
use crate::index::store::sqlite::remove_database;
use crate::index::store::{ChunkHash, ChunkId, Documents, StoredChunk};
use crate::index::token_vectors::TokenStore;
use crate::models::contracts::{Embedder, EmbedderCard, Role};
use crate::vector::{Vector, signs};

/// The files of one embedder, and the number of chunks beyond which they get a graph.
pub(crate) struct DensePlace {
    pub(crate) folder: PathBuf,
    pub(crate) tokens: PathBuf,
    pub(crate) exact_limit: usize,
}

/// The vectors of one embedder.
pub(crate) struct DenseWriter {
    place: DensePlace,
    card: EmbedderCard,
    log: VectorLog,
    /// The embedder, if new vectors may have to be made.
    embedder: Option<Arc<dyn Embedder>>,
    /// The token vectors, if they are kept.
    tokens: Option<TokenStore>,
}

impl DenseWriter {
    /// Opens the vectors of `card`, without the embedder that could add some.
    ///
    /// # Errors
    /// When the vectors there have another dimension, or the disk refuses.
    pub(crate) fn open(place: DensePlace, card: &EmbedderCard) -> Result<Self> {
        let folder = &place.folder;
        std::fs::create_dir_all(folder).map_err(|cause| Error::io("make the folder", folder, cause))?;
        let log = VectorLog::open(&folder.join(LOG), card.dimension, || Dense::forget(folder))?;
        Ok(DenseWriter { place, card: card.clone(), log, embedder: None, tokens: None })
    }

    /// Opens the vectors of `embedder`, which it can add to, and its token vectors if it has some
    /// and they are kept.
    ///
    /// # Errors
    /// As [`DenseWriter::open`].
    pub(crate) fn with_model(place: DensePlace, embedder: &Arc<dyn Embedder>, keep_tokens: bool) -> Result<Self> {
        let keep_tokens = keep_tokens && embedder.token_embedder().is_some();
        let tokens = keep_tokens.then(|| TokenStore::open_for_writing(&place.tokens)).transpose()?;
        let writer = Self::open(place, embedder.card())?;
        Ok(DenseWriter { embedder: Some(embedder.clone()), tokens, ..writer })
    }

    /// Embeds these texts, and stores their token vectors if they are kept.
    fn embed(&self, hashes: &[ChunkHash], texts: &[&str]) -> Result<Vec<Vector>> {
        let embedder = self.embedder.as_ref().ok_or_else(|| Error::input("this part was opened without its model"))?;
        let (Some(tokens), Some(embedder)) = (&self.tokens, embedder.token_embedder()) else {
            return embedder.embed(Role::Passage, texts);
        };
        let embedded = embedder.embed_tokens(Role::Passage, texts)?;
        let signs = embedded.iter().map(|text| text.tokens.iter().flat_map(signs).collect());
        tokens.put(&hashes.iter().copied().zip(signs).collect::<Vec<_>>())?;
        Ok(embedded.into_iter().map(|text| text.vector).collect())
    }
}

impl DerivedPart for DenseWriter {
    fn name(&self) -> &str {
        &self.card.id
    }

    /// Includes chunks that only lack token vectors.
    fn missing(&self, store: &Documents) -> Result<Vec<ChunkId>> {
        let mut missing: BTreeSet<ChunkId> =
            store.missing_chunks(|hash| self.log.record(hash).is_some())?.into_iter().collect();
        if let Some(tokens) = &self.tokens {
            missing.extend(tokens.missing(store)?);
        }
        Ok(missing.into_iter().collect())
    }

    fn append(&mut self, chunks: &[StoredChunk]) -> Result<()> {
        let passages: Vec<String> = chunks.iter().map(|stored| stored.chunk.passage()).collect();
        let texts: Vec<&str> = passages.iter().map(String::as_str).collect();
        let hashes: Vec<ChunkHash> = chunks.iter().map(|stored| stored.chunk.hash()).collect();
        let vectors = self.embed(&hashes, &texts)?;
        expect_one_each(vectors.len(), texts.len())?;
        let mut new: Vec<(ChunkHash, Vector)> = hashes.into_iter().zip(vectors).collect();
        new.retain(|(hash, _)| self.log.record(hash).is_none());
        self.log.append(&new)
    }

    fn prepare<'p>(&'p mut self, store: &'p Documents, generation: u64, _: &WorkProgress<'_>) -> Result<Prepared<'p>> {
        let mut bytes = generation.to_le_bytes().to_vec();
        for (chunk, hash) in &store.originals()? {
            if let Some(record) = self.log.record(hash) {
                bytes.extend_from_slice(&chunk.to_le_bytes());
                bytes.extend_from_slice(&record.to_le_bytes());
            }
        }
        Ok(Box::new(move || {
            if let Some(tokens) = self.tokens.as_ref().filter(|_| self.generation().ok() != Some(generation)) {
                tokens.retain(store)?;
            }
            write_sealed(&self.place.folder.join(MAP), &bytes)
        }))
    }

    fn optimise(&mut self, store: &Documents, progress: &WorkProgress<'_>) -> Result<()> {
        match store.searchable()? > self.place.exact_limit {
            true => Dense::build_graph(&self.place.folder, &self.card, progress),
            false => Ok(()),
        }
    }

    fn generation(&self) -> Result<u64> {
        let map = self.place.folder.join(MAP);
        if !map.is_file() {
            return Ok(0);
        }
        Ok(read_sealed(&map)?.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)))
    }

    fn check(&self, store: &Documents) -> Result<()> {
        let originals = store.originals()?;
        let dense = Dense::open(&self.place.folder, &self.card, self.place.exact_limit)?;
        let made = originals.iter().filter(|(_, hash)| self.log.record(hash).is_some()).count();
        if dense.len() != made {
            let (folder, served) = (self.place.folder.display(), dense.len());
            return Err(
                Error::damaged(format!("{folder} has {served} of {made} vectors")).with_hint(Hint::derive_again())
            );
        }
        Ok(())
    }

    fn size_bytes(&self) -> u64 {
        size_bytes(&self.place.folder) + size_bytes(&self.place.tokens)
    }

    fn remove(self: Box<Self>) -> Result<()> {
        let DenseWriter { place, log, tokens, .. } = *self;
        drop((log, tokens));
        remove_folder(&place.folder)?;
        remove_database(&place.tokens)
    }
}
