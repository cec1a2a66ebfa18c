//! The parts of an index, open for reading. What no writer has replaced is not opened again.

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

/// Everything that is read of an index.
pub(super) struct Parts {
    pub(super) store: Stamped<StoreReader>,
    pub(super) manifest: Stamped<Manifest>,
    pub(super) derived: Derived,
}

/// The parts that are derived from the store: each as a writer left it, at a generation of its own.
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
    /// Opens the parts in `folder`, but for those of `before` whose files are still the same.
    ///
    /// # Errors
    /// When there is no index, nothing can be searched in it yet, or a part is missing or damaged.
    pub(super) fn open(folder: &Path, exact_limit: usize, before: Option<&Self>) -> Result<Self> {
        let path = folder.join(STORE);
        until_undisturbed(folder, || {
            if !path.is_file() {
                return Err(Error::input(format!("{} holds no index", folder.display())).with_hint(Hint::ListIndexes));
            }
            let known = before.map(|before| &before.store);
            let store = Stamped::open(vec![path.clone()], FileStamp::of_database, known, || StoreReader::open(&path))?;
            let known = before.map(|before| &before.manifest);
            let manifest = Stamped::open(vec![folder.join(MANIFEST)], FileStamp::of, known, || {
                Manifest::read(folder)?.ok_or_else(|| nothing_yet(folder))
            })?;
            let known = before.map(|before| &before.derived);
            let derived = Derived::open(folder, &manifest.value, exact_limit, known);
            // Parts of two stores, or of another manifest, do not belong together, and an error
            // over them says nothing.
            if !store.is_current() || !manifest.is_current() {
                return Ok(None);
            }
            Ok(Some(Parts { store, manifest, derived: derived? }))
        })
    }

    /// Whether no file has been replaced since it was opened.
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
        let known = before.map(|before| &before.lexical);
        let lexical = lexical_folder(folder);
        let lexical = Stamped::open(vec![Lexical::deciding_file(&lexical)], FileStamp::of, known, || {
            Lexical::open_for_reading(&lexical, known.map(|known| known.value.as_ref()))
        })?;
        let mut dense = Vec::new();
        let mut tokens = Vec::new();
        for card in &manifest.embedders {
            let path = tokens_file(folder, card);
            let files = vec![path.clone()];
            let known = before.and_then(|before| Stamped::find(&before.tokens, &files));
            let open = || TokenStore::open_for_reading(&path);
            tokens.push(Stamped::open(files, FileStamp::of_database, known, open)?);

            let folder = dense_folder(folder, card);
            let files = Dense::deciding_files(&folder);
            let known = before.and_then(|before| Stamped::find(&before.dense, &files));
            let open = || Dense::open_after(known.map(|known| known.value.as_ref()), &folder, card, exact_limit);
            dense.push(Stamped::open(files, FileStamp::of, known, open)?);
        }
        let mut sparse = Vec::new();
        for card in &manifest.sparse {
            let folder = sparse_folder(folder, card);
            let files = vec![Sparse::deciding_file(&folder)];
            let known = before.and_then(|before| Stamped::find(&before.sparse, &files));
            let open = || {
                Sparse::open(&folder)?.ok_or_else(|| {
                    Error::damaged(format!("{} holds no terms", folder.display()))
                        .with_hint(Hint::update("they are derived from what has been encoded"))
                })
            };
            sparse.push(Stamped::open(files, FileStamp::of, known, open)?);
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

fn nothing_yet(folder: &Path) -> Error {
    Error::input(format!(
        "nothing can be searched in {} yet: `kinglet index` is at work, or was stopped before it had committed anything",
        folder.display()
    ))
    .with_hint(Hint::UpdateIndex { index: Some(index_name(folder)), effect: Some("it goes on where it stopped") })
}
