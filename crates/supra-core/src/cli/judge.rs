//! Judging one record of a stream and adding its verdict.

use serde_json::Value;

use super::{CliError, Session};
use crate::check::{Checks, Facts, Policy, Status, evaluate, evaluate_failure};
use crate::exit::Exit;
use crate::min_balance::Calculation;
use crate::record::Record;
use crate::state::State;
use crate::views::Views;

/// Judges, sets the record's `checks`, and says which exit the verdict means.
pub fn judge(record: &mut Record, policy: &Policy, session: &Session) -> Result<(Checks, Exit), CliError> {
    let checks = if let Some(state) = record.get::<State>("state")? {
        let views: Views = record.get("views")?.unwrap_or_default();
        // The settings of this run go before what the report was made with.
        let calculation: Option<Calculation> = match crate::live::calculation(&session.settings)? {
            None => record.get("calculation")?,
            given => given,
        };
        let now = read_at(record).unwrap_or(session.now);
        evaluate(Facts { state: &state, views: &views, calculation: calculation.as_ref(), now }, policy)
    } else {
        let error: Value = record.get("error")?.unwrap_or_default();
        let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or("no state").to_owned();
        evaluate_failure(&text("kind"), &text("message"), policy)
    };
    record.set("checks", &checks)?;
    let exit = match checks.status {
        Status::Ok => Exit::Done,
        Status::Alert => Exit::No,
        Status::Unknown => Exit::CannotAnswer,
    };
    Ok((checks, exit))
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
