//! The rows of models that a hub has. Facts are from the models' cards, and held against fastembed's own tables by a test.

use super::{Engine, Kind, ModelFile, Row, Source};
use crate::models::traits::Pooling;

/// What the BGE family and those trained like it want before a question.
const BGE_QUERY: &str = "Represent this sentence for searching relevant passages: ";

/// The embedders, in the order in which they are listed.
pub fn embedders() -> Vec<Row> {
    vec![
        Row {
            id: "all-minilm-l12-v2",
            description: "a small English embedder",
            parameters: Some(33_000_000),
            licence: "Apache-2.0",
            files: hub(
                "Xenova/all-MiniLM-L12-v2",
                &[("model.onnx", "onnx/model.onnx"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: Kind::Embedder {
                dimension: 384,
                max_tokens: 128,
                query_prefix: "",
                passage_prefix: "",
                engine: Engine::Onnx { pooling: Pooling::Mean, pad_token: "[PAD]", output: None },
            },
        },
        Row {
            id: "all-mpnet-base-v2",
            description: "an English embedder",
            parameters: Some(109_000_000),
            licence: "Apache-2.0",
            files: hub(
                "Xenova/all-mpnet-base-v2",
                &[("model.onnx", "onnx/model.onnx"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: Kind::Embedder {
                dimension: 768,
                max_tokens: 384,
                query_prefix: "",
                passage_prefix: "",
                engine: Engine::Onnx { pooling: Pooling::Mean, pad_token: "<pad>", output: None },
            },
        },
        Row {
            id: "bge-small-en-v1.5",
            description: "a small English embedder",
            parameters: Some(33_000_000),
            licence: "MIT",
            files: hub(
                "Xenova/bge-small-en-v1.5",
                &[("model.onnx", "onnx/model.onnx"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: Kind::Embedder {
                dimension: 384,
                max_tokens: 512,
                query_prefix: BGE_QUERY,
                passage_prefix: "",
                engine: Engine::Onnx { pooling: Pooling::Cls, pad_token: "[PAD]", output: None },
            },
        },
        Row {
            id: "bge-base-en-v1.5",
            description: "an English embedder",
            parameters: Some(109_000_000),
            licence: "MIT",
            files: hub(
                "Xenova/bge-base-en-v1.5",
                &[("model.onnx", "onnx/model.onnx"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: Kind::Embedder {
                dimension: 768,
                max_tokens: 512,
                query_prefix: BGE_QUERY,
                passage_prefix: "",
                engine: Engine::Onnx { pooling: Pooling::Cls, pad_token: "[PAD]", output: None },
            },
        },
        Row {
            id: "bge-small-zh-v1.5",
            description: "a small Chinese embedder",
            parameters: Some(24_000_000),
            licence: "MIT",
            files: hub(
                "Xenova/bge-small-zh-v1.5",
                &[("model.onnx", "onnx/model.onnx"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: Kind::Embedder {
                dimension: 512,
                max_tokens: 512,
                query_prefix: "为这个句子生成表示以用于检索相关文章：",
                passage_prefix: "",
                engine: Engine::Onnx { pooling: Pooling::Cls, pad_token: "[PAD]", output: None },
            },
        },
        Row {
            id: "snowflake-arctic-embed-xs",
            description: "a small English embedder",
            parameters: Some(23_000_000),
            licence: "Apache-2.0",
            files: hub(
                "snowflake/snowflake-arctic-embed-xs",
                &[("model.onnx", "onnx/model.onnx"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: Kind::Embedder {
                dimension: 384,
                max_tokens: 512,
                query_prefix: BGE_QUERY,
                passage_prefix: "",
                engine: Engine::Onnx { pooling: Pooling::Cls, pad_token: "[PAD]", output: None },
            },
        },
        Row {
            id: "snowflake-arctic-embed-s",
            description: "a small English embedder",
            parameters: Some(33_000_000),
            licence: "Apache-2.0",
            files: hub(
                "snowflake/snowflake-arctic-embed-s",
                &[("model.onnx", "onnx/model.onnx"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: Kind::Embedder {
                dimension: 384,
                max_tokens: 512,
                query_prefix: BGE_QUERY,
                passage_prefix: "",
                engine: Engine::Onnx { pooling: Pooling::Cls, pad_token: "[PAD]", output: None },
            },
        },
        Row {
            id: "snowflake-arctic-embed-m",
            description: "an English embedder",
            parameters: Some(109_000_000),
            licence: "Apache-2.0",
            files: hub(
                "Snowflake/snowflake-arctic-embed-m",
                &[("model.onnx", "onnx/model.onnx"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: Kind::Embedder {
                dimension: 768,
                max_tokens: 512,
                query_prefix: BGE_QUERY,
                passage_prefix: "",
                engine: Engine::Onnx { pooling: Pooling::Cls, pad_token: "[PAD]", output: None },
            },
        },
        Row {
            id: "gte-base-en-v1.5",
            description: "an English embedder for long texts",
            parameters: Some(137_000_000),
            licence: "Apache-2.0",
            files: hub(
                "Alibaba-NLP/gte-base-en-v1.5",
                &[("model.onnx", "onnx/model.onnx"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: Kind::Embedder {
                dimension: 768,
                max_tokens: 8192,
                query_prefix: "",
                passage_prefix: "",
                engine: Engine::Onnx { pooling: Pooling::Cls, pad_token: "[PAD]", output: None },
            },
        },
        Row {
            id: "nomic-embed-text-v1.5",
            description: "an English embedder for long texts",
            parameters: Some(137_000_000),
            licence: "Apache-2.0",
            files: hub(
                "nomic-ai/nomic-embed-text-v1.5",
                &[("model.onnx", "onnx/model.onnx"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: Kind::Embedder {
                dimension: 768,
                max_tokens: 8192,
                query_prefix: "search_query: ",
                passage_prefix: "search_document: ",
                engine: Engine::Onnx { pooling: Pooling::Mean, pad_token: "[PAD]", output: None },
            },
        },
        Row {
            id: "mxbai-embed-large-v1",
            description: "a large English embedder",
            parameters: Some(335_000_000),
            licence: "Apache-2.0",
            files: hub(
                "mixedbread-ai/mxbai-embed-large-v1",
                &[("model.onnx", "onnx/model.onnx"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: Kind::Embedder {
                dimension: 1024,
                max_tokens: 512,
                query_prefix: BGE_QUERY,
                passage_prefix: "",
                engine: Engine::Onnx { pooling: Pooling::Cls, pad_token: "[PAD]", output: None },
            },
        },
        Row {
            id: "modernbert-embed-large",
            description: "a large English embedder for long texts",
            parameters: Some(395_000_000),
            licence: "Apache-2.0",
            files: hub(
                "lightonai/modernbert-embed-large",
                &[("model.onnx", "onnx/model.onnx"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: Kind::Embedder {
                dimension: 1024,
                max_tokens: 8192,
                query_prefix: "search_query: ",
                passage_prefix: "search_document: ",
                engine: Engine::Onnx { pooling: Pooling::Mean, pad_token: "[PAD]", output: None },
            },
        },
        Row {
            id: "jina-embeddings-v2-base-en",
            description: "an English embedder for long texts",
            parameters: Some(137_000_000),
            licence: "Apache-2.0",
            files: hub(
                "jinaai/jina-embeddings-v2-base-en",
                &[("model.onnx", "model.onnx"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: Kind::Embedder {
                dimension: 768,
                max_tokens: 8192,
                query_prefix: "",
                passage_prefix: "",
                engine: Engine::Onnx { pooling: Pooling::Mean, pad_token: "[PAD]", output: None },
            },
        },
        Row {
            id: "jina-embeddings-v2-base-code",
            description: "an embedder for English and code",
            parameters: Some(161_000_000),
            licence: "Apache-2.0",
            files: hub(
                "jinaai/jina-embeddings-v2-base-code",
                &[("model.onnx", "onnx/model.onnx"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: Kind::Embedder {
                dimension: 768,
                max_tokens: 8192,
                query_prefix: "",
                passage_prefix: "",
                engine: Engine::Onnx { pooling: Pooling::Mean, pad_token: "<pad>", output: None },
            },
        },
        Row {
            id: "multilingual-e5-small",
            description: "a small embedder for 94 languages",
            parameters: Some(118_000_000),
            licence: "MIT",
            files: hub(
                "intfloat/multilingual-e5-small",
                &[("model.onnx", "onnx/model.onnx"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: Kind::Embedder {
                dimension: 384,
                max_tokens: 512,
                query_prefix: "query: ",
                passage_prefix: "passage: ",
                engine: Engine::Onnx { pooling: Pooling::Mean, pad_token: "<pad>", output: None },
            },
        },
        Row {
            id: "multilingual-e5-base",
            description: "an embedder for 94 languages",
            parameters: Some(278_000_000),
            licence: "MIT",
            files: hub(
                "intfloat/multilingual-e5-base",
                &[("model.onnx", "onnx/model.onnx"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: Kind::Embedder {
                dimension: 768,
                max_tokens: 512,
                query_prefix: "query: ",
                passage_prefix: "passage: ",
                engine: Engine::Onnx { pooling: Pooling::Mean, pad_token: "<pad>", output: None },
            },
        },
        Row {
            id: "paraphrase-multilingual-minilm-l12-v2",
            description: "a small embedder for 50 languages",
            parameters: Some(118_000_000),
            licence: "Apache-2.0",
            files: hub(
                "Xenova/paraphrase-multilingual-MiniLM-L12-v2",
                &[("model.onnx", "onnx/model.onnx"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: Kind::Embedder {
                dimension: 384,
                max_tokens: 128,
                query_prefix: "",
                passage_prefix: "",
                engine: Engine::Onnx { pooling: Pooling::Mean, pad_token: "<pad>", output: None },
            },
        },
        Row {
            id: "embeddinggemma-300m",
            description: "an embedder for 100 languages",
            parameters: Some(308_000_000),
            licence: "LicenseRef-Gemma",
            files: hub(
                "onnx-community/embeddinggemma-300m-ONNX",
                &[
                    ("model.onnx", "onnx/model.onnx"),
                    ("tokenizer.json", "tokenizer.json"),
                    ("model.onnx_data", "onnx/model.onnx_data"),
                ],
            ),
            kind: Kind::Embedder {
                dimension: 768,
                max_tokens: 2048,
                query_prefix: "task: search result | query: ",
                passage_prefix: "title: none | text: ",
                engine: Engine::Onnx { pooling: Pooling::Mean, pad_token: "<pad>", output: Some("sentence_embedding") },
            },
        },
        Row {
            id: "potion-base-8m",
            description: "a static English embedder: very fast",
            parameters: Some(8_000_000),
            licence: "MIT",
            files: hub(
                "minishlab/potion-base-8M",
                &[("model.safetensors", "model.safetensors"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: Kind::Embedder {
                dimension: 256,
                max_tokens: 512,
                query_prefix: "",
                passage_prefix: "",
                engine: Engine::Static,
            },
        },
        Row {
            id: "potion-retrieval-32m",
            description: "a static English embedder made for search: very fast",
            parameters: Some(32_000_000),
            licence: "MIT",
            files: hub(
                "minishlab/potion-retrieval-32M",
                &[("model.safetensors", "model.safetensors"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: Kind::Embedder {
                dimension: 512,
                max_tokens: 512,
                query_prefix: "",
                passage_prefix: "",
                engine: Engine::Static,
            },
        },
    ]
}

/// The rerankers, in the order in which they are listed.
pub fn rerankers() -> Vec<Row> {
    vec![
        Row {
            id: "bge-reranker-base",
            description: "a cross-encoder for English and Chinese",
            parameters: Some(278_000_000),
            licence: "MIT",
            files: hub(
                "BAAI/bge-reranker-base",
                &[("model.onnx", "onnx/model.onnx"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: Kind::Reranker { max_tokens: 512, pad_token: "<pad>" },
        },
        Row {
            id: "bge-reranker-v2-m3",
            description: "a large multilingual cross-encoder",
            parameters: Some(568_000_000),
            licence: "Apache-2.0",
            files: hub(
                "rozgo/bge-reranker-v2-m3",
                &[
                    ("model.onnx", "model.onnx"),
                    ("tokenizer.json", "tokenizer.json"),
                    ("model.onnx.data", "model.onnx.data"),
                ],
            ),
            kind: Kind::Reranker { max_tokens: 8192, pad_token: "<pad>" },
        },
        Row {
            id: "jina-reranker-v1-turbo-en",
            description: "a small English cross-encoder",
            parameters: Some(38_000_000),
            licence: "Apache-2.0",
            files: hub(
                "jinaai/jina-reranker-v1-turbo-en",
                &[("model.onnx", "onnx/model.onnx"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: Kind::Reranker { max_tokens: 8192, pad_token: "[PAD]" },
        },
        Row {
            id: "jina-reranker-v2-base-multilingual",
            description: "a multilingual cross-encoder; not for commercial use",
            parameters: Some(278_000_000),
            licence: "CC-BY-NC-4.0",
            files: hub(
                "jinaai/jina-reranker-v2-base-multilingual",
                &[("model.onnx", "onnx/model.onnx"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: Kind::Reranker { max_tokens: 1024, pad_token: "<pad>" },
        },
    ]
}

/// Files of a hub's repository: their names here and their paths there.
fn hub(repository: &'static str, files: &[(&'static str, &'static str)]) -> Vec<ModelFile> {
    let file = |&(name, file): &(&'static str, &'static str)| ModelFile {
        name,
        sha256: None,
        size_bytes: None,
        sources: vec![Source::Hub { repository, revision: "main", file }],
    };
    files.iter().map(file).collect()
}
