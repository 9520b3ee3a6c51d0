//! The loop that every tool shares: records in, filled where they are bare targets, one exit for all of them.

use super::input::{InputArgs, Records, Source};
use super::{CliError, Session, chain};
use crate::collect::adopt::adopt;
use crate::exit::Exit;
use crate::failure::{Failure, FailureKind};
use crate::live::{Live, fail};
use crate::record::Record;

/// Calls `act` for every record of the run. A record that cannot be read is said on stderr, appears on stdout as a
/// record with `error`, and does not stop the others.
pub fn each(
    input: &InputArgs,
    session: &mut Session,
    mut act: impl FnMut(&mut Record, &mut Session) -> Result<Exit, CliError>,
) -> Result<Exit, CliError> {
    let mut records = match input.open(session)? {
        Source::Records(records) => records,
        Source::Live => {
            let mut record = Record::new();
            let exit = ask(&mut None, &mut record, session)?;
            return Ok(exit.and(act(&mut record, session)?));
        }
    };
    let mut live = None;
    let mut exit = Exit::Done;
    while let Some(next) = records.next_record() {
        let (mut record, ended) = match next {
            Ok(mut record) => {
                exit = exit.and(prepare(&mut live, &mut record, session)?);
                (record, false)
            }
            Err(error) => {
                let mut record = Record::new();
                let failure = match &error {
                    CliError::Failure(failure) => failure.clone(),
                    other => Failure::new(FailureKind::Input, chain(other)),
                };
                exit = exit.and(refuse(&failure, &mut record, session)?);
                (record, Records::is_final(&error))
            }
        };
        exit = exit.and(act(&mut record, session)?);
        if ended || session.out.closed() {
            break;
        }
    }
    Ok(exit)
}

/// Brings a record to the stage that this tool reads: one with a state or an error is, a bare target is asked about.
fn prepare(
    live: &mut Option<Result<Live, Failure>>,
    record: &mut Record,
    session: &Session,
) -> Result<Exit, CliError> {
    if record.has("error") && !record.has("state") {
        return Ok(Exit::CannotAnswer);
    }
    if record.has("state") {
        return Ok(Exit::Done);
    }
    if record.has("deposit") || record.has("calculation") {
        // The old script wrote it: its answers are read as far as they go.
        adopt(record)?;
        return Ok(Exit::Done);
    }
    if !record.has("lottery_addr") && !record.has("client_addr") {
        let failure = Failure::new(FailureKind::Input, "the record is neither a report nor a target")
            .with_hint("a target is {\"lottery_addr\": …} or {\"client_addr\": …}");
        return refuse(&failure, record, session);
    }
    ask(live, record, session)
}

/// Asks the chain about the record's target; the way to the chain is opened once and kept.
fn ask(
    live: &mut Option<Result<Live, Failure>>,
    record: &mut Record,
    session: &Session,
) -> Result<Exit, CliError> {
    let live = match live.get_or_insert_with(|| Live::open(&session.settings)) {
        Ok(live) => live,
        Err(failure) => return refuse(failure, record, session),
    };
    let failure = match live.fill(record, session.now)? {
        Ok(collected) => collected.failure().map(|(_, failure)| failure),
        Err(failure) => Some(failure),
    };
    let Some(failure) = failure else { return Ok(Exit::Done) };
    session.say_failure(&failure);
    Ok(Exit::CannotAnswer)
}

fn refuse(failure: &Failure, record: &mut Record, session: &Session) -> Result<Exit, CliError> {
    session.say_failure(failure);
    fail(record, failure, session.now)?;
    Ok(Exit::CannotAnswer)
}
