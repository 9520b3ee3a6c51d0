//! `dvrf-check`: judges records: ok, alert or unknown, with coded findings.

mod legacy;
pub mod text;
mod verdict;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::verdict::VerdictArgs;
use clap::Parser;
use dvrf_cli::args::{LiveArgs, StateArgs};
use dvrf_cli::checker::Checker;
use dvrf_cli::exit::Exit;
use dvrf_cli::input::InputArgs;
use dvrf_cli::pipeline::each;
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::{CliError, Session};

/// Judges a report: ok, alert or unknown, with coded findings
#[derive(Parser)]
#[command(name = "dvrf-check")]
struct Args {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    live: LiveArgs,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    verdict: VerdictArgs,
}

fn act(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    args.state.fill(&mut session.settings);
    let result = check(args, session);
    args.verdict.or_plugin_line(result, session)
}

fn check(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    let checker = Checker::new(&args.policy, session)?;
    let mut verdicts = args.verdict.clone().begin();
    let exit = each(&args.input, session, |record, session| {
        let (checks, exit) = checker.judge(record, session)?;
        verdicts.print(record, &checks, &checker, session)?;
        Ok(exit)
    })?;
    verdicts.finish(exit, session)
}

/// Runs the tool on the process's command line.
pub fn main() -> ExitCode {
    run(&std::env::args_os().collect::<Vec<_>>())
}

/// Runs the tool on the words of a command line, of which the first is the program's name.
pub fn run(words: &[OsString]) -> ExitCode {
    dvrf_cli::run(words, act)
}
