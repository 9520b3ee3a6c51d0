//! `dvrf-status`: prints the state of subscriptions as a card, as a table, or value by value.

mod history;
mod legacy;
mod values;
mod watch;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use dvrf_cli::args::{LiveArgs, StateArgs, lang};
use dvrf_cli::card::{CardPrinter, Layout, nothing_to_watch};
use dvrf_cli::checker::RecordChecker;
use dvrf_cli::exit::Exit;
use dvrf_cli::input::InputArgs;
use dvrf_cli::legacy::{OldScript, refuse_incomplete};
use dvrf_cli::page::Page;
use dvrf_cli::parse::bad;
use dvrf_cli::pipeline::each;
use dvrf_cli::stream::ReportItem;
use dvrf_cli::text::Style;
use dvrf_cli::{CliError, Session, chain};
use supra_core::file::{Durability, Temporary, replace};
use supra_core::report::Report;

/// How does a subscription stand? Prints a card, a table of several, or every value
#[derive(Parser)]
#[command(name = "dvrf-status")]
struct Args {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    live: LiveArgs,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    history: HistoryArgs,
    /// Output format; unset: text on a terminal, json otherwise
    #[arg(long, value_enum, help_heading = "Output")]
    format: Option<Format>,
    /// Show the table of all subscriptions and read it again at this interval: on a terminal redrawn in place, with a card on
    /// Enter, elsewhere printed again
    #[arg(long, value_name = "SPAN", conflicts_with_all = ["format", "history", "import_history", "output"], help_heading = "Output")]
    watch: Option<String>,
    /// Show whole addresses, and every value after the card
    #[arg(short, long, help_heading = "Output")]
    verbose: bool,
    /// Write the page here, in place of an earlier one, and not to stdout
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
    /// Indent the JSON
    #[arg(long, help_heading = "Output")]
    pretty: bool,
}

#[derive(clap::Args)]
#[command(next_help_heading = "History")]
struct HistoryArgs {
    /// Print what earlier runs read of this subscription, a line a run; its name or an address
    #[arg(long, value_name = "NAME", conflicts_with_all = ["import_history", "format"])]
    history: Option<String>,
    /// Add the records of the input to the histories
    #[arg(long, conflicts_with = "format")]
    import_history: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Records
    Json,
    /// A card for people; a table for several subscriptions
    Text,
    /// One page for a browser, the worst subscription first
    Html,
    /// Every value of the lottery and the deposit module, one a line
    Values,
    /// The old report: `[view] NAME` and its JSON, for each of ten views
    Legacy,
}

fn act(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    args.state.fill(&mut session.settings);
    if let Some(exit) = refuse_incomplete(session) {
        return Ok(exit);
    }
    if let Some(name) = &args.history.history {
        return history::print(name, session);
    }
    if args.history.import_history {
        return history::import(&args.input, session);
    }
    if let Some(every) = &args.watch {
        return watch::watch(&args.input, watch::interval(every)?, session);
    }
    if args.output.is_some() && args.format != Some(Format::Html) {
        let why = "only the page of --format html is written to a file";
        return Err(bad(
            "--output",
            &args.output.as_ref().map_or_else(String::new, |path| path.display().to_string()),
            why,
        )
        .into());
    }
    let usual = if session.is_terminal() && !args.pretty { Format::Text } else { Format::Json };
    match args.format.unwrap_or(usual) {
        Format::Json => noted(args, session, |item, session| {
            session.out.record(&item.record, args.pretty)?;
            Ok(Exit::Done)
        }),
        Format::Values => noted(args, session, values),
        Format::Text => cards(args, session),
        Format::Html => page(args, session),
        Format::Legacy => {
            legacy::begin(session)?;
            each(&args.input, session, legacy::print)
        }
    }
}

/// Calls `act` for every record, after what was read from the chain has been added to the histories.
fn noted(
    args: &Args,
    session: &mut Session,
    mut act: impl FnMut(&mut ReportItem, &mut Session) -> Result<Exit, CliError>,
) -> Result<Exit, CliError> {
    let history = RecordChecker::to_note(session);
    each(&args.input, session, |item, session| {
        if let Some(history) = &history {
            history.note(item, session);
        }
        act(item, session)
    })
}

/// Prints every value of a record.
fn values(item: &mut ReportItem, session: &mut Session) -> Result<Exit, CliError> {
    match item.report() {
        // A record that holds only an error has been logged already.
        Ok(Report { state: None, .. }) => Ok(Exit::Done),
        Ok(report) => {
            let text = values_of(&report, session)?;
            session.out.text(&text)?;
            Ok(Exit::Done)
        }
        Err(error) => {
            session.log("error", &chain(&error));
            Ok(Exit::CannotAnswer)
        }
    }
}

fn values_of(report: &Report, session: &Session) -> Result<String, CliError> {
    let (lang, style) = (lang(&session.settings)?, Style { colour: session.colour() });
    let Some(state) = &report.state else { return Ok(String::new()) };
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = values::text(state, &report.views, lang, style, &mut text);
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Prints a card, or a table of several subscriptions. The exit says only whether the values were read: judging is what
/// `dvrf check` is for.
fn cards(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    let checker = RecordChecker::to_show(session)?;
    let layout = Layout::of(session, checker.checker.policy.lang, args.verbose);
    if args.input.names_nothing(session) {
        session.log_text(&nothing_to_watch(session, "dvrf status", layout.lang));
        return Ok(Exit::CannotAnswer);
    }
    let mut printer = CardPrinter::new(layout);
    let exit = each(&args.input, session, |item, session| {
        let verdict = checker.checks(item, session)?;
        let values =
            if args.verbose { format!("\n{}", values_of(&verdict.report, session)?) } else { String::new() };
        printer.add(&verdict.report, &verdict.checks, &verdict.history, &values);
        Ok(Exit::Done)
    })?;
    session.out.text(&printer.finish())?;
    Ok(exit)
}

/// Prints the page, or replaces the file that it is kept in. The exit says whether the values were read.
fn page(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    let checker = RecordChecker::to_show(session)?;
    let lang = checker.checker.policy.lang;
    let mut page = Page::new(Layout::of(session, lang, false));
    let exit = each(&args.input, session, |item, session| {
        let verdict = checker.checks(item, session)?;
        page.add(&verdict.report, &verdict.checks, &verdict.history);
        Ok(Exit::Done)
    })?;
    let text = page.finish();
    match &args.output {
        None => session.out.text(&text)?,
        Some(path) => {
            replace(path, text.as_bytes(), 0o644, Durability::File, Temporary::Unique)
                .map_err(|source| CliError::Write { to: path.display().to_string(), source })?;
        }
    }
    Ok(exit)
}

/// Runs the tool on the process's command line.
pub fn main() -> ExitCode {
    run(&std::env::args_os().collect::<Vec<_>>())
}

/// Runs the tool on the words of a command line, of which the first is the program's name.
pub fn run(words: &[OsString]) -> ExitCode {
    dvrf_cli::run(words, act)
}

/// Runs the tool as the old `testnet_status_report.sh`.
pub fn run_old(words: &[OsString]) -> ExitCode {
    dvrf_cli::run_old(words, OldScript::Status, act)
}
