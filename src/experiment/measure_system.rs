//! Measures one system: its rankings and its cost.

use std::path::PathBuf;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::generator_run::GeneratorRun;
use super::test_collection::DEPTH;
use crate::chunking::Chunk;
use crate::config::{Config, Mode, RerankerChoice};
use crate::engine::Kinglet;
use crate::error::{Error, Result};
use crate::eval::comparison::{Cost, Stage, SystemAnswer};
use crate::eval::percentile;
use crate::index::Index;
use crate::index::derived_part::DerivedPart;
use crate::index::durable_file::size_bytes;
use crate::index::lexical::writer::LexicalWriter;
use crate::index::store::{ChunkId, Documents};
use crate::models::contracts::{Embedder, Role};
use crate::models::reference::RerankerRef;
use crate::search::timed::Clock;
use crate::search::{Query, Retriever};

/// The number of chunks to embed again to measure the indexing speed.
const SAMPLE: usize = 128;
/// The batch size for embedding, the same as in indexing.
const BATCH: usize = 64;
/// The name of the generator's stage.
const ANSWERING: &str = "answering";
/// The number of questions to embed again to measure the time for embedding one.
const QUESTION_SAMPLE: usize = 50;

/// A system to measure, and the questions for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct MeasureJob {
    /// Kinglet's home folder.
    pub home: PathBuf,
    /// The index.
    pub index: PathBuf,
    /// The settings of the search.
    pub config: Config,
    /// True if the system also answers the questions, see
    /// [`System::answers`](super::systems::System::answers).
    pub answers: bool,
    /// The questions.
    pub questions: Vec<String>,
    /// The words of the known answers to each question.
    pub references: Vec<Vec<String>>,
}

/// The rankings, answers and cost of a system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Measurement {
    /// The ranking for each question: chunks with their scores, best first.
    pub rankings: Vec<Vec<(ChunkId, f32)>>,
    /// The time for each question, in milliseconds.
    pub took_ms: Vec<f64>,
    /// The answer to each question, if the system answers.
    pub answers: Vec<SystemAnswer>,
    /// The cost; whoever started the measurement fills in the cold start.
    pub cost: Cost,
}

/// Runs the job in this process; calls `done` after each question with the number answered so far.
/// The first question runs twice, because the first time includes lazy loading.
pub(super) fn measure_system(job: &MeasureJob, done: &dyn Fn(usize)) -> Result<Measurement> {
    let kinglet = Kinglet::new(&job.home, job.config.clone());
    let index = std::sync::Arc::new(Index::open(&job.index)?);
    let clock = Clock::default();
    let retriever = kinglet.pipeline(&index)?.timed(&clock);
    let generator = job.answers.then(|| GeneratorRun::new(&kinglet, index.clone())).transpose()?;
    let depth = if job.answers { job.config.passages } else { DEPTH };
    if let Some(first) = job.questions.first() {
        let hits = retriever.retrieve(&Query::new(first), depth.min(10))?;
        generator.as_ref().map(|generator| generator.answer(first, &hits, &[])).transpose()?;
        clock.take();
        done(0);
    }
    let (mut rankings, mut took_ms, mut parts, mut answers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (at, question) in job.questions.iter().enumerate() {
        let started = Instant::now();
        let hits = retriever.retrieve(&Query::new(question), depth)?;
        let mut spent = clock.take();
        if let Some(generator) = &generator {
            let cited = generator.answer(question, &hits, &job.references[at])?;
            spent.push((ANSWERING.to_string(), cited.took_ms));
            rankings.push(cited.ranking);
            answers.push(cited.answer);
        } else {
            rankings.push(hits.into_iter().map(|hit| (hit.chunk, hit.score)).collect());
        }
        took_ms.push(started.elapsed().as_secs_f64() * 1000.0);
        parts.push(spent);
        done(at + 1);
    }
    let peak_memory_bytes = peak_memory_bytes();
    let mut cost = Cost {
        peak_memory_bytes,
        p50_ms: percentile(&took_ms, 0.5),
        p95_ms: percentile(&took_ms, 0.95),
        stages: stages(&parts, &took_ms),
        ..Cost::default()
    };
    add_indexing(&kinglet, &index, job, &mut cost)?;
    Ok(Measurement { rankings, took_ms, answers, cost })
}

/// The times of the parts of a search; the rest counts as fusion.
fn stages(parts: &[Vec<(String, f64)>], took_ms: &[f64]) -> Vec<Stage> {
    let Some(first) = parts.first() else { return Vec::new() };
    let stage = |name: &str, times: &[f64]| Stage {
        name: name.to_string(),
        p50_ms: percentile(times, 0.5),
        p95_ms: percentile(times, 0.95),
    };
    let mut rest = took_ms.to_vec();
    let mut stages = Vec::new();
    for (place, (name, _)) in first.iter().enumerate() {
        let times: Vec<f64> = parts.iter().map(|parts| parts.get(place).map_or(0.0, |(_, took)| *took)).collect();
        rest.iter_mut().zip(&times).for_each(|(rest, took)| *rest -= took);
        stages.push(stage(name, &times));
    }
    stages.push(stage("fusion", &rest));
    stages
}

/// Adds the size of models and index, and the indexing speed.
fn add_indexing(kinglet: &Kinglet, index: &Index, job: &MeasureJob, cost: &mut Cost) -> Result<()> {
    let config = &job.config;
    let chunks = index.counts()?.chunks.max(1) as f64;
    let passages = sample(index)?;
    let texts: Vec<&str> = passages.iter().map(String::as_str).collect();
    let (mut index_bytes, mut seconds_per_chunk) = (0, 0.0);
    if config.is_hybrid() || config.mode == Mode::Lexical {
        index_bytes += index.lexical_bytes();
        seconds_per_chunk += lexical_seconds(index)? / chunks;
    }
    if !kinglet.needs_no_embedder() {
        let embedder = kinglet.open_embedder(&kinglet.answering_embedder(None))?;
        let with_tokens = config.rerank == RerankerChoice::Use(RerankerRef::MaxSim);
        let [vectors, tokens] = index.dense_bytes(embedder.card());
        index_bytes += vectors + if with_tokens { tokens } else { 0 };
        cost.dimension = Some(embedder.card().dimension);
        seconds_per_chunk += per_text(&texts, |batch| embed(embedder.as_ref(), batch, with_tokens))?;
        let questions: Vec<&str> = job.questions.iter().take(QUESTION_SAMPLE).map(String::as_str).collect();
        cost.stages.insert(0, embedding_stage(embedder.as_ref(), &questions)?);
    }
    if let Some(encoder) = config.searching_encoder() {
        let encoder = kinglet.open_sparse_encoder(&encoder)?;
        index_bytes += index.sparse_bytes(encoder.card());
        seconds_per_chunk += per_text(&texts, |batch| encoder.encode(Role::Passage, batch).map(drop))?;
    }
    cost.index_bytes_per_chunk = index_bytes as f64 / chunks;
    cost.chunks_per_second = if seconds_per_chunk > 0.0 { 1.0 / seconds_per_chunk } else { 0.0 };
    let mut specs = kinglet.models_of_search()?;
    if job.answers {
        specs.extend(kinglet.models_for_answering()?);
        specs.extend(kinglet.models_of_checks(None)?);
    }
    cost.model_bytes = specs.iter().map(|spec| size_bytes(&kinglet.models().folder(spec))).sum();
    let parameters: Vec<u64> = specs.iter().filter_map(|spec| spec.parameters).collect();
    cost.parameters = (parameters.len() == specs.len()).then(|| parameters.iter().sum());
    Ok(())
}

/// Passages spread evenly over the index.
fn sample(index: &Index) -> Result<Vec<String>> {
    let ids = index.searchable_ids()?;
    let step = ids.len().div_ceil(SAMPLE).max(1);
    let ids: Vec<ChunkId> = ids.into_iter().step_by(step).collect();
    Ok(index.chunks(&ids)?.iter().map(|stored| Chunk::passage(&stored.chunk)).collect())
}

fn embed(embedder: &dyn Embedder, texts: &[&str], with_tokens: bool) -> Result<()> {
    match embedder.token_embedder().filter(|_| with_tokens) {
        Some(embedder) => embedder.embed_tokens(Role::Passage, texts).map(drop),
        None => embedder.embed(Role::Passage, texts).map(drop),
    }
}

/// The time per text that `work` takes, in seconds.
fn per_text(texts: &[&str], work: impl Fn(&[&str]) -> Result<()>) -> Result<f64> {
    let started = Instant::now();
    texts.chunks(BATCH).try_for_each(work)?;
    Ok(started.elapsed().as_secs_f64() / texts.len().max(1) as f64)
}

/// Measures embedding the question, which is a part of the dense retriever's stage, or of maxsim's
/// if there is no dense retriever.
fn embedding_stage(embedder: &dyn Embedder, questions: &[&str]) -> Result<Stage> {
    let mut times = Vec::new();
    for question in questions {
        let started = Instant::now();
        embedder.embed(Role::Query, &[question])?;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    let name = "embedding the question".to_string();
    Ok(Stage { name, p50_ms: percentile(&times, 0.5), p95_ms: percentile(&times, 0.95) })
}

/// The time to build the lexical index of all chunks again, in seconds.
fn lexical_seconds(index: &Index) -> Result<f64> {
    let folder = tempfile::tempdir().map_err(|cause| Error::io("make a folder in", &std::env::temp_dir(), cause))?;
    let documents = Documents::open_for_reading(&index.folder().join("documents.sqlite"))?;
    let started = Instant::now();
    let mut lexical = LexicalWriter::new(&folder.path().join("lexical"), index.manifest().language);
    lexical.prepare(&documents, 1, &|_, _| Ok(()))?()?;
    Ok(started.elapsed().as_secs_f64())
}

/// The peak memory of this process, where the operating system reports it.
fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}
