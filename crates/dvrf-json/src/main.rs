//! `dvrf-json`: the aggregated report of a subscription and its lottery, as one JSON record.

use std::process::ExitCode;

use clap::Parser;
use supra_core::cli::args::{LiveArgs, SpeechArgs};
use supra_core::cli::input::{InputArgs, Records, Source};
use supra_core::cli::{CliError, Session, run};
use supra_core::exit::Exit;
use supra_core::live::Live;
use supra_core::low::is_low;
use supra_core::record::Record;

/// The aggregated report of a dVRF subscription and its lottery, as JSON
#[derive(Parser)]
#[command(name = "dvrf-json")]
struct Args {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    live: LiveArgs,
    #[command(flatten)]
    speech: SpeechArgs,
    /// Indent the output
    #[arg(long)]
    pretty: bool,
    /// Exit with 1 when the deposit is at or below a minimum
    #[arg(long)]
    fail_on_low: bool,
}

fn act(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    args.speech.fill(&mut session.settings);
    let source = args.input.open(session)?;
    let live = Live::open(&session.settings)?;
    let mut exit = Exit::Done;
    let mut report = |mut record: Record, session: &mut Session| -> Result<(), CliError> {
        exit = exit.and(supra_core::cli::live::report(&live, &mut record, session)?);
        if args.fail_on_low && is_low(&record)? == Some(true) {
            session.say("error", "the deposit is at or below the minimum");
            exit = exit.and(Exit::No);
        }
        session.out.record(&record, args.pretty)
    };
    todo!()
}

fn main() -> ExitCode {
    run(act)
}
