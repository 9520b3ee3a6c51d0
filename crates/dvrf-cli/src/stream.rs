//! The items of a record stream: reports are passed on, bare targets are read from the chain.

use supra_core::collect::legacy_report::upgrade;
use supra_core::failure::{Failure, FailureKind};
use supra_core::record::{DRAW_SCHEMA, FUND_SCHEMA, Record, RecordError};
use supra_core::report::Report;

use crate::connect::fail;
use crate::exit::Exit;
use crate::input::Records;
use crate::{CliError, Session, chain};

/// A record that holds a report, or an error that says why it has none.
#[derive(Debug)]
pub struct ReportItem {
    /// The record, as it was read or as this process filled it.
    pub record: Record,
    /// The typed report, if this process read the chain.
    report: Option<Box<Report>>,
    /// An error that has not been logged yet.
    pub(crate) failure: Option<Failure>,
    /// The exit that the record implies before it is checked.
    pub(crate) exit: Exit,
}

impl ReportItem {
    /// A complete record.
    pub(crate) fn whole(record: Record) -> Self {
        Self { record, report: None, failure: None, exit: Exit::Done }
    }

    /// A record that already holds its error.
    pub(crate) fn unanswered(record: Record) -> Self {
        Self { exit: Exit::CannotAnswer, ..Self::whole(record) }
    }

    /// A record that gets an error written into it.
    pub(crate) fn refused(mut record: Record, failure: Failure, now: jiff::Timestamp) -> Self {
        let failure = match fail(&mut record, &failure, now) {
            Ok(()) => failure,
            Err(error) => unusable(&error),
        };
        Self { failure: Some(failure), ..Self::unanswered(record) }
    }

    /// A record that this process filled, with its report.
    pub(crate) fn filled(record: Record, report: Report, failure: Option<Failure>) -> Self {
        let exit = if failure.is_some() { Exit::CannotAnswer } else { Exit::Done };
        Self { record, report: Some(Box::new(report)), failure, exit }
    }

    /// Removes the failure of a report whose first unread value is this one, which the tool does not need.
    pub(crate) fn forgive(&mut self, view: &str) {
        let report = self.report.as_deref();
        let error = report.and_then(|report| report.error.as_ref());
        if error.is_some_and(|error| error.view.as_deref() == Some(view)) {
            self.failure = None;
            self.exit = Exit::Done;
        }
    }

    /// The exit that the record implies before it is checked.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The error that has not been logged yet.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// The report, where this process read the chain for it and [`Self::report`] has not taken it.
    pub fn live_report(&self) -> Option<&Report> {
        self.report.as_deref()
    }

    /// The typed report: the one that this process made, else the one parsed from the record.
    pub fn report(&mut self) -> Result<Report, RecordError> {
        self.report.take().map_or_else(|| Report::of(&self.record), |report| Ok(*report))
    }

    /// Logs an error and writes it into the record, so that the other records go on. An error of the output is
    /// returned and ends the run.
    pub fn refuse(&mut self, error: CliError, session: &Session) -> Result<Exit, CliError> {
        let failure = match error {
            CliError::Core(error) => Failure::from(error),
            CliError::Record(error) => unusable(&error),
            other => return Err(other),
        };
        session.log_failure(&failure);
        fail(&mut self.record, &failure, session.now)?;
        self.report = None;
        Ok(Exit::CannotAnswer)
    }
}

/// The failure for a record whose keys cannot be used.
pub(crate) fn unusable(error: &RecordError) -> Failure {
    Failure::new(FailureKind::Input, format!("cannot use a record: {}", chain(error)))
}

/// An item of a stream.
pub enum StreamItem {
    /// A record that needs no chain access, and whether it is the last one.
    Report(ReportItem, bool),
    /// A bare target.
    Target(Record),
}

/// Reads the next item. A record that cannot be read becomes one with an error.
pub fn next(records: &mut Records, now: jiff::Timestamp) -> Option<StreamItem> {
    let read = records.next_record()?;
    Some(match read {
        Ok(record) => sort(record, now),
        Err(error) => {
            let last = Records::is_final(&error);
            StreamItem::Report(ReportItem::refused(Record::new(), error.into(), now), last)
        }
    })
}

/// Decides what kind of item a record is.
fn sort(mut record: Record, now: jiff::Timestamp) -> StreamItem {
    let whole = |record| StreamItem::Report(ReportItem::whole(record), false);
    let refused = |record, failure| StreamItem::Report(ReportItem::refused(record, failure, now), false);
    let schema = record.get::<String>("schema").ok().flatten();
    let is_line = schema.is_some_and(|schema| [DRAW_SCHEMA, FUND_SCHEMA].contains(&schema.as_str()));
    if is_line || record.has("state") {
        return whole(record);
    }
    if record.has("error") {
        return StreamItem::Report(ReportItem::unanswered(record), false);
    }
    if record.has("deposit") || record.has("calculation") {
        // A report of the old script: its raw answers are decoded where possible.
        return match upgrade(&mut record) {
            Ok(()) => whole(record),
            Err(error) => refused(record, unusable(&error)),
        };
    }
    if record.has("lottery_addr") || record.has("client_addr") {
        // Results of an earlier reading do not apply to the next one.
        for key in ["checks", "readiness", "funding", "requests", "metrics", "notifications"] {
            record.remove(key);
        }
        return StreamItem::Target(record);
    }
    let failure = Failure::new(FailureKind::Input, "the record is neither a report nor a target")
        .with_hint("a target is {\"lottery_addr\": …} or {\"client_addr\": …}");
    refused(record, failure)
}
