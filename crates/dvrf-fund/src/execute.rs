//! `dvrf-fund --execute`: one JSON line a run.

use dvrf_cli::exit::Exit;
use dvrf_cli::settings::variables::{self, fault_point};
use dvrf_cli::target::take;
use dvrf_cli::text::plain;
use dvrf_cli::{CliError, Session};
use supra_core::fund::{FundCode, FundError, FundLine, FundStatus};
use supra_core::lang::Lang;
use supra_core::record::{FUND_SCHEMA, Record};
use supra_core::stable_id::stable_id;
use supra_core::state_dir::append_line;

use crate::args::{Format, FundArgs};
use crate::attempt::attempt;

pub(crate) fn execute(args: &FundArgs, session: &mut Session) -> Result<Exit, CliError> {
    args.fill(&mut session.settings);
    let target = take(&args.input, &["lottery_addr", "client_addr"], session).map_err(FundError::from);
    let mut line = begin(session);
    let is_text = args.output.format.map_or(session.is_terminal(), |format| format == Format::Text);
    // A terminal shows the sentence on stdout, and does not need it twice.
    let is_shown = is_text && session.is_terminal();
    let result = target.and_then(|name| {
        line.name = name;
        attempt(args, &mut line, session)
    });
    if let Err(error) = result {
        line.status = status_of(error.code);
        // A top-up that only has to wait needs nobody: cron would send a mail for every run.
        if line.status != FundStatus::Waiting {
            if !is_shown {
                let level = if line.status == FundStatus::Busy { "warning" } else { "error" };
                session.log(level, &error.message);
            }
            if let Some(hint) = &error.hint {
                session.log("info", hint);
            }
        }
        line.error = Some(error);
    }
    let exit = exit_of(&line);
    finish(&mut line, exit);
    fault_point("before_log");
    // A log that could not be written before is not tried again: the line says so.
    let is_unwritable = line.error.as_ref().is_some_and(|error| error.code == FundCode::Log);
    let log = args.output.log_file.as_ref().filter(|_| !is_unwritable);
    let logged = log.map_or(Ok(()), |path| append_line(path, &text(&line)));
    if is_text {
        let lang = dvrf_cli::args::lang(&session.settings).unwrap_or(Lang::En);
        session.out.text(&format!("{}\n", plain(&sentence(&line, lang))))?;
    } else {
        session.out.record(&Record::from_fields(&line)?, args.output.pretty)?;
    }
    if let Err(error) = logged {
        // What was done is on stdout; that it is not in the log must not pass unseen.
        session.log_error(&error.into());
        return Ok(Exit::CannotAnswer);
    }
    Ok(exit)
}

fn begin(session: &Session) -> FundLine {
    let time = session.now.as_nanosecond().to_string();
    let text = |variable| session.settings.text(variable).map(str::to_owned);
    FundLine {
        timestamp: session.now.to_string(),
        status: FundStatus::Error,
        funding: None,
        top_up: None,
        spent_day: None,
        spent_month: None,
        error: None,
        exit_code: 2,
        schema: FUND_SCHEMA.to_owned(),
        run_id: stable_id(&["fund", &time, &std::process::id().to_string()]),
        level: String::new(),
        event: String::new(),
        name: None,
        profile: text(&variables::PROFILE),
        lottery_addr: text(&variables::LOTTERY_ADDR),
        deposit_addr: text(&variables::DEPOSIT_ADDR),
        client_addr: text(&variables::CLIENT_ADDR),
    }
}

pub(crate) fn finish(line: &mut FundLine, exit: Exit) {
    line.exit_code = exit.code();
    line.event = format!("fund.{}", line.status.name());
    let level = match line.status {
        FundStatus::Error | FundStatus::Failed | FundStatus::Refused => "error",
        FundStatus::Busy | FundStatus::Waiting => "warn",
        _ => "info",
    };
    level.clone_into(&mut line.level);
}

/// The line of JSON; it is made of strings and numbers, and always has a form.
pub(crate) fn text(line: &FundLine) -> String {
    serde_json::to_string(line).unwrap_or_default()
}

/// The status of a run that this ended.
fn status_of(code: FundCode) -> FundStatus {
    use FundCode as C;
    match code {
        C::Busy => FundStatus::Busy,
        C::CoolingDown | C::JournalNew | C::ToppedUpMeanwhile => FundStatus::Waiting,
        C::MaxAmount
        | C::MaxPerDay
        | C::MaxPerMonth
        | C::Reserve
        | C::LimitMissing
        | C::SignerUnknown
        | C::OwnFunction
        | C::ClientNotWhitelisted
        | C::DepositPaused
        | C::TargetTooLow
        | C::Declined => FundStatus::Refused,
        C::NotSent | C::TransactionFailed | C::NotConfirmed => FundStatus::Failed,
        _ => FundStatus::Error,
    }
}

fn exit_of(line: &FundLine) -> Exit {
    match line.status {
        FundStatus::Enough | FundStatus::ToppedUp | FundStatus::Reconciled | FundStatus::Waiting => {
            Exit::Done
        }
        FundStatus::Refused => Exit::No,
        FundStatus::Busy => Exit::Busy,
        FundStatus::Failed | FundStatus::Submitting | FundStatus::Error => Exit::CannotAnswer,
    }
}

/// What a run did, for the person at the terminal.
fn sentence(line: &FundLine, lang: Lang) -> String {
    let supra = line.top_up.as_ref().map(|sent| sent.amount.supra()).unwrap_or_default();
    match line.status {
        FundStatus::Enough => {
            lang.pick("the deposit is not low: nothing was sent", "депозита достаточно: ничего не отправлено")
        }
        FundStatus::ToppedUp => {
            let after = line.top_up.as_ref().and_then(|sent| sent.balance_after);
            let after = after.map(|after| {
                let supra = after.supra();
                lang.pick(format!(": the deposit is {supra} SUPRA"), format!(": теперь {supra} SUPRA"))
            });
            let hash = line.top_up.as_ref().and_then(|sent| sent.tx_hash.as_deref());
            let hash =
                hash.map(|hash| lang.pick(format!(", transaction {hash}"), format!(", транзакция {hash}")));
            let done =
                lang.pick(format!("topped up {supra} SUPRA"), format!("депозит пополнен на {supra} SUPRA"));
            [Some(done), after, hash].into_iter().flatten().collect()
        }
        status => match &line.error {
            Some(error) => format!("{}: {}", status.name().replace('_', " "), error.message),
            None => status.name().replace('_', " "),
        },
    }
}
