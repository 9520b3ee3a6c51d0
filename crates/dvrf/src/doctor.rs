//! `dvrf doctor`: tries everything a run needs and says what to do.

use std::process::ExitCode;

use clap::Parser;
use supra_core::cli::doctor::{DoctorArgs, doctor};
use supra_core::cli::run;

/// Tries everything a run needs: settings, chain, functions, CLI, receivers, state; each problem with its fix
#[derive(Parser)]
#[command(name = "dvrf-doctor")]
struct Args {
    #[command(flatten)]
    doctor: DoctorArgs,
}

fn main() -> ExitCode {
    run(|args: &Args, session| doctor(&args.doctor, session))
}
