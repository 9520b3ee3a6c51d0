//! `dvrf-events`: prints contract events as JSON lines, follows the chain, and pairs requests with answers.

mod list;
mod pair;
mod selection;
mod tail;
mod text;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use dvrf_cli::exit::Exit;
use dvrf_cli::{CliError, Session};
use supra_core::error::Error;
use supra_core::failure::Failure;

use crate::list::{ListArgs, list};
use crate::pair::{PairArgs, pair};
use crate::tail::{TailArgs, tail};

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

/// Logs an error and prints it as a line with `error`, so that the reader of stdout learns of it too.
fn print_error(error: &Error, session: &mut Session) -> Result<Exit, CliError> {
    let failure = Failure::from(error);
    session.log_failure(&failure);
    let text = serde_json::json!({"schema": supra_core::events::SCHEMA, "error": failure}).to_string();
    session.out.text(&(text + "\n"))?;
    Ok(Exit::CannotAnswer)
}

/// Runs the tool on the process's command line.
pub fn main() -> ExitCode {
    run(&std::env::args_os().collect::<Vec<_>>())
}

/// Runs the tool on the words of a command line, of which the first is the program's name.
pub fn run(words: &[OsString]) -> ExitCode {
    dvrf_cli::run(words, act)
}
