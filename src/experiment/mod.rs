//! Runs whole pipelines on test collections: evaluates, tunes and compares them; and generates
//! questions for such collections.

pub mod answer_evaluation;
mod beir_index;
pub mod calibrate;
pub mod check_pairs;
mod chunk_names;
pub mod compare;
mod comparison_folder;
mod coordinate_ascent;
mod default_system;
mod generator_run;
mod index_default;
pub mod measure_confidence;
pub mod measure_process;
pub mod measure_system;
pub mod question_generation;
pub mod question_review;
mod question_set;
mod question_writer;
pub mod systems;
pub mod test_collection;
pub mod tuning;

pub use default_system::RestoredDefaults;
pub use test_collection::TestCollection;
