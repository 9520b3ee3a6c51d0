//! An emulator of a Supra node and of the `supra` CLI, written from public facts; it is not a node.
//!
//! From the bottom up: `call`, `names`, `move_json` (what a call is made of), `deposit`, `lottery`, `treasury`,
//! `core_layout`, `multi`, `dice`, `wheel` (the contracts), `state` (all of them together), `entries` (what transactions do to the state), `chain` (blocks, views,
//! history), `rest` and `supra_cli` (the two ways in), `server` and `cli`.

mod abort;
mod address;
mod bytecode;
mod call;
mod chain;
mod cli;
mod clock;
mod control;
mod core_layout;
mod deposit;
mod dice;
mod digest;
mod entries;
mod environment;
mod exec;
mod failure;
mod fault;
mod functions;
mod http;
mod lottery;
mod move_json;
mod multi;
mod names;
mod options;
mod rest;
mod scenario;
mod server;
mod state;
mod supra_cli;
mod treasury;
mod wheel;

use std::ffi::OsString;
use std::process::ExitCode;

/// The emulator's command line.
pub fn command() -> clap::Command {
    cli::command()
}

/// Runs the emulator on the process's command line.
pub fn main() -> ExitCode {
    cli::main(&std::env::args_os().collect::<Vec<_>>())
}

/// Runs the emulator on the words of a command line, of which the first is the program's name.
pub fn run(words: &[OsString]) -> ExitCode {
    cli::main(words)
}
