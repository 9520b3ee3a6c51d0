//! `dvrf-draw auto`: one JSON line a run, dry unless told to act.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;

use super::smoke::steps;
use crate::args::DrawArgs;
use crate::decision::{Decision, FOR_A_PERSON, ReadyToken};
use crate::legacy;
use crate::ready;
use crate::run;
use crate::runner::{DrawRunner, Reading};
use crate::target::TargetArgs;
use dvrf_cli::exit::Exit;
use dvrf_cli::legacy::{refuse_incomplete, spaced};
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::settings::variables::{self, fault_point};
use dvrf_cli::submit::RetryArgs;
use dvrf_cli::{CliError, Session};
use supra_core::draw::{AutoLine, AutoStatus, Commands, DrawError, DrawErrorCode};
use supra_core::readiness::Readiness;
use supra_core::record::{DRAW_SCHEMA, Record};
use supra_core::stable_id::stable_id;
use supra_core::state_dir::append_line;

/// The flags of `auto`.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct AutoArgs {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    draw: DrawArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    /// Send the draw when everything is ready
    #[arg(long, conflicts_with = "dry_run", help_heading = "Guards")]
    execute: bool,
    /// Send nothing (the default)
    #[arg(long, help_heading = "Guards")]
    dry_run: bool,
    /// Put the report into the readiness of the line
    #[arg(long, help_heading = "Output")]
    include_report: bool,
    /// Append the line to this file too, synced
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    log_file: Option<PathBuf>,
    #[command(flatten)]
    retry: RetryArgs,
    /// Buy the tickets that are missing first
    #[arg(long, requires = "max_spend", help_heading = "Tickets")]
    fill_tickets: bool,
    /// Spend at most this much on tickets in 24 hours, in the smallest unit of the lottery's token
    #[arg(long, value_name = "AMOUNT", help_heading = "Tickets")]
    max_spend: Option<String>,
}

/// Runs `auto`.
pub(crate) fn auto(args: &AutoArgs, session: &mut Session) -> Result<Exit, CliError> {
    args.draw.fill(&mut session.settings);
    if let Some(exit) = refuse_incomplete(session) {
        return Ok(exit);
    }
    let target = args.target.fill(session);
    let mut line = begin(args, session);
    let result = target.and_then(|name| {
        line.name = name;
        attempt(args, &mut line, session)
    });
    let exit = match result {
        Ok(exit) => exit,
        Err(error) => {
            let busy = error.code == DrawErrorCode::Busy;
            line.status = if busy { AutoStatus::Busy } else { AutoStatus::Error };
            run::log(&error, session);
            let exit = run::exit_before(&error);
            line.error = Some(error);
            exit
        }
    };
    finish(&mut line, exit);
    fault_point("before_log");
    let is_old = session.old_script.is_some();
    let logged = args.log_file.as_ref().map_or(Ok(()), |path| append_line(path, &text(&line, is_old)));
    let record = if is_old { Record::from_fields(&line.to_legacy())? } else { Record::from_fields(&line)? };
    session.out.record(&record, false)?;
    if let Err(error) = logged {
        // What was done is on stdout; that it is not in the log must not pass unseen.
        session.log_error(&error.into());
        return Ok(Exit::CannotAnswer);
    }
    Ok(exit)
}

fn begin(args: &AutoArgs, session: &Session) -> AutoLine {
    let run_id =
        stable_id(&["auto", &session.now.as_nanosecond().to_string(), &std::process::id().to_string()]);
    let text = |variable| session.settings.text(variable).map(str::to_owned);
    let is_old = session.old_script.is_some();
    let readiness = if is_old {
        legacy::commands(&args.draw, &args.policy, &session.settings).readiness
    } else {
        vec![session.name.clone(), "ready".to_owned(), "--live".to_owned()]
    };
    AutoLine {
        // The old script wrote six digits of a second.
        timestamp: if is_old { format!("{:.6}", session.now) } else { session.now.to_string() },
        execute: args.execute,
        commands: Commands { readiness, manual_draw: None },
        readiness: None,
        manual_draw: None,
        status: AutoStatus::Error,
        stderr: None,
        readiness_exit_code: None,
        error: None,
        manual_draw_exit_code: None,
        exit_code: 2,
        schema: DRAW_SCHEMA.to_owned(),
        run_id,
        level: String::new(),
        event: String::new(),
        tickets_bought: None,
        name: None,
        profile: text(&variables::PROFILE),
        lottery_addr: text(&variables::LOTTERY_ADDR),
        deposit_addr: text(&variables::DEPOSIT_ADDR),
        client_addr: text(&variables::CLIENT_ADDR),
    }
}

fn finish(line: &mut AutoLine, exit: Exit) {
    line.exit_code = exit.code();
    line.event = format!("auto_draw.{}", line.status.name());
    let level = match line.status {
        AutoStatus::Error | AutoStatus::ManualDrawFailed => "error",
        AutoStatus::Busy => "warn",
        _ => "info",
    };
    level.clone_into(&mut line.level);
}

fn text(line: &AutoLine, is_old: bool) -> String {
    // The line is made of strings and numbers: it always has a JSON form.
    if is_old {
        spaced(&line.to_legacy().to_string())
    } else {
        serde_json::to_string(line).unwrap_or_default()
    }
}

fn attempt(args: &AutoArgs, line: &mut AutoLine, session: &mut Session) -> Result<Exit, DrawError> {
    let mut runner = DrawRunner::open(&args.draw, &args.policy, args.execute, session)?;
    if args.fill_tickets {
        runner.refuse_with_layout("--fill-tickets", "only the lottery main_v2 has tickets to buy")?;
    }
    if args.execute && !runner.guarded.is_guarded() {
        session.log(
            "warning",
            "neither a journal nor a --lock-file keeps another run of this host from drawing too",
        );
    }
    let (mut tries, mut rereads) = (args.retry.tries(), args.retry.rereads());
    loop {
        let exit = decide_and_draw(args, &mut runner, line, session)?;
        // Only what provably was not sent may be sent again, after a new decision.
        let again = match line.manual_draw.as_ref().and_then(|result| result.error.as_ref()) {
            Some(error) if error.code == DrawErrorCode::NotSent => {
                // Within one run the delay is the rest.
                runner.cool_down_s = 0;
                tries.take()
            }
            Some(error) if error.code == DrawErrorCode::ReadingOld => rereads.take(),
            _ => false,
        };
        if !again {
            return Ok(exit);
        }
    }
}

fn decide_and_draw(
    args: &AutoArgs,
    runner: &mut DrawRunner,
    line: &mut AutoLine,
    session: &mut Session,
) -> Result<Exit, DrawError> {
    let mut reading = read(args, runner, session)?;
    let decide = |runner: &mut DrawRunner, reading: &Reading| {
        runner.decide(reading, &args.draw.readiness, args.execute, session)
    };
    let mut decision = decide(runner, &reading)?;
    if let Decision::NotReady(readiness) = &decision
        && args.fill_tickets
        && args.execute
        && only_tickets_lack(readiness)
    {
        line.tickets_bought = Some(fill(args, runner, &reading, session)?);
        reading = read(args, runner, session)?;
        decision = decide(runner, &reading)?;
    }
    let (mut readiness, token) = match decision {
        Decision::Reconciled(text) => {
            line.status = AutoStatus::Reconciled;
            line.stderr = Some(text);
            return Ok(Exit::Done);
        }
        Decision::NotReady(readiness) => (readiness, None),
        Decision::Ready(readiness, token) => (readiness, token),
    };
    if args.include_report || session.old_script.is_some() {
        readiness.report = reading.record.to_value().ok();
    }
    line.readiness_exit_code = Some(ready::exit_of(&readiness).code());
    if readiness.is_unknown() {
        let text = reading.failure.as_ref().map_or_else(
            || readiness.reasons.first().map(|reason| reason.message.clone()).unwrap_or_default(),
            |failure| failure.message.clone(),
        );
        line.readiness = Some(readiness);
        let error = DrawError::new(DrawErrorCode::Unknown, text);
        return Err(error.with_hint("nothing is drawn on what is not known"));
    }
    let for_a_person = readiness.reasons.iter().find_map(|reason| {
        let (_, code, hint) = FOR_A_PERSON.iter().find(|(name, ..)| *name == reason.code)?;
        Some(DrawError::new(*code, reason.message.clone()).with_hint(*hint))
    });
    let is_ready = readiness.ready;
    line.readiness = Some(readiness);
    if let Some(error) = for_a_person {
        return Err(error);
    }
    if !is_ready {
        line.status = AutoStatus::NotReady;
        return Ok(Exit::Done);
    }
    line.commands.manual_draw = match session.old_script {
        Some(_) => legacy::commands(&args.draw, &args.policy, &session.settings).manual_draw,
        None => Some(runner.command()),
    };
    match token {
        None => {
            line.status = AutoStatus::ReadyDryRun;
            Ok(Exit::Done)
        }
        Some(token) => execute(args, runner, &token, line, session),
    }
}

/// Reads the chain, again while it cannot be read.
fn read(args: &AutoArgs, runner: &DrawRunner, session: &Session) -> Result<Reading, DrawError> {
    let mut tries = args.retry.tries();
    loop {
        let reading = runner.read(session)?;
        let Some(failure) = &reading.failure else { return Ok(reading) };
        if !tries.take() {
            return Ok(reading);
        }
        session.log("warning", &format!("the chain is read again: {}", failure.message));
    }
}

fn execute(
    args: &AutoArgs,
    runner: &mut DrawRunner,
    token: &ReadyToken,
    line: &mut AutoLine,
    session: &mut Session,
) -> Result<Exit, DrawError> {
    // Full disks show here, before anything is sent.
    if let Some(path) = &args.log_file {
        let mut submitting = AutoLine { status: AutoStatus::Submitting, ..line.clone() };
        finish(&mut submitting, Exit::Done);
        append_line(path, &text(&submitting, session.old_script.is_some()))
            .map_err(|cause| DrawError::of(DrawErrorCode::Log, &cause.into()))?;
    }
    session.out.reserve()?;
    let mut result = runner.draw(token);
    result.ready = Some(true);
    let exit = run::exit_of(&result);
    if let Some(error) = &result.error {
        run::log(error, session);
    }
    line.status = if result.error.is_none() { AutoStatus::Executed } else { AutoStatus::ManualDrawFailed };
    line.stderr = result.stderr.clone().filter(|said| !said.is_empty());
    line.manual_draw_exit_code = Some(exit.code());
    line.manual_draw = Some(result);
    Ok(exit)
}

/// Whether tickets are all that stands against a draw: they are not bought for one that something else forbids.
fn only_tickets_lack(found: &Readiness) -> bool {
    let about_tickets = ["TOO_FEW_TICKETS", "DRAW_NOT_SCHEDULED"];
    found.reasons.iter().all(|reason| about_tickets.contains(&reason.code.as_str()))
}

/// Buys the missing tickets within `--max-spend`.
fn fill(
    args: &AutoArgs,
    runner: &mut DrawRunner,
    reading: &Reading,
    session: &Session,
) -> Result<u64, DrawError> {
    let limit = match &args.max_spend {
        Some(text) => {
            dvrf_cli::parse::number("--max-spend", text).map_err(|failure| DrawError::from(&failure))?
        }
        None => 0,
    };
    let sold = reading.state().and_then(|state| state.lottery.ticket_count);
    let Some(sold) = sold else {
        return Err(DrawError::new(
            DrawErrorCode::Unknown,
            "the number of tickets is not known: none were bought",
        ));
    };
    let missing = u128::from(args.draw.readiness.min_tickets).saturating_sub(sold.get());
    let missing = u64::try_from(missing).unwrap_or(u64::MAX);
    if missing == 0 || reading.state().is_some_and(|state| state.lottery.pending_request != Some(false)) {
        return Ok(0);
    }
    let price = steps::ticket_price(runner)?;
    let spent = runner.spent(reading);
    let cost = price.checked_mul(missing.into()).and_then(|cost| cost.checked_add(spent));
    if cost.is_none_or(|cost| cost > limit) {
        let earlier = if spent > 0 { format!(", after {spent} in the last 24 h,") } else { String::new() };
        let text = format!(
            "the missing tickets ({missing} at {price} each) cost{earlier} more than --max-spend {limit}: none were bought"
        );
        return Err(
            DrawError::new(DrawErrorCode::MaxSpend, text).with_hint("raise --max-spend, or wait for players")
        );
    }
    let start = Instant::now();
    for bought in 0..missing {
        runner.spend(price, reading)?;
        let result = steps::buy_ticket(runner, sold.get().saturating_add(u128::from(bought)));
        if result.as_ref().is_err_and(|error| error.code == DrawErrorCode::NotSent) {
            runner.give_back(price)?;
        }
        result.map_err(|error| {
            let text = format!("{bought} of {missing} tickets were bought, then: {}", error.message);
            DrawError { message: text, ..error }
        })?;
    }
    session.log(
        "info",
        &format!("{missing} tickets bought in {} ms", crate::args::milliseconds(start.elapsed())),
    );
    Ok(missing)
}
