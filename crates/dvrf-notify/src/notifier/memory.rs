//! Reads and saves the alert state of a subscription.

use std::time::Duration;

use crate::alert_state::AlertState;
use crate::planner::Verdict;
use dvrf_cli::Session;
use dvrf_cli::settings::{Settings, variables};
use supra_core::error::Error;
use supra_core::failure::{FailureKind, quote};
use supra_core::report::SubscriptionId;
use supra_core::stable_id::stable_id;
use supra_core::state_dir::{LockedState, StateDir, StateError};

/// The identity of a subscription. Settings stand in for addresses that the report lacks, so that a run that could not
/// read the chain finds the same state.
pub(crate) fn subscription_key(id: &SubscriptionId, settings: &Settings) -> String {
    let part = |read: &Option<String>, variable| {
        read.clone().or_else(|| settings.text(variable).map(str::to_owned)).unwrap_or_else(|| "-".to_owned())
    };
    let lottery = part(&id.lottery, &variables::LOTTERY_ADDR);
    let client = match part(&id.client, &variables::CLIENT_ADDR) {
        client if client == "-" => lottery.clone(),
        client => client,
    };
    format!("{} {lottery} {client}", part(&id.deposit, &variables::DEPOSIT_ADDR))
}

/// The identity of a lottery's draws.
pub(crate) fn draw_key(id: &SubscriptionId, settings: &Settings) -> String {
    format!("draw {}", subscription_key(id, settings))
}

/// The name of a subscription's files.
pub(super) fn state_name(key: &str) -> String {
    format!("notify-{}", stable_id(&[key]))
}

/// Locks and reads the alert state of a subscription. An unusable file is moved aside and replaced by a new state.
pub(super) fn load(
    state_dir: &StateDir,
    wait: Duration,
    verdict: &Verdict,
    session: &Session,
) -> Result<(LockedState, AlertState), StateError> {
    let file = state_dir.lock(&state_name(verdict.key), wait)?;
    let Some(bytes) = file.read("json")? else { return Ok((file, AlertState::new(verdict.key))) };
    let state = match AlertState::parse(&bytes, verdict.key) {
        Ok(state) => state,
        Err(why) => {
            let aside = file.quarantine("json")?;
            let (why, aside) = (quote(&why), aside.display());
            let text =
                format!("the memory cannot be read ({why}); it is now {aside}, and a new one is begun");
            session.log("warning", &text);
            AlertState::lost(verdict.key)
        }
    };
    Ok((file, state))
}

/// Saves the alert state, and logs a failure; whether it succeeded.
pub(super) fn save(file: &LockedState, state: &AlertState, session: &Session) -> bool {
    let error: Error = match serde_json::to_vec(state) {
        Ok(bytes) => match file.replace("json", &bytes) {
            Ok(()) => return true,
            Err(error) => error.into(),
        },
        Err(error) => Error::new(FailureKind::Output, error.to_string()),
    };
    session.log_error(&error);
    false
}
