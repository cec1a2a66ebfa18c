//! Builds the graph of a BERT with a masked-language-model head from its tensors, for ONNX Runtime.
//!
//! A publisher that gives only tensors (a `.safetensors` file) gives no ONNX graph; ONNX Runtime's
//! model editor makes one in memory.
//!
//! Sources: Devlin, Chang, Lee & Toutanova, *BERT*, NAACL 2019, for the forward pass; the ONNX
//! operator specification, opset 20, for the nodes.

use ort::editor::{Graph, Model, Node, ONNX_DOMAIN, Opset};
use ort::memory::Allocator;
use ort::operator::Attribute;
use ort::value::{Outlet, Shape, SymbolicDimensions, Tensor, TensorElementType, TensorValueTypeMarker, ValueType};
use safetensors::tensor::{Dtype, SafeTensors};

/// The number of components of an attention head of a BERT.
const HEAD_DIMENSION: i64 = 64;
/// The number that a BERT adds to a variance before it divides by the root.
const EPSILON: f32 = 1e-12;
/// The first version of ONNX's operators with `Gelu`.
const OPERATORS: u32 = 20;

/// The tensor with one number for each term of the vocabulary.
const BIAS: &str = "cls.predictions.bias";

/// The graph's inputs: the token ids of one text, and 0, 1, 2 … for as many positions.
pub(super) const INPUTS: [&str; 2] = ["tokens", "positions"];
/// The graph's output: for each term of the vocabulary, the largest logit that a token gives it.
pub(super) const OUTPUT: &str = "largest_logits";

/// Reads the tensors of a `BertForMaskedLM` whose layer norms are named gamma and beta, and whose
/// vocabulary has `vocabulary` terms.
///
/// # Errors
/// When a tensor is missing or of another type, or the vocabulary has another size.
pub(super) fn masked_language_model(bytes: &[u8], vocabulary: usize) -> Result<Model, String> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|cause| cause.to_string())?;
    let terms = shape_of(&tensors, BIAS)?;
    if terms != [vocabulary as i64] {
        return Err(format!("its vocabulary has the shape {terms:?}"));
    }
    let mut builder = Builder { tensors: &tensors, graph: Graph::new().map_err(text)?, nodes: 0 };
    let embeddings = "bert.embeddings";
    let words = builder.weights(&format!("{embeddings}.word_embeddings.weight"))?;
    let positions = builder.weights(&format!("{embeddings}.position_embeddings.weight"))?;
    let segments = builder.weights(&format!("{embeddings}.token_type_embeddings.weight"))?;
    let first = builder.integers("first", &[], &[0])?;

    let words_of_tokens = builder.node("Gather", &[&words, INPUTS[0]], [])?;
    let positions_of_tokens = builder.node("Gather", &[&positions, INPUTS[1]], [])?;
    let first_segment = builder.node("Gather", &[&segments, &first], [])?;
    let placed = builder.node("Add", &[&words_of_tokens, &positions_of_tokens], [])?;
    let placed = builder.node("Add", &[&placed, &first_segment], [])?;
    let mut hidden = builder.norm(&format!("{embeddings}.LayerNorm"), &placed)?;
    for layer in (0..).map(|number| format!("bert.encoder.layer.{number}")) {
        if tensors.tensor(&format!("{layer}.output.dense.weight")).is_err() {
            break;
        }
        hidden = builder.layer(&layer, &hidden)?;
    }
    let transformed = builder.linear("cls.predictions.transform.dense", &hidden)?;
    let transformed = builder.node("Gelu", &[&transformed], [])?;
    let transformed = builder.norm("cls.predictions.transform.LayerNorm", &transformed)?;
    let bias = builder.weights(BIAS)?;
    let logits = builder.gemm(&[&transformed, &words, &bias])?;
    let over_tokens = builder.integers("over_tokens", &[1], &[0])?;
    builder.node_named("ReduceMax", &[&logits, &over_tokens], OUTPUT, [attribute("keepdims", 0_i64)?])?;
    builder.finish(terms)
}

struct Builder<'t> {
    tensors: &'t SafeTensors<'t>,
    graph: Graph,
    nodes: usize,
}

impl Builder<'_> {
    /// Attention, and two dense layers that process each token by itself: tokens × components → the
    /// same.
    fn layer(&mut self, name: &str, hidden: &str) -> Result<String, String> {
        let split = self.integers(&format!("{name}.heads"), &[3], &[0, -1, HEAD_DIMENSION])?;
        let joined = self.integers(&format!("{name}.joined"), &[2], &[0, -1])?;
        let scale = self.floats(&format!("{name}.scale"), &[], &[1.0 / (HEAD_DIMENSION as f32).sqrt()])?;
        let heads = |builder: &mut Self, part: &str, order: [i64; 3]| {
            let projected = builder.linear(&format!("{name}.attention.self.{part}"), hidden)?;
            let heads = builder.node("Reshape", &[&projected, &split], [])?;
            builder.node("Transpose", &[&heads], [attribute("perm", order.to_vec())?])
        };
        let query = heads(self, "query", [1, 0, 2])?;
        let key = heads(self, "key", [1, 2, 0])?;
        let value = heads(self, "value", [1, 0, 2])?;
        let scores = self.node("MatMul", &[&query, &key], [])?;
        let scores = self.node("Mul", &[&scores, &scale], [])?;
        let shares = self.node("Softmax", &[&scores], [attribute("axis", -1_i64)?])?;
        let context = self.node("MatMul", &[&shares, &value], [])?;
        let context = self.node("Transpose", &[&context], [attribute("perm", vec![1_i64, 0, 2])?])?;
        let context = self.node("Reshape", &[&context, &joined], [])?;
        let attended = self.with_residual(&format!("{name}.attention.output"), &context, hidden)?;
        let wide = self.linear(&format!("{name}.intermediate.dense"), &attended)?;
        let wide = self.node("Gelu", &[&wide], [])?;
        self.with_residual(&format!("{name}.output"), &wide, &attended)
    }

    fn with_residual(&mut self, name: &str, input: &str, residual: &str) -> Result<String, String> {
        let dense = self.linear(&format!("{name}.dense"), input)?;
        let sum = self.node("Add", &[&dense, residual], [])?;
        self.norm(&format!("{name}.LayerNorm"), &sum)
    }

    fn linear(&mut self, name: &str, input: &str) -> Result<String, String> {
        let (weight, bias) = (self.weights(&format!("{name}.weight"))?, self.weights(&format!("{name}.bias"))?);
        self.gemm(&[input, &weight, &bias])
    }

    fn gemm(&mut self, inputs: &[&str; 3]) -> Result<String, String> {
        self.node("Gemm", inputs, [attribute("transB", 1_i64)?])
    }

    fn norm(&mut self, name: &str, input: &str) -> Result<String, String> {
        let (gamma, beta) = (self.weights(&format!("{name}.gamma"))?, self.weights(&format!("{name}.beta"))?);
        self.node("LayerNormalization", &[input, &gamma, &beta], [attribute("epsilon", EPSILON)?])
    }

    /// Adds a node with one output, and returns the output's name.
    fn node<const N: usize>(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: [Attribute; N],
    ) -> Result<String, String> {
        let output = format!("{operator}.{}", self.nodes);
        self.node_named(operator, inputs, &output, attributes)?;
        Ok(output)
    }

    fn node_named<const N: usize>(
        &mut self,
        operator: &str,
        inputs: &[&str],
        output: &str,
        attributes: [Attribute; N],
    ) -> Result<(), String> {
        self.nodes += 1;
        let node = Node::new(operator, ONNX_DOMAIN, output, inputs, [output], attributes).map_err(text)?;
        self.graph.add_node(node).map_err(text)
    }

    /// Adds a tensor of the file, which must not be added twice.
    fn weights(&mut self, name: &str) -> Result<String, String> {
        let tensor = self.tensors.tensor(name).map_err(|_| format!("it has no tensor {name}"))?;
        if tensor.dtype() != Dtype::F32 {
            return Err(format!("{name} holds numbers of the type {}", tensor.dtype()));
        }
        let (numbers, _) = tensor.data().as_chunks::<4>();
        let numbers: Vec<f32> = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        self.floats(name, &shape_of(self.tensors, name)?, &numbers)
    }

    fn floats(&mut self, name: &str, shape: &[i64], numbers: &[f32]) -> Result<String, String> {
        let mut tensor = Tensor::<f32>::new(&Allocator::default(), Shape::new(shape.to_vec())).map_err(text)?;
        tensor.extract_tensor_mut().1.copy_from_slice(numbers);
        self.constant(name, tensor)
    }

    fn integers(&mut self, name: &str, shape: &[i64], numbers: &[i64]) -> Result<String, String> {
        let mut tensor = Tensor::<i64>::new(&Allocator::default(), Shape::new(shape.to_vec())).map_err(text)?;
        tensor.extract_tensor_mut().1.copy_from_slice(numbers);
        self.constant(name, tensor)
    }

    fn constant<T: TensorValueTypeMarker>(
        &mut self,
        name: &str,
        tensor: ort::value::Value<T>,
    ) -> Result<String, String> {
        self.graph.add_initializer(name, tensor, false).map_err(text)?;
        Ok(name.to_string())
    }

    fn finish(mut self, output: Vec<i64>) -> Result<Model, String> {
        let inputs = INPUTS.map(|name| outlet(name, TensorElementType::Int64, vec![-1]));
        self.graph.set_inputs(inputs).map_err(text)?;
        self.graph.set_outputs([outlet(OUTPUT, TensorElementType::Float32, output)]).map_err(text)?;
        let operators = Opset::new(ONNX_DOMAIN, OPERATORS).map_err(text)?;
        let mut model = Model::new([operators]).map_err(text)?;
        model.set_graph(self.graph).map_err(text)?;
        Ok(model)
    }
}

fn outlet(name: &str, ty: TensorElementType, shape: Vec<i64>) -> Outlet {
    let dimension_symbols = SymbolicDimensions::empty(shape.len());
    Outlet::new(name, ValueType::Tensor { ty, shape: Shape::new(shape), dimension_symbols })
}

fn shape_of(tensors: &SafeTensors<'_>, name: &str) -> Result<Vec<i64>, String> {
    let tensor = tensors.tensor(name).map_err(|_| format!("it has no tensor {name}"))?;
    tensor.shape().iter().map(|size| i64::try_from(*size).map_err(|_| format!("{name} is too large"))).collect()
}

fn attribute(name: &str, value: impl ort::operator::ToAttribute) -> Result<Attribute, String> {
    Attribute::new(name, value).map_err(text)
}

fn text(cause: ort::Error) -> String {
    cause.to_string()
}
