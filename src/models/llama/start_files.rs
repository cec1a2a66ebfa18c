//! The state of a model after the fixed part of a prompt, kept in a file between runs.

use std::path::{Path, PathBuf};

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::token::LlamaToken;

/// The first characters of the names of these files. Another version of kinglet may have another
/// llama.cpp, so its files are not read.
const PREFIX: &str = concat!("start-", env!("CARGO_PKG_VERSION"), "-");

/// The files of one model, in a folder of kinglet's own. A name has a hash of what the state
/// depends on and a hash of the file, so that a damaged file is not used.
#[derive(Debug, Clone)]
pub(super) struct StartFiles {
    folder: PathBuf,
    /// The model file's name, size and date.
    model: String,
}

impl StartFiles {
    /// The files in `folder` for the model file at `model`.
    pub fn new(folder: &Path, model: &Path) -> Self {
        let metadata = std::fs::metadata(model);
        let facts = metadata.map(|file| (file.len(), file.modified().ok()));
        StartFiles { folder: folder.to_path_buf(), model: format!("{}: {facts:?}", model.display()) }
    }

    /// Puts the state after `tokens` into the empty context; `false` if there is no whole file.
    pub fn load(&self, context: &mut LlamaContext, tokens: &[LlamaToken]) -> bool {
        let Some((path, hash)) = self.find(tokens) else { return false };
        let is_whole = std::fs::read(&path).is_ok_and(|bytes| short_hash(&bytes) == hash);
        let loaded = is_whole.then(|| context.state_seq_load_file(&path, 0, tokens.len()));
        let is_right = matches!(loaded, Some(Ok((read, _))) if read == tokens);
        if !is_right {
            context.clear_kv_cache();
        }
        is_right
    }

    /// Keeps the state after `tokens`, all that the context has read. Where nothing can be written,
    /// the next run reads the tokens again.
    pub fn save(&self, context: &LlamaContext, tokens: &[LlamaToken]) {
        let part = self.folder.join(format!("start.{}.part", std::process::id()));
        let saved = context.state_seq_save_file(&part, 0, tokens).is_ok();
        let kept = saved.then(|| std::fs::read(&part)).and_then(Result::ok).and_then(|bytes| {
            self.remove_others(tokens);
            let name = format!("{}{}.state", self.name(tokens), short_hash(&bytes));
            std::fs::rename(&part, self.folder.join(name)).ok()
        });
        if kept.is_none() {
            let _ = std::fs::remove_file(&part);
        }
    }

    /// Removes the files of other versions, and one for these tokens that could not be used.
    fn remove_others(&self, tokens: &[LlamaToken]) {
        let name = self.name(tokens);
        for other in self.names().filter(|other| other.starts_with(&name) || !other.starts_with(PREFIX)) {
            let _ = std::fs::remove_file(self.folder.join(other));
        }
    }

    /// The file for these tokens, with the hash that it must have.
    fn find(&self, tokens: &[LlamaToken]) -> Option<(PathBuf, String)> {
        let start = self.name(tokens);
        let mut found: Vec<String> = self.names().filter(|name| name.starts_with(&start)).collect();
        found.sort();
        let name = found.into_iter().next()?;
        let hash = name.strip_prefix(&start)?.strip_suffix(".state")?.to_string();
        Some((self.folder.join(name), hash))
    }

    fn name(&self, tokens: &[LlamaToken]) -> String {
        let tokens: Vec<u8> = tokens.iter().flat_map(|token| token.0.to_le_bytes()).collect();
        format!("{PREFIX}{}-", short_hash(&[self.model.as_bytes(), &tokens].concat()))
    }

    /// The names of all files of this kind.
    fn names(&self) -> impl Iterator<Item = String> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter(|name| name.starts_with("start-") && name.ends_with(".state"))
    }
}

fn short_hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..16].to_string()
}
