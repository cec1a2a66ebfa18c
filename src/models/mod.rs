//! Small models: the traits that they implement, the catalog of the models that kinglet knows, and
//! one file for each engine.

mod bert_graph;
pub mod catalog;
pub mod chat_template;
pub mod contracts;
pub mod cross_encoder;
pub mod download;
pub mod extractive;
pub mod gguf;
pub mod hashing;
mod http_client;
pub mod llama;
mod low_rank;
pub mod ollama;
pub mod onnx;
pub mod openai;
pub mod pair_model;
pub mod prompt;
mod protobuf;
pub mod reference;
mod session_pool;
pub mod splade;
pub mod static_table;
pub mod store;
mod telemetry;
mod thinking;
