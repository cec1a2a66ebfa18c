//! Finds the files under the roots. Respects ignore files, follows no links, and reports everything
//! else that it leaves out.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use ignore::WalkBuilder;
use serde::{Deserialize, Serialize};

use crate::error::{self, Error};

/// Limits on the files to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Files larger than this are skipped.
    pub max_file_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_file_bytes: 64 << 20 }
    }
}

/// The state of a file by which a change is noticed without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileState {
    /// The size of the file.
    pub size_bytes: u64,
    /// When it was last changed, in nanoseconds since 1970-01-01 UTC; 0 where the file system does
    /// not say.
    pub modified_ns: i64,
    /// When its content, name or rights were last changed (POSIX's `ctime`), in nanoseconds since
    /// 1970; 0 where the system does not say. Nobody can set it: it tells that a file was moved
    /// over another one of the same size and date.
    pub status_changed_ns: i64,
}

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Which of the roots it is under.
    pub root: usize,
    /// Its path below that root, parts joined with `/`; empty where the root is itself the file.
    pub path: String,
    /// Its state now.
    pub state: FileState,
}

/// A path under a root that is left out although no ignore file excludes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Which of the roots it is under.
    pub root: usize,
    /// Its path below that root, as far as it can be written in UTF-8.
    pub path: String,
    /// The reason in a few words.
    pub reason: String,
}

/// The result of [`walk`]; each list is sorted by root and then by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Walked {
    /// The files to read.
    pub files: Vec<FoundFile>,
    /// The paths that were left out, and why.
    pub skipped: Vec<Skipped>,
}

/// Finds the files under `roots`, each a folder or a single file.
///
/// Left out silently: hidden files, what `.gitignore` and `.kingletignore` name (outside git
/// repositories too), and the folders in `exclude` with all that is in them. Ignore files above a
/// root count only inside the git repository that the root belongs to. A root itself is always
/// walked, whatever its name.
///
/// # Errors
/// A root does not exist or cannot be examined.
pub fn walk(roots: &[PathBuf], exclude: &[PathBuf], limits: &Limits) -> error::Result<Walked> {
    // A folder that does not exist is not met on the walk.
    let exclude: Vec<PathBuf> = exclude.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let mut walked = Walked::default();
    for (root, path) in roots.iter().enumerate() {
        let base = path.canonicalize().map_err(|cause| match cause.kind() {
            std::io::ErrorKind::NotFound => Error::input(format!("there is no file or folder {}", path.display()))
                .with_hint("check the spelling; a relative path is looked up from the current folder"),
            _ => Error::io("look at", path, cause),
        })?;
        walk_root(root, &base, &exclude, limits, &mut walked);
    }
    walked.files.sort_by(|a, b| (a.root, &a.path).cmp(&(b.root, &b.path)));
    walked.skipped.sort_by(|a, b| (a.root, &a.path).cmp(&(b.root, &b.path)));
    Ok(walked)
}

fn walk_root(root: usize, base: &Path, exclude: &[PathBuf], limits: &Limits, walked: &mut Walked) {
    let in_repository = base.ancestors().any(|folder| folder.join(".git").exists());
    let exclude = exclude.to_vec();
    let entries = WalkBuilder::new(base)
        .require_git(in_repository)
        .parents(in_repository)
        .git_global(false)
        .ignore(false)
        .add_custom_ignore_filename(".kingletignore")
        .filter_entry(move |entry| !exclude.iter().any(|path| path == entry.path()))
        .build();
    for entry in entries {
        match entry {
            Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_dir()) => {}
            Ok(entry) => match path_and_state(&entry, base, limits) {
                Ok((path, state)) => {
                    walked.files.push(FoundFile { root, path, state });
                }
                Err(reason) => {
                    walked.skipped.push(Skipped { root, path: lossy_below(base, entry.path()), reason });
                }
            },
            Err(error) => {
                let path = path_of(&error).map(|path| lossy_below(base, path)).unwrap_or_default();
                let reason = match error.into_io_error() {
                    Some(cause) => format!("could not be read: {cause}"),
                    None => "could not be read".to_owned(),
                };
                walked.skipped.push(Skipped { root, path, reason });
            }
        }
    }
}

/// The path and the state of a file, or the reason why it is left out.
fn path_and_state(entry: &ignore::DirEntry, base: &Path, limits: &Limits) -> Result<(String, FileState), String> {
    let kind = entry.file_type().ok_or("not a regular file")?;
    if kind.is_symlink() {
        return Err("a symbolic link; links are not followed".to_owned());
    }
    if !kind.is_file() {
        return Err("not a regular file".to_owned());
    }
    let path = below(base, entry.path()).ok_or("its name is not UTF-8")?;
    if !path.is_empty() && is_backup(entry.file_name()) {
        return Err("a backup file of an editor".to_owned());
    }
    let metadata = entry.metadata().map_err(|cause| format!("its size and date could not be read: {cause}"))?;
    if metadata.len() > limits.max_file_bytes {
        let (size, limit) = (metadata.len(), limits.max_file_bytes);
        return Err(format!("too large: {size} bytes, and the limit is {limit}"));
    }
    let modified_ns = metadata.modified().ok().map_or(0, |time| match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanoseconds| -nanoseconds),
    });
    Ok((path, FileState { size_bytes: metadata.len(), modified_ns, status_changed_ns: status_changed_ns(&metadata) }))
}

/// True for the names under which editors keep the previous or the unsaved text of a file: `a.md~`,
/// `#a.md#`, `a.md.swp`. Other such files are hidden.
fn is_backup(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let is_autosave = name.len() > 2 && name.starts_with('#') && name.ends_with('#');
    is_autosave || [".swp", ".swo"].iter().any(|ending| name.ends_with(ending)) || name.ends_with('~')
}

#[cfg(unix)]
fn status_changed_ns(metadata: &std::fs::Metadata) -> i64 {
    use std::os::unix::fs::MetadataExt;
    metadata.ctime().saturating_mul(1_000_000_000).saturating_add(metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn status_changed_ns(_: &std::fs::Metadata) -> i64 {
    0
}

/// The path below `base` with `/` between its parts, empty for `base` itself; `None` if it is not
/// UTF-8.
fn below(base: &Path, path: &Path) -> Option<String> {
    let inner = path.strip_prefix(base).unwrap_or(path);
    let parts: Option<Vec<&str>> = inner.iter().map(OsStr::to_str).collect();
    Some(parts?.join("/"))
}

fn lossy_below(base: &Path, path: &Path) -> String {
    below(base, path).unwrap_or_else(|| path.strip_prefix(base).unwrap_or(path).to_string_lossy().into_owned())
}

/// The path that an error of the walk is about.
fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        ignore::Error::Loop { child, .. } => Some(child),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn paths(walked: &Walked) -> Vec<&str> {
        walked.files.iter().map(|file| file.path.as_str()).collect()
    }

    #[test]
    fn files_come_in_order_without_ignored_and_hidden_ones() {
        let folder = folder(&[
            ("b.md", "b"),
            ("a/z.txt", "z"),
            ("a.txt", "a"),
            (".hidden/x.md", "x"),
            (".gitignore", "*.log\n/target\n"),
            (".kingletignore", "private/\n"),
            ("noise.log", "-"),
            ("target/out.md", "-"),
            ("private/diary.md", "-"),
            ("a/target/in.md", "in"),
            ("home/index/x.md", "kinglet's"),
        ]);
        let home = folder.path().join("home");
        let walked = walk(&[folder.path().to_owned()], &[home], &Limits::default()).unwrap();
        assert_eq!(paths(&walked), ["a.txt", "a/target/in.md", "a/z.txt", "b.md"]);
        assert_eq!(walked.files[0].state.size_bytes, 1);
        assert!(walked.files[0].state.modified_ns > 0);
        assert_eq!(walked.skipped, []);
    }

    #[test]
    fn ignore_files_above_the_root_count_only_inside_its_repository() {
        let folder = folder(&[(".gitignore", "*.txt\n"), ("docs/a.txt", "a"), ("docs/b.md", "b")]);
        let docs = [folder.path().join("docs")];
        assert_eq!(paths(&walk(&docs, &[], &Limits::default()).unwrap()), ["a.txt", "b.md"]);
        fs::create_dir(folder.path().join(".git")).unwrap();
        assert_eq!(paths(&walk(&docs, &[], &Limits::default()).unwrap()), ["b.md"]);
    }

    #[test]
    fn a_root_may_be_a_file_and_must_exist() {
        let folder = folder(&[(".hidden.md", "text"), ("other.md", "")]);
        let walked = walk(&[folder.path().join(".hidden.md")], &[], &Limits::default()).unwrap();
        assert_eq!(paths(&walked), [""]);
        let error = walk(&[folder.path().join("missing")], &[], &Limits::default()).unwrap_err();
        assert_eq!(error.kind(), error::ErrorKind::Input);
        assert!(error.to_string().contains("missing"));
    }

    #[test]
    fn too_large_files_are_skipped_with_the_limit() {
        let folder = folder(&[("a.md", "0123456789"), ("b.md", "0")]);
        let walked = walk(&[folder.path().to_owned()], &[], &Limits { max_file_bytes: 9 }).unwrap();
        assert_eq!(paths(&walked), ["b.md"]);
        assert_eq!(walked.skipped[0].path, "a.md");
        assert_eq!(walked.skipped[0].reason, "too large: 10 bytes, and the limit is 9");
    }

    #[test]
    fn backup_files_of_editors_are_skipped_unless_they_are_named() {
        let names = ["#lease.md#", ".#lease.md", ".lease.md.swp", "a#.md", "lease.md", "lease.md.swo", "lease.md~"];
        let folder = folder(&names.map(|name| (name, "text")));
        let walked = walk(&[folder.path().to_owned()], &[], &Limits::default()).unwrap();
        assert_eq!(paths(&walked), ["a#.md", "lease.md"]);
        let skipped: Vec<_> = walked.skipped.iter().map(|it| (it.path.as_str(), it.reason.as_str())).collect();
        let reason = "a backup file of an editor";
        assert_eq!(skipped, ["#lease.md#", "lease.md.swo", "lease.md~"].map(|path| (path, reason)));
        assert_eq!(paths(&walk(&[folder.path().join("lease.md~")], &[], &Limits::default()).unwrap()), [""]);
    }

    #[cfg(unix)]
    #[test]
    fn links_and_names_that_are_not_utf8_are_skipped_with_a_reason() {
        use std::os::unix::ffi::OsStrExt;
        let outside = folder(&[("secret.md", "s")]);
        let folder = folder(&[("a.md", "a")]);
        std::os::unix::fs::symlink(outside.path(), folder.path().join("link")).unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
        fs::write(folder.path().join(OsStr::from_bytes(b"caf\xe9.md")), "x").unwrap();
        let walked = walk(&[folder.path().to_owned()], &[], &Limits::default()).unwrap();
        assert_eq!(paths(&walked), ["a.md"]);
        let skipped: Vec<_> = walked.skipped.iter().map(|it| (it.path.as_str(), it.reason.as_str())).collect();
        assert_eq!(
            skipped,
            [
                ("caf\u{fffd}.md", "its name is not UTF-8"),
                ("link", "a symbolic link; links are not followed"),
                ("loop", "a symbolic link; links are not followed"),
            ]
        );
    }
}
