//! A path in a filter: below the indexed folder, below the current folder, or absolute; with or
//! without globs.

use super::glob::Glob;
use crate::index::store::Outline;

/// A path or glob that files are compared with.
#[derive(Debug)]
pub(super) struct PathPattern {
    /// The path without `.`, `..` and a `/` at its end.
    text: String,
    glob: Glob,
    /// The absolute folder that `text` may also be below of; empty for the root of the disk.
    from: Option<String>,
    /// True if `text` may be a path below the indexed folder.
    is_below_root: bool,
}

impl PathPattern {
    /// Reads a path or glob. `folder` is the absolute folder from which a relative one is looked
    /// up, besides the indexed folder.
    pub(super) fn new(written: &str, folder: Option<&str>) -> Result<Self, String> {
        if let Some(absolute) = written.strip_prefix('/') {
            return Self::below(absolute, Some(String::new()), false);
        }
        let is_from_folder = written == "." || written.starts_with("./");
        let folder = folder.map(|folder| folder.trim_end_matches('/').to_string());
        let is_below_root = folder.is_none() || !is_from_folder;
        Self::below(written, folder, is_below_root)
    }

    fn below(written: &str, mut from: Option<String>, mut is_below_root: bool) -> Result<Self, String> {
        let mut parts: Vec<&str> = Vec::new();
        for part in written.split('/').filter(|part| !part.is_empty() && *part != ".") {
            if part != ".." {
                parts.push(part);
            } else if parts.pop().is_none() {
                let folder = from.as_mut().ok_or("`..` leads out of the indexed folder")?;
                folder.truncate(folder.rfind('/').unwrap_or(0));
                is_below_root = false;
            }
        }
        let text = parts.join("/");
        let everything_below = if written.ends_with('/') { "/**" } else { "" };
        let glob = Glob::of_path(&format!("{text}{everything_below}"))?;
        Ok(PathPattern { text, glob, from, is_below_root })
    }

    /// True if the file of the chunk is meant, or lies in a folder that is meant.
    pub(super) fn matches(&self, outline: &Outline) -> bool {
        self.is_below_root && self.is_match(outline.path_below_root())
            || self.from.as_ref().is_some_and(|folder| {
                let path = outline.whole_path();
                let below = path.strip_prefix(folder.as_str()).and_then(|rest| rest.strip_prefix('/'));
                below.is_some_and(|below| self.is_match(below))
            })
    }

    fn is_match(&self, path: &str) -> bool {
        // A path is taken as it is before it is taken for a glob: `notes [2024].md` is a name.
        let rest = path.strip_prefix(&self.text);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || self.text.is_empty())
            || self.glob.is_match(path)
    }
}
