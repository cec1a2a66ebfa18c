//! Approximate nearest neighbours over the records of a vector log: the only file that knows
//! hnsw_rs.
//!
//! Source: Malkov & Yashunin, *Efficient and robust approximate nearest neighbor search using
//! Hierarchical Navigable Small World graphs*, 2016. An indexing run builds the graph at its end;
//! no search does. Until then, searches compare every vector. The graph covers the first records of
//! the log. Searches compare the later ones one by one, until these are a tenth of all and a run
//! builds the graph again.

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

/// The file that names the complete graph; replaced when a graph has been built.
pub(super) const SEAL: &str = "graph.seal";
const NEIGHBOURS: usize = 16;
const LAYERS: usize = 16;
const BUILD_WIDTH: usize = 200;
const MIN_SEARCH_WIDTH: usize = 256;
/// The number of records inserted between two reports of progress: some tenths of a second.
const REPORT_EVERY: usize = 256;

/// What was written. It is verified before hnsw_rs reads a file, because a damaged file makes it
/// end the process.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
struct Seal {
    basename: String,
    covered: usize,
    records_hash: String,
    graph_hash: String,
    data_hash: String,
}

impl Seal {
    /// True if the files have not changed and belong to these vectors.
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
    /// Calls `progress` with the number of inserted records and the total.
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

    /// True if a graph has been built in `folder`.
    pub fn exists(folder: &Path) -> bool {
        folder.join(SEAL).is_file()
    }

    /// Removes the graph in `folder`.
    pub fn forget(folder: &Path) -> Result<()> {
        remove_file(&folder.join(SEAL))
    }

    /// Reads the graph in `folder`.
    ///
    /// # Errors
    /// When it is missing, damaged, or was built over other vectors.
    pub fn open(folder: &Path, vectors: &StoredVectors) -> Result<Self> {
        let seal = read_seal(folder)?;
        if !seal.fits(folder, vectors)? {
            return Err(Error::damaged(format!("the graph in {} does not fit its vectors", folder.display()))
                .with_hint(Hint::update_index("it builds the graph again from the vectors")));
        }
        // hnsw_rs ties the graph's lifetime to its reader's, although it owns what it read.
        let reader: &'static mut HnswIo = Box::leak(Box::new(HnswIo::new(folder, &seal.basename)));
        let mut hnsw: Hnsw<'static, f32, CosineDistance> = reader
            .load_hnsw_with_dist(CosineDistance)
            .map_err(|cause| Error::damaged(format!("the graph in {} cannot be read: {cause}", folder.display())))?;
        hnsw.set_searching_mode(true);
        Ok(Graph { hnsw, covered: seal.covered })
    }

    /// The number of the first record that the graph does not cover.
    pub fn covered(&self) -> u32 {
        self.covered as u32
    }

    /// The candidates for the `k` records nearest to `query`, of those that the graph covers and
    /// `is_allowed` accepts.
    pub fn nearest(&self, query: &Vector, k: usize, is_allowed: impl Fn(u32) -> bool) -> Vec<u32> {
        let mut count = k + k / 4;
        loop {
            let near = self.hnsw.search(query.as_slice(), count, count.max(MIN_SEARCH_WIDTH));
            let is_all = near.len() < count || count >= self.covered;
            let allowed: Vec<u32> =
                near.iter().map(|neighbour| neighbour.d_id as u32).filter(|&record| is_allowed(record)).collect();
            if allowed.len() >= k || is_all {
                return allowed;
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
        Error::damaged(format!("{} cannot be read: {cause}", path.display()))
            .with_hint(Hint::update_index("it builds the graph again from the vectors"))
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
