//! What several tests need: folders of documents, and indexes over them made with the deterministic embedder.
#![allow(dead_code)] // each test file uses its own part

pub mod tiny;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kinglet::chunk::Chunking;
use kinglet::index::{Index, IndexWriter};
use kinglet::ingest::{Plan, Summary, Unwatched, Watcher, ingest};
use kinglet::models::hashing::HashingEmbedder;
use kinglet::models::traits::Embedder;

/// The folder of the package.
pub fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The embedder that needs no model.
pub fn embedder() -> Arc<dyn Embedder> {
    Arc::new(HashingEmbedder::new(256))
}

/// Writes files, making their folders.
pub fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// Indexes `roots` into `index`, watched.
pub fn index_watched(roots: &[PathBuf], index: &Path, watcher: &dyn Watcher) -> kinglet::Result<Summary> {
    let plan = Plan {
        roots,
        chunking: Chunking::default(),
        max_file_bytes: 1 << 20,
        exclude: &[],
        embedders: &[embedder()],
        language: None,
        keep_tokens: true,
    };
    ingest(&mut IndexWriter::open(index)?, &plan, watcher)
}

/// Indexes one folder into `index`.
pub fn index(folder: &Path, index: &Path) -> Summary {
    index_watched(&[folder.canonicalize().unwrap()], index, &Unwatched).unwrap()
}

/// All chunks of an index as (path, first line, text), sorted: what must be equal when two indexes are.
pub fn contents(index: &Index) -> Vec<(PathBuf, u32, String)> {
    let mut rows: Vec<_> = index
        .chunks(&index.chunk_ids().unwrap())
        .unwrap()
        .into_iter()
        .map(|stored| (stored.path, stored.chunk.first_line, stored.chunk.text))
        .collect();
    rows.sort();
    rows
}

/// The home with real models, where there is one; says loudly when a test is skipped for want of them.
pub fn home_with_models(test: &str) -> Option<PathBuf> {
    let home = PathBuf::from(std::env::var_os("KINGLET_TEST_HOME")?);
    let kinglet = kinglet::assemble::Kinglet::new(home.clone(), kinglet::config::Config::default());
    let here = ["onnxruntime", "all-minilm-l6-v2", "smollm2-135m-instruct"].iter().all(|id| {
        let row = kinglet::models::catalog::lookup(id).unwrap();
        kinglet.is_here(&row)
    });
    if !here {
        eprintln!("SKIPPED: {test} needs the real models; `make test` fetches them");
    }
    here.then_some(home)
}
