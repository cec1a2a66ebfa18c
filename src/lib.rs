//! kinglet indexes a folder of documents and answers questions over it with small models, offline.

pub mod answer;
pub mod assemble;
pub mod chunk;
pub mod config;
pub mod corpus;
pub mod error;
pub mod index;
pub mod ingest;
pub mod models;
pub mod search;
pub mod text;
pub mod vector;

pub use error::{Error, Fault, Result};
