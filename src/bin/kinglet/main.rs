//! The command line: arguments → configuration → library calls → what a person or a script reads.

mod args;
mod compare;
mod fetch;
mod judge;
mod manage;
mod progress;
mod questions;
mod render;
mod run;
mod terminal;

use std::process::ExitCode;

fn main() -> ExitCode {
    run::main()
}
