//! `dvrf-draw run`: the old manual draw, guarded.

use clap::Args;

use super::engine::{Earlier, Engine, Stop};
use crate::args::DrawArgs;
use crate::ready;
use dvrf_cli::exit::Exit;
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::text::{plain, plain_lines};
use dvrf_cli::{CliError, Session};
use supra_core::amount::Count;
use supra_core::draw::{DrawResult, Trouble};
use supra_core::readiness::Readiness;
use supra_core::record::Record;

use crate::text::text;
use supra_core::state::Lottery;

/// The flags of `run`.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunArgs {
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
}

/// The exit that the end of an attempt means.
pub(super) fn exit_of(result: &DrawResult) -> Exit {
    let Some(trouble) = &result.error else {
        let unanswered = result.handled.as_ref().is_some_and(|handled| !handled.handled);
        return if unanswered { Exit::No } else { Exit::Done };
    };
    match result.returncode {
        // As a shell says it.
        Some(signal @ ..=-1) => Exit::Passed(u8::try_from(128 - signal).unwrap_or(u8::MAX)),
        Some(code @ 1..) => Exit::Passed(u8::try_from(code).unwrap_or(u8::MAX)),
        _ if trouble.code == "TRANSACTION_FAILED" => Exit::No,
        _ => Exit::CannotAnswer,
    }
}

/// Says how an attempt failed and what to do.
pub(super) fn say(trouble: &Trouble, session: &Session) {
    session.say("error", &plain(&trouble.message));
    if let Some(hint) = &trouble.hint {
        session.say("info", &plain(hint));
    }
}

/// Runs `run`.
pub(crate) fn run(args: &RunArgs, session: &mut Session) -> Result<Exit, CliError> {
    args.draw.fill(&mut session.settings);
    let mut result =
        DrawResult { readiness_skipped: args.skip_readiness, dry_run: args.dry_run, ..DrawResult::default() };
    let exit = match attempt(args, &mut result, session) {
        Ok(exit) => exit,
        Err(Over::Busy(sentence)) => {
            session.say("warning", &sentence);
            result.error = Some(Trouble::new("BUSY", sentence));
            Exit::Busy
        }
        Err(Over::Trouble(trouble)) => {
            say(&trouble, session);
            result.error = Some(trouble);
            Exit::CannotAnswer
        }
        Err(Over::Cli(error)) => return Err(error),
    };
    if args.output.json_result {
        session.out.record(&Record::from_fields(&result)?, true)?;
    }
    Ok(exit)
}

/// Why an attempt did not come to its end.
enum Over {
    Busy(String),
    Trouble(Trouble),
    Cli(CliError),
}

impl From<CliError> for Over {
    fn from(error: CliError) -> Self {
        match error {
            CliError::Failure(failure) => Self::Trouble(Trouble::by_kind(&failure)),
            other => Self::Cli(other),
        }
    }
}

impl From<Stop> for Over {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Busy(error) => Self::Busy(error.to_string()),
            Stop::Failed(failure) => Self::Trouble(Trouble::by_kind(&failure)),
        }
    }
}

fn attempt(args: &RunArgs, result: &mut DrawResult, session: &mut Session) -> Result<Exit, Over> {
    let mut engine = Engine::open(&args.draw, &args.policy, !args.dry_run, session)?;
    let (round, before) = if args.skip_readiness {
        without_readiness(args, &mut engine, session)?
    } else {
        let seen = engine.read(session)?;
        if let Some(failure) = &seen.failure {
            session.say_failure(failure);
        }
        let mut found = ready::decide(
            &seen.checked,
            Some(&engine.target),
            &args.draw.readiness,
            &engine.checker.checker.policy,
            session,
        )?;
        if args.output.print_json {
            result.readiness_report = seen.record.to_value().ok();
        }
        earlier(&mut engine, &seen, session)?;
        if !args.dry_run {
            engine.object(&mut found, session);
        }
        result.ready = Some(found.ready);
        result.readiness = Some(found.clone());
        if !args.output.json_result {
            show_readiness(args, &found, result, session)?;
        }
        if !found.ready {
            return Ok(ready::exit_of(&found));
        }
        (found.round, seen.state().map(|state| state.lottery.clone()))
    };
    let command = engine.sender.shown(&engine.sender.words);
    if !args.output.json_result {
        session.out.text(&format!("{}\n", plain(&command.join(" "))))?;
    }
    result.command = Some(command);
    if args.dry_run {
        return Ok(Exit::Done);
    }
    let Some(round) = round else {
        let text =
            "the lottery's counter of requests cannot be read: one draw could not be told from the next";
        return Err(Over::Trouble(Trouble::new("ROUND_UNKNOWN", text)));
    };
    // A full disk shows here, before anything is sent; a blank before a document is still a document.
    session.out.text(" ")?;
    session.out.flush()?;
    let done = engine.draw(round, before.as_ref());
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
    } else if let Some(trouble) = &result.error {
        say(trouble, session);
    }
    Ok(exit)
}

/// The one question that is left: which round it is.
fn without_readiness(
    args: &RunArgs,
    engine: &mut Engine,
    session: &Session,
) -> Result<(Option<Count>, Option<Lottery>), Over> {
    if args.dry_run {
        return Ok((None, None));
    }
    let seen = engine.read(session)?;
    earlier(engine, &seen, session)?;
    let lottery = seen.state().map(|state| state.lottery.clone());
    Ok((lottery.as_ref().and_then(|lottery| lottery.rng_request_count), lottery))
}

fn earlier(engine: &mut Engine, seen: &super::engine::Seen, session: &Session) -> Result<(), Over> {
    match engine.reconcile(seen) {
        Earlier::Nothing => Ok(()),
        Earlier::Void(text) => {
            session.say("info", &text);
            Ok(())
        }
        Earlier::Requested(intent) => {
            let text = format!("the draw of run {} was requested; the chain shows it", intent.run_id);
            session.say("info", &text);
            Ok(())
        }
        Earlier::Open(trouble) => Err(Over::Trouble(trouble)),
    }
}

fn show_readiness(
    args: &RunArgs,
    found: &Readiness,
    result: &DrawResult,
    session: &mut Session,
) -> Result<(), CliError> {
    let lang = dvrf_cli::args::lang(&session.settings)?;
    let name = session.settings.text(&dvrf_cli::settings::variables::PROFILE).unwrap_or("-").to_owned();
    session.out.with(|out| text(found, &name, lang, out))?;
    match &result.readiness_report {
        Some(report) if args.output.print_json => session.out.record(&Record::from_fields(report)?, true),
        _ => Ok(()),
    }
}

fn show_draw(result: &DrawResult, session: &mut Session) -> Result<(), CliError> {
    let stdout = result.stdout.as_deref().map(plain_lines).unwrap_or_default();
    let Some(trouble) = &result.error else {
        let by = result.tx_hash.as_deref().map(|hash| format!(", transaction {hash}")).unwrap_or_default();
        session.out.text(&format!("draw requested: the chain shows it{by}\n{stdout}\n"))?;
        if let Some(handled) = &result.handled {
            let answered = if handled.handled { "answered after" } else { "not answered within" };
            session.out.text(&format!("{answered} {} ms\n", handled.waited_ms))?;
        }
        return Ok(());
    };
    say(trouble, session);
    let stderr = result.stderr.as_deref().map(plain_lines).unwrap_or_default();
    for said in [stdout, stderr].iter().filter(|said| !said.is_empty()) {
        session.say("info", said);
    }
    Ok(())
}
