//! The loop that every tool shares: records in, filled where they are bare targets, one exit for all of them.

use super::fleet::Fleet;
use super::input::{InputArgs, Records, Source};
use super::{CliError, Session, chain};
use crate::collect::adopt::adopt;
use crate::exit::Exit;
use crate::failure::{Failure, FailureKind};
use crate::live::fail;
use crate::record::{Record, RecordError};

/// A record at the stage that tools read: with a state, or with an error that says why it has none.
#[derive(Debug)]
pub struct Filled {
    /// The record.
    pub record: Record,
    /// What stderr must still hear about it.
    pub failure: Option<Failure>,
    /// What the run's code must say of it before it is judged.
    pub exit: Exit,
}

impl Filled {
    /// A record that is what it should be.
    pub fn whole(record: Record) -> Self {
        Self { record, failure: None, exit: Exit::Done }
    }

    /// A record that says by itself why it is no answer.
    pub fn unanswered(record: Record) -> Self {
        Self { exit: Exit::CannotAnswer, ..Self::whole(record) }
    }

    /// A record that says what failed. Where even that cannot be written, the failure itself is the answer.
    pub fn refused(mut record: Record, failure: Failure, now: jiff::Timestamp) -> Self {
        let failure = match fail(&mut record, &failure, now) {
            Ok(()) => failure,
            Err(error) => unusable(&error),
        };
        Self { record, failure: Some(failure), exit: Exit::CannotAnswer }
    }
}

/// Takes a filled record; `false` when there is no need for more.
pub type Take<'a> = &'a mut dyn FnMut(Filled, &mut Session) -> Result<bool, CliError>;

/// How bare targets are filled.
pub trait Fill {
    /// The target of the settings.
    fn one(session: &mut Session) -> Result<Filled, CliError>;

    /// `first` and everything that follows it.
    fn all(first: Record, rest: Records, session: &mut Session, take: Take) -> Result<(), CliError>;
}

/// Calls `act` for every record of the run. A record that cannot be read is said on stderr, appears on stdout as a
/// record with `error`, and does not stop the others.
pub fn each(
    input: &InputArgs,
    session: &mut Session,
    act: impl FnMut(&mut Record, &mut Session) -> Result<Exit, CliError>,
) -> Result<Exit, CliError> {
    each_filled_by::<Fleet>(input, session, act)
}

/// The same for a tool that has its targets filled otherwise than by asking the chain itself.
pub fn each_filled_by<F: Fill>(
    input: &InputArgs,
    session: &mut Session,
    mut act: impl FnMut(&mut Record, &mut Session) -> Result<Exit, CliError>,
) -> Result<Exit, CliError> {
    let mut exit = Exit::Done;
    let mut take = |mut filled: Filled, session: &mut Session| {
        if let Some(failure) = &filled.failure {
            session.say_failure(failure);
        }
        exit = exit.and(filled.exit).and(act(&mut filled.record, session)?);
        Ok(!session.out.closed())
    };
    match input.open(session)? {
        Source::Live => {
            let filled = F::one(session)?;
            take(filled, session)?;
        }
        Source::Records(mut records) => loop {
            if records.may_wait() {
                session.out.flush()?;
            }
            match next(&mut records, session.now) {
                None => break,
                Some(Next::Target(first)) => {
                    F::all(first, records, session, &mut take)?;
                    break;
                }
                Some(Next::Filled(filled, last)) => {
                    if !take(filled, session)? || last {
                        break;
                    }
                }
            }
        },
    }
    Ok(exit)
}

/// No target can be asked about; the other records of the stream are as good as ever.
pub(super) fn refuse_targets(
    failure: &Failure,
    first: Record,
    rest: &mut Records,
    session: &mut Session,
    take: Take,
) -> Result<(), CliError> {
    let mut turn = Some(Next::Target(first));
    while let Some(next_one) = turn {
        let (filled, last) = match next_one {
            Next::Target(record) => (Filled::refused(record, failure.clone(), session.now), false),
            Next::Filled(filled, last) => (filled, last),
        };
        if !take(filled, session)? || last {
            break;
        }
        turn = next(rest, session.now);
    }
    Ok(())
}

/// Says on stderr and in the record why it is no answer. What is wrong with one record must not cost the others; what
/// is wrong with the output ends the run.
pub fn refuse(record: &mut Record, error: CliError, session: &Session) -> Result<Exit, CliError> {
    let failure = match error {
        CliError::Failure(failure) => failure,
        CliError::Record(error) => unusable(&error),
        other => return Err(other),
    };
    session.say_failure(&failure);
    fail(record, &failure, session.now)?;
    Ok(Exit::CannotAnswer)
}

/// The failure of a record that lacks or garbles what is read.
pub(super) fn unusable(error: &RecordError) -> Failure {
    Failure::new(FailureKind::Input, format!("cannot use a record: {}", chain(error)))
}

/// What comes next in a stream.
pub(super) enum Next {
    /// A record that needs no asking, and whether nothing can follow it.
    Filled(Filled, bool),
    /// A bare target.
    Target(Record),
}

/// Reads on. What cannot be read becomes a record that says so.
pub(super) fn next(records: &mut Records, now: jiff::Timestamp) -> Option<Next> {
    let read = records.next_record()?;
    Some(match read {
        Ok(record) => sort(record, now),
        Err(error) => {
            let last = Records::is_final(&error);
            let failure = match error {
                CliError::Failure(failure) => failure,
                other => Failure::new(FailureKind::Input, chain(&other)),
            };
            Next::Filled(Filled::refused(Record::new(), failure, now), last)
        }
    })
}

/// Which stage a record is at.
fn sort(mut record: Record, now: jiff::Timestamp) -> Next {
    let whole = |record| Next::Filled(Filled::whole(record), false);
    let refused = |record, failure| Next::Filled(Filled::refused(record, failure, now), false);
    if record.has("state") {
        return whole(record);
    }
    if record.has("error") {
        return Next::Filled(Filled::unanswered(record), false);
    }
    if record.has("deposit") || record.has("calculation") {
        // The old script wrote it: its answers are read as far as they go.
        return match adopt(&mut record) {
            Ok(()) => whole(record),
            Err(error) => refused(record, unusable(&error)),
        };
    }
    if record.has("lottery_addr") || record.has("client_addr") {
        // What was said of an earlier reading is not true of the one to come.
        for key in ["checks", "readiness", "requests", "metrics", "notifications"] {
            record.remove(key);
        }
        return Next::Target(record);
    }
    let failure = Failure::new(FailureKind::Input, "the record is neither a report nor a target")
        .with_hint("a target is {\"lottery_addr\": …} or {\"client_addr\": …}");
    refused(record, failure)
}
