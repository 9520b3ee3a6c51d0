//! `dvrf-json`: prints the aggregated report of a subscription and its lottery as JSON records.

mod requests;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::requests::EventArgs;
use clap::Parser;
use dvrf_cli::args::{LiveArgs, StateArgs};
use dvrf_cli::checker::RecordChecker;
use dvrf_cli::exit::Exit;
use dvrf_cli::input::InputArgs;
use dvrf_cli::legacy::{OldScript, refuse_incomplete, unknown_client};
use dvrf_cli::low::low_exit;
use dvrf_cli::pipeline::each;
use dvrf_cli::settings::variables;
use dvrf_cli::stream::ReportItem;
use dvrf_cli::{CliError, Session};
use supra_core::amount::Quants;
use supra_core::check::is_low;

/// What does the chain say? Prints the report of a subscription and its lottery as JSON
#[derive(Parser)]
#[command(name = "dvrf-json")]
struct Args {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    live: LiveArgs,
    #[command(flatten)]
    events: EventArgs,
    #[command(flatten)]
    state: StateArgs,
    /// Indent the output
    #[arg(long, help_heading = "Output")]
    pretty: bool,
    /// Exit with 1 when the deposit is at or below a minimum
    #[arg(long, help_heading = "Output")]
    fail_on_low: bool,
}

fn act(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    if let Some(exit) = refuse_incomplete(session) {
        return Ok(exit);
    }
    args.events.check(session)?;
    args.state.fill(&mut session.settings);
    let history = RecordChecker::to_note(session);
    each(&args.input, session, |item, session| {
        if let Some(history) = &history {
            history.note(item, session);
        }
        let events = args.events.add(&mut item.record, session);
        let exit = events.or_else(|error| item.refuse(error, session))?;
        let exit = exit.and(exit_of(item, args, session).or_else(|error| item.refuse(error, session))?);
        session.out.record(&item.record, args.pretty)?;
        Ok(exit)
    })
}

/// The exit that the report means for `--fail-on-low`, and under the old name.
fn exit_of(item: &mut ReportItem, args: &Args, session: &Session) -> Result<Exit, CliError> {
    if !args.fail_on_low && session.old_script.is_none() {
        return Ok(Exit::Done);
    }
    let report = item.report()?;
    if let Some(exit) = unknown_client(&report, session) {
        return Ok(exit);
    }
    let Some(state) = report.state.as_ref().filter(|_| args.fail_on_low) else { return Ok(item.exit()) };
    let limit = session.settings.number(&variables::MIN_BALANCE_LIMIT)?.map(Quants);
    let is_low = is_low(state, report.calculation.as_ref(), limit);
    Ok(low_exit(&report, is_low, session)?)
}

/// Runs the tool on the process's command line.
pub fn main() -> ExitCode {
    run(&std::env::args_os().collect::<Vec<_>>())
}

/// Runs the tool on the words of a command line, of which the first is the program's name.
pub fn run(words: &[OsString]) -> ExitCode {
    dvrf_cli::run(words, act)
}

/// Runs the tool as the old `testnet_monitor_json.py`.
pub fn run_old(words: &[OsString]) -> ExitCode {
    dvrf_cli::run_old(words, OldScript::Report, act)
}
