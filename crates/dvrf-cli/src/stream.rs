//! The records of a stream, sorted by what has to be done with them: reports pass on, bare targets are asked about.

use supra_core::collect::legacy_report::upgrade;
use supra_core::failure::{Failure, FailureKind};
use supra_core::record::{Record, RecordError};
use supra_core::report::Report;

use crate::connect::fail;
use crate::exit::Exit;
use crate::input::Records;
use crate::{CliError, Session, chain};

/// A record at the stage that tools read: with a report, or with an error that says why it has none.
#[derive(Debug)]
pub struct ReportItem {
    /// The record, as it came or as the chain's answers made it.
    pub record: Record,
    /// The typed report, where this process made it.
    report: Option<Box<Report>>,
    /// What has still to be logged about it.
    pub(crate) failure: Option<Failure>,
    /// What the record means for the exit code before it is checked.
    pub(crate) exit: Exit,
}

impl ReportItem {
    /// A record that is what it should be.
    pub(crate) fn whole(record: Record) -> Self {
        Self { record, report: None, failure: None, exit: Exit::Done }
    }

    /// A record that says by itself why it is no answer.
    pub(crate) fn unanswered(record: Record) -> Self {
        Self { exit: Exit::CannotAnswer, ..Self::whole(record) }
    }

    /// A record that says what failed. Where even that cannot be written, the failure itself is the answer.
    pub(crate) fn refused(mut record: Record, failure: Failure, now: jiff::Timestamp) -> Self {
        let failure = match fail(&mut record, &failure, now) {
            Ok(()) => failure,
            Err(error) => unusable(&error),
        };
        Self { failure: Some(failure), ..Self::unanswered(record) }
    }

    /// A record that this process filled, with the report it was filled from.
    pub(crate) fn filled(record: Record, report: Report, failure: Option<Failure>) -> Self {
        let exit = if failure.is_some() { Exit::CannotAnswer } else { Exit::Done };
        Self { record, report: Some(Box::new(report)), failure, exit }
    }

    /// The typed report: the one that this process made, else the one that the record holds.
    pub fn report(&mut self) -> Result<Report, RecordError> {
        self.report.take().map_or_else(|| Report::of(&self.record), |report| Ok(*report))
    }

    /// Logs an error and writes it into the record, which is then no answer. What is wrong with one record must not
    /// cost the others; what is wrong with the output ends the run.
    pub fn refuse(&mut self, error: CliError, session: &Session) -> Result<Exit, CliError> {
        let failure = match error {
            CliError::Failure(failure) => failure,
            CliError::Record(error) => unusable(&error),
            other => return Err(other),
        };
        session.say_failure(&failure);
        fail(&mut self.record, &failure, session.now)?;
        self.report = None;
        Ok(Exit::CannotAnswer)
    }
}

/// The failure of a record that lacks or garbles what is read.
pub(crate) fn unusable(error: &RecordError) -> Failure {
    Failure::new(FailureKind::Input, format!("cannot use a record: {}", chain(error)))
}

/// What comes next in a stream.
pub(crate) enum StreamItem {
    /// A record that needs no asking, and whether nothing can follow it.
    Report(ReportItem, bool),
    /// A bare target.
    Target(Record),
}

/// Reads on. What cannot be read becomes a record that says so.
pub(crate) fn next(records: &mut Records, now: jiff::Timestamp) -> Option<StreamItem> {
    let read = records.next_record()?;
    Some(match read {
        Ok(record) => sort(record, now),
        Err(error) => {
            let last = Records::is_final(&error);
            let failure = match error {
                CliError::Failure(failure) => failure,
                other => Failure::new(FailureKind::Input, chain(&other)),
            };
            StreamItem::Report(ReportItem::refused(Record::new(), failure, now), last)
        }
    })
}

/// Which stage a record is at.
fn sort(mut record: Record, now: jiff::Timestamp) -> StreamItem {
    let whole = |record| StreamItem::Report(ReportItem::whole(record), false);
    let refused = |record, failure| StreamItem::Report(ReportItem::refused(record, failure, now), false);
    if record.has("state") {
        return whole(record);
    }
    if record.has("error") {
        return StreamItem::Report(ReportItem::unanswered(record), false);
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
        return StreamItem::Target(record);
    }
    let failure = Failure::new(FailureKind::Input, "the record is neither a report nor a target")
        .with_hint("a target is {\"lottery_addr\": …} or {\"client_addr\": …}");
    refused(record, failure)
}
