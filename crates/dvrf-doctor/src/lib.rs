//! `dvrf doctor`: tries everything a run needs and says what to do.

mod probes;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::probes::{DoctorArgs, doctor};
use clap::Parser;
use dvrf_cli::exit::Exit;
use dvrf_cli::{CliError, Session};

/// Tries everything a run needs: settings, chain, functions, CLI, receivers, state; each problem with its fix
#[derive(Parser)]
#[command(name = "dvrf-doctor")]
struct Args {
    #[command(flatten)]
    doctor: DoctorArgs,
}

fn act(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    doctor(&args.doctor, session)
}

/// Runs the tool on the process's command line.
pub fn main() -> ExitCode {
    run(&std::env::args_os().collect::<Vec<_>>())
}

/// Runs the tool on the words of a command line, of which the first is the program's name.
pub fn run(words: &[OsString]) -> ExitCode {
    dvrf_cli::run(words, act)
}
