//! A home with indexes and models, and the configuration under which they are used.

mod answer_checks;
pub mod doctor;
mod factory;
mod forecast;
pub mod generator_fit;
pub mod generator_speed;
pub mod index_names;
mod indexing;
mod kinglet;
mod loaded_models;
pub mod machine;
mod open_index;
pub mod register_generator;
mod register_model;
mod required_models;
mod runtime;
mod search_pipeline;

pub use indexing::Embedders;
pub use kinglet::Kinglet;
pub use open_index::OpenIndex;
pub(crate) use runtime::runtime;
