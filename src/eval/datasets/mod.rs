//! Files that hold questions with their answers: collections in BEIR's layout, and lists that
//! people write.

pub mod beir;
pub mod questions;
