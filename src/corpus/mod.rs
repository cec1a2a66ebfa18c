//! Judged collections and files of questions.

pub mod beir;
pub mod questions;
