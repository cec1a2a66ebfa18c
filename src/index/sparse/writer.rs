//! The sparse part of an index, open for writing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{Error, Hint, Result};
use crate::index::WorkProgress;
use crate::index::derived_part::{DerivedPart, Prepared, expect_one_each};
use crate::index::durable_file::{check, remove_folder, size_bytes, write_streamed};
use crate::index::sparse::weight_log::WeightLog;
use crate::index::sparse::{LARGEST_IMPACT, LOG, MAGIC, MAP, Sparse};
use crate::index::store::{ChunkHash, ChunkId, Documents, StoredChunk};
use crate::models::contracts::{Role, SparseCard, SparseEncoder};

/// The sparse vectors of one encoder.
pub(crate) struct SparseWriter {
    folder: PathBuf,
    id: String,
    log: WeightLog,
    /// The encoder, if new vectors may have to be made.
    encoder: Option<Arc<dyn SparseEncoder>>,
}

impl SparseWriter {
    /// Opens the sparse vectors of `card` in `folder`, without the encoder that could add some.
    ///
    /// # Errors
    /// When the files there are not sparse vectors, or the disk refuses.
    pub(crate) fn open(folder: PathBuf, card: &SparseCard) -> Result<Self> {
        std::fs::create_dir_all(&folder).map_err(|cause| Error::io("make the folder", &folder, cause))?;
        let log = WeightLog::open(&folder.join(LOG))?;
        Ok(SparseWriter { folder, id: card.id.clone(), log, encoder: None })
    }

    /// Opens the sparse vectors of `encoder` in `folder`, which it can add to.
    ///
    /// # Errors
    /// As [`SparseWriter::open`].
    pub(crate) fn with_model(folder: PathBuf, encoder: &Arc<dyn SparseEncoder>) -> Result<Self> {
        Ok(SparseWriter { encoder: Some(encoder.clone()), ..Self::open(folder, encoder.card())? })
    }

    fn weights(&self, chunk: ChunkId, hash: &ChunkHash) -> Result<Vec<(u32, f32)>> {
        self.log.weights(hash)?.ok_or_else(|| {
            Error::damaged(format!("chunk {chunk} has no sparse vector in {}", self.folder.display()))
                .with_hint(Hint::update_index("it encodes that chunk again"))
        })
    }
}

impl DerivedPart for SparseWriter {
    fn name(&self) -> &str {
        &self.id
    }

    fn missing(&self, store: &Documents) -> Result<Vec<ChunkId>> {
        store.missing_chunks(|hash| self.log.has(hash))
    }

    fn append(&mut self, chunks: &[StoredChunk]) -> Result<()> {
        let encoder = self.encoder.as_ref().ok_or_else(|| Error::input("this part was opened without its model"))?;
        let passages: Vec<String> = chunks.iter().map(|stored| stored.chunk.passage()).collect();
        let texts: Vec<&str> = passages.iter().map(String::as_str).collect();
        let vectors = encoder.encode(Role::Passage, &texts)?;
        expect_one_each(vectors.len(), texts.len())?;
        let hashes = chunks.iter().map(|stored| stored.chunk.hash());
        self.log.append(&hashes.zip(vectors).collect::<Vec<_>>())
    }

    fn prepare<'p>(&'p mut self, store: &'p Documents, generation: u64, _: &WorkProgress<'_>) -> Result<Prepared<'p>> {
        let mut hashes = store.originals()?;
        hashes.retain(|(_, hash)| self.log.has(hash));
        // The log is read twice: the first pass lays out the lists, so that filling them takes only
        // 5 bytes a posting.
        let mut lists: BTreeMap<u32, PostingList> = BTreeMap::new();
        for (chunk, hash) in &hashes {
            for (term, weight) in self.weights(*chunk, hash)? {
                let list = lists.entry(term).or_default();
                list.length += 1;
                list.largest = list.largest.max(weight);
            }
        }
        let mut total = 0;
        for list in lists.values_mut() {
            list.end = total;
            total += list.length as usize;
        }
        let (mut places, mut impacts) = (vec![0u32; total], vec![0u8; total]);
        for (place, (chunk, hash)) in hashes.iter().enumerate() {
            for (term, weight) in self.weights(*chunk, hash)? {
                let list = lists.get_mut(&term).expect("the first pass saw every term");
                places[list.end] = place as u32;
                impacts[list.end] = (weight / list.step()).round().clamp(1.0, LARGEST_IMPACT) as u8;
                list.end += 1;
            }
        }
        let mut head = MAGIC.to_vec();
        head.extend_from_slice(&generation.to_le_bytes());
        head.extend_from_slice(&(hashes.len() as u32).to_le_bytes());
        head.extend_from_slice(&(lists.len() as u32).to_le_bytes());
        head.extend(hashes.iter().flat_map(|(chunk, _)| chunk.to_le_bytes()));
        for (term, list) in &lists {
            head.extend_from_slice(&term.to_le_bytes());
            head.extend_from_slice(&list.length.to_le_bytes());
            head.extend_from_slice(&list.step().to_le_bytes());
        }
        let path = self.folder.join(MAP);
        Ok(Box::new(move || {
            write_streamed(&path, |file| {
                file.write_all(&head)?;
                file.write_all(blake3::hash(&head).as_bytes())?;
                lists.values().try_for_each(|list| {
                    let range = list.end - list.length as usize..list.end;
                    let mut bytes: Vec<u8> =
                        places[range.clone()].iter().flat_map(|place| place.to_le_bytes()).collect();
                    bytes.extend_from_slice(&impacts[range]);
                    file.write_all(&bytes)?;
                    file.write_all(&check(&bytes))
                })
            })
        }))
    }

    fn generation(&self) -> Result<u64> {
        Ok(Sparse::open(&self.folder)?.map_or(0, |part| part.generation()))
    }

    fn check(&self, store: &Documents) -> Result<()> {
        let encoded = store.originals()?.iter().filter(|(_, hash)| self.log.has(hash)).count();
        match Sparse::open(&self.folder)? {
            Some(sparse) if sparse.len() == encoded => sparse.check(),
            sparse => {
                let (folder, indexed) = (self.folder.display(), sparse.map_or(0, |sparse| sparse.len()));
                Err(Error::damaged(format!("{folder} has {indexed} of {encoded} encoded chunks"))
                    .with_hint(Hint::derive_again()))
            }
        }
    }

    fn size_bytes(&self) -> u64 {
        size_bytes(&self.folder)
    }

    fn remove(self: Box<Self>) -> Result<()> {
        let SparseWriter { folder, log, .. } = *self;
        drop(log);
        remove_folder(&folder)
    }
}

/// The list of a term while it is laid out and filled.
#[derive(Default)]
struct PostingList {
    length: u32,
    largest: f32,
    /// The position of its next posting.
    end: usize,
}

impl PostingList {
    fn step(&self) -> f32 {
        self.largest / LARGEST_IMPACT
    }
}
