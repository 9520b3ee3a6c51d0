//! An embedded Supra node and `supra` CLI emulator, written from public facts; it is not a node.

mod abort;
mod addr;
mod chain;
mod cli;
mod clock;
mod control;
mod deposit;
mod digest;
mod environment;
mod exec;
mod fault;
mod functions;
mod http;
mod lottery;
mod options;
mod persona;
mod rest;
mod scenario;
mod server;
mod treasury;
mod world;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
