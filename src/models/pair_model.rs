//! Models that read two texts together, on ONNX Runtime: low-rank weights that are a part of this
//! program, over an embedder of the catalog.

use ort::session::Session;
use ort::session::builder::SessionBuilder;
use ort::value::Tensor;
use tokenizers::{Encoding, Tokenizer, TruncationParams};

use super::catalog::{ModelKind, ModelSpec, PairTask};
use super::contracts::{ReadPassage, Reader, SupportChecker, SupportScores};
use super::low_rank::{self, HeadInput};
use super::onnx::{WAIT_ASLEEP, environment, read, threads_for, unreadable};
use super::session_pool::SessionPool;
use super::store::ModelStore;
use crate::error::{Error, Hint, Result};
use crate::text::Span;

/// The id of the model that finds answers in passages.
pub const READER: &str = "kinglet-reader";
/// The id of the model that holds sentences against passages.
pub const SUPPORT_CHECKER: &str = "kinglet-support";

/// The weights of the model that finds answers in passages.
pub(super) const READER_WEIGHTS: &[u8] = include_bytes!("../../training/weights/reader.safetensors");
/// The weights of the model that holds sentences against passages.
pub(super) const SUPPORT_WEIGHTS: &[u8] = include_bytes!("../../training/weights/support.safetensors");

/// The weights for a task, and what its head reads.
fn weights_of(task: PairTask) -> (&'static [u8], HeadInput) {
    match task {
        PairTask::Reader => (READER_WEIGHTS, HeadInput::EveryToken),
        PairTask::Support => (SUPPORT_WEIGHTS, HeadInput::FirstToken),
    }
}

/// The size of the weights for a task.
pub(super) fn weights_bytes(task: PairTask) -> u64 {
    weights_of(task).0.len() as u64
}

/// The places of the backbone: what it reads of two texts together, special tokens included.
const MAX_TOKENS: usize = 512;
/// The most tokens of an answer in a passage.
const MAX_SPAN_TOKENS: usize = 30;

/// A pair model of the catalog. It reads each pair by itself, so that its scores do not depend on
/// other pairs. Several threads can use it at once.
pub struct PairModel {
    id: String,
    tokenizer: Tokenizer,
    sessions: SessionPool<Session>,
}

impl PairModel {
    /// Opens `spec`; the files of its backbone are in `store`. `threads` threads read one pair (0:
    /// one for each core).
    ///
    /// # Errors
    /// When `spec` is not a pair model, the files of its backbone are missing or not those that the
    /// weights were trained on, or the runtime cannot be loaded.
    pub fn open(store: &ModelStore, spec: &ModelSpec, threads: usize) -> Result<Self> {
        let backbone = store.backbone_of(spec)?;
        let folder = store.require(&backbone)?;
        let unreadable_tokenizer = |cause: tokenizers::Error| unreadable(&backbone, &cause);
        let mut tokenizer = Tokenizer::from_file(folder.join("tokenizer.json")).map_err(unreadable_tokenizer)?;
        let truncation = TruncationParams { max_length: MAX_TOKENS, ..TruncationParams::default() };
        tokenizer.with_padding(None).with_truncation(Some(truncation)).map_err(unreadable_tokenizer)?;
        let ModelKind::PairModel { task, .. } = spec.kind else { return Err(not_a_pair_model(spec)) };
        let sessions =
            SessionPool::open(store, &backbone, move |store, backbone| open_session(store, backbone, task, threads))?;
        Ok(PairModel { id: spec.id.to_string(), tokenizer, sessions })
    }

    /// The outputs for a pair, in the order of its tokens (where the model gives them for each
    /// token) and of the head.
    ///
    /// # Errors
    /// When the model fails.
    pub fn outputs(&self, first: &str, second: &str) -> Result<Vec<f32>> {
        Ok(self.run(&mut *self.sessions.take()?, first, second)?.0)
    }

    fn run(&self, session: &mut Session, first: &str, second: &str) -> Result<(Vec<f32>, Encoding)> {
        let encoding = self.tokenizer.encode((first, second), true).map_err(|cause| self.failed(&cause))?;
        let input = |numbers: &[u32]| {
            let numbers: Vec<i64> = numbers.iter().map(|number| i64::from(*number)).collect();
            Tensor::from_array(([1, numbers.len()], numbers)).map_err(|cause| self.failed(&cause))
        };
        let inputs = ort::inputs![
            "input_ids" => input(encoding.get_ids())?,
            "attention_mask" => input(encoding.get_attention_mask())?,
            "token_type_ids" => input(encoding.get_type_ids())?,
        ];
        let outputs = session.run(inputs).map_err(|cause| self.failed(&cause))?;
        let (_, logits) = outputs[low_rank::OUTPUT].try_extract_tensor::<f32>().map_err(|cause| self.failed(&cause))?;
        if logits.iter().any(|logit| !logit.is_finite()) {
            return Err(self.failed(&"it gave a number that is not finite"));
        }
        Ok((logits.to_vec(), encoding))
    }

    fn failed(&self, cause: &dyn std::fmt::Display) -> Error {
        Error::model(format!("{} failed: {cause}", self.id))
    }
}

impl Reader for PairModel {
    fn name(&self) -> &str {
        &self.id
    }

    fn read(&self, question: &str, passages: &[&str]) -> Result<Vec<ReadPassage>> {
        let mut session = self.sessions.take()?;
        let read = |passage: &&str| {
            let (logits, encoding) = self.run(&mut session, question, passage)?;
            let tokens: Vec<[f32; 3]> = logits.as_chunks::<3>().0.to_vec();
            let ([none_start, none_end, answerable], true) = (tokens[0], tokens.len() == encoding.len()) else {
                return Err(self.failed(&"it has the outputs of another model"));
            };
            let best = best_span(&tokens, &encoding, |_| true);
            Ok(ReadPassage {
                answerable,
                span_margin: best.map_or(0.0, |(score, ..)| score) - none_start - none_end,
                span: best.map(|(_, first, last)| span_of(passage, &encoding, first, last)),
                lead: best.map_or(0.0, |(score, first, last)| {
                    let elsewhere = best_span(&tokens, &encoding, |place| place < first || place > last);
                    elsewhere.map_or(score, |(other, ..)| score - other)
                }),
            })
        };
        passages.iter().map(read).collect()
    }
}

impl SupportChecker for PairModel {
    fn name(&self) -> &str {
        &self.id
    }

    fn check(&self, claim: &str, evidence: &[&str]) -> Result<Vec<SupportScores>> {
        let mut session = self.sessions.take()?;
        let check = |evidence: &&str| {
            let (logits, _) = self.run(&mut session, evidence, claim)?;
            let [supported, partly, not, contradicted] = logits[..] else {
                return Err(self.failed(&"it has the outputs of another model"));
            };
            Ok(SupportScores::from_logits([supported, partly, not], contradicted))
        };
        evidence.iter().map(check).collect()
    }
}

pub(super) fn not_a_pair_model(spec: &ModelSpec) -> Error {
    Error::input(format!("{} is a {}, not a pair model", spec.id, spec.kind)).with_hint(Hint::ListModels)
}

/// The best span of the passage in allowed places, with its score: the sum of the scores of its
/// first and its last token. `None` if there is no such place.
fn best_span(
    tokens: &[[f32; 3]],
    encoding: &Encoding,
    is_allowed: impl Fn(usize) -> bool,
) -> Option<(f32, usize, usize)> {
    let sequences = encoding.get_sequence_ids();
    let places: Vec<usize> = (0..tokens.len()).filter(|&place| sequences[place] == Some(1)).collect();
    let mut best: Option<(f32, usize, usize)> = None;
    for (at, &first) in places.iter().enumerate() {
        for &last in
            places[at..].iter().take(MAX_SPAN_TOKENS).take_while(|&&last| is_allowed(first) && is_allowed(last))
        {
            let score = tokens[first][0] + tokens[last][1];
            if best.is_none_or(|(most, ..)| score > most) {
                best = Some((score, first, last));
            }
        }
    }
    best
}

/// The place of these tokens in the passage, extended to whole words.
fn span_of(passage: &str, encoding: &Encoding, first: usize, last: usize) -> Span {
    let offsets = encoding.get_offsets();
    let (mut start, mut end) = (offsets[first].0, offsets[last].1);
    let is_word = |letter: char| letter.is_alphanumeric();
    if passage[start..].starts_with(is_word) {
        start = passage[..start].trim_end_matches(is_word).len();
    }
    if passage[..end].ends_with(is_word) {
        end = passage.len() - passage[end..].trim_start_matches(is_word).len();
    }
    Span { start, end }
}

fn open_session(store: &ModelStore, backbone: &ModelSpec, task: PairTask, threads: usize) -> Result<Session> {
    let graph = read(&store.require(backbone)?, "model.onnx")?;
    let (weights, head_input) = weights_of(task);
    let expected = low_rank::backbone_sha256(weights).map_err(|cause| unreadable(backbone, &cause))?;
    if store.hashes(backbone)?.first() != Some(&expected) {
        return Err(Error::model(format!(
            "{} is not the model that kinglet's own weights were trained on",
            backbone.id
        )));
    }
    let merged = low_rank::merged(&graph, weights, head_input).map_err(|cause| unreadable(backbone, &cause))?;
    let environment = environment(store)?;
    let session = || -> ort::Result<Session> {
        let builder = SessionBuilder::new(&environment)?.with_intra_threads(threads_for(threads))?;
        builder.with_config_entry(WAIT_ASLEEP.0, WAIT_ASLEEP.1)?.commit_from_memory(&merged)
    };
    session().map_err(|cause| unreadable(backbone, &cause))
}
