//! Models that know a few words, written by the tests: a tokenizer, a static table, and ONNX graphs
//! of one to three nodes.

use std::path::Path;

use kinglet::models::catalog::{DownloadSource, ModelFile, ModelKind, ModelSpec};
use kinglet::models::download::copy_from_folder;
use kinglet::models::store::ModelStore;

const SPECIAL: [&str; 4] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];
const WORDS: [&str; 16] = [
    "which", "birds", "are", "small", "kinglets", "and", "wrens", "the", "lease", "ends", "on", "first", "of", "may",
    "query", "passage",
];
pub const DIMENSION: usize = 8;

/// Puts a model called `id`, whose files are in `folder`, into `store`.
pub fn add(store: &ModelStore, id: &str, folder: &Path, files: &[&str], kind: ModelKind) -> ModelSpec {
    let spec = spec(id, files, kind);
    copy_from_folder(store, &spec, folder).unwrap();
    spec
}

/// The spec of a model on a hub.
pub fn spec(id: &str, files: &[&str], kind: ModelKind) -> ModelSpec {
    let file = |name: &&str| ModelFile {
        name: name.to_string(),
        sha256: None,
        size_bytes: None,
        sources: vec![DownloadSource::Hub {
            repository: "birds/tiny".into(),
            revision: "main".into(),
            file: name.to_string(),
        }],
    };
    ModelSpec {
        id: id.into(),
        description: "a test".into(),
        parameters: None,
        licence: "MIT".into(),
        files: files.iter().map(file).collect(),
        kind,
    }
}

/// A vector for each token: seeded noise, small for special tokens.
fn table() -> Vec<f32> {
    let mut state = 42_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let size = |token: usize| if token < SPECIAL.len() { 0.01 } else { 1.0 };
    (0..SPECIAL.len() + WORDS.len()).flat_map(|token| [(); DIMENSION].map(|()| size(token) * next())).collect()
}

fn bytes(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// Writes a `tokenizer.json` of whole words, with `[CLS]` before and `[SEP]` after each text.
pub fn write_tokenizer(folder: &Path) {
    let vocabulary: serde_json::Map<String, serde_json::Value> =
        SPECIAL.iter().chain(&WORDS).enumerate().map(|(id, word)| (word.to_string(), id.into())).collect();
    let added: Vec<_> = SPECIAL
        .iter()
        .enumerate()
        .map(|(id, content)| {
            serde_json::json!({ "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true })
        })
        .collect();
    let tokenizer = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
        "normalizer": { "type": "Lowercase" }, "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": { "type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2] },
        "decoder": null, "model": { "type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]" },
    });
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();
}

/// Writes a `model.safetensors` with the table under model2vec's name.
pub fn write_static_table(folder: &Path) {
    let table = bytes(&table());
    let shape = [SPECIAL.len() + WORDS.len(), DIMENSION];
    let header =
        serde_json::json!({ "embeddings": { "dtype": "F32", "shape": shape, "data_offsets": [0, table.len()] } });
    let header = header.to_string().into_bytes();
    let file = [&(header.len() as u64).to_le_bytes()[..], &header, &table].concat();
    std::fs::write(folder.join("model.safetensors"), file).unwrap();
}

/// Writes a `model.onnx` that looks up the vector of every token. Its output `last_hidden_state`
/// has the shape texts × tokens × components.
pub fn write_embedder(folder: &Path) {
    let nodes = [node("Gather", &["table", "input_ids"], "last_hidden_state", &[])];
    let output = value("last_hidden_state", FLOAT, &["texts", "tokens", "components"]);
    write_graph(folder, &nodes, DIMENSION, output);
}

/// Writes a `model.onnx` whose output for each text is one number, the mean over its tokens, like
/// that of a cross-encoder.
pub fn write_cross_encoder(folder: &Path) {
    let nodes = [
        node("Gather", &["table", "input_ids"], "numbers", &[]),
        node("ReduceMean", &["numbers"], "means", &[("axes", vec![1], true), ("keepdims", vec![0], false)]),
        node("ReduceMean", &["means"], "logits", &[("axes", vec![1], true), ("keepdims", vec![1], false)]),
    ];
    write_graph(folder, &nodes, DIMENSION, value("logits", FLOAT, &["texts", "one"]));
}

const FLOAT: u64 = 1;
const INT64: u64 = 7;

/// Writes an ONNX model by hand. The numbers of the fields are from
/// <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>.
fn write_graph(folder: &Path, nodes: &[Vec<u8>], width: usize, output: Vec<u8>) {
    let rows = (SPECIAL.len() + WORDS.len()) as u64;
    let tensor =
        [number(1, rows), number(1, width as u64), number(2, FLOAT), text(8, "table"), message(9, &bytes(&table()))];
    let mut graph: Vec<u8> = nodes.iter().flat_map(|node| message(1, node)).collect();
    graph.extend(text(2, "tiny"));
    graph.extend(message(5, &tensor.concat()));
    for name in ["input_ids", "attention_mask"] {
        graph.extend(message(11, &value(name, INT64, &["texts", "tokens"])));
    }
    graph.extend(message(12, &output));
    let opset = [text(1, ""), number(2, 13)].concat();
    let model = [number(1, 8), message(7, &graph), message(8, &opset)].concat();
    std::fs::write(folder.join("model.onnx"), model).unwrap();
}

fn node(operator: &str, inputs: &[&str], output: &str, attributes: &[(&str, Vec<u64>, bool)]) -> Vec<u8> {
    let mut node: Vec<u8> = inputs.iter().flat_map(|input| text(1, input)).collect();
    node.extend(text(2, output));
    node.extend(text(4, operator));
    for (name, values, is_list) in attributes {
        let mut attribute = text(1, name);
        attribute.extend(values.iter().flat_map(|value| number(if *is_list { 8 } else { 3 }, *value)));
        attribute.extend(number(20, if *is_list { 7 } else { 2 }));
        node.extend(message(5, &attribute));
    }
    node
}

fn value(name: &str, element: u64, axes: &[&str]) -> Vec<u8> {
    let shape: Vec<u8> = axes.iter().flat_map(|axis| message(1, &text(2, axis))).collect();
    let tensor = [number(1, element), message(2, &shape)].concat();
    [text(1, name), message(2, &message(1, &tensor))].concat()
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn text(field: u64, value: &str) -> Vec<u8> {
    message(field, value.as_bytes())
}

fn message(field: u64, content: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(content.len() as u64), content.to_vec()].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 128 {
        bytes.push((value & 127) as u8 | 128);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
