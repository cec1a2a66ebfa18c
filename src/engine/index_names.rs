//! Finds the index that a command means, by its name or by the folders that it holds.

use std::path::{Path, PathBuf};

use crate::engine::Kinglet;
use crate::error::{Error, Hint, Result};
use crate::index::{Index, IndexWriter};

/// The name that means all indexes.
pub const ALL_INDEXES: &str = "all";

impl Kinglet {
    /// The names of all indexes, sorted.
    pub fn indexes(&self) -> Result<Vec<String>> {
        let folder = self.home().join("indexes");
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(Error::io("list", &folder, cause)),
        };
        let mut names: Vec<String> = entries
            .flatten()
            .filter(|entry| entry.path().is_dir())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        Ok(names)
    }

    /// The name under which `roots` are indexed: the given one, else the name of the first folder;
    /// with no roots, the index that holds `here`.
    ///
    /// # Errors
    /// When that name belongs to an index of other folders.
    pub fn name_for(&self, roots: &[PathBuf], name: Option<&str>, here: &Path) -> Result<String> {
        let Some(first) = roots.first() else {
            return self.find_index(name, here);
        };
        if let Some(name) = name {
            self.new_index_folder(name)?;
            return Ok(name.to_string());
        }
        let name = first.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name: String =
            name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
        let name = name.trim_start_matches(['.', '-']).to_string();
        if name.is_empty() {
            return Err(Error::input(format!("{} gives no name for an index", first.display()))
                .with_hint("name it with --index"));
        }
        self.new_index_folder(&name)?;
        if self.indexes()?.contains(&name) {
            let indexed = Index::roots_in(&self.index_folder(&name)?)?;
            if !indexed.is_empty() && !indexed.contains(first) {
                let of: Vec<_> = indexed.iter().map(|root| root.display().to_string()).collect();
                return Err(Error::input(format!("there is an index {name} already, of {}", of.join(", ")))
                    .with_hint(format!("add --index {name} to index this folder into it, or choose another name")));
            }
        }
        Ok(name)
    }

    /// The folder of an index that may be new: its name must not mean all indexes.
    fn new_index_folder(&self, name: &str) -> Result<PathBuf> {
        if name == ALL_INDEXES {
            return Err(Error::input(format!("an index cannot be called {name}: that means all indexes"))
                .with_hint("choose another name with --index"));
        }
        self.index_folder(name)
    }

    /// Gives the index called `name` the name `new`. Nothing in it changes.
    ///
    /// # Errors
    /// When there is an index `new` already, or `new` cannot be a name; when another process writes
    /// to the index, or the disk refuses.
    pub fn rename_index(&self, name: &str, new: &str) -> Result<()> {
        let (name, new) = (self.find_index(Some(name), Path::new(""))?, self.new_index_folder(new)?);
        IndexWriter::rename(&self.index_folder(&name)?, &new)
    }

    /// The index called `name`, or the one whose folder holds `here` most closely.
    ///
    /// # Errors
    /// When there is none, or several are as close; the hint lists them.
    pub fn find_index(&self, name: Option<&str>, here: &Path) -> Result<String> {
        let names = self.indexes()?;
        if let Some(name) = name {
            self.index_folder(name)?;
            return if names.iter().any(|known| known == name) {
                Ok(name.to_string())
            } else {
                Err(Error::input(format!("there is no index {name}")).with_hint(choice_of(names)))
            };
        }
        let mut closest: (usize, Vec<&String>) = (0, Vec::new());
        for name in &names {
            let roots = Index::roots_in(&self.index_folder(name)?).unwrap_or_default();
            let depths = roots.iter().filter(|root| here.starts_with(root)).map(|root| root.components().count());
            match depths.max() {
                Some(depth) if depth > closest.0 => closest = (depth, vec![name]),
                Some(depth) if depth == closest.0 => closest.1.push(name),
                _ => {}
            }
        }
        match &closest.1[..] {
            [name] => Ok((*name).clone()),
            [] => {
                Err(Error::input("no index holds the current folder, and --index names none")
                    .with_hint(choice_of(names)))
            }
            several => Err(Error::input("the current folder is in several indexes")
                .with_hint(choice_of(several.iter().map(ToString::to_string).collect()))),
        }
    }
}

fn choice_of(among: Vec<String>) -> Hint {
    if among.is_empty() { Hint::IndexFolder { index: None } } else { Hint::NameIndex { among } }
}
