//! `dvrf-check`: checks reports and prints a verdict for each: ok, alert or unknown, with coded findings.

mod legacy;
pub mod nagios;
mod verdict;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args, Parser, ValueEnum};
use dvrf_cli::args::{LiveArgs, StateArgs};
use dvrf_cli::card::nothing_to_watch;
use dvrf_cli::checker::RecordChecker;
use dvrf_cli::exit::Exit;
use dvrf_cli::input::InputArgs;
use dvrf_cli::legacy::{OldScript, refuse_incomplete};
use dvrf_cli::pipeline::each;
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::{CliError, Session, chain};

use crate::nagios::{Host, PluginState};
use crate::verdict::VerdictPrinter;

/// Is a subscription fine? Prints ok, alert or unknown, the problems and what to do
#[derive(Parser)]
#[command(name = "dvrf-check")]
struct CheckArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    live: LiveArgs,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Copy, Args)]
#[command(next_help_heading = "Output")]
struct OutputArgs {
    /// Output format; unset: text on a terminal, json otherwise
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Show whole addresses, every finding, and the values that could not be read
    #[arg(short, long)]
    verbose: bool,
    /// Indent the JSON
    #[arg(long)]
    pretty: bool,
    /// Print one plugin line: exit 0 ok, 1 warning, 2 critical, 3 unknown
    #[arg(long)]
    nagios: bool,
    /// What an unanswered check counts as with --nagios
    #[arg(long, value_enum, default_value_t = Unanswered::Unknown)]
    timeout_state: Unanswered,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Records with `checks`
    Json,
    /// A card for people; a table for several subscriptions
    Text,
    /// The old check's document
    Legacy,
}

#[derive(Clone, Copy, ValueEnum)]
enum Unanswered {
    Unknown,
    Critical,
}

impl From<Unanswered> for PluginState {
    fn from(state: Unanswered) -> Self {
        match state {
            Unanswered::Unknown => Self::Unknown,
            Unanswered::Critical => Self::Critical,
        }
    }
}

fn act(args: &CheckArgs, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    args.state.fill(&mut session.settings);
    if let Some(exit) = refuse_incomplete(session) {
        return Ok(exit);
    }
    match check(args, session) {
        // A monitoring host reads stdout: it needs a plugin line even when the run fails.
        Err(error) if args.output.nagios => failed_plugin(&error, args.output.timeout_state, session),
        result => result,
    }
}

fn check(args: &CheckArgs, session: &mut Session) -> Result<Exit, CliError> {
    let checker = RecordChecker::new(&args.policy, session)?.with_history(session);
    let mut printer = VerdictPrinter::new(args.output, checker.checker.policy.clone(), session);
    if printer.is_text() && args.input.names_nothing(session) {
        let text = nothing_to_watch(session, "dvrf check", checker.checker.policy.lang);
        session.log_text(&text);
        return Ok(Exit::CannotAnswer);
    }
    let exit = each(&args.input, session, |item, session| {
        let verdict = checker.check(item, session);
        item.record.set("checks", &verdict.checks)?;
        printer.print(&item.record, &verdict, session)?;
        Ok(verdict.exit)
    })?;
    printer.finish(exit, session)
}

/// Prints the plugin line of a run that ended in an error.
fn failed_plugin(error: &CliError, unanswered: Unanswered, session: &mut Session) -> Result<Exit, CliError> {
    let state = unanswered.into();
    if matches!(error, CliError::Write { .. }) {
        // The plugin line cannot be written either.
        session.log("error", &chain(error));
    }
    session.out.with(|out| nagios::write(&[Host::failed(&chain(error), state)], out))?;
    Ok(Exit::Passed(state.code()))
}

/// Prints the plugin line of a usage error: a monitoring host would take exit 2 for critical.
fn usage_error(message: &str, words: &[OsString], session: &mut Session) -> Result<Exit, CliError> {
    if !words.iter().any(|word| word == "--nagios") {
        return Ok(Exit::CannotAnswer);
    }
    let state = PluginState::Unknown;
    session.out.with(|out| nagios::write(&[Host::failed(message, state)], out))?;
    Ok(Exit::Passed(state.code()))
}

/// Runs the tool on the process's command line.
pub fn main() -> ExitCode {
    run(&std::env::args_os().collect::<Vec<_>>())
}

/// Runs the tool on the words of a command line, of which the first is the program's name.
pub fn run(words: &[OsString]) -> ExitCode {
    dvrf_cli::run_with_usage_hook(words, act, usage_error)
}

/// Runs the tool as the old `testnet_monitor_check.sh`.
pub fn run_old(words: &[OsString]) -> ExitCode {
    dvrf_cli::run_old(words, OldScript::Check, act)
}
