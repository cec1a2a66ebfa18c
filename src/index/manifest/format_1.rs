//! Manifests of format 1, which earlier versions wrote. They hold the same facts under other names;
//! nothing else on disk differs.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::chunking::Chunking;
use crate::index::fusion_weights::FusionWeights;
use crate::index::manifest::Manifest;
use crate::language::Language;
use crate::models::contracts::{EmbedderCard, SparseCard};

/// The facts of an index, as format 1 names them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest1 {
    format: u32,
    chunking: Chunking,
    #[serde(default)]
    reading: u32,
    #[serde(default = "yes")]
    all_read: bool,
    #[serde(default)]
    language: Language,
    embedders: Vec<EmbedderCard>,
    #[serde(default)]
    sparse: Vec<SparseCard>,
    #[serde(default)]
    chosen: BTreeMap<String, String>,
    #[serde(default)]
    tuned: BTreeMap<String, FusionWeights>,
}

fn yes() -> bool {
    true
}

impl From<Manifest1> for Manifest {
    fn from(old: Manifest1) -> Self {
        Manifest {
            format: old.format,
            chunking: old.chunking,
            extraction: old.reading,
            complete: old.all_read,
            language: old.language,
            embedders: old.embedders,
            sparse: old.sparse,
            defaults: old.chosen,
            displaced_embedder: None,
            fusion_weights: old.tuned,
            calibration: None,
        }
    }
}
