//! Judging the records of a stream: what each is judged by, and the exit that its verdict means.

use super::policy::PolicyArgs;
use super::{CliError, Session, chain};
use crate::check::{Checks, Facts, Policy, ReportError, Status, evaluate, evaluate_failure};
use crate::exit::Exit;
use crate::failure::{Failure, FailureKind};
use crate::min_balance::Calculation;
use crate::record::{Record, RecordError};
use crate::state::State;
use crate::views::Views;

/// What every record of a run is judged by; the settings are read once.
pub struct Judge {
    /// What is demanded.
    pub policy: Policy,
    /// The formula of this run's settings, which goes before the one a report was made with.
    calculation: Option<Calculation>,
}

impl Judge {
    /// Reads flags and settings.
    pub fn new(args: &PolicyArgs, session: &Session) -> Result<Self, Failure> {
        let calculation = crate::live::calculation(&session.settings)?;
        Ok(Self { policy: args.policy(&session.settings)?, calculation })
    }

    /// Judges, sets the record's `checks`, and says which exit the verdict means. A record whose keys are not ours
    /// cannot be judged, and does not stop the others.
    pub fn judge(&self, record: &mut Record, session: &Session) -> Result<(Checks, Exit), CliError> {
        let checks = self.evaluate(record, session).unwrap_or_else(|error| {
            let message = chain(&error);
            session.say("error", &format!("{}: {message}", name_of(record)));
            let kind = FailureKind::Input.name().to_owned();
            evaluate_failure(&ReportError { kind, message, view: None }, &self.policy)
        });
        record.set("checks", &checks)?;
        let exit = exit_of(&checks);
        Ok((checks, exit))
    }

    /// The verdict that an earlier stage put into the record, or else ours. One whose shape is not ours is judged
    /// again: it may be of a later version.
    pub fn checks(&self, record: &mut Record, session: &Session) -> Result<(Checks, Exit), CliError> {
        match record.get::<Checks>("checks") {
            Ok(Some(checks)) => {
                let exit = exit_of(&checks);
                Ok((checks, exit))
            }
            _ => self.judge(record, session),
        }
    }

    /// The formula that a record is judged by: this run's, else the one that the report was made with.
    pub fn calculation(&self, record: &Record) -> Result<Option<Calculation>, RecordError> {
        match &self.calculation {
            None => record.get("calculation"),
            own => Ok(own.clone()),
        }
    }

    fn evaluate(&self, record: &Record, session: &Session) -> Result<Checks, RecordError> {
        let error: Option<ReportError> = record.get("error")?;
        let Some(state) = record.get::<State>("state")? else {
            return Ok(evaluate_failure(&error.unwrap_or_default(), &self.policy));
        };
        let views: Views = record.get("views")?.unwrap_or_default();
        let calculation = self.calculation(record)?;
        let facts = Facts {
            state: &state,
            views: &views,
            error: error.as_ref(),
            calculation: calculation.as_ref(),
            now: read_at(record).unwrap_or(session.now),
        };
        Ok(evaluate(facts, &self.policy))
    }
}

fn exit_of(checks: &Checks) -> Exit {
    match checks.status {
        Status::Ok => Exit::Done,
        Status::Alert => Exit::No,
        Status::Unknown => Exit::CannotAnswer,
    }
}

/// When the report was made: a report that is judged later is not a stale chain.
fn read_at(record: &Record) -> Option<jiff::Timestamp> {
    record.get::<String>("timestamp").ok()??.parse().ok()
}

/// What a record is called: its profile, else its client.
pub fn name_of(record: &Record) -> String {
    let text = |key: &str| record.get::<String>(key).ok().flatten();
    text("profile")
        .or_else(|| text("client_addr"))
        .or_else(|| text("lottery_addr"))
        .unwrap_or_else(|| "-".to_owned())
}
