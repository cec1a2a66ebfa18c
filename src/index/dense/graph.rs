//! Approximate nearest neighbours over the records of a vector log: the only file that knows
//! hnsw_rs.
//!
//! Source: Malkov & Yashunin, *Efficient and robust approximate nearest neighbor search using
//! Hierarchical Navigable Small World graphs*, 2016. Built at the end of an indexing run, never
//! while asking; until it is there, every vector is looked at. It covers the first records of the
//! log; those that came later are looked at one by one, until they are a tenth and the graph is
//! built again.

use std::path::{Path, PathBuf};

use hnsw_rs::anndists::dist::distances::Distance;
use hnsw_rs::api::AnnT;
use hnsw_rs::hnsw::Hnsw;
use hnsw_rs::hnswio::HnswIo;
use serde::{Deserialize, Serialize};

use super::WorkProgress;
use crate::error::{Error, Hint, Result};
use crate::index::dense::vector_log::StoredVectors;
use crate::index::durable_file::{read_sealed, remove_file, write_sealed};
use crate::vector::{Vector, dot};

/// The file that says which graph is whole; replaced when a graph has been built.
pub(super) const SEAL: &str = "graph.seal";
const NEIGHBOURS: usize = 16;
const LAYERS: usize = 16;
const BUILD_WIDTH: usize = 200;
const MIN_SEARCH_WIDTH: usize = 256;
/// Records that are inserted between two reports of the progress: some tenths of a second.
const REPORT_EVERY: usize = 256;

/// What was written, so that no file reaches hnsw_rs, which ends the process on a damaged one,
/// before it is known whole.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
struct Seal {
    basename: String,
    covered: usize,
    records_hash: String,
    graph_hash: String,
    data_hash: String,
}

impl Seal {
    /// Whether the files are those that were written, over the vectors that they were written for.
    fn fits(&self, folder: &Path, vectors: &StoredVectors) -> Result<bool> {
        let (graph, data) = paths(folder, &self.basename);
        Ok(self.covered <= vectors.len()
            && file_hash(&graph)? == self.graph_hash
            && file_hash(&data)? == self.data_hash
            && records_hash(vectors, self.covered) == self.records_hash)
    }
}

/// 1 − cosine of unit vectors.
#[derive(Default, Clone, Copy)]
struct CosineDistance;

impl Distance<f32> for CosineDistance {
    fn eval(&self, a: &[f32], b: &[f32]) -> f32 {
        (1.0 - dot(a, b)).max(0.0)
    }
}

/// A graph that was read from disk.
pub struct Graph {
    hnsw: Hnsw<'static, f32, CosineDistance>,
    covered: usize,
}

impl Graph {
    /// Builds the graph in `folder` unless the one there still covers nine tenths of `vectors`.
    /// `progress` hears how many records have been inserted, and how many there are.
    ///
    /// # Errors
    /// The first error of `progress`, which leaves the folder as it was; or when the disk refuses.
    pub fn bring_up_to_date(folder: &Path, vectors: &StoredVectors, progress: &WorkProgress<'_>) -> Result<()> {
        if let Ok(seal) = read_seal(folder)
            && seal.fits(folder, vectors).unwrap_or(false)
            && (vectors.len() - seal.covered) * 10 <= vectors.len()
        {
            return Ok(());
        }
        let covered = vectors.len();
        let hnsw: Hnsw<'_, f32, CosineDistance> = Hnsw::new(NEIGHBOURS, covered, LAYERS, BUILD_WIDTH, CosineDistance);
        // One by one: hnsw_rs builds a different graph each time when several threads insert.
        for record in 0..covered {
            if record % REPORT_EVERY == 0 {
                progress(record, covered)?;
            }
            hnsw.insert((vectors.components(record), record));
        }
        let records_hash = records_hash(vectors, covered);
        let basename = hnsw
            .file_dump(folder, &format!("graph-{}", &records_hash[..16]))
            .map_err(|cause| Error::io("write the graph to", folder, cause))?;
        let (graph, data) = paths(folder, &basename);
        let seal = Seal {
            covered,
            records_hash,
            graph_hash: file_hash(&graph)?,
            data_hash: file_hash(&data)?,
            basename: basename.clone(),
        };
        let json = serde_json::to_vec(&seal).expect("a seal is plain data");
        write_sealed(&folder.join(SEAL), &json)?;
        remove_other_graphs(folder, &basename)
    }

    /// Whether a graph has been built in `folder`.
    pub fn exists(folder: &Path) -> bool {
        folder.join(SEAL).is_file()
    }

    /// Takes the graph in `folder` away.
    pub fn forget(folder: &Path) -> Result<()> {
        remove_file(&folder.join(SEAL))
    }

    /// Reads the graph in `folder`.
    ///
    /// # Errors
    /// When it is missing, damaged, or was made over other vectors.
    pub fn open(folder: &Path, vectors: &StoredVectors) -> Result<Self> {
        let seal = read_seal(folder)?;
        if !seal.fits(folder, vectors)? {
            return Err(Error::damaged(format!("the graph in {} does not fit its vectors", folder.display()))
                .with_hint(Hint::update("the graph is made anew from the vectors")));
        }
        // hnsw_rs ties the graph's lifetime to its reader's, although it owns what it read.
        let reader: &'static mut HnswIo = Box::leak(Box::new(HnswIo::new(folder, &seal.basename)));
        let mut hnsw: Hnsw<'static, f32, CosineDistance> = reader
            .load_hnsw_with_dist(CosineDistance)
            .map_err(|cause| Error::damaged(format!("the graph in {} cannot be read: {cause}", folder.display())))?;
        hnsw.set_searching_mode(true);
        Ok(Graph { hnsw, covered: seal.covered })
    }

    /// The number of the first record that was not there yet when the graph was built.
    pub fn covered(&self) -> u32 {
        self.covered as u32
    }

    /// The records that may be among the `k` nearest to `query` of those that `is_wanted`, as far
    /// as the graph covers them.
    pub fn nearest(&self, query: &Vector, k: usize, is_wanted: impl Fn(u32) -> bool) -> Vec<u32> {
        let mut count = k + k / 4;
        loop {
            let near = self.hnsw.search(query.as_slice(), count, count.max(MIN_SEARCH_WIDTH));
            let is_all = near.len() < count || count >= self.covered;
            let wanted: Vec<u32> =
                near.iter().map(|neighbour| neighbour.d_id as u32).filter(|&record| is_wanted(record)).collect();
            if wanted.len() >= k || is_all {
                return wanted;
            }
            count *= 2;
        }
    }
}

fn paths(folder: &Path, basename: &str) -> (PathBuf, PathBuf) {
    (folder.join(format!("{basename}.hnsw.graph")), folder.join(format!("{basename}.hnsw.data")))
}

fn read_seal(folder: &Path) -> Result<Seal> {
    let path = folder.join(SEAL);
    let bytes = read_sealed(&path)?;
    serde_json::from_slice(&bytes).map_err(|cause| {
        Error::damaged(format!("{} cannot be read: {cause}", path.display())).with_hint(Hint::update(None))
    })
}

fn file_hash(path: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    let mut file = std::fs::File::open(path).map_err(|cause| Error::io("open", path, cause))?;
    std::io::copy(&mut file, &mut hasher).map_err(|cause| Error::io("read", path, cause))?;
    Ok(hasher.finalize().to_hex().to_string())
}

fn records_hash(vectors: &StoredVectors, covered: usize) -> String {
    let mut hasher = blake3::Hasher::new();
    for record in 0..covered {
        hasher.update(&vectors.hash(record));
    }
    hasher.finalize().to_hex().to_string()
}

fn remove_other_graphs(folder: &Path, basename: &str) -> Result<()> {
    let entries = std::fs::read_dir(folder).map_err(|cause| Error::io("list", folder, cause))?;
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("graph-") && !name.starts_with(basename) {
            std::fs::remove_file(entry.path()).map_err(|cause| Error::io("remove", &entry.path(), cause))?;
        }
    }
    Ok(())
}
