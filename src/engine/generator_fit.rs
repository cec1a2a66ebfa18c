//! The memory that a language model needs, and whether this machine has it.

use std::path::Path;

use super::machine::MachineMemory;
use crate::engine::Kinglet;
use crate::error::Result;
use crate::models::catalog::{ModelKind, ModelSpec};
use crate::models::gguf::GgufHeader;

/// The memory that an answer takes besides the model's weights and its cache: llama.cpp's buffers,
/// the vocabulary, the embedder and the index. `kinglet ask` with SmolLM2-135M takes 70 MiB with
/// the hashing embedder; larger vocabularies and embedders take more. llama.cpp arranges some
/// weights anew in memory, but what it read of the file for that can be given back, and is not
/// counted.
const OVERHEAD_BYTES: u64 = 200 << 20;

/// The tokens of a prompt besides its passages: the instructions, the question and the template.
const FRAME_TOKENS: usize = 512;

/// The memory that a language model needs for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryNeed {
    /// Weights, cache of the prompt's and the answer's tokens, and buffers.
    pub bytes: u64,
    /// True if the file is not here, so that its size is estimated from the model's parameters.
    pub is_estimate: bool,
    /// The memory of this machine, if it is known.
    pub memory: Option<MachineMemory>,
}

impl MemoryNeed {
    /// True if this machine has so much memory, free or not; `None` if that is not known.
    pub fn fits(&self) -> Option<bool> {
        self.memory.map(|memory| self.bytes <= memory.total_bytes)
    }
}

impl Kinglet {
    /// The memory that a language model of the catalog needs with the settings for answers; `None`
    /// for other models, and if nothing is known of its size.
    pub fn memory_need(&self, spec: &ModelSpec) -> Option<MemoryNeed> {
        if !matches!(spec.kind, ModelKind::Generator { .. }) {
            return None;
        }
        let file = spec.files.first()?;
        if self.models().is_complete(spec)
            && let Ok(need) = self.memory_need_of_file(&self.models().folder(spec).join(&file.name))
        {
            return Some(need);
        }
        let weights = spec.size_bytes().or_else(|| spec.estimated_bytes())?;
        let memory = MachineMemory::of_this_machine();
        Some(MemoryNeed { bytes: weights + OVERHEAD_BYTES, is_estimate: true, memory })
    }

    /// The memory that the language model in the GGUF file at `path` needs with the settings for
    /// answers.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn memory_need_of_file(&self, path: &Path) -> Result<MemoryNeed> {
        let header = GgufHeader::read(path)?;
        let tokens = (self.config().budget + self.config().answer_tokens + FRAME_TOKENS) as u64;
        let cache_bytes = header.cache_bytes_per_token().saturating_mul(tokens);
        let bytes = header.file_bytes.saturating_add(cache_bytes).saturating_add(OVERHEAD_BYTES);
        Ok(MemoryNeed { bytes, is_estimate: false, memory: MachineMemory::of_this_machine() })
    }
}
