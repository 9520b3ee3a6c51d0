//! `dvrf-events`: contract events as JSON lines, and requests paired with their answers.

mod list;
mod pair;
mod tail;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::list::{ListArgs, list};
use crate::pair::{PairArgs, pair};
use crate::tail::{TailArgs, tail};
use clap::{Parser, Subcommand};
use dvrf_cli::exit::Exit;
use dvrf_cli::{CliError, Session};

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
    List(ListArgs),
    /// Follow the chain
    Tail(TailArgs),
    /// Pair requests with answers: answered, pending, orphan, and how long it took
    Pair(PairArgs),
}

fn act(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    match &args.action {
        Action::List(args) => list(args, session),
        Action::Tail(args) => tail(args, session),
        Action::Pair(args) => pair(args, session),
    }
}

/// Runs the tool on the process's command line.
pub fn main() -> ExitCode {
    run(&std::env::args_os().collect::<Vec<_>>())
}

/// Runs the tool on the words of a command line, of which the first is the program's name.
pub fn run(words: &[OsString]) -> ExitCode {
    dvrf_cli::run(words, act)
}
