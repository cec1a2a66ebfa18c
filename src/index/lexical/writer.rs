//! The lexical part of an index, open for writing.

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Hint, Result};
use crate::index::WorkProgress;
use crate::index::derived_part::{DerivedPart, Prepared};
use crate::index::durable_file::{remove_folder, size_bytes};
use crate::index::lexical::Lexical;
use crate::index::store::{ChunkId, Documents, StoredChunk};
use crate::language::Language;

/// Writes the lexical index of texts in one language.
pub(crate) struct LexicalWriter {
    folder: PathBuf,
    language: Language,
}

impl LexicalWriter {
    /// Writes the index in `folder`, which is opened or created only when needed.
    pub(crate) fn new(folder: &Path, language: Language) -> Self {
        LexicalWriter { folder: folder.to_path_buf(), language }
    }

    /// Opens the existing index, or an empty one if it is damaged, belongs to another store, or has
    /// terms of another version.
    fn open_or_start_over(&self, generation: u64) -> Result<Lexical> {
        match Lexical::open(&self.folder, self.language) {
            Ok(index) if index.is_empty() || (1..=generation).contains(&index.generation()) => return Ok(index),
            Err(error) if error.kind() != ErrorKind::Damaged => return Err(error),
            _ => {}
        }
        remove_folder(&self.folder)?;
        Lexical::open(&self.folder, self.language)
    }
}

impl DerivedPart for LexicalWriter {
    fn name(&self) -> &str {
        "lexical"
    }

    fn missing(&self, _: &Documents) -> Result<Vec<ChunkId>> {
        Ok(Vec::new())
    }

    fn append(&mut self, _: &[StoredChunk]) -> Result<()> {
        Ok(())
    }

    fn prepare<'p>(
        &'p mut self,
        store: &'p Documents,
        generation: u64,
        progress: &WorkProgress<'_>,
    ) -> Result<Prepared<'p>> {
        self.open_or_start_over(generation)?.prepare(store, generation, progress)
    }

    fn generation(&self) -> Result<u64> {
        Lexical::generation_in(&self.folder, self.language)
    }

    fn check(&self, store: &Documents) -> Result<()> {
        let ids = Lexical::open(&self.folder, self.language)?.ids()?;
        if ids.into_iter().ne(store.originals()?.into_iter().map(|(id, _)| id)) {
            return Err(Error::damaged(format!("{} has terms of other chunks than the store", self.folder.display()))
                .with_hint(Hint::derive_again()));
        }
        Ok(())
    }

    fn size_bytes(&self) -> u64 {
        size_bytes(&self.folder)
    }

    fn remove(self: Box<Self>) -> Result<()> {
        remove_folder(&self.folder)
    }
}
