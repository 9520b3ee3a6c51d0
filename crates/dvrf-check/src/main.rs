//! `dvrf-check`: judges records: ok, alert or unknown, with coded findings.

use std::process::ExitCode;

use clap::Parser;
use supra_core::cli::args::{LiveArgs, StateArgs};
use supra_core::cli::input::InputArgs;
use supra_core::cli::judge::Judge;
use supra_core::cli::policy::PolicyArgs;
use supra_core::cli::records::each_filled_by;
use supra_core::cli::sibling::Sibling;
use supra_core::cli::verdict::VerdictArgs;
use supra_core::cli::{CliError, Session, run};
use supra_core::exit::Exit;

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
    let judge = Judge::new(&args.policy, session)?;
    let mut verdicts = args.verdict.clone().begin();
    let exit = each_filled_by::<Sibling>(&args.input, session, |record, session| {
        let (checks, exit) = judge.judge(record, session)?;
        verdicts.print(record, &checks, &judge, session)?;
        Ok(exit)
    })?;
    verdicts.finish(exit, session)
}

fn main() -> ExitCode {
    run(act)
}
