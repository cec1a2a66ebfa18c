//! What is on disk: a store that is the truth, and parts derived from it that can be made again.
//!
//! ```text
//! manifest.json       what the index is, written last, by rename
//! documents.sqlite    documents and chunks: the truth
//! lexical/            words → chunks (tantivy)
//! dense/<embedder>/   chunks → vectors, and a graph over them once there are many
//! tokens/<embedder>   chunks → token vectors, a cache
//! sparse/<encoder>/   learned terms → chunks
//! writer.lock         held by the one process that writes
//! ```

pub mod dense;
pub mod derived_part;
pub mod durable_file;
pub mod fusion_weights;
pub mod lexical;
pub mod manifest;
pub mod sparse;
pub mod store;
pub mod token_vectors;
mod top_k;
mod writer;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use dense::Dense;
use lexical::Lexical;
use manifest::Manifest;
use sparse::Sparse;
use store::row_checks::Damage;
use store::{ChunkId, Counts, Documents, Outline, StoredChunk};
use token_vectors::TokenStore;
pub use writer::IndexWriter;

use crate::corpus::is_not_whole;
use crate::error::{Error, ErrorKind, Result};
use crate::models::contracts::{EmbedderCard, SparseCard};
use crate::near_duplicate::Sketch;

/// Up to this many chunks every vector is looked at; beyond, the graph is searched. `make bench-dense` measures both: looking at
/// 100,000 vectors takes 14 ms, while a graph over them takes seconds to open and many minutes to build.
pub const EXACT_LIMIT: usize = 1_000_000;

/// Hears how much of a piece of work is done, and how much there is; its error ends the work.
pub type WorkProgress<'p> = dyn Fn(usize, usize) -> Result<()> + 'p;

/// The name of the store.
const STORE: &str = "documents.sqlite";

/// How often and how long a reader waits for a writer that is between two parts of one commit.
const ATTEMPTS: u32 = 600;
const PAUSE: Duration = Duration::from_millis(50);

/// An index, open for reading at one generation: what writers do meanwhile is not seen.
pub struct Index {
    folder: PathBuf,
    manifest: Manifest,
    documents: Mutex<Documents>,
    searched: usize,
    lexical: Lexical,
    dense: Vec<Dense>,
    tokens: Vec<Option<TokenStore>>,
    sparse: Vec<Sparse>,
}

impl Index {
    /// Opens the index in `folder`. Parts that lag behind the store after a crash are derived again first.
    ///
    /// # Errors
    /// When there is no index, it was never finished, a part is damaged, a writer stays between two parts too long, or parts lag where
    /// nothing can be written.
    pub fn open(folder: &Path) -> Result<Self> {
        let store = folder.join(STORE);
        if !store.is_file() {
            return Err(Error::input(format!("{} holds no index", folder.display()))
                .with_hint("`kinglet ls` lists the indexes; `kinglet index FOLDER` makes one"));
        }
        for _ in 0..ATTEMPTS {
            let manifest = Manifest::read(folder)?;
            if let Some(manifest) = manifest
                && let Some(index) = Self::open_one_generation(folder, manifest)?
            {
                return Ok(index);
            }
            match IndexWriter::open(folder) {
                Ok(mut writer) if writer.manifest().is_some() => writer.derive_again()?,
                Ok(_) => {
                    return Err(Error::input(format!("the index in {} was never finished", folder.display()))
                        .with_hint("run `kinglet index` again: it goes on where it stopped"));
                }
                Err(error) if error.kind() == ErrorKind::Busy => std::thread::sleep(PAUSE),
                Err(error) if error.kind() == ErrorKind::Machine => {
                    let lags = "the parts of the index do not fit each other, after a run that was cut off or with a version that makes them otherwise";
                    return Err(Error::new(
                        ErrorKind::Machine,
                        format!("{lags}, and they cannot be made anew here: {error}"),
                    )
                    .with_hint("run `kinglet index` where the index can be written, and then use it here"));
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorKind::Busy, format!("the index in {} is still being written", folder.display()))
            .with_hint("try again when `kinglet index` has finished"))
    }

    fn open_one_generation(folder: &Path, manifest: Manifest) -> Result<Option<Self>> {
        let documents = Documents::open_for_reading(&folder.join(STORE))?;
        documents.begin_snapshot()?;
        let generation = documents.generation()?;
        if !Lexical::is_in(&folder.join("lexical")) {
            return Ok(None);
        }
        let lexical = Lexical::open_for_reading(&folder.join("lexical"), manifest.language)?;
        if lexical.generation() != generation {
            return Ok(None);
        }
        let searched = documents.searched()?;
        let mut dense = Vec::new();
        let mut tokens = Vec::new();
        for card in &manifest.embedders {
            tokens.push(TokenStore::open_for_reading(&tokens_file(folder, card))?);
            let folder = dense_folder(folder, card);
            if Dense::generation_in(&folder)? != generation {
                return Ok(None);
            }
            dense.push(Dense::open(&folder, card, searched, EXACT_LIMIT)?);
        }
        let mut sparse = Vec::new();
        for card in &manifest.sparse {
            match Sparse::open(&sparse_folder(folder, card))? {
                Some(part) if part.generation() == generation => sparse.push(part),
                _ => return Ok(None),
            }
        }
        if dense.iter().any(|part| part.generation() != generation) {
            return Ok(None);
        }
        Ok(Some(Index {
            folder: folder.to_path_buf(),
            manifest,
            documents: Mutex::new(documents),
            searched,
            lexical,
            dense,
            tokens,
            sparse,
        }))
    }

    /// The folders and files that the index in `folder` is of; none when its first run was never finished.
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

    /// Looks at the store: its structure, and that each row is what was written. Tells what is damaged.
    ///
    /// # Errors
    /// When the structure is damaged.
    pub fn check_store(&self) -> Result<Damage> {
        let store = self.store();
        store.check_structure()?;
        store.damage()
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it is called in commands: each index lies in a folder of its name.
    pub fn name(&self) -> String {
        durable_file::index_name(&self.folder)
    }

    /// What it is.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its words.
    pub fn lexical(&self) -> &Lexical {
        &self.lexical
    }

    /// The vectors made by the embedder with this card.
    ///
    /// # Errors
    /// When the index has none of that embedder, or has some that were made with other weights or settings.
    pub fn dense(&self, card: &EmbedderCard) -> Result<&Dense> {
        Ok(&self.dense[self.place_of(card)?])
    }

    /// The token vectors made by the embedder with this card; `None` where none were kept.
    ///
    /// # Errors
    /// As [`Index::dense`].
    pub fn tokens(&self, card: &EmbedderCard) -> Result<Option<&TokenStore>> {
        Ok(self.tokens[self.place_of(card)?].as_ref())
    }

    /// The learned terms of the encoder with this card.
    ///
    /// # Errors
    /// When the index has none of that encoder, or has some that were made with other weights or settings.
    pub fn sparse(&self, card: &SparseCard) -> Result<&Sparse> {
        let stored = self.manifest.sparse.iter().position(|stored| stored == card);
        stored.map(|at| &self.sparse[at]).ok_or_else(|| {
            let (name, id) = (self.name(), &card.id);
            let command =
                format!("kinglet index --name {name} --sparse {id} encodes the chunks; nothing else is touched");
            Error::input(format!("the index has no terms of this {}", card.id)).with_hint(command)
        })
    }

    fn place_of(&self, card: &EmbedderCard) -> Result<usize> {
        let cards = &self.manifest.embedders;
        match cards.iter().position(|stored| stored.id == card.id) {
            Some(at) if cards[at] == *card => Ok(at),
            Some(_) => Err(Error::input(format!("the index holds vectors of another version of {}", card.id))
                .with_hint("run `kinglet index` again with this embedder: the chunks are embedded anew")),
            None => {
                let known: Vec<_> = cards.iter().map(|card| card.id.as_str()).collect();
                Err(Error::input(format!("the index has no vectors of {}, only of {}", card.id, known.join(", ")))
                    .with_hint("run `kinglet index` with that embedder, or ask with one that is there"))
            }
        }
    }

    /// The bytes on disk of its words.
    pub fn lexical_bytes(&self) -> u64 {
        durable_file::size_bytes(&self.folder.join("lexical"))
    }

    /// The bytes on disk of the vectors of one embedder, and of its token vectors.
    pub fn dense_bytes(&self, card: &EmbedderCard) -> [u64; 2] {
        [dense_folder(&self.folder, card), tokens_file(&self.folder, card)].map(|part| durable_file::size_bytes(&part))
    }

    /// The bytes on disk of the learned terms of one encoder.
    pub fn sparse_bytes(&self, card: &SparseCard) -> u64 {
        durable_file::size_bytes(&sparse_folder(&self.folder, card))
    }

    /// Chunks by id, in the order asked for.
    pub fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<StoredChunk>> {
        self.store().chunks(ids)
    }

    /// The same chunks by path and place, see [`Documents::by_place`].
    pub fn by_place(&self, chunks: &[ChunkId]) -> Result<Vec<ChunkId>> {
        self.store().by_place(chunks)
    }

    /// What filters can ask of each chunk, by id.
    pub fn outlines(&self) -> Result<Vec<Outline>> {
        self.store().outlines()
    }

    /// How much it holds.
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

    /// The ids of the chunks that are searched: all but copies of others.
    pub fn searched_ids(&self) -> Result<Vec<ChunkId>> {
        Ok(self.store().originals()?.into_iter().map(|(id, _)| id).collect())
    }

    /// The copies of these chunks, see [`Documents::copies`].
    pub fn copies(&self, originals: &[ChunkId]) -> Result<BTreeMap<ChunkId, Vec<StoredChunk>>> {
        self.store().copies(originals)
    }

    /// What was left out of the file of a chunk, if anything was.
    pub fn truncated(&self, chunk: ChunkId) -> Result<Option<String>> {
        Ok(self.store().doubt(chunk)?.filter(|doubt| is_not_whole(doubt)))
    }

    /// What is kept of these chunks to tell how alike they are, see [`Documents::sketches`].
    pub fn sketches(&self, chunks: &[ChunkId]) -> Result<Vec<Option<Sketch>>> {
        self.store().sketches(chunks)
    }

    /// How many of the chunks that are searched nearly repeat another one.
    pub fn nearly_repeated(&self) -> Result<usize> {
        self.store().nearly_repeated()
    }

    /// How many chunks are searched: all but copies of others.
    pub fn searched(&self) -> usize {
        self.searched
    }

    /// How many of the chunks that are searched have no vector of this embedder yet.
    ///
    /// # Errors
    /// As [`Index::dense`].
    pub fn lacking(&self, card: &EmbedderCard) -> Result<u64> {
        Ok(self.searched.saturating_sub(self.dense(card)?.len()) as u64)
    }

    /// Files that were read in a way that is doubtful, with what is doubtful.
    pub fn doubtful_files(&self) -> Result<Vec<(PathBuf, String)>> {
        self.store().doubtful_files()
    }

    /// The generation that is seen.
    pub fn generation(&self) -> Result<u64> {
        self.store().generation()
    }

    fn store(&self) -> MutexGuard<'_, Documents> {
        // A panic while the lock was held leaves a connection that only reads: nothing is half done.
        self.documents.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn dense_folder(folder: &Path, card: &EmbedderCard) -> PathBuf {
    folder.join("dense").join(format!("{}-{}", card.id, &card.fingerprint()[..8]))
}

fn tokens_file(folder: &Path, card: &EmbedderCard) -> PathBuf {
    folder.join("tokens").join(format!("{}-{}.sqlite", card.id, &card.fingerprint()[..8]))
}

fn sparse_folder(folder: &Path, card: &SparseCard) -> PathBuf {
    folder.join("sparse").join(format!("{}-{}", card.id, &card.fingerprint()[..8]))
}
