//! `dvrf-prom`: records as Prometheus metrics: printed, in a textfile, pushed, or served.

use std::process::ExitCode;

use clap::Parser;
use supra_core::cli::args::LiveArgs;
use supra_core::cli::input::InputArgs;
use supra_core::cli::policy::PolicyArgs;
use supra_core::cli::prom::PromArgs;
use supra_core::cli::{CliError, Session, run};
use supra_core::exit::Exit;

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

fn main() -> ExitCode {
    run(act)
}
