//! An indexed folder was moved on disk: its files get their new paths, and nothing is read or
//! embedded again.

use std::path::{Path, PathBuf};

use super::read_files::is_gone;
use super::{Event, Progress, Step};
use crate::error::{Error, Result};
use crate::index::IndexWriter;
use crate::index::derived_part::DerivedPart;
use crate::index::store::{Change, Documents};

/// Gives an indexed folder or file another path: it was moved there on disk. `from` is its path in
/// the index; `None` means the only one. `parts` are the parts that models made. Returns the former
/// path.
///
/// # Errors
/// When the index does not cover `from`, covers `to` already, or has no file that is in `to`; when
/// the disk refuses. The index is then as it was, or has moved and only lags.
pub fn move_root(
    writer: &IndexWriter,
    parts: Vec<Box<dyn DerivedPart>>,
    from: Option<&Path>,
    to: &Path,
    progress: &dyn Progress,
) -> Result<PathBuf> {
    let documents = writer.documents();
    let (root, from) = match (from, documents.roots()?.as_slice()) {
        (Some(from), _) => (root_at(documents, from)?, from.to_path_buf()),
        (None, [(root, from)]) => (*root, from.clone()),
        (None, roots) => {
            return Err(Error::input("the index covers several folders, and --from names none of them")
                .with_hint(format!("it covers {}", listed(roots))));
        }
    };
    if documents.roots()?.iter().any(|(_, covered)| covered == to) {
        return Err(Error::input(format!("the index covers {} already", to.display())));
    }
    let files = documents.known_files(root)?;
    if !files.is_empty() && files.keys().all(|path| is_gone(&if path.is_empty() { to.into() } else { to.join(path) })) {
        return Err(Error::input(format!("{} has none of the files of {}", to.display(), from.display()))
            .with_hint("check the spelling; to cover another folder instead, index it with --drop of the former one"));
    }
    let change = documents.change()?;
    change.move_root(root, to)?;
    commit(writer, change, parts, progress)?;
    Ok(from)
}

/// The row of an indexed folder or file.
pub(super) fn root_at(documents: &Documents, path: &Path) -> Result<i64> {
    let roots = documents.roots()?;
    roots.iter().find(|(_, covered)| covered == path).map(|(root, _)| *root).ok_or_else(|| {
        Error::input(format!("the index does not cover {}", path.display()))
            .with_hint(format!("it covers {}", listed(&roots)))
    })
}

fn listed(roots: &[(i64, PathBuf)]) -> String {
    let paths: Vec<String> = roots.iter().map(|(_, path)| path.display().to_string()).collect();
    if paths.is_empty() { "nothing yet".to_string() } else { paths.join(", ") }
}

/// Commits the change, and makes the parts match it: paths order the duplicates. If this is cut
/// off, the next run sees by generation which parts lag.
fn commit(
    writer: &IndexWriter,
    change: Change<'_>,
    parts: Vec<Box<dyn DerivedPart>>,
    progress: &dyn Progress,
) -> Result<()> {
    let Some(manifest) = writer.manifest() else { return change.commit().map(drop) };
    writer.commit(change, manifest.language, &|_, _| Ok(()))?;
    progress.event(&Event::Reached(Step::TextCommitted));
    for mut part in parts {
        writer.synchronise(part.as_mut(), &|_, _| Ok(()))?;
    }
    progress.event(&Event::Reached(Step::Derived));
    Ok(())
}
