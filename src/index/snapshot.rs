//! An index as one question sees it: at one generation, whatever writers do meanwhile.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::dense::Dense;
use super::durable_file::{index_name, size_bytes};
use super::lexical::Lexical;
use super::manifest::Manifest;
use super::parts::Parts;
use super::reader::IndexReader;
use super::sparse::Sparse;
use super::store::row_checks::Damage;
use super::store::{ChunkId, Counts, Documents, Outline, StoreSnapshot, StoredChunk};
use super::token_vectors::TokenStore;
use super::{STORE, dense_folder, lexical_folder, sparse_folder, tokens_file};
use crate::error::{Error, Hint, Result};
use crate::models::contracts::{EmbedderCard, SparseCard};
use crate::near_duplicate::Sketch;
use crate::vector::{SparseVector, Vector};
use kinglet_formats::is_truncated;

type Ids = HashSet<ChunkId>;

/// The counts of a generation of the store.
pub(super) struct Generation {
    pub(super) number: u64,
    searchable: usize,
    /// The chunks that are searched, once a lagging part has needed them.
    searchable_ids: OnceLock<Arc<Ids>>,
}

impl Generation {
    pub(super) fn of(store: &StoreSnapshot) -> Result<Self> {
        let searchable = store.searchable()?;
        Ok(Generation { number: store.generation(), searchable, searchable_ids: OnceLock::new() })
    }
}

/// An index at one generation. Made for one question: see [`IndexReader::snapshot`].
pub struct Index {
    folder: PathBuf,
    parts: Arc<Parts>,
    store: Mutex<StoreSnapshot>,
    generation: Arc<Generation>,
}

impl Index {
    /// Opens the index in `folder` as it is now.
    ///
    /// # Errors
    /// As [`IndexReader::open`].
    pub fn open(folder: &Path) -> Result<Self> {
        IndexReader::open(folder)?.owned_snapshot()
    }

    pub(super) fn new(folder: PathBuf, parts: Arc<Parts>, store: StoreSnapshot, generation: Arc<Generation>) -> Self {
        Index { folder, parts, store: Mutex::new(store), generation }
    }

    /// The folders and files that the index in `folder` is of; none when its first run was never
    /// finished.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn roots_in(folder: &Path) -> Result<Vec<PathBuf>> {
        let store = folder.join(STORE);
        if !store.is_file() {
            return Ok(Vec::new());
        }
        Ok(Documents::open_for_reading(&store)?.roots()?.into_iter().map(|(_, path)| path).collect())
    }

    /// Checks the structure of the store and every row, and gives the damaged rows.
    ///
    /// # Errors
    /// When the structure is damaged.
    pub fn check_store(&self) -> Result<Damage> {
        let store = self.store();
        store.check_structure()?;
        store.damage()
    }

    /// The folder that the index lies in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The name of the index in commands, which is that of its folder.
    pub fn name(&self) -> String {
        index_name(&self.folder)
    }

    /// What the index holds and how it was made.
    pub fn manifest(&self) -> &Manifest {
        &self.parts.manifest.value
    }

    /// The lexical part. Its own [`search`](Lexical::search) may find chunks that are gone; see
    /// [`search_lexical`](Self::search_lexical).
    pub fn lexical(&self) -> &Lexical {
        &self.parts.derived.lexical.value
    }

    /// The vectors made by the embedder with this card. Their own [`search`](Dense::search) may
    /// find chunks that are gone; see [`search_dense`](Self::search_dense).
    ///
    /// # Errors
    /// When the index has none of that embedder, or has some that were made with other weights or
    /// settings.
    pub fn dense(&self, card: &EmbedderCard) -> Result<&Dense> {
        Ok(&self.parts.derived.dense[self.place_of(card)?].value)
    }

    /// The token vectors made by the embedder with this card; `None` where none were kept.
    ///
    /// # Errors
    /// As [`Index::dense`].
    pub fn tokens(&self, card: &EmbedderCard) -> Result<Option<&TokenStore>> {
        Ok(self.parts.derived.tokens[self.place_of(card)?].value.as_ref().as_ref())
    }

    /// The learned terms of the encoder with this card. Their own [`search`](Sparse::search) may
    /// find chunks that are gone; see [`search_sparse`](Self::search_sparse).
    ///
    /// # Errors
    /// When the index has none of that encoder, or has some that were made with other weights or
    /// settings.
    pub fn sparse(&self, card: &SparseCard) -> Result<&Sparse> {
        let stored = self.manifest().sparse.iter().position(|stored| stored == card);
        stored.map(|at| self.parts.derived.sparse[at].value.as_ref()).ok_or_else(|| {
            Error::input(format!("the index has no sparse vectors of this {}", card.id))
                .with_hint(Hint::AddEncoder { index: self.name(), encoder: card.id.clone() })
        })
    }

    fn place_of(&self, card: &EmbedderCard) -> Result<usize> {
        let cards = &self.manifest().embedders;
        match cards.iter().position(|stored| stored.id == card.id) {
            Some(at) if cards[at] == *card => Ok(at),
            Some(_) => Err(Error::input(format!("the index holds vectors of another version of {}", card.id))
                .with_hint(Hint::update_index("it embeds the chunks again with this version"))
                .in_index(&self.name())),
            None => {
                let ids: Vec<_> = cards.iter().map(|card| card.id.as_str()).collect();
                Err(Error::input(format!("the index has no vectors of {}, only of {}", card.id, ids.join(", ")))
                    .with_hint(Hint::AddEmbedder { index: self.name(), embedder: card.id.clone() }))
            }
        }
    }

    /// How many bytes the lexical part takes on disk.
    pub fn lexical_bytes(&self) -> u64 {
        size_bytes(&lexical_folder(&self.folder))
    }

    /// How many bytes the vectors of one embedder take on disk, and its token vectors.
    pub fn dense_bytes(&self, card: &EmbedderCard) -> [u64; 2] {
        [dense_folder(&self.folder, card), tokens_file(&self.folder, card)].map(|part| size_bytes(&part))
    }

    /// How many bytes the learned terms of one encoder take on disk.
    pub fn sparse_bytes(&self, card: &SparseCard) -> u64 {
        size_bytes(&sparse_folder(&self.folder, card))
    }

    /// The chunks with these ids, in the given order.
    pub fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<StoredChunk>> {
        self.store().chunks(ids)
    }

    /// Orders chunks by path and place, see [`Documents::by_place`].
    pub fn by_place(&self, chunks: &[ChunkId]) -> Result<Vec<ChunkId>> {
        self.store().by_place(chunks)
    }

    /// The facts about each chunk that filters ask for, by id.
    pub fn outlines(&self) -> Result<Vec<Outline>> {
        self.store().outlines()
    }

    /// Counts documents, chunks and what was left out.
    pub fn counts(&self) -> Result<Counts> {
        self.store().counts()
    }

    /// The folders and files that were indexed.
    pub fn roots(&self) -> Result<Vec<PathBuf>> {
        Ok(self.store().roots()?.into_iter().map(|(_, path)| path).collect())
    }

    /// Files that were found but not read, with the reasons.
    pub fn skipped_files(&self) -> Result<Vec<(PathBuf, String)>> {
        self.store().skipped_files()
    }

    /// The ids of all chunks.
    pub fn chunk_ids(&self) -> Result<Vec<ChunkId>> {
        self.store().chunk_ids()
    }

    /// The ids of the searchable chunks, in order: all but exact duplicates of others.
    pub fn searchable_ids(&self) -> Result<Vec<ChunkId>> {
        self.store().searchable_ids()
    }

    /// The exact duplicates of these chunks, see [`Documents::duplicates`].
    pub fn duplicates(&self, originals: &[ChunkId]) -> Result<BTreeMap<ChunkId, Vec<StoredChunk>>> {
        self.store().duplicates(originals)
    }

    /// What was left out of the file of a chunk, if anything was.
    pub fn truncated(&self, chunk: ChunkId) -> Result<Option<String>> {
        Ok(self.store().doubt(chunk)?.filter(|doubt| is_truncated(doubt)))
    }

    /// The sketches by which near-duplicates are found, see [`Documents::sketches`].
    pub fn sketches(&self, chunks: &[ChunkId]) -> Result<Vec<Option<Sketch>>> {
        self.store().sketches(chunks)
    }

    /// The number of searched chunks that are near-duplicates of an earlier one.
    pub fn near_duplicates(&self) -> Result<usize> {
        self.store().near_duplicates()
    }

    /// How many chunks are searchable: all but exact duplicates of others.
    pub fn searchable(&self) -> usize {
        self.generation.searchable
    }

    /// Counts the searchable chunks that have no vector of this embedder yet.
    ///
    /// # Errors
    /// As [`Index::dense`].
    pub fn pending_dense(&self, card: &EmbedderCard) -> Result<u64> {
        let dense = self.dense(card)?;
        self.pending(dense.generation(), dense.len(), dense.ids())
    }

    /// Counts the searchable chunks that the lexical part does not find yet: all of them, where an
    /// earlier version of kinglet made its terms.
    ///
    /// # Errors
    /// When the lexical part or the store cannot be read.
    pub fn pending_lexical(&self) -> Result<u64> {
        match self.lexical().generation() {
            // Questions are cut into the terms of this version, which are not those of the part.
            0 => Ok(self.searchable() as u64),
            number if number == self.generation.number => Ok(0),
            number => {
                let ids = self.lexical().ids()?;
                self.pending(number, ids.len(), ids.into_iter())
            }
        }
    }

    /// Counts the searchable chunks that have no learned terms of this encoder yet.
    ///
    /// # Errors
    /// As [`Index::sparse`].
    pub fn pending_sparse(&self, card: &SparseCard) -> Result<u64> {
        let sparse = self.sparse(card)?;
        self.pending(sparse.generation(), sparse.len(), sparse.ids())
    }

    /// Counts the searchable chunks that are not among `ids`: the `count` chunks that a part at
    /// generation `number` holds.
    fn pending(&self, number: u64, count: usize, ids: impl Iterator<Item = ChunkId>) -> Result<u64> {
        let there = match self.among(number, None)? {
            None => count,
            Some(searchable) => ids.filter(|id| searchable.contains(id)).count(),
        };
        Ok(self.searchable().saturating_sub(there) as u64)
    }

    /// The chunks that share a word with `question`, see [`Lexical::search`]; only those of
    /// `among`, if there is such a set.
    ///
    /// # Errors
    /// When the lexical part is damaged, or the store where the part lags behind it.
    pub fn search_lexical(&self, question: &str, k: usize, among: Option<&Arc<Ids>>) -> Result<Vec<(ChunkId, f32)>> {
        let words = self.lexical();
        words.search(question, k, self.among(words.generation(), among)?)
    }

    /// All chunks that contain every one of `stems`, see [`Lexical::containing`]; only those of
    /// `among`, if there is such a set.
    ///
    /// # Errors
    /// As [`Index::search_lexical`].
    pub fn containing(&self, stems: &[String], among: Option<&Arc<Ids>>) -> Result<Vec<ChunkId>> {
        let words = self.lexical();
        words.containing(stems, self.among(words.generation(), among)?)
    }

    /// The chunks whose vectors are near to `query`, see [`Dense::search`]; only those of `among`,
    /// if there is such a set.
    ///
    /// # Errors
    /// As [`Index::dense`] and [`Dense::search`].
    pub fn search_dense(
        &self,
        card: &EmbedderCard,
        query: &Vector,
        k: usize,
        among: Option<&Arc<Ids>>,
    ) -> Result<Vec<(ChunkId, f32)>> {
        let dense = self.dense(card)?;
        dense.search(query, k, self.among(dense.generation(), among)?.map(Arc::as_ref))
    }

    /// The chunks that share terms with `query`, see [`Sparse::search`]; only those of `among`, if
    /// there is such a set.
    ///
    /// # Errors
    /// As [`Index::sparse`] and [`Sparse::search`].
    pub fn search_sparse(
        &self,
        card: &SparseCard,
        query: &SparseVector,
        k: usize,
        among: Option<&Arc<Ids>>,
    ) -> Result<Vec<(ChunkId, f32)>> {
        let sparse = self.sparse(card)?;
        sparse.search(query, k, self.among(sparse.generation(), among)?.map(Arc::as_ref))
    }

    /// The chunks to search in a part at generation `number`; `None` for all. If that is not the
    /// store's generation, the part has chunks that are gone or have become duplicates. Ids are
    /// never reused, so the others are still what they were.
    fn among<'s>(&'s self, number: u64, among: Option<&'s Arc<Ids>>) -> Result<Option<&'s Arc<Ids>>> {
        if among.is_some() || number == self.generation.number {
            return Ok(among);
        }
        if self.generation.searchable_ids.get().is_none() {
            let ids = self.searchable_ids()?.into_iter().collect();
            let _ = self.generation.searchable_ids.set(Arc::new(ids));
        }
        Ok(self.generation.searchable_ids.get())
    }

    /// Files whose text may be wrong or shortened, with the reasons.
    pub fn doubtful_files(&self) -> Result<Vec<(PathBuf, String)>> {
        self.store().doubtful_files()
    }

    /// The files with chunks for whose text and headings `is_meant` is true, and how many of these.
    pub fn files_with(&self, is_meant: &dyn Fn(&str, &[String]) -> bool) -> Result<Vec<(PathBuf, usize)>> {
        self.store().files_with(is_meant)
    }

    /// The generation of the store that this shows.
    pub fn generation(&self) -> u64 {
        self.generation.number
    }

    fn store(&self) -> MutexGuard<'_, StoreSnapshot> {
        // A panic while the lock was held did no harm: the connection only reads.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
