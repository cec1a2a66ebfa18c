//! The commands, one file for each group.

mod ask;
mod check;
mod compare;
mod eval;
mod index;
mod indexes;
mod models;
mod questions;
mod search;
