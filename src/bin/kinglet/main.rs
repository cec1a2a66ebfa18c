//! The command line: arguments → configuration → library calls → text or JSON.

mod args;
mod commands;
mod flags;
mod hint;
mod pace;
mod progress;
mod render;
mod run;
mod terminal;

use std::process::ExitCode;

fn main() -> ExitCode {
    run::main()
}
