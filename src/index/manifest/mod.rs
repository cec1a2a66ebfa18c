//! The manifest says what an index holds and how it was made. It is written last, by rename, so a
//! folder with a manifest is an index.

mod format_1;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::chunking::Chunking;
use crate::error::{Error, Hint, Result};
use crate::index::calibration::Calibration;
use crate::index::durable_file::{check, index_name, write_whole};
use crate::index::fusion_weights::FusionWeights;
use crate::index::manifest::format_1::Manifest1;
use crate::language::Language;
use crate::models::contracts::{EmbedderCard, SparseCard};

/// The file name of the manifest.
pub(in crate::index) const MANIFEST: &str = "manifest.json";

/// The format that this version writes. It reads format 1 too.
pub const FORMAT: u32 = 2;

/// What an index holds, and how it was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The format in which it was read; [`write`](Self::write) writes [`FORMAT`].
    pub format: u32,
    /// How its documents were cut into chunks.
    pub chunking: Chunking,
    /// How text was extracted from files, see [`extract::VERSION`](crate::extract::VERSION).
    pub extraction: u32,
    /// True if the last run read all files; otherwise it was interrupted or is under way.
    pub complete: bool,
    /// The language of its texts.
    pub language: Language,
    /// The embedders whose vectors it holds; searches use the first.
    pub embedders: Vec<EmbedderCard>,
    /// The sparse encoders whose vectors it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sparse: Vec<SparseCard>,
    /// Settings and their values for searches that do not configure them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub defaults: BTreeMap<String, String>,
    /// The embedder that was the first one before `kinglet use` put another in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub displaced_embedder: Option<String>,
    /// The weights that tuning found, by the id of the embedder.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fusion_weights: BTreeMap<String, FusionWeights>,
    /// How sure a reader must be of an answer, learned on these documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
}

/// The end of a JSON object, and the text that introduces the check of the JSON without it.
const END: &[u8] = b"\n}";
const BEFORE_CHECK: &[u8] = b",\n  \"check\": \"";

fn sealed(json: &[u8]) -> Vec<u8> {
    let facts = json.strip_suffix(END).unwrap_or(json);
    let check: String = check(json).iter().map(|byte| format!("{byte:02x}")).collect();
    [facts, BEFORE_CHECK, check.as_bytes(), b"\"", END].concat()
}

/// The JSON that [`sealed`] was given; all of `bytes` if an earlier version wrote them without a
/// check; `None` if the check does not match.
fn unsealed(bytes: &[u8]) -> Option<Vec<u8>> {
    match bytes.windows(BEFORE_CHECK.len()).rposition(|part| part == BEFORE_CHECK) {
        Some(at) => Some([&bytes[..at], END].concat()).filter(|json| sealed(json) == bytes),
        None => Some(bytes.to_vec()),
    }
}

impl Manifest {
    /// Reads the manifest in `folder`; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read or has a later format.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        #[derive(Deserialize)]
        struct FormatNumber {
            format: u32,
        }
        let path = folder.join(MANIFEST);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(Error::io("read", &path, cause)),
        };
        let damaged = |cause: &dyn std::fmt::Display| {
            Error::damaged(format!("{} cannot be read: {cause}", path.display())).with_hint(
                Hint::DeleteAndUpdateIndex {
                    path: path.clone(),
                    effect: "it writes the file again and embeds nothing",
                },
            )
        };
        let FormatNumber { format } = serde_json::from_slice(&bytes).map_err(|cause| damaged(&cause))?;
        if !(1..=FORMAT).contains(&format) {
            return Err(Error::input(format!(
                "{} has format {format}; this kinglet reads the formats 1 to {FORMAT}",
                path.display()
            ))
            .with_hint(format!(
                "use the kinglet that wrote it, or remove the index with `kinglet rm {}` and index the folder again",
                index_name(folder)
            )));
        }
        let json = unsealed(&bytes).ok_or_else(|| damaged(&"it is not what was written"))?;
        let manifest = match format {
            1 => serde_json::from_slice(&json).map(Manifest1::into),
            _ => serde_json::from_slice(&json),
        };
        manifest.map(Some).map_err(|cause| damaged(&cause))
    }

    /// Writes the manifest in `folder`.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let manifest = Manifest { format: FORMAT, ..self.clone() };
        let json = serde_json::to_vec_pretty(&manifest).expect("a manifest is plain data");
        write_whole(&folder.join(MANIFEST), &sealed(&json))
    }
}
