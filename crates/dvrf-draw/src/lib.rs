//! `dvrf-draw`: requests a draw exactly once, and only when the contract is ready.

mod args;
mod attempt;
mod auto;
mod card;
mod decision;
mod legacy;
mod nodes;
mod ready;
mod run;
mod runner;
mod sender;
mod smoke;
mod target;
mod text;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::auto::{AutoArgs, auto};
use crate::ready::{ReadyArgs, ready};
use crate::run::{RunArgs, run as draw};
use crate::smoke::{SmokeArgs, smoke};
use clap::{Parser, Subcommand};
use dvrf_cli::exit::Exit;
use dvrf_cli::legacy::OldScript;
use dvrf_cli::settings::Settings;
use dvrf_cli::{CliError, Session};
use supra_core::error::Error;

/// May a draw be requested? Requests it exactly once, and only when the contract is ready
#[derive(Parser)]
#[command(name = "dvrf-draw", subcommand_required = true)]
struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Say whether a draw may be requested, and if not, why
    Ready(ReadyArgs),
    /// Request a draw if ready; the CLI asks first unless --assume-yes
    Run(RunArgs),
    /// The same unattended: one JSON line a run; sends nothing without --execute
    Auto(AutoArgs),
    /// One whole round: tokens, tickets, request, answer, each step asserted
    Smoke(SmokeArgs),
}

fn act(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    match &args.action {
        Action::Ready(args) => ready(args, session),
        Action::Run(args) => draw(args, session),
        Action::Auto(args) => auto(args, session),
        Action::Smoke(args) => smoke(args, session),
    }
}

/// The mistakes in the settings of draws, which a run would find when it draws.
pub fn mistakes(settings: &Settings) -> Vec<Error> {
    let function = sender::function(settings).err();
    function.into_iter().chain(dvrf_cli::submit::mistakes(settings)).collect()
}

/// Runs the tool on the process's command line.
pub fn main() -> ExitCode {
    run(&std::env::args_os().collect::<Vec<_>>())
}

/// Runs the tool on the words of a command line, of which the first is the program's name.
pub fn run(words: &[OsString]) -> ExitCode {
    dvrf_cli::run(words, act)
}

/// Runs the tool as the old programs for draws.
pub fn run_old(words: &[OsString]) -> ExitCode {
    dvrf_cli::run_old(words, OldScript::Report, act)
}
