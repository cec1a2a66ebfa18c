//! Compares exact search with the graph on 100,000 seeded vectors: their times, and what the graph
//! misses.
//!
//! `make bench-dense`. The vectors are drawn around 1,000 seeded centres, because embeddings of
//! real texts lie in clusters, and in 384 dimensions points without structure are all equally far
//! apart.

use std::time::Instant;

use kinglet::index::dense::graph::Graph;
use kinglet::index::dense::vector_log::{StoredVectors, VectorLog};
use kinglet::vector::{Vector, dot};

const DIMENSION: usize = 384;
const QUERIES: usize = 200;
const CENTRES: usize = 1000;
const DEPTH: usize = 1000;

/// SplitMix64: small, seeded, and good enough to scatter points.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Roughly normal: the sum of four uniforms.
    fn normal(&mut self) -> f32 {
        (0..4).map(|_| (self.next() >> 40) as f32 / (1u64 << 24) as f32 - 0.5).sum::<f32>()
    }
}

fn scatter(random: &mut Random, centres: &[Vec<f32>]) -> Vector {
    let centre = &centres[(random.next() % centres.len() as u64) as usize];
    Vector::normalised(centre.iter().map(|c| c + 0.8 * random.normal()).collect()).unwrap()
}

fn exact(query: &Vector, vectors: &StoredVectors, k: usize) -> Vec<u32> {
    let mut scored: Vec<(u32, f32)> =
        (0..vectors.len()).map(|record| (record as u32, dot(query.as_slice(), vectors.components(record)))).collect();
    let best = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    scored.select_nth_unstable_by(k - 1, best);
    scored.truncate(k);
    scored.sort_unstable_by(best);
    scored.into_iter().map(|(record, _)| record).collect()
}

fn main() {
    let count: usize = std::env::var("KINGLET_BENCH_VECTORS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let mut random = Random(20_261_123);
    let centres: Vec<Vec<f32>> = (0..CENTRES).map(|_| (0..DIMENSION).map(|_| random.normal()).collect()).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vectors.log");
    let mut log = VectorLog::open(&path, DIMENSION, || Ok(())).unwrap();
    let rows: Vec<_> =
        (0..count).map(|row| (*blake3::hash(&row.to_le_bytes()).as_bytes(), scatter(&mut random, &centres))).collect();
    log.append(&rows).unwrap();
    drop(rows);
    let queries: Vec<Vector> = (0..QUERIES).map(|_| scatter(&mut random, &centres)).collect();
    let vectors = StoredVectors::open(&path, DIMENSION).unwrap();

    let started = Instant::now();
    Graph::bring_up_to_date(folder.path(), &vectors, &|_, _| Ok(())).unwrap();
    let build_s = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let graph = Graph::open(folder.path(), &vectors).unwrap();
    let open_ms = started.elapsed().as_secs_f64() * 1e3;

    let started = Instant::now();
    let truth: Vec<_> = queries.iter().map(|query| exact(query, &vectors, DEPTH)).collect();
    let exact_ms = started.elapsed().as_secs_f64() * 1e3 / QUERIES as f64;
    let started = Instant::now();
    let found: Vec<_> = queries.iter().map(|query| graph.nearest(query, DEPTH, |_| true)).collect();
    let graph_ms = started.elapsed().as_secs_f64() * 1e3 / QUERIES as f64;
    let recall = |k: usize| {
        let kept: usize = truth
            .iter()
            .zip(&found)
            .map(|(truth, found)| truth[..k].iter().filter(|record| found.contains(record)).count())
            .sum();
        kept as f64 / (k * QUERIES) as f64
    };
    println!("vectors              {count} of dimension {DIMENSION}, {QUERIES} queries, top {DEPTH}");
    println!("exact, a query       {exact_ms:.1} ms");
    println!("graph, a query       {graph_ms:.1} ms");
    println!("graph, to open       {open_ms:.0} ms");
    println!("graph, to build      {build_s:.0} s");
    println!("recall@10, @100      {:.4}, {:.4}", recall(10), recall(100));
    assert!(recall(10) >= 0.97, "the graph misses too much");
}
