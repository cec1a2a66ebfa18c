//! Language models with random weights, written by the tests as GGUF files of about 100 KB: one of
//! each architecture that the catalog's models have.

use std::path::Path;

/// The architectures, each with the chat template in `tests/golden/chat_templates` of a model that
/// has it.
pub const ARCHITECTURES: [(&str, &str); 9] = [
    ("llama", "llama-3.2"),
    ("qwen2", "qwen2.5"),
    ("qwen3", "qwen3"),
    ("gemma3", "gemma-3"),
    ("granite", "granite-4.0"),
    ("granitehybrid", "granite-4.0"),
    ("lfm2", "lfm2"),
    ("phi3", "phi-4-mini"),
    ("smollm3", "smollm3"),
];

/// Tokens that are one token however they are written; the others are single bytes.
pub const SPECIAL_TOKENS: [&str; 17] = [
    "<s>",
    "<|im_start|>",
    "<|im_end|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<|start_of_role|>",
    "<|end_of_role|>",
    "<|end_of_text|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|end|>",
    "<think>",
    "</think>",
];
const BOS: u32 = 256;
const EOS: u32 = BOS + 2;

const CONTEXT: u32 = 2048;
const WIDTH: u64 = 32;
const HEADS: u64 = 4;
const HEADS_KV: u64 = 2;
const HEAD: u64 = WIDTH / HEADS;
const HIDDEN: u64 = 32;
const LAYERS: u64 = 2;
const EXPERTS: u64 = 2;

// Of the layers without attention: kept positions of a convolution, and the size of a state space.
const KERNEL: u64 = 4;
const INNER: u64 = 2 * WIDTH;
const STATE: u64 = 16;

/// The value of an entry of metadata.
pub enum Value<'v> {
    U32(u32),
    F32(f32),
    Bool(bool),
    Text(&'v str),
    Texts(Vec<String>),
    Numbers(Vec<i32>),
}

/// A GGUF file that can still be changed before it is written.
pub struct TinyGguf<'v> {
    pub architecture: &'v str,
    /// Entries of metadata; the last one of a name counts.
    pub metadata: Vec<(String, Value<'v>)>,
    tensors: Vec<(String, Vec<u64>)>,
}

impl<'v> TinyGguf<'v> {
    /// A model of an architecture of [`ARCHITECTURES`], with this chat template.
    pub fn new(architecture: &'v str, template: &'v str) -> Self {
        let mut model = TinyGguf { architecture, metadata: Vec::new(), tensors: Vec::new() };
        model.set("general.architecture", Value::Text(architecture));
        for (key, value) in [
            ("context_length", CONTEXT),
            ("embedding_length", WIDTH as u32),
            ("block_count", LAYERS as u32),
            ("feed_forward_length", HIDDEN as u32),
            ("attention.head_count", HEADS as u32),
        ] {
            model.set_own(key, Value::U32(value));
        }
        model.set_own("attention.layer_norm_rms_epsilon", Value::F32(1e-5));
        model.add_vocabulary(template);
        model.add_tensors();
        model
    }

    /// Sets an entry of metadata.
    pub fn set(&mut self, key: &str, value: Value<'v>) {
        self.metadata.retain(|(other, _)| other != key);
        self.metadata.push((key.to_string(), value));
    }

    /// Sets an entry that describes the architecture.
    pub fn set_own(&mut self, key: &str, value: Value<'v>) {
        self.set(&format!("{}.{key}", self.architecture), value);
    }

    fn add_vocabulary(&mut self, template: &'v str) {
        let texts = (0..=u8::MAX).map(written_byte).chain(SPECIAL_TOKENS.map(str::to_string)).collect();
        let (normal, control, user_defined) = (1, 3, 4);
        let special = SPECIAL_TOKENS.map(|text| if text.ends_with("think>") { user_defined } else { control });
        let types = [normal; 256].into_iter().chain(special).collect();
        self.set("tokenizer.ggml.model", Value::Text("gpt2"));
        self.set("tokenizer.ggml.pre", Value::Text("default"));
        self.set("tokenizer.ggml.tokens", Value::Texts(texts));
        self.set("tokenizer.ggml.token_type", Value::Numbers(types));
        self.set("tokenizer.ggml.merges", Value::Texts(Vec::new()));
        self.set("tokenizer.ggml.bos_token_id", Value::U32(BOS));
        self.set("tokenizer.ggml.eos_token_id", Value::U32(EOS));
        self.set("tokenizer.ggml.add_bos_token", Value::Bool(true));
        self.set("tokenizer.chat_template", Value::Text(template));
    }

    fn add_tensors(&mut self) {
        let vocabulary = 256 + SPECIAL_TOKENS.len() as u64;
        let is_mixed = matches!(self.architecture, "lfm2" | "granitehybrid");
        match self.architecture {
            "granite" => self.set_own("logit_scale", Value::F32(1.0)),
            "gemma3" => self.set_own("attention.sliding_window", Value::U32(16)),
            "lfm2" => self.set_own("shortconv.l_cache", Value::U32(KERNEL as u32)),
            "granitehybrid" => self.add_state_space(),
            _ => {}
        }
        if is_mixed {
            self.set_own("attention.head_count_kv", Value::Numbers(vec![0, HEADS_KV as i32]));
        } else {
            self.set_own("attention.head_count_kv", Value::U32(HEADS_KV as u32));
        }
        self.tensor("token_embd.weight", &[WIDTH, vocabulary]);
        self.tensor(
            if self.architecture == "lfm2" { "token_embd_norm.weight" } else { "output_norm.weight" },
            &[WIDTH],
        );
        for layer in 0..LAYERS {
            self.layer_tensor(layer, "attn_norm.weight", &[WIDTH]);
            match (self.architecture, layer) {
                ("lfm2", 0) => self.add_convolution(layer),
                ("granitehybrid", 0) => self.add_mamba(layer),
                _ => self.add_attention(layer),
            }
            self.add_feed_forward(layer);
        }
    }

    fn add_state_space(&mut self) {
        for (key, value) in [
            ("ssm.conv_kernel", KERNEL),
            ("ssm.inner_size", INNER),
            ("ssm.state_size", STATE),
            ("ssm.time_step_rank", HEADS),
            ("ssm.group_count", 1),
            ("expert_count", EXPERTS),
            ("expert_used_count", 1),
            ("expert_shared_feed_forward_length", HIDDEN),
        ] {
            self.set_own(key, Value::U32(value as u32));
        }
    }

    fn add_attention(&mut self, layer: u64) {
        let (queries, keys) = (HEADS * HEAD, HEADS_KV * HEAD);
        if self.architecture == "phi3" {
            self.layer_tensor(layer, "attn_qkv.weight", &[WIDTH, queries + 2 * keys]);
        } else {
            for (name, width) in [("attn_q", queries), ("attn_k", keys), ("attn_v", keys)] {
                self.layer_tensor(layer, &format!("{name}.weight"), &[WIDTH, width]);
                if self.architecture == "qwen2" {
                    self.layer_tensor(layer, &format!("{name}.bias"), &[width]);
                }
            }
        }
        if matches!(self.architecture, "qwen3" | "gemma3" | "lfm2") {
            self.layer_tensor(layer, "attn_q_norm.weight", &[HEAD]);
            self.layer_tensor(layer, "attn_k_norm.weight", &[HEAD]);
        }
        self.layer_tensor(layer, "attn_output.weight", &[queries, WIDTH]);
    }

    fn add_convolution(&mut self, layer: u64) {
        self.layer_tensor(layer, "shortconv.conv.weight", &[KERNEL, WIDTH]);
        self.layer_tensor(layer, "shortconv.in_proj.weight", &[WIDTH, 3 * WIDTH]);
        self.layer_tensor(layer, "shortconv.out_proj.weight", &[WIDTH, WIDTH]);
    }

    fn add_mamba(&mut self, layer: u64) {
        let convolved = INNER + 2 * STATE;
        self.layer_tensor(layer, "ssm_in.weight", &[WIDTH, INNER + convolved + HEADS]);
        self.layer_tensor(layer, "ssm_conv1d.weight", &[KERNEL, convolved]);
        self.layer_tensor(layer, "ssm_conv1d.bias", &[convolved]);
        self.layer_tensor(layer, "ssm_dt.bias", &[HEADS]);
        self.layer_tensor(layer, "ssm_a", &[1, HEADS]);
        self.layer_tensor(layer, "ssm_d", &[1, HEADS]);
        self.layer_tensor(layer, "ssm_norm.weight", &[INNER, 1]);
        self.layer_tensor(layer, "ssm_out.weight", &[INNER, WIDTH]);
    }

    fn add_feed_forward(&mut self, layer: u64) {
        self.layer_tensor(layer, "ffn_norm.weight", &[WIDTH]);
        if self.architecture == "gemma3" {
            self.layer_tensor(layer, "post_attention_norm.weight", &[WIDTH]);
            self.layer_tensor(layer, "post_ffw_norm.weight", &[WIDTH]);
        }
        if self.architecture == "granitehybrid" {
            self.layer_tensor(layer, "ffn_gate_inp.weight", &[WIDTH, EXPERTS]);
            for (suffix, experts) in [("exps", &[EXPERTS][..]), ("shexp", &[])] {
                self.layer_tensor(layer, &format!("ffn_gate_{suffix}.weight"), &[&[WIDTH, HIDDEN], experts].concat());
                self.layer_tensor(layer, &format!("ffn_up_{suffix}.weight"), &[&[WIDTH, HIDDEN], experts].concat());
                self.layer_tensor(layer, &format!("ffn_down_{suffix}.weight"), &[&[HIDDEN, WIDTH], experts].concat());
            }
            return;
        }
        if self.architecture == "phi3" {
            self.layer_tensor(layer, "ffn_up.weight", &[WIDTH, 2 * HIDDEN]);
        } else {
            self.layer_tensor(layer, "ffn_gate.weight", &[WIDTH, HIDDEN]);
            self.layer_tensor(layer, "ffn_up.weight", &[WIDTH, HIDDEN]);
        }
        self.layer_tensor(layer, "ffn_down.weight", &[HIDDEN, WIDTH]);
    }

    fn layer_tensor(&mut self, layer: u64, name: &str, shape: &[u64]) {
        self.tensor(&format!("blk.{layer}.{name}"), shape);
    }

    fn tensor(&mut self, name: &str, shape: &[u64]) {
        self.tensors.push((name.to_string(), shape.to_vec()));
    }

    /// Writes the file.
    pub fn write(&self, path: &Path) {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(3_u32.to_le_bytes());
        bytes.extend((self.tensors.len() as u64).to_le_bytes());
        bytes.extend((self.metadata.len() as u64).to_le_bytes());
        for (key, value) in &self.metadata {
            put_text(&mut bytes, key);
            put_value(&mut bytes, value);
        }
        let mut weights: Vec<u8> = Vec::new();
        let mut next = noise();
        for (name, shape) in &self.tensors {
            put_text(&mut bytes, name);
            bytes.extend((shape.len() as u32).to_le_bytes());
            bytes.extend(shape.iter().flat_map(|size| size.to_le_bytes()));
            bytes.extend(0_u32.to_le_bytes()); // numbers of 32 bits
            bytes.extend((weights.len() as u64).to_le_bytes());
            // Norms scale by about 1, and a state decays.
            let middle = match name {
                name if name.contains("norm") => 1.0,
                name if name.ends_with("ssm_a") => -1.0,
                _ => 0.0,
            };
            let count = shape.iter().product::<u64>();
            // Special tokens are small, so that the model writes bytes.
            let size = |at: u64| if name == "token_embd.weight" && at >= 256 * WIDTH { 0.001 } else { 0.4 };
            weights.extend((0..count).flat_map(|at| (middle + size(at) * next()).to_le_bytes()));
            pad(&mut weights);
        }
        pad(&mut bytes);
        bytes.extend(weights);
        std::fs::write(path, bytes).unwrap();
    }
}

/// Seeded noise between -0.5 and 0.5.
fn noise() -> impl FnMut() -> f32 {
    let mut state = 42_u64;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    }
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(32), 0);
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

fn put_value(bytes: &mut Vec<u8>, value: &Value) {
    let (u32_kind, i32_kind, f32_kind, bool_kind, text_kind, list_kind) = (4_u32, 5_u32, 6_u32, 7_u32, 8_u32, 9_u32);
    let mut put = |kind: u32, rest: &[u8]| {
        bytes.extend(kind.to_le_bytes());
        bytes.extend(rest);
    };
    match value {
        Value::U32(number) => put(u32_kind, &number.to_le_bytes()),
        Value::F32(number) => put(f32_kind, &number.to_le_bytes()),
        Value::Bool(flag) => put(bool_kind, &[u8::from(*flag)]),
        Value::Text(text) => {
            put(text_kind, &[]);
            put_text(bytes, text);
        }
        Value::Texts(texts) => {
            put(list_kind, &[]);
            bytes.extend(text_kind.to_le_bytes());
            bytes.extend((texts.len() as u64).to_le_bytes());
            texts.iter().for_each(|text| put_text(bytes, text));
        }
        Value::Numbers(numbers) => {
            put(list_kind, &[]);
            bytes.extend(i32_kind.to_le_bytes());
            bytes.extend((numbers.len() as u64).to_le_bytes());
            bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        }
    }
}

/// A byte as vocabularies of GPT-2's kind write it: printable ones as they are, the others as the
/// letters from U+0100 on.
fn written_byte(byte: u8) -> String {
    let is_printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if is_printable(byte) {
        return char::from(byte).to_string();
    }
    let before = (0..byte).filter(|other| !is_printable(*other)).count() as u32;
    char::from_u32(256 + before).unwrap().to_string()
}
