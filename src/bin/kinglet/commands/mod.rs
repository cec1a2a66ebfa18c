//! One file for each group of commands.

mod ask;
mod compare;
mod eval;
mod index;
mod indexes;
mod models;
mod questions;
mod search;
