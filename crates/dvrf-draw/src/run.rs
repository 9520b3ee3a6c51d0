//! `dvrf-draw run`: the old manual draw, guarded.

use clap::Args;

use crate::args::DrawArgs;
use crate::decision::{Decision, ReadyToken};
use crate::ready;
use crate::runner::{DrawRunner, Reading};
use crate::target::TargetArgs;
use dvrf_cli::exit::Exit;
use dvrf_cli::legacy::{refuse_incomplete, refuse_without};
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::settings::variables;
use dvrf_cli::text::{plain, plain_lines};
use dvrf_cli::{CliError, Session};
use supra_core::draw::{DrawError, DrawErrorCode, DrawResult};
use supra_core::readiness::Readiness;
use supra_core::record::Record;

use crate::text::text;

/// The flags of `run`.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    draw: DrawArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    /// Draw without asking whether the lottery is ready; the contract still asks
    #[arg(long, help_heading = "Readiness")]
    skip_readiness: bool,
    /// Stop before anything is sent
    #[arg(long, help_heading = "Output")]
    dry_run: bool,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
struct OutputArgs {
    /// Print one JSON document and nothing else
    #[arg(long)]
    json_result: bool,
    /// Print the report too
    #[arg(long)]
    print_json: bool,
    /// Put the report into the readiness of the document
    #[arg(long, requires = "json_result")]
    include_report: bool,
}

/// The exit that the end of an attempt means.
pub(super) fn exit_of(result: &DrawResult) -> Exit {
    let Some(error) = &result.error else {
        let unanswered = result.handled.as_ref().is_some_and(|handled| !handled.handled);
        return if unanswered { Exit::No } else { Exit::Done };
    };
    match result.returncode {
        // As a shell says it.
        Some(signal @ ..=-1) => Exit::Passed(u8::try_from(128 - signal).unwrap_or(u8::MAX)),
        Some(code @ 1..) => Exit::Passed(u8::try_from(code).unwrap_or(u8::MAX)),
        _ if error.code == DrawErrorCode::TransactionFailed => Exit::No,
        _ => Exit::CannotAnswer,
    }
}

/// The exit of a run that ended before its attempt.
pub(crate) fn exit_before(error: &DrawError) -> Exit {
    if error.code == DrawErrorCode::Busy { Exit::Busy } else { Exit::CannotAnswer }
}

/// Logs how an attempt failed and what to do.
pub(crate) fn log(error: &DrawError, session: &Session) {
    let level = if error.code == DrawErrorCode::Busy { "warning" } else { "error" };
    session.log(level, &plain(&error.message));
    if let Some(hint) = &error.hint {
        session.log("info", &plain(hint));
    }
}

/// Runs `run`.
pub(crate) fn run(args: &RunArgs, session: &mut Session) -> Result<Exit, CliError> {
    args.draw.fill(&mut session.settings);
    let refused = if args.skip_readiness {
        let refused = refuse_without(&[&variables::PROFILE, &variables::LOTTERY_ADDR], session);
        if session.old_script.is_some() {
            // The gas settings are not used either, whatever they are.
            for variable in
                [&variables::MAX_GAS_PRICE, &variables::MAX_GAS_LIMIT, &variables::VERIFICATION_GAS]
            {
                session.settings.unset(variable);
            }
            let is_named = |variable| session.settings.text(variable).is_some();
            if !is_named(&variables::DEPOSIT_ADDR) && !is_named(&variables::NETWORK) {
                // Of the deposit nothing is needed: its values are then simply not found.
                let lottery = session.settings.text(&variables::LOTTERY_ADDR).map(str::to_owned);
                session.settings.set_flag(&variables::DEPOSIT_ADDR, lottery.as_deref());
            }
        }
        refused
    } else {
        refuse_incomplete(session)
    };
    if let Some(exit) = refused {
        return Ok(exit);
    }
    let mut result =
        DrawResult { readiness_skipped: args.skip_readiness, dry_run: args.dry_run, ..DrawResult::default() };
    let target = args.target.fill(session);
    let exit = target.and_then(|_| attempt(args, &mut result, session)).unwrap_or_else(|error| {
        log(&error, session);
        let exit = exit_before(&error);
        result.error = Some(error);
        exit
    });
    if args.output.json_result {
        let record = match session.old_script {
            Some(_) => Record::from_fields(&result.to_legacy())?,
            None => Record::from_fields(&result)?,
        };
        session.out.record(&record, true)?;
    }
    Ok(exit)
}

fn attempt(args: &RunArgs, result: &mut DrawResult, session: &mut Session) -> Result<Exit, DrawError> {
    let mut runner = DrawRunner::open(&args.draw, &args.policy, !args.dry_run, session)?;
    let token = if args.skip_readiness {
        let why = "its conditions may be all that stands between two draws";
        runner.refuse_with_layout("--skip-readiness", why)?;
        if args.dry_run {
            None
        } else {
            let reading = runner.read(session)?;
            Some(runner.skip_readiness(&reading, session)?)
        }
    } else {
        match decide(args, &mut runner, result, session)? {
            Ok(token) => token,
            Err(exit) => return Ok(exit),
        }
    };
    let command = runner.command();
    if !args.output.json_result {
        session.out.text(&format!("{}\n", plain(&command.join(" "))))?;
    }
    result.command = Some(command);
    let Some(token) = token else { return Ok(Exit::Done) };
    // A full disk shows here, before anything is sent.
    session.out.reserve()?;
    let done = runner.draw(&token);
    let exit = exit_of(&done);
    let kept = std::mem::take(result);
    *result = DrawResult {
        ready: kept.ready,
        readiness: kept.readiness,
        readiness_skipped: kept.readiness_skipped,
        readiness_report: kept.readiness_report,
        ..done
    };
    if !args.output.json_result {
        show_draw(result, session)?;
    } else if let Some(error) = &result.error {
        log(error, session);
    }
    Ok(exit)
}

/// Decides about the draw and shows the readiness. The inner error is the exit of a run that sends nothing.
fn decide(
    args: &RunArgs,
    runner: &mut DrawRunner,
    result: &mut DrawResult,
    session: &mut Session,
) -> Result<Result<Option<ReadyToken>, Exit>, DrawError> {
    let reading = runner.read(session)?;
    if let Some(failure) = &reading.failure {
        session.log_failure(failure);
    }
    if args.output.print_json {
        result.readiness_report = reading.record.to_value().ok();
    }
    let (mut readiness, token) = match decision(args, runner, &reading, session)? {
        Decision::Ready(readiness, token) => (readiness, Ok(token)),
        Decision::NotReady(readiness) => {
            let exit = ready::exit_of(&readiness);
            (readiness, Err(exit))
        }
        // The journal has no intent any more.
        Decision::Reconciled(_) => return Ok(Err(Exit::Done)),
    };
    if args.output.include_report {
        readiness.report = reading.record.to_value().ok();
    }
    result.ready = Some(readiness.ready);
    result.readiness = Some(readiness.clone());
    if !args.output.json_result {
        show_readiness(args, &readiness, result, session)?;
    }
    Ok(token)
}

/// The decision about this draw, after that about an earlier one.
fn decision(
    args: &RunArgs,
    runner: &mut DrawRunner,
    reading: &Reading,
    session: &Session,
) -> Result<Decision, DrawError> {
    let mut decide = || runner.decide(reading, &args.draw.readiness, !args.dry_run, session);
    match decide()? {
        Decision::Reconciled(text) => {
            session.log("info", &text);
            decide()
        }
        decision => Ok(decision),
    }
}

fn show_readiness(
    args: &RunArgs,
    found: &Readiness,
    result: &DrawResult,
    session: &mut Session,
) -> Result<(), CliError> {
    let lang = dvrf_cli::args::lang(&session.settings)?;
    let name = session.settings.text(&variables::PROFILE).unwrap_or("-").to_owned();
    session.out.with(|out| text(found, &name, lang, out))?;
    match &result.readiness_report {
        Some(report) if args.output.print_json => session.out.record(&Record::from_fields(report)?, true),
        _ => Ok(()),
    }
}

fn show_draw(result: &DrawResult, session: &mut Session) -> Result<(), CliError> {
    let stdout = result.stdout.as_deref().map(plain_lines).unwrap_or_default();
    let Some(error) = &result.error else {
        let by = result.tx_hash.as_deref().map(|hash| format!(", transaction {hash}")).unwrap_or_default();
        session.out.text(&format!("draw requested: the chain shows it{by}\n{stdout}\n"))?;
        if let Some(handled) = &result.handled {
            let answered = if handled.handled { "answered after" } else { "not answered within" };
            session.out.text(&format!("{answered} {} ms\n", handled.waited_ms))?;
        }
        return Ok(());
    };
    log(error, session);
    let stderr = result.stderr.as_deref().map(plain_lines).unwrap_or_default();
    for said in [stdout, stderr].iter().filter(|said| !said.is_empty()) {
        session.log("info", said);
    }
    Ok(())
}
