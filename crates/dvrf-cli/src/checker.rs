//! Judging the records of a stream: what each is judged by, and the exit that its verdict means.

use super::args::StateArgs;
use super::policy::PolicyArgs;
use super::{CliError, Session, chain};
use crate::exit::Exit;
use supra_core::amount::Count;
use supra_core::check::{Checks, Facts, Policy, ReportError, Status, evaluate, evaluate_failure};
use supra_core::failure::{Failure, FailureKind};
use supra_core::min_balance::Calculation;
use supra_core::record::{Record, RecordError};
use supra_core::requests::Requests;
use supra_core::state::State;
use supra_core::state_dir::StateDir;
use supra_core::view_report::Views;

/// What every record of a run is judged by; the settings are read once.
pub struct Checker {
    /// What is demanded.
    pub policy: Policy,
    /// The formula of this run's settings, which goes before the one a report was made with.
    calculation: Option<Calculation>,
    /// Where the first sight of a pending request is remembered.
    memory: Option<StateDir>,
}

/// The pending request that earlier runs saw.
#[derive(serde::Serialize, serde::Deserialize)]
struct PendingSince {
    nonce: Option<Count>,
    /// RFC 3339.
    since: String,
}

impl Checker {
    /// Reads flags and settings.
    pub fn new(args: &PolicyArgs, session: &Session) -> Result<Self, Failure> {
        let calculation = crate::connect::calculation(&session.settings)?;
        let memory = StateArgs::open(&session.settings)?;
        Ok(Self { policy: args.policy(&session.settings)?, calculation, memory })
    }

    /// When the pending request was first seen, and remembers it for later runs. A memory that fails is said and
    /// costs only the age.
    fn pending_since(&self, state: &State, record: &Record, session: &Session) -> Option<jiff::Timestamp> {
        let memory = self.memory.as_ref()?;
        let nonce = state.lottery.pending_nonce.as_ref().and_then(|nonce| nonce.0);
        let pending = state.lottery.pending_request?;
        let remembered = (|| -> Result<Option<jiff::Timestamp>, Failure> {
            let held = memory.lock(&memory_name(record), std::time::Duration::from_secs(5))?;
            let known =
                held.read("json")?.and_then(|bytes| serde_json::from_slice::<PendingSince>(&bytes).ok());
            if !pending {
                if known.is_some() {
                    held.replace("json", b"null")?;
                }
                return Ok(None);
            }
            // A nonce that was not read is no other nonce: the age goes on.
            let same =
                |sight: &PendingSince| nonce.is_none() || sight.nonce.is_none() || sight.nonce == nonce;
            let known = known.filter(same);
            let known_since = known.as_ref().and_then(|sight| sight.since.parse().ok());
            if known.is_some_and(|sight| nonce.is_none() || sight.nonce == nonce) && known_since.is_some() {
                return Ok(known_since);
            }
            let since = known_since.or_else(|| read_at(record)).unwrap_or(session.now);
            held.replace(
                "json",
                &serde_json::to_vec(&PendingSince { nonce, since: since.to_string() }).unwrap_or_default(),
            )?;
            Ok(Some(since))
        })();
        remembered.unwrap_or_else(|failure| {
            session.say_failure(&failure);
            None
        })
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
        let requests: Option<Requests> = record.get("requests")?;
        let now = read_at(record).unwrap_or(session.now);
        let facts = Facts {
            requests: requests.as_ref(),
            pending_since: self.pending_since(&state, record, session),
            state: &state,
            views: &views,
            error: error.as_ref(),
            calculation: calculation.as_ref(),
            now,
        };
        Ok(evaluate(facts, &self.policy))
    }
}

/// One memory for each lottery of each client.
fn memory_name(record: &Record) -> String {
    let text = |key: &str| record.get::<String>(key).ok().flatten().unwrap_or_default();
    let target = format!("{} {} {}", text("deposit_addr"), text("client_addr"), text("lottery_addr"));
    format!("pending-{}", supra_core::stable_id::stable_id(&[&target]))
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
