//! The parts of an index, open for reading. Parts that no writer has replaced are not opened again.

use std::path::Path;

use super::dense::Dense;
use super::durable_file::index_name;
use super::file_stamp::{FileStamp, Stamped, until_undisturbed};
use super::lexical::Lexical;
use super::manifest::{MANIFEST, Manifest};
use super::sparse::Sparse;
use super::store::StoreReader;
use super::token_vectors::TokenStore;
use super::{STORE, dense_folder, lexical_folder, sparse_folder, tokens_file};
use crate::error::{Error, Hint, Result};

/// The parts of an index that searches read.
pub(super) struct Parts {
    pub(super) store: Stamped<StoreReader>,
    pub(super) manifest: Stamped<Manifest>,
    pub(super) derived: Derived,
}

/// The parts derived from the store, each as a writer left it, at its own generation.
pub(super) struct Derived {
    pub(super) lexical: Stamped<Lexical>,
    /// For each embedder of the manifest.
    pub(super) dense: Vec<Stamped<Dense>>,
    /// For each embedder of the manifest.
    pub(super) tokens: Vec<Stamped<Option<TokenStore>>>,
    /// For each sparse encoder of the manifest.
    pub(super) sparse: Vec<Stamped<Sparse>>,
}

impl Parts {
    /// Opens the parts in `folder`; takes those of `before` whose files are still the same.
    ///
    /// # Errors
    /// When there is no index, it cannot be searched yet, or a part is missing or damaged.
    pub(super) fn open(folder: &Path, exact_limit: usize, before: Option<&Self>) -> Result<Self> {
        let path = folder.join(STORE);
        until_undisturbed(folder, || {
            if !path.is_file() {
                return Err(Error::input(format!("{} holds no index", folder.display())).with_hint(Hint::ListIndexes));
            }
            // The manifest is written after the first commit; until then the store may have no
            // tables.
            if !folder.join(MANIFEST).is_file() {
                return Err(not_searchable_yet(folder));
            }
            let previous = before.map(|before| &before.store);
            let store =
                Stamped::open(vec![path.clone()], FileStamp::of_database, previous, || StoreReader::open(&path))?;
            let previous = before.map(|before| &before.manifest);
            let manifest = Stamped::open(vec![folder.join(MANIFEST)], FileStamp::of, previous, || {
                Manifest::read(folder)?.ok_or_else(|| not_searchable_yet(folder))
            })?;
            let previous = before.map(|before| &before.derived);
            let derived = Derived::open(folder, &manifest.value, exact_limit, previous);
            // Parts of two stores, or of another manifest, do not belong together, so an error in
            // them means nothing.
            if !store.is_current() || !manifest.is_current() {
                return Ok(None);
            }
            Ok(Some(Parts { store, manifest, derived: derived? }))
        })
    }

    /// True if no file has been replaced since it was opened.
    pub(super) fn are_current(&self) -> bool {
        let Derived { lexical, dense, tokens, sparse } = &self.derived;
        self.store.is_current()
            && self.manifest.is_current()
            && lexical.is_current()
            && dense.iter().all(Stamped::is_current)
            && tokens.iter().all(Stamped::is_current)
            && sparse.iter().all(Stamped::is_current)
    }
}

impl Derived {
    fn open(folder: &Path, manifest: &Manifest, exact_limit: usize, before: Option<&Self>) -> Result<Self> {
        let previous = before.map(|before| &before.lexical);
        let lexical = lexical_folder(folder);
        let lexical = Stamped::open(vec![Lexical::deciding_file(&lexical)], FileStamp::of, previous, || {
            Lexical::open_for_reading(&lexical, previous.map(|previous| previous.value.as_ref()))
        })?;
        let mut dense = Vec::new();
        let mut tokens = Vec::new();
        for card in &manifest.embedders {
            let path = tokens_file(folder, card);
            let files = vec![path.clone()];
            let previous = before.and_then(|before| Stamped::find(&before.tokens, &files));
            let open = || TokenStore::open_for_reading(&path);
            tokens.push(Stamped::open(files, FileStamp::of_database, previous, open)?);

            let folder = dense_folder(folder, card);
            let files = Dense::deciding_files(&folder);
            let previous = before.and_then(|before| Stamped::find(&before.dense, &files));
            let open =
                || Dense::open_after(previous.map(|previous| previous.value.as_ref()), &folder, card, exact_limit);
            dense.push(Stamped::open(files, FileStamp::of, previous, open)?);
        }
        let mut sparse = Vec::new();
        for card in &manifest.sparse {
            let folder = sparse_folder(folder, card);
            let files = vec![Sparse::deciding_file(&folder)];
            let previous = before.and_then(|before| Stamped::find(&before.sparse, &files));
            let open = || {
                Sparse::open(&folder)?.ok_or_else(|| {
                    Error::damaged(format!("the sparse index in {} is missing", folder.display()))
                        .with_hint(Hint::derive_again())
                })
            };
            sparse.push(Stamped::open(files, FileStamp::of, previous, open)?);
        }
        Ok(Derived { lexical, dense, tokens, sparse })
    }

    /// The generations of the store that the parts match.
    pub(super) fn generations(&self) -> impl Iterator<Item = u64> {
        let dense = self.dense.iter().map(|part| part.value.generation());
        let sparse = self.sparse.iter().map(|part| part.value.generation());
        dense.chain(sparse).chain([self.lexical.value.generation()])
    }
}

fn not_searchable_yet(folder: &Path) -> Error {
    Error::input(format!(
        "nothing can be searched in {} yet: `kinglet index` is at work, or was stopped before it committed anything",
        folder.display()
    ))
    .with_hint(Hint::IndexFolder { index: Some(index_name(folder)) })
}
