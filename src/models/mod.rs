//! The small models: the seams they stand behind, the catalog of those kinglet knows, and one file for each engine.

pub mod cache;
pub mod catalog;
pub mod cross_encoder;
pub mod extractive;
pub mod hashing;
pub mod llama;
pub mod onnx;
pub mod openai;
pub mod prompt;
pub mod pull;
pub mod splade;
pub mod static_table;
mod telemetry;
pub mod traits;
