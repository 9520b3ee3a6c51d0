//! `dvrf-fund`: tops a deposit up. Dry by default, capped, and never twice for one shortage.

mod args;
mod assess;
mod attempt;
mod dry;
mod execute;
mod history;
mod nodes;
mod runner;
mod text;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use dvrf_cli::exit::Exit;
use dvrf_cli::settings::Settings;
use dvrf_cli::{CliError, Session};
use supra_core::error::Error;

use crate::args::FundArgs;
use crate::history::HistoryArgs;

/// Tops a deposit up: dry by default, capped, never twice for one shortage
#[derive(Parser)]
#[command(name = "dvrf-fund", args_conflicts_with_subcommands = true)]
struct Tool {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    fund: Box<FundFlags>,
}

#[derive(Args)]
struct FundFlags {
    #[command(flatten)]
    fund: FundArgs,
}

#[derive(Subcommand)]
enum Action {
    /// List the top-ups of the client, and what they cost
    History(HistoryArgs),
}

fn act(tool: &Tool, session: &mut Session) -> Result<Exit, CliError> {
    match &tool.action {
        Some(Action::History(args)) => history::history(args, session),
        None if tool.fund.fund.execute => execute::execute(&tool.fund.fund, session),
        None => dry::dry(&tool.fund.fund, session),
    }
}

/// The mistakes in the settings of top-ups, which a run would find when it uses them.
pub fn mistakes(settings: &Settings) -> Vec<Error> {
    let found = [args::FundLimits::of(settings).map(drop), args::goal(settings).map(drop)];
    found.into_iter().filter_map(Result::err).chain(dvrf_cli::submit::mistakes(settings)).collect()
}

/// Runs the tool on the process's command line.
pub fn main() -> ExitCode {
    run(&std::env::args_os().collect::<Vec<_>>())
}

/// Runs the tool on the words of a command line, of which the first is the program's name.
pub fn run(words: &[OsString]) -> ExitCode {
    dvrf_cli::run(words, act)
}
