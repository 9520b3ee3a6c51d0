//! `dvrf-draw auto`: one JSON line a run, dry unless told to act.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;

use super::engine::{Earlier, Engine, Seen, Stop};
use super::smoke::steps;
use crate::args::DrawArgs;
use crate::ready;
use crate::run;
use dvrf_cli::exit::Exit;
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::settings::variables::fault_point;
use dvrf_cli::{CliError, Session, chain};
use supra_core::draw::{AutoLine, AutoStatus, Commands, DrawResult, Trouble};
use supra_core::readiness::Readiness;
use supra_core::record::Record;
use supra_core::stable_id::stable_id;
use supra_core::state_dir::append_line;

/// The value of the line's `schema`.
pub(crate) const SCHEMA: &str = "dvrf.draw/1";

/// The flags of `auto`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AutoArgs {
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
    /// Append the line to this file too, synced
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    log_file: Option<PathBuf>,
    /// Try again this often when the chain cannot be read, or when provably nothing was sent
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100), help_heading = "Guards")]
    retry: u32,
    /// Wait this long before trying again
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=3600), help_heading = "Guards")]
    retry_delay: u32,
    /// Buy the tickets that are missing first
    #[arg(long, requires = "max_spend", help_heading = "Tickets")]
    fill_tickets: bool,
    /// Spend at most this much on tickets, in the smallest unit of the lottery's token
    #[arg(long, value_name = "AMOUNT", help_heading = "Tickets")]
    max_spend: Option<String>,
}

/// Runs `auto`.
pub(crate) fn auto(args: &AutoArgs, session: &mut Session) -> Result<Exit, CliError> {
    args.draw.fill(&mut session.settings);
    let mut line = begin(args, session);
    let exit = match attempt(args, &mut line, session) {
        Ok(exit) => exit,
        Err(Over { status, exit, trouble }) => {
            line.status = status;
            let level = if status == AutoStatus::Busy { "warning" } else { "error" };
            session.say(level, &trouble.message);
            if let Some(hint) = &trouble.hint {
                session.say("info", hint);
            }
            line.error = Some(trouble);
            exit
        }
    };
    finish(&mut line, exit);
    fault_point("before_log");
    let logged = args.log_file.as_ref().map_or(Ok(()), |path| append_line(path, &text(&line)));
    session.out.record(&Record::from_fields(&line)?, false)?;
    if let Err(error) = logged {
        // What was done is on stdout; that it is not in the log must not pass unseen.
        session.say_failure(&error.into());
        return Ok(Exit::CannotAnswer);
    }
    Ok(exit)
}

fn begin(args: &AutoArgs, session: &Session) -> AutoLine {
    let run_id =
        stable_id(&["auto", &session.now.as_nanosecond().to_string(), &std::process::id().to_string()]);
    AutoLine {
        timestamp: session.now.to_string(),
        execute: args.execute,
        commands: Commands {
            readiness: vec![session.name.clone(), "ready".to_owned(), "--live".to_owned()],
            manual_draw: None,
        },
        readiness: None,
        manual_draw: None,
        status: AutoStatus::Error,
        stderr: None,
        readiness_exit_code: None,
        error: None,
        manual_draw_exit_code: None,
        exit_code: 2,
        schema: SCHEMA.to_owned(),
        run_id,
        level: String::new(),
        event: String::new(),
        tickets_bought: None,
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

fn text(line: &AutoLine) -> String {
    // The line is made of strings and numbers: it always has a JSON form.
    serde_json::to_string(line).unwrap_or_default()
}

/// Why a run ended before its decision.
struct Over {
    status: AutoStatus,
    exit: Exit,
    trouble: Trouble,
}

fn error(trouble: Trouble) -> Over {
    Over { status: AutoStatus::Error, exit: Exit::CannotAnswer, trouble }
}

impl From<CliError> for Over {
    fn from(cause: CliError) -> Self {
        match cause {
            CliError::Failure(failure) => error(Trouble::by_kind(&failure)),
            other => error(Trouble::new("OUTPUT", chain(&other))),
        }
    }
}

impl From<Stop> for Over {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Busy(busy) => {
                let trouble = Trouble::new("BUSY", busy.to_string());
                Self { status: AutoStatus::Busy, exit: Exit::Busy, trouble }
            }
            Stop::Failed(failure) => CliError::from(failure).into(),
        }
    }
}

fn attempt(args: &AutoArgs, line: &mut AutoLine, session: &mut Session) -> Result<Exit, Over> {
    let mut engine = Engine::open(&args.draw, &args.policy, args.execute, session)?;
    if args.execute && !engine.is_guarded() {
        session.say(
            "warning",
            "neither a journal nor a --lock-file keeps another run of this host from drawing too",
        );
    }
    let mut seen = read(args, &engine, session)?;
    match engine.reconcile(&seen) {
        Earlier::Nothing => {}
        Earlier::Void(text) => session.say("info", &text),
        Earlier::Requested(intent) => {
            line.status = AutoStatus::Reconciled;
            line.stderr =
                Some(format!("the draw of run {} was requested; the chain shows it", intent.run_id));
            return Ok(Exit::Done);
        }
        Earlier::Open(trouble) => return Err(error(trouble)),
    }
    let mut found = judge(args, &engine, &seen, session)?;
    if args.fill_tickets && args.execute && only_tickets_lack(&found) {
        line.tickets_bought = Some(fill(args, &engine, &seen, session)?);
        if line.tickets_bought > Some(0) {
            seen = read(args, &engine, session)?;
            found = judge(args, &engine, &seen, session)?;
        }
    }
    line.readiness_exit_code = Some(ready::exit_of(&found).code());
    line.readiness = Some(found.clone());
    let command = engine.sender.shown(&engine.sender.words);
    if found.is_unknown() {
        let text = seen.failure.as_ref().map_or_else(
            || found.reasons.first().map(|reason| reason.message.clone()).unwrap_or_default(),
            |failure| failure.message.clone(),
        );
        return Err(error(Trouble::new("UNKNOWN", text).with_hint("nothing is drawn on what is not known")));
    }
    if !found.ready {
        line.status = AutoStatus::NotReady;
        return Ok(Exit::Done);
    }
    line.commands.manual_draw = Some(command);
    if !args.execute {
        line.status = AutoStatus::ReadyDryRun;
        return Ok(Exit::Done);
    }
    execute(args, &mut engine, &found, &seen, line, session)
}

/// Reads the chain, again while it cannot be read.
fn read(args: &AutoArgs, engine: &Engine, session: &Session) -> Result<Seen, Over> {
    for _ in 0..args.retry {
        let seen = engine.read(session)?;
        match &seen.failure {
            None => return Ok(seen),
            Some(failure) => {
                session.say("warning", &format!("the chain cannot be read, once more: {}", failure.message));
            }
        }
        std::thread::sleep(Duration::from_secs(args.retry_delay.into()));
    }
    Ok(engine.read(session)?)
}

fn execute(
    args: &AutoArgs,
    engine: &mut Engine,
    found: &Readiness,
    seen: &Seen,
    line: &mut AutoLine,
    session: &mut Session,
) -> Result<Exit, Over> {
    let Some(round) = found.round else {
        return Err(error(Trouble::new("ROUND_UNKNOWN", "the lottery's counter of requests cannot be read")));
    };
    // Full disks show here, before anything is sent: a line in the log, a blank on stdout, which JSON allows.
    if let Some(path) = &args.log_file {
        let mut submitting = AutoLine { status: AutoStatus::Submitting, exit_code: 0, ..line.clone() };
        finish(&mut submitting, Exit::Done);
        append_line(path, &text(&submitting)).map_err(|cause| error(Trouble::of("LOG", &cause.into())))?;
    }
    session.out.text(" ")?;
    session.out.flush()?;
    let lottery = seen.state.as_ref().map(|state| &state.lottery);
    let mut result = engine.draw(round, lottery);
    for _ in 0..args.retry {
        // Only what provably was not sent may be sent again.
        if result.error.as_ref().is_none_or(|trouble| trouble.code != "NOT_SENT") {
            break;
        }
        std::thread::sleep(Duration::from_secs(args.retry_delay.into()));
        result = engine.draw(round, lottery);
    }
    result.ready = Some(true);
    let exit = run::exit_of(&result);
    if let Some(trouble) = &result.error {
        run::say(trouble, session);
    }
    line.status = if result.error.is_none() { AutoStatus::Executed } else { AutoStatus::ManualDrawFailed };
    line.stderr = result.stderr.clone().filter(|said| !said.is_empty());
    line.manual_draw_exit_code = Some(exit.code());
    line.manual_draw = Some(DrawResult { readiness: None, ..result });
    Ok(exit)
}

/// What stands against a draw, on the chain and in the journal.
fn judge(args: &AutoArgs, engine: &Engine, seen: &Seen, session: &Session) -> Result<Readiness, Over> {
    let mut found = ready::judge(&seen.record, &seen.checks, &args.draw.readiness, &engine.checker, session)?;
    if args.execute {
        engine.object(&mut found, session);
    }
    Ok(found)
}

/// Whether tickets are all that stands against a draw: they are not bought for one that something else forbids.
fn only_tickets_lack(found: &Readiness) -> bool {
    let about_tickets = ["TOO_FEW_TICKETS", "DRAW_NOT_SCHEDULED"];
    found.reasons.iter().all(|reason| about_tickets.contains(&reason.code.as_str()))
}

/// Buys the tickets that are missing, as far as `--max-spend` allows.
fn fill(args: &AutoArgs, engine: &Engine, seen: &Seen, session: &Session) -> Result<u64, Over> {
    let limit = match &args.max_spend {
        Some(text) => dvrf_cli::parse::number("--max-spend", text).map_err(CliError::from)?,
        None => 0,
    };
    let sold = seen.state.as_ref().and_then(|state| state.lottery.ticket_count);
    let Some(sold) = sold else {
        return Err(error(Trouble::new("UNKNOWN", "the number of tickets is not known: none are bought")));
    };
    let missing = u128::from(args.draw.readiness.min_tickets).saturating_sub(sold.get());
    let missing = u64::try_from(missing).unwrap_or(u64::MAX);
    if missing == 0 || seen.state.as_ref().is_some_and(|state| state.lottery.pending_request != Some(false)) {
        return Ok(0);
    }
    let price = steps::ticket_price(engine).map_err(error)?;
    let cost = price.checked_mul(missing.into());
    if cost.is_none_or(|cost| cost > limit) {
        let text =
            format!("{missing} tickets at {price} cost more than --max-spend {limit}: none are bought");
        return Err(error(
            Trouble::new("MAX_SPEND", text).with_hint("raise --max-spend, or wait for players"),
        ));
    }
    let start = Instant::now();
    for bought in 0..missing {
        steps::buy_ticket(engine, sold.get().saturating_add(u128::from(bought))).map_err(|trouble| {
            let text = format!("{bought} of {missing} tickets were bought, then: {}", trouble.message);
            error(Trouble { message: text, ..trouble })
        })?;
    }
    session.say(
        "info",
        &format!("{missing} tickets bought in {} ms", crate::args::milliseconds(start.elapsed())),
    );
    Ok(missing)
}
