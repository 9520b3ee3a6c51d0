//! The records of a stream, sorted by what has to be done with them: reports pass on, bare targets are asked about.

use supra_core::collect::legacy_report::upgrade;
use supra_core::failure::{Failure, FailureKind};
use supra_core::record::{Record, RecordError};

use crate::connect::fail;
use crate::exit::Exit;
use crate::input::Records;
use crate::{CliError, Session, chain};

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
pub(crate) fn unusable(error: &RecordError) -> Failure {
    Failure::new(FailureKind::Input, format!("cannot use a record: {}", chain(error)))
}

/// What comes next in a stream.
pub(crate) enum Next {
    /// A record that needs no asking, and whether nothing can follow it.
    Filled(Filled, bool),
    /// A bare target.
    Target(Record),
}

/// Reads on. What cannot be read becomes a record that says so.
pub(crate) fn next(records: &mut Records, now: jiff::Timestamp) -> Option<Next> {
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
        return match upgrade(&mut record) {
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
