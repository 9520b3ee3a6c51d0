//! `dvrf-events`: contract events as JSON lines, and requests paired with their answers.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use supra_core::cli::args::Lazy;
use supra_core::cli::events::tail::{TailArgs, tail};
use supra_core::cli::events::{ListArgs, PairArgs, list, pair};
use supra_core::cli::{CliError, Session, run};
use supra_core::exit::Exit;

/// Contract events as JSON lines; pairs requests with answers
#[derive(Parser)]
#[command(name = "dvrf-events", subcommand_required = true)]
struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Print the events of a range of blocks
    List(Lazy<ListArgs>),
    /// Follow the chain
    Tail(Lazy<TailArgs>),
    /// Pair requests with answers: answered, pending, orphan, and how long it took
    Pair(Lazy<PairArgs>),
}

fn act(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    match &args.action {
        Action::List(Lazy(args)) => list(args, session),
        Action::Tail(Lazy(args)) => tail(args, session),
        Action::Pair(Lazy(args)) => pair(args, session),
    }
}

fn main() -> ExitCode {
    run(act)
}
