//! The lexical part of an index, open for writing.

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::index::WorkProgress;
use crate::index::derived_part::{DerivedPart, Prepared};
use crate::index::durable_file::{remove_folder, size_bytes};
use crate::index::lexical::Lexical;
use crate::index::store::{ChunkId, Documents, StoredChunk};
use crate::language::Language;

/// The words of texts in one language.
pub(crate) struct LexicalWriter {
    folder: PathBuf,
    language: Language,
}

impl LexicalWriter {
    /// The words in `folder`; nothing is opened or made before it is asked for.
    pub(crate) fn new(folder: &Path, language: Language) -> Self {
        LexicalWriter { folder: folder.to_path_buf(), language }
    }

    /// The words there are, or none where they are damaged, of another store, or made in another way.
    fn open_or_begin_anew(&self, generation: u64) -> Result<Lexical> {
        match Lexical::open(&self.folder, self.language) {
            Ok(words) if words.is_empty() || (1..=generation).contains(&words.generation()) => return Ok(words),
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
        self.open_or_begin_anew(generation)?.prepare(store, generation, progress)
    }

    fn generation(&self) -> Result<u64> {
        Lexical::generation_in(&self.folder, self.language)
    }

    fn check(&self, store: &Documents) -> Result<()> {
        let ids = Lexical::open(&self.folder, self.language)?.ids()?;
        if ids.into_iter().ne(store.originals()?.into_iter().map(|(id, _)| id)) {
            return Err(Error::damaged(format!("{} has the words of other chunks", self.folder.display()))
                .with_hint("run `kinglet index` again: this part is derived and is made anew"));
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
