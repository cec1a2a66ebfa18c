//! One file for each group of commands.

mod compare;
mod eval;
mod indexes;
mod models;
mod questions;
