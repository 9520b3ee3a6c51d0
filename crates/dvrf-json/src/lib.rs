//! `dvrf-json`: prints the aggregated report of a subscription and its lottery as JSON records.

mod requests;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::requests::EventArgs;
use clap::Parser;
use dvrf_cli::args::{LiveArgs, lang};
use dvrf_cli::exit::Exit;
use dvrf_cli::input::InputArgs;
use dvrf_cli::pipeline::each;
use dvrf_cli::settings::variables;
use dvrf_cli::stream::ReportItem;
use dvrf_cli::{CliError, Session};
use supra_core::amount::Quants;
use supra_core::check::is_low;

/// The aggregated report of a dVRF subscription and its lottery, as JSON
#[derive(Parser)]
#[command(name = "dvrf-json")]
struct Args {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    live: LiveArgs,
    #[command(flatten)]
    events: EventArgs,
    /// Indent the output
    #[arg(long, help_heading = "Output")]
    pretty: bool,
    /// Exit with 1 when the deposit is at or below a minimum
    #[arg(long, help_heading = "Output")]
    fail_on_low: bool,
}

fn act(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    args.events.check(session)?;
    each(&args.input, session, |item, session| {
        let events = args.events.add(&mut item.record, session);
        let mut exit = events.or_else(|error| item.refuse(error, session))?;
        if args.fail_on_low {
            exit = exit.and(low(item, session).or_else(|error| item.refuse(error, session))?);
        }
        session.out.record(&item.record, args.pretty)?;
        Ok(exit)
    })
}

/// The exit for `--fail-on-low`; a low deposit is also logged. An unknown deposit is neither low nor healthy.
fn low(item: &mut ReportItem, session: &Session) -> Result<Exit, CliError> {
    let report = item.report()?;
    let Some(state) = &report.state else { return Ok(Exit::CannotAnswer) };
    let limit = session.settings.number(&variables::MIN_BALANCE_LIMIT)?.map(Quants);
    let lang = lang(&session.settings)?;
    match is_low(state, report.calculation.as_ref(), limit) {
        Some(false) => Ok(Exit::Done),
        Some(true) => {
            let shown =
                |quants: Option<Quants>| quants.map_or_else(|| "?".to_owned(), |quants| quants.to_string());
            let (held, least) = (shown(state.deposit.balance), shown(state.deposit.min_balance));
            let (en, ru) = ("the deposit is low", "депозит мал");
            session.log("error", &format!("{}: {held} quants, minimum {least}", lang.pick(en, ru)));
            Ok(Exit::No)
        }
        None => Ok(Exit::CannotAnswer),
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
