//! The command line: arguments → configuration → library calls → what a person or a script reads.

mod args;
mod commands;
mod hint;
mod progress;
mod render;
mod run;
mod terminal;

use std::process::ExitCode;

fn main() -> ExitCode {
    run::main()
}
