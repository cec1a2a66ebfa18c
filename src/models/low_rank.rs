//! Merges trained low-rank weights and a head into the ONNX graph of an embedder.
//!
//! `training/TRAINING.md` describes the weights. Source: Hu and others, *LoRA: Low-Rank Adaptation
//! of Large Language Models*, 2021: a matrix W becomes W + A·B. The numbers of fields are those of
//! `onnx.proto`.

use std::collections::{HashMap, HashSet};

use safetensors::tensor::{Dtype, SafeTensors};
use serde::Deserialize;

use super::protobuf::{Field, fields, push_bytes, push_integer};

/// The output of the merged graph: for each text, or for each token of it, one number for each
/// output of the head.
pub(super) const OUTPUT: &str = "logits";

/// Fields of a model, a graph, a node and a tensor.
const MODEL_GRAPH: u64 = 7;
const GRAPH_NODE: u64 = 1;
const GRAPH_INITIALIZER: u64 = 5;
const GRAPH_OUTPUT: u64 = 12;
const NODE_INPUT: u64 = 1;
const NODE_OUTPUT: u64 = 2;
const NODE_OPERATOR: u64 = 4;
const NODE_ATTRIBUTE: u64 = 5;
const TENSOR_DIMENSION: u64 = 1;
const TENSOR_TYPE: u64 = 2;
const TENSOR_NAME: u64 = 8;
const TENSOR_BYTES: u64 = 9;
const FLOAT: u64 = 1;
const INT64: u64 = 7;

/// What a file of weights says of itself.
#[derive(Debug, Deserialize)]
struct WeightsDescription {
    task: String,
    backbone_sha256: String,
}

/// Whether the head reads every token or only the first one, `[CLS]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeadInput {
    EveryToken,
    FirstToken,
}

/// The SHA-256 of the only graph that these weights fit.
///
/// # Errors
/// When `weights` are not such a file.
pub(super) fn backbone_sha256(weights: &[u8]) -> Result<String, String> {
    Ok(description(weights)?.backbone_sha256)
}

/// The graph `backbone` with A·B added to its matrices, the small differences added to its other
/// tensors, and the head as its output.
///
/// # Errors
/// When one of the two is damaged, or they do not fit each other.
pub(super) fn merged(backbone: &[u8], weights: &[u8], head_input: HeadInput) -> Result<Vec<u8>, String> {
    let task = description(weights)?.task;
    let weights = SafeTensors::deserialize(weights).map_err(|cause| cause.to_string())?;
    let mut model = Vec::with_capacity(backbone.len() + (8 << 20));
    let parts = fields(backbone)?;
    if parts.iter().all(|field| field.number != MODEL_GRAPH) {
        return Err("the model has no graph".to_string());
    }
    for field in parts {
        if field.number == MODEL_GRAPH {
            push_bytes(&mut model, MODEL_GRAPH, &merged_graph(field.bytes, &weights, &task, head_input)?);
        } else {
            model.extend_from_slice(field.whole);
        }
    }
    Ok(model)
}

fn merged_graph(graph: &[u8], weights: &SafeTensors<'_>, task: &str, head_input: HeadInput) -> Result<Vec<u8>, String> {
    let ending_in = |end: &str| -> HashSet<String> {
        weights.names().into_iter().filter_map(|name| name.strip_suffix(end)).map(str::to_string).collect()
    };
    let (mut matrices, mut changed) = (ending_in(".a"), ending_in(".add"));
    let mut merged = Vec::with_capacity(graph.len() + (8 << 20));
    let mut hidden = None;
    for field in fields(graph)? {
        match field.number {
            GRAPH_NODE => {
                let node = fields(field.bytes)?;
                match node.iter().find(|part| part.number == NODE_OUTPUT).and_then(text) {
                    Some(name) if matrices.remove(name) => {
                        push_bytes(&mut merged, GRAPH_NODE, &renamed_output(&node, &format!("{name}.base")));
                        push_change(&mut merged, weights, name)?;
                    }
                    _ => merged.extend_from_slice(field.whole),
                }
            }
            GRAPH_INITIALIZER => {
                let parts = fields(field.bytes)?;
                match parts.iter().find(|part| part.number == TENSOR_NAME).and_then(text) {
                    Some(name) if changed.remove(name) => {
                        push_bytes(&mut merged, GRAPH_INITIALIZER, &with_difference(&parts, weights, name)?);
                    }
                    _ => merged.extend_from_slice(field.whole),
                }
            }
            GRAPH_OUTPUT => hidden = fields(field.bytes)?.first().and_then(text).map(str::to_string),
            _ => merged.extend_from_slice(field.whole),
        }
    }
    if let Some(name) = matrices.iter().chain(&changed).min() {
        return Err(format!("the graph has no tensor {name}"));
    }
    let hidden = hidden.ok_or("the graph has no output")?;
    push_head(&mut merged, weights, task, &hidden, head_input)?;
    Ok(merged)
}

/// Adds the product of the two low-rank matrices of `name` to the tensor `name.base`, under the old
/// name.
fn push_change(graph: &mut Vec<u8>, weights: &SafeTensors<'_>, name: &str) -> Result<(), String> {
    let [left, right, scale] = ["a", "b", "scale"].map(|part| format!("{name}.{part}"));
    let (left_shape, left_values) = floats(weights, &left)?;
    let (right_shape, right_values) = floats(weights, &right)?;
    let (_, scales) = floats(weights, &scale)?;
    if scales.is_empty() || left_shape.last() != Some(&scales.len()) {
        return Err(format!("{left} and {scale} have different sizes"));
    }
    let scaled: Vec<f32> = left_values
        .chunks(scales.len())
        .flat_map(|row| row.iter().zip(&scales).map(|(value, by)| value * by))
        .collect();
    push_tensor(graph, &left, &left_shape, &scaled);
    push_tensor(graph, &right, &right_shape, &right_values);
    let (base, change) = (format!("{name}.base"), format!("{name}.change"));
    push_node(graph, "MatMul", &[&left, &right], &change);
    push_node(graph, "Add", &[&base, &change], name);
    Ok(())
}

/// Puts the head at the end: logits = hidden · weight + bias.
fn push_head(
    graph: &mut Vec<u8>,
    weights: &SafeTensors<'_>,
    task: &str,
    hidden: &str,
    head_input: HeadInput,
) -> Result<(), String> {
    let (shape, rows) = floats(weights, &format!("head.{task}.weight"))?;
    let (_, bias) = floats(weights, &format!("head.{task}.bias"))?;
    let [outputs, width] = shape[..] else { return Err("its head is no matrix".to_string()) };
    let transposed: Vec<f32> = (0..width)
        .flat_map(|column| (0..outputs).map(move |row| (row, column)))
        .map(|(row, column)| rows[row * width + column])
        .collect();
    push_tensor(graph, "head.weight", &[width, outputs], &transposed);
    push_tensor(graph, "head.bias", &[outputs], &bias);
    let input = match head_input {
        HeadInput::EveryToken => hidden,
        HeadInput::FirstToken => {
            push_first_token(graph, hidden);
            "head.input"
        }
    };
    push_node(graph, "MatMul", &[input, "head.weight"], "head.product");
    push_node(graph, "Add", &["head.product", "head.bias"], OUTPUT);
    let mut output = Vec::new();
    push_bytes(&mut output, 1, OUTPUT.as_bytes());
    let mut tensor_type = Vec::new();
    push_integer(&mut tensor_type, 1, FLOAT);
    let mut value_type = Vec::new();
    push_bytes(&mut value_type, 1, &tensor_type);
    push_bytes(&mut output, 2, &value_type);
    push_bytes(graph, GRAPH_OUTPUT, &output);
    Ok(())
}

/// A node that takes the vector of the first token of each text.
fn push_first_token(graph: &mut Vec<u8>, hidden: &str) {
    let mut place = Vec::new();
    push_integer(&mut place, TENSOR_TYPE, INT64);
    push_bytes(&mut place, TENSOR_NAME, b"head.place");
    push_bytes(&mut place, TENSOR_BYTES, &0_i64.to_le_bytes());
    push_bytes(graph, GRAPH_INITIALIZER, &place);
    let mut axis = Vec::new();
    push_bytes(&mut axis, 1, b"axis");
    push_integer(&mut axis, 3, 1); // the value
    push_integer(&mut axis, 20, 2); // its type: an integer
    let mut node = node("Gather", &[hidden, "head.place"], "head.input");
    push_bytes(&mut node, NODE_ATTRIBUTE, &axis);
    push_bytes(graph, GRAPH_NODE, &node);
}

fn push_node(graph: &mut Vec<u8>, operator: &str, inputs: &[&str], output: &str) {
    push_bytes(graph, GRAPH_NODE, &node(operator, inputs, output));
}

fn node(operator: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let mut node = Vec::new();
    for input in inputs {
        push_bytes(&mut node, NODE_INPUT, input.as_bytes());
    }
    push_bytes(&mut node, NODE_OUTPUT, output.as_bytes());
    push_bytes(&mut node, NODE_OPERATOR, operator.as_bytes());
    node
}

fn push_tensor(graph: &mut Vec<u8>, name: &str, shape: &[usize], values: &[f32]) {
    let mut tensor = Vec::with_capacity(values.len() * 4 + 100);
    for size in shape {
        push_integer(&mut tensor, TENSOR_DIMENSION, *size as u64);
    }
    push_integer(&mut tensor, TENSOR_TYPE, FLOAT);
    push_bytes(&mut tensor, TENSOR_NAME, name.as_bytes());
    push_bytes(&mut tensor, TENSOR_BYTES, &bytes_of(values));
    push_bytes(graph, GRAPH_INITIALIZER, &tensor);
}

fn renamed_output(node: &[Field<'_>], name: &str) -> Vec<u8> {
    let mut renamed = Vec::new();
    for part in node {
        if part.number == NODE_OUTPUT {
            push_bytes(&mut renamed, NODE_OUTPUT, name.as_bytes());
        } else {
            renamed.extend_from_slice(part.whole);
        }
    }
    renamed
}

/// The tensor `name` of the graph with the difference `name.add`.
fn with_difference(tensor: &[Field<'_>], weights: &SafeTensors<'_>, name: &str) -> Result<Vec<u8>, String> {
    let (_, difference) = floats(weights, &format!("{name}.add"))?;
    let is_float = tensor.iter().any(|part| part.number == TENSOR_TYPE && part.integer == FLOAT);
    let mut changed = Vec::new();
    let mut is_changed = false;
    for part in tensor {
        if part.number == TENSOR_BYTES && is_float && part.bytes.len() == difference.len() * 4 {
            let (values, _) = part.bytes.as_chunks::<4>();
            let sums = values.iter().zip(&difference).map(|(value, add)| f32::from_le_bytes(*value) + add);
            push_bytes(&mut changed, TENSOR_BYTES, &bytes_of(&sums.collect::<Vec<_>>()));
            is_changed = true;
        } else {
            changed.extend_from_slice(part.whole);
        }
    }
    if is_changed { Ok(changed) } else { Err(format!("{name} of the graph has another type or size")) }
}

fn description(weights: &[u8]) -> Result<WeightsDescription, String> {
    let (_, metadata) = SafeTensors::read_metadata(weights).map_err(|cause| cause.to_string())?;
    let none = HashMap::new();
    let text = metadata.metadata().as_ref().unwrap_or(&none).get("kinglet").ok_or("it has no description")?;
    serde_json::from_str(text).map_err(|cause| cause.to_string())
}

/// The shape and the values of a tensor of the file.
fn floats(weights: &SafeTensors<'_>, name: &str) -> Result<(Vec<usize>, Vec<f32>), String> {
    let tensor = weights.tensor(name).map_err(|_| format!("it has no tensor {name}"))?;
    let bytes = tensor.data();
    let values = match tensor.dtype() {
        Dtype::F32 => bytes.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)).collect(),
        Dtype::F16 => bytes.as_chunks::<2>().0.iter().map(|value| of_half(u16::from_le_bytes(*value))).collect(),
        Dtype::I8 => bytes.iter().map(|value| f32::from(value.cast_signed())).collect(),
        other => return Err(format!("{name} holds numbers of the type {other}")),
    };
    Ok((tensor.shape().to_vec(), values))
}

/// A number in half precision (IEEE 754, binary16) in single precision.
fn of_half(half: u16) -> f32 {
    let (sign, exponent, fraction) = (half >> 15, i32::from(half >> 10 & 0x1f), f32::from(half & 0x3ff));
    let size = match exponent {
        0 => fraction * 2.0_f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2.0_f32.powi(exponent - 15),
    };
    if sign == 1 { -size } else { size }
}

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn text<'m>(field: &Field<'m>) -> Option<&'m str> {
    std::str::from_utf8(field.bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_read() {
        let halves = [0x0000, 0x8000, 0x3c00, 0xc000, 0x3555, 0x0001, 0x7bff, 0x0400];
        let values = [0.0, -0.0, 1.0, -2.0, 0.333_251_95, 5.960_464_5e-8, 65504.0, 6.103_515_6e-5];
        assert_eq!(halves.map(of_half), values);
    }

    #[test]
    fn damaged_weights_and_graphs_are_errors() {
        let weights = super::super::pair_model::READER_WEIGHTS;
        assert!(merged(&[], &weights[..1000], HeadInput::EveryToken).is_err());
        assert!(merged(&[], weights, HeadInput::EveryToken).is_err());
        let mut model = Vec::new();
        push_bytes(&mut model, MODEL_GRAPH, b"");
        assert!(merged(&model, weights, HeadInput::EveryToken).unwrap_err().starts_with("the graph has no tensor"));
        assert!(merged(b"\x3a\xff\xff", weights, HeadInput::EveryToken).is_err());
    }
}
