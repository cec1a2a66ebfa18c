//! Reads files of questions with known answers: collections in BEIR's layout, and question sets.

pub mod beir;
pub mod questions;
