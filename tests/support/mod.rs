//! What several tests need: folders of documents, and indexes over them made with the deterministic embedder.
#![allow(dead_code)] // each test file uses its own part

pub mod tiny;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kinglet::chunking::Chunking;
use kinglet::extract::worker_process::Isolation;
use kinglet::index::{Index, IndexWriter};
use kinglet::ingest::{IngestPlan, NoProgress, Progress, Summary, ingest};
use kinglet::models::contracts::{Embedder, Role, SparseCard, SparseEncoder};
use kinglet::models::hashing::HashingEmbedder;
use kinglet::vector::SparseVector;

/// The folder of the package.
pub fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The embedder that needs no model.
pub fn embedder() -> Arc<dyn Embedder> {
    Arc::new(HashingEmbedder::new(256))
}

/// A sparse encoder that needs no model: words and how often they stand in the text.
struct WordCounts(SparseCard);

impl SparseEncoder for WordCounts {
    fn card(&self) -> &SparseCard {
        &self.0
    }

    fn encode(&self, _: Role, texts: &[&str]) -> kinglet::Result<Vec<SparseVector>> {
        let encode = |text: &&str| {
            let mut counts: BTreeMap<u32, f32> = BTreeMap::new();
            for word in kinglet::text::words(text) {
                let hash = blake3::hash(word.as_bytes());
                let number = u32::from_le_bytes(hash.as_bytes()[..4].try_into().unwrap());
                *counts.entry(number % self.0.vocabulary as u32).or_default() += 1.0;
            }
            SparseVector::new(counts.into_iter().map(|(term, count)| (term, count.ln_1p())).collect())
        };
        texts.iter().map(encode).collect()
    }
}

/// The sparse encoder that needs no model.
pub fn encoder() -> Arc<dyn SparseEncoder> {
    let card = SparseCard {
        id: "word-counts".to_string(),
        vocabulary: 30_000,
        max_tokens: usize::MAX,
        weights: "version 1".to_string(),
    };
    Arc::new(WordCounts(card))
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
pub fn index_watched(roots: &[PathBuf], index: &Path, watcher: &dyn Progress) -> kinglet::Result<Summary> {
    index_cut(roots, index, Chunking::default(), watcher)
}

/// The same with documents cut in some way.
pub fn index_cut(
    roots: &[PathBuf],
    index: &Path,
    chunking: Chunking,
    watcher: &dyn Progress,
) -> kinglet::Result<Summary> {
    let plan = IngestPlan {
        roots,
        chunking,
        max_file_bytes: 1 << 20,
        exclude: &[],
        embedders: &[embedder()],
        encoders: &[encoder()],
        language: None,
        keep_tokens: true,
        isolation: &Isolation::InProcess,
    };
    ingest(&mut IndexWriter::open(index)?, &plan, watcher)
}

/// Indexes one folder into `index`.
pub fn index(folder: &Path, index: &Path) -> Summary {
    index_watched(&[folder.canonicalize().unwrap()], index, &NoProgress).unwrap()
}

/// All chunks of an index as (path, first line, text), sorted: what must be equal when two indexes are.
pub fn contents(index: &Index) -> Vec<(PathBuf, u32, String)> {
    let mut rows: Vec<_> = index
        .chunks(&index.chunk_ids().unwrap())
        .unwrap()
        .into_iter()
        .map(|stored| (stored.path, stored.chunk.first, stored.chunk.text))
        .collect();
    rows.sort();
    rows
}

/// Says that a test does nothing here for want of something. `make test` counts and names these at its end, because what a test that
/// passes says is not shown.
pub fn skipped(test: &str, needs: &str) {
    eprintln!("SKIPPED: {test} needs {needs}");
    if let Some(list) = std::env::var_os("KINGLET_TEST_SKIPPED") {
        let mut list = std::fs::File::options().create(true).append(true).open(list).unwrap();
        // In one piece: other tests write too.
        list.write_all(format!("{test} needs {needs}\n").as_bytes()).unwrap();
    }
}

/// The home with real models, where there is one; says loudly when a test is skipped for want of them.
pub fn home_with_models(test: &str) -> Option<PathBuf> {
    home_with(test, &["onnxruntime", "all-minilm-l6-v2", "smollm2-135m-instruct"])
}

/// The home with these models, where there is one; says loudly when a test is skipped for want of them.
pub fn home_with(test: &str, models: &[&str]) -> Option<PathBuf> {
    let home = PathBuf::from(std::env::var_os("KINGLET_TEST_HOME")?);
    let kinglet = kinglet::engine::Kinglet::new(home.clone(), kinglet::config::Config::default());
    let here = models.iter().all(|id| {
        let spec = kinglet.models().lookup(id).unwrap();
        kinglet.is_here(&spec)
    });
    if !here {
        skipped(test, "the real models; `make test` fetches them");
    }
    here.then_some(home)
}
