//! The models that are downloaded from a hub. The facts are from the models' cards, and a test
//! compares them with fastembed's own tables.

use super::{DownloadSource, Engine, ModelFile, ModelKind, ModelSpec};
use crate::models::contracts::Pooling;

/// The query prefix of the BGE family and of models trained like it.
const BGE_QUERY: &str = "Represent this sentence for searching relevant passages: ";
const BGE_CHINESE_QUERY: &str = "为这个句子生成表示以用于检索相关文章：";
const PLAIN: [&str; 2] = ["", ""];
const E5: [&str; 2] = ["query: ", "passage: "];
const NOMIC: [&str; 2] = ["search_query: ", "search_document: "];

/// The embedders, in the order in which they are listed.
pub(super) fn embedders() -> Vec<ModelSpec> {
    vec![
        ModelSpec {
            id: "all-minilm-l12-v2".into(),
            description: "a small English embedder".into(),
            parameters: Some(33_000_000),
            licence: "Apache-2.0".into(),
            files: graph("Xenova/all-MiniLM-L12-v2"),
            kind: embedder(384, 128, PLAIN, Pooling::Mean, "[PAD]"),
        },
        ModelSpec {
            id: "all-mpnet-base-v2".into(),
            description: "an English embedder".into(),
            parameters: Some(109_000_000),
            licence: "Apache-2.0".into(),
            files: graph("Xenova/all-mpnet-base-v2"),
            kind: embedder(768, 384, PLAIN, Pooling::Mean, "<pad>"),
        },
        ModelSpec {
            id: "bge-small-en-v1.5".into(),
            description: "a small English embedder".into(),
            parameters: Some(33_000_000),
            licence: "MIT".into(),
            files: graph("Xenova/bge-small-en-v1.5"),
            kind: embedder(384, 512, [BGE_QUERY, ""], Pooling::Cls, "[PAD]"),
        },
        ModelSpec {
            id: "bge-base-en-v1.5".into(),
            description: "an English embedder".into(),
            parameters: Some(109_000_000),
            licence: "MIT".into(),
            files: graph("Xenova/bge-base-en-v1.5"),
            kind: embedder(768, 512, [BGE_QUERY, ""], Pooling::Cls, "[PAD]"),
        },
        ModelSpec {
            id: "bge-large-en-v1.5".into(),
            description: "a large English embedder".into(),
            parameters: Some(335_000_000),
            licence: "MIT".into(),
            files: graph("Xenova/bge-large-en-v1.5"),
            kind: embedder(1024, 512, [BGE_QUERY, ""], Pooling::Cls, "[PAD]"),
        },
        ModelSpec {
            id: "bge-small-en-v1.5-q".into(),
            description: "a small English embedder with weights of 8 bits".into(),
            parameters: Some(33_000_000),
            licence: "MIT".into(),
            files: hub(
                "Qdrant/bge-small-en-v1.5-onnx-Q",
                &[("model.onnx", "model_optimized.onnx"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: embedder(384, 512, [BGE_QUERY, ""], Pooling::Cls, "[PAD]"),
        },
        ModelSpec {
            id: "bge-base-en-v1.5-q".into(),
            description: "an English embedder with weights of 8 bits".into(),
            parameters: Some(109_000_000),
            licence: "MIT".into(),
            files: hub(
                "Qdrant/bge-base-en-v1.5-onnx-Q",
                &[("model.onnx", "model_optimized.onnx"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: embedder(768, 512, [BGE_QUERY, ""], Pooling::Cls, "[PAD]"),
        },
        ModelSpec {
            id: "bge-small-zh-v1.5".into(),
            description: "a small Chinese embedder".into(),
            parameters: Some(24_000_000),
            licence: "MIT".into(),
            files: graph("Xenova/bge-small-zh-v1.5"),
            kind: embedder(512, 512, [BGE_CHINESE_QUERY, ""], Pooling::Cls, "[PAD]"),
        },
        ModelSpec {
            id: "bge-large-zh-v1.5".into(),
            description: "a large Chinese embedder".into(),
            parameters: Some(326_000_000),
            licence: "MIT".into(),
            files: graph("Xenova/bge-large-zh-v1.5"),
            kind: embedder(1024, 512, [BGE_CHINESE_QUERY, ""], Pooling::Cls, "[PAD]"),
        },
        ModelSpec {
            id: "bge-m3".into(),
            description: "a large embedder for 100 languages and long texts".into(),
            parameters: Some(568_000_000),
            licence: "MIT".into(),
            files: hub(
                "BAAI/bge-m3",
                &[
                    ("model.onnx", "onnx/model.onnx"),
                    ("tokenizer.json", "tokenizer.json"),
                    ("model.onnx_data", "onnx/model.onnx_data"),
                    ("Constant_7_attr__value", "onnx/Constant_7_attr__value"),
                ],
            ),
            kind: embedder(1024, 8192, PLAIN, Pooling::Cls, "<pad>"),
        },
        ModelSpec {
            id: "e5-small-v2".into(),
            description: "a small English embedder".into(),
            parameters: Some(33_000_000),
            licence: "MIT".into(),
            files: graph("Xenova/e5-small-v2"),
            kind: embedder(384, 512, E5, Pooling::Mean, "[PAD]"),
        },
        ModelSpec {
            id: "e5-base-v2".into(),
            description: "an English embedder".into(),
            parameters: Some(109_000_000),
            licence: "MIT".into(),
            files: graph("Xenova/e5-base-v2"),
            kind: embedder(768, 512, E5, Pooling::Mean, "[PAD]"),
        },
        ModelSpec {
            id: "gte-small".into(),
            description: "a small English embedder".into(),
            parameters: Some(33_000_000),
            licence: "MIT".into(),
            files: graph("Xenova/gte-small"),
            kind: embedder(384, 512, PLAIN, Pooling::Mean, "[PAD]"),
        },
        ModelSpec {
            id: "gte-base".into(),
            description: "an English embedder".into(),
            parameters: Some(109_000_000),
            licence: "MIT".into(),
            files: graph("Xenova/gte-base"),
            kind: embedder(768, 512, PLAIN, Pooling::Mean, "[PAD]"),
        },
        ModelSpec {
            id: "granite-embedding-30m-english".into(),
            description: "a small English embedder".into(),
            parameters: Some(30_000_000),
            licence: "Apache-2.0".into(),
            files: graph("onnx-community/granite-embedding-30m-english-ONNX"),
            kind: embedder(384, 512, PLAIN, Pooling::Cls, "<pad>"),
        },
        ModelSpec {
            id: "snowflake-arctic-embed-xs".into(),
            description: "a small English embedder".into(),
            parameters: Some(23_000_000),
            licence: "Apache-2.0".into(),
            files: graph("snowflake/snowflake-arctic-embed-xs"),
            kind: embedder(384, 512, [BGE_QUERY, ""], Pooling::Cls, "[PAD]"),
        },
        ModelSpec {
            id: "snowflake-arctic-embed-s".into(),
            description: "a small English embedder".into(),
            parameters: Some(33_000_000),
            licence: "Apache-2.0".into(),
            files: graph("snowflake/snowflake-arctic-embed-s"),
            kind: embedder(384, 512, [BGE_QUERY, ""], Pooling::Cls, "[PAD]"),
        },
        ModelSpec {
            id: "snowflake-arctic-embed-m".into(),
            description: "an English embedder".into(),
            parameters: Some(109_000_000),
            licence: "Apache-2.0".into(),
            files: graph("Snowflake/snowflake-arctic-embed-m"),
            kind: embedder(768, 512, [BGE_QUERY, ""], Pooling::Cls, "[PAD]"),
        },
        ModelSpec {
            id: "snowflake-arctic-embed-m-long".into(),
            description: "an English embedder for long texts".into(),
            parameters: Some(137_000_000),
            licence: "Apache-2.0".into(),
            files: graph("snowflake/snowflake-arctic-embed-m-long"),
            kind: embedder(768, 2048, [BGE_QUERY, ""], Pooling::Cls, "[PAD]"),
        },
        ModelSpec {
            id: "snowflake-arctic-embed-l".into(),
            description: "a large English embedder".into(),
            parameters: Some(335_000_000),
            licence: "Apache-2.0".into(),
            files: graph("snowflake/snowflake-arctic-embed-l"),
            kind: embedder(1024, 512, [BGE_QUERY, ""], Pooling::Cls, "[PAD]"),
        },
        ModelSpec {
            id: "gte-base-en-v1.5".into(),
            description: "an English embedder for long texts".into(),
            parameters: Some(137_000_000),
            licence: "Apache-2.0".into(),
            files: graph("Alibaba-NLP/gte-base-en-v1.5"),
            kind: embedder(768, 8192, PLAIN, Pooling::Cls, "[PAD]"),
        },
        ModelSpec {
            id: "gte-large-en-v1.5".into(),
            description: "a large English embedder for long texts".into(),
            parameters: Some(434_000_000),
            licence: "Apache-2.0".into(),
            files: graph("Alibaba-NLP/gte-large-en-v1.5"),
            kind: embedder(1024, 8192, PLAIN, Pooling::Cls, "[PAD]"),
        },
        ModelSpec {
            id: "nomic-embed-text-v1".into(),
            description: "an English embedder for long texts".into(),
            parameters: Some(137_000_000),
            licence: "Apache-2.0".into(),
            files: graph("nomic-ai/nomic-embed-text-v1"),
            kind: embedder(768, 8192, NOMIC, Pooling::Mean, "[PAD]"),
        },
        ModelSpec {
            id: "nomic-embed-text-v1.5".into(),
            description: "an English embedder for long texts".into(),
            parameters: Some(137_000_000),
            licence: "Apache-2.0".into(),
            files: graph("nomic-ai/nomic-embed-text-v1.5"),
            kind: embedder(768, 8192, NOMIC, Pooling::Mean, "[PAD]"),
        },
        ModelSpec {
            id: "mxbai-embed-large-v1".into(),
            description: "a large English embedder".into(),
            parameters: Some(335_000_000),
            licence: "Apache-2.0".into(),
            files: graph("mixedbread-ai/mxbai-embed-large-v1"),
            kind: embedder(1024, 512, [BGE_QUERY, ""], Pooling::Cls, "[PAD]"),
        },
        ModelSpec {
            id: "modernbert-embed-large".into(),
            description: "a large English embedder for long texts".into(),
            parameters: Some(395_000_000),
            licence: "Apache-2.0".into(),
            files: graph("lightonai/modernbert-embed-large"),
            kind: embedder(1024, 8192, NOMIC, Pooling::Mean, "[PAD]"),
        },
        ModelSpec {
            id: "jina-embeddings-v2-base-en".into(),
            description: "an English embedder for long texts".into(),
            parameters: Some(137_000_000),
            licence: "Apache-2.0".into(),
            files: hub(
                "jinaai/jina-embeddings-v2-base-en",
                &[("model.onnx", "model.onnx"), ("tokenizer.json", "tokenizer.json")],
            ),
            kind: embedder(768, 8192, PLAIN, Pooling::Mean, "[PAD]"),
        },
        ModelSpec {
            id: "jina-embeddings-v2-base-code".into(),
            description: "an embedder for English and code".into(),
            parameters: Some(161_000_000),
            licence: "Apache-2.0".into(),
            files: graph("jinaai/jina-embeddings-v2-base-code"),
            kind: embedder(768, 8192, PLAIN, Pooling::Mean, "<pad>"),
        },
        ModelSpec {
            id: "multilingual-e5-small".into(),
            description: "a small embedder for 94 languages".into(),
            parameters: Some(118_000_000),
            licence: "MIT".into(),
            files: graph("intfloat/multilingual-e5-small"),
            kind: embedder(384, 512, E5, Pooling::Mean, "<pad>"),
        },
        ModelSpec {
            id: "multilingual-e5-base".into(),
            description: "an embedder for 94 languages".into(),
            parameters: Some(278_000_000),
            licence: "MIT".into(),
            files: graph("intfloat/multilingual-e5-base"),
            kind: embedder(768, 512, E5, Pooling::Mean, "<pad>"),
        },
        ModelSpec {
            id: "multilingual-e5-large".into(),
            description: "a large embedder for 94 languages".into(),
            parameters: Some(560_000_000),
            licence: "MIT".into(),
            files: hub(
                "Qdrant/multilingual-e5-large-onnx",
                &[
                    ("model.onnx", "model.onnx"),
                    ("tokenizer.json", "tokenizer.json"),
                    ("model.onnx_data", "model.onnx_data"),
                ],
            ),
            kind: embedder(1024, 512, E5, Pooling::Mean, "<pad>"),
        },
        ModelSpec {
            id: "paraphrase-multilingual-minilm-l12-v2".into(),
            description: "a small embedder for 50 languages".into(),
            parameters: Some(118_000_000),
            licence: "Apache-2.0".into(),
            files: graph("Xenova/paraphrase-multilingual-MiniLM-L12-v2"),
            kind: embedder(384, 128, PLAIN, Pooling::Mean, "<pad>"),
        },
        ModelSpec {
            id: "paraphrase-multilingual-mpnet-base-v2".into(),
            description: "an embedder for 50 languages".into(),
            parameters: Some(278_000_000),
            licence: "Apache-2.0".into(),
            files: graph("Xenova/paraphrase-multilingual-mpnet-base-v2"),
            kind: embedder(768, 128, PLAIN, Pooling::Mean, "<pad>"),
        },
        ModelSpec {
            id: "embeddinggemma-300m".into(),
            description: "an embedder for 100 languages".into(),
            parameters: Some(308_000_000),
            licence: "LicenseRef-Gemma".into(),
            files: hub(
                "onnx-community/embeddinggemma-300m-ONNX",
                &[
                    ("model.onnx", "onnx/model.onnx"),
                    ("tokenizer.json", "tokenizer.json"),
                    ("model.onnx_data", "onnx/model.onnx_data"),
                ],
            ),
            kind: ModelKind::Embedder {
                dimension: 768,
                max_tokens: 2048,
                query_prefix: "task: search result | query: ".into(),
                passage_prefix: "title: none | text: ".into(),
                engine: Engine::Onnx {
                    pooling: Pooling::Mean,
                    pad_token: "<pad>".into(),
                    output: Some("sentence_embedding".into()),
                },
            },
        },
        ModelSpec {
            id: "potion-base-8m".into(),
            description: "a static English embedder: very fast".into(),
            parameters: Some(8_000_000),
            licence: "MIT".into(),
            files: table("minishlab/potion-base-8M"),
            kind: ModelKind::Embedder {
                dimension: 256,
                max_tokens: 512,
                query_prefix: "".into(),
                passage_prefix: "".into(),
                engine: Engine::Static,
            },
        },
        ModelSpec {
            id: "potion-retrieval-32m".into(),
            description: "a static English embedder made for search: very fast".into(),
            parameters: Some(32_000_000),
            licence: "MIT".into(),
            files: table("minishlab/potion-retrieval-32M"),
            kind: ModelKind::Embedder {
                dimension: 512,
                max_tokens: 512,
                query_prefix: "".into(),
                passage_prefix: "".into(),
                engine: Engine::Static,
            },
        },
    ]
}

/// The rerankers, in the order in which they are listed.
pub(super) fn rerankers() -> Vec<ModelSpec> {
    vec![
        ModelSpec {
            id: "bge-reranker-base".into(),
            description: "a cross-encoder for English and Chinese".into(),
            parameters: Some(278_000_000),
            licence: "MIT".into(),
            files: graph("BAAI/bge-reranker-base"),
            kind: ModelKind::Reranker { max_tokens: 512, pad_token: "<pad>".into() },
        },
        ModelSpec {
            id: "bge-reranker-v2-m3".into(),
            description: "a large multilingual cross-encoder".into(),
            parameters: Some(568_000_000),
            licence: "Apache-2.0".into(),
            files: hub(
                "rozgo/bge-reranker-v2-m3",
                &[
                    ("model.onnx", "model.onnx"),
                    ("tokenizer.json", "tokenizer.json"),
                    ("model.onnx.data", "model.onnx.data"),
                ],
            ),
            kind: ModelKind::Reranker { max_tokens: 8192, pad_token: "<pad>".into() },
        },
        ModelSpec {
            id: "jina-reranker-v1-turbo-en".into(),
            description: "a small English cross-encoder".into(),
            parameters: Some(38_000_000),
            licence: "Apache-2.0".into(),
            files: graph("jinaai/jina-reranker-v1-turbo-en"),
            kind: ModelKind::Reranker { max_tokens: 8192, pad_token: "[PAD]".into() },
        },
        ModelSpec {
            id: "jina-reranker-v2-base-multilingual".into(),
            description: "a multilingual cross-encoder; not for commercial use".into(),
            parameters: Some(278_000_000),
            licence: "CC-BY-NC-4.0".into(),
            files: graph("jinaai/jina-reranker-v2-base-multilingual"),
            kind: ModelKind::Reranker { max_tokens: 1024, pad_token: "<pad>".into() },
        },
    ]
}

/// The facts of an embedder on ONNX Runtime. The prefixes are those of queries and of passages.
fn embedder(
    dimension: usize,
    max_tokens: usize,
    [query_prefix, passage_prefix]: [&str; 2],
    pooling: Pooling,
    pad_token: &str,
) -> ModelKind {
    ModelKind::Embedder {
        dimension,
        max_tokens,
        query_prefix: query_prefix.into(),
        passage_prefix: passage_prefix.into(),
        engine: Engine::Onnx { pooling, pad_token: pad_token.into(), output: None },
    }
}

/// A graph and its tokenizer, at the paths that most repositories use.
fn graph(repository: &str) -> Vec<ModelFile> {
    hub(repository, &[("model.onnx", "onnx/model.onnx"), ("tokenizer.json", "tokenizer.json")])
}

/// A static embedder's table and its tokenizer.
fn table(repository: &str) -> Vec<ModelFile> {
    hub(repository, &[("model.safetensors", "model.safetensors"), ("tokenizer.json", "tokenizer.json")])
}

/// Files of a repository on a hub, each with its name here and its path there.
fn hub(repository: &str, files: &[(&str, &str)]) -> Vec<ModelFile> {
    let file = |&(name, path): &(&str, &str)| ModelFile {
        name: name.into(),
        sha256: None,
        size_bytes: None,
        sources: vec![source(repository, path)],
    };
    files.iter().map(file).collect()
}

/// A file of a repository on a hub.
pub(super) fn source(repository: &str, file: &str) -> DownloadSource {
    DownloadSource::Hub { repository: repository.into(), revision: "main".into(), file: file.into() }
}
