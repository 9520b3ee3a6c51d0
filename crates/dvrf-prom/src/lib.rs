//! `dvrf-prom`: records as Prometheus metrics: printed, in a textfile, pushed, or served.

mod deliver;
pub mod exposition;
mod gather;
mod listen;
pub mod metrics;
mod output;
mod sinks;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::output::PromArgs;
use clap::Parser;
use dvrf_cli::args::LiveArgs;
use dvrf_cli::exit::Exit;
use dvrf_cli::input::InputArgs;
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::{CliError, Session};

/// Prometheus metrics of dVRF subscriptions: printed, in a textfile, pushed, or served
#[derive(Parser)]
#[command(name = "dvrf-prom")]
struct Args {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    prom: PromArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    live: LiveArgs,
}

fn act(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    args.prom.act(&args.input, &args.policy, session)
}

/// Runs the tool on the process's command line.
pub fn main() -> ExitCode {
    run(&std::env::args_os().collect::<Vec<_>>())
}

/// Runs the tool on the words of a command line, of which the first is the program's name.
pub fn run(words: &[OsString]) -> ExitCode {
    dvrf_cli::run(words, act)
}
