//! `dvrf-draw`: requests a draw exactly once, and only when the contract is ready.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use supra_core::cli::args::Lazy;
use supra_core::cli::draw::auto::{AutoArgs, auto};
use supra_core::cli::draw::ready::{ReadyArgs, ready};
use supra_core::cli::draw::run::{RunArgs, run as draw};
use supra_core::cli::draw::smoke::{SmokeArgs, smoke};
use supra_core::cli::{CliError, Session, run};
use supra_core::exit::Exit;

/// Requests a draw exactly once, and only when the contract is ready
#[derive(Parser)]
#[command(name = "dvrf-draw", subcommand_required = true)]
struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Say whether a draw may be requested, and if not, why
    Ready(Lazy<ReadyArgs>),
    /// Request a draw if everything is ready, and see that the chain shows it
    Run(Lazy<RunArgs>),
    /// The same unattended: one JSON line a run, dry unless --execute
    Auto(Lazy<AutoArgs>),
    /// One whole round: tokens, tickets, request, answer, each step asserted
    Smoke(Lazy<SmokeArgs>),
}

fn act(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    match &args.action {
        Action::Ready(Lazy(args)) => ready(args, session),
        Action::Run(Lazy(args)) => draw(args, session),
        Action::Auto(Lazy(args)) => auto(args, session),
        Action::Smoke(Lazy(args)) => smoke(args, session),
    }
}

fn main() -> ExitCode {
    run(act)
}
